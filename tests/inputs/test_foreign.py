"""Files of other programs: each is named as what it is, and the command that converts it leads to the number."""

import collections
import gzip
import io
import pickle
import sqlite3
import struct
import tarfile
import types
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import oracle
import pytest
from following import offered, outcomes, run
from in_process import nll

from nllcli.errors import Remedy
from nllcli.inputs.bytes.files import ByteStream
from nllcli.inputs.foreign import arrays, conversions, pickles
from nllcli.inputs.foreign.arrays import Found, by_names, fits
from nllcli.inputs.foreign.contents import arrays_in
from nllcli.inputs.foreign.kinds import KINDS, kind_of
from nllcli.inputs.foreign.pickles import Name, Stub, Untold, read_pickles
from nllcli.inputs.foreign.series import series
from nllcli.inputs.formats import Use

RNG = np.random.default_rng(4)
N, C = 24, 3
LOGITS = RNG.normal(0, 2, (N, C))
TARGETS = RNG.integers(0, C, N)
PROBS = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
LOSS = pytest.approx(float(oracle.reduce(LOGITS, TARGETS)), rel=1e-12)
TRUST = "only if you trust the file: a pickle can run code"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savetxt(tmp_path / "y.txt", TARGETS, "%d")
    return tmp_path


def objects(*values):
    """An array of objects, as np.array would not make it of arrays of one shape."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


ROWS = list(zip(map(tuple, LOGITS), TARGETS, strict=True))


def batches(n):
    return [(LOGITS[i : i + n], TARGETS[i : i + n]) for i in range(0, N, n)]


# --- what pickles hold ------------------------------------------------------------------------------------------------

HELD = {
    "a pair": ((LOGITS, TARGETS), ["[0] (24, 3) and [1] (24,)"]),
    "a list of two": ([LOGITS, TARGETS[:, None]], ["[0] (24, 3) and [1] (24, 1)"]),
    "a dict": (
        {"logits": LOGITS, "labels": TARGETS, "loss": 0.5, "none": None, "class": int},
        ["['logits'] (24, 3) and ['labels'] (24,)"],
    ),
    "named ones among others": (
        {"hidden": np.zeros((N, 7)), "outputs": LOGITS, "preds": TARGETS, "y_true": TARGETS},
        ["['outputs'] (24, 3) and ['y_true'] (24,)"],
    ),
    "splits": (
        ((LOGITS[:5], TARGETS[:5]), (LOGITS, TARGETS)),
        ["[0][0] (5, 3) and [0][1] (5,)", "[1][0] (24, 3) and [1][1] (24,)"],
    ),
    "splits by name": (
        {"val_logits": LOGITS, "val_y": TARGETS, "test_logits": LOGITS, "test_y": TARGETS},
        ["['val_logits'] (24, 3) and ['val_y'] (24,)", "['test_logits'] (24, 3) and ['test_y'] (24,)"],
    ),
    "batches": (batches(4), ["all parts, joined (24, 3) and all parts, joined (24,)"]),
    "batches of dicts": (
        [{"logits": x, "labels": y} for x, y in batches(4)],
        ["logits of all parts, joined (24, 3) and labels of all parts, joined (24,)"],
    ),
    "batches or splits": (
        batches(12),
        [
            "all parts, joined (24, 3) and all parts, joined (24,)",
            "[0][0] (12, 3) and [0][1] (12,)",
            "[1][0] (12, 3) and [1][1] (12,)",
        ],
    ),
    "a dict of lists": (
        {"logits": [x for x, _ in batches(4)], "labels": [y for _, y in batches(4)]},
        ["logits of all parts, joined (24, 3) and labels of all parts, joined (24,)"],
    ),
    "samples": (
        [{"logits": x, "label": int(y)} for x, y in zip(LOGITS, TARGETS, strict=True)],
        ["logits of all parts, joined (24, 3) and label of all parts, joined (24,)"],
    ),
    "samples with arrays of one target": (
        [{"name": "a", "score": x, "gt_label": y[None]} for x, y in zip(LOGITS, TARGETS, strict=True)],
        ["score of all parts, joined (24, 3) and gt_label of all parts, joined (24,)"],
    ),
    "samples by name": (
        {f"s{7 * i}": {"logits": x, "label": int(y)} for i, (x, y) in enumerate(zip(LOGITS, TARGETS, strict=True))},
        ["logits of all parts, joined (24, 3) and label of all parts, joined (24,)"],
    ),
    "samples by number, in another order": (
        {i: {"logits": LOGITS[i], "label": int(TARGETS[i])} for i in reversed(range(N))},
        ["logits of all parts, joined (24, 3) and label of all parts, joined (24,)"],
    ),
    "batches by number": (
        {f"batch_{i:02}": dict(zip(("logits", "y"), batch, strict=True)) for i, batch in enumerate(batches(2), 1)},
        ["logits of all parts, joined (24, 3) and y of all parts, joined (24,)"],
    ),
    "arrays of batches by number": (
        {f"{name}.{i}": array for i, batch in enumerate(batches(2)) for name, array in zip("xy", batch, strict=True)},
        ["x of all parts, joined (24, 3) and y of all parts, joined (24,)"],
    ),
    "models by number": (
        {"y": TARGETS, **{f"model{i}": LOGITS * i for i in (1, 2, 3, 4, 5)}},
        [f"['model{i}'] (24, 3) and ['y'] (24,)" for i in (1, 2, 3, 4, 5)],
    ),
    "keys that Python does not write": (
        {np.float64(0.5): (LOGITS, TARGETS), "": None},
        ["[0][0] (24, 3) and [0][1] (24,)"],
    ),
    "predictions that are not called targets": (
        {"logits": LOGITS, "predictions": TARGETS, "input_ids": TARGETS},
        ["['logits'] (24, 3) and ['predictions'] (24,)", "['logits'] (24, 3) and ['input_ids'] (24,)"],
    ),
    "many values": (
        {"logits": LOGITS, "y": TARGETS, **{k: k for k in "abcd"}},
        ["['logits'] (24, 3) and ['y'] (24,)"],
    ),
    "lists of numbers": ((LOGITS.tolist(), TARGETS.tolist()), ["[0] (24, 3) and [1] (24,)"]),
    "samples of numbers": (
        [{"logits": x, "label": y} for x, y in zip(LOGITS.tolist(), TARGETS.tolist(), strict=True)],
        ["logits of all parts, joined (24, 3) and label of all parts, joined (24,)"],
    ),
    "scalars of NumPy": (
        [{"logits": x, "label": y} for x, y in zip(LOGITS, TARGETS, strict=True)],
        ["logits of all parts, joined (24, 3) and label of all parts, joined (24,)"],
    ),
    "an ordered dict": (collections.OrderedDict(logits=LOGITS, y=TARGETS), ["['logits'] (24, 3) and ['y'] (24,)"]),
    "a default dict": (collections.defaultdict(list, x=LOGITS, y=TARGETS), ["['x'] (24, 3) and ['y'] (24,)"]),
    "a namespace": (types.SimpleNamespace(logits=LOGITS, y=TARGETS), [".logits (24, 3) and .y (24,)"]),
    "arrays of objects": (objects(LOGITS, TARGETS), ["[0] (24, 3) and [1] (24,)"]),
    "a dict in an array": (np.array({"logits": LOGITS, "y": TARGETS}, object), ["['logits'] (24, 3) and ['y'] (24,)"]),
    "numbers as objects": ((LOGITS.astype(object), TARGETS.astype(object)), ["[0] (24, 3) and [1] (24,)"]),
    "labels as floats": ((LOGITS, TARGETS.astype(float)), ["[0] (24, 3) and [1] (24,)"]),
}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("what", HELD)
def test_what_a_pickle_holds_is_read_and_taken_out(what, protocol, folder):
    value, meanings = HELD[what]
    (folder / "x.pkl").write_bytes(pickle.dumps(value, protocol))
    done = nll("compute", "x.pkl", "-q")
    assert (done.code, done.out) == (3, "")
    assert "x.pkl: is a pickle, which can run code when it is loaded" in done.err
    told = [line.partition("  # ")[2] for line in offered(done)]
    assert told == [TRUST] if len(meanings) == 1 else [f"{meaning}; {TRUST}" for meaning in meanings]
    if protocol in (0, 4):  # running each takes a process
        results = [run(line) for line in offered(done)]
        assert any(each.out and float(each.out) == LOSS for each in results), results


ORDER = np.array([2, 0, 1])  # the class in each column of a model that has its own order
ANIMALS = np.array(["cat", "dog", "horse"])
ORDERS = {
    "numbers": {"logits": LOGITS[:, ORDER], "y_true": TARGETS, "classes": ORDER},
    "names": {"logits": LOGITS[:, ORDER], "y": ANIMALS[TARGETS], "class_names": ANIMALS[ORDER]},
    "names of places": {"logits": LOGITS, "y": TARGETS, "names": ANIMALS},
    "names in lists": {
        "logits": LOGITS[:, ORDER],
        "y": ANIMALS[TARGETS].tolist(),
        "label_names": ANIMALS[ORDER].tolist(),
    },
    "names in a tuple": {"logits": LOGITS[:, ORDER], "y": ANIMALS[TARGETS], "Classes_": tuple(ANIMALS[ORDER].tolist())},
    "bytes": {"logits": LOGITS[:, ORDER], "y": ANIMALS[TARGETS], "labels": np.char.encode(ANIMALS[ORDER])},
    "objects": {"logits": LOGITS[:, ORDER], "y": ANIMALS[TARGETS], "categories": ANIMALS[ORDER].astype(object)},
    "more numbers than classes": {"logits": LOGITS, "y": TARGETS, "classes": np.arange(C + 1)},
    "classes in their places": {"logits": LOGITS, "y": TARGETS, "classes": np.arange(C)},
}


@pytest.mark.parametrize("what", ORDERS)
def test_the_order_of_the_classes_in_a_pickle_is_taken(what, folder):
    name = list(ORDERS[what])[2]
    (folder / "x.pkl").write_bytes(pickle.dumps(ORDERS[what]))
    [line] = offered(nll("compute", "x.pkl", "-q"))
    taken = f"  # the classes are in the order of ['{name}'] (3,); {TRUST}"
    assert line.endswith(taken) == (what != "more numbers than classes")
    assert ("--targets-are names" in line) == (what in ("numbers", "classes in their places"))
    assert float(run(line).out) == LOSS
    assert "x.classes.txt" not in offered(nll("compute", "x.pkl", "--classes", "horse,cat,dog", "-q"))[0]


@pytest.mark.parametrize("ending", ["npz", "npz.gz"])
@pytest.mark.parametrize("what", sorted(set(ORDERS) - {"objects"}))
def test_the_order_of_the_classes_in_an_archive_of_arrays_is_taken(what, ending, folder):
    np.savez("x.npz", **ORDERS[what])
    if ending == "npz.gz":
        (folder / "x.npz.gz").write_bytes(gzip.compress((folder / "x.npz").read_bytes()))
    [line] = offered(nll("compute", f"x.{ending}", "-q"))
    assert ("the order of" in line) == (what != "more numbers than classes")
    assert float(run(line).out) == LOSS


@pytest.mark.parametrize("name", ["labels", "classes"])
def test_targets_of_as_many_samples_as_classes_are_not_their_order(name, folder):
    parts = {f"fold{i}": {"logits": x, name: y} for i, (x, y) in enumerate(batches(C)[:3])}
    (folder / "x.pkl").write_bytes(pickle.dumps(parts))
    lines = offered(nll("compute", "x.pkl", "-q"))
    assert (len(lines), [line for line in lines if "--classes" in line]) == (4, [])
    joined = pytest.approx(float(oracle.reduce(LOGITS[: 3 * C], TARGETS[: 3 * C])), rel=1e-12)
    assert float(run(lines[0]).out) == joined


def test_labels_of_logits_whose_classes_come_first(folder):
    (folder / "x.pkl").write_bytes(pickle.dumps({"logits": LOGITS.T, "labels": TARGETS}))
    [line] = offered(nll("compute", "x.pkl", "-q"))
    [line] = offered(run(line))
    assert float(run(line).out) == LOSS


def test_the_order_of_the_classes_beside_other_targets(folder):
    (folder / "x.pkl").write_bytes(pickle.dumps({"probs": PROBS[:, ORDER], "classes": ORDER}))
    [line] = offered(nll("compute", "x.pkl", "y.txt", "-q"))
    assert float(run(offered(run(line))[0]).out) == LOSS
    assert "--classes x.classes.txt" in line
    (folder / "y.txt").write_text("".join(f"{name}\n" for name in ANIMALS[TARGETS]))
    (folder / "a,b.pkl").write_bytes(pickle.dumps({"logits": LOGITS[:, ORDER], "names": ANIMALS[ORDER]}))
    [line] = offered(nll("compute", "a,b.pkl", "y.txt", "-q"))
    assert "--classes a_b.classes.txt" in line
    assert float(run(line).out) == LOSS
    [line] = offered(nll("softmax", "a,b.pkl", "-o", "out.csv"))
    assert run(line).code == 0
    assert (folder / "out.csv").read_text().startswith("horse,cat,dog\n")


def test_what_is_not_called_targets_is_named(folder):
    (folder / "x.pkl").write_bytes(pickle.dumps({"logits": LOGITS, "predictions": TARGETS}))
    [line] = offered(nll("compute", "x.pkl", "-q"))
    assert line.endswith(f"  # ['logits'] ({N}, {C}) and ['predictions'] ({N},); {TRUST}")


def test_a_pickle_beside_targets_of_their_own(folder):
    (folder / "x.pkl").write_bytes(pickle.dumps([LOGITS]))
    [line] = offered(nll("compute", "x.pkl", "y.txt", "-q"))
    assert float(run(line).out) == LOSS
    (folder / "y.pkl").write_bytes(pickle.dumps({"ids": TARGETS + 5, "labels": TARGETS}))
    [line] = offered(nll("compute", "x.pkl", "y.pkl", "-q"))
    assert float(run(line).out) == LOSS
    np.save("x.npy", LOGITS)
    [line] = offered(nll("compute", "x.npy", "y.pkl", "-q"))
    assert float(run(line).out) == LOSS
    assert (folder / "y.labels.npy").exists()
    assert "y.labels-3.npy" in offered(nll("compute", "x.npy", "y.pkl", "-q"))[0]


def test_targets_that_can_be_opened_or_are_missing_stay(folder):
    (folder / "x.pkl").write_bytes(pickle.dumps(LOGITS))
    for name in ("none.txt", "y.txt"):
        [line] = offered(nll("compute", "x.pkl", name, "-q"))
        assert f"nll compute x.logits.npy {name} -q" in line


@pytest.mark.parametrize("kind", [int, str, np.int64, np.str_, np.uint8, np.dtype(">i4").type, "x%{}".format])
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_rows_by_number_are_taken_in_the_order_of_the_numbers(kind, protocol, folder):
    (folder / "x.pkl").write_bytes(pickle.dumps({kind(i): LOGITS[i] for i in sorted(range(N), key=str)}, protocol))
    [line] = offered(nll("compute", "x.pkl", "y.txt", "-q"))
    assert "for i in range(24)]" in line
    assert float(run(line).out) == LOSS


def test_parts_in_an_archive_of_arrays_are_joined(folder):
    for both in (False, True):
        parts = {f"batch_{i}": x for i, (x, _) in sorted(enumerate(batches(2)), key=str)}
        targets = {f"y{i}": y for i, (_, y) in enumerate(batches(2))} if both else {}
        np.savez("x.npz", **parts, **targets, classes=np.arange(C))
        (folder / "x.zip").write_bytes((folder / "x.npz").read_bytes())
        for name in ("x.npz", "x.zip"):
            [line] = offered(nll("compute", name, *([] if both else ["y.txt"]), "-q"))
            assert float(run(line).out) == LOSS
    np.savez("x.npz", fold_0=LOGITS[:12], fold_1=LOGITS[12:])
    done = nll("compute", "x.npz", "y.txt", "-q")
    assert [line.partition("  # ")[2] for line in offered(done)] == [
        "fold of all parts, joined (24, 3)",
        "fold_0 (12, 3)",
        "fold_1 (12, 3)",
    ]
    assert float(run(offered(done)[0]).out) == LOSS


def test_names_with_numbers_that_do_not_count_are_no_parts():
    for keys in (["a0", "a2"], ["a1", "a01"], ["a2", "a3"], [True, 2], ["a1", "b2"], ["a1"], ["a08", "a9"]):
        assert series(keys) == []
    assert series(["b1a", "c", "b0a", 1.0])[0].keys == ("b0a", "b1a")
    assert series(["n%02", "n%01", "n%03"])[0].taken("d") == "[d['n%%%02d' % i] for i in range(1, 4)]"


def test_the_same_pickle_twice_and_members(folder):
    (folder / "x.pkl").write_bytes(
        pickle.dumps({"a": {"logits": LOGITS, "y": TARGETS}, "b": LOGITS + RNG.normal(0, 1, (N, C))})
    )
    for words in (("x.pkl", "x.pkl"), ("x.pkl", "--target-column", "y"), ("x.pkl:logits", "x.pkl:y")):
        [line] = offered(nll("compute", *words, "-q"))
        assert float(run(line).out) == LOSS
    [line] = offered(nll("compute", "x.pkl:logits", "y.txt", "-q"))
    assert float(run(line).out) == LOSS


def test_probabilities_by_their_name(folder):
    (folder / "x.pkl").write_bytes(pickle.dumps({"probs": PROBS, "y": TARGETS}))
    [line] = offered(nll("compute", "x.pkl", "-q"))
    assert "--from probs" in line
    assert float(run(line).out) == LOSS
    assert Found("d", "log_probs", None).source == "log-probs"
    assert Found("d", "prob_logits", None).source is None


def test_weights_in_a_pickle(folder):
    (folder / "x.npy").write_bytes(b"")
    np.save("x.npy", LOGITS)
    (folder / "w.pkl").write_bytes(pickle.dumps(np.ones(N)))
    [line] = offered(nll("compute", "x.npy", "y.txt", "--sample-weights", "w.pkl", "-q"))
    assert float(run(line).out) == LOSS


def test_a_pickle_without_logits(folder):
    (folder / "x.pkl").write_bytes(pickle.dumps({"weight": np.ones(7), "bias": {1: "a"}}))
    done = nll("compute", "x.pkl")
    assert "does not hold logits with their targets" in done.err
    assert done.err.splitlines()[1] == "hint: it holds ['weight'] (7,)"
    (folder / "x.pkl").write_bytes(pickle.dumps({1}))
    assert "it holds no arrays" in nll("compute", "x.pkl").err


def test_a_pickle_from_a_pipe(folder, monkeypatch):
    import sys

    (folder / "x.pkl").write_bytes(pickle.dumps(LOGITS))
    with (folder / "x.pkl").open("rb") as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert "hint: save it to a file" in nll("compute", "-", "y.txt").err


def test_a_pickle_too_long_to_be_read_first(folder, monkeypatch):
    monkeypatch.setattr(conversions, "MOST_BYTES", 10)
    (folder / "x.pkl").write_bytes(pickle.dumps({"val": {"n": [[1, 2], [3, 4]]}, "test": (LOGITS, TARGETS)}))
    [line] = offered(nll("compute", "x.pkl", "-q"))
    assert float(run(line).out) == LOSS
    (folder / "x.pkl").write_bytes(pickle.dumps({"a": (LOGITS, TARGETS), "b": (LOGITS, TARGETS)}))
    [line] = offered(nll("compute", "x.pkl", "-q"))
    failed = run(line)
    assert (failed.out, failed.err.splitlines()[-1][:23]) == ("", "x.pkl: 4 pairs fit: [('")


# --- instructions -----------------------------------------------------------------------------------------------------


def stream_of(data):
    return ByteStream("x", io.BytesIO(data).read)


def held(data, n=1):
    return read_pickles(stream_of(data), n)[0]


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"(I1\nI2\nl.", [1, 2]),
        (b"(S'a'\nI1\nd.", {"a": 1}),
        (b"(I1\nt0I2\n.", 2),
        (b"(I1\n(I2\n1.", 1),
        (b"I1\n(0.", 1),
        (b"I1\n2\x86.", (1, 1)),
        (b"\x80\x04(K\x01\x91.", [1]),
        (b"\x80\x04\x8f(K\x01\x90.", [1]),
        (b"I01\n.", True),
    ],
)
def test_rare_instructions(data, value):
    assert held(data) == value


def test_objects_of_the_oldest_kinds():
    assert held(b"(I1\nimod\nC\n.").name == Name("mod", "C")
    assert held(b"(cmod\nC\nI1\no.").arguments == (1,)
    assert held(b"\x80\x04\x8c\x03mod\x8c\x01C\x93)}\x92.").name.name == "C"
    assert held(b"ccopy_reg\n_reconstructor\n(cmod\nC\nc__builtin__\nobject\nNtR.").name.name == "C"
    assert held(b"ccollections\nOrderedDict\n((l(I1\nI2\nlatR.") == {1: 2}
    assert held(b"cmod\nC\n)Rp0\nI1\na.").items == {}
    assert held(b"cmod\nC\n)R(S'k'\nI1\nu.").items == {"k": 1}
    assert held(b"(lp0\n}b.") == []


@pytest.mark.parametrize(
    "data", [b"", b"0.", b"I1\n", b"\x80\x04\x82\x01.", b"Pid\n.", b"\x97.", b"(I1\n}S'a'\nu.", b"h\x07."]
)
def test_instructions_that_tell_nothing(data):
    with pytest.raises(Untold):
        held(data)


def test_long_text_is_not_kept():
    assert held(pickle.dumps("a" * 10_000)) == ""


class Wrapped:
    """What joblib puts in place of an array, whose numbers follow."""

    def __init__(self, array, **more):
        self.shape, self.dtype = array.shape, array.dtype
        self.__dict__.update(more)


def joblib_dump(value, *, aligned=True, dtype=None):
    """A pickle in which arrays are as joblib writes them."""
    out = io.BytesIO()

    class Pickler(pickle._Pickler):
        def save(self, obj, save_persistent_id=True):
            if not isinstance(obj, np.ndarray):
                return super().save(obj, save_persistent_id)
            more = {"numpy_array_alignment_bytes": 16} if aligned else {}
            wrapped = Wrapped(obj, **more)
            wrapped.dtype = dtype or obj.dtype
            super().save(wrapped)
            self.framer.commit_frame(force=True)
            out.write(b"\x03\xff\xff\xff" if aligned else b"")
            out.write(obj.tobytes())
            return None

    Pickler(out, 4).dump(value)
    here = Wrapped.__module__.encode()
    data = out.getvalue().replace(b"\x8c" + bytes([len(here)]) + here, b"\x8c\x13joblib.numpy_pickle")
    return data.replace(b"\x8c\x07Wrapped", b"\x8c\x11NumpyArrayWrapper")


@pytest.mark.parametrize("aligned", [True, False])
def test_arrays_of_joblib(aligned, folder):
    data = joblib_dump({"logits": LOGITS, "y": TARGETS}, aligned=aligned)
    node, modules = read_pickles(stream_of(data))
    assert "joblib" in modules
    assert [(each.name, each.shape, each.kind) for each in arrays_in(node)] == [
        ("logits", (N, C), "f"),
        ("y", (N,), "i"),
    ]
    (folder / "x.pkl").write_bytes(data)
    [line] = offered(nll("compute", "x.pkl", "-q"))
    assert "joblib.load('x.pkl')" in line


def test_arrays_of_joblib_that_are_cut_short_or_objects():
    with pytest.raises(Untold):
        held(joblib_dump((LOGITS,))[:300])
    with pytest.raises(Untold):
        held(joblib_dump((LOGITS,), dtype=np.dtype(object)))


# --- PyTorch ----------------------------------------------------------------------------------------------------------


def tensor(storage, shape, function=b"_rebuild_tensor_v2"):
    sizes = b"(" + b"".join(b"K%c" % n for n in shape) + b"t"
    stored = b"(X\7\0\0\0storagectorch\n" + storage + b"\nX\1\0\0\0000X\3\0\0\0cpuK\1tQ"
    return b"ctorch._utils\n" + function + b"\n(" + stored + b"K\0" + sizes + sizes + b"tR"


def text(word):
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def torch_file(*pairs, more=b""):
    """The pickle of a dict of tensors, as torch.save has it in its archive."""
    return b"\x80\2}(" + b"".join(text(name) + value for name, value in pairs) + more + b"u."


TORCH = torch_file(("logits", tensor(b"BFloat16Storage", (N, C))), ("labels", tensor(b"LongStorage", (N,))))


def torch_archive(data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x/data.pkl", data)
    return out.getvalue()


def test_tensors_in_a_pytorch_file(folder):
    (folder / "x.pt").write_bytes(torch_archive(TORCH))
    done = nll("compute", "x.pt", "-q")
    [line] = offered(done)
    assert "x.pt: is a PyTorch file\n" in done.err
    assert line == (
        """python -c "import numpy, torch; d = torch.load('x.pt', map_location='cpu', weights_only=True); """
        "numpy.save('x.logits.npy', d['logits'].detach().float().numpy()); "
        """numpy.save('x.labels.npy', d['labels'].detach().numpy())" && nll compute x.logits.npy x.labels.npy -q"""
    )


