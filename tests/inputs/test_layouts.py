"""Arrays of every layout, cut into blocks: each sample's row once, in file order, in runs that follow the layout."""

import os

import numpy as np
import pytest

from nllcli import engine as stream
from nllcli.data.blocks import Scratch
from nllcli.data.layout import Layout
from nllcli.data.settings import InputOptions
from nllcli.errors import FaultError, NllError, UsageError, setting
from nllcli.inputs.arrays import raw
from nllcli.inputs.arrays.memory import memory_array
from nllcli.inputs.formats import ReadOptions, open_input
from nllcli.inputs.opening import open_dataset
from nllcli.inputs.shapes import layout_of, shown

SHAPES = [
    ((5,), 0),
    ((6, 4), 1),
    ((6, 4), 0),
    ((1, 4), 1),
    ((6, 1), 1),
    ((0, 4), 1),
    ((2, 3, 5), 1),
    ((2, 3, 5), 2),
    ((2, 3, 5), 0),
    ((2, 3, 4, 5), 1),
    ((2, 3, 4, 5), 3),
    ((3, 4, 0), 1),
]
DTYPES = ("<f8", ">f4", "<f2", "V2", "i1")


def array(shape, dtype, order):
    values = np.arange(np.prod(shape)).reshape(shape) % 251
    if dtype == "V2":
        return np.asarray(values.astype("<u2"), order=order).view("V2")
    return np.asarray(values.astype(dtype), order=order)


def in_file_order(values, axis, fortran):
    """Every sample's classes, sample after sample as the file has them."""
    if fortran:
        values, axis = values.T, values.ndim - 1 - axis
    return np.moveaxis(values, axis, -1).reshape(-1, values.shape[axis])


def sources(values, path):
    """The array in a file, from a stream, and in memory."""
    np.save(path, values)
    yield open_input(str(path)).read(ReadOptions(input_dtype="bfloat16" if values.dtype.kind == "V" else None))
    opened = open_input(str(path))
    opened.stream.file = None
    yield opened.read(ReadOptions(input_dtype="bfloat16" if values.dtype.kind == "V" else None))
    if values.dtype.kind != "V":
        yield memory_array("x", values)


# How the runs of a class are read: by the length from which each block reads its own, and the step from which each is
# read by itself.
READING = {"column by column": (0, 1), "in slabs": (1 << 15, 1), "in slabs, with gaps": (1 << 15, 1 << 14)}


@pytest.fixture(params=READING.values(), ids=READING)
def reading(request, monkeypatch):
    short_run, long_step = request.param
    monkeypatch.setattr(raw, "_SHORT_RUN", short_run)
    monkeypatch.setattr(raw, "_LONG_STEP", long_step)
    monkeypatch.setattr(raw, "_SLAB_BYTES", 64)
    monkeypatch.setattr(raw, "_PIECE_BYTES", 64)


@pytest.mark.uncounted
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "axis"), SHAPES, ids=str)
@pytest.mark.usefixtures("reading")
def test_blocks_of_a_layout(shape, axis, dtype, order, tmp_path):
    values = array(shape, dtype, order)
    for n in (1, 2, 3, 7, 100):
        for source in sources(values, tmp_path / "x.npy"):
            assert source.shape == shape
            layout = Layout(shape, axis, source.fortran)
            blocks = [chunk.load(Scratch()) for chunk in source.chunks(layout, n)]
            runs = [(block.start, len(block.logits)) for block in blocks]
            assert runs == list(layout.runs(n))
            expected = in_file_order(values, axis, source.fortran)
            found = np.concatenate([block.logits for block in blocks]) if blocks else expected[:0]
            assert {block.logits.dtype for block in blocks} <= {values.dtype}
            assert found.tobytes() == expected.astype(found.dtype).tobytes()
            assert source.n_bytes == values.nbytes


def test_slab_that_two_threads_read(tmp_path, monkeypatch):
    """The second comes while the first is at the second piece, and does not wait for it."""
    monkeypatch.setattr(raw, "_PIECE_BYTES", 64)
    values = array((5, 4), "<f8", "C")
    np.save(tmp_path / "x.npy", values)
    source = open_input(str(tmp_path / "x.npy")).read(ReadOptions())
    first, second = source.chunks(Layout((5, 4), 0), 2)
    read_into, n_read, found = source.file.read_into, 0, []

    def interrupted(view, at, name):
        nonlocal n_read
        n_read += 1
        if n_read == 2:
            found.append(second.load(Scratch()).logits.copy())
        read_into(view, at, name)

    monkeypatch.setattr(source.file, "read_into", interrupted)
    found.append(first.load(Scratch()).logits)
    np.testing.assert_array_equal(np.concatenate(found[::-1]), values.T)
    assert n_read == 4  # of three pieces of two classes, the second is read by both


