"""Decimals in text, judged by ``float``, which rounds correctly; what is not of the plain form is left to others."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nllcli.data.blocks import Scratch
from nllcli.data.settings import InputOptions
from nllcli.inputs.opening import open_dataset
from nllcli.inputs.tables import cells, decimals

DELIMITERS = [",", ";", "\t", " "]
FORMATS = ["%.6f", "%.9g", "%.17g", "%.18e", "%r", "%d"]
DIGITS = st.text("0123456789", min_size=1, max_size=9)
SIGN = st.sampled_from(["", "-", "+"])
POWER = st.one_of(st.just(""), st.builds("{}{}{}".format, st.sampled_from("eE"), SIGN, st.integers(0, 99)))
FIXED = st.one_of(
    DIGITS, st.builds("{}.".format, DIGITS), st.builds(".{}".format, DIGITS), st.builds("{}.{}".format, DIGITS, DIGITS)
)
PLAIN = st.builds("{}{}{}".format, SIGN, FIXED, POWER)  # at most 18 digits
FINITE = st.floats(allow_nan=False, allow_infinity=False)
WRITTEN = st.builds(
    "{1:{0}}".format, st.sampled_from([".6f", ".9g", ".16g", ".17g", ".18e", ".30g", ""]), FINITE
).filter(lambda cell: math.isfinite(float(cell)))


def is_tie(cell):
    """Whether a decimal lies in the middle between two float64 numbers."""
    value, exact = float(cell), Fraction(cell)
    return exact != value and any(
        abs(exact - Fraction(value)) == abs(exact - Fraction(math.nextafter(value, to))) for to in (-math.inf, math.inf)
    )


def table(rows, delimiter=","):
    return "".join(delimiter.join(row) + "\n" for row in rows).encode()


def parse(rows, delimiter=",", parser=decimals.parse):
    return parser(table(rows, delimiter), len(rows), len(rows[0]), delimiter)


def assert_bits(found, rows):
    expected = np.array([[float(cell) for cell in row] for row in rows])
    np.testing.assert_array_equal(found.view(np.int64), expected.view(np.int64))


def rows_of(cell):
    return st.integers(1, 5).flatmap(
        lambda n: st.lists(st.lists(cell, min_size=n, max_size=n), min_size=1, max_size=20)
    )


@given(rows_of(PLAIN.filter(lambda cell: not is_tie(cell))), st.sampled_from(DELIMITERS))
def test_plain_cells(rows, delimiter):
    assert_bits(parse(rows, delimiter), rows)


@given(rows_of(st.one_of(PLAIN, WRITTEN)), st.sampled_from(DELIMITERS))
def test_cells_of_any_length(rows, delimiter):
    """Digits and powers may be too many for one reader; the others then have the same bits."""
    assert_bits(parse(rows, delimiter, cells.parse_plain), rows)
    found = parse(rows, delimiter)
    if found is not None:
        assert_bits(found, rows)


@pytest.mark.uncounted
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_cells_as_programs_write_them(form, delimiter, monkeypatch):
    """In pieces that end in any column."""
    monkeypatch.setattr(decimals, "_PIECE_CELLS", 50)
    rng = np.random.default_rng(1)
    values = rng.normal(size=(301, 7)) * 10.0 ** rng.integers(-3, 3, (301, 7))
    rows = [[form % value for value in row] for row in values.tolist()]
    assert_bits(parse(rows, delimiter), rows)


@pytest.mark.parametrize("n_digits", [1, 8, 15, 16, 17, 18, 19])
def test_every_power_of_ten(n_digits):
    decimals._powers_of_ten.cache_clear()  # which a test whose lines are not counted may have made
    rng = np.random.default_rng(n_digits)
    least = 10 ** (n_digits - 1)
    cells_of = [f"{rng.integers(least, 9 * least, dtype=np.uint64)}e{k}" for k in range(-250, 251) for _ in range(9)]
    rows = [[cell] for cell in cells_of if not is_tie(cell)]
    assert_bits(parse(rows), rows)


@pytest.mark.parametrize("shift", range(0, 11, 2))
def test_next_to_a_tie(shift):
    """Decimals of 19 digits next to and at the middle between two float64 numbers, which only the careful may round."""
    rng = np.random.default_rng(shift)
    middles = [(int(m) << 1 | 1) << shift for m in rng.integers(2**52, 2**53, 200)]
    near = [[str(m + d)] for m in middles for d in (-1, 1) if shift] + [[f"{m}.00{d}"] for m in middles for d in "19"]
    near = [[cell] for (cell,) in near if len(cell.replace(".", "")) <= 19]
    assert_bits(parse(near), near)
    ties = [[str(m)] for m in middles if m < 10**19]
    assert parse(ties) is None
    assert_bits(parse(ties, parser=cells.parse_plain), ties)


ZEROS = ["0", "-0", "+0", "-0.0", "-.0", "0.", "-0e5", "0e-99", "00000000000000000000.0"]
LONG = [
    "9223372036854775808",
    "9999999999999990000",
    "0.9999999999999999999",
    "0.000000000000000000000001",
    "18014398509481984",
]
EXACT = ["9007199254740992", "9007199254740991e22", "9007199254740991e-22", "1e22", "1e-22", "99999999.99999999"]
SHORT = ["1", "01", "000000000001", ".5", "5.", "-1e-7", "1E+0", "1e00000007"]


@pytest.mark.parametrize("row", [ZEROS, LONG, EXACT, SHORT, ZEROS + LONG + EXACT + SHORT])
def test_extremes(row):
    assert_bits(parse([row]), [row])
    for cell in row:
        assert_bits(parse([[cell]]), [[cell]])


MALFORMED = ["-", "+", ".", "-.", "e", "e5", ".e5", "-e5", "1e", "1e+", "1e5e6", "1e5.5", "1e5.", "1.2.3", "--1", "+-1"]
DAMAGED = [
    "1-2",
    "1+",
    "1-",
    "1e--5",
    "1_000",
    "0x10",
    "1d5",
    "1f",
    "1a",
    "1/2",
    "1:",
    "\u0663",
    "\uff11",
    "\0",
    "\xa0",
]
WORDS = ["", " ", " 1", "1 ", "1e 5", "- 1", "nan", "-inf", "Infinity", '"1"']
TOO_LONG = ["10000000000000000000", "0.10000000000000000000", "1000.0000000000000000", "0." + "0" * 25, "1e000000001"]
TOO_FAR = ["1e251", "1e-251", "1e400", "2.2250738585072014e-308", "5e-324"]
TIES = ["9007199254740993", "1e23"]


@pytest.mark.parametrize("cell", MALFORMED + DAMAGED + WORDS + TOO_LONG + TOO_FAR + TIES)
def test_cells_left_to_other_readers(cell):
    row = ["1.5", "-2", "3e-5", "4", "+5.25", "6."]
    assert_bits(parse([row]), [row])
    for i in range(len(row)):
        cells_of = [*row[:i], cell, *row[i + 1 :]]
        assert parse([cells_of]) is None
        assert parse([cells_of[:2], cells_of[2:4], cells_of[4:]]) is None


@pytest.mark.parametrize(
    ("body", "n_rows", "n_columns"),
    [
        (b"1,2\n3\n4,5\n6\n", 3, 2),
        (b"1,2\n3,4\n", 1, 2),
        (b"1,2\n3,4\n", 3, 2),
        (b"1,2\n3,4\n", 1, 4),
        (b"1,2,3,4\n", 2, 2),
        (b"1\n2,3\n4\n", 2, 2),
        (b"1,2\n3,4", 2, 2),
        (b"1,2\n3,4\n5", 2, 2),
        (b"1,2\n\n3,4\n", 2, 2),
        (b"1,2,\n3,4\n", 2, 2),
        (b"1;2\n3;4\n", 2, 2),
        (b"\n", 1, 1),
        (b",\n", 1, 2),
    ],
)
def test_rows_of_other_lengths(body, n_rows, n_columns):
    assert decimals.parse(body, n_rows, n_columns, ",") is None


@pytest.mark.parametrize("n", range(1, 12))
def test_rows_of_other_lengths_in_pieces(n, monkeypatch):
    """However the pieces end, every line has to have its cells."""
    monkeypatch.setattr(decimals, "_PIECE_CELLS", n)
    rows = [["1"] * 3] * 7
    assert_bits(parse(rows), rows)
    for moved in range(0, 6):
        uneven = [*rows[:moved], ["1"] * 2, ["1"] * 4, *rows[moved + 2 :]][:7]
        assert decimals.parse(table(uneven), 7, 3, ",") is None
    assert decimals.parse(table(rows), 6, 3, ",") is None
    assert decimals.parse(table(rows), 8, 3, ",") is None


def test_a_cell_longer_than_a_piece(monkeypatch):
    monkeypatch.setattr(decimals, "_PIECE_CELLS", 1)
    assert decimals.parse(b"1,2,3,4,5,6,7.12345678901234567\n", 1, 7, ",") is None


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("first", ["1.5", "-inf", " 1.5", "1.5e-300"], ids=["plain", "infinite", "blank", "small"])
def test_tables(delimiter, first, tmp_path):
    """Blocks that this reader takes, and blocks that it leaves to others, in one file."""
    rng = np.random.default_rng(3)
    rows = [[form % value for form in FORMATS] for value in (rng.normal(size=500) * 30).tolist()]
    rows[140][0] = first
    path = tmp_path / "x.csv"
    path.write_bytes(table(rows, delimiter))
    blocks = [chunk.load(Scratch()) for chunk in open_dataset(InputOptions(str(path), columns="*")).chunks(100)]
    assert [len(block.logits) for block in blocks] == [100] * 5
    assert_bits(np.concatenate([block.logits for block in blocks]), rows)