def test_a_pytorch_file_of_before_archives(folder):
    before = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({}, 2)
    (folder / "x.pth").write_bytes(before + TORCH)
    assert "d['logits']" in offered(nll("compute", "x.pth"))[0]


def test_a_pytorch_file_that_needs_trust(folder):
    parameter = b"ctorch._utils\n_rebuild_parameter\n(" + tensor(b"FloatStorage", (N, C)) + b"\x89tR"
    data = torch_file(("logits", parameter), ("y", pickle.dumps(TARGETS, 2)[2:-1]), ("odd", tensor(b"QStorage", (N,))))
    (folder / "x.pt").write_bytes(torch_archive(data))
    [line] = offered(nll("compute", "x.pt"))
    assert "weights_only=False" in line
    assert line.endswith(TRUST)


@pytest.mark.skipif(find_spec("torch") is None, reason="needs PyTorch")
def test_pytorch_itself():
    import torch

    for value in (
        {"logits": torch.tensor(LOGITS), "labels": torch.tensor(TARGETS)},
        [(torch.tensor(x), torch.tensor(y)) for x, y in batches(4)],
    ):
        torch.save(value, "x.pt")
        [line] = offered(nll("compute", "x.pt", "-q"))
        assert float(run(line).out) == LOSS


# --- data frames ------------------------------------------------------------------------------------------------------


