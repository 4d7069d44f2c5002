"""Class counts of targets read piece by piece: the same wherever the pieces end, in memory that does not grow."""

import gzip
import io
import tracemalloc

import numpy as np
import pytest

from nllcli.errors import DataError
from nllcli.inputs import counting

TARGETS = np.random.default_rng(3).integers(0, 5, (7, 11))


def npy(values):
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


FILES = {
    "npy": npy(TARGETS),
    "fortran": npy(np.asfortranarray(TARGETS)),
    "floats": npy(TARGETS.astype("f4")),
    "npy.gz": gzip.compress(npy(TARGETS)),
    "text": "".join(f"{t}\n" for t in TARGETS.flat).encode(),
    "header": b"y\n" + "".join(f"{t}\n" for t in TARGETS.flat).encode(),
    "series": b",y\n" + "".join(f"{i},{t}\n" for i, t in enumerate(TARGETS.flat)).encode(),
    "jsonl": "".join(f'{{"target": {t}}}\n' for t in TARGETS.flat).encode(),
}


@pytest.mark.parametrize("step", [1, 10, 1000])
@pytest.mark.parametrize("name", FILES)
def test_counts_do_not_depend_on_the_pieces(name, step, tmp_path, monkeypatch):
    monkeypatch.setattr(counting, "_PIECE_SAMPLES", step)
    monkeypatch.setattr("nllcli.inputs.tables.lines._PIECE_BYTES", step)
    path = tmp_path / "y"
    path.write_bytes(FILES[name])
    counts, names = counting.count_targets(str(path))
    assert counts == [TARGETS.ravel().tolist().count(c) for c in range(5)]
    assert names is None


WRONG = [*range(6), -2, 1]


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (npy(np.array(WRONG)), "y, row 6"),
        (npy(np.array(WRONG).reshape(2, 4)), r"y, position \(1, 2\)"),
        (npy(np.asfortranarray(np.array(WRONG).reshape(2, 4))), r"y, position \(1, 2\)"),
        (b"# y\n\n" + "".join(f"{t}\n" for t in WRONG).encode(), "y, line 9"),
        ("".join(f'{{"target": {t}}}\n' for t in WRONG).encode(), "y, line 7"),
        (b",y\n" + "".join(f"{i},{t}\n" for i, t in enumerate(WRONG)).encode(), "y, line 8"),
    ],
)
@pytest.mark.parametrize("step", [3, 1000])
def test_what_is_no_class_is_found_where_it_is(data, place, step, tmp_path, monkeypatch):
    monkeypatch.setattr(counting, "_PIECE_SAMPLES", step)
    monkeypatch.setattr("nllcli.inputs.tables.lines._PIECE_BYTES", step)
    path = tmp_path / "y"
    path.write_bytes(data)
    with pytest.raises(DataError, match=f"{place}: target -2 is outside 0 and up"):
        counting.count_targets(str(path))
    path.write_bytes(data.replace(b"-2", b"99").replace(b"\xfe" + b"\xff" * 7, b"\x63" + bytes(7)))
    with pytest.raises(DataError, match=f"{place}: target 99 is outside 0..5"):
        counting.count_targets(str(path), list("abcdef"))


def test_what_no_number_of_classes_holds_is_found_where_it_is(tmp_path):
    path = tmp_path / "y"
    path.write_bytes(npy(np.array([0, 1.5])))
    with pytest.raises(DataError, match=r"y, row 1: target 1\.5 is not a class index"):
        counting.count_targets(str(path))
    path.write_bytes(npy(np.array([0, 1 << 30])))
    with pytest.raises(DataError, match="y, row 1: target 1073741824 would make 1073741825 classes"):
        counting.count_targets(str(path))


def test_memory_stays_flat(tmp_path):
    n = 8_000_000
    path = tmp_path / "y.npy"
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<i8", "fortran_order": False, "shape": (n,)})
        file.truncate(file.tell() + 8 * n)
    tracemalloc.start()
    try:
        assert counting.count_targets(str(path)) == ([n], None)
        assert tracemalloc.get_traced_memory()[1] < n
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "data", [npy(np.empty((0, 3), int)), b"[0.5, 0.5]\n[0.25, 0.75]\n"], ids=["no samples", "class probabilities"]
)
@pytest.mark.parametrize("classes", [None, ["a", "b"]])
def test_what_holds_no_class_indices_cannot_be_counted(data, classes, tmp_path):
    (tmp_path / "y").write_bytes(data)
    with pytest.raises(DataError, match="y: has no targets to count"):
        counting.count_targets(str(tmp_path / "y"), classes)


def test_bfloat16_cannot_tell_classes_apart(tmp_path):
    """256 and 257 are the same number in it."""
    header = b'{"y": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}'
    (tmp_path / "y").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(DataError, match="y:y: holds bfloat16, which is too coarse for class indices"):
        counting.count_targets(str(tmp_path / "y"))


def test_a_line_of_several_cells_is_refused(tmp_path):
    """Wherever it stands; blanks after a tab hold nothing."""
    path = tmp_path / "y.txt"
    path.write_text("0\n1\t\n2\n1\t7\n")
    with pytest.raises(DataError, match=r"y\.txt, line 4: has 2 cells between tabs; targets have one a line"):
        counting.count_targets(str(path))
    path.write_text("0\n1\t\n2\n")
    assert counting.count_targets(str(path)) == ([1, 1, 1], None)
