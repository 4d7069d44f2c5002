"""Folders, and patterns that a shell has expanded: one file in parts, or the question which file is meant."""

import gzip

import numpy as np
import oracle
import pytest
from following import offered, run
from in_process import nll

RNG = np.random.default_rng(6)
N, C = 36, 3
LOGITS = RNG.normal(0, 2, (N, C))
TARGETS = RNG.integers(0, C, N)
LOSS = pytest.approx(float(oracle.reduce(LOGITS, TARGETS)), rel=1e-12)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p").mkdir()
    np.savetxt(tmp_path / "y.txt", TARGETS, "%d")
    return tmp_path


def rows(part, n_parts, header=True):
    lines = ["a,b,c,y"] if header else []
    lines += [
        ",".join(map(repr, (*LOGITS[i].tolist(), int(TARGETS[i])))) for i in np.array_split(np.arange(N), n_parts)[part]
    ]
    return "\n".join(lines)


def followed(done, n=1):
    assert done.code != 0
    lines = offered(done)
    assert len(lines) == n, done.err
    return [float(run(line).out) for line in lines]


@pytest.mark.uncounted
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("ending", ["csv", "csv.gz", ""])
def test_parts_of_text_are_joined_in_natural_order(header, ending, folder):
    for i in range(12):
        text = rows(i, 12, header).encode() + b"\n" * (ending == "csv.gz")
        name = f"p/part-{i}-6f2bc000aa" + (f".{ending}" if ending else "")
        (folder / name).write_bytes(gzip.compress(text) if ending == "csv.gz" else text)
    (folder / "p/_SUCCESS").touch()
    (folder / "p/.part-0.crc").touch()
    done = nll("compute", "p", "--target-column", "4", "-q")
    assert "p: is a folder of 12 parts" in done.err
    assert followed(done) == [LOSS]


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_the_same_numbers_at_the_beginning_of_parts_are_not_a_header(ending, folder):
    for i in range(3):
        (folder / f"p/part-{i}.{ending}").write_bytes(
            (gzip.compress if ending == "csv.gz" else bytes)(f"0.5,1.5,1\n{i}.25,2,0\n".encode())
        )
    done = nll("compute", "p", "--target-column", "3", "-q")
    expected = oracle.reduce([(0.5, 1.5), (0.25, 2), (0.5, 1.5), (1.25, 2), (0.5, 1.5), (2.25, 2)], [1, 0] * 3)
    assert followed(done) == [pytest.approx(float(expected), rel=1e-12)]


def test_numbers_of_columns_at_the_beginning_of_parts_are_a_header(folder):
    """As pandas names the columns of an array."""
    rows = [(0.5, 1.5), (0.25, 2.0), (0.75, 1.5), (1.25, 2.0)]
    for i in range(2):
        lines = [f"{a},{b}\n" for a, b in [("0", "1"), *rows[2 * i : 2 * i + 2]]]
        (folder / f"p/part-{i}.csv").write_text("".join(lines))
    (folder / "z.txt").write_text("0\n1\n1\n0\n")
    (line,) = offered(nll("compute", "p", "z.txt", "-q"))
    named, _ = offered(run(line))  # asks whether the first line is a header
    assert float(run(named).out) == pytest.approx(float(oracle.reduce(rows, [0, 1, 1, 0])), rel=1e-13)


def test_parts_in_lines_of_json(folder):
    for i, (x, y) in enumerate(zip(LOGITS.tolist(), TARGETS, strict=True)):
        (folder / f"p/{i}.jsonl").write_text(f'{{"logits": {x}, "target": {y}}}')
    assert followed(nll("compute", "p/", "-q")) == [LOSS]


def test_parts_that_are_arrays():
    for i, part in enumerate(np.array_split(LOGITS, 12)):
        np.save(f"p/x-{i}.npy", part)
    assert followed(nll("compute", "p", "y.txt", "-q")) == [LOSS]


@pytest.mark.parametrize("ending", ["parquet", "feather", "arrow"])
def test_parts_that_are_tables(ending, folder):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import feather, ipc, parquet

    for i, part in enumerate(np.array_split(np.arange(N), 11)):
        table = pyarrow.table({**{c: LOGITS[part, k] for k, c in enumerate("abc")}, "y": TARGETS[part]})
        path = f"p/part-{i:05}-of-00011.{ending}"
        if ending == "arrow":
            with ipc.new_stream(path, table.schema) as out:
                out.write_table(table)
        else:
            (parquet.write_table if ending == "parquet" else feather.write_feather)(table, path)
    assert followed(nll("compute", "p", "--target-column", "y", "-q")) == [LOSS]
    (folder / f"p/part-00003-of-00011.{ending}").unlink()
    (line,) = offered(nll("compute", "p", "--target-column", "y"))
    assert "is of a set of 11, of which 1 is missing: number 3" in run(line).err


def test_parts_counted_from_one(folder):
    for i in range(3):
        (folder / f"p/{i + 1}-of-3.csv").write_text(rows(i, 3))
    assert followed(nll("compute", "p", "--target-column", "y", "-q")) == [LOSS]