def frame_like(name, *values):
    """A pickle as one of pandas': its values below what only pandas can call."""
    axes = pickle.dumps(np.arange(N), 2)[2:-1]
    blocks = b"".join(pickle.dumps(value, 2)[2:-1] for value in values)
    state = (
        b"}("
        + text("_mgr")
        + b"cpandas\nManager\n)R("
        + axes
        + b"("
        + blocks
        + b"ltb"
        + text("_typ")
        + text("frame")
        + b"u"
    )
    return b"cpandas\n" + name + b"\n)R" + state + b"b"


def test_a_data_frame_becomes_a_table(folder):
    (folder / "x.pkl").write_bytes(b"\x80\2" + frame_like(b"DataFrame", LOGITS.T) + b".")
    [line] = offered(nll("compute", "x.pkl", "--target-column", "y", "-q"))
    assert "pickle.load(open('x.pkl', 'rb')); d.map(" in line
    assert f"&& nll compute x.csv --target-column y -q  # {TRUST}" in line
    (folder / "x.pkl").write_bytes(b"\x80\2}" + text("table") + frame_like(b"DataFrame") + b"s.")
    [line] = offered(nll("compute", "x.pkl", "--target-column", "y", "-q"))
    assert "; d = d['table']; d.map(" in line


def test_a_data_frame_and_a_series_are_arrays(folder):
    data = b"\x80\2(" + frame_like(b"DataFrame", LOGITS.T) + frame_like(b"Series", TARGETS) + b"t."
    (folder / "x.pkl").write_bytes(data)
    [line] = offered(nll("compute", "x.pkl", "-q"))
    assert "d[0].to_numpy()" in line
    assert "d[1].to_numpy()" in line


