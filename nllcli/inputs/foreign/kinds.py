"""The table of files that other programs write: how each is told, and how Python opens it."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

# The magic number of PyTorch's files before they were ZIP archives, as pickle writes it.
OLD_PYTORCH = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"
# How a pickle begins: with its protocol from 2 on; before, with a list, a dict or a tuple, or with a class, each put
# aside under a number. Other values of protocol 0 cannot be distinguished from text.
_PICKLE = rb"\x80[\2-\5]|\([dl]p\d+\n|[]}]q\0|c[\w.]+\n\w+\n(p\d+\n\(|q.[()])"
_BLANKS = (b" ", b"\t", b"\n", b"\r", b"\f", b"\v")
_PICKLES = (b"\x80", b"(d", b"(l", b"]q\0", b"}q\0", b"c")


class Kind(NamedTuple):
    """A kind of file that is read by a library of its own.

    ``begins`` is how it begins, and ``magic`` the pattern of it where more than that tells it from others; or its
    ``extensions`` tell. ``load`` is the Python that opens it, ``{file}`` its name or what is open, ``{stream}`` what is
    open: it makes ``d`` of what a pickle holds, or of arrays by their names, and a data frame of a table. ``hint`` is
    what to do where it cannot be converted so.
    """

    name: str
    holds: Literal["objects", "arrays", "table", "picture", "raw", "archive", "nothing"]
    begins: tuple[bytes, ...] = ()
    magic: bytes = b""
    extensions: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    load: str = ""
    runs_code: bool = False
    hint: str | None = None


_HDF5 = (
    "d = {{}}; h5py.File({file}).visititems("
    "lambda k, v: d.update({{k: v[()]{turned}}}) if isinstance(v, h5py.Dataset) else None)"
)
_ZARR = (
    "g = zarr.open({file}, mode='r'); w = lambda g, p='': [(p + k, v[:]) for k, v in g.arrays()] + "
    "[e for k, h in g.groups() for e in w(h, p + k + '/')]; d = {{'': g[:]}} if hasattr(g, 'shape') else dict(w(g))"
)
_SQLITE = (
    "c = sqlite3.connect({path}); "
    "[t] = [r[0] for r in c.execute('select name from sqlite_master where type = ? and name not like ?', "
    "('table', 'sqlite_%'))]; "
    "d = pandas.read_sql(f'select * from [{{t}}]', c)"
)

_WORKBOOK = (
    "s = {{k: t for k, t in pandas.read_excel({file}, sheet_name=None).items() if len(t)}}; "
    "len(s) == 1 or sys.exit('it has the sheets ' + ', '.join(s) + ': save one of them as CSV'); [d] = s.values()"
)

PYTORCH = Kind(
    "a PyTorch file",
    "objects",
    extensions=(".pt", ".pth"),
    imports=("torch",),
    load="d = torch.load({file}, map_location='cpu', weights_only={safe})",
)
PICKLE = Kind(
    "a pickle",
    "objects",
    begins=_PICKLES,
    magic=_PICKLE,
    extensions=(".pkl", ".pickle"),
    imports=("pickle",),
    load="d = pickle.load({stream})",
    runs_code=True,
)
JOBLIB = Kind(
    "a joblib file",
    "objects",
    begins=(b"x\x01", b"x\x9c", b"x\xda"),  # where it is compressed, as zlib does
    extensions=(".joblib", ".jbl"),
    imports=("joblib",),
    load="d = joblib.load({path})",
    runs_code=True,
)
OBJECT_ARRAY = Kind(
    "an array of pickled Python objects",
    "objects",
    load="d = numpy.load({file}, allow_pickle=True)",
    runs_code=True,
)
SAFETENSORS = Kind(
    "safetensors",
    "arrays",
    imports=("safetensors.numpy",),
    load="d = safetensors.numpy.load({stream}.read())",
)
ARRAY = Kind("an array of other values than numbers", "objects", load="d = numpy.load({file})")
ZARR = Kind("a Zarr store", "arrays", extensions=(".zarr",), imports=("zarr",), load=_ZARR)
EXCEL = Kind(
    "an Excel workbook",
    "table",
    extensions=(".xlsx", ".xlsm", ".xlsb"),
    imports=("sys", "pandas"),
    load=_WORKBOOK,
)
OPEN_DOCUMENT = EXCEL._replace(name="an OpenDocument spreadsheet", extensions=(".ods",))
OFFICE = Kind("an office document", "nothing", hint="save its table as CSV")
KERAS = Kind("a Keras model", "nothing", extensions=(".keras",), hint="save what model.predict gives with numpy.save")
RAW = Kind("binary, and of no format that is known: numbers without a header?", "raw")
PNG = Kind(
    "a PNG picture", "picture", begins=(b"\x89PNG\r\n",), imports=("PIL.Image",), load="d = PIL.Image.open({file})"
)

KINDS = (
    PYTORCH,
    PICKLE,
    JOBLIB,
    ZARR,
    EXCEL,
    OPEN_DOCUMENT,
    KERAS,
    PNG,
    Kind(
        "a MATLAB file of version 7.3, which is HDF5",
        "arrays",
        begins=(b"MATLAB 7.3 MAT-file",),
        imports=("h5py",),
        load=_HDF5.replace("{turned}", ".T"),  # MATLAB writes the first axis last
    ),
    Kind(
        "HDF5",
        "arrays",
        begins=(b"\x89HDF\r\n\x1a\n",),
        extensions=(".h5", ".hdf5", ".hdf"),
        imports=("h5py",),
        load=_HDF5.replace("{turned}", ""),
    ),
    Kind(
        "a MATLAB file",
        "arrays",
        begins=(b"MATLAB 5.0 MAT-file",),
        extensions=(".mat",),
        imports=("scipy.io",),
        load="d = scipy.io.loadmat({file}, simplify_cells=True)",
    ),
    Kind(
        "NetCDF",
        "arrays",
        begins=(b"CDF\1", b"CDF\2", b"CDF\5"),
        imports=("scipy.io",),
        load=("d = {{k: v[()].copy() for k, v in scipy.io.netcdf_file({file}, mmap=False).variables.items()}}"),
    ),
    Kind(
        "an old Excel workbook or another office document",
        "table",
        begins=(b"\xd0\xcf\x11\xe0",),
        extensions=(".xls",),
        imports=EXCEL.imports,
        load=EXCEL.load,
    ),
    Kind(
        "a file of R",
        "table",
        begins=(b"RDX", b"RDA", b"X\n", b"A\n", b"B\n"),
        magic=rb"RD[XA][23]\n|[XAB]\n(\0\0\0[\2\3]|[23]\n)",
        extensions=(".rds", ".rdata", ".rda"),
        imports=("pyreadr",),
        load="[d] = pyreadr.read_r({path}).values()",
    ),
    Kind(
        "a Stata file",
        "table",
        begins=(b"<stata_dta>",),
        extensions=(".dta",),
        imports=("pandas",),
        load="d = pandas.read_stata({file})",
    ),
    Kind(
        "an SPSS file",
        "table",
        begins=(b"$FL2@(#)", b"$FL3@(#)"),
        extensions=(".sav", ".zsav"),
        imports=("pandas",),
        load="d = pandas.read_spss({path})",
    ),
    Kind(
        "a SAS file",
        "table",
        begins=(12 * b"\0" + b"\xc2\xea\x81\x60", b"HEADER RECORD*******LIB"),
        extensions=(".sas7bdat", ".xpt"),
        imports=("pandas",),
        load="d = pandas.read_sas({path}, encoding='utf-8')",
    ),
    Kind(
        "ORC", "table", begins=(b"ORC",), extensions=(".orc",), imports=("pandas",), load="d = pandas.read_orc({file})"
    ),
    Kind(
        "Avro",
        "table",
        begins=(b"Obj\x01",),
        extensions=(".avro",),
        imports=("fastavro", "pandas"),
        load="d = pandas.DataFrame(fastavro.reader({stream}))",
    ),
    Kind(
        "SQLite",
        "table",
        begins=(b"SQLite format 3\0",),
        imports=("sqlite3", "pandas"),
        load=_SQLITE,
    ),
    Kind("a TIFF picture", "picture", begins=(b"II*\0", b"MM\0*"), imports=PNG.imports, load=PNG.load),
    Kind(
        "a BMP picture",
        "picture",
        begins=(b"BM",),
        magic=rb"BM[\0-\xff]{4}\0\0\0\0",
        imports=PNG.imports,
        load=PNG.load,
    ),
    Kind("a GIF picture", "picture", begins=(b"GIF87a", b"GIF89a"), imports=PNG.imports, load=PNG.load),
    Kind(
        "a JPEG picture",
        "nothing",
        begins=(b"\xff\xd8\xff",),
        hint="JPEG changes values, so it cannot hold class numbers; PNG keeps them",
    ),
    Kind(
        "a WebP picture",
        "nothing",
        begins=(b"RIFF",),
        magic=rb"RIFF[\0-\xff]{4}WEBP",
        hint="save the mask as PNG or with numpy.save",
    ),
    Kind(
        "a TFRecord file",
        "nothing",
        extensions=(".tfrecord", ".tfrecords"),
        hint="its records are of your own making: tensorflow.data.TFRecordDataset reads them, numpy.save writes arrays",
    ),
    Kind(
        "an ONNX model or another protocol buffer",
        "nothing",
        extensions=(".onnx", ".pb"),
        hint="a model holds weights: run it, and save its outputs with numpy.save",
    ),
    Kind("a GGUF model", "nothing", begins=(b"GGUF",), hint="a model holds weights: run it, and save its logits"),
    Kind(
        "a tar archive",
        "archive",
        extensions=(".tar", ".tgz"),
    ),
    Kind("a 7-Zip archive", "nothing", begins=(b"7z\xbc\xaf\x27\x1c",), hint="7z x unpacks it"),
    Kind("a RAR archive", "nothing", begins=(b"Rar!\x1a\x07",), hint="unrar x unpacks it"),
    Kind("LZ4", "nothing", begins=(b"\x04\x22\x4d\x18",), hint="lz4 -dc decompresses it"),
    Kind("a PDF", "nothing", begins=(b"%PDF",)),
    Kind("a program", "nothing", begins=(b"\x7fELF", b"MZ\x90\0", b"\xcf\xfa\xed\xfe")),
    Kind(
        "a web page",
        "nothing",
        begins=(b"<", *_BLANKS),
        magic=rb"(?i:\s*<(!doctype )?html)",
        hint="was the download a login page?",
    ),
)
_BINARY = rb"[\0-\x08\x0e-\x1a]"
_TAR_AT = 257


def kind_of(head: bytes, extension: str) -> Kind | None:
    """The kind that the first bytes of a file tell, or else its extension.

    Text is read as text, whatever it is called, except for pickles, which may begin like text.
    """
    if head.startswith(b"ustar", _TAR_AT):
        return next(kind for kind in KINDS if kind.name == "a tar archive")
    begun = (kind for kind in KINDS if head.startswith(kind.begins))
    found = next((kind for kind in begun if re.match(kind.magic, head)), None)
    if found is PICKLE and (OLD_PYTORCH in head[:64] or extension in PYTORCH.extensions):
        return PYTORCH
    called = next((kind for kind in KINDS if extension in kind.extensions), None)
    return found or (called if called in (PYTORCH, PICKLE) or re.search(_BINARY, head[:1024]) else None)
