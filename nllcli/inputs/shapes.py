"""Which axis of the logits holds the classes: it follows from the shapes, or is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nllcli.data.layout import Layout
from nllcli.errors import DataError, Notice, Remedy, UsageError, setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Shape = tuple[int | None, ...]

# Names, weights and counts are kept for every class, whatever a header claims their number to be.
MOST_CLASSES = 1 << 24
ONE_LOGIT = f"one logit a sample? {setting('binary', True)} takes it as that of class 1 of two"
BINARY = Remedy({"binary": True}, "one logit a sample, that of class 1 of two")
NOT_BINARY = Remedy({"binary": False}, "the logits have a number for each class")
LOGITS_FIRST = "the logits come first, then the targets"
_TRANSPOSED = "are the logits transposed?"


def layout_of(
    shape: Shape,
    target_shape: Shape | None,
    *,
    class_axis: int | None,
    binary: bool,
    fortran: bool,
    name: str,
    soft: bool = False,
) -> Layout:
    """The layout of logits of ``shape`` scored against targets of ``target_shape`` (None: none at all).

    ``soft`` targets have one number a class. Axes of length 1 are left out where the targets do not have them.
    """
    if not shape:
        raise DataError("is a single number, not an array of logits", where=name)
    if binary:
        return _binary_layout(shape, target_shape, class_axis, fortran, name)
    if soft and target_shape is not None:
        layout = _soft_layout(shape, target_shape, class_axis, fortran, name)
    else:
        axis = _class_axis(shape, target_shape, class_axis, name)
        layout = _squeezed_layout(shape, axis, target_shape, fortran)
    n_classes = shape[layout.array_axis]
    if n_classes == 0:
        raise DataError(f"has no classes: its shape is {shown(shape)}", where=name)
    if n_classes is not None and n_classes > MOST_CLASSES:
        raise DataError(
            f"has {n_classes} classes on axis {layout.array_axis}; the most is {MOST_CLASSES}",
            where=name,
            hint=None if len(shape) == 1 else f"{_TRANSPOSED} {setting('class_axis')} names the axis of the classes",
        )
    return layout


def shown(shape: Shape) -> str:
    """A shape as Python writes it; an unknown length is an N."""
    return "(" + ", ".join("N" if n is None else str(n) for n in shape) + ("," if len(shape) == 1 else "") + ")"


def one_column(layout: Layout, class_axis: int | None, name: str) -> UsageError | None:
    """The refusal of logits of one class, whose probability is always 1; None where there are more."""
    if layout.n_classes != 1:
        return None
    remedies = [BINARY if class_axis is None else Remedy({**BINARY.settings, "class_axis": None}, BINARY.meaning)]
    if class_axis is None and len(layout.shape) == 3 and layout.shape[2] != 1:
        remedies.append(Remedy({"class_axis": 2}, f"the {layout.shape[2]} classes are on axis 2"))
    return UsageError(
        "has one class, whose probability is always 1 and whose loss is always 0",
        where=name,
        hint=ONE_LOGIT,
        remedies=remedies,
        finding="one-column",
    )


def squeezing_notes(
    layout: Layout, shape: Shape, name: str, target_shape: Shape, target_name: str, *, soft: bool = False
) -> Iterator[Notice]:
    """The notes on axes of length 1 that the ``layout`` leaves out of the logits of ``shape`` or of the targets."""
    if layout.own_axis is not None and layout.n_classes > 1:
        yield Notice("logits-squeezed", f"{name}: shape {shown(shape)} is taken as {shown(layout.shape)}")
    wanted = layout.shape if soft else layout.sample_shape
    if len(target_shape) != len(wanted) and not _fits(wanted, target_shape):
        taken = squeezed(target_shape) or (1,) if None in wanted else wanted
        yield Notice("targets-squeezed", f"{target_name}: shape {shown(target_shape)} is taken as {shown(taken)}")


def are_one_a_class(shape: Shape, target_shape: Shape, kind: str, *, class_axis: int | None, binary: bool) -> bool:
    """Whether targets are one number a class of logits of ``shape``, not one a sample."""
    if binary:
        return kind == "f" and same_shape(shape, target_shape)
    n_dims = len(shape)
    axes = {1, n_dims - 1} if class_axis is None else {class_axis}
    if same_shape(shape, target_shape):
        axis = min(1, n_dims - 1) if class_axis is None else class_axis
        return not (-n_dims <= axis < n_dims and shape[axis] == 1)
    if n_dims > 2 and any(_fits(_without(shape, axis % n_dims), target_shape) for axis in axes):
        return False
    own, other = squeezed(shape), squeezed(target_shape)
    return len(own) > 1 and same_shape(own, other)


def in_rows(class_axis: int | None) -> bool:
    """Whether a table of logits has one sample a row, by what was asked."""
    return class_axis in (None, 1, -1)


def one_hot_refusal(
    name: str, n_dims: int = 2, remedies: Sequence[Remedy] = (), *, booleans: bool = False
) -> DataError:
    """The refusal of integers, or ``booleans``, in the shape of the logits, which has ``n_dims`` dimensions."""
    hint = "one-hot targets? write them as floating point (0.0, 1.0); they are then class probabilities"
    return DataError(
        f"holds {'booleans' if booleans else 'integers'} in the shape of the logits",
        where=name,
        hint=f"{ONE_LOGIT}; {hint}" if n_dims == 1 else hint,
        remedies=[BINARY] if n_dims == 1 else remedies,
        finding="one-hot-integers",
    )


def one_row_or_many(shape: Shape, name: str) -> UsageError:
    """The question whether logits and floating-point targets of one dimension are one sample or many."""
    n = shape[0]
    return UsageError(
        f"holds {n} numbers for {n} logits: the probabilities of {n} classes, or one label a logit?",
        where=name,
        remedies=[BINARY, Remedy({"class_axis": 0}, f"one sample of {n} classes, with the probability of each")],
    )


def other_axis(layout: Layout, target_shape: Shape) -> int | None:
    """The last axis of several classes, other than that of the layout, along which the targets would fit."""
    fitting = [
        axis
        for axis, n in enumerate(layout.shape)
        if axis != layout.class_axis
        and n is not None
        and n > 1
        and fits_loosely(_without(layout.shape, axis), target_shape)
    ]
    return fitting[-1] if fitting else None


def sample_shapes(layout: Layout) -> list[Shape]:
    """The shapes of targets with the classes on axis 1 or last, where the logits have more than two axes."""
    n_dims = len(layout.shape)
    return [_without(layout.shape, axis) for axis in (1, n_dims - 1)] if n_dims > 2 else []


def has_classes(shape: Shape, target_shape: Shape) -> bool:
    """Whether targets fit logits of ``shape`` with several classes on axis 1 or on the last one."""
    axes = {1, len(shape) - 1} if len(shape) > 1 else set()
    return any(shape[axis] != 1 and fits_loosely(_without(shape, axis), target_shape) for axis in axes)


def are_exchanged(logits_shape: Shape, target_shape: Shape) -> bool:
    """Whether the targets have one axis more than the logits, and would be logits that these fit."""
    return any(_fits(_without(target_shape, axis), logits_shape) for axis in range(len(target_shape)))


def squeezed(shape: Shape) -> Shape:
    """A shape without its axes of length 1."""
    return tuple(n for n in shape if n != 1)


def same_shape(a: Shape, b: Shape) -> bool:
    """Whether two shapes are the same, as far as they are known."""
    return len(a) == len(b) and all(x is None or y is None or x == y for x, y in zip(a, b, strict=True))


def fits_loosely(wanted: Shape, given: Shape) -> bool:
    """Whether targets of shape ``given`` fit samples of shape ``wanted``, but for axes of length 1."""
    if wanted == (None,):
        return len(squeezed(given)) <= 1
    return _fits(wanted, given) or same_shape(squeezed(wanted), squeezed(given))


def _fits(wanted: Shape, given: Shape) -> bool:
    return (wanted == () and given == (1,)) or same_shape(wanted, given)


def _class_axis(shape: Shape, target_shape: Shape | None, class_axis: int | None, name: str) -> int:
    n_dims = len(shape)
    if class_axis is not None:
        if not -n_dims <= class_axis < n_dims:
            raise UsageError(f"{setting('class_axis', class_axis)} is not an axis of shape {shown(shape)}", where=name)
        return class_axis % n_dims
    if n_dims <= 2 or target_shape is None:
        return min(1, n_dims - 1)
    fitting = [axis for axis in {1, n_dims - 1} if _fits(_without(shape, axis), target_shape)]
    if not fitting:
        fitting = [axis for axis in _long_axes(shape) if fits_loosely(_without(shape, axis), target_shape)]
    if len(fitting) > 1:
        axes = " or ".join(map(str, sorted(fitting)))
        raise UsageError(
            f"shape {shown(shape)} fits targets of shape {shown(target_shape)} with the classes on axis {axes}",
            where=name,
            remedies=[Remedy({"class_axis": axis}, f"the classes are on axis {axis}") for axis in sorted(fitting)],
            finding="class-axis-ambiguous",
        )
    return fitting[0] if fitting else 1


def _long_axes(shape: Shape) -> set[int]:
    """Axis 1 and the last one, counted with and without the axes of length 1, as far as they are longer than 1."""
    longer = [axis for axis, n in enumerate(shape) if n != 1]
    return ({1, len(shape) - 1} & set(longer)) | set(longer[1:2]) | set(longer[-1:])


def _squeezed_layout(shape: Shape, axis: int, target_shape: Shape | None, fortran: bool) -> Layout:
    """The layout with the classes on ``axis``, without axes of length 1 that the targets do not have."""
    samples = _without(shape, axis)
    if (
        target_shape is None
        or None in samples
        or _is_part(samples, target_shape)
        or not fits_loosely(samples, target_shape)
    ):
        return Layout(shape, axis, fortran)
    kept = target_shape if _is_part(target_shape, samples) else squeezed(samples)
    place = _place_among(kept, len(squeezed(shape[:axis])))
    return Layout((*kept[:place], shape[axis], *kept[place:]), place, fortran, own_axis=axis)


def _soft_layout(shape: Shape, target_shape: Shape, class_axis: int | None, fortran: bool, name: str) -> Layout:
    """The layout of logits whose targets have one number a class: in the shape of the two that has fewer axes."""
    if class_axis is not None or len(shape) <= len(target_shape):
        return Layout(shape, _class_axis(shape, None, class_axis, name), fortran)
    axis = min(1, len(target_shape) - 1)
    own = _place_among(shape, len(squeezed(target_shape[:axis])))
    return Layout(target_shape, axis, fortran, own_axis=own)


def _place_among(shape: Shape, n_longer: int) -> int:
    """The first place in ``shape`` that follows ``n_longer`` axes longer than 1, and those of length 1 before it."""
    longer = [axis for axis, n in enumerate(shape) if n != 1]
    return longer[n_longer] if n_longer < len(longer) else len(shape)


def _binary_layout(
    shape: Shape, target_shape: Shape | None, class_axis: int | None, fortran: bool, name: str
) -> Layout:
    """One logit a sample; an axis of length 1, axis 1 or the last, is that of the classes."""
    n_dims = len(shape)
    if class_axis is not None and (not -n_dims <= class_axis < n_dims or shape[class_axis] != 1):
        raise UsageError(
            f"{setting('binary', True)} has one logit a sample: axis {class_axis} of shape {shown(shape)} does not",
            where=name,
            remedies=[Remedy({"class_axis": None}, "every number is the logit of a sample")],
        )
    if None in shape and shape[1:] != (1,):
        message = f"{setting('binary', True)} takes one column of logits, not {shape[1]}"
        raise UsageError(message, where=name, remedies=[NOT_BINARY])
    own: int | None = None
    if class_axis is not None:
        own = class_axis % n_dims
    elif n_dims > 1:
        own = next((axis for axis in (1, n_dims - 1) if shape[axis] == 1), None)
    samples = shape if own is None else _without(shape, own)
    if target_shape is not None and None not in samples and _is_part(target_shape, samples):
        samples = target_shape
    if fortran and len(samples) > 1:  # the logit of a sample is the fastest axis of the file
        return Layout((1, *samples), 0, fortran=True, own_axis=own)
    return Layout((*samples, 1), len(samples), own_axis=own)


def _is_part(shorter: Shape, longer: Shape) -> bool:
    """Whether ``shorter`` is ``longer``, or what is left of it without some axes of length 1."""
    i = 0
    for n in longer:
        if i < len(shorter) and shorter[i] == n:
            i += 1
        elif n != 1:
            return False
    return i == len(shorter)


def _without(shape: Shape, axis: int) -> Shape:
    return shape[:axis] + shape[axis + 1 :]