def test_a_series_becomes_a_table_with_the_keys_of_its_rows(folder):
    """With a stand-in for what pickle loads: rows by keys in one order, their targets by keys in another."""
    (folder / "pandas.py").write_text(
        "class Frame:\n"
        "    def __init__(self, names, rows, index, name=None):\n"
        "        self.names, self.rows, self.index, self.name = names, rows, index, name\n"
        "    def __len__(self): return len(self.rows)\n"
        "    def map(self, _): return self\n"
        "    def to_frame(self, name): return Frame([name], self.rows, self.index)\n"
        "    def to_csv(self, to, index):\n"
        "        rows = [['', *self.names], *([k, *row] for k, row in zip(self.index, self.rows))]\n"
        "        with open(to, 'w') as file:\n"
        "            file.writelines(','.join(map(str, row[not index:])) + chr(10) for row in rows)\n"
        "DataFrame = Series = Frame\n"
    )
    for index in (list(range(N)), [f"s{i}" for i in range(N)]):
        save_frame("x.pkl", "DataFrame", list("abc"), LOGITS.tolist(), index)
        order = range(N) if index[0] == 0 else RNG.permutation(N).tolist()
        save_frame("y.pkl", "Series", None, [[int(TARGETS[i])] for i in order], [index[i] for i in order])
        [line] = offered(nll("compute", "x.pkl", "y.pkl", "-q"))
        done = run(line)
        done = done if index[0] == 0 else run(offered(done)[0])
        assert float(done.out) == LOSS


@pytest.mark.parametrize("names", ["s{}", "{}", "s7{}0"])
@pytest.mark.parametrize("heading", ["id", "name", ""])
def test_rows_by_keys_beside_a_table_that_has_keys(names, heading, folder):
    """With a stand-in for pandas."""
    (folder / "pandas.py").write_text(
        "class DataFrame:\n"
        "    def __init__(self, columns): self.columns, self.index = columns, range(len(list(columns.values())[0]))\n"
        "    def __len__(self): return len(self.index)\n"
        "    def map(self, _): return self\n"
        "    def to_csv(self, to, index):\n"
        "        import csv\n"
        "        rows = [(key, row.tolist()) for key, row in zip(*self.columns.values())]\n"
        "        with open(to, 'w') as file: csv.writer(file).writerows([[*self.columns], *rows])\n"
    )
    order = RNG.permutation(N).tolist()
    (folder / "x.pkl").write_bytes(pickle.dumps({names.format(i): LOGITS[i] for i in order}))
    rows = [f"{names.format(i)},{TARGETS[i]}\n" for i in RNG.permutation(N)]
    (folder / "y.csv").write_text("".join([f"{heading},label\n", *rows]))
    [line] = offered(nll("compute", "x.pkl", "y.csv", "-q"))
    numbers = [number for _, number in outcomes(run(line))]
    assert numbers
    assert all(number == LOSS for number in numbers)
    assert "numpy.save(" in offered(nll("compute", "x.pkl", "y.txt", "-q"))[0] or names == "s7{}0"
    (folder / "y.pkl").write_bytes(b"\x80\2cpandas\nSeries\n)R.")
    [line] = offered(nll("compute", "x.pkl", "y.pkl", "-q"))
    assert "d.to_frame(" in line
    assert "nll compute x.pkl y" in line


