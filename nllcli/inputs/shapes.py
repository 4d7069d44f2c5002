"""Which axis of the logits holds the classes: it follows from the shapes, or is refused."""

from __future__ import annotations

from nllcli.data.layout import Layout
from nllcli.errors import DataError, Remedy, UsageError, setting

Shape = tuple[int | None, ...]

# Names, weights and counts are kept for every class, whatever a header claims their number to be.
MOST_CLASSES = 1 << 24
ONE_LOGIT = f"one logit a sample? {setting('binary', True)} takes it as that of class 1 of two"
_TRANSPOSED = "are the logits transposed?"
LOGITS_FIRST = "the logits come first, then the targets"


def layout_of(
    shape: Shape, target_shape: Shape | None, *, class_axis: int | None, binary: bool, fortran: bool, name: str
) -> Layout:
    """The layout of logits of ``shape`` scored against targets of ``target_shape`` (None: soft, or none at all)."""
    if not shape:
        raise DataError("is a single number, not an array of logits", where=name)
    if binary:
        return _binary_layout(shape, fortran, name)
    axis = _class_axis(shape, target_shape, class_axis, name)
    n_classes = shape[axis]
    if n_classes == 0:
        raise DataError(f"has no classes: its shape is {shown(shape)}", where=name)
    if n_classes is not None and n_classes > MOST_CLASSES:
        raise DataError(
            f"has {n_classes} classes on axis {axis}; the most is {MOST_CLASSES}",
            where=name,
            hint=None if len(shape) == 1 else f"{_TRANSPOSED} {setting('class_axis')} names the axis of the classes",
        )
    return Layout(shape, axis, fortran)


def shown(shape: Shape) -> str:
    """A shape as Python writes it; an unknown length is an N."""
    return "(" + ", ".join("N" if n is None else str(n) for n in shape) + ("," if len(shape) == 1 else "") + ")"


def _class_axis(shape: Shape, target_shape: Shape | None, class_axis: int | None, name: str) -> int:
    n_dims = len(shape)
    if class_axis is not None:
        if not -n_dims <= class_axis < n_dims:
            raise UsageError(f"{setting('class_axis', class_axis)} is not an axis of shape {shown(shape)}", where=name)
        return class_axis % n_dims
    if n_dims <= 2 or target_shape is None:
        return min(1, n_dims - 1)
    fitting = [axis for axis in (1, n_dims - 1) if _fits(_without(shape, axis), target_shape)]
    if len(set(fitting)) > 1:
        raise UsageError(
            f"shape {shown(shape)} fits targets of shape {shown(target_shape)} with the classes on axis 1 or last",
            where=name,
            remedies=[Remedy({"class_axis": axis}, f"the classes are on axis {axis}") for axis in (1, n_dims - 1)],
            finding="class-axis-ambiguous",
        )
    return fitting[0] if fitting else 1


def check_targets(
    layout: Layout,
    target_shape: Shape,
    name: str,
    logits_name: str,
    noun: str = "targets",
    *,
    one_more: Remedy | None = None,
) -> None:
    """Raise DataError unless targets of ``target_shape``, or another ``noun``, belong to the logits.

    Lengths that are not known are compared at the end of the stream. ``one_more`` is the remedy where there is one too
    many of one dimension.
    """
    wanted = layout.sample_shape
    if None in wanted or _fits(wanted, target_shape):
        return
    finding, hint = "lengths-differ", None
    remedies: list[Remedy] = []
    if noun == "targets":
        axis = _other_axis(layout, target_shape)
        if axis is not None:
            finding = "logits-transposed"
            length = layout.shape[axis]
            hint = f"{_TRANSPOSED} {setting('class_axis', axis)} takes axis {axis} (length {length}) as the classes"
        elif target_shape == layout.shape:
            hint = ONE_LOGIT
        elif any(_fits(_without(target_shape, other), layout.shape) for other in range(len(target_shape))):
            hint = LOGITS_FIRST
        elif len(wanted) == 1 and target_shape == (_one_more(wanted[0]),):
            remedies = [] if one_more is None else [one_more]
        elif any(target_shape == (*other[:-1], _one_more(other[-1])) for other in _sample_shapes(layout) if other[1:]):
            hint = (
                "there is one position more than the logits have: leave the first one out, targets[:, 1:], where the "
                "logits at t predict the token at t + 1"
            )
    needed = " or ".join(dict.fromkeys(map(shown, (wanted, *_sample_shapes(layout)))))
    raise DataError(
        f"has shape {shown(target_shape)}, but {logits_name} of shape {shown(layout.shape)} "
        f"needs {noun} of shape {needed}",
        where=name,
        hint=hint,
        remedies=remedies,
        finding=finding,
    )


def are_one_a_class(shape: Shape, kind: str, binary: bool) -> bool:
    """Whether targets in the ``shape`` of the logits are one number a class, not one a sample."""
    if binary:
        return kind == "f"
    return shape != (1,) and shape[1:] != (1,)


def one_hot(name: str, n_dims: int = 2) -> DataError:
    """The refusal of integers in the shape of the logits, which has ``n_dims`` dimensions."""
    hint = "one-hot targets? write them as floating point (0.0, 1.0); they are then class probabilities"
    return DataError(
        "holds integers in the shape of the logits",
        where=name,
        hint=f"{ONE_LOGIT}; {hint}" if n_dims == 1 else hint,
        finding="one-hot-integers",
    )


def _other_axis(layout: Layout, target_shape: Shape) -> int | None:
    """The last axis, other than that of the classes, along which the targets would fit."""
    fitting = [
        axis
        for axis, n in enumerate(layout.shape)
        if axis != layout.class_axis and n is not None and _fits(_without(layout.shape, axis), target_shape)
    ]
    return fitting[-1] if fitting else None


def _sample_shapes(layout: Layout) -> list[Shape]:
    """The shapes of targets with the classes on axis 1 or last, where the logits have more than two axes."""
    n_dims = len(layout.shape)
    return [_without(layout.shape, axis) for axis in (1, n_dims - 1)] if n_dims > 2 else []


def _one_more(n: int | None) -> int | None:
    return None if n is None else n + 1


def _binary_layout(shape: Shape, fortran: bool, name: str) -> Layout:
    if len(shape) == 1:
        return Layout((*shape, 1), 1)
    if len(shape) == 2 and shape[1] == 1:
        return Layout(shape, 1, fortran)
    raise UsageError(f"{setting('binary', True)} takes logits of shape (N,) or (N, 1), not {shown(shape)}", where=name)


def _without(shape: Shape, axis: int) -> Shape:
    return shape[:axis] + shape[axis + 1 :]


def _fits(wanted: Shape, given: Shape) -> bool:
    return (wanted == () and given == (1,)) or same_shape(wanted, given)


def same_shape(a: Shape, b: Shape) -> bool:
    """Whether two shapes are the same, as far as they are known."""
    return len(a) == len(b) and all(x is None or y is None or x == y for x, y in zip(a, b, strict=True))
