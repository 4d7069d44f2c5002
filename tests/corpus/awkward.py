"""Awkward files with their verdicts: accepted with the numbers, or refused with the message.

``python tests/corpus/awkward.py FOLDER`` writes them, one folder a case, with the command line and the verdict.
"""

import collections
import datetime
import decimal
import gzip
import importlib.util
import io
import json
import pickle
import struct
import sys
import warnings
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROWS = ((5.0, 4.0, 2.0), (4.0, 2.0, 8.0), (4.0, 4.0, 1.0))
LABELS = (0, 2, 1)
INF = float("inf")


@dataclass(frozen=True)
class Case:
    """Files, the words of a command line over them, and what has to come of it.

    Accepted: the loss is that of ``rows`` and ``labels``, by the oracle. Refused: ``code`` is the exit code. Either
    way standard error contains every text of ``says``. ``stdin`` is the file that is piped in.
    """

    name: str
    files: dict[str, bytes]
    words: tuple[str, ...] = ()
    code: int = 0
    says: tuple[str, ...] = ()
    rows: tuple = field(default=ROWS, repr=False)
    labels: tuple = LABELS
    stdin: str | None = None

    @property
    def argv(self):
        return ["compute", "-q", *(self.words or (next(iter(self.files)), "targets.txt"))]


def accepted(name, file, data, *says, words=(), rows=ROWS, labels=LABELS, stdin=None, **more):
    return Case(name, {file: _bytes(data), **_all_bytes(more)}, words, 0, says, rows, labels, stdin)


def refused(name, file, data, *says, words=(), code=3, stdin=None, **more):
    return Case(name, {file: _bytes(data), **_all_bytes(more)}, words, code, says, stdin=stdin)


def _bytes(data):
    return data.encode() if isinstance(data, str) else data


def _all_bytes(files):
    """Keyword names cannot hold a dot: a double underscore stands for it."""
    return {name.replace("__", "."): _bytes(data) for name, data in files.items()}


# --- makers -----------------------------------------------------------------------------------------------------------


def array(dtype="f8", order="C"):
    return np.array(ROWS, dtype, order=order)


def npy(values, version=None):
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.lib.format.write_array(out, np.asanyarray(values), version=version)
    return out.getvalue()


def npy_image(header, data=b"", version=1):
    """An NPY file with any header at all."""
    text = header if isinstance(header, bytes) else repr(header).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    width = "<H" if version == 1 else "<I"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(width, len(text)) + text + data


def described(shape, descr="<f8", fortran=False):
    return {"descr": descr, "fortran_order": fortran, "shape": shape}


def bfloat16(values=ROWS):
    return (np.array(values, "<f4").view("<u4") >> 16).astype("<u2").view("V2")


def npz(compression=zipfile.ZIP_STORED, **members):
    return archive({f"{name}.npy": npy(values) for name, values in members.items()}, compression)


