import gzip
import io
import json
import struct
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import oracle
import pyarrow
import pytest
from following import offered, run
from hypothesis import given
from hypothesis import strategies as st
from in_process import nll
from pyarrow import feather

from nllcli.errors import DataError, FaultError, UsageError
from nllcli.inputs import vectors
from nllcli.inputs.vectors import Vector, read_names, read_vector


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "file"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.fixture
def stdin(file, monkeypatch):
    with ExitStack() as files:
        yield lambda content: monkeypatch.setattr(sys, "stdin", files.enter_context(Path(file(content)).open()))
        monkeypatch.undo()


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def numbers(text, **options):
    return read_vector(text, what="--counts", **options)


@pytest.mark.parametrize(
    "text",
    ["10,50,100", " 10, 50 ,100 ", "10 50 100", "1e1,5E+1,100.", "+10,050,100.0"],
)
def test_literal(text):
    for integers, dtype in ((True, np.int64), (False, np.float64)):
        values = numbers(text, integers=integers).values
        assert values.tolist() == [10, 50, 100]
        assert values.dtype == dtype


def test_literal_of_one_number():
    assert numbers("-.5").values.tolist() == [-0.5]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_literal_reads_back(values):
    assert numbers(",".join(map(repr, values))).values.tolist() == values


def test_integers_are_exact():
    largest = 2**63 - 513  # the next one is half-way to 2^63, and as a float64 becomes that
    assert numbers(f"9007199254740993,{largest}", integers=True).values.tolist() == [2**53 + 1, largest]
    assert float(largest) < 2**63 == float(largest + 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("10,nan", "'nan' is not a finite number"),
        ("10,-inf", "'-inf' is not a finite number"),
        ("10,1e999", "'1e999' is not a finite number"),
        ("10,2.5", "'2.5' is not a whole number"),
        ("10,9223372036854775808", "'9223372036854775808' is not a whole number below 2^63"),
        ("10,9223372036854775296", "'9223372036854775296' is not a whole number below 2^63 as a float64"),
        ("10,-9223372036854775807", "'-9223372036854775807' is not a whole number below 2^63"),
        ("1_000", "'1_000' is neither numbers such as 10,50,100 nor a file that exists"),
        ("10,,50", "('' is not one)"),
        ("10,5o,100", "('5o' is not one)"),
        ("١٠", "neither"),
        ("counts.txt", "neither"),
        ("", "is empty"),
        ("x" * 100, "'" + "x" * 40 + "...' is neither"),
        ("x" * 10_000, "neither"),
        ("a\nb", r"'a\nb' is neither"),
    ],
)
def test_refuses_a_literal(text, told):
    with pytest.raises(UsageError) as caught:
        numbers(text, integers=True)
    assert caught.value.where == "--counts"
    assert told in caught.value.message


@pytest.mark.parametrize(
    "content",
    [
        "10\n50\n100\n",
        "10\r\n50\r\n100",
        "10\r50\r100\r",
        "10,50,100",
        "10 50\t100\n",
        "10, 50\n\n100\n\n\n",
        "# counts\n10 50\n # more\n100",
        "\ufeff10\n50\n100",
        npy(np.array([10, 50, 100])),
        npy(np.array([10, 50, 100], ">u2")),
        npy(np.array([10, 50, 100], np.float16)),
    ],
)
def test_file(file, content):
    vector = numbers(file(content), integers=True)
    assert vector.values.tolist() == [10, 50, 100]
    assert vector.values.dtype == np.int64
    assert vector.names is None


@pytest.mark.parametrize(
    "content",
    [
        'cat,10\n"dog, large",50\n',
        'class,count\ncat,10\n"dog, large",50\n',
        "cat\t10\ndog, large\t50\n",
        'label, Weight\ncat, 10\n"dog, large", 50',
    ],
)
def test_file_of_two_columns(file, content):
    vector = numbers(file(content))
    assert vector.values.tolist() == [10, 50]
    assert vector.names == ("cat", "dog, large")


