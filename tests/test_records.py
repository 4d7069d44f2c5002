"""Records are dataclasses: what they do is judged by those of the standard library."""

import dataclasses
import inspect
import pickle
from dataclasses import field

import pytest

from nllcli import records

OPTIONS = [{}, {"frozen": True}, {"frozen": True, "eq": False}, {"kw_only": True}]


def both(options):
    """The same class, made by the standard library and as a record."""

    class Plain:
        """A class."""

        a: int
        b: list = field(default_factory=list, compare=False)
        c: str = field(default="c", repr=False, hash=False)
        d: float = 0.5
        e: int = field(default=7, init=False)

    made = []
    for decorate in (dataclasses.dataclass, records.dataclass):
        copy = type("Plain", (), {"__annotations__": Plain.__annotations__, **fields_of(Plain), "__doc__": "A class."})
        copy.__qualname__ = "Plain"
        made.append(decorate(**options)(copy))
    return made


def fields_of(cls):
    return {name: vars(cls)[name] for name in "bcde"}


def result(action):
    """What an action gives, or the type and words of its error."""
    try:
        return action()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return type(error), str(error)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(
    "act",
    [
        lambda cls: repr(cls(a=1)),
        lambda cls: repr(cls(a=cls(a=1, d=2.5))),
        lambda cls: (cls(a=1) == cls(a=1), cls(a=1) == cls(a=2), cls(a=1) == 1, cls(a=1) != cls(a=1, d=3.0)),
        lambda cls: cls(a=1, b=[1]) == cls(a=1, b=[2]),
        lambda cls: cls(a=float("nan")) == cls(a=float("nan")),
        lambda cls: cls(a=1) == type("Other", (cls,), {})(a=1),
        lambda cls: len({*map(hash, [cls(a=1), cls(a=1)])}),
        lambda cls: len({cls(a=1), cls(a=1, b=[1]), cls(a=1, c="d"), cls(a=2)}),
        lambda cls: setattr(cls(a=1), "a", 2),
        lambda cls: setattr(cls(a=1), "unknown", 2),
        lambda cls: setattr(cls(a=1), "b", 2),
        lambda cls: delattr(cls(a=1), "a"),
        lambda cls: cls(),
        lambda cls: cls(1, [], "c", 2.0, 3),
        lambda cls: cls(1, a=1),
        lambda cls: cls(a=1, e=7),
        lambda cls: str(inspect.signature(cls)),
        lambda cls: cls(b=[], unknown=1),
        lambda cls: cls(a=1).b is cls(a=1).b,
        lambda cls: (cls(a=1, b=None).b, cls(a=1).e, vars(cls(a=1)).get("e")),
        lambda cls: dataclasses.asdict(dataclasses.replace(cls(a=1), d=9.0)),
        lambda cls: [each.name for each in dataclasses.fields(cls)],
        lambda cls: cls.__match_args__,
        lambda cls: cls.__hash__ is None,
    ],
)
def test_records_do_what_dataclasses_do(act, options):
    plain, record = both(options)
    assert result(lambda: act(record)) == result(lambda: act(plain))


@records.dataclass(frozen=True)
class Pair:
    """Two values."""

    a: int
    b: int = 2


@records.dataclass(frozen=True)
class Triple(Pair):
    """Three values."""

    c: int = 3


def test_records_inherit_and_travel():
    triple = Triple(1)
    assert (repr(triple), triple == Triple(1, 2, 3), triple == Pair(1)) == ("Triple(a=1, b=2, c=3)", True, False)
    assert pickle.loads(pickle.dumps(triple)) == triple


def test_the_end_of_a_record_may_set_what_it_has_not():
    @records.dataclass(frozen=True)
    class Ended:
        a: int
        b: int = field(init=False)

        def __post_init__(self):
            self.b = self.a + 1

    @records.dataclass(frozen=True)
    class Inheriting(Ended):
        c: int = 3

    assert (Ended(1).b, Inheriting(2).b, Inheriting(2, c=4).c) == (2, 3, 4)


@pytest.mark.parametrize("make", [lambda cls: cls(1), lambda cls: cls(record=1), lambda cls: cls(1, made=[])])
def test_fields_of_any_name_that_may_be_given(make):
    made = []
    for decorate in (dataclasses.dataclass, records.dataclass):

        @decorate
        class Named:
            record: int
            made: list = field(default_factory=list, init=False)

        made.append(str(result(lambda cls=Named: vars(make(cls)))))
    plain, record = (text.replace("test_fields_of_any_name_that_may_be_given.<locals>.", "") for text in made)
    assert record == plain


def test_what_a_class_says_itself_is_kept():
    @records.dataclass(frozen=True)
    class Own:
        a: int

        def __repr__(self):
            return "own"

        def __eq__(self, other):
            return True

        __hash__ = None

    assert repr(Own(1)) == "own"
    assert Own(1) == 2


def test_a_record_of_one_value_is_compared_as_a_tuple():
    @records.dataclass(frozen=True)
    class One:
        a: float

    nan = float("nan")
    assert One(nan) == One(nan)