def archive(members, compression=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, data in members.items() if isinstance(members, dict) else members:
            file.writestr(name, data)
    return out.getvalue()


def flipped(data, at):
    changed = bytearray(data)
    changed[at] ^= 0x40
    return bytes(changed)


def csv(rows=ROWS, sep=",", end="\n", header=None):
    lines = [sep.join(map(repr, row)) for row in rows]
    return end.join(([header] if header else []) + lines) + end


def jsonl(rows=ROWS, labels=None):
    if labels is None:
        return "".join(json.dumps(list(row)) + "\n" for row in rows)
    return "".join(json.dumps({"logits": list(r), "target": t}) + "\n" for r, t in zip(rows, labels, strict=True))


def safetensors(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(values, code, begin=0):
    return {"dtype": code, "shape": list(values.shape), "data_offsets": [begin, begin + values.nbytes]}


def columnar(kind, columns):
    """A Parquet or Feather file, or an Arrow stream, of columns by their names."""
    import pyarrow
    from pyarrow import feather, ipc, parquet

    table = pyarrow.table({name: pyarrow.array(values) for name, values in columns.items()})
    out = io.BytesIO()
    if kind == "arrow":
        with ipc.new_stream(out, table.schema) as writer:
            writer.write_table(table)
    else:
        parquet.write_table(table, out) if kind == "parquet" else feather.write_feather(table, out)
    return out.getvalue()


def dumped(protocol):
    return pickle.dumps([[1.0, 2.0]], protocol)


# --- the cases --------------------------------------------------------------------------------------------------------


def npy_cases():
    text = csv()
    yield from (
        accepted(
            f"npy-{dtype.strip('<>|=')}-{'big' if '>' in dtype else 'little'}-{order}",
            "x.npy",
            npy(array(dtype, order)),
        )
        for dtype in ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "i1", "<i2", ">i4", "<i8", "u1", ">u8")
        for order in "CF"
    )
    yield from (accepted(f"npy-version-{v}", "x.npy", npy(array(), (v, 0))) for v in (1, 2, 3))
    yield accepted(
        "npy-bfloat16", "x.npy", npy(bfloat16()), words=("x.npy", "targets.txt", "--input-dtype", "bfloat16")
    )
    yield refused("npy-bfloat16-unsaid", "x.npy", npy(bfloat16()), "--input-dtype bfloat16")
    yield refused(
        "npy-not-bfloat16",
        "x.npy",
        npy(array()),
        "not bfloat16",
        words=("x.npy", "targets.txt", "--input-dtype", "bfloat16"),
    )
    yield accepted("npy-called-csv", "x.csv", npy(array()))
    yield accepted("csv-called-npy", "x.npy", text)
    yield accepted("npy-without-extension", "x", npy(array()))
    yield accepted("npy-stdin", "x.npy", npy(array()), words=("-", "targets.txt"), stdin="x.npy")
    yield accepted("npy-stdin-fortran", "x.npy", npy(array(order="F")), words=("-", "targets.txt"), stdin="x.npy")
    yield accepted("npy-gz", "x.npy.gz", gzip.compress(npy(array())))
    yield accepted(
        "npy-long-integers",
        "x.npy",
        npy(np.array([[2**53 + 1, 0], [0, 2**53 + 1]])),
        "lose their last digits",
        rows=((2.0**53, 0.0), (0.0, 2.0**53)),
        labels=(0, 1),
        targets__txt="0\n1\n",
    )
    kinds = {
        "structured": (np.zeros(3, [("a", "f4"), ("b", "f4")]), "records"),
        "object": (np.array([[None, 1]], object), "pickled Python objects"),
        "complex": (array("c16"), "complex numbers"),
        "datetime": (np.zeros((3, 3), "M8[s]"), "dates"),
        "timedelta": (np.zeros((3, 3), "m8[s]"), "time differences"),
        "string": (np.array([["1", "2"]]), "strings"),
        "bytes": (np.array([[b"1", b"2"]]), "byte strings"),
        "bool": (array() > 3, "booleans"),
        "scalar": (np.array(1.5), "single number"),
        "no-classes": (np.zeros((3, 0)), "no classes"),
        "void": (np.zeros((3, 3), "V5"), "untyped"),
    }
    yield from (refused(f"npy-{name}", "x.npy", npy(values), says) for name, (values, says) in kinds.items())
    whole = npy(array())
    yield refused("npy-short", "x.npy", whole[:-1], "is cut short", "(3, 3)")
    yield refused("npy-long", "x.npy", whole + b"\0", "has bytes after the array")
    yield refused("npy-short-stdin", "x.npy", whole[:-1], "is cut short", words=("-", "targets.txt"), stdin="x.npy")
    yield refused(
        "npy-long-stdin", "x.npy", whole + b"\0", "after the array", words=("-", "targets.txt"), stdin="x.npy"
    )
    yield refused("npy-gz-short", "x.npy.gz", gzip.compress(whole[:-1]), "is cut short")
    yield refused("npy-gz-long", "x.npy.gz", gzip.compress(whole + b"\0"), "after the array")
    yield refused(
        "npy-empty-of-many-classes", "x.npy", npy_image(described((0, 10**18))), "has 1000000000000000000 classes"
    )
    yield refused("npy-magic-only", "x.npy", whole[:6], "version")
    yield refused("npy-half-a-header", "x.npy", whole[:40], "ends within its header")
    yield refused("npy-version-9", "x.npy", whole[:6] + b"\x09" + whole[7:], "version 1, 2 or 3")
    yield refused("npy-huge-shape", "x.npy", npy_image(described((10**12, 10**6))), "is cut short")
    yield refused("npy-overflowing-shape", "x.npy", npy_image(described((2**62, 2**62))), "is cut short")
    yield refused(
        "npy-huge-shape-stdin",
        "x.npy",
        npy_image(described((10**12, 10**6))),
        "is cut short",
        words=("-", "--loss", "argmax"),
        stdin="x.npy",
    )
    yield refused("npy-negative-shape", "x.npy", npy_image(described((-3, -3))), "impossible shape")
    yield refused("npy-float-shape", "x.npy", npy_image(described((3.0, 3))), "header is damaged")
    yield refused("npy-boolean-shape", "x.npy", npy_image(described((True, 3)), bytes(24)), "x.npy")
    yield refused("npy-huge-header", "x.npy", b"\x93NUMPY\x02\0\xff\xff\xff\x7f{", "claims")
    yield refused("npy-header-of-code", "x.npy", npy_image(b"__import__('os').getcwd()"), "header is damaged")
    yield refused("npy-header-no-dict", "x.npy", npy_image(b"[1, 2]"), "header is damaged")
    yield refused("npy-header-extra-key", "x.npy", npy_image({**described((3, 3)), "x": 1}), "header is damaged")
    yield refused("npy-header-deep", "x.npy", npy_image(b"(" * 3000), "header is damaged")
    yield refused("npy-header-binary", "x.npy", npy_image(b"\xff\0\xfe" * 20), "header is damaged")
    yield refused("npy-dtype-unknown", "x.npy", npy_image(described((3, 3), "<q9")), "header is damaged")
    yield refused(
        "npy-forced-on-csv", "x.csv", text, "not an NPY", words=("x.csv", "targets.txt", "--input-format", "npy")
    )
    yield refused("empty", "x.npy", b"", "is empty")


def npz_cases():
    both = npz(logits=array(), targets=np.array(LABELS))
    names = ("x.npz:logits", "x.npz:targets")
    yield accepted("npz-two", "x.npz", both, words=names)
    yield accepted("npz-member-file-name", "x.npz", both, words=("x.npz:logits.npy", "x.npz:targets"))
    yield accepted(
        "npz-deflated", "x.npz", npz(zipfile.ZIP_DEFLATED, logits=array(), targets=np.array(LABELS)), words=names
    )
    yield accepted("npz-deflated-fortran", "x.npz", npz(zipfile.ZIP_DEFLATED, x=array("f4", "F")))
    yield accepted("npz-bzip2", "x.npz", npz(zipfile.ZIP_BZIP2, x=array()))
    yield accepted("npz-lzma", "x.npz", npz(zipfile.ZIP_LZMA, x=array()))
    yield accepted("npz-gz", "x.npz.gz", gzip.compress(npz(x=array())))
    yield accepted("npz-only-member", "x.npz", npz(arr_0=array("f4", "F")))
    yield accepted("npz-beside-text", "x.npz", archive({"read me.txt": b"hello", "a.npy": npy(array())}))
    yield accepted("npz-stdin", "x.npz", npz(a=array()), words=("-", "targets.txt"), stdin="x.npz")
    yield accepted(
        "npz-colon-in-file-name", "x.npz:logits", npy(array()), x__npz=both, words=("x.npz:logits", "targets.txt")
    )
    yield accepted("npz-colon-in-member", "x.npz", npz(**{"a:b": array()}), words=("x.npz:a:b", "targets.txt"))
    folder = archive({"run/a.npy": npy(array())})
    yield accepted("npz-folder-in-member", "x.npz", folder, words=("x.npz:run/a", "targets.txt"))
    yield refused(
        "npz-unnamed",
        "x.npz",
        both,
        "holds 2 arrays",
        "x.npz:logits targets.txt",
        words=("x.npz", "targets.txt"),
        code=2,
    )
    yield refused(
        "npz-no-such-member", "x.npz", both, "'logit'", "x.npz:logits", words=("x.npz:logit", "targets.txt"), code=2
    )
    yield refused("npz-member-of-npy", "x.npy", npy(array()), "no members", words=("x.npy:a", "targets.txt"), code=2)
    yield refused("npz-empty", "x.npz", archive({}), "no arrays")
    yield refused("npz-of-text", "x.npz", archive({"a.txt": b"a"}), "has a header and no rows")
    yield refused(
        "npz-duplicate",
        "x.npz",
        archive([("a.npy", npy(array())), ("a.npy", npy(array()))]),
        "several members",
        words=("x.npz:a", "targets.txt"),
    )
    yield refused("npz-object", "x.npz", npz(a=np.array([None, {}], object)), "pickled Python objects")
    yield refused("npz-no-npy-inside", "x.npz", archive({"a.npy": b"hello"}), "x.npz:a", "not an NPY")
    yield refused("npz-short-member", "x.npz", archive({"a.npy": npy(array())[:-8]}), "is cut short")
    yield refused("npz-long-member", "x.npz", archive({"a.npy": npy(array()) + bytes(8)}), "bytes after the array")
    yield refused(
        "npz-bomb",
        "x.npz",
        archive({"a.npy": npy_image(described((10**6, 10**6)))}, zipfile.ZIP_DEFLATED),
        "is cut short",
    )
    yield refused("npz-no-directory", "x.npz", both[:100], "damaged archive")
    yield refused("npz-flipped-data", "x.npz", flipped(npz(a=array()), 200), "damaged archive")
    long = npz(a=np.zeros((30_000, 3)))
    yield refused("npz-flipped-further-down", "x.npz", flipped(long, 500_000), "checksum")
    deflated = npz(zipfile.ZIP_DEFLATED, a=np.arange(300.0).reshape(100, 3))
    yield refused("npz-flipped-deflated", "x.npz", flipped(deflated, len(deflated) // 2), "damaged archive")
    encrypted = bytearray(npz(a=array()))
    for at in (6, encrypted.rindex(b"PK\x01\x02") + 8):
        encrypted[at] |= 1
    yield refused("npz-encrypted", "x.npz", bytes(encrypted), "encrypted")
    sizes = bytearray(npz(a=array()))
    sizes[sizes.rindex(b"PK\x01\x02") + 20] += 1
    yield refused("npz-sizes-differ", "x.npz", bytes(sizes), "damaged archive")
    unknown = bytearray(npz(a=array()))
    unknown[8] = unknown[unknown.rindex(b"PK\x01\x02") + 10] = 99
    yield refused("npz-unknown-compression", "x.npz", bytes(unknown), "of an unusual kind: That compression method")
    yield refused("npz-office", "x.xlsx", archive({"[Content_Types].xml": b"<x/>"}), "office document", "CSV")


def csv_cases():
    plain = {
        "csv": csv(),
        "csv-header": csv(header="cat,dog,horse"),
        "csv-semicolons": csv(sep=";"),
        "csv-tabs": csv(sep="\t"),
        "csv-blanks": csv(sep=" "),
        "csv-aligned": "   5.0   4.0  2.0\n  4.0  2.0   8.0  \n4 \t 4 1\n",
        "csv-commas-and-blanks": csv(sep=", "),
        "csv-crlf": csv(end="\r\n"),
        "csv-cr": csv(end="\r"),
        "csv-mixed-line-ends": "5,4,2\r\n4,2,8\r4,4,1\n",
        "csv-no-last-newline": csv()[:-1],
        "csv-bom": "\ufeff" + csv(),
        "csv-bom-header": "\ufeff" + csv(header="cat,dog,horse"),
        "csv-blank-lines": "\n\n" + csv(end="\n\n \n"),
        "csv-comments": "# made by hand\n" + csv(end="\n # more\n"),
        "csv-quotes": '"5","4","2"\n"4.0","2","8"\n4,4,"1"\n',
        "csv-quoted-header": '"cat, small","dog","horse"\n' + csv(),
        "csv-exponents": "5e0,.4E1,+2.\n4,2,80e-1\n4,4,1\n",
        "csv-column-numbers": csv(header="a0,a1,a2"),
        "csv-utf8-header": csv(header="café,犬,лошадь"),
        "savetxt": "\n".join(" ".join(f"{x:.18e}" for x in row) for row in ROWS),
    }
    yield from (accepted(name, "x.csv", data) for name, data in plain.items())
    yield accepted("csv-gz", "x.csv.gz", gzip.compress(csv().encode()))
    yield accepted(
        "csv-gz-two-members", "x.gz", b"".join(gzip.compress(f"{line}\n".encode()) for line in csv().split())
    )
    yield accepted("csv-gz-padded", "x.gz", gzip.compress(csv().encode()) + bytes(600))
    yield accepted("tsv-gz", "x.tsv.gz", gzip.compress(csv(sep="\t").encode()))
    yield accepted("tsv-forced", "x.csv", csv(sep="\t"), words=("x.csv", "targets.txt", "--input-format", "tsv"))
    yield accepted("csv-stdin", "x.csv", csv(), words=("-", "targets.txt"), stdin="x.csv")
    yield accepted("csv-stdin-gz", "x.csv", gzip.compress(csv().encode()), words=("-", "targets.txt"), stdin="x.csv")
    index = "".join(f"{i},{line}\n" for i, line in enumerate(csv().split()))
    yield accepted("csv-pandas-index", "x.csv", ",cat,dog,horse\n" + index, "taken as an index")
    yield accepted("csv-pandas-index-of-numbers", "x.csv", ",0,1,2\n" + index, "taken as an index")
    yield accepted("csv-pandas-index-saved-twice", "x.csv", "Unnamed: 0,0,1,2\n" + index, "taken as an index")
    yield accepted(
        "csv-minus-infinity",
        "x.csv",
        "5,4,-inf\n-Infinity,2,8\n4,4,-INF\n",
        rows=((5.0, 4.0, -INF), (-INF, 2.0, 8.0), (4.0, 4.0, -INF)),
    )
    yield accepted(
        "csv-subnormal",
        "x.csv",
        "5e-324,-0,1e308\n",
        words=("x.csv", "t.txt"),
        t__txt="2",
        rows=((5e-324, -0.0, 1e308),),
        labels=(2,),
    )
    yield accepted(
        "csv-long-digits",
        "x.csv",
        "0." + "1" * 400 + ",1\n",
        words=("x.csv", "t.txt"),
        t__txt="1",
        rows=((0.1111111111111111111111, 1.0),),
        labels=(1,),
    )
    yield accepted(
        "csv-target-column",
        "x.csv",
        "cat,dog,horse,y\n5,4,2,0\n4,2,8,2\n4,4,1,1\n",
        words=("x.csv", "--target-column", "y"),
    )
    yield accepted(
        "csv-target-column-names",
        "x.csv",
        "cat,dog,horse,y\n5,4,2,cat\n4,2,8,horse\n4,4,1,dog\n",
        words=("x.csv", "--target-column", "y"),
    )
    yield accepted(
        "csv-pandas-numbers-and-target",
        "x.csv",
        "0,1,2,y\n5,4,2,0\n4,2,8,2\n4,4,1,1\n",
        words=("x.csv", "--target-column", "y"),
    )
    yield accepted(
        "csv-target-column-number", "x.csv", "0,5,4,2\n2,4,2,8\n1,4,4,1\n", words=("x.csv", "--target-column", "1")
    )
    yield accepted(
        "csv-target-column-floats",
        "x.csv",
        "5,4,2,0.0\n4,2,8,2.0\n4,4,1,1.0\n",
        "taken as class indices",
        words=("x.csv", "--target-column", "4"),
    )
    own = ("x.csv", "--target-column", "1")
    later = {
        "last-row": "0,5,4.5,2\n2,4,2,8\n1.0,4,4,1\n",
        "exponent": "0,5,4.5,2\n2e0,4,2,8\n1,4,4,1\n",
        "blanks": "0  5 4.5 2\n2 4\t2 8\n 1. 4 4 1\n",
        "quotes": '"0",5,"4.5",2\n"2",4,2,8\n"1.0",4,4,1\n',
    }
    halved = ((5.0, 4.5, 2.0), *ROWS[1:])
    yield from (
        accepted(f"csv-target-column-float-in-{name}", "x.csv", data, "column 1 are taken as", words=own, rows=halved)
        for name, data in later.items()
    )
    numbered = "0,1,2\n5.0,4,2\n4.0,2,8\n4.0,4,1\n"
    yield refused(
        "csv-column-numbers-unsaid",
        "x.csv",
        numbered,
        "names of the columns, or a row?",
        "--header yes",
        "--header no",
        code=2,
    )
    doubtful = {
        "half-missing": ("1_000,NA\n1,2\n", "line 1", "column 1 begins with '1_000'"),
        "letters-for-digits": ("5.O,4.O,2.O,zero\n5,4,2,one\n", "line 1", "column 1 begins with '5.O'"),
        "missing-beside-number": ("NA,0\n5,1.5\n", "line 1", "column 1 begins with 'NA'"),
        "empty-name": ("cat,,dog\n5,4,2\n", "line 1", "column 2 begins with ''"),
    }
    yield from (
        refused(f"csv-first-row-{name}", "x.csv", data, *says, "--header yes", "--header no", code=2)
        for name, (data, *says) in doubtful.items()
    )
    named = ("x.csv", "targets.txt", "--header", "yes")
    yield accepted("csv-first-row-of-odd-names", "x.csv", csv(header="1st,2nd,none"), words=named)
    yield accepted("csv-column-numbers-yes", "x.csv", numbered, words=("x.csv", "targets.txt", "--header", "yes"))
    yield accepted(
        "csv-column-numbers-no",
        "x.csv",
        numbered,
        words=("x.csv", "t.txt", "--header", "no"),
        rows=((0.0, 1.0, 2.0), *ROWS),
        labels=(0, *LABELS),
        t__txt="0\n0\n2\n1\n",
    )
    yield accepted(
        "csv-classes-as-rows",
        "x.csv",
        csv(tuple(zip(*ROWS, strict=True))),
        words=("x.csv", "targets.txt", "--class-axis", "0"),
    )
    bad = {
        "csv-ragged": ("5,4,2\n4,2\n4,4,1\n", "x.csv, line 2", "has 2 cells, the first row has 3"),
        "csv-ragged-after-comments": ("# a\n\n5,4,2\n# b\n4,2,8\n4,4,1,9\n", "x.csv, line 6", "has 4 cells"),
        "csv-ragged-header": ("cat,dog\n5,4,2\n", "x.csv, line 2", "has 3 cells, the first row has 2"),
        "csv-empty-cell": ("5,4,2\n4,,8\n4,4,1\n", "x.csv, line 2, column 2", "the cell is empty"),
        "csv-empty-cell-crlf": ("a,b,c\r\n5,4,2\r\n4,2,\r\n", "x.csv, line 3, column 3", "the cell is empty"),
        "csv-decimal-comma-header": ("cat,dog\n5,5,4,5\n4,5,2,5\n", "x.csv, line 2", "hint: decimal commas?"),
        "csv-utf16-no-mark": (csv().encode("utf-16-le"), "is UTF-16", "--encoding utf-16-le"),
        "csv-utf16-big": (csv().encode("utf-16-be"), "is UTF-16", "--encoding utf-16-be"),
        "csv-latin1": (csv(header="caf\xe9,b,c").encode("latin-1"), "not UTF-8", "--encoding windows-1252"),
        "csv-latin1-later": (csv().encode() * 3 + b"5,4,2\xa0\n", "x.csv, line 10", "not UTF-8"),
        "csv-nul": (b"5,4,2\n4,\0,8\n", "x.csv, line 2, column 2: has a NUL byte"),
        "csv-nul-first": (b"\0", "x.csv, line 1, column 1: has a NUL byte"),
        "csv-nul-tabs": (b"5,5\t4\n4\t\0,8\n", "x.csv, line 2, column 2: has a NUL byte"),
        "csv-nul-blanks": (b"5 4 2\n4  2 \0\n", "x.csv, line 2, column 3: has a NUL byte"),
        "csv-nul-further-down": (
            b"# a\n" + b"5,4,2\n" * 30_000 + b"4,2,\0\n",
            "x.csv, line 30002, column 3: has a NUL",
        ),
        "csv-unclosed-quote": ('5,4,2\n4,"2,8\n4,4,1\n', "x.csv, line 2, column 2: a quote"),
        "csv-unclosed-quote-after-others": ('"5,0","4"\n"5,0","4\n', "x.csv, line 2, column 2: a quote"),
        "csv-unclosed-quote-further-down": ("5,4,2\n" * 30_000 + '4,2,"\n', "x.csv, line 30001, column 3: a quote"),
        "csv-underscore": ("5,4,2\n4,1_000,8\n", "x.csv, line 2, column 2", "'1_000' is not a number"),
        "csv-underscores-first": ("1_000,2_000\n1,2\n", "x.csv, line 1, column 1", "'1_000'"),
        "csv-arabic-digits": ("5,4,2\n4,٣,8\n", "x.csv, line 2, column 2", r"'\u0663' is not a number"),
        "csv-arabic-digits-first": ("٣,٤\n1,2\n", "x.csv, line 1, column 1"),
        "csv-overflow": ("5,4,2\n4,1e400,8\n", "x.csv, line 2, column 2", "'1e400' is too large"),
        "csv-overflow-beside-infinity": ("5,4,-inf\n4,-1e400,8\n", "x.csv, line 2, column 2", "too large"),
        "csv-nan": ("5,4,2\n4,nan,8\n4,4,1\n", "x.csv, line 2, column 2: class 1 is NaN"),
        "csv-nan-beside-index": (",cat,dog\n\n0,5,nan\n", "x.csv, line 3, column 3: class 1 ('dog') is NaN"),
        "csv-plus-infinity": ("5,4,2\n4,2,inf\n4,4,1\n", "x.csv, line 2, column 3: class 2 is +inf"),
        "csv-no-finite": ("5,4,2\n-inf,-inf,-inf\n", "x.csv, line 2: every class is -inf"),
        "csv-hexadecimal": ("5,4,2\n4,0x10,8\n", "x.csv, line 2, column 2", "'0x10' is not a number"),
        "csv-blanks-ragged": ("5 4 2\n4 3\n4 7 1\n", "x.csv, line 2", "has 2 cells, the first row has 3"),
        "csv-blanks-word": ("5 4 2\n4 3 8\n4 two 1\n", "x.csv, line 3, column 2", "'two' is not a number"),
        "csv-word": ("5,4,2\n4,two,8\n", "x.csv, line 2, column 2", "'two' is not a number"),
        "csv-long-word": ("5,4,2\n4," + "x" * 5000 + ",8\n", "x.csv, line 2, column 2", "'" + "x" * 37 + "...'"),
        "csv-escape-codes": ("5,4,2\n4,\x1b[31mred,8\n", "x.csv, line 2, column 2", r"'\x1b[31mred'"),
        "csv-missing-values": ("NA,NA,NA\n5,4,2\n", "x.csv, line 1, column 1", "'NA' is not a number"),
        "csv-header-only": ("cat,dog,horse\n", "has a header and no rows"),
        "csv-comments-only": ("# nothing\n\n", "is empty"),
        "csv-mark-only": ("\ufeff", "is empty"),
        "csv-newlines-only": ("\n\r\n\r", "is empty"),
        "csv-prose": (
            "Dear reader,\nthis is a letter, not a table.\nYours\n",
            "x.csv, line 3: has 1 cell, the first row has 2",
        ),
        "csv-html": ("<html>\n<body>\n</body>\n", "x.csv: is a web page"),
    }
    alone = ("x.csv", "--loss", "argmax")  # without targets, whose number would be wrong too
    yield from (refused(name, "x.csv", data, *says, words=alone) for name, (data, *says) in bad.items())
    doubtful = {
        "csv-fortran-exponent": ("5,4,2\n4,1d5,8\n", "x.csv, line 2, column 2", "'1d5'", "try: sed"),
        "csv-trailing-comma": (
            "5,4,2,\n4,2,8,\n4,4,1,\n",
            "column number 4 is empty",
            "--drop 4",
        ),
        "csv-decimal-comma": ("5,5;4;2\n4;2;8\n4;4;1\n", "x.csv, line 1, column 1", "--decimal comma"),
        "csv-decimal-comma-everywhere": ("5,5;4,5;2,5\n4,5;2,5;8,5\n", "x.csv, line 1", "--decimal comma"),
        "csv-decimal-comma-tabs": ("5,5\t4,5\n4,5\t2,5\n", "--decimal comma"),
    }
    yield from (refused(name, "x.csv", data, *says, words=alone, code=2) for name, (data, *says) in doubtful.items())
    trailing = "5,4,2\n4,2,8,\n4,4,1\n"
    yield refused("csv-one-trailing-comma", "x.csv", trailing, "line 2, column 4: ends with a delimiter", words=alone)


def gzip_and_column_cases():
    alone = ("x.csv", "--loss", "argmax")
    yield refused(
        "csv-nan-classes-as-rows",
        "x.csv",
        "5,4,2\n\n4,4,nan\n",
        "x.csv, line 3, column 3: class 1 is NaN",
        words=(*alone, "--class-axis", "0"),
    )
    yield refused(
        "jsonl-nan-classes-as-rows",
        "x.jsonl",
        "[5,4]\n[4,NaN]\n",
        "x.jsonl, row 1: class 1 is NaN",
        words=("x.jsonl", "--loss", "argmax", "--class-axis", "0"),
    )
    yield refused(
        "csv-no-probability",
        "x.csv",
        "0.5,0.5\n0.5,1.5\n",
        "x.csv, line 2, column 2: class 1 is 1.5, not a probability",
        words=(*alone, "--from", "probs"),
    )
    yield refused(
        "csv-target-nan",
        "x.csv",
        "5,4,2,0\n4,2,8,nan\n",
        "x.csv, line 2, column 4: target 'nan' is missing",
        "--missing ignore",
        words=("x.csv", "--target-column", "4"),
    )
    yield refused("csv-long-line", "x.csv", b"7" * 70_000_000, "longer than")
    yield refused("csv-huge-cell", "x.csv", b"5," + b"7" * 200_000 + b"\n5,4\n", "line 1")
    whole = gzip.compress(csv().encode())
    yield refused("gz-short", "x.csv.gz", whole[:-9], "is cut short")
    yield refused("gz-flipped", "x.csv.gz", flipped(whole, len(whole) - 6), "damaged gzip")
    yield refused("gz-trailing", "x.csv.gz", whole + b"hello", "after the gzip data")
    yield refused("gz-header-only", "x.csv.gz", whole[:10], "is cut short")
    yield refused("gz-of-nothing", "x.csv.gz", gzip.compress(b""), "is empty")
    yield refused(
        "csv-no-such-column",
        "x.csv",
        csv(header="a,b,c"),
        "no column 'y'",
        "columns: a, b, c",
        words=("x.csv", "--target-column", "y"),
        code=2,
    )
    yield refused(
        "csv-two-columns-of-a-name",
        "x.csv",
        csv(header="a,y,y"),
        "2 columns 'y'",
        words=("x.csv", "--target-column", "y"),
        code=2,
    )
    yield refused(
        "csv-target-fraction",
        "x.csv",
        "5,4,2,0\n4,2,8,1.5\n",
        "x.csv, line 2, column 4: target '1.5' is not a class index",
        words=("x.csv", "--target-column", "4"),
    )


def binary_cases():
    """The one column is that of class 1."""
    bad = {
        "nan": ("nan", "logits", "is NaN"),
        "plus-infinity": ("inf", "logits", "is +inf"),
        "no-probability": ("1.5", "probs", "is 1.5, not a probability"),
        "no-log-probability": ("0.5", "log-probs", "is 0.5, not a log-probability"),
    }
    for name, (cell, source, says) in bad.items():
        words = ("x.csv", "t.txt", "--binary", "--classes", "cat,dog", "--from", source)
        place = "x.csv, line 2, column 1: class 1 ('dog') "
        yield refused(f"binary-{name}", "x.csv", f"0\n{cell}\n", place + says, words=words, t__txt="0\n1\n")
    yield refused(
        "binary-soft-target",
        "x.npy",
        npy(np.zeros(2)),
        "y.npy, row 1: target 1.5 is not a probability",
        words=("x.npy", "y.npy", "--binary", "--classes", "cat,dog"),
        y__npy=npy(np.array([0.5, 1.5])),
    )


def other_cases():
    values, labels = array("<f4"), np.array(LABELS, "<i8")
    header = {"logits": tensor(values, "F32"), "targets": tensor(labels, "I64", values.nbytes)}
    both = safetensors(header, values.tobytes() + labels.tobytes())
    words = ("x.safetensors:logits", "x.safetensors:targets")

    def one(code, dtype):
        given = array(dtype)
        return safetensors({"__metadata__": {"format": "pt"}, "a": tensor(given, code)}, given.tobytes())

    yield accepted("safetensors-two", "x.safetensors", both, words=words)
    yield from (
        accepted(f"safetensors-{code}", "x.safetensors", one(code, dtype))
        for code, dtype in (("F16", "<f2"), ("F32", "<f4"), ("F64", "<f8"), ("I8", "i1"), ("U8", "u1"), ("I32", "<i4"))
    )
    half = bfloat16()
    yield accepted("safetensors-BF16", "x.safetensors", safetensors({"a": tensor(half, "BF16")}, half.tobytes()))
    yield accepted(
        "safetensors-stdin", "x.safetensors", one("F32", "<f4"), words=("-", "targets.txt"), stdin="x.safetensors"
    )
    data = values.tobytes()
    yield refused("safetensors-unnamed", "x.safetensors", both, "holds 2 arrays", code=2)
    yield refused(
        "safetensors-no-such", "x.safetensors", both, "no array 'y'", words=("x.safetensors:y", "targets.txt"), code=2
    )
    wrong = {
        "bool": ({"a": tensor(values > 0, "BOOL")}, (values > 0).tobytes(), "holds booleans (bool), not numbers"),
        "float8": ({"a": {**tensor(values, "F32"), "dtype": "F8_E4M3"}}, data, "'F8_E4M3'"),
        "short": ({"a": tensor(values, "F32")}, data[:-4], "bytes"),
        "long": ({"a": tensor(values, "F32")}, data + b"\0", "bytes"),
        "wrong-size": ({"a": {**tensor(values, "F32"), "shape": [3, 4]}}, data, "(3, 4) of F32 needs 48 bytes"),
        "overlap": ({"a": tensor(values, "F32"), "b": tensor(values, "F32")}, data, "overlap or leave gaps"),
        "gap": ({"a": tensor(values, "F32", 8)}, bytes(8) + data, "overlap or leave gaps"),
        "negative-shape": ({"a": {**tensor(values, "F32"), "shape": [-3, -3]}}, data, "impossible shape"),
        "no-offsets": ({"a": {"dtype": "F32", "shape": [3, 3]}}, data, "does not say where it is"),
        "list": (b"[1]" + b" " * 20, data, "not a JSON object"),
        "broken-json": (b'{"a":' + b" " * 20, data, "header is damaged"),
        "twice": (b'{"a":1,"a":2}      ', data, "occurs twice"),
        "deep": (b'{"a":' + b"[" * 100_000, b"", "header is damaged"),
        "empty": ({}, b"", "holds no arrays"),
    }
    forced = ("x.safetensors", "targets.txt", "--input-format", "safetensors")
    yield from (
        refused(f"safetensors-{name}", "x.safetensors", safetensors(given, rest), says, words=forced)
        for name, (given, rest, says) in wrong.items()
    )
    yield refused("safetensors-huge-header", "x.safetensors", safetensors(b"{}", length=2**38), "claims")

    yield accepted("jsonl-objects", "x.jsonl", jsonl(labels=LABELS), words=("x.jsonl",))
    yield accepted("jsonl-lists", "x.jsonl", jsonl())
    yield accepted(
        "jsonl-names", "x.jsonl", jsonl(labels=("cat", "horse", "dog")), words=("x.jsonl", "--classes", "cat,dog,horse")
    )
    yield accepted("jsonl-whole-floats", "x.jsonl", jsonl(labels=(0.0, 2.0, 1.0)), words=("x.jsonl",))
    yield accepted("jsonl-called-txt", "x.txt", "\ufeff" + jsonl())
    yield accepted(
        "jsonl-whole-float-later", "x.jsonl", jsonl(labels=(0, 2.0, 1)), "taken as class indices", words=("x.jsonl",)
    )
    yield accepted("jsonl-gz", "x.jsonl.gz", gzip.compress(jsonl().encode()))
    yield accepted("jsonl-stdin", "x.jsonl", jsonl(), words=("-", "targets.txt"), stdin="x.jsonl")
    yield accepted("jsonl-crlf-and-blank-lines", "x.jsonl", "\r\n" + jsonl().replace("\n", "\r\n\r\n"))
    yield accepted(
        "jsonl-other-keys", "x.jsonl", "".join(json.dumps({"id": '#"', "logits": list(r)}) + "\n" for r in ROWS)
    )
    yield accepted(
        "jsonl-minus-infinity", "x.jsonl", "[5,4.0,-Infinity]\n[4,2,8]\n[4,4,1]\n", rows=((5.0, 4.0, -INF), *ROWS[1:])
    )
    yield accepted(
        "jsonl-targets-of-their-own",
        "x.jsonl",
        jsonl(),
        words=("x.jsonl", "y.jsonl"),
        y__jsonl="".join(json.dumps({"target": t}) + "\n" for t in LABELS),
    )
    lines = {
        "jsonl-ragged": ("[1,2]\n[1]\n", "x.jsonl, line 2", "has 1 logits, the first line has 2"),
        "jsonl-string": ('[1,2]\n["x",2]\n', "x.jsonl, line 2, value 1", "is not a number"),
        "jsonl-null": ("[1,2]\n[1,null]\n", "x.jsonl, line 2, value 2", "is not a number"),
        "jsonl-boolean": ("[1,2]\n[1,true]\n", "x.jsonl, line 2, value 2", "is not a number"),
        "jsonl-nan": ("[1,2]\n[1,NaN]\n[1,2]\n", "x.jsonl, line 2"),
        "jsonl-overflow": ("[1,2]\n[1,1e400]\n", "x.jsonl, line 2", "'1e400' is too large"),
        "jsonl-overflow-beside-infinity": ("[1,2]\n[-1e999,-Infinity]\n", "x.jsonl, line 2", "'-1e999' is too large"),
        "jsonl-huge-integer": ("[1,2]\n[1,1" + "0" * 400 + "]\n", "x.jsonl, line 2", "too large"),
        "jsonl-longest-integer": ("[1,2]\n[1,1" + "0" * 5000 + "]\n", "x.jsonl, line 2"),
        "jsonl-nul": (b'{"logits":[1,2]}\n{"logits":[1,\0]}\n', "x.jsonl, line 2", "is not valid JSON", "column 14"),
        "jsonl-broken": ("[1,2]\n[1,\n", "x.jsonl, line 2", "is not valid JSON"),
        "jsonl-cut-off": ("[\n[1,2],\n[1,2\n", "x.jsonl: ends in the middle of item 1"),
        "jsonl-goes-on": ("[\n[1,2]\n]\n[\n[1,2]\n]\n", "x.jsonl: goes on behind the end of its list"),
        "jsonl-array-ragged": ("[[1,2],[3]]\n", "x.jsonl, item 1", "has 1 logits, the first item has 2"),
        "jsonl-array-broken": ("[[1,2],[3 4]]\n", "x.jsonl, item 1", "is not valid JSON"),
        "jsonl-batches": ("[[1,2],[3,4]]\n[[1,2]]\n", "x.jsonl, line 1: is a list of lists", "python -c"),
        "jsonl-deep": ("[" * 100_000 + "\n", "x.jsonl, line 1"),
        "jsonl-twice": ('{"logits":[1,2],"logits":[2,1]}\n', "x.jsonl, line 1", "occurs twice"),
        "jsonl-no-logits": ('{"scores":"a"}\n', "x.jsonl, line 1", '"logits"'),
        "jsonl-empty-list": ("[]\n", "x.jsonl, line 1", "no logits"),
        "jsonl-not-utf8": (b'[1,2]\n["\xff",2]\n', "x.jsonl, line 2", "not UTF-8"),
    }
    alone = ("x.jsonl", "--loss", "argmax")
    yield from (refused(name, "x.jsonl", data, *says, words=alone) for name, (data, *says) in lines.items())
    own = ("x.jsonl",)
    yield refused(
        "jsonl-target-missing",
        "x.jsonl",
        '{"logits":[1,2],"target":0}\n{"logits":[1,2]}\n',
        "line 2",
        "no target",
        words=own,
    )
    yield refused(
        "jsonl-target-surplus",
        "x.jsonl",
        '[1,2]\n{"logits":[1,2],"target":0}\n[1,2]\n',
        "line 2",
        "unlike the first line",
    )
    yield refused(
        "jsonl-target-fraction", "x.jsonl", '{"logits":[1,2],"target":0.5}\n', "line 1", "not a class index", words=own
    )
    yield refused(
        "jsonl-target-list", "x.jsonl", '{"logits":[1,2],"target":[1,0]}\n', "line 1", "not a class index", words=own
    )

    forced = ("x.jsonl", "targets.txt", "--input-format", "jsonl")
    yield refused("jsonl-empty", "x.jsonl", "\n", "x.jsonl: is empty", words=forced)


def json_cases():
    """JSON in other forms than lines of lists."""
    yield accepted("json-array", "x.json", json.dumps(ROWS))
    yield accepted("json-array-pretty", "x.json", json.dumps(ROWS, indent=2))
    yield accepted(
        "json-array-gz-stdin", "x", gzip.compress(json.dumps(ROWS).encode()), words=("-", "targets.txt"), stdin="x"
    )
    names = ("cat", "dog", "horse")
    records = [dict(zip(names, row, strict=True)) | {"label": y} for row, y in zip(ROWS, LABELS, strict=True)]
    own = ("x.json", "--target-column", "label")
    yield accepted("json-records", "x.json", json.dumps(records), words=own)
    yield accepted(
        "json-records-concatenated", "x.json", "\n".join(json.dumps(r, indent=1) for r in records), words=own
    )
    yield accepted(
        "json-columns",
        "x.json",
        json.dumps({k: {str(i): r[k] for i, r in enumerate(records)} for k in records[0]}),
        words=own,
    )
    yield accepted(
        "json-wrapped",
        "x.json",
        json.dumps({"model": "m", "outputs": {"logits": ROWS}, "labels": LABELS}),
        words=("x.json",),
    )
    yield accepted("json-member", "x.json", json.dumps({"a": ROWS, "b": ROWS}), words=("x.json:a", "targets.txt"))
    pairs = [[{"label": k, "score": v} for k, v in reversed(list(zip(names, row, strict=True)))] for row in ROWS]
    yield accepted("json-pairs", "x.json", json.dumps(pairs), words=("x.json", "y.txt"), y__txt="cat\nhorse\ndog\n")
    yield refused(
        "json-pairs-and-numbers", "x.json", json.dumps(pairs), "which number is which class?", "try: nll", code=2
    )
    yield refused("json-top-one", "x.json", json.dumps([row[0] for row in pairs]), "the score of the best class alone")
    yield refused("json-two-arrays", "x.json", json.dumps({"a": ROWS, "b": ROWS}), "x.json:a", "x.json:b", code=2)
    yield accepted(
        "json-null-ignored",
        "x.jsonl",
        jsonl(labels=(0, None, 1)),
        "without a target left out",
        words=("x.jsonl", "--missing", "ignore"),
        labels=(0, -1, 1),
    )
    yield refused(
        "json-null", "x.jsonl", jsonl(labels=(0, None, 1)), "line 2", "missing", "--missing ignore", words=("x.jsonl",)
    )
    fasttext = "".join(
        " ".join(f"__label__{k} {v!r}" for k, v in reversed(list(zip(names, row, strict=True)))) + "\n" for row in ROWS
    )
    yield accepted(
        "fasttext",
        "x.txt",
        fasttext,
        words=("x.txt", "y.txt"),
        y__txt="__label__cat a b\n__label__horse c\n__label__dog d\n",
    )


def bfloat16_cases():
    """Typed, as safetensors have it, and untyped, as NumPy leaves it, in every role but that of logits."""
    roles = {
        "soft-targets": ((), np.eye(3)[list(LABELS)], LABELS),
        "weights": (("targets.txt", "--weights"), (0.5, 0, 0.5), (0, 2, -100)),
        "counts": (("targets.txt", "--counts"), (20, 20, 20), LABELS),
        "sample-weights": (("targets.txt", "--sample-weights"), (0.5, 0, 0.5), (0, -100, 1)),
    }
    for role, (before, values, labels) in roles.items():
        half = bfloat16(values)
        files = {"b__safetensors": safetensors({"b": tensor(half, "BF16")}, half.tobytes()), "b__npy": npy(half)}
        typed, untyped = (("x.npy", *before, file) for file in ("b.safetensors:b", "b.npy"))
        yield accepted(f"bfloat16-{role}", "x.npy", npy(array()), words=typed, labels=labels, **files)
        says = ("b.npy: holds |V2, two bytes without a type", "hint: bfloat16? save it as float32")
        yield refused(f"bfloat16-{role}-untyped", "x.npy", npy(array()), *says, words=untyped, **files)
    half = bfloat16(LABELS)
    yield refused(
        "bfloat16-targets",
        "x.npy",
        npy(array()),
        "holds bfloat16, which is too coarse for class indices",
        words=("x.npy", "b.safetensors"),
        b__safetensors=safetensors({"b": tensor(half, "BF16")}, half.tobytes()),
    )


def refused_format_cases():
    untold = pickle.dumps((1.0, 2.0), 0)  # as text has it too
    yield refused(
        "torch-zip",
        "x.pt",
        archive({"x/data.pkl": dumped(2), "x/data/0": array().tobytes()}),
        "PyTorch",
        "python -c",
        "weights_only=True",
    )
    yield from (
        refused(f"torch-or-pickle-called{ending}", f"x{ending}", untold, *says)
        for ending, *says in (
            (".pt", "PyTorch file", "torch.load"),
            (".pth", "PyTorch file", "torch.load"),
            (".pkl", "is a pickle", "does not hold"),
            (".PICKLE", "is a pickle", "does not hold"),
        )
    )
    yield from (
        refused(
            f"pickle-{p}-gz",
            "x.pkl.gz",
            gzip.compress(dumped(p)),
            "pickle.load(gzip.open(",
            "numpy.save('x.logits.npy'",
            "only if you trust the file",
            words=("x.pkl.gz", "targets.txt"),
        )
        for p in (0, 1, 4)
    )
    kinds = {
        "list": [[1.0, 2.0]],
        "dict": {"logits": [1.0]},
        "array": np.array(ROWS),
        "class": collections.OrderedDict(a=1),
    }
    yield from (
        refused(
            f"pickle-{p}-{name}-called{ending}", f"x{ending}", pickle.dumps(value, p), "is a pickle, which can run code"
        )
        for p in (0, 1, 2)
        for name, value in kinds.items()
        for ending in ("", ".csv")
    )
    yield refused("pickle-0-called.npy", "x.npy", dumped(0), "is a pickle")
    yield refused("torch-old", "x.pth", pickle.dumps(0x1950A86A20F9469CFC6C, 2) + dumped(2), "PyTorch")
    yield from (refused(f"pickle-{p}", "x.pkl", dumped(p), "is a pickle", "run code") for p in (2, 3, 4, 5))
    magics = {
        "xz": (b"\xfd7zXZ\0", "damaged xz"),
        "bzip2": (b"BZh91AY&SY", "damaged bzip2"),
        "zstd": (b"\x28\xb5\x2f\xfd", "Zstandard"),
        "hdf5": (b"\x89HDF\r\n\x1a\n", "h5py"),
        "excel": (b"\xd0\xcf\x11\xe0", ".csv"),
        "pdf": (b"%PDF-1.7\n", "PDF"),
        "png": (b"\x89PNG\r\n", "picture"),
        "elf": (b"\x7fELF", "program"),
        "binary": (bytes(range(1, 256)) * 4, "x.bin"),
        "zeros": (bytes(4096), "x.bin"),
    }
    yield from (
        refused(f"not-logits-{name}", "x.bin", magic + b"\x01\x02" * 50, says) for name, (magic, says) in magics.items()
    )
    yield refused("gz-of-a-pickle", "x.pkl.gz", gzip.compress(dumped(4)), "is a pickle")


def columnar_cases():
    if importlib.util.find_spec("pyarrow") is None:
        return
    for kind in ("parquet", "feather", "arrow"):
        yield from _columnar_cases(kind, f"x.{kind}")


def _columnar_cases(kind, file):
    columns = dict(zip(("cat", "dog", "horse"), zip(*ROWS, strict=True), strict=True))
    own = (file, "--target-column", "y")
    names = np.array(["cat", "horse", "dog"], object)
    categories = _categories(names)
    whole = columnar(kind, columns)
    yield accepted(kind, file, whole)
    yield accepted(f"{kind}-without-extension", "x", whole)
    yield accepted(f"{kind}-gz", f"{file}.gz", gzip.compress(whole))
    yield accepted(f"{kind}-stdin", file, whole, words=("-", "targets.txt"), stdin=file)
    yield accepted(f"{kind}-lists", file, columnar(kind, {"logits": list(map(list, ROWS))}))
    yield accepted(f"{kind}-target-column", file, columnar(kind, {**columns, "y": LABELS}), words=own)
    yield accepted(f"{kind}-target-names", file, columnar(kind, {**columns, "y": names}), words=own)
    yield accepted(f"{kind}-target-categories", file, columnar(kind, {**columns, "y": categories}), words=own)
    lists = list(map(list, ROWS))
    beside = {"text": names, "ids": [[7, 8, 9]] * 3, "logits": lists, "y": LABELS}
    yield accepted(f"{kind}-lists-beside-others", file, columnar(kind, beside), words=own)
    yield accepted(f"{kind}-lists-by-name", file, columnar(kind, beside), words=(f"{file}:logits", f"{file}:y"))
    digits = list(map(str, LABELS))
    yield accepted(f"{kind}-target-digits", file, columnar(kind, {**columns, "y": digits}), words=own)
    gone = columnar(kind, {**columns, "y": [0, None, 1]})
    yield accepted(
        f"{kind}-target-missing",
        file,
        gone,
        "1 sample without a target or without logits left out",
        words=(*own, "--missing", "ignore"),
        labels=(0, -1, 1),
    )
    moments = [datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)] * 3
    amounts = [decimal.Decimal(label) for label in LABELS]
    exact = {name: [decimal.Decimal(x) for x in column] for name, column in columns.items()}
    yield accepted(f"{kind}-decimals", file, columnar(kind, {**exact, "y": amounts}), words=own)
    unordered = columnar(kind, {"logits": lists, "y": names})
    yield refused(f"{kind}-names-without-an-order", file, unordered, "--classes cat,dog,horse", words=own)
    two = columnar(kind, {"logits": lists, "probs": lists, "y": LABELS})
    yield refused(f"{kind}-two-lists", file, two, "lists: 'logits', 'probs'", "--columns probs", words=own, code=2)
    odd = {
        "null": ({**columns, "dog": [4.0, None, 4.0]}, "row 1, column dog: the cell is empty"),
        "nan": ({**columns, "dog": [4.0, 2.0, np.nan]}, "row 2: class 1 ('dog') is NaN"),
        "struct": ({"x": [{"a": 1.0}] * 3}, "column 'x' holds struct", "nll compute -q x.columns.parquet"),
        "lists-of-unequal-length": ({"x": [[5.0, 4.0], [4.0], [4.0, 1.0, 0.0]]}, "row 1: its list has 1 value,"),
        "list-missing": ({"x": [[5.0, 4.0], None]}, "row 1, column x: the cell is empty"),
        "null-in-a-list": ({"x": [[5.0, 4.0], [4.0, None]]}, "row 1, in its list: the cell is empty"),
        "nested-lists": ({"x": [[[5.0], [4.0, 2.0]], [[4.0]]]}, "column 'x' holds list", "x.rows.parquet"),
    }
    yield from (
        refused(f"{kind}-{name}", file, columnar(kind, given), f"{file}", *says, words=(file, "--loss", "argmax"))
        for name, (given, *says) in odd.items()
    )
    extra = {
        "nulls-alone": ({**columns, "dog": [None] * 3}, "column 'dog' is empty", "--drop dog"),
        "timestamp": ({**columns, "when": moments}, "column 'when' holds no numbers", "--drop when"),
        "text": ({**columns, "y": names}, "column 'y' holds no numbers", "--target-column y", "--drop y"),
    }
    yield from (
        refused(f"{kind}-{name}", file, columnar(kind, given), *says, words=(file, "--loss", "argmax"), code=2)
        for name, (given, *says) in extra.items()
    )
    bad = {
        "null": ([0, None, 1], "row 1, column y: the cell is empty", "--missing ignore"),
        "fraction": ([0, 1.5, 1], "row 1: target 1.5 is not a class index"),
        "too-large": ([0, 3, 1], "row 1: target 3 is outside 0..2"),
        "timestamp": (moments, "column 'y' holds timestamp", "neither class indices nor names"),
        "boolean": ([True, False, True], "column y holds booleans, for 3 classes"),
        "category-unknown": (_categories(np.array(["cat", "cow", "dog"], object)), "row 1: target 'cow' is none of"),
        "category-missing": (_categories(np.array(["cat", None, "dog"], object)), "row 1, column y: the cell is empty"),
    }
    yield from (
        refused(f"{kind}-target-{name}", file, columnar(kind, {**columns, "y": given}), file, *says, words=own)
        for name, (given, *says) in bad.items()
    )
    for name, data in (("short", whole[:-20]), ("head-only", whole[:20]), ("flipped", flipped(whole, len(whole) - 8))):
        yield refused(f"{kind}-{name}", file, data, file)


def _categories(values):
    import pyarrow

    return pyarrow.array(values).dictionary_encode()


def target_cases():
    def given(name, data, *says, code=0, file="y.npy", labels=LABELS, words=()):
        maker = refused if code else accepted
        more = {"code": code} if code else {"labels": labels}
        return maker(
            name, "x.npy", npy(array()), *says, words=("x.npy", file, *words), **{file.replace(".", "__"): data}, **more
        )

    yield from (
        given(f"targets-{dtype}", npy(np.array(LABELS, dtype)))
        for dtype in ("i1", "u1", "<i2", ">i2", "<i4", "<u4", ">i8", "<u8")
    )
    yield from (
        given(f"targets-{dtype}", npy(np.array(LABELS, dtype)), "taken as class indices")
        for dtype in ("<f2", ">f4", "<f8")
    )
    yield given("targets-column", npy(np.array(LABELS).reshape(3, 1)), "taken as (3,)")
    yield given("targets-ignored", npy(np.array((0, 2, -100))), labels=(0, 2, -100))
    soft = np.eye(3)[list(LABELS)]
    yield given("targets-soft", npy(soft))
    yield given("targets-one-hot", npy(soft.astype(int)), "each row has a single 1")
    yield given("targets-one-hot-u1", npy(soft.astype("u1")))
    yield given("targets-one-hot-text", csv(soft.astype(int).tolist()), file="y.csv")
    yield given("targets-one-hot-booleans", csv((soft == 1).tolist()), file="y.csv")
    yield given("targets-two-columns", "0,1\n2,1\n", "which of them has the targets?", code=2, file="y.csv")
    yield given("targets-soft-fortran", npy(np.asfortranarray(soft)))
    yield given("targets-soft-text", csv(soft.tolist()), file="y.csv")
    yield given("targets-soft-jsonl", jsonl(soft.tolist()), file="y.jsonl")
    yield given(
        "targets-soft-nan",
        "cat,dog,horse\n1.0,0.0,0.0\n0.0,nan,1.0\n0.0,1.0,0.0\n",
        "y.csv, line 3, column 2: target nan is not a probability, in class 1",
        code=3,
        file="y.csv",
    )
    text = {
        "integers": "0\n2\n1\n",
        "header": "label\n0\n2\n1\n",
        "floats": "0.0\n2.0\n1.0\n",
        "exponents": "0e0\n2e0\n1e0\n",
        "crlf": "0\r\n2\r\n1\r\n",
        "bom": "\ufeff0\n2\n1",
        "comments": "# y\n0\n\n2\n1\n",
        "series": ",0\n0,0\n1,2\n2,1\n",
        "gz": gzip.compress(b"0\n2\n1\n"),
    }
    yield from (given(f"targets-text-{name}", data, file="y.txt") for name, data in text.items())
    yield given(
        "targets-first-row-damaged", "0.O\n2\n1\n", "begins with '0.O'", "fix the first line", code=2, file="y.txt"
    )
    odd = ("--classes", "3d,2d,4d")
    yield given("targets-odd-names", "3d\n4d\n2d\n", file="y.txt", words=odd)
    yield given("targets-names-like-a-pickle", "cat\np0\ndog\n", file="y.txt", words=("--classes", "cat,dog,p0"))
    yield given("targets-names", "cat\nhorse\ndog\n", file="y.txt", words=("--classes", "cat,dog,horse"))
    yield given("targets-names-header", "label\ncat\nhorse\ndog\n", file="y.txt", words=("--classes", "cat,dog,horse"))
    yield given("targets-text-float-later", "0\n2\n1.0\n", "taken as class indices", file="y.txt")
    ignored = ("--ignore-index", str(2**53 + 1))
    yield given("targets-ignored-beyond-2-53", f"0\n2\n{2**53 + 1}\n", file="y.txt", labels=(0, 2, -1), words=ignored)
    bad = {
        "fraction": (npy(np.array((0, 1.5, 1))), "row 1", "1.5 is not a class index"),
        "nan": (npy(np.array((0, np.nan, 1))), "row 1", "nan is not a class index"),
        "beyond-2-53": (npy(np.array((0, 2.0**53, 1))), "row 1", "not a class index"),
        "wrapping": (npy(np.array((0, 2**64 - 1, 1), "u8")), "row 1", "18446744073709551615 is not a class index"),
        "too-large": (npy(np.array((0, 3, 1))), "row 1", "target 3 is outside 0..2"),
        "negative": (npy(np.array((0, -1, 1))), "row 1", "target -1"),
        "too-many": (npy(np.zeros(4, int)), "shape (4,)", "(3,)"),
        "two-hot": (npy(np.array(((1, 0, 0), (1, 0, 1), (0, 1, 0)))), "row 1", "1, 0, 1 is not one-hot"),
        "bool": (npy(np.array((True, False, True))), "booleans"),
        "strings": (npy(np.array(("a", "b", "c"))), "is a name, and the classes have none"),
        "empty": (npy(np.zeros(0, int)), "shape (0,)"),
    }
    yield from (given(f"targets-{name}", data, *says, code=3) for name, (data, *says) in bad.items())
    written = {
        "fraction": ("0\n1.5\n1\n", "y.txt, line 2", "1.5"),
        "nul": ("0\n2\n\0\n", "y.txt, line 3, column 1: has a NUL byte"),
        "nan": ("0\nnan\n1\n", "y.txt, line 2"),
        "empty": ("", "is empty"),
        "beyond-2-53": ("0\n9007199254740993.0\n1\n", "y.txt, line 2", "not a class index"),
        "wrapping": ("0\n18446744073709551616\n1\n", "y.txt, line 2"),
        "endless": ("0\n1" + "0" * 5000 + "\n1\n", "y.txt, line 2"),
        "underscore": ("0\n1_0\n1\n", "y.txt, line 2", "'1_0'"),
        "arabic": ("0\n٢\n1\n", "y.txt, line 2"),
        "short": ("0\n2\n", "(2,)"),
        "names-unknown": ("cat\ndog\n", "y.txt, line 1", "--classes"),
        "two-hot": ("1,0,0\n0,0,1\n1,1,0\n", "integers in the shape of the logits"),
        "shorter-than-shape": ("0\n", "(1,)"),
        "list-of-strings": ('["a"]\n', "y.txt, item 0: target 'a' is a name"),
        "jsonl-without-target": ('{"z":1.5}\n', "y.txt, line 1", "nor a list of probabilities"),
    }
    yield from (
        given(f"targets-text-{name}", data, *says, code=3, file="y.txt") for name, (data, *says) in written.items()
    )
    yield given(
        "targets-names-wrong",
        "cat\ncow\ndog\n",
        "y.txt, line 2",
        "'cow' is none of the classes",
        "cat, dog, horse",
        code=3,
        file="y.txt",
        words=("--classes", "cat,dog,horse"),
    )
    yield given(
        "targets-names-twice",
        "cat\ndog\ndog\n",
        "line 2",
        "several classes",
        code=3,
        file="y.txt",
        words=("--classes", "cat,dog,dog"),
    )
    yield refused("targets-of-turned-logits", "x.npy", npy(np.zeros((5, 3))), "has shape (3,)", "--class-axis 0")
    yield refused(
        "targets-of-turned-csv",
        "x.csv",
        csv(((1.0, 2.0, 3.0),) * 5),
        "has 3 values",
        "the logits are transposed",
        "--class-axis 0",
    )
    yield given("targets-one-hot-jsonl", "[1,0,0]\n[0,0,1]\n[0,1,0]\n", "a single 1", file="y.jsonl")
    yield given("targets-jsonl-bare", "0\n2\n1\n", file="y.jsonl")
    weights = ("--sample-weights", "w.txt")
    for name, data, *says in (
        ("too-few", "1\n2\n", "shape (2,)", "needs sample weights of shape (3,)"),
        ("too-many", "1\n" * 10, "shape (10,)", "needs sample weights of shape (3,)"),
        ("columns", "1,2\n1,2\n1,2\n", "2 columns; sample weights have one"),
        ("word", "1\nx\n1\n", "w.txt, line 2"),
        ("jsonl", "[1]\n[2]\n", "needs sample weights of shape (3,)"),
    ):
        yield refused(
            f"sample-weights-{name}",
            "x.npy",
            npy(array()),
            *says,
            words=("x.npy", "targets.txt", *weights),
            w__txt=data,
            code=2 if name == "columns" else 3,
        )
    yield refused("targets-missing", "x.npy", npy(array()), "there are no targets", words=("x.npy",), code=2)
    yield refused("two-stdins", "x.npy", npy(array()), "standard input", words=("-", "-"), code=2)
    yield accepted(
        "targets-stdin", "x.npy", npy(array()), words=("x.npy", "-"), stdin="y.npy", y__npy=npy(np.array(LABELS))
    )
    yield refused("no-such-file", "y.npy", b"", "cannot be opened", words=("x.npy", "targets.txt"), code=4)
    yield refused("a-folder", "y.npy", b"", "is a folder", words=(".", "targets.txt"), code=2)
    yield accepted("odd-file-name", "a [b] é \n.csv", csv())
    yield accepted("option-like-file-name", "-x.csv", csv(), words=("--", "-x.csv", "targets.txt"))


def cases():
    """Every case; each has a file of targets at hand."""
    makers = (
        npy_cases,
        npz_cases,
        csv_cases,
        gzip_and_column_cases,
        binary_cases,
        other_cases,
        json_cases,
        bfloat16_cases,
        refused_format_cases,
        columnar_cases,
        target_cases,
    )
    found = [case for maker in makers for case in maker()]
    for case in found:
        case.files.setdefault("targets.txt", "".join(f"{label}\n" for label in LABELS).encode())
    return found


def write(case, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in case.files.items():
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    for case in cases():
        write(case, Path(sys.argv[1]) / case.name)
        print(case.name, "nll", *case.argv, f"-> exit code {case.code}", *case.says, sep="  ")