@pytest.mark.parametrize("word", ["weight", "count", "N"])
def test_one_column_with_a_header(file, word):
    vector = numbers(file(f"{word}\n10\n50\n"))
    assert (vector.values.tolist(), vector.names) == ([10, 50], None)


@pytest.mark.parametrize("integers", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        "class,count,share,weight\ncat,10,0.2,4\ndog,40,0.8,1\n",
        "class\tweight\tshare\tcount\ncat\t4\t0.2\t10\ndog\t1\t0.8\t40\n",
        '{"command": "weights",\n"classes": [{"class": "cat", "count": 10, "weight": 4.0},'
        ' {"class": "dog", "count": 40, "weight": 1}]}',
    ],
)
def test_what_nll_weights_writes(file, content, integers):
    vector = numbers(file(content), integers=integers)
    assert vector.values.tolist() == ([10, 40] if integers else [4, 1])
    assert vector.names == ("cat", "dog")


def test_object_of_json(file):
    found = numbers(file('{"horse": 5, "cat": 1e0, "dog": 2.5}'))
    assert (found.values.tolist(), found.names) == ([5.0, 1.0, 2.5], ("horse", "cat", "dog"))
    assert found.in_order_of(["cat", "dog", "horse"], what="--weights").tolist() == [1.0, 2.5, 5.0]


def test_list_of_json(file):
    assert numbers(file("[10,\n0.1]")).values.tolist() == [10, 0.1]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("class,count,share\n0,1,1\n", "file: has no column 'weight'"),
        ("class,count,weight\n0,1,x\n", "line 2, column 3: 'x' is not a number"),
        ("[1, null]", "not a list of numbers, an object with a weight for each class"),
        ("[]", "not a list of numbers, an object with a weight for each class"),
        ('{"classes": [{"class": 0}]}', "not a list of numbers, an object with a weight"),
        ("[1, NaN]", "index 1: 'NaN' is not a finite number"),
        ("[1, 2", "is not valid JSON: Expecting ',' delimiter, column 6"),
        ("[1,\n2\n3]", "is not valid JSON: Expecting ',' delimiter, line 3, column 1"),
        ('{"classes": [], "classes": []}', "a name occurs twice"),
        ('["1", "a"]', "index 1: 'a' is not a number"),
    ],
)
def test_refuses_tables_and_json(file, content, told):
    with pytest.raises(DataError) as caught:
        numbers(file(content))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("given", "classes", "expected"),
    [
        (None, ("ant", "bee"), [3, 2]),
        (("ant", "bee"), ("ant", "bee"), [3, 2]),
        (("bee", "ant"), ("ant", "bee"), [2, 3]),
        (("0", "1"), ("ant", "bee"), [3, 2]),
        (("1", "0"), ("ant", "bee"), [2, 3]),
        (("1", "0"), None, [2, 3]),
        (("1", "2"), ("2", "1"), [2, 3]),  # these are their names
        (("1", "0"), ("0", "1"), [2, 3]),
        (("a", "a"), ("a", "a"), [3, 2]),
    ],
)
def test_values_follow_the_classes_by_name(given, classes, expected):
    vector = Vector(np.array([3.0, 2.0]), given)
    assert vector.in_order_of(classes, what="--weights").tolist() == expected


@pytest.mark.parametrize("given", [("ant", "cow"), ("ant", "ant"), ("1", "2"), ("ant", "bee", "cow")])
def test_other_names_are_refused(given):
    vector = Vector(np.arange(len(given)), given)
    with pytest.raises(DataError, match=r"--weights: names the classes .*; they are ant, bee"):
        vector.in_order_of(("ant", "bee"), what="--weights")
    with pytest.raises(UsageError, match="have no names") as caught:
        vector.in_order_of(None, what="--weights")
    assert "⟦classes⟧" in caught.value.hint


