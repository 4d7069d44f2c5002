"""Words -> a Dataset: that of one file of logits, or of several, one after another."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from nllcli.data.dataset import Dataset, LeftOut
from nllcli.errors import DataError, FaultError, NllError, NoRows, Remedy, UsageError, setting
from nllcli.inputs.arrays.npy import read_header
from nllcli.inputs.bytes.files import name_of, read_only_here, version_of
from nllcli.inputs.bytes.urls import is_remote
from nllcli.inputs.dataset import open_files
from nllcli.inputs.formats import NPY_MAGIC, ReadOptions, open_input
from nllcli.inputs.joined import Names, check_order, joined
from nllcli.inputs.shards import JoinedLogits, Run, check_same_classes, rows_of
from nllcli.inputs.tables.cells import is_number
from nllcli.inputs.words import listed, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nllcli.data.dataset import VectorSource
    from nllcli.data.settings import InputOptions
    from nllcli.inputs.bytes.files import Version
    from nllcli.inputs.words import Words

_MOST_TOLD = 3
# The dataset whose parts were opened last.
_whole: dict[str, Dataset] = {}
_FILES_A_SHARD = 4


def open_dataset(options: InputOptions) -> Dataset:
    """Open everything that ``options`` names and check that it fits together, as far as the headers show.

    The dataset, and each of its parts, pickles as its options, where all of its inputs are regular files.
    """
    words = words_of(options)
    if words is None:
        return _recorded(open_files(options), options)
    _allow_open_files(_FILES_A_SHARD * len(words.logits))
    if isinstance(words.targets, str) or isinstance(words.sample_weights, str):
        return _with_one_for_all(options, words)
    return _one_each(options, words)


def _recorded(dataset: Dataset, options: InputOptions, part: int | None = None) -> Dataset:
    """The dataset, or the ``part`` of it, which pickles as the call that opens it."""
    versions = {path: None if is_remote(path) else version_of(path) for path in _paths(options)}
    return dataset.pickled_by(partial(_recipe, options, versions, part))


def _paths(options: InputOptions) -> list[str]:
    words = [word for word in (options.logits, options.targets, options.sample_weights) if word is not None]
    return listed(words)


def _recipe(options: InputOptions, versions: dict[str, Version | None], part: int | None) -> tuple[Any, ...]:
    for path, known in versions.items():
        # A server is asked for it once, and only where it is needed.
        versions[path] = version = version_of(path) if known is None and is_remote(path) else known
        if version is None:
            raise read_only_here(name_of(path))
    return _reopened, (options, versions, part)


def _reopened(options: InputOptions, versions: dict[str, Version | None], part: int | None) -> Dataset:
    """The dataset opened anew; raises FaultError where a file has changed since."""
    for path, version in versions.items():
        if version_of(path) not in (version, None):  # opening one that is gone says so
            raise FaultError("changed while it was read", where=name_of(path))
    if part is None:
        return open_dataset(options)
    key = repr((options, versions))  # the same whole is asked for its parts one by one
    if key not in _whole:
        _whole.clear()
        _whole[key] = open_dataset(options)
    return _whole[key].parts[part]


def _allow_open_files(n: int) -> None:
    """Raise the number of files that the process may have open, as far as the system lets it."""
    with suppress(ImportError, ValueError, OSError):  # opening one too many says so
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < n + _FILES_A_SHARD**3:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _one_each(options: InputOptions, words: Words) -> Dataset:
    """Shards each of which has targets and weights of its own, or none."""
    assert not isinstance(words.targets, str)
    assert not isinstance(words.sample_weights, str)
    none = [None] * len(words.logits)
    shards: list[Dataset] = []
    failed: list[NllError] = []
    empty: list[NoRows] = []
    for row in zip(words.logits, words.targets or none, words.sample_weights or none, strict=True):
        logits, targets, weights = row
        own = replace(options, logits=logits, targets=targets, sample_weights=weights, partial=False)
        try:
            shard = _recorded(open_files(own), own)
            if shards:
                _check_alike(shards[0], shard)
            shards.append(shard)
        except NoRows as error:
            (empty if all(map(_has_no_values, _paths(own))) else failed).append(error)
        except (DataError, FaultError) as error:
            failed.append(error)
    if (failed and not options.partial) or not shards:
        raise all_of(failed or empty, len(words.logits))
    dataset = joined(Names.of(options), shards, words.pairing, _left_out(words, failed), partial=options.partial)
    return _recorded(dataset, options)


def _has_no_values(path: str) -> bool:
    """Whether a file has nothing but perhaps a header, an array or text."""
    stream = open_input(path).stream
    head = stream.peek()
    if head.startswith(NPY_MAGIC):
        return read_header(head, stream.name, ReadOptions()).shape[:1] == (0,)
    lines = head.decode("utf-8", "replace").split("\n")
    return not any(line.strip() for line in lines[1:]) and not is_number(lines[0])


def _check_alike(first: Dataset, other: Dataset) -> None:
    """Raise DataError where a shard differs from the first in what all have to have in common."""
    known = (first.logits.name, first.n_classes, first.class_names)
    check_same_classes(other.logits.name, other.n_classes, other.class_names, *known)
    if (first.soft_targets is None) != (other.soft_targets is None):
        kinds = ("class indices", "class probabilities")
        own, theirs = kinds if other.soft_targets is None else kinds[::-1]
        message = f"its targets are {own}, and those of {first.logits.name} are {theirs}"
        raise DataError(message, where=other.logits.name)


def all_of(errors: Sequence[NllError], n_files: int) -> NllError:
    """One error for what is wrong with several of ``n_files`` files."""
    first = errors[0]
    if len(errors) == n_files:
        return first
    remedies = [*first.remedies, Remedy({"partial": True}, "the other files alone are scored")]
    if len(errors) == 1:
        first.remedies = tuple(remedies)
        return first
    message = f"{len(errors)} of {n_files} files cannot be scored: {_few([str(error) for error in errors])}"
    return type(first)(message, remedies=remedies[-1:])


def without_failed(dataset: Dataset, parts: Sequence[int], errors: Sequence[NllError]) -> Dataset:
    """The dataset of these parts, under the setting that allows the others, in which there are ``errors``."""
    before = dataset.left_out or LeftOut(0, len(dataset.parts), "")
    why = _few([*filter(None, [before.why]), *map(str, errors)])
    return replace(dataset.only(parts), left_out=LeftOut(before.n + len(errors), before.of, why))


def _left_out(words: Words, failed: Sequence[NllError]) -> LeftOut | None:
    """What is not scored of a set, under the setting that allows it."""
    n = len(words.missing) + len(failed)
    if not n:
        return None
    missing = [f"number {i} is missing" for i in words.missing]
    return LeftOut(n, len(words.missing) + len(words.logits), _few([*missing, *map(str, failed)]))


def _few(reasons: Sequence[str]) -> str:
    return "; ".join(reasons[:_MOST_TOLD]) + ("; ..." if len(reasons) > _MOST_TOLD else "")


def _with_one_for_all(options: InputOptions, words: Words) -> Dataset:
    """Shards that have their targets, or their weights, in one file."""
    targets, weights = words.targets, words.sample_weights
    if isinstance(targets, tuple) or isinstance(weights, tuple):
        both = f"{setting('targets')} and {setting('sample_weights')}"
        raise UsageError(f"of {both}, one is one file and the other several", hint="one file for all, or one each")
    first, *others = words.logits
    own = replace(options, logits=first, targets=targets, sample_weights=weights)
    whole = open_files(own, name=name_of(options.logits), others=others)
    logits = whole.logits
    if whole.soft_targets is None and (not isinstance(logits, JoinedLogits) or whole.layout.n_samples is None):
        return _recorded(whole, options)
    assert isinstance(logits, JoinedLogits)
    check_order(whole.layout, logits.name)
    shards = [_recorded(_shard(whole, logits, i), options, i) for i in range(len(logits.sources))]
    dataset = joined(Names.of(options), shards, partial=options.partial)
    return _recorded(replace(dataset, opening_notes=(*whole.opening_notes, *dataset.opening_notes)), options)


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
        class_names=whole.class_names,
        binary=whole.binary,
        ignore_index=whole.ignore_index,
        missing=whole.missing,
    )
