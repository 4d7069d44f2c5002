"""What a pickle holds, read from its instructions without following them: nothing is imported, called or created.

The instructions are those of ``pickletools``. Where they would import a name or call it, a ``Stub`` stands for the
result; those of NumPy and PyTorch that make arrays tell the shapes and types.
"""

from __future__ import annotations

import io
import pickletools
import warnings
from dataclasses import field
from typing import TYPE_CHECKING, Any

from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from nllcli.inputs.bytes.files import ByteStream

_LONGEST_TEXT = 1 << 12
_LONGEST_LINE = 1 << 24
_LONGEST_READ = 1 << 20
# How many instructions are read, how many bytes, and how many values there may be where each is counted wherever it is
# met: a pickle may hold itself, or the same list twice, and that twice, and so on.
_MOST_STEPS = 1 << 20
MOST_BYTES = 1 << 30
_MOST_VALUES = 1 << 22
_TEXT_A_STEP = 64
_LARGEST_SIZE = 1 << 62


class Untold(Exception):
    """A pickle whose content its instructions do not tell."""


@dataclass(frozen=True)
class Name:
    """A function or a class, by its module and name."""

    module: str
    name: str


@dataclass(eq=False)
class Stub:
    """What calling ``function`` with ``arguments`` would have made, and the state that was put into it."""

    function: Any
    arguments: tuple[Any, ...] = ()
    state: Any = None
    items: dict[Any, Any] = field(default_factory=dict)

    @property
    def name(self) -> Name:
        return self.function if isinstance(self.function, Name) else Name("", "")