def test_header_makes_numbers_names(file):
    vector = numbers(file("class,count\n0,10\n1,50\n"), integers=True)
    assert vector.values.tolist() == [10, 50]
    assert vector.names == ("0", "1")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("10\n5o\n", "line 2: '5o' is not a number"),
        ("10,50,\n", "line 1, value 3: a number is missing"),
        ("10\n1_000", "line 2: '1_000' is not a number"),
        ("10\nNaN", "line 2: 'NaN' is not a finite number"),
        ("10\n0.5", "line 2: '0.5' is not a whole number"),
        ("10\n" + "é" * 50, "line 2: '" + "\\xe9" * 37 + "...' is not a number"),
        ("cat,NA\ndog,10", "line 1, column 2: 'NA' is not a number"),
        ("class,count\ncat,10\ndog,ten", "line 3, column 2: 'ten' is not a number"),
        ("cat,10\n,50", "name 2 is empty"),
        ("0,10\n1,50", "two columns of numbers"),
        (b"\xfe\xff\xd8\x00", "is not utf-16 text"),
        ("# counts\n", "is empty"),
        (b"10\n\xff\n", "line 2: byte 0xff is not UTF-8"),
        (b"PK\x03\x04\xfa", "damaged archive"),
        (npy(np.ones((2, 2))), "has the shape (2, 2)"),
        (npy(np.array(3)), "has the shape ()"),
        (npy(np.array(["10"])), "holds strings"),
        (npy(np.array([1, None])), "holds pickled Python objects"),
        (npy(np.array([])), "is empty"),
        (npy(np.array([1.0, np.nan])), "index 1: nan is not a finite number"),
        (npy(np.array([1.0, 2.5])), "index 1: 2.5 is not a whole number"),
        (npy(np.array([1, 2**63], np.uint64)), "index 1: 9223372036854775808 is not a whole number"),
        (npy(np.array([1, 2**63 - 512])), "index 1: 9223372036854775296 is not a whole number below 2^63 as a float64"),
        ("1\n9223372036854775807\n", "line 2: '9223372036854775807' is not a whole number below 2^63 as a float64"),
        (npy(np.arange(3))[:-1], "needs 152 bytes, it has 151"),
        (npy(np.arange(3))[:20], "header"),
        (b"\x93NUMPY", "NPY"),
    ],
)
def test_refuses_a_file(file, content, told):
    path = file(content)
    with pytest.raises(DataError) as caught:
        numbers(path, integers=True)
    assert str(caught.value).startswith(path)
    assert told in str(caught.value)


def test_folder_is_not_a_vector(tmp_path):
    with pytest.raises(FaultError, match="folder"):
        numbers(str(tmp_path))


def test_standard_input(stdin):
    stdin(b"10\n50")
    assert numbers("-").values.tolist() == [10, 50]
    stdin(npy(np.array([10, 50])))
    assert numbers("-").values.tolist() == [10, 50]
    stdin(b"")
    with pytest.raises(DataError, match="standard input: is empty"):
        numbers("-")


def test_closed_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(FaultError, match="standard input"):
        numbers("-")


