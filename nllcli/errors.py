"""What the user is told: the one exception the rooms raise on purpose, its exit codes, remedies and notices."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, fields, is_dataclass, replace
from enum import IntEnum
from typing import Any

from nllcli.records import dataclass


class ExitCode(IntEnum):
    """Exit codes of the command line."""

    DONE = 0
    DEFECT = 1
    USAGE = 2
    DATA = 3
    FAULT = 4
    CONDITION = 5
    INTERRUPTED = 130
    HUNG_UP = 129
    TERMINATED = 143


# How a setting is named in a message, until it is known who reads it.
_SETTING = "⟦([a-z_]+)(?:=([^⟧]*))?⟧"


def setting(name: str, value: object = None) -> str:
    """Name a setting in a message, perhaps with a value for it, in a form that says nothing of flags or keywords.

    ``worded`` writes it as the reader does; names are those of the options' fields, such as ``class_axis``. A value
    of True is that of a setting that is on or off.
    """
    return f"⟦{name}⟧" if value is None else f"⟦{name}={'' if value is True else value}⟧"


def worded(told: Any, say: Callable[[str, str | None], str]) -> Any:
    """What is told to a user (text, or a record of texts), its settings written by ``say(name, value)``.

    ``value`` is None where there is none, and empty for True. Lists, which hold the numbers of many samples, are left
    as they are.
    """
    if isinstance(told, str):
        if "⟦" not in told:  # and stays what it is, if that is more than text
            return told
        return re.sub(_SETTING, lambda found: say(found[1], found[2]), told)
    if isinstance(told, dict):
        return {key: worded(value, say) for key, value in told.items()}
    if isinstance(told, tuple):
        return tuple(worded(value, say) for value in told)
    if is_dataclass(told) and not isinstance(told, type):
        return replace(told, **{field.name: worded(getattr(told, field.name), say) for field in fields(told)})
    return told


@dataclass(frozen=True)
class Remedy:
    """A change to what was asked, after which it does what was wanted: a face writes it as a whole command or a call.

    ``settings`` are the values to set, by the names of the options' fields (None: leave the option out; True: switch
    it on; a tuple: names or patterns between commas; a list: the option again for each). ``files`` are the inputs to
    name instead of others. Before that, ``python`` is source to run, ``shell`` a command to run (its words, or one text
    for the shell to take as it is), or ``feed`` one whose output is the new standard input. ``meaning`` says what is
    assumed, where that is not the only possibility.
    """

    settings: Mapping[str, object] = field(default_factory=dict)
    meaning: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    python: str = ""
    shell: str | tuple[str, ...] = ()
    feed: str | tuple[str, ...] = ()


class NllError(Exception):
    """Something a user can fix: what is wrong, where, and what to do about it.

    ``where`` is the file (and place in it); ``remedies`` are the changes that help, one for each thing that may have
    been meant, and ``hint`` is a sentence where there is none; ``finding`` is the code under which ``nll check``
    reports it instead.
    """

    code = ExitCode.DATA

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        remedies: Sequence[Remedy] = (),
        finding: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        self.remedies = tuple(remedies)
        self.finding = finding

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _error_again, (type(self), self.args, self.__dict__)

    def word(self, say: Callable[[str, str | None], str]) -> None:
        """Write the settings that the error names as its reader does: see ``worded``."""
        self.message, self.where, self.hint = worded((self.message, self.where, self.hint), say)
        self.remedies = worded(self.remedies, say)
        self.args = (self.message,)


def _error_again(kind: type[NllError], args: tuple[Any, ...], state: dict[str, Any]) -> NllError:
    """An error that has come from another process."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class UsageError(NllError):
    """The options do not fit together, or not the data."""

    code = ExitCode.USAGE


class DataError(NllError):
    """The data itself is wrong."""


class NoRows(DataError):
    """A file of text has no samples: by itself that is an error, among several files it is an empty one."""


class FaultError(NllError):
    """Reading, writing or memory failed."""

    code = ExitCode.FAULT


class ConditionError(NllError):
    """A condition that the caller asked to be checked does not hold."""

    code = ExitCode.CONDITION


class SampleError(DataError):
    """Samples that cannot be scored; ``scoring.passes.placed`` makes it a DataError with a place.

    ``culprit`` is the input at fault ("logits", "targets" or "sample_weights"), ``samples`` the first samples, counted
    in file order from 0, ``class_index`` the class at fault in the first of them, and ``values`` what they hold, where
    that helps. ``model`` is the place of the model whose samples they are, among several.
    """

    model = 0

    def __init__(
        self,
        message: str,
        *,
        culprit: str,
        samples: tuple[int, ...],
        class_index: int | None = None,
        values: tuple[int, ...] = (),
        hint: str | None = None,
        remedies: Sequence[Remedy] = (),
    ) -> None:
        super().__init__(message, hint=hint, remedies=remedies)
        self.culprit = culprit
        self.samples = samples
        self.class_index = class_index
        self.values = values


@dataclass(frozen=True)
class Notice:
    """Something suspicious or worth knowing; ``code`` is stable, ``message`` is for people."""

    code: str
    message: str


def counted(n: int, noun: str) -> str:
    """A number of things, as messages name it."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def first_few(names: Sequence[str], most: int) -> str:
    """At most so many names, as messages list them."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