class _Reader(io.RawIOBase):
    """A stream of bytes for ``pickletools``, which asks for the place of each instruction."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._left = MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._left -= len(data)
        if self._left < 0:
            raise Untold
        return len(data)


class _Skipped(bytes):
    """So many bytes, which are not kept."""

    n = 0

    def __len__(self) -> int:
        return self.n


class _Buffered(io.BufferedReader):
    """What ``pickletools`` reads of it takes little memory, whatever lengths a file claims."""

    def tell(self) -> int:
        return 0

    def read(self, n: int | None = -1) -> bytes:
        if n is None or n <= _LONGEST_READ:
            return super().read(n)
        skipped = _Skipped()
        while piece := super().read(min(n - skipped.n, _LONGEST_READ)):
            skipped.n += len(piece)
        return skipped

    def readline(self, _: int | None = -1) -> bytes:
        return super().readline(_LONGEST_LINE)


def read_pickles(stream: ByteStream, n: int = 1) -> tuple[Any, set[str]]:
    """What the last of ``n`` pickles, one after another, holds, and the modules that loading it would import.

    Raises Untold where its instructions do not tell.
    """
    file = _Buffered(_Reader(stream))
    try:
        for _ in range(n):
            machine = _Machine(file)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of escapes in text
                value = machine.run()
        _check_size(value)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, MemoryError) as error:
        raise Untold from error
    return value, machine.modules


def _check_size(value: Any) -> None:
    """Raise Untold for a value in which others are met too many times; what is in lists is looked at twice."""
    waiting, n = [(value, 1)], 0
    while waiting:
        node, weight = waiting.pop()
        inner: list[Any] = []
        match node:
            case list() | tuple():
                inner = list(node)
            case dict():
                inner = list(node.values())
            case Stub():
                inner = [node.arguments, node.state, node.items]
        weight <<= isinstance(node, list)
        n += weight * (1 + len(inner))
        if n > _MOST_VALUES:
            raise Untold
        waiting += [(each, weight) for each in inner if isinstance(each, list | tuple | dict | Stub)]


def _brief(value: Any) -> Any:
    """A value as it is kept: the bytes of arrays are not."""
    if isinstance(value, str | bytes | bytearray) and len(value) > _LONGEST_TEXT:
        return "" if isinstance(value, str) else b""
    return value


def _key(value: Any) -> Any:
    """The key of a dict; raises Untold where finding it could take long.

    A number or text of NumPy is the same key as the one of Python that equals it.
    """
    if isinstance(value, Stub) and value.name.name == "scalar":
        return _scalar(value)
    for part in value if isinstance(value, tuple) else (value,):
        if not isinstance(part, str | bytes | int | float | Stub | Name | None):
            raise Untold
    return value


def _scalar(stub: Stub) -> Any:
    """The whole number or the text that a scalar of NumPy is; other ones stay what they are."""
    dtype, data = stub.arguments
    kind, _ = dtype_of(dtype)
    if isinstance(data, Stub):  # as older protocols have bytes
        data = data.arguments[0].encode("latin1")
    big = dtype.state[1] == ">"
    if kind == "U":
        return data.decode("utf-32-be" if big else "utf-32-le")
    return int.from_bytes(data, "big" if big else "little", signed=kind == "i") if kind in "iu" else stub


def size_of(shape: tuple[Any, ...]) -> int:
    """How many values an array of a shape has; raises Untold where it is none."""
    size = 1
    for n in shape:
        if type(n) is not int or n < 0:
            raise Untold
        size *= n
        if size > _LARGEST_SIZE or n > _LARGEST_SIZE:
            raise Untold
    return size


class _Machine:
    """The stack and the memory that the instructions of a pickle work on."""

    def __init__(self, file: io.BufferedReader) -> None:
        self.file = file
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.modules: set[str] = set()
        self.left = _MOST_STEPS

    def spend(self, n: int) -> None:
        """Count steps; raises Untold where they are too many."""
        self.left -= n
        if self.left < 0:
            raise Untold

    def run(self) -> Any:
        for opcode, argument, _ in pickletools.genops(self.file):
            self.spend(1)
            if opcode.name in _CONSTANTS:
                self.stack.append(_CONSTANTS[opcode.name]())
            elif opcode.name in _STEPS:
                _STEPS[opcode.name](self, argument)
            elif argument is not None and opcode.name not in _ELSEWHERE:
                kept = _brief(argument)
                self.spend(len(kept) // _TEXT_A_STEP if isinstance(kept, str | bytes | bytearray) else 0)
                self.stack.append(kept)
            else:
                raise Untold(opcode.name)
        return self.stack.pop()

    def since_mark(self) -> list[Any]:
        found, self.stack = self.stack, self.below.pop()
        return found

    def mark(self, _: Any) -> None:
        self.below.append(self.stack)
        self.stack = []

    def put(self, number: int) -> None:
        self.memo[number] = self.stack[-1]

    def memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def get(self, number: int) -> None:
        self.stack.append(self.memo[number])

    def pop(self, _: Any) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.since_mark()

    def pop_mark(self, _: Any) -> None:
        self.since_mark()

    def fold(self, made: Callable[[list[Any]], Any]) -> None:
        """Replace what is above the mark by what is made of it."""
        items = self.since_mark()
        self.stack.append(made(items))

    def last(self, n: int) -> list[Any]:
        taken = self.stack[len(self.stack) - n :]
        del self.stack[len(self.stack) - n :]
        return taken

    def extend(self, items: list[Any]) -> None:
        if isinstance(self.stack[-1], list):
            self.stack[-1].extend(items)

    def update(self, items: list[Any]) -> None:
        target = self.stack[-1]
        found = _of_pairs(items)
        (target.items if isinstance(target, Stub) else target).update(found)

    def name(self, text: str) -> None:
        module, _, name = text.partition(" ")
        self.found(module, name)

    def found(self, module: str, name: str) -> None:
        if not isinstance(name, str):
            raise Untold
        self.modules.add(module.partition(".")[0])
        self.stack.append(Name(module, name))

    def call(self, function: Any, arguments: Any) -> None:
        if not isinstance(arguments, tuple):
            raise Untold
        name = function.name if isinstance(function, Name) else ""
        if name == "_reconstructor":  # as the oldest protocols make objects
            self.stack.append(Stub(arguments[0]))
        elif name in ("OrderedDict", "defaultdict") and not (arguments and isinstance(arguments[0], list)):
            self.stack.append({})
        elif name == "OrderedDict":
            self.spend(len(arguments[0]))
            self.stack.append({_key(key): value for key, value in arguments[0]})
        else:
            self.stack.append(Stub(function, arguments))

    def build(self, _: Any) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, Stub):
            target.state = state
            if target.name.name == "NumpyArrayWrapper":
                self.skip_array(state)

    def skip_array(self, state: dict[str, Any]) -> None:
        """Read past the numbers that joblib writes between two instructions."""
        if state.get("numpy_array_alignment_bytes"):
            self.file.read(self.file.read(1)[0])
        kind, width = dtype_of(state["dtype"])
        if kind == "O":
            raise Untold
        left = size_of((width, *state["shape"]))
        while left:
            data = self.file.read(min(left, 1 << 20))
            if not data:
                raise Untold
            left -= len(data)


def dtype_of(node: Any) -> tuple[str, int]:
    """NumPy's letter of a kind of values, and their width in bytes (of text, in characters)."""
    text = str(node.arguments[0])
    return text[0], int(text[1:])


