"""Pages in a real browser: what has no name in the source, but is seen at once by whoever looks."""

import functools
import json
import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from chromium import PROGRAM, as_script, console, opened, told, wrapper
from pictured import COMPARED, DUMBBELL, HARDEST, HOSTILE, PICTURES, REPORT

from nllcli.drawing import Axis, Dot, Dots, Panel, Rule, Words
from nllcli.outputs.page import render
from nllcli.report import Metric, Report, Strip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.uncounted,
    pytest.mark.skipif(PROGRAM is None, reason="needs Chromium"),
]

HERE = Path(__file__).parents[1] / "browser"
AXE = os.environ.get("NLL_AXE", "")
WIDTHS, SCHEMES = (360, 720, 1280), ("light", "dark")


def source(report):
    return "".join(render(report)).encode("utf-8", "backslashreplace").decode()


def awkward():
    """Words that have little room, values at the ends of everything, and names that are hard to write."""
    crowded = tuple(Words(5, 50, f"words {i}", strong=i % 2 == 0) for i in range(40))
    dots = Dots("first", tuple(Dot(i % 11, (i * 37) % 101, label=f"{HOSTILE[i % 10]}") for i in range(30)))
    rules = tuple(Rule(i, f"a rule at {i}") for i in range(11))
    panel = Panel(Axis(0, 10, "x" * 120), Axis(-1e-9, 1e12, "y" * 80), (*crowded, dots, *rules), above=Axis(0, 10))
    names = tuple((float(i), name) for i, name in enumerate(HOSTILE * 6))
    tall = Panel(Axis(1e-30, 1e30, scale="log"), Axis(0, 60, kind="text", ticks=names), (), height=2)
    pictures = (replace(DUMBBELL, key="crowded", drawings=(panel, tall)), HARDEST)
    strip = Strip(1e5, 0, 2.3, HOSTILE[8], HOSTILE[7], "a very long way of saying " * 3, (1.0, 1e6))
    metrics = (
        Metric("loss", HOSTILE[8], 1.5e300, "nats", HOSTILE[8], headline=True),
        Metric("x", HOSTILE[0], HOSTILE[8]),
    )
    return Report("report", f"Loss of {HOSTILE[8]}", HOSTILE[8] * 3, metrics, pictures=pictures, strip=strip)


# Letters that are wider than those that a system has of its own, where this one has them.
_WIDE = re.compile(r'font-family="system-ui[^"]*"')

NAMES = ("wide letters", "report", "compare", "awkward")


@functools.cache
def pages():
    whole = source(REPORT)
    wide = _WIDE.sub('font-family="DejaVu Sans"', whole)
    return dict(zip(NAMES, (wide, whole, source(COMPARED), source(awkward())), strict=True))


@pytest.fixture(scope="module", autouse=True)
def _a_browser_that_starts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    (folder / "page.html").write_text("<p>started</p>")
    try:
        shown, _ = opened(folder / "page.html", folder / "profile")
    except subprocess.SubprocessError:
        shown = ""
    if "started" not in shown:
        pytest.skip("Chromium is there, but does not open a file")


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """What the laws of layout find on each page, at each width and in both schemes."""
    script = (HERE / "layout.js").read_text(encoding="utf-8")
    call = f"checkAll({as_script(pages())}, {list(WIDTHS)}, {json.dumps(SCHEMES)})"
    return told(wrapper(script, call), tmp_path_factory.mktemp("layout"))


def test_words_have_room_contrast_and_a_page_that_holds_them(layout):
    found, _ = layout
    assert found["breaches"] == []
    assert [(each["name"], each["width"], each["scheme"]) for each in found["seen"]] == [
        (name, width, scheme) for name in NAMES for width in WIDTHS for scheme in SCHEMES
    ]


def test_the_switch_sets_the_scheme(layout):
    found, _ = layout
    assert all(each["dark"] == (each["scheme"] == "dark") for each in found["seen"])


def test_every_width_shows_drawings_with_words(layout):
    found, _ = layout
    seen = [each for each in found["seen"] if each["name"] == "report"]
    drawn = [picture for picture in PICTURES if picture.drawings]
    assert all(each["drawings"] >= len(drawn) and each["words"] > 10 * len(drawn) for each in seen)


def test_the_laws_find_what_breaks_them(tmp_path):
    small = source(replace(REPORT, pictures=PICTURES[1:3]))
    sheet = '<link rel="stylesheet" href="http://localhost:9/x.css">'
    breaks = {
        "stands on": small.replace('font-size="12"', 'font-size="22"'),
        "leaves its drawing": small.replace('text-anchor="end"', 'text-anchor="start"'),
        "has a contrast of": small.replace("--muted:light-dark(#59606b", "--muted:light-dark(#a9b0bb"),
        "scrolls sideways": small.replace("minmax(0,1fr);margin-top", "2000px;margin-top"),
        "shows 2 drawings": small.replace(".m,.l{display:none}", ".m{display:none}"),
        "asks for": re.sub(r'<meta http-equiv="Content[^>]*>', sheet, small),
    }
    script = (HERE / "layout.js").read_text(encoding="utf-8")
    found, _ = told(wrapper(script, f'checkAll({as_script(breaks)}, [360], ["light"])'), tmp_path)
    for law in breaks:
        assert [each for each in found["breaches"] if each.startswith(f"{law} at") and law in each.partition(": ")[2]]


def said(page, folder):
    """What a browser writes to its console about a page."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    shown, errors = opened(path, folder / "profile")
    assert "</footer>" in shown
    return console(errors)


def test_a_browser_has_nothing_to_say(tmp_path):
    assert said(pages()["report"], tmp_path) == []
    image = '<img src="https://localhost:9/x.png" onerror="alert(1)">'
    told_of = "".join(said(pages()["report"].replace("<main", f"{image}<main"), tmp_path))
    assert "x.png" in told_of
    assert "inline event handler" in told_of


@pytest.mark.skipif(not Path(AXE).is_file(), reason="needs axe-core: NLL_AXE=/path/to/axe.min.js")
def test_axe_finds_no_barrier(tmp_path):
    script = (HERE / "axe.js").read_text(encoding="utf-8")
    library = Path(AXE).read_text(encoding="utf-8")
    judged = {name: pages()[name] for name in NAMES[1:]}
    call = f"runAxe({as_script(judged)}, {as_script(library)}, [360, 1280], {json.dumps(SCHEMES)})"
    found, _ = told(wrapper(script, call), tmp_path)
    assert found["breaches"] == []
    assert found["seen"] > 100
