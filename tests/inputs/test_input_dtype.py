"""--input-dtype speaks of the logits."""

import json

import numpy as np
import pytest
from in_process import nll
from oracle import losses


def test_bfloat16_logits_meet_typed_targets(tmp_path):
    rows = [[1.5, -2.0, 0.25], [0.0, 4.0, -1.0]]  # each a bfloat16: the upper half of its float32
    upper = (np.array(rows, "<f4").view("<u4") >> 16).astype("<u2")
    np.save(tmp_path / "x.npy", upper.view("V2"))
    np.save(tmp_path / "y.npy", np.array([2, 1]))
    done = nll("compute", tmp_path / "x.npy", tmp_path / "y.npy", "--input-dtype", "bfloat16", "-q")
    assert float(done.out) == pytest.approx(float(sum(losses(rows, [2, 1]))) / 2, rel=1e-14)


def test_typed_logits_are_not_bfloat16(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 3), "f4"))
    np.save(tmp_path / "y.npy", np.array([2, 1]))
    done = nll("compute", tmp_path / "x.npy", tmp_path / "y.npy", "--input-dtype", "bfloat16")
    assert done.code == 3
    assert "holds float32, not bfloat16" in done.err


ROWS = [[1.5, -2.0, 0.25], [0.0, 4.0, -1.0]]
UPPER = (np.array(ROWS, "<f4").view("<u4") >> 16).astype(np.uint16)  # each a bfloat16: the upper half of its float32


def as_npz(path, array):
    np.savez_compressed(path.with_suffix(".npz"), x=array)
    return path.with_suffix(".npz")


def as_stored_npz(path, array):
    np.savez(path.with_suffix(".npz"), x=array)
    return path.with_suffix(".npz")


def as_npy(path, array):
    np.save(path, array)
    return path


def as_fortran(path, array):
    return as_npy(path, np.asfortranarray(array))


def as_safetensors(path, array):
    little = array.astype(array.dtype.newbyteorder("<"))
    code = {"u": "U16", "i": "I16"}[array.dtype.kind]
    header = json.dumps({"x": {"dtype": code, "shape": little.shape, "data_offsets": [0, little.nbytes]}}).encode()
    path = path.with_suffix(".safetensors")
    path.write_bytes(len(header).to_bytes(8, "little") + header + little.tobytes())
    return path


@pytest.mark.parametrize("save", [as_npy, as_fortran, as_npz, as_stored_npz, as_safetensors])
@pytest.mark.parametrize("kind", ["<u2", ">u2", "<i2", ">i2"])
def test_integers_of_two_bytes_hold_the_bits_of_bfloat16(tmp_path, kind, save):
    """As ``x.view(torch.int16).numpy()`` leaves them, in either byte order."""
    bits = UPPER.view(np.uint16 if kind[1] == "u" else np.int16).astype(kind)
    path = save(tmp_path / "x.npy", bits)
    np.save(tmp_path / "y.npy", np.array([2, 1], np.int16))  # targets of the same type stay integers
    done = nll("compute", path, tmp_path / "y.npy", "--input-dtype", "bfloat16", "-q")
    assert float(done.out) == pytest.approx(float(sum(losses(ROWS, [2, 1]))) / 2, rel=1e-14), done.err


@pytest.mark.parametrize("save", [as_npy, as_fortran, as_npz, as_stored_npz, as_safetensors])
@pytest.mark.parametrize("kind", ["<u2", "<i2"])
def test_integers_of_two_bytes_are_numbers_with_a_note(tmp_path, kind, save):
    path = save(tmp_path / "x.npy", np.array([[3, 1, 0], [2, 2, 5]]).astype(kind))
    np.save(tmp_path / "y.npy", np.array([2, 1]))
    done = nll("compute", path, tmp_path / "y.npy", "-q")
    assert float(done.out) == pytest.approx(float(sum(losses([[3, 1, 0], [2, 2, 5]], [2, 1]))) / 2, rel=1e-14)
    assert done.err.startswith("nll: note: ")
    assert done.err.endswith(
        ": integers of two bytes are taken as numbers; --input-dtype bfloat16 takes them as its bits\n"
    )


@pytest.mark.parametrize("kind", ["i1", "u1", "<i4", "<f2"])
def test_other_numbers_come_without_a_note(tmp_path, kind):
    np.save(tmp_path / "x.npy", np.array([[3, 1, 0], [2, 2, 5]]).astype(kind))
    np.save(tmp_path / "y.npy", np.array([2, 1]))
    assert nll("compute", tmp_path / "x.npy", tmp_path / "y.npy", "-q").err == ""


@pytest.mark.parametrize("blanks", ["", " ", " \n\t\r ", " " * 5000])
@pytest.mark.parametrize("end", ["", "   "])
def test_a_safetensors_header_may_be_padded(tmp_path, blanks, end):
    rows = np.array([[3, 1, 0], [2, 2, 5]], "<f8")
    about = {"x": {"dtype": "F64", "shape": rows.shape, "data_offsets": [0, rows.nbytes]}}
    header = (blanks + json.dumps(about) + end).encode()
    (tmp_path / "x").write_bytes(len(header).to_bytes(8, "little") + header + rows.tobytes())
    np.save(tmp_path / "y.npy", np.array([2, 1]))
    done = nll("compute", tmp_path / "x", tmp_path / "y.npy", "-q")
    assert float(done.out) == pytest.approx(float(sum(losses(rows.tolist(), [2, 1]))) / 2, rel=1e-14), done.err
