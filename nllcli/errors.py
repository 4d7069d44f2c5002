"""The one exception the rooms raise on purpose, and the exit codes it maps to."""

from enum import IntEnum


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


class NllError(Exception):
    """Something a user can mend: what is wrong, where, and what to do about it.

    ``where`` is the file (and place in it); ``hint`` is the remedy, printed on a second line; ``finding`` is the code
    under which ``nll check`` reports it instead.
    """

    code = ExitCode.DATA

    def __init__(
        self, message: str, *, where: str | None = None, hint: str | None = None, finding: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        self.finding = finding

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class UsageError(NllError):
    """The options do not fit together, or not the data."""

    code = ExitCode.USAGE


class DataError(NllError):
    """The data itself is wrong."""


class FaultError(NllError):
    """Reading, writing or memory failed."""

    code = ExitCode.FAULT


class SampleError(DataError):
    """Samples that cannot be scored; the task that knows the file turns it into a DataError with a place.

    ``culprit`` is the input at fault ("logits", "targets" or "sample_weights"), ``samples`` the first samples, counted
    in file order from 0, ``class_index`` the class at fault in the first of them, and ``values`` what they hold, where
    that helps.
    """

    def __init__(
        self,
        message: str,
        *,
        culprit: str,
        samples: tuple[int, ...],
        class_index: int | None = None,
        values: tuple[int, ...] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.culprit = culprit
        self.samples = samples
        self.class_index = class_index
        self.values = values