@pytest.mark.parametrize("text", ["cat,dog", " cat , dog "])
def test_names_written_out(text):
    assert read_names(text, what="--classes") == ("cat", "dog")


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("cat\ndog\n", ("cat", "dog")),
        ("cat,dog\n", ("cat", "dog")),
        ("tench, Tinca tinca\ncrane\ncrane\n", ("tench, Tinca tinca", "crane", "crane")),
        ("10\n20", ("10", "20")),
        ("one", ("one",)),
        ("0 cat\n1 big dog\n2 horse\n", ("cat", "big dog", "horse")),
        ("2\thorse\n0\tcat\n1\tdog, large\n", ("cat", "dog, large", "horse")),
        ('1,"dog, large"\n0,cat\n', ("cat", "dog, large")),
        ("1: dog\n0: cat\n", ("cat", "dog")),
        ("horse 2\ncat 0\nbig dog 1\n", ("cat", "big dog", "horse")),
        ("index,name\n2,horse\n0,cat\n1,dog\n", ("cat", "dog", "horse")),
        ('name,id\nhorse,2\ncat,0\n"dog, large",1\n', ("cat", "dog, large", "horse")),
        ("label;class_id\ncat;0\ndog;1\n", ("cat", "dog")),
        ("id,name\ncat\ndog\n", ("id,name", "cat", "dog")),
        ("1 cat\n2 dog\n", ("1 cat", "2 dog")),
        ("0 cat\n2 dog\n", ("0 cat", "2 dog")),
        ("0 cat\ndog\n", ("0 cat", "dog")),
        ("class 0\nclass 1\n", ("class 0", "class 1")),
        ("0:00\n1:00\n2:00\n", ("0:00", "1:00", "2:00")),
        ("nc: 3\nnames: [cat, 'dog', horse]\n", ("cat", "dog", "horse")),
        ("names:\n  - cat\n\n  - tench, Tinca tinca  # a fish\n  - c#\nnc: 3\n", ("cat", "tench, Tinca tinca", "c#")),
        ("nc: 2\nnames:  # of YOLO\n- cat\n- 'dog'\n", ("cat", "dog")),
        ('path: x\nnames:\n  1: "dog"\n  0: a:b\nval: y\n', ("a:b", "dog")),
    ],
)
def test_names_in_a_file(file, content, names):
    assert read_names(file(content), what="--classes") == names


def test_refuses_names(file):
    with pytest.raises(UsageError, match="name 2 is empty"):
        read_names("cat,,dog", what="--classes")
    with pytest.raises(UsageError, match="neither names such as"):
        read_names("cat", what="--classes")
    with pytest.raises(DataError, match="name 2 is empty"):
        read_names(file("cat\n\ndog"), what="--classes")
    with pytest.raises(DataError, match="is empty"):
        read_names(file("\n"), what="--classes")


@pytest.mark.parametrize(
    "text",
    [
        "names: {0: cat, 1: dog}\n",
        "names: [cat, [dog]]\n",
        "names: [cat, 'dog, large']\n",
        "names: [cat,\n  dog]\n",
        "names: [cat, ]\n",
        "names:\nnc: 2\n",
        "names: cat\n",
        "names:\n  - cat\n  - &dog dog\n",
        "names:\n  - cat: 1\n",
        "names:\n  - cat\n    dog\n",
        "names:\n  0: cat\n  2: dog\n",
        "names:\n  0: cat\n  - dog\n",
    ],
)
def test_refuses_yaml_that_is_not_plain(text, file):
    with pytest.raises(DataError, match="is YAML, but its names are not a plain list, nor numbered from 0") as caught:
        read_names(file(text), what="--classes")
    assert "one a line" in caught.value.hint


def test_refuses_names_that_may_be_indices(file):
    with pytest.raises(DataError, match="which one is the index of the class"):
        read_names(file("0 1\n1 0\n"), what="--classes")


@pytest.mark.parametrize("mark", [" ", "\t"])
def test_asks_which_of_two_names_a_class_has(mark, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [[5.0, 4.5], [4.0, 2.25], [4.0, 4.5]]
    (tmp_path / "synsets.txt").write_text(f"n01440764{mark}great tench\nn01443537{mark}goldfish\n")
    np.save("x.npy", rows)
    (tmp_path / "ids.txt").write_text("n01443537\nn01440764\nn01443537\n")
    (tmp_path / "words.txt").write_text("goldfish\ngreat tench\ngoldfish\n")
    for i, targets in enumerate(("ids.txt", "words.txt")):
        done = nll("compute", "x.npy", targets, "--classes", "synsets.txt", "-q")
        assert float(run(offered(done)[i]).out) == pytest.approx(float(oracle.reduce(rows, [1, 0, 1])), rel=1e-14)


def test_nothing_is_cut_where_ids_end_in_two_ways(file):
    with pytest.raises(UsageError, match="has an id and words for each class") as caught:
        read_names(file("n01440764 tench\nn01443537\tgoldfish\n"), what="--classes")
    assert caught.value.remedies == ()
    assert "the one or the other alone" in caught.value.hint


@pytest.mark.parametrize("name", ["a.npz:w:0", "a.npy.gz", "a.txt.gz"])
def test_reads_what_other_inputs_are_read_from(name, tmp_path):
    image = io.BytesIO()
    np.save(image, np.array([1.0, 2.5]))
    np.savez(tmp_path / "a.npz", **{"w:0": np.array([1.0, 2.5]), "v": np.zeros(3)})
    (tmp_path / "a.npy.gz").write_bytes(gzip.compress(image.getvalue()))
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"1,2.5"))
    assert read_vector(str(tmp_path / name), what="--weights").values.tolist() == [1.0, 2.5]


