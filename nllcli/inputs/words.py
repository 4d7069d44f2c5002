"""What a word that names an input stands for: one file, or several, one after another."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from nllcli.errors import DataError, FaultError, Remedy, UsageError, counted, first_few, setting
from nllcli.inputs.bytes.files import name_of, natural, open_stream, split_member
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nllcli.data.settings import InputOptions

_DIGITS = r"\d+"
_BRACES = r"\{([^{}]*)\}"
_RANGE = r"(\d+)\.\.(\d+)"
_WILD = r"[*?[]"
_AXIS = r"(?a)axis:([+-]?\d{1,9})"
_INDEX = ".safetensors.index.json"
_MOST_FILES = 1_000_000
_MOST_NAMED = 5
_LIST = "a list says what belongs together: @list, with logits and targets in each line"


@dataclass(frozen=True)
class Words:
    """The shards that the words for the inputs stand for: a file of ``logits`` each.

    ``targets``, ``sample_weights`` and ``groups`` are one file for all of them, or one each. ``pairing`` says what put
    these together. ``missing`` are the numbers of shards that the names of the others tell of.
    """

    logits: tuple[str, ...]
    targets: str | tuple[str, ...] | None = None
    sample_weights: str | tuple[str, ...] | None = None
    groups: str | tuple[str, ...] | None = None
    pairing: str = ""
    missing: tuple[int, ...] = ()


def words_of(options: InputOptions) -> Words | None:
    """The shards that ``options`` name; None where every input is one file.

    Raises UsageError, DataError or FaultError for files that do not make one set, and for sets that do not pair.
    """
    targets: str | tuple[str, ...] | None = None
    logits, pairing = files_of(options.logits), ""
    if _is_manifest(options.logits):
        logits, targets = _of_manifest(options)
    if logits is None:
        _refuse_several(options)
        return None
    _refuse_repeated(logits)
    missing: tuple[int, ...] = ()
    if not _is_index(options.logits):
        missing = _missing(
            logits, [Remedy({"partial": True}, "the files that exist are scored")], partial=options.partial
        )
    if targets is not None:
        pairing = "paired by line"
    else:
        targets, pairing = _beside(logits, "targets", options)
    weights, _ = _beside(logits, "sample_weights", options)
    groups, _ = _beside(logits, "groups", options)
    if axis_of(options.groups) is not None and not (isinstance(targets, str) or isinstance(weights, str)):
        groups = (str(options.groups),) * len(logits)
    return Words(tuple(logits), targets, weights, groups, pairing, missing)


def axis_of(word: str | None) -> int | None:
    """The axis that the word ``axis:K`` for groups names; None for any other word, which is a file."""
    found = re.fullmatch(_AXIS, word or "")
    return None if found is None else int(found[1])


def input_words(options: InputOptions) -> list[str]:
    """The words that name files, or standard input."""
    groups = None if axis_of(options.groups) is not None else options.groups
    words = (options.logits, options.targets, options.sample_weights, groups)
    return [word for word in words if word is not None]


def _refuse_several(options: InputOptions) -> None:
    """Raise UsageError where one file of logits has several of something else."""
    for name in ("targets", "sample_weights", "groups"):
        word = getattr(options, name)
        files = None if word in (None, "-") else files_of(word, name)
        if files is not None:
            message = f"{setting('logits')} is one file, and {setting(name)} stands for {counted(len(files), 'file')}"
            raise UsageError(message, where=name_of(word))


def _beside(logits: Sequence[str], name: str, options: InputOptions) -> tuple[str | tuple[str, ...] | None, str]:
    """The files of another input, one for all shards or one each, in their order, and what paired them."""
    word = getattr(options, name)
    files = None if word in (None, "-") else files_of(word, name)
    if files is None or (len(files) == 1 and len(logits) > 1):
        return (word if files is None else files[0]), ""
    _refuse_repeated(files)
    if not (options.partial or _is_index(word)):
        _missing(files)
    paired, by = _paired(logits, files, setting(name), partial=options.partial)
    return tuple(paired), f"paired by {by}"


def files_of(word: str, name: str = "logits") -> list[str] | None:
    """The files that a word for the input ``name`` stands for, in natural order; None where it is the path of one.

    What exists under the very name is one file. Raises FaultError where a pattern matches none.
    """
    if _is_index(word):
        return _of_index(word, name)
    if word == "-" or os.path.lexists(split_member(word)[0]):
        return None
    if _is_manifest(word):
        return [path for row in _lines_of(word[1:]) for path in row]
    named = list(islice(_without_braces(word), _MOST_FILES + 1))
    if len(named) > _MOST_FILES:
        raise UsageError(f"stands for more than {_MOST_FILES:,} files", where=name_of(word))
    found = [path for each in named for path in _matching(each)]
    return None if found == [word] else found


def one_set(word: str, name: str) -> list[str]:
    """The files of an input that stands alone: each once, and none of a set missing."""
    files = files_of(word, name) or [word]
    _refuse_repeated(files)
    if not (_is_index(word) or len(files) == 1):
        _missing(files)
    return files


def listed(words: Sequence[str]) -> list[str]:
    """Every file that ``words`` stand for."""
    return [path for word in words for path in files_of(word) or [word]]


def _without_braces(word: str) -> Iterator[str]:
    """The words that ``{0..15}``, ``{00..15}`` and ``{a,b}`` in a word stand for, in their order."""
    found = re.search(_BRACES, word) if "{" in word else None
    if found is None or word == "-":
        yield word
        return
    numbers = re.fullmatch(_RANGE, found[1])
    if numbers is not None:
        first, last = int(numbers[1]), int(numbers[2])
        if abs(last - first) >= _MOST_FILES:
            raise UsageError(f"stands for more than {_MOST_FILES:,} files", where=name_of(word))
        width = max(map(len, numbers.groups())) if numbers[1][0] == "0" and len(numbers[1]) > 1 else 0
        step = 1 if first <= last else -1
        middle = [f"{i:0{width}}" for i in range(first, last + step, step)]
    elif "," in found[1]:
        middle = found[1].split(",")
    else:
        yield word
        return
    for each in middle:
        yield from _without_braces(word[: found.start()] + each + word[found.end() :])


def _matching(word: str) -> list[str]:
    """The files that match a pattern, perhaps before the member of each; any other word stands for itself."""
    if not re.search(_WILD, word) or os.path.lexists(split_member(word)[0]):
        return [word]
    if "://" in word:
        if "*" not in word.partition("?")[0]:
            return [word]
        raise UsageError(
            "is a pattern, and the files of a server cannot be listed",
            where=name_of(word),
            hint="name them: part-{0..15}.npy",
        )
    pattern, colon, member = word, "", ""
    found = _there(pattern)
    if not found and ":" in PurePath(word).name:
        pattern, colon, member = word.rpartition(":")
        found = _there(pattern)
    if not found:
        if not {"*", "?"} & set(word):  # brackets are rather those of a name
            return [word]
        raise FaultError("matches no file", where=word, hint=_near(pattern))
    return [f"{path}{colon}{member}" for path in found]


def _there(pattern: str) -> list[str]:
    """The files that match, in natural order; like those of a shell, names that begin with a dot or _ are left out."""
    import glob

    names = glob.glob(pattern)  # noqa: PTH207 - keeps the words of the pattern as they were typed
    found = (path for path in names if PurePath(path).name[:1] not in "._")
    return sorted(filter(os.path.isfile, found), key=natural)


def _near(pattern: str) -> str:
    """What there is where a pattern has looked."""
    folder = Path(os.path.dirname(pattern) or ".")  # noqa: PTH120 - the words before the last slash, as typed
    if not folder.is_dir():
        return f"there is no folder {str(folder)!r}"
    names = sorted((each.name for each in folder.iterdir() if each.is_file()), key=natural)
    return f"{str(folder)!r} has {first_few(names, _MOST_NAMED)}" if names else f"{str(folder)!r} has no files"


def _is_manifest(word: str) -> bool:
    return word.startswith("@") and not os.path.lexists(word)


def _of_manifest(options: InputOptions) -> tuple[list[str], tuple[str, ...] | None]:
    """What a file lists, one shard a line: the logits, and perhaps their targets."""
    rows, name = _lines_of(options.logits[1:]), name_of(options.logits[1:])
    long, alone = ([row for row in rows if len(row) > 2], [row for row in rows if len(row) == 1])
    if long:
        message = (
            f"has {len(long[0])} names in one line, which are more than logits and targets: {name_of(long[0][0])}, ..."
        )
        raise DataError(message, where=name, hint="quote a name that has blanks")
    if len(alone) == len(rows):
        return [row[0] for row in rows], None
    if alone:
        raise DataError(f"names targets in some lines only; {name_of(alone[0][0])} has none", where=name)
    if options.targets is not None:
        raise UsageError(f"names the targets, and {setting('targets')} does too", where=name)
    return [row[0] for row in rows], tuple(row[1] for row in rows)


def _is_index(word: str) -> bool:
    """Whether a word is that of the index of a set of safetensors files, perhaps with the arrays in it."""
    return split_member(word)[0].endswith(_INDEX) and "://" not in word


def _of_index(word: str, name: str) -> list[str]:
    """The arrays of a set of safetensors files that a pattern names, or the only one, each as a member of its file."""
    import json

    path, member = split_member(word)
    stream, folder = open_stream(path), os.path.dirname(path)  # noqa: PTH120 - as typed
    try:
        files = json.loads(stream.read_all())["weight_map"]
        arrays = sorted(files, key=natural)
        chosen = [array for array in arrays if fnmatchcase(array, member or "*")]
        found = [f"{os.path.join(folder, files[array])}:{array}" for array in chosen]  # noqa: PTH118 - as typed
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError("is not the index of safetensors files: it has no weight_map", where=name_of(path)) from error
    if not found or (member is None and len(found) > 1):
        message = f"has {counted(len(arrays), 'array')}" + (f", none of the name {member}" if member else "")
        kinds = dict.fromkeys(re.sub(_DIGITS, "*", array) for array in arrays)
        remedies = [Remedy({name: f"{path}:{kind}"}, kind) for kind in list(kinds)[:_MOST_NAMED]]
        raise UsageError(message, where=name_of(path), remedies=remedies)
    return found


def _lines_of(path: str) -> list[list[str]]:
    """The paths in each line of a list of files, relative to its folder; quotes and comments as in a shell."""
    from shlex import split

    stream, folder = open_stream(path), os.path.dirname(path)  # noqa: PTH120 - as typed
    text = stream.read_all().decode("utf-8-sig", "surrogateescape")
    rows = []
    for i, line in enumerate(text.splitlines(), 1):
        try:
            words = split(line, comments=True)
        except ValueError as error:
            raise DataError(
                f"is not a list of files: {str(error).lower()}", where=f"{name_of(path)}, line {i}"
            ) from error
        if words:
            rows.append([word if "://" in word else os.path.join(folder, word) for word in words])  # noqa: PTH118
    if not rows:
        raise DataError("lists no files", where=name_of(path))
    return rows


def _refuse_repeated(files: Sequence[str]) -> None:
    """Raise UsageError where one file is named twice: its samples would count double."""
    seen: dict[tuple[str, str | None], str] = {}
    for file in files:
        path, member = split_member(file)
        known = seen.setdefault((path if "://" in path else os.path.realpath(path), member), file)
        if known is not file:
            as_what = f" (as {name_of(known)})" if known != file else ""
            raise UsageError(f"is named twice{as_what}: its samples would count double", where=name_of(file))


def _missing(files: Sequence[str], remedies: Sequence[Remedy] = (), *, partial: bool = False) -> tuple[int, ...]:
    """The numbers that are missing of sets whose names say how many there are.

    Raises DataError for names of sets of different sizes, and, unless ``partial``, for numbers that are missing.
    """
    from nllcli.inputs.sets import incomplete, member_of

    names = [split_member(file)[0] for file in files]
    members = {file: member for file, name in zip(files, names, strict=True) if (member := member_of(name))}
    first = next(iter(members), "")
    for file, member in members.items():
        if member.of != members[first].of:
            message = f"is of a set of {members[first].of}, but {PurePath(file).name} of one of {member.of}"
            raise DataError(message, where=name_of(first), hint="an older run in the same folder?")
    found = incomplete(names)
    if partial or not found:
        return tuple(number for each in found for number in each.missing)
    odd, hint = max(found, key=lambda each: len(each.missing)), None
    are = "is" if len(odd.missing) == 1 else "are"
    message = f"is of a set of {odd.of}, of which {len(odd.missing)} {are} missing: {_numbered(odd.missing)}"
    if len({member.pattern for member in members.values()}) > 1:
        message = f"is of one of several sets: of {odd.name}, {_numbered(odd.missing)} of {odd.of} {are} missing"
        hint = "a copy beside the set? name a pattern that leaves it out"
    raise DataError(message, where=name_of(files[0]), hint=hint, remedies=() if hint else remedies)


def _numbered(missing: Sequence[int]) -> str:
    few = first_few([str(i) for i in missing], _MOST_NAMED)
    return f"{'number' if len(missing) == 1 else 'numbers'} {few}"


def _paired(logits: Sequence[str], others: Sequence[str], what: str, *, partial: bool) -> tuple[list[str], str]:
    """The other files in the order of the logits, and what they were paired by: the numbers in the names, or order.

    Under ``partial`` there may be files that belong to shards which are not there.
    """
    own, theirs = _numbers(logits), _numbers(others)
    if own is None or theirs is None:
        return _by_name(logits, others, what)
    own, theirs = _in_common(own, theirs)
    if own == theirs:  # perhaps the same ones in each of several folders
        return list(others), "number"
    if any(len(set(numbers)) < len(numbers) for numbers in (own, theirs)) or len(own[0]) != len(theirs[0]):
        message = f"the numbers in the names do not pair it with a file of {what}, such as {name_of(others[0])}"
        raise DataError(message, where=name_of(logits[0]), hint=_LIST)
    for file, number in zip(logits, own, strict=True):
        if number not in theirs:
            message = f"has no file of {what}: none is numbered {_shown(number)}"
            raise DataError(message, where=name_of(file), hint=_LIST)
    for file, number in zip(others, theirs, strict=True):
        if number not in own and not partial:
            raise DataError(
                f"belongs to no file of {setting('logits')}: none is numbered {_shown(number)}", where=name_of(file)
            )
    files = dict(zip(theirs, others, strict=True))
    return [files[number] for number in own], "number"


def _by_name(logits: Sequence[str], others: Sequence[str], what: str) -> tuple[list[str], str]:
    """The other files paired by what differs from name to name, where both have the same, else by order."""
    own, theirs = _differing(logits), _differing(others)
    if sorted(own) == sorted(theirs):
        files = dict(zip(theirs, others, strict=True))
        return [files[name] for name in own], "name"
    if len(logits) != len(others):
        message = f"there are {len(logits)} files of {setting('logits')} and {len(others)} of {what}"
        raise DataError(message, hint="one file for all, or one each")
    if set(own) & set(theirs):
        odd = next(file for file, name in zip(logits, own, strict=True) if name not in theirs)
        raise DataError(f"has no file of {what} of a name like it", where=name_of(odd), hint=_LIST)
    return list(others), "order"


def _differing(files: Sequence[str]) -> list[str]:
    """What is left of each name without what all begin and end with."""
    names = [name_of(file) for file in files]
    before = shared_beginning(names)
    after = shared_beginning([name[len(before) :][::-1] for name in names])
    return [name[len(before) : len(name) - len(after)] for name in names]


def shared_beginning(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    least, most = min(texts), max(texts)
    return next((least[:i] for i, pair in enumerate(zip(least, most, strict=False)) if pair[0] != pair[1]), least)


def _shown(number: tuple[int, ...]) -> str:
    return " and ".join(map(str, number))


def _numbers(files: Sequence[str]) -> list[tuple[int, ...]] | None:
    """The numbers in each path, those that differ from file to file; None where there are none."""
    found = [tuple(map(int, re.findall(_DIGITS, name_of(file)))) for file in files]
    if len(set(map(len, found))) > 1:
        return found
    varying = [place for place, values in enumerate(zip(*found, strict=True)) if len(set(values)) > 1]
    if not varying:
        return found if len(files) == 1 and found[0] else None
    return [tuple(row[place] for place in varying) for row in found]


def _in_common(own: list[tuple[int, ...]], theirs: list[tuple[int, ...]]) -> tuple[list[tuple[int, ...]], ...]:
    """The numbers of both; where one has more of them, the one that takes the values of the only one of the other."""
    if len(own[0]) < len(theirs[0]):
        return _in_common(theirs, own)[::-1]
    if len(own[0]) > len(theirs[0]) == 1 and len(set(map(len, own))) == 1:
        known = sorted(row[0] for row in theirs)
        same = [place for place in range(len(own[0])) if sorted(row[place] for row in own) == known]
        if len(same) == 1:
            return [(row[same[0]],) for row in own], theirs
    return own, theirs