def test_a_series_beside_logits_is_not_them(folder):
    data = b"\x80\2(" + pickle.dumps(LOGITS, 2)[2:-1] + frame_like(b"Series", TARGETS) + b"t."
    (folder / "x.pkl").write_bytes(data)
    assert "numpy.save('x.logits.npy', d[0])" in offered(nll("compute", "x.pkl", "y.txt", "-q"))[0]


def save_frame(path, kind, names, rows, index):
    """A pickle that makes a data frame or a series of lists."""
    values = b"".join(pickle.dumps(each, 2)[2:-1] for each in (names, rows, index))
    Path(path).write_bytes(b"\x80\2cpandas\n" + kind.encode() + b"\n(" + values + b"tR.")


@pytest.mark.skipif(find_spec("pandas") is None, reason="needs pandas")
def test_pandas_itself():
    import pandas as pd

    pd.DataFrame(LOGITS, columns=list("abc")).assign(y=TARGETS).to_pickle("x.pkl")
    [line] = offered(nll("compute", "x.pkl", "--target-column", "y", "-q"))
    assert float(run(line).out) == LOSS


# --- arrays of NumPy that are not numbers -----------------------------------------------------------------------------

ARRAYS = {
    "objects": (objects(LOGITS, TARGETS), ()),
    "an object": (np.array({"logits": LOGITS, "labels": TARGETS}, object), ()),
    "batches": (objects(*(x for x, _ in batches(4))), ("y.txt",)),
    "numbers as objects": (LOGITS.astype(object), ("y.txt",)),
    "text": (LOGITS.astype(str), ("y.txt",)),
    "records of arrays": (np.array(ROWS, [("logits", "f8", C), ("label", "i8")]), ()),
    "records of numbers": (
        np.array([(*x, y) for x, y in ROWS], [("a", "f8"), ("b", "f8"), ("c", "f8"), ("y", "i8")]),
        ("--target-column", "y"),
    ),
}


@pytest.mark.parametrize("ending", ["npy", "npz", "npy.gz"])
@pytest.mark.parametrize("what", ARRAYS)
def test_arrays_of_other_values(what, ending, folder):
    array, words = ARRAYS[what]
    if ending == "npz":
        np.savez("x.npz", a=array)
    else:
        np.save("x.npy", array)
        data = (folder / "x.npy").read_bytes()
        (folder / f"x.{ending}").write_bytes(data if ending == "npy" else gzip.compress(data))
    done = nll("compute", f"x.{ending}", *words, "-q")
    assert done.code == 3
    [line] = offered(done)
    assert float(run(line).out) == LOSS


def test_records_with_several_arrays():
    np.save("x.npy", np.array([(x, x, y) for x, y in ROWS], [("logits", "f8", C), ("out", "f8", C), ("y", "i8")]))
    assert [line.partition("  # ")[2] for line in offered(nll("compute", "x.npy", "-q"))] == [
        "['logits'] (24, 3) and ['y'] (24,)",
        "['out'] (24, 3) and ['y'] (24,)",
    ]


def test_objects_as_labels():
    np.save("x.npy", LOGITS)
    np.save("y.npy", TARGETS.astype(object))
    [line] = offered(nll("compute", "x.npy", "y.npy", "-q"))
    assert float(run(line).out) == LOSS
    names = np.array(["a", "b", "c"], object)[TARGETS]
    np.save("y.npy", names)
    [line] = offered(nll("compute", "x.npy", "y.npy", "--classes", "a,b,c", "-q"))
    assert float(run(line).out) == LOSS


def test_objects_from_a_pipe(folder, monkeypatch):
    import sys

    np.save("x.npy", objects(LOGITS, TARGETS))
    with (folder / "x.npy").open("rb") as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert "hint: save it to a file" in nll("compute", "-", "y.txt").err


def test_arrays_of_an_archive_are_paired():
    np.savez("x.npz", scores=LOGITS, labels=TARGETS, odd=objects(1, 2))
    for words in (("x.npz",), ("x.npz", "y.txt"), ("x.npz", "x.npz"), ("x.npz:none", "y.txt")):
        [line] = offered(nll("compute", *words, "-q"))
        assert float(run(line).out) == LOSS
    np.savez("x.npz", probs=PROBS, y=TARGETS, other=TARGETS)
    [line] = offered(nll("compute", "x.npz", "-q"))
    assert line == "nll compute x.npz:probs x.npz:y -q --from probs  # probs (24, 3) and y (24,)"
    assert float(run(line).out) == LOSS
    np.save("l.npy", LOGITS)
    [line] = offered(nll("compute", "l.npy", "x.npz", "-q"))
    assert "x.npz:y" in line


# --- arrays by their names: HDF5, MATLAB and others -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "name", "what", "says"),
    [
        (b"\x89HDF\r\n\x1a\n logits", "x.h5", "HDF5", "h5py.File('x.h5')"),
        (b"MATLAB 7.3 MAT-file, Platform", "x.mat", "version 7.3", "v[()].T"),
        (b"MATLAB 5.0 MAT-file, Platform", "x.mat", "a MATLAB file", "loadmat('x.mat', simplify_cells=True)"),
        (b"\0\0\0\0\5\0\0\0", "x.mat", "a MATLAB file", "loadmat"),
        (b"CDF\1 logits", "x.nc", "NetCDF", "netcdf_file('x.nc', mmap=False)"),
        (b"x\x9c\0\1", "x.joblib", "a joblib file", "joblib.load('x.joblib')"),
    ],
)
def test_arrays_that_the_command_looks_for(data, name, what, says, folder):
    (folder / name).write_bytes(data)
    for words in ((name,), (name, "y.txt"), (f"{name}:a/b", "y.txt"), (f"{name}:a", f"{name}:b")):
        done = nll("compute", *words, "-q")
        assert (done.code, what in done.err) == (3, True)
        [line] = offered(done)
        assert says in line
        compile(line.partition('python -c "')[2].partition('" && ')[0], "line", "exec")
    np.save("l.npy", LOGITS)
    assert "in [24] and" in offered(nll("compute", "l.npy", name))[0]
    np.savetxt("l.csv", LOGITS, delimiter=",")
    assert "a[y].size > 1 and" in offered(nll("compute", "l.csv", name))[0]