def test_parts_that_no_pattern_tells_from_others():
    for i, name in enumerate(("x1.npy", "x3.npy", "x4.npy")):
        np.save(name, LOGITS[12 * i : 12 * i + 12])
    np.save("x2.npy", LOGITS)
    done = nll("compute", "x1.npy", "x3.npy", "x4.npy", "--loss", "argmax", "-q")
    assert offered(done) == ["nll compute '{x1.npy,x3.npy,x4.npy}' --loss argmax -q"]
    assert run(offered(done)[0]).code == 0


def test_a_folder_of_one_file_is_that_file(folder):
    (folder / "p/x.csv").write_text(rows(0, 1))
    (folder / "p/state.json").write_text("{}")
    assert float(nll("compute", "p", "--target-column", "y", "-q").out) == LOSS
    np.savez("p/x.npz", x=LOGITS, z=LOGITS)
    (folder / "p/x.csv").unlink()
    assert float(nll("compute", "p:x", "y.txt", "-q").out) == LOSS


def test_which_file_of_a_folder():
    np.save("p/logits.npy", LOGITS)
    np.savetxt("p/labels.txt", TARGETS, "%d")
    assert offered(nll("compute", "p", "-q")) == ["nll compute p/logits.npy p/labels.txt -q"]
    assert followed(nll("compute", "p", "-q")) == [LOSS]
    lines = offered(nll("compute", "p", "y.txt", "-q"))
    assert lines == [
        "nll compute p/labels.txt y.txt -q  # labels.txt",
        "nll compute p/logits.npy y.txt -q  # logits.npy",
    ]


def test_folders_in_a_folder(folder):
    for split in ("test", "train"):
        (folder / "p" / split).mkdir()
        (folder / "p" / split / "data.csv").write_text(rows(0, 1))
    (folder / "p/dataset_dict.json").write_text("{}")
    assert followed(nll("compute", "p", "--target-column", "y", "-q"), 2) == [LOSS, LOSS]


def test_the_only_folder_in_a_folder_is_looked_into(folder):
    (folder / "p/a/b").mkdir(parents=True)
    np.save("p/a/b/logits.npy", LOGITS)
    np.save("p/a/b/labels.npy", TARGETS)
    (folder / "p/a/again").symlink_to(folder / "p")
    done = nll("compute", "p", "-q")
    assert "p/a/b: is a folder of 2 files" in done.err
    assert followed(done) == [LOSS]


def test_a_folder_without_data():
    done = nll("compute", "p")
    assert (done.code, done.err) == (4, "nll: error: p: is a folder, not a file\n")
    done = nll("compute", "y.txt", "y.txt", "--sample-weights", "p")
    assert done.code != 0


@pytest.mark.parametrize("member", [".zgroup", ".zarray", "zarr.json"])
def test_a_zarr_store(member, folder):
    (folder / "p" / member).touch()
    (folder / "p/logits").mkdir()
    done = nll("compute", "p", "-q")
    assert "p: is a Zarr store" in done.err
    assert "zarr.open('p', mode='r')" in offered(done)[0]


# --- patterns that the shell expands ----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 12])
def test_parts_of_text_on_the_command_line(n, folder):
    for i in range(n):
        (folder / f"x{i}.csv").write_text(rows(i, n))
    files = sorted(f"x{i}.csv" for i in range(n))
    done = nll("compute", *files, "--target-column", "y", "-q")
    assert done.code == 2
    assert f"{n} files are given for LOGITS: quote the pattern" in done.err
    assert offered(done) == ["nll compute 'x*.csv' --target-column y -q"]
    assert followed(done) == [LOSS]


def test_parts_and_targets_on_the_command_line():
    for i, part in enumerate(np.array_split(np.arange(N), 3)):
        np.save(f"x{i}.npy", LOGITS[part])
        np.save(f"y{i}.npy", TARGETS[part])
    files = [f"x{i}.npy" for i in range(3)]
    assert followed(nll("compute", *files, "y.txt", "-q")) == [LOSS]
    assert followed(nll("compute", *files, *(f"y{i}.npy" for i in range(3)), "-q")) == [LOSS]
    for i, part in enumerate(np.array_split(TARGETS, 3)):
        np.savetxt(f"t{i}.txt", part, "%d")
    assert followed(nll("compute", *files, *(f"t{i}.txt" for i in range(3)), "-q")) == [LOSS]


def test_files_that_are_not_parts():
    np.save("x1.npy", LOGITS)
    np.save("x2.npy", TARGETS)
    assert float(nll("compute", "x1.npy", "x2.npy", "-q").out) == LOSS
    assert "unexpected extra argument" in nll("compute", "x1.npy", "x2.npy", "x3.npy").err
    assert "unexpected extra argument" in nll("compute", "x1.npy", "y.txt", "p").err
    assert "both name the targets" in nll("compute", "x1.npy", "y.txt", "--target-column", "y").err


def test_shards_on_the_command_line(folder):
    for i in range(2):
        (folder / f"part-0000{i}-of-00002.csv").write_text(rows(i, 2))
    done = nll("compute", "part-00000-of-00002.csv", "part-00001-of-00002.csv", "-q")
    assert offered(done) == ["nll compute 'part-*-of-00002.csv' -q"]


def test_the_same_file_twice():
    np.save("x.npy", LOGITS)
    done = nll("compute", "x.npy", "x.npy")
    assert done.code == 2
    assert "x.npy: is named twice: the targets are the logits' own file" in done.err