@pytest.mark.parametrize(("values", "integers"), [([1.0, -2.5, 0.125], False), ([10, 50, 128], True)])
def test_bfloat16_of_a_file_that_says_so(values, integers, tmp_path):
    """Each is a bfloat16: two bytes, the upper half of its float32."""
    data = b"".join(struct.pack(">f", value)[1::-1] for value in values)
    header = json.dumps({"w": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}).encode()
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data)
    found = numbers(str(tmp_path / "a.safetensors"), integers=integers).values
    assert found.tolist() == values
    assert found.dtype == (np.int64 if integers else np.float64)


def test_refuses_what_is_no_list(tmp_path, monkeypatch):
    for text in ("[[1],2]", "[]", "{}", '{"cat": 1, "dog": 2}', '{"cat": 0, "dog": 0}', "7"):
        (tmp_path / "a.jsonl").write_text(text)
        with pytest.raises(DataError, match=r"is JSON, but neither a list of names|is CSV; names"):
            read_names(str(tmp_path / "a.jsonl"), what="--classes")
    feather.write_feather(pyarrow.table({"a": [1.0]}), tmp_path / "a.feather")
    with pytest.raises(DataError, match="is FEATHER; numbers"):
        read_vector(str(tmp_path / "a.feather"), what="--weights")
    for read in (read_vector, read_names):
        with pytest.raises(DataError, match="/dev/zero: is longer than 16 MiB"):
            read("/dev/zero", what="--weights")
    monkeypatch.setattr(vectors, "_MOST_BYTES", 20)
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(DataError, match="is longer than"):
        read_vector(str(tmp_path / "a.npy"), what="--weights")


@pytest.mark.parametrize("one", ["{}\n", "{}\r\n", "{}\r", "{},", "{} ", "{}\t", "class {},{}\n"], ids=repr)
def test_text_of_more_numbers_than_there_are_classes(one, file, monkeypatch):
    monkeypatch.setattr(vectors, "_MOST_NUMBERS", 20)
    for n in (20, 22):
        path = file("".join(one.format(i, i) for i in range(n)).rstrip(","))
        if n == 20:
            assert numbers(path, integers=True).values.tolist() == list(range(n))
            continue
        for integers, hint in ((True, "are these targets? counts are one number a class"), (False, None)):
            with pytest.raises(DataError, match="has more than 20 numbers: is this one value a class") as caught:
                numbers(path, integers=integers)
            assert caught.value.hint == hint


def test_json_of_more_numbers_than_there_are_classes(file, monkeypatch):
    monkeypatch.setattr(vectors, "_MOST_NUMBERS", 20)
    assert numbers(file(json.dumps(list(range(21))))).values.tolist() == list(range(21))
    with pytest.raises(DataError, match="has more than 20 numbers"):
        numbers(file(json.dumps(list(range(22)))))


def test_names_are_no_numbers(file, monkeypatch):
    monkeypatch.setattr(vectors, "_MOST_NUMBERS", 2)
    assert read_names(file("a\nb\nc\nd\n"), what="--classes") == ("a", "b", "c", "d")
