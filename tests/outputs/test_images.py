"""One picture as a file."""

import builtins
import contextlib
import io
import re
import struct
import sys
import zlib
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from pictured import CLASSES, LORENZ, REPORT, RISK

from nllcli.errors import FaultError, UsageError
from nllcli.outputs.formats import FORMATS, check_pair, emit
from nllcli.report import Report

ONE = replace(REPORT, pictures=(LORENZ, CLASSES))
IMAGES = ["svg", "png", "pdf"]


def needs_converter():
    return pytest.importorskip("vl_convert", reason="needs the extra plot")


def test_svg_says_what_it_shows(tmp_path):
    emit(ONE, path=tmp_path / "lorenz.svg")
    root = ElementTree.fromstring((tmp_path / "lorenz.svg").read_text(encoding="utf-8"))
    space = "{http://www.w3.org/2000/svg}"
    assert root.find(f"{space}title").text == LORENZ.question
    assert root.find(f"{space}desc").text == "The hardest 9 samples bring 64.3 %."
    assert "prefers-color-scheme: dark" in root.find(f"{space}style").text
    assert "http" not in re.sub(r'xmlns="[^"]*"', "", (tmp_path / "lorenz.svg").read_text(encoding="utf-8"))


def test_png_has_two_pixels_for_one_and_is_not_blank(tmp_path):
    needs_converter()
    emit(ONE, path=tmp_path / "lorenz.png")
    found = (tmp_path / "lorenz.png").read_bytes()
    assert found.startswith(b"\x89PNG\r\n\x1a\n")
    svg = "".join(FORMATS.load("svg")(ONE))
    size = [float(re.search(rf'<svg[^>]* {name}="([\d.]+)"', svg)[1]) for name in ("width", "height")]
    assert struct.unpack(">II", found[16:24]) == tuple(pytest.approx(2 * each, abs=1) for each in size)
    data = zlib.decompress(b"".join(part for name, part in chunks(found) if name == b"IDAT"))
    assert len({*data}) > 20


def chunks(png):
    at = 8
    while at < len(png):
        size, name = struct.unpack(">I4s", png[at : at + 8])
        yield name, png[at + 8 : at + 8 + size]
        at += size + 12


def test_pdf_has_its_fonts_in_it(tmp_path):
    needs_converter()
    emit(ONE, path=tmp_path / "lorenz.pdf")
    found = (tmp_path / "lorenz.pdf").read_bytes()
    assert found.startswith(b"%PDF-")
    assert b"/FontFile" in found + b"".join(streams(found))
    assert b"LiberationSans" in found + b"".join(streams(found))


def streams(pdf):
    for part in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        with contextlib.suppress(zlib.error):
            yield zlib.decompress(part)


@pytest.mark.parametrize("name", IMAGES)
def test_of_several_pictures_it_asks_which(name):
    with pytest.raises(UsageError, match="holds one picture, and there are 2") as caught:
        list(FORMATS.load(name)(replace(REPORT, pictures=(LORENZ, CLASSES, RISK))))
    assert [dict(remedy.settings) for remedy in caught.value.remedies] == [{"only": "lorenz"}, {"only": "risk"}]


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize(
    ("pictures", "told"), [((), "no picture that is drawn"), ((CLASSES,), "classes: a table with bars")]
)
def test_of_none_it_says_so(name, pictures, told):
    with pytest.raises(UsageError, match=told) as caught:
        list(FORMATS.load(name)(Report("report", "T", "s", pictures=pictures)))
    assert ".html" in caught.value.hint


@pytest.mark.parametrize("name", ["png", "pdf"])
def test_without_the_library_it_names_the_extra(name, monkeypatch):
    imported = builtins.__import__

    def without(module, *rest):
        if module == "vl_convert":
            raise ImportError
        return imported(module, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match="need the library vl-convert") as caught:
        list(FORMATS.load(name)(ONE))
    assert "pip install 'nllcli[plot]'" in caught.value.hint


@pytest.fixture
def converted(monkeypatch):
    """A converter that needs no library."""
    kind = type(sys)("vl_convert")
    kind.svg_to_png = lambda svg, scale: b"\x89PNG\xff" + svg[:4].encode() + b"%.0f" % scale
    kind.svg_to_pdf = lambda svg: b"%PDF\xff" + svg[:4].encode()
    monkeypatch.setitem(sys.modules, "vl_convert", kind)


@pytest.mark.usefixtures("converted")
@pytest.mark.parametrize(("name", "expected"), [("png", b"\x89PNG\xff<svg2"), ("pdf", b"%PDF\xff<svg")])
def test_bytes_stay_bytes(name, expected, tmp_path, monkeypatch):
    emit(ONE, path=tmp_path / f"x.{name}")
    assert (tmp_path / f"x.{name}").read_bytes() == expected
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", newline="\r\n")
    monkeypatch.setattr(sys, "stdout", stream)
    emit(ONE, fmt=name)
    assert stream.buffer.getvalue() == expected


@pytest.mark.usefixtures("converted")
def test_a_stream_of_text_takes_no_bytes(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with pytest.raises(FaultError, match="standard output: takes text alone"):
        emit(ONE, fmt="png")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("path", [None, "-"])
def test_a_terminal_shows_no_bytes(path, monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    with pytest.raises(UsageError, match="png is not text, which a terminal shows") as caught:
        emit(ONE, fmt="png", path=path)
    assert caught.value.remedies[0].settings == {"format": None, "output": "picture.png"}


@pytest.mark.parametrize(
    ("fmt", "path", "renamed"),
    [
        ("json", "x.png", "x.json"),
        ("png", "x.json", "x.png"),
        ("html", "a/x.pdf", "a/x.html"),
        ("pdf", "x.png", "x.pdf"),
    ],
)
def test_a_file_holds_what_its_name_says(fmt, path, renamed):
    with pytest.raises(UsageError, match=rf"{fmt} is not what a \.\w+ file holds") as caught:
        emit(ONE, fmt=fmt, path=path)
    (remedy,) = caught.value.remedies
    assert remedy.settings == {"output": renamed}


@pytest.mark.parametrize(
    ("fmt", "path"), [(None, "x.png"), ("png", "x.png"), ("png", "x"), ("svg", "x.txt"), ("json", "x.html")]
)
def test_what_goes_together(fmt, path):
    check_pair(fmt, path)