def _named(machine: _Machine) -> None:
    module, name = machine.last(2)
    machine.found(module, name)


def _of_class(machine: _Machine, _: Any) -> None:
    machine.call(*machine.last(2))


def _of_class_with_keywords(machine: _Machine, _: Any) -> None:
    function, arguments, _keywords = machine.last(3)
    machine.call(function, arguments)


def _instance(machine: _Machine, text: str) -> None:
    arguments = machine.since_mark()
    machine.name(text)
    machine.call(machine.stack.pop(), tuple(arguments))


def _object(machine: _Machine, _: Any) -> None:
    function, *arguments = machine.since_mark()
    machine.call(function, tuple(arguments))


def _stored(machine: _Machine, _: Any) -> None:
    machine.stack.append(Stub(Name("", "persistent"), (machine.stack.pop(),)))


def _of_pairs(items: list[Any]) -> dict[Any, Any]:
    return {_key(key): value for key, value in zip(items[::2], items[1::2], strict=True)}


# What these stand for is told outside of the pickle.
_ELSEWHERE = ("PERSID", "EXT1", "EXT2", "EXT4")
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": list,
}
_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME", "STOP"), lambda *_: None),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Machine.put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.get),
    "MEMOIZE": _Machine.memoize,
    "MARK": _Machine.mark,
    "POP": _Machine.pop,
    "POP_MARK": _Machine.pop_mark,
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    "TUPLE": lambda machine, _: machine.fold(tuple),
    "LIST": lambda machine, _: machine.fold(list),
    "DICT": lambda machine, _: machine.fold(_of_pairs),
    "FROZENSET": lambda machine, _: machine.fold(list),
    "TUPLE1": lambda machine, _: machine.stack.append(tuple(machine.last(1))),
    "TUPLE2": lambda machine, _: machine.stack.append(tuple(machine.last(2))),
    "TUPLE3": lambda machine, _: machine.stack.append(tuple(machine.last(3))),
    "APPEND": lambda machine, _: machine.extend(machine.last(1)),
    "APPENDS": lambda machine, _: machine.extend(machine.since_mark()),
    "ADDITEMS": lambda machine, _: machine.extend(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.update(machine.last(2)),
    "SETITEMS": lambda machine, _: machine.update(machine.since_mark()),
    "GLOBAL": _Machine.name,
    "STACK_GLOBAL": lambda machine, _: _named(machine),
    "REDUCE": _of_class,
    "NEWOBJ": _of_class,
    "NEWOBJ_EX": _of_class_with_keywords,
    "INST": _instance,
    "OBJ": _object,
    "BUILD": _Machine.build,
    "BINPERSID": _stored,
}