@pytest.mark.parametrize("order", "CF")
def test_whole_arrays(order, tmp_path):
    values = array((2, 3, 4), "<f8", order)
    for source in list(sources(values, tmp_path / "x.npy"))[:2]:
        np.testing.assert_array_equal(source.at_any_place().read_all(), values)


def test_vector(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(10.0))
    vector = open_input(str(tmp_path / "x.npy")).read(ReadOptions())
    assert vector.name == str(tmp_path / "x.npy")
    assert vector.read(3, 4).tolist() == [3, 4, 5, 6]


@pytest.mark.parametrize("axis", [0, 1])
def test_integers_that_lose_digits_are_noted_once_they_were_read(axis, tmp_path):
    for value, n_notes in ((2**53, 0), (2**53 + 1, 1), (-(2**53) - 1, 1)):
        np.save(tmp_path / "x.npy", np.array([[value, 0], [1, 2]]))
        for seekable in (True, False):
            opened = open_input(str(tmp_path / "x.npy"))
            opened.stream.file = opened.stream.file if seekable else None
            source = opened.read(ReadOptions())
            chunks = list(source.chunks(Layout((2, 2), axis), 1))
            assert not source.notes
            for chunk in chunks:
                _ = chunk.load(Scratch()).logits
            assert len(source.notes) == n_notes


# --- files that fail --------------------------------------------------------------------------------------------------


@pytest.fixture
def growing(tmp_path):
    """A source of which one chunk has been read, and what changes its file."""
    np.save(tmp_path / "x.npy", np.zeros((100, 3)))
    source = open_input(str(tmp_path / "x.npy")).read(ReadOptions())
    return source, tmp_path / "x.npy"


@pytest.mark.parametrize("axis", [0, 1])
def test_file_that_shrinks(growing, axis):
    source, path = growing
    chunks = source.chunks(Layout((100, 3), axis), 1)
    os.truncate(path, 130)
    with pytest.raises(FaultError, match="became shorter"):
        [chunk.load(Scratch()).logits for chunk in chunks]


def test_file_that_changes(growing):
    source, path = growing
    with path.open("ab") as file:
        file.write(b"x")
    with pytest.raises(FaultError, match="changed while"):
        [chunk.load(Scratch()).logits for chunk in source.chunks(Layout((100, 3), 1), 10)]
    with pytest.raises(FaultError, match="changed while"):
        source.read_all()


@pytest.fixture
def old_files(tmp_path):
    """Logits, targets and weights that were written long ago."""
    shapes = {"logits": (100, 3), "targets": (100,), "weights": (100,)}
    paths = {name: tmp_path / f"{name}.npy" for name in shapes}
    for name, shape in shapes.items():
        np.save(paths[name], np.ones(shape))
        os.utime(paths[name], (0, 0))
    return paths


def work_while_changing(path, chunks):
    """Rewrite a file in place once its first block is read."""

    def work(block, _):
        _ = block.logits  # which are not read before
        if block.start == 0:
            with path.open("r+b") as file:
                file.seek(-8, os.SEEK_END)
                file.write(bytes(8))

    list(stream.map_blocks(work, chunks, threads=1))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.usefixtures("reading")
def test_file_that_changes_once_its_blocks_are_cut(axis, old_files):
    source = open_input(str(old_files["logits"])).read(ReadOptions())
    chunks = list(source.chunks(Layout((100, 3), axis), 1))
    with pytest.raises(FaultError, match=r"logits\.npy: changed while"):
        work_while_changing(old_files["logits"], chunks)


@pytest.mark.parametrize("changing", ["logits", "targets", "weights"])
def test_file_beside_others_that_changes_once_its_blocks_are_cut(changing, old_files):
    paths = {name: str(path) for name, path in old_files.items()}
    data = open_dataset(InputOptions(paths["logits"], paths["targets"], sample_weights=paths["weights"]))
    with pytest.raises(FaultError, match=rf"{changing}\.npy: changed while"):
        work_while_changing(old_files[changing], list(data.chunks(10)))


def test_file_that_cannot_be_read(growing, monkeypatch):
    def failing(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "preadv", failing)
    with pytest.raises(FaultError, match="cannot be read: Input/output error"):
        growing[0].read_all()


def test_reads_that_bring_less_than_asked_go_on(growing, monkeypatch):
    source, path = growing
    np.save(path, np.arange(300.0).reshape(100, 3))
    source = open_input(str(path)).read(ReadOptions())
    preadv = os.preadv
    monkeypatch.setattr(os, "preadv", lambda fd, views, at: preadv(fd, [views[0][:7]], at))
    np.testing.assert_array_equal(source.read_all(), np.arange(300.0).reshape(100, 3))


