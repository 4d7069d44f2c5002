"""What tallies of any command have in common while they are added up: versions, machines, samples that count double."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from nllcli import __version__
from nllcli.data.dataset import LeftOut
from nllcli.errors import DataError, Notice, Remedy, counted, first_few
from nllcli.inputs.bytes.files import natural
from nllcli.inputs.sets import incomplete, member_of
from nllcli.inputs.tally_files import without
from nllcli.records import dataclass
from nllcli.scoring.multisets import is_digest, sum_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nllcli.inputs.sets import Incomplete
    from nllcli.inputs.tally_files import Fields

WEIGHTS = "sample-weights"
_MOST_NAMED = 5


class Merging:
    """The tallies so far, which are at ``paths``; ``allow_duplicates`` lets samples count double."""

    def __init__(self, paths: Sequence[str], *, allow_duplicates: bool) -> None:
        self._paths = paths
        self._allow_duplicates = allow_duplicates
        self._versions: dict[str, str] = {}
        self._digests: dict[str, str] = {}
        self._weights: list[str] = []
        self._names: list[str] = []
        self._left_out: list[_LeavesOut] = []
        self._machines: dict[tuple[str, ...], Mapping[str, str]] = {}

    def check_version(self, file: Fields) -> None:
        """Raise DataError for a tally of a version whose losses may be other ones."""
        version = file.text("version")
        if version.split(".")[:2] != __version__.split(".")[:2]:
            message = f"is of nll {version}, and this is {__version__}: its losses may be other ones"
            raise DataError(message, where=file.name, hint="write it again with this version")
        self._versions.setdefault(version, file.name)

    def add(
        self,
        name: str,
        inputs: Iterable[tuple[str, str | None]],
        settings: Mapping[str, str],
        out: LeftOut | None,
        machines: Iterable[Mapping[str, str]],
    ) -> None:
        """Take note of a tally at ``name``, of ``inputs`` with their digests; raises DataError for one that is there.

        ``out`` are the files that it leaves out.
        """
        inputs = list(inputs)
        for logits, digest in inputs:
            self._check_new(name, logits, digest)
        own = [logits for logits, _ in inputs]
        self._names += own
        self._weights.append(settings[WEIGHTS])
        self._left_out += [] if out is None else [_LeavesOut.of(name, out, own)]
        self._machines |= {tuple(machine.values()): machine for machine in machines}

    def _check_new(self, name: str, logits: str, digest: str | None) -> None:
        """Raise DataError for samples that are there already."""
        if digest is None:
            return
        known = self._digests.setdefault(digest, name)
        if known != name and not self._allow_duplicates:
            raise DataError(
                f"holds the samples of {logits}, which {known} holds too",
                where=name,
                remedies=[
                    *without(self._paths, name),
                    *without(self._paths, known),
                    Remedy({"allow_duplicates": True}, "adds both"),
                ],
            )

    def settings(self, first: Mapping[str, str]) -> dict[str, str]:
        """The settings of all, of which ``first`` are those of one."""
        weights = self._weights[0]
        if len(self._weights) > 1 and is_digest(weights):
            weights = sum_of(self._weights)
        return {**first, WEIGHTS: weights}

    def left_out(self, *, partial: bool) -> LeftOut | None:
        """The files that are in none of the tallies; raises DataError for them unless ``partial``."""
        return _left_out(self._names, self._left_out, partial=partial)

    @property
    def machines(self) -> tuple[Mapping[str, str], ...]:
        """The kinds of machines that computed them."""
        return tuple(self._machines[key] for key in sorted(self._machines))

    @property
    def notes(self) -> tuple[Notice, ...]:
        """The note on tallies of another version than this."""
        others = [f"{name} is of nll {version}" for version, name in self._versions.items() if version != __version__]
        return (Notice("versions-differ", f"{others[0]}, and this is {__version__}"),) if others else ()


def check_same_settings(name: str, own: Mapping[str, str], first: str, known: Mapping[str, str]) -> None:
    """Raise DataError where settings differ; sample weights are of the samples, and differ by part."""
    for key in dict.fromkeys([*known, *own]):
        mine, theirs = own.get(key), known.get(key)
        are_weights = key == WEIGHTS and is_digest(mine or "") and is_digest(theirs or "")
        if mine != theirs and not are_weights:
            message = f"has {_setting(key, mine)}, but {first} has {_setting(key, theirs)}: they are not comparable"
            raise DataError(message, where=name)


def _setting(key: str, value: str | None) -> str:
    return f"no {key}" if value is None else f"{key}:{value}"


@dataclass(frozen=True)
class _LeavesOut:
    """What a tally at ``where`` leaves out: of ``n_unknown`` files neither its names nor those of its inputs tell."""

    where: str
    out: LeftOut
    n_unknown: int

    @classmethod
    def of(cls, where: str, out: LeftOut, inputs: Sequence[str]) -> _LeavesOut:
        missing = _n_missing(incomplete([*inputs, *out.names]))
        return cls(where, out, max(0, out.n - len(out.names) - missing))


def _n_missing(sets: Iterable[Incomplete]) -> int:
    return sum(len(each.missing) for each in sets)


def _same(name: str) -> str:
    """What the names of one file have in common: the folders of a set that is counted may be any."""
    return name if member_of(name) is None else PurePath(name).name


def _left_out(inputs: Sequence[str], known: list[_LeavesOut], *, partial: bool) -> LeftOut | None:
    """The files that are in none of the tallies; raises DataError for them unless ``partial``."""
    there = set(map(_same, inputs))
    absent = {_same(name): name for each in known for name in each.out.names if _same(name) not in there}
    known = [each for each in known if each.n_unknown or not absent.keys().isdisjoint(map(_same, each.out.names))]
    sets = incomplete([*inputs, *absent])
    remedy = Remedy({"partial": True}, "merges those that are there, and says so")
    if not partial and sets:
        name, of, missing = sets[0]
        are = "is" if len(missing) == 1 else "are"
        message = f"is a set of {of} files, of which {len(missing)} {are} missing: {_numbers(missing)}"
        raise DataError(message, where=name, remedies=[remedy])
    if not partial and known:
        where, out = known[0].where, known[0].out
        raise DataError(f"leaves out {out.n} of {counted(out.of, 'file')}: {out.why}", where=where, remedies=[remedy])
    n = _n_missing(sets) + len(absent) + sum(each.n_unknown for each in known)
    why = [f"{each.name}: {_numbers(each.missing)} missing" for each in sets]
    why += sorted({each.out.why for each in known}, key=natural)
    names = tuple(sorted(absent.values(), key=natural))
    return LeftOut(n, len(inputs) + n, first_few(why, _MOST_NAMED), names) if n else None


def _numbers(missing: tuple[int, ...]) -> str:
    return f"{'number' if len(missing) == 1 else 'numbers'} {first_few([str(i) for i in missing], _MOST_NAMED)}"