@pytest.mark.parametrize(
    ("head", "froms"),
    [(b"logits", [False]), (b"probs", [True]), (b"test/probs logits", [True, False]), (b"data", [False])],
)
def test_names_in_hdf5_tell_of_probabilities(head, froms, folder):
    (folder / "x.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + head)
    lines = offered(nll("compute", "x.h5"))
    assert ["--from probs" in line for line in lines] == froms


FAKE = """
class File:
    def __init__(self, file): pass
    def visititems(self, visit):
        import numpy
        for name, values in numpy.load('held.npz').items(): visit(name.replace('__', '/'), Dataset(values))
class Dataset:
    def __init__(self, values): self.values = values
    def __getitem__(self, _): return self.values
"""


@pytest.mark.uncounted
@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"test__logits": LOGITS, "test__y_true": TARGETS}, ("x.h5",)),
        ({"logits": LOGITS, "labels": TARGETS[:, None].astype(float), "n": np.array(3)}, ("x.h5",)),
        ({"hidden": np.zeros((N, 5)), "logits": LOGITS, "preds": TARGETS, "labels": TARGETS}, ("x.h5", "x.h5")),
        ({"data": LOGITS}, ("x.h5", "y.txt")),
        ({"a__x": LOGITS, "a__y": TARGETS, "b__x": LOGITS, "b__y": TARGETS}, ("x.h5:a/x", "x.h5:a/y")),
        ({"logits": LOGITS.reshape(4, 6, C), "labels": TARGETS.reshape(4, 6)}, ("x.h5",)),
        ({"x": LOGITS, "classes": np.arange(C), "z": TARGETS}, ("x.h5",)),
        ({"x": LOGITS, "label_ids": TARGETS, "input_ids": TARGETS + 1}, ("x.h5",)),
        ({"x": LOGITS, "z": TARGETS, "image": np.array(list("abcd") * 6)}, ("x.h5",)),
        ({f"batch_{i}__{k}": v for i, b in enumerate(batches(2)) for k, v in zip("xy", b, strict=True)}, ("x.h5",)),
        ({f"part{i}": x for i, (x, _) in enumerate(batches(12))}, ("x.h5", "y.txt")),
        ({str(i): x for i, (x, _) in enumerate(batches(2))}, ("x.h5", "y.txt")),
        ({str(i): x for i, x in enumerate(LOGITS)}, ("x.h5", "y.txt")),
        ({f"{i}__{k}": v for i, r in enumerate(ROWS) for k, v in zip(("logit", "y"), r, strict=True)}, ("x.h5",)),
        ({"x": LOGITS, "y": np.char.encode(ANIMALS[TARGETS])}, ("x.h5", "--classes", "cat,dog,horse")),
        ({"x": LOGITS, "y": TARGETS, "classes": ANIMALS}, ("x.h5",)),
    ],
)
def test_what_the_command_finds(arrays, words, folder):
    """With a stand-in for h5py, whose file is an archive of NumPy."""
    (folder / "h5py.py").write_text(FAKE)
    np.savez("held.npz", **arrays)
    (folder / "x.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    [line] = offered(nll("compute", *words, "-q"))
    assert float(run(line).out) == LOSS


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"x": LOGITS[:, ORDER], "y": TARGETS, "classes": ORDER}, ()),
        (
            {"x": LOGITS[:, ORDER], "y": np.char.encode(ANIMALS[TARGETS]), "m__names": np.char.encode(ANIMALS[ORDER])},
            (),
        ),
        ({"x": LOGITS[:, ORDER], "classes_": ORDER[:, None]}, ("y.txt",)),
    ],
)
def test_the_command_finds_the_order_of_the_classes(held, words, folder):
    """The bytes of a file may show that there is one; where they do not, the command does not go on."""
    (folder / "h5py.py").write_text(FAKE)
    np.savez("held.npz", **held)
    name = list(held)[-1].replace("m__", "")
    (folder / "x.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(1 << 16) + name.encode() + b"\0")
    [line] = offered(nll("compute", "x.h5", *words, "-q"))
    assert line.endswith("-q --classes x.classes.txt  # the classes are in the order that it names them in")
    done = run(line)
    done = done if done.out else run(offered(done)[0])
    assert float(done.out) == LOSS
    (folder / "x.h5").write_bytes(b"\x89HDF\r\n\x1a\n num_classes")
    [line] = offered(nll("compute", "x.h5", *words, "-q"))
    failed = run(line)
    assert (failed.out, "x.h5: the classes are in the order of " in failed.err) == ("", True)


def test_the_command_finds_no_order_of_the_classes_or_two(folder):
    (folder / "h5py.py").write_text(FAKE)
    (folder / "x.h5").write_bytes(b"\x89HDF\r\n\x1a\n classes")
    np.savez("held.npz", x=LOGITS, y=TARGETS, classes=np.array(C))
    [line] = offered(nll("compute", "x.h5", "-q"))
    assert float(run(line).out) == LOSS
    np.savez("held.npz", x=LOGITS, y=TARGETS, a__classes=ORDER, b__classes=ORDER)
    assert "which names the classes? ['a/classes', 'b/classes']" in run(line).err


def test_the_command_joins_no_parts_of_which_one_is_missing(folder):
    (folder / "h5py.py").write_text(FAKE)
    np.savez("held.npz", **{f"batch_{i}": x for i, (x, _) in enumerate(batches(2)) if i != 3})
    (folder / "x.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    [line] = offered(nll("compute", "x.h5", "y.txt", "-q"))
    assert "x.h5: 11 logits fit" in run(line).err


def test_the_command_does_not_take_predictions_for_targets(folder):
    (folder / "h5py.py").write_text(FAKE)
    np.savez("held.npz", logits=LOGITS, predictions=TARGETS)
    (folder / "x.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    [line] = offered(nll("compute", "x.h5", "-q"))
    assert "0 pairs fit: [] among ['logits', 'predictions']" in run(line).err
    [line] = offered(nll("compute", "x.h5:logits", "x.h5:predictions", "-q"))
    assert float(run(line).out) == LOSS


def test_a_store_of_zarr_may_hold_pickles(folder):
    (folder / "x.zarr").mkdir()
    (folder / "x.zarr" / ".zgroup").write_text("{}")
    assert all(line.endswith(f"  # {TRUST}") for line in offered(nll("compute", "x.zarr")))


@pytest.mark.parametrize("shape", [(N,), (N, 1)])
def test_targets_that_the_command_finds(shape, folder):
    (folder / "h5py.py").write_text(FAKE)
    np.savez("held.npz", y=TARGETS.reshape(shape), data=np.ones((N, 4)))
    (folder / "y.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    np.save("x.npy", LOGITS)
    [line] = offered(nll("compute", "x.npy", "y.h5", "-q"))
    assert float(run(line).out) == LOSS


# --- tables, pictures and what is only named --------------------------------------------------------------------------

NAMED = [
    (b"RDX3\nX\n", "x.RData", "a file of R", "pyreadr.read_r('x.RData')"),
    (b"X\n\0\0\0\3", "x.rds", "a file of R", "pyreadr"),
    (b"<stata_dta><header>", "x.dta", "a Stata file", "pandas.read_stata('x.dta')"),
    (b"\x73\0\1\0", "x.dta", "a Stata file", "read_stata"),
    (b"$FL2@(#) SPSS", "x.sav", "an SPSS file", "read_spss"),
    (b"ORC\n\0", "x.orc", "ORC", "read_orc"),
    (b"Obj\1\4", "x.avro", "Avro", "fastavro.reader(open('x.avro', 'rb'))"),
    (b"SQLite format 3\0", "x.db", "SQLite", "sqlite3.connect('x.db')"),
    (b"\xd0\xcf\x11\xe0\xa1", "x.xls", "an old Excel workbook", "read_excel"),
    (b"\x89PNG\r\n\x1a\n", "x.png", "a PNG picture", "hint: pictures hold class numbers"),
    (b"\xff\xd8\xff\xe0", "x.jpg", "a JPEG picture", "hint: JPEG changes values"),
    (b"\0\1\2", "x.tfrecord", "a TFRecord file", "hint: its records"),
    (b"\x08\1\0", "x.onnx", "an ONNX model", "hint: a model holds weights"),
    (b"7z\xbc\xaf\x27\x1c", "x.7z", "a 7-Zip archive", "hint: 7z x"),
    (b"Rar!\x1a\7\0", "x.rar", "a RAR archive", "hint: unrar"),
    (b"%PDF-1.7", "x.pdf", "a PDF", ""),
    (b"\x7fELF\1", "x", "a program", ""),
    (b"<!DOCTYPE html>", "x.csv", "a web page", "hint: was the download"),
]


@pytest.mark.parametrize(("data", "name", "what", "says"), NAMED, ids=[f"{row[2]} {row[1]}" for row in NAMED])
def test_each_kind_is_named(data, name, what, says, folder):
    (folder / name).write_bytes(data)
    done = nll("compute", name, "--target-column", "y")
    assert done.code == 3
    assert f"{name}: is {what}" in done.err
    assert says in done.err


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_has_a_way_on(kind):
    assert kind.begins or kind.extensions or kind.name.startswith("an Open")
    if kind.holds == "nothing":
        return
    code = kind.load.format(file="'x'", path="'x'", stream="open('x', 'rb')", safe=True)
    compile(f"import {', '.join(kind.imports)}; {code}" if kind.imports else code or "0", "line", "exec")


def test_columns_of_tables_keep_their_name(folder):
    (folder / "y.orc").write_bytes(b"ORC\0")
    np.save("x.npy", LOGITS)
    assert offered(nll("compute", "x.npy", "y.orc:label"))[0].endswith("nll compute x.npy y.csv:label")


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("x.xlsx", "xl/workbook.xml", '<sheets><sheet name="{}" sheetId="1"/><sheet name="{}" r:id="2"/></sheets>'),
        ("x.ods", "content.xml", '<table:table table:style-name="a" table:name="{}"><table:table table:name="{}"/>'),
    ],
)
def test_the_sheet_of_a_workbook_is_asked_for(name, file, text, folder):
    """With a stand-in for pandas."""
    (folder / "pandas.py").write_text(
        "class Frame:\n"
        "    index = []\n"
        "    def __init__(self, sheet): self.sheet = sheet\n"
        "    def __len__(self): return 0\n"
        "    def map(self, _): return self\n"
        "    def to_csv(self, to, index): import shutil; shutil.copy(self.sheet, to)\n"
        "def read_excel(file, sheet_name): return Frame(sheet_name)\n"
    )
    for sheet, rows in (("a {&} b", LOGITS), ("test", LOGITS[::-1])):
        table = np.column_stack([rows, TARGETS])
        np.savetxt(sheet, table, delimiter=",", header="a,b,c,y", comments="", fmt=["%.17g"] * C + ["%d"])
    with zipfile.ZipFile(name, "w") as archive:
        archive.writestr(file, text.format("a {&amp;} b", "test"))
    done = nll("compute", name, "--target-column", "y", "-q")
    assert "of 2 sheets" in done.err
    assert [line.partition("  # ")[2] for line in offered(done)] == ["sheet a {&} b", "sheet test"]
    assert [float(run(line).out) for line in offered(done)] == [
        LOSS,
        pytest.approx(float(oracle.reduce(LOGITS[::-1], TARGETS)), rel=1e-12),
    ]


def test_sheets_whose_names_say_so_are_paired(folder):
    """With a stand-in for pandas."""
    (folder / "pandas.py").write_text(
        "class Frame:\n"
        "    index = []\n"
        "    def __init__(self, sheet): self.sheet = sheet\n"
        "    def __len__(self): return 0\n"
        "    def map(self, _): return self\n"
        "    def to_csv(self, to, index): import shutil; shutil.copy(self.sheet, to)\n"
        "def read_excel(file, sheet_name): return Frame(sheet_name)\n"
    )
    np.savetxt("logits", LOGITS, delimiter=",")
    np.savetxt("labels", TARGETS, "%d")
    names = "".join(f'<sheet name="{name}"/>' for name in ("labels", "notes", "logits"))
    with zipfile.ZipFile("x.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", names)
    first, *others = offered(nll("compute", "x.xlsx", "-q"))
    assert first.endswith("&& nll compute x.csv x.targets.csv -q  # sheets logits and labels")
    assert len(others) == 3
    assert float(run(first).out) == LOSS
    assert len(offered(nll("compute", "x.xlsx", "y.txt", "-q"))) == 3


@pytest.mark.skipif(find_spec("pandas") is None, reason="needs pandas")
def test_a_database():
    with sqlite3.connect("x.db") as db:
        db.execute("create table gone (id integer primary key autoincrement)")  # leaves a table of SQLite's own
        db.execute("drop table gone")
        db.execute("create table t (a, b, c, y)")
        db.executemany("insert into t values (?, ?, ?, ?)", [(*x, int(y)) for x, y in ROWS])
    [line] = offered(nll("compute", "x.db", "--target-column", "y", "-q"))
    assert float(run(line).out) == LOSS


@pytest.mark.parametrize(
    ("shape", "options", "meanings"),
    [
        ((1, 3, 4, 6), [" --ignore-index 255"], ["255 is void"]),
        ((3, 4, 6), [" --class-axis 0", " --ignore-index 255"], ["255 is void"]),
        ((1, 2, 4, 6), [" --ignore-index 255"], ["255 is void", "what is not 0 is class 1"]),
        ((24, 3), [" --ignore-index 255"], ["255 is void"]),
    ],
)
def test_masks(shape, options, meanings, folder):
    np.save("x.npy", np.zeros(shape))
    (folder / "y.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    lines = offered(nll("compute", "x.npy", "y.png"))
    assert all(option in lines[0] for option in options)
    assert [line.partition("  # ")[2] for line in lines] == meanings
    assert all(("[None]" in line) == (len(shape) > 3) for line in lines)
    assert " --ignore-index 0 " in offered(nll("compute", "x.npy", "y.png", "--ignore-index", "0"))[0]


@pytest.mark.parametrize(("n_classes", "white"), [(2, np.uint8(255)), (2, np.True_), (3, np.uint8(1))])
def test_a_mask_leads_to_the_number(n_classes, white, folder):
    """With a stand-in for the library of pictures."""
    (folder / "PIL").mkdir()
    (folder / "PIL" / "__init__.py").write_text("")
    (folder / "PIL" / "Image.py").write_text("import numpy\nopen = lambda name: numpy.load('mask.npy')\n")
    logits, mask = RNG.normal(0, 1, (1, n_classes, 4, 6)), RNG.integers(0, n_classes, (4, 6)).astype(np.uint8)
    np.save("x.npy", logits)
    (folder / "y.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    rows = np.moveaxis(logits, 1, -1).reshape(-1, n_classes)
    np.save("mask.npy", (mask * white).astype(white.dtype))
    line = offered(nll("compute", "x.npy", "y.png", "-q"))[-1]
    assert float(run(line).out) == pytest.approx(float(oracle.reduce(rows, mask.ravel())), rel=1e-12)


# --- numbers without a header -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("f4", "i8"),
        ("f8", "i4"),
        ("f2", "u1"),
        ("f4", "i2"),
        ("f4", "npy"),
        ("f4", "txt"),
        ("npy", "i4"),
        ("npy", "u1"),
    ],
)
@pytest.mark.parametrize("ending", [".bin", ""])
def test_numbers_without_a_header(x, y, ending):
    names, logits = [f"x{ending}", f"t{ending}"], LOGITS.astype("f8" if x == "npy" else x)
    np.save("x.npy", logits) if x == "npy" else logits.tofile(names[0])
    if y == "txt":
        names[1] = "y.txt"
    elif y == "npy":
        names[1] = "t.npy"
        np.save("t.npy", TARGETS)
    else:
        TARGETS.astype(y).tofile(names[1])
    names[0] = "x.npy" if x == "npy" else names[0]
    done = nll("compute", *names, "-q")
    assert done.code == 3
    assert "numbers without a header?" in done.err
    results = [run(line) for line in offered(done)]
    expected = pytest.approx(float(oracle.reduce(logits.astype(float), TARGETS)), rel=1e-12)
    assert any(each.out and float(each.out) == expected for each in results), (done.err, results)


def test_halves_without_a_header_may_be_of_two_kinds():
    halves = (LOGITS.astype("f4").view("u4") >> 16).astype("u2")
    halves.tofile("x.bin")
    lines = offered(nll("compute", "x.bin", "y.txt", "-q"))
    found = {line.partition("  # ")[2]: float(run(line).out) for line in lines}
    for meaning, rows in (
        (f"float16 ({N}, {C})", halves.view("f2")),
        (f"bfloat16 ({N}, {C})", (halves.astype("u4") << 16).view("f4")),
    ):
        assert found[meaning] == pytest.approx(float(oracle.reduce(rows.astype(float), TARGETS)), rel=1e-6)


def test_numbers_without_a_header_of_one_kind_are_called_what_they_are():
    LOGITS.astype("f4").tofile("x.bin")
    [line] = offered(nll("compute", "x.bin", "y.txt"))
    assert line.endswith(f"  # float32 ({N}, {C})")


def test_numbers_without_a_header_of_which_nothing_is_known(folder):
    LOGITS.astype("f4").tofile("x.bin")
    for words in (("x.bin",), ("x.bin", "none.txt"), ("x.bin", "table.csv"), ("x.bin", "empty.npy")):
        np.save("empty.npy", np.zeros(0))
        (folder / "table.csv").write_text("")
        done = nll("compute", *words)
        assert done.err.splitlines()[1].startswith("hint: numpy.fromfile(FILE, 'f4')")
    np.savetxt("l.csv", LOGITS, delimiter=",")
    TARGETS.tofile("y.bin")
    assert "hint: numpy.fromfile" in nll("compute", "l.csv", "y.bin").err
    np.save("x.npy", LOGITS)
    assert "hint: numpy.fromfile" in nll("compute", "x.npy", "x.bin").err
    (folder / "x.bin.gz").write_bytes(gzip.compress((folder / "x.bin").read_bytes()))
    assert "x.bin.gz" in nll("compute", "x.bin.gz", "y.txt").err


def test_text_is_no_raw_numbers(folder):
    for name, data in (("x.dat", "1,2\n0,1\n"), ("x.bin", "é,ü\n1,2\n"), ("x", "é,ü\n" + "1,2\n" * 500)):
        (folder / name).write_text(data, encoding="utf-8")
        assert "without a header?" not in nll("compute", name, "y.txt").err
    text = "".join(f"{','.join(map(repr, row))}\n" for row in LOGITS.tolist())
    (folder / "x").write_bytes(text.encode("utf-16-le"))
    [line] = offered(nll("compute", "x", "y.txt", "-q"))
    assert line == "nll compute x y.txt -q --encoding utf-16-le"
    assert float(nll(*line.split()[1:]).out) == LOSS
    (folder / "x.dat").write_bytes(text.encode("utf-16"))
    assert float(nll("compute", "x.dat", "y.txt", "-q").out) == LOSS


# --- which arrays fit -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "logits", "fit"),
    [
        ((5,), (5, 3), True),
        ((5, 1), (5, 3), True),
        ((3,), (5, 3), True),
        ((5, 3), (5, 3), False),
        ((4,), (5, 3), False),
        ((5, 7), (5, 3, 7), True),
        ((5, 3), (5, 3, 7), True),
        ((5,), (5, 3, 7), False),
        ((5,), (5,), True),
        ((4,), (5,), False),
        (None, (5,), True),
        ((4,), None, True),
    ],
)
def test_targets_fit_logits(targets, logits, fit):
    assert fits(targets, logits) is fit


def test_names_of_files():
    assert by_names(["d/logits.csv", "d/labels.csv"]) == ("d/logits.csv", "d/labels.csv")
    assert by_names(["a.csv", "labels.csv"]) == ("a.csv", "labels.csv")
    assert by_names(["a.csv", "b.csv"]) is None
    assert by_names(["preds1.csv", "preds2.csv", "labels.csv"]) is None


def test_readings_of_other_inputs():
    found = [Found("d", "a", (3,)), Found("e", "b", (3,), "U")]
    assert [each.logits for each in arrays.readings(found, Use())] == found[:1]
    assert arrays.labels(found, (None, 3)) == [arrays.Pair(targets=found[1])]


def test_the_table_is_in_a_tree():
    assert kind_of(bytes(257) + b"ustar\0", "").name == "a tar archive"
    assert kind_of(b"1,2", ".csv") is None
    assert isinstance(Stub(None).name, Name)
    assert arrays_in(Stub("f", (1,))) == [Found("d[0]", "", (), "i")]


def test_archives_of_other_programs(folder):
    for member, says in (
        (".zgroup", "zarr.storage.ZipStore('x.zip', mode='r')"),
        ("xl/workbook.xml", "pandas.read_excel"),
    ):
        with zipfile.ZipFile("x.zip", "w") as archive:
            archive.writestr(member, b"")
        [line] = offered(nll("compute", "x.zip", "y.txt"))
        assert says in line
    assert (folder / "x.zip").exists()


@pytest.mark.parametrize(
    "value",
    [
        [np.ones((2, 3)), np.ones((2, 4))],
        [{"a": 1}, {"a": "b"}],
        [np.ones(2), np.ones((2, 2))],
        [(np.ones(2), 1), (np.ones(2), 1.5)],
        {name: {name: np.ones((2, 3))} for name in "abcde"},
        objects(objects(1.0), [np.ones(2)]).reshape(2, 1),
    ],
)
def test_parts_that_are_not_alike_are_not_joined(value):
    found = arrays_in(held(pickle.dumps(value)))
    assert not [each for each in found if each.code.startswith("numpy.concatenate")]


BOMBS = {
    "many numbers": b"]" + b"\x94" * (1 << 20),
    "the same twice, and that twice": b"]" + b"2\x86" * 60,
    "the same as a key": b"}K\x01" + b"2\x86" * 60 + b"K\x01s",
    "lists in lists": b"]" * 40 + b"a" * 39,
    "itself twice": b"]\x94h\x00ah\x00a",
    "longer than it is": b"\x8e" + (1 << 40).to_bytes(8, "little") + b"ab",
    "a name of a number": b"\x8c\x01aK\x01\x93",
    "arguments in a list": b"cbuiltins\nint\n]R",
    "a line without an end": b"V" + b"a" * 100,
}


LONG_WORK = {"many numbers", "the same twice, and that twice"}


@pytest.mark.parametrize(
    "what", [pytest.param(w, marks=pytest.mark.uncounted if w in LONG_WORK else ()) for w in BOMBS]
)
def test_pickles_that_would_take_long(what):
    with pytest.raises(Untold):
        held(b"\x80\x04" + BOMBS[what] + b".")


def test_a_pickle_of_too_many_steps(monkeypatch):
    monkeypatch.setattr(pickles, "_MOST_STEPS", 100)
    with pytest.raises(Untold):
        held(b"\x80\x04]" + b"\x94" * 100 + b".")


def test_a_pickle_of_too_many_bytes(monkeypatch):
    monkeypatch.setattr(pickles, "MOST_BYTES", 100)
    with pytest.raises(Untold):
        held(pickle.dumps(b"a" * 200))


def test_arrays_of_many_bytes_are_not_kept():
    assert held(pickle.dumps((b"a" * (3 << 20), "b"))) == (b"", "b")


@pytest.mark.parametrize("shape", [(-1,), ("a",), (1.0, 2), (1 << 40, 1 << 40)])
def test_shapes_that_are_none(shape):
    with pytest.raises(Untold):
        pickles.size_of(shape)


def test_a_pickle_that_holds_itself(folder):
    value = []
    value.append(value)
    (folder / "x.pkl").write_bytes(pickle.dumps(value))
    assert "python -c" in offered(nll("compute", "x.pkl"))[0]


def test_two_commands_that_cannot_be_one(folder):
    (folder / "x.pkl").write_bytes(pickle.dumps(LOGITS))
    (folder / "y.pkl").write_bytes(pickle.dumps({"val": TARGETS, "test": TARGETS}))
    [line] = offered(nll("compute", "x.pkl", "y.pkl", "-q"))
    assert "nll compute x.logits.npy y.pkl -q" in line
    assert len(offered(nll("compute", "x.pkl", "y.pkl", "-q"))) == 1


def test_unpacking_writes_over_nothing(folder):
    np.savetxt("logits.csv", LOGITS, delimiter=",")
    with tarfile.open("b.tar", "w") as archive:
        archive.add("logits.csv")
        archive.add("y.txt", "labels.csv")
    (folder / "logits.csv").write_text("mine", encoding="utf-8")
    [line] = offered(nll("compute", "b.tar", "-q"))
    assert float(run(line).out) == LOSS
    assert (folder / "logits.csv").read_text(encoding="utf-8") == "mine"


def test_trust_is_told_last_and_once():
    told = conversions._both(Remedy(meaning=f"the probabilities; {TRUST}"), Remedy(meaning=f"255 is void; {TRUST}"))
    assert told.meaning == f"the probabilities; 255 is void; {TRUST}"


def test_records_with_objects_are_only_loaded_if_trusted():
    np.save("x.npy", np.array([(1.0, "a")], [("a", "f8"), ("b", object)]))
    [line] = offered(nll("compute", "x.npy", "y.txt"))
    assert line.endswith(f"  # {TRUST}")
    np.save("x.npy", np.array([(1.0, 2.0)], [("a", "f8"), ("b", "f8")]))
    [line] = offered(nll("compute", "x.npy", "y.txt"))
    assert "allow_pickle" not in line
