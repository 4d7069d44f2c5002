"""Words that stand for several files of logits -> a Dataset: that of all files, one after another."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING

from nllcli.data.dataset import Dataset, LeftOut
from nllcli.errors import DataError, FaultError, NllError, NoRows, Notice, Remedy, UsageError, setting
from nllcli.inputs.arrays.npy import read_header
from nllcli.inputs.bytes.files import name_of, split_member
from nllcli.inputs.dataset import no_targets, open_files
from nllcli.inputs.doubles import refuse_copies
from nllcli.inputs.formats import NPY_MAGIC, ReadOptions, open_input
from nllcli.inputs.groups.opening import part_of
from nllcli.inputs.joined import Names, check_order, joined
from nllcli.inputs.opening import recorded, versions_of
from nllcli.inputs.shards import JoinedLogits, Run, check_same_classes, rows_of, summed_up
from nllcli.inputs.words import input_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nllcli.data.dataset import VectorSource
    from nllcli.data.settings import InputOptions
    from nllcli.inputs.bytes.files import Version
    from nllcli.inputs.words import Words

_MOST_TOLD = 3
# Files that have a header even where they hold nothing.
_NEVER_EMPTY = (".npy", ".npz", ".safetensors", ".parquet", ".feather", ".arrow")
_FILES_A_SHARD = 4


def open_several(options: InputOptions, words: Words, known: Dataset | None = None) -> Dataset:
    """Open the files that the words stand for, and check that they fit together.

    One file of targets for all may be that of a ``known`` dataset.
    """
    _allow_open_files(_FILES_A_SHARD * len(words.logits))
    if any(isinstance(files, str) for files in (words.targets, words.sample_weights, words.groups)):
        return _with_one_for_all(options, words, known)
    return _one_each(options, words)


def _allow_open_files(n: int) -> None:
    """Raise the number of files that the process may have open, as far as the system lets it."""
    with suppress(ImportError, ValueError, OSError):  # opening one too many says so
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < n + _FILES_A_SHARD**3:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _one_each(options: InputOptions, words: Words) -> Dataset:
    """Shards each of which has targets, weights and groups of its own, or none."""
    assert not isinstance(words.targets, str)
    assert not isinstance(words.sample_weights, str)
    assert not isinstance(words.groups, str)
    none = [None] * len(words.logits)
    shards: list[Dataset] = []
    failed: dict[str, NllError] = {}
    empty: list[NoRows] = []
    filled: list[Sequence[str]] = []
    every: dict[str, Version | None] = {}
    others = (words.targets or none, words.sample_weights or none, words.groups or none)
    for logits, targets, weights, groups in zip(words.logits, *others, strict=True):
        own = replace(options, logits=logits, targets=targets, sample_weights=weights, groups=groups, partial=False)
        versions = versions_of(own)
        every |= versions
        try:
            shard = recorded(open_files(own), own, versions)
            if shards:
                _check_alike(shards[0], shard, options)
            shards.append(shard)
            filled.append(list(versions))
        except NoRows as error:
            is_empty = _has_no_values(logits, header=True) and all(map(_has_no_values, input_words(own)[1:]))
            if is_empty:
                empty.append(error)
            else:
                failed[name_of(logits)] = error
        except (DataError, FaultError) as error:
            failed[name_of(logits)] = error
    if (failed and not options.partial) or not shards:
        raise all_of([*failed.values()] or empty, len(words.logits))
    _check_sequences(options, shards)
    refuse_copies(filled, partial(_has_no_values, header=True))
    dataset = joined(Names.of(options), shards, words.pairing, _left_out(words, failed), partial=options.partial)
    noted = replace(dataset, opening_notes=(*dataset.opening_notes, *_empty_files(empty)))
    return recorded(noted, options, every)


def _empty_files(empty: Sequence[NllError]) -> tuple[Notice, ...]:
    """The note on files without anything in them, not even a header."""
    told = "is empty, and counts as a file without samples"
    return summed_up([(Notice("empty-files", f"{error.where}: {told}"),) for error in empty])


def _check_sequences(options: InputOptions, shards: Sequence[Dataset]) -> None:
    """Raise UsageError for a shift of targets that would have to go from one file to the next."""
    flat = next((shard for shard in shards if len(shard.layout.sample_shape) < 2), None)
    if options.shift and flat is not None and len(shards) > 1:
        message = (
            f"{setting('shift', options.shift)} would lose the targets at the ends of files: they have no sequences"
        )
        hint = "one file of targets for all, or logits of shape (sequences, positions, classes)"
        raise UsageError(message, where=flat.logits.name, hint=hint)


def _has_no_values(path: str, *, header: bool = False) -> bool:
    """Whether a file has nothing, an array or text; the one line of a table may be its ``header``."""
    stream = open_input(path).stream
    head = stream.peek()
    if not head and PurePath(split_member(path)[0]).suffix.lower() in _NEVER_EMPTY:
        return False
    if head.startswith(NPY_MAGIC):
        return read_header(head, stream.name, ReadOptions()).shape[:1] == (0,)
    from nllcli.inputs.tables.cells import is_number

    lines = [line for line in head.decode("utf-8", "replace").splitlines() if line.strip()]
    return not lines or (header and len(lines) == 1 and not is_number(lines[0]))


def _check_alike(first: Dataset, other: Dataset, options: InputOptions) -> None:
    """Raise DataError where a shard differs from the first in what all have to have in common."""
    known = (first.logits.name, first.n_classes, first.class_names)
    if options.takes_targets and not first.has_targets and other.n_classes != first.n_classes:
        raise no_targets(first)  # which would say where the classes are
    check_same_classes(other.logits.name, other.n_classes, other.class_names, *known)
    axes = [(len(each.layout.shape), each.layout.array_axis) for each in (other, first)]
    if axes[0] != axes[1] and min(axes)[0] > 2:
        told = f"has its classes on axis {axes[0][1]}, and {first.logits.name} on axis {axes[1][1]}"
        raise DataError(told, where=other.logits.name, hint=f"{setting('class_axis')} says which it is")
    if (first.soft_targets is None) != (other.soft_targets is None):
        kinds = ("class indices", "class probabilities")
        own, theirs = kinds if other.soft_targets is None else kinds[::-1]
        message = f"its targets are {own}, and those of {first.logits.name} are {theirs}"
        raise DataError(message, where=other.logits.name)


def all_of(errors: Sequence[NllError], n_files: int, *, whole: bool = False) -> NllError:
    """One error for what is wrong with several of ``n_files`` files, all of which are needed where ``whole``."""
    first = errors[0]
    if len(errors) == n_files or whole:
        return first
    remedies = [*first.remedies, Remedy({"partial": True}, "the other files alone are scored")]
    if len(errors) == 1:
        first.remedies = tuple(remedies)
        return first
    message = f"{len(errors)} of {n_files} files cannot be scored: {_few([str(error) for error in errors])}"
    return type(first)(message, remedies=remedies[-1:])


def without_failed(dataset: Dataset, parts: Sequence[int], failed: Mapping[int, NllError]) -> Dataset:
    """The dataset of these parts, under the setting that allows the others, by number, to have ``failed``."""
    before = dataset.left_out or LeftOut(0, len(dataset.parts), "")
    why = _few([*filter(None, [before.why]), *(str(failed[number]) for number in sorted(failed))])
    names = (*before.names, *(dataset.parts[number].logits.name for number in sorted(failed)))
    return replace(dataset.only(parts), left_out=LeftOut(before.n + len(failed), before.of, why, names))


def _left_out(words: Words, failed: Mapping[str, NllError]) -> LeftOut | None:
    """What is not scored of a set, under the setting that allows it; those that have ``failed`` by name."""
    n = len(words.missing) + len(failed)
    if not n:
        return None
    missing = [f"number {i} is missing" for i in words.missing]
    why = _few([*missing, *map(str, failed.values())])
    return LeftOut(n, len(words.missing) + len(words.logits), why, tuple(failed))


def _few(reasons: Sequence[str]) -> str:
    return "; ".join(reasons[:_MOST_TOLD]) + ("; ..." if len(reasons) > _MOST_TOLD else "")


def _with_one_for_all(options: InputOptions, words: Words, known: Dataset | None) -> Dataset:
    """Shards that have their targets, their weights or their groups in one file."""
    files = {"targets": words.targets, "sample_weights": words.sample_weights, "groups": words.groups}
    one, several = ([name for name in files if isinstance(files[name], kind)] for kind in (str, tuple))
    if several:
        both = " and ".join(setting(name) for name in files if name in (one[0], several[0]))
        raise UsageError(f"of {both}, one is one file and the other several", hint="one file for all, or one each")
    first, *others = words.logits
    targets, weights, groups = (value if isinstance(value, str) else None for value in files.values())
    own = replace(options, logits=first, targets=targets, sample_weights=weights, groups=groups)
    versions, left_out = versions_of(options), _left_out(words, {})
    whole = replace(open_files(own, name_of(options.logits), others, known), left_out=left_out)
    logits = whole.logits
    if whole.soft_targets is None and (not isinstance(logits, JoinedLogits) or whole.layout.n_samples is None):
        return recorded(whole, options, versions)
    assert isinstance(logits, JoinedLogits)
    check_order(whole.layout, logits.name)
    shards = [recorded(_shard(whole, logits, i), options, versions, i) for i in range(len(logits.sources))]
    dataset = joined(Names.of(options), shards, left_out=left_out, partial=options.partial)
    notes = (*whole.opening_notes, *dataset.opening_notes)
    return recorded(replace(dataset, opening_notes=notes), options, versions)


def _shard(whole: Dataset, logits: JoinedLogits, i: int) -> Dataset:
    """Part ``i`` of logits whose targets, or weights, are one file."""
    layout, own = whole.layout, logits.layout_of(i, whole.layout)
    starts = logits.starts(layout)
    soft, n_before = None, sum(source.shape[0] or 0 for source in logits.sources[:i])
    if whole.soft_targets is not None:
        n = logits.sources[i].shape[0]
        soft = None if n is None else rows_of(whole.soft_targets, n_before, n)
        if soft is None:
            message = "holds class probabilities for several files, which are read from an array in C order alone"
            raise UsageError(message, where=whole.soft_targets.name, hint="one file of targets each")

    def run(values: VectorSource | None) -> Run | None:
        return None if values is None else Run(values, starts[i], own.n_samples or 0, layout)

    return Dataset(
        logits.sources[i],
        own,
        targets=run(whole.targets),
        soft_targets=soft,
        sample_weights=run(whole.sample_weights),
        groups=None if whole.groups is None else part_of(whole.groups, starts[i], own.n_samples or 0, layout),
        class_names=whole.class_names,
        binary=whole.binary,
        ignore_index=whole.ignore_index,
        missing=whole.missing,
    )
