"""Targets that do not belong to the logits by their shape: what is wrong, and what makes them fit."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

from nllcli.data.blocks import Scratch
from nllcli.data.dataset import nothing
from nllcli.data.settings import TOKENS
from nllcli.errors import DataError, Remedy, UsageError, setting
from nllcli.inputs import shapes
from nllcli.inputs.shapes import LOGITS_FIRST, ONE_LOGIT, Shape, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from nllcli.data.dataset import BlockSource
    from nllcli.data.layout import Layout
    from nllcli.inputs.conversions import Change

_PIECE_SAMPLES = 1 << 15


class Misfit(NamedTuple):
    """Targets of ``shape`` beside the logits of ``layout``; the paths are None for arrays in memory."""

    layout: Layout
    shape: Shape
    logits_path: str | None = None
    targets_path: str | None = None
    one_more: Callable[[], Remedy | None] = nothing
    binary: bool = False

    @property
    def wanted(self) -> list[Shape]:
        """The shapes that targets of these logits may have."""
        others = [] if self.binary else shapes.sample_shapes(self.layout)
        return list(dict.fromkeys((self.layout.sample_shape, *others)))


class _Cure(NamedTuple):
    """What makes targets fit: remedies, and a sentence where none can be written."""

    hint: str
    remedies: list[Remedy]
    finding: str = "lengths-differ"


def check_shape(misfit: Misfit, name: str, logits_name: str, logits_shape: Shape, noun: str = "targets") -> None:
    """Raise DataError unless the targets, or another ``noun``, belong to the logits by their shape.

    Lengths that are not known are compared at the end of the stream.
    """
    layout = misfit.layout
    if shapes.fits_loosely(layout.sample_shape, misfit.shape):
        return
    cure = _cure(misfit, logits_shape) if noun == "targets" else None
    needed = " or ".join(map(shown, misfit.wanted))
    raise DataError(
        f"has shape {shown(misfit.shape)}, but {logits_name} of shape {shown(logits_shape)} "
        f"needs {noun} of shape {needed}",
        where=name,
        hint=cure.hint if cure else None,
        remedies=cure.remedies if cure else (),
        finding=cure.finding if cure else "lengths-differ",
    )


def swapped(logits_path: str | None, targets_path: str | None) -> list[Remedy]:
    """The remedy for files in the wrong order."""
    if logits_path is None or targets_path is None:
        return []
    return [Remedy(files={logits_path: targets_path, targets_path: logits_path}, meaning=LOGITS_FIRST)]


def _cure(misfit: Misfit, logits_shape: Shape) -> _Cure | None:
    """What makes the targets fit: the first of what their shape allows."""
    layout, shape = misfit.layout, misfit.shape
    if misfit.binary:
        return _not_binary(misfit, logits_shape) or _rearranged(misfit)
    if _is_one_logit(misfit, logits_shape):
        return _Cure(ONE_LOGIT, [shapes.BINARY])
    axis = shapes.other_axis(layout, shape)
    if axis is not None:
        hint = f"are the logits transposed? {setting('class_axis', axis)} takes axis {axis} "
        hint += f"(length {layout.shape[axis]}) as the classes"
        remedy = Remedy({"class_axis": axis}, f"the {layout.shape[axis]} classes are on axis {axis}")
        exchanged = _rearranged(misfit) if len(shape) > 1 else None
        return _Cure(hint, [remedy, *(exchanged.remedies if exchanged else ())], "logits-transposed")
    if shapes.are_exchanged(logits_shape, shape):
        return _Cure(LOGITS_FIRST, swapped(misfit.logits_path, misfit.targets_path))
    is_longer = len(shape) == 1 and shape == _longer(layout.sample_shape)
    if is_longer and (one_more := misfit.one_more()) is not None:
        return _Cure("is the first line a header?", [one_more])
    return _one_position_off(misfit) or _rearranged(misfit) or _flat_logits(misfit, logits_shape)


def _not_binary(misfit: Misfit, logits_shape: Shape) -> _Cure | None:
    """Where the logits have an axis of classes after all."""
    if not shapes.has_classes(logits_shape, misfit.shape):
        return None
    return _Cure(f"leave {setting('binary')} out: the logits have several classes", [shapes.NOT_BINARY])


def _is_one_logit(misfit: Misfit, logits_shape: Shape) -> bool:
    """Whether there is one target for each number of a vector of logits."""
    own, other = shapes.squeezed(logits_shape), shapes.squeezed(misfit.shape)
    return misfit.shape == logits_shape or (len(own) == 1 and None not in own and own == other)


def _one_position_off(misfit: Misfit) -> _Cure | None:
    """Where the targets have one position more than the logits, or one less."""
    wanted = [shape for shape in misfit.wanted if shape[1:]]
    if any(misfit.shape == _longer(shape) for shape in wanted):
        changes: list[Change] = [
            ("{x}[..., 1:]", "later", "the logits at t predict the token at t + 1"),
            ("{x}[..., :-1]", "trimmed", "the logits at t predict the token at t, and the last token has none"),
        ]
        hint = "there is one position more than the logits have: leave the first one out, targets[:, 1:], where the "
        hint += "logits at t predict the token at t + 1"
        return _Cure(hint, _converted(misfit.targets_path, changes, integers=True))
    if any(_longer(misfit.shape) == shape for shape in wanted):
        last = misfit.layout.shape[:-1]
        after = ", :" if _longer(misfit.shape) == last else ""  # of the class axis
        changes = [
            (f"{{x}}[..., :-1{after}]", "trimmed", "the last position of the logits has no target"),
            (f"{{x}}[..., 1:{after}]", "later", "the first position of the logits has no target"),
        ]
        hint = "there is one position less than the logits have: leave out the logits of the position without a target"
        return _Cure(hint, _converted(misfit.logits_path, changes))
    return None


def _rearranged(misfit: Misfit) -> _Cure | None:
    """Where there are as many targets as samples, in an array of other axes."""
    shape = misfit.shape
    changes: list[Change] = []
    for wanted in misfit.wanted:
        if None not in wanted and _count(wanted) != _count(shape):
            continue
        if len(shape) > 1 and wanted == shape[::-1]:
            changes.append(("{x}.T", "exchanged", "the axes of the targets are exchanged"))
        elif len(wanted) <= 1 and len(shape) > 1:
            changes.append(("{x}.ravel()", "flat", f"the samples are those of {_order(shape, last=True)}"))
            changes.append(("{x}.T.ravel()", "flat", f"the samples are those of {_order(shape)}"))
        elif len(wanted) > 1 and len(shape) == 1:
            changes.append(
                (f"{{x}}.reshape{wanted}", "shaped", f"the targets are those of {_order(wanted, last=True)}")
            )
            changes.append((f"{{x}}.reshape{wanted[::-1]}.T", "shaped", f"the targets are those of {_order(wanted)}"))
    if not changes:
        return None
    hint = "there are as many targets as samples: bring them into the shape of the samples with reshape"
    return _Cure(hint, _converted(misfit.targets_path, changes, integers=True))


def _order(shape: Shape, *, last: bool = False) -> str:
    """The first places of an array along its last axis, or along its first one."""
    zeros = (0,) * (len(shape) - 1)
    return f"{(*zeros, 0)}, {(*zeros, 1) if last else (1, *zeros)}, ..."


def _flat_logits(misfit: Misfit, logits_shape: Shape) -> _Cure | None:
    """Where a vector of logits has several for each target."""
    long, n = shapes.squeezed(logits_shape), _count(misfit.shape)
    if len(long) != 1 or long[0] is None:
        return None
    return _flat(misfit.logits_path, long[0], misfit.shape) if n > 1 else None


def _flat(path: str | None, n_numbers: int, target_shape: Shape) -> _Cure | None:
    """What makes rows of ``n_numbers`` logits: their order says whether classes or samples follow each other."""
    n = _count(target_shape)
    n_classes, left = divmod(n_numbers, n)
    if left or n_classes < 2:
        return None
    changes = [
        (
            f"{{x}}.reshape({n}, {n_classes})",
            "rows",
            f"row by row: the {n_classes} classes of a sample follow each other",
        ),
        (
            f"{{x}}.reshape({n_classes}, {n}).T",
            "rows",
            f"class by class: the {n} samples of a class follow each other",
        ),
    ]
    hint = f"logits.reshape({n}, {n_classes}) where the classes of a sample follow each other, "
    hint += f"logits.reshape({n_classes}, {n}).T where the samples of a class do"
    return _Cure(hint, _converted(path, changes))


def _converted(path: str | None, changes: list[Change], *, integers: bool = False) -> list[Remedy]:
    from nllcli.inputs.conversions import conversions  # loads what reads text, which arrays do without

    return conversions(path, changes, integers=integers)


def _longer(shape: Shape) -> Shape | None:
    """The shape with one more along the last axis; None where that is not known."""
    if not shape or shape[-1] is None:
        return None
    return (*shape[:-1], shape[-1] + 1)


def _count(shape: Shape) -> int:
    return prod(n or 0 for n in shape)


def with_tokens(refusal: UsageError) -> UsageError:
    """The refusal of one number a row where there are no targets: each may be of the token that occurred."""
    tokens = Remedy({"source": TOKENS, "loss": None}, "each number is the log-probability of the token that occurred")
    refusal.remedies = (tokens, *refusal.remedies)
    return refusal


def check_classes(
    layout: Layout,
    logits: BlockSource,
    n_targets: int | None,
    *,
    class_axis: int | None,
    path: str | None = None,
    may_be_tokens: bool = False,
) -> None:
    """Raise NllError for logits of one class: one logit a sample, or those of ``n_targets`` one after another."""
    refusal = shapes.one_column(layout, class_axis, logits.name)
    if refusal is None:
        return
    if layout.n_samples is None:
        # What is not a number may be why there is one column.
        n = sum(len(chunk.load(Scratch()).logits) for chunk in logits.chunks(layout, _PIECE_SAMPLES))
        cure = _flat(path, n, (n_targets,)) if n_targets else None
        if cure is not None and n_targets:
            raise DataError(
                f"has {n} numbers in one column, for {n_targets} targets: {n // n_targets} a target",
                where=logits.name,
                hint=cure.hint,
                remedies=cure.remedies,
                finding=cure.finding,
            )
    raise with_tokens(refusal) if may_be_tokens else refusal
