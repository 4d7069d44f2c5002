"""Keys of nested objects, written with dots between them, and what their values are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nllcli.errors import Remedy
from nllcli.inputs.bytes.compressed import opening_text
from nllcli.inputs.bytes.files import STANDARD_INPUT, not_there_yet, split_member
from nllcli.inputs.tables.cells import is_missing, is_number, listed_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nllcli.inputs.formats import ReadOptions

ABSENT: Any = object()
# Names under which targets are kept.
_TARGETS = frozenset(
    (
        *(
            "label",
            "labels",
            "target",
            "targets",
            "y",
            "y_true",
            "true",
            "truth",
            "gold",
            "answer",
            "class",
            "expected",
        ),
        *("label_id", "label_ids", "class_id", "class_index", "true_label", "gold_label", "actual", "reference"),
        *("ground_truth", "groundtruth", "true_class", "target_id", "label_idx", "category"),
    )
)


def leaves(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values of an object and of those within it, by their keys."""
    found: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(inner, dict) and inner:
            found.update(leaves(inner, f"{prefix}{key}."))
        else:
            found[prefix + key] = inner
    return found


def at(value: Any, path: str) -> Any:
    """The value at a key, or at keys with dots between them; ABSENT where there is none."""
    if isinstance(value, list):
        first, _, rest = path.partition(".")
        if not (first.isascii() and first.isdigit() and int(first) < len(value)):
            return ABSENT
        return at(value[int(first)], rest) if rest else value[int(first)]
    if not isinstance(value, dict):
        return ABSENT
    if path in value:
        return value[path]
    for i in (i for i, character in enumerate(path) if character == "."):
        if path[:i] in value and (found := at(value[path[:i]], path[i + 1 :])) is not ABSENT:
            return found
    return ABSENT


def objects(value: dict[str, Any], prefix: str = "") -> dict[str, dict[str, Any]]:
    """The objects within an object, by their keys."""
    found = {}
    for key, inner in value.items():
        if isinstance(inner, dict):
            found[prefix + key] = inner
            found.update(objects(inner, f"{prefix}{key}."))
    return found


def names_by_index(value: dict[str, Any]) -> list[str] | None:
    """The names in an object that has an index from 0 for each, or each for an index; None where it has not."""
    pairs = [*value.items()]
    for numbered in (pairs, [(index, label) for label, index in pairs]):
        found = {str(index): label for index, label in numbered}
        in_order = [found.get(str(i)) for i in range(len(pairs))]
        if pairs and all(isinstance(label, str) for label in in_order):
            return [str(label) for label in in_order]
    return None


def unnested(value: Any) -> Any:
    """What is alone in a list, in which it may be alone again: a batch of one sample. A list may be in text, too."""
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    if isinstance(value, str) and value.lstrip().startswith("["):
        return listed_words(value) or value
    return value


def alone(value: Any) -> Any:
    """The value that is alone in a list, or in a list of one list; anything else as it is."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value


def is_numeric(value: Any) -> bool:
    """Whether a value is a number, perhaps written as text."""
    return type(value) in (int, float) or (isinstance(value, str) and is_number(value))


def is_fraction(value: Any) -> bool:
    """Whether a value is a number that is not written as a whole one."""
    return type(value) is float or (isinstance(value, str) and is_number(value) and not value.strip("+-").isdecimal())


def are_numbers(values: Any) -> bool:
    """Whether a value is a list of numbers, of which some may be missing."""
    return (
        isinstance(values, list)
        and any(map(is_numeric, values))
        and all(is_numeric(value) or is_missing(value) for value in values)
    )


def have_fractions(values: Iterable[Any]) -> bool:
    return any(map(is_fraction, values))


def are_labels(values: Sequence[Any]) -> bool:
    """Whether values can be one target a sample: whole numbers, booleans, or text, of which some may be missing.

    Each may be alone in a list.
    """
    known = [value for value in map(alone, values) if value is not None]
    return bool(known) and (all(type(x) in (int, bool) for x in known) or all(isinstance(x, str) for x in known))


def names_targets(path: str) -> bool:
    """Whether a key is one under which targets are kept."""
    return path.rpartition(".")[2].casefold() in _TARGETS


def naming(name: str, options: ReadOptions, paths: Iterable[str], what: str) -> list[Remedy]:
    """The remedies that name one of the ``paths`` within the file; there are none for standard input."""
    if name == STANDARD_INPUT:
        return []
    old = name if options.member is None else f"{name}:{options.member}"
    mark = ":" if split_member(name)[1] is None else "."
    return [Remedy(files={old: f"{name}{mark}{path}"}, meaning=f"{what} are in {path}") for path in paths]


def opening(name: str) -> str | None:
    """The Python that opens what was read by this name; None where there is none, and for a part of a file."""
    return opening_text(name) if split_member(name)[1] is None else None


def rewriting(name: str, options: ReadOptions, ways: dict[str, str], key: str | None = None) -> list[Remedy]:
    """The remedies that write ``d``, what the file holds (at a key), in one of the ``ways``: Python, its meaning."""
    opened = opening(name)
    if options.member is not None or opened is None:
        return []
    to = not_there_yet(name.removesuffix(".gz").removesuffix(".json") + ".rows.json")
    at = "" if key is None else f"[{key!r}]"
    return [
        Remedy(
            python=f"import json; d = json.load({opened}){at}; json.dump({way}, open({to!r}, 'w'))",
            files={name: to},
            meaning=meaning,
        )
        for way, meaning in ways.items()
    ]