def test_text_that_changes(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("1,2\n" * 1000)
    source = open_input(str(path)).read(ReadOptions())
    chunks = source.chunks(Layout((None, 2), 1), 10)
    next(chunks)
    with path.open("a") as file:
        file.write("1,2\n")
    with pytest.raises(FaultError, match="changed while"):
        list(chunks)


# --- the class axis ---------------------------------------------------------------------------------------------------


def layout(shape, target_shape=None, class_axis=None, binary=False):
    return layout_of(shape, target_shape, class_axis=class_axis, binary=binary, fortran=False, name="x")


@pytest.mark.parametrize(
    ("shape", "targets", "axis"),
    [
        ((3,), (), 0),
        ((3,), (1,), 0),
        ((5, 3), (5,), 1),
        ((None, 3), (5,), 1),
        ((5, 3, 7), (5, 7), 1),
        ((5, 7, 3), (5, 7), 2),
        ((5, 3, 7, 9), (5, 7, 9), 1),
        ((5, 7, 9, 3), (5, 7, 9), 3),
        ((5, 3, 7), None, 1),
        ((5, 3, 7), (4, 4), 1),
        ((1, 5, 3), (5,), 1),
        ((5, 3, 1, 1), (5,), 1),
        ((5, 3, 1, 1), (5, 1), 2),
        ((1, 3, 7, 9), (7, 9), 0),
        ((1, 1, 1, 3), (1, 1), 2),
        ((1, 1, 1, 3), (1,), 1),
        ((1, 1, 3), (), 0),
    ],
)
def test_class_axis_follows_from_the_shapes(shape, targets, axis):
    assert layout(shape, targets).class_axis == axis


def test_class_axis_as_asked():
    assert layout((5, 3, 7), (5, 3), -1).class_axis == 2
    assert layout((5, 3), (3,), 0).class_axis == 0
    for axis in (2, -3):
        with pytest.raises(UsageError, match=f"⟦class_axis={axis}⟧ is not an axis"):
            layout((5, 3), (5,), axis)


def test_class_axis_that_could_be_either():
    with pytest.raises(UsageError) as caught:
        layout((5, 3, 3), (5, 3))
    assert [remedy.settings for remedy in caught.value.remedies] == [{"class_axis": 1}, {"class_axis": 2}]


def test_shapes_that_hold_no_logits():
    with pytest.raises(NllError, match="single number"):
        layout(())
    with pytest.raises(NllError, match="no classes"):
        layout((5, 0))
    with pytest.raises(UsageError, match=f"{setting('binary', True)} takes one column of logits, not 2"):
        layout((None, 2), binary=True)
    with pytest.raises(UsageError, match="has one logit a sample: axis 1 of shape"):
        layout((5, 2), class_axis=1, binary=True)


@pytest.mark.parametrize(
    ("shape", "targets", "samples", "own_axis"),
    [
        ((5,), None, (5,), None),
        ((5, 1), None, (5,), 1),
        ((5, 1), (5, 1), (5,), 1),
        ((None, 1), (5,), (None,), 1),
        ((5, 1, 4, 6), None, (5, 4, 6), 1),
        ((5, 4, 6), (5, 1, 4, 6), (5, 4, 6), None),
        ((5, 4, 1), (5, 4), (5, 4), 2),
        ((1, 1, 4, 6), (4, 6), (4, 6), 1),
        ((1, 5), (5,), (5,), None),
        ((1,), (), (), None),
    ],
    ids=str,
)
@pytest.mark.parametrize("fortran", [False, True])
def test_binary(shape, targets, samples, own_axis, fortran):
    """The logit of a sample is the fastest in the file, whatever axis of length 1 the array has for it."""
    found = layout_of(shape, targets, class_axis=None, binary=True, fortran=fortran, name="x")
    assert (found.sample_shape, found.own_axis, found.n_classes, found.inner) == (samples, own_axis, 1, 1)


def test_a_class_axis_of_binary_logits():
    assert layout((5, 1, 4), class_axis=-2, binary=True).own_axis == 1
    assert layout((1, 5, 4), class_axis=0, binary=True).sample_shape == (5, 4)


def test_shapes_in_messages():
    assert shown((3,)) == "(3,)"
    assert shown((None, 3)) == "(N, 3)"
    assert shown(()) == "()"


@pytest.mark.parametrize("fortran", [False, True])
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_the_position_of_a_sample_is_its_index_in_the_targets(shape, axis, fortran):
    layout = Layout(shape, axis, fortran)
    targets = shape[:axis] + shape[axis + 1 :]
    for sample in range(int(np.prod(targets))):
        index = tuple(int(i) for i in np.unravel_index(sample, targets, order="F" if fortran else "C"))
        assert layout.position(sample) == (index if len(targets) > 1 else None)
        assert layout.place(sample) == (f"position {index}" if len(targets) > 1 else f"row {sample}")
