"""A report as a page: nothing but text and drawings, every number with all its digits, the same bytes every time."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from math import inf, nan
from pathlib import Path

import pytest
from kept import compare
from pictured import COMPARED, HOSTILE, LORENZ, PASSAGE, REPORT

from nllcli import __version__
from nllcli.outputs.formats import printable
from nllcli.outputs.page import render
from nllcli.report import (
    Calculation,
    Column,
    Fact,
    Metric,
    Nested,
    Picture,
    Report,
    Section,
    Signature,
    Step,
    Strip,
    Table,
    shortest,
)

VOID = {"meta", "link", "input", "wbr", "br"}


class Page(HTMLParser):
    """The elements of a page, each with its attributes and the text in it."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.found = []
        self.open = []
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs)
        element = {"tag": tag, "text": "", "parents": [each["tag"] for each in self.open], **dict(attrs)}
        self.found.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def all(self, tag=None, **attributes):
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            each
            for each in self.found
            if tag in (None, each["tag"]) and all(each.get(name) == value for name, value in wanted.items())
        ]


def source(report):
    return "".join(render(report))


def page(report):
    return Page(source(report))


@pytest.fixture(scope="module")
def of_all():
    """The page of everything, which several tests look at."""
    return page(REPORT)


@pytest.fixture(scope="module", params=[REPORT, COMPARED], ids=["report", "compare"])
def whole(request):
    return source(request.param)


def test_whole_page(update_golden):
    compare("page.html", source(COMPARED).replace(__version__, "VERSION"), update_golden)


def test_a_strict_parser_has_nothing_to_say(whole):
    html5lib = pytest.importorskip("html5lib")
    html5lib.HTMLParser(strict=True).parse(whole)


def test_nothing_runs_and_nothing_is_asked_for(whole):
    found = Page(whole)
    tags = {each["tag"] for each in found.found}
    assert not tags & {"script", "iframe", "img", "object", "embed", "audio", "video", "form", "use", "image", "base"}
    assert not [name for each in found.found for name in each if name.startswith("on")]
    assert not [each for each in found.found if "style" in each or "src" in each]
    assert {each["href"][0] for each in found.all() if "href" in each} <= {"#", "d"}
    assert [each["href"] for each in found.all("link")] == ["data:,"]
    (sheet,) = found.all("style")
    assert not re.search(r"url\(|@import|@font-face|expression", sheet["text"])
    assert {*re.findall(r"\w+://[^\"' ]*", whole)} == {"http://www.w3.org/2000/svg"}
    assert {each.get("xmlns") for each in found.all("svg")} <= {None, "http://www.w3.org/2000/svg"}


def test_it_lets_a_browser_run_and_load_nothing(whole):
    (policy,) = Page(whole).all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy["content"].startswith("default-src 'none'; style-src 'unsafe-inline';")


def test_it_has_the_parts_of_a_page(whole):
    found = Page(whole)
    assert found.all("html")[0]["lang"] == "en"
    for tag in ("h1", "header", "main", "footer"):
        assert len(found.all(tag)) == 1, tag
    assert [each["tag"] for each in found.found if each["parents"] == ["html", "head"]].count("title") == 1
    levels = [int(each["tag"][1]) for each in found.found if re.fullmatch(r"h\d", each["tag"])]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert found.all("a", class_="skip")[0]["href"] == "#content"


def test_places_are_there_once_and_those_referred_to_are_there(whole):
    found = Page(whole)
    places = [each["id"] for each in found.all() if "id" in each]
    assert len({*places}) == len(places)
    referred = [each["href"][1:] for each in found.all("a")]
    referred += [place for each in found.all() for name in each if name == "aria-describedby" for place in [each[name]]]
    referred += [each["aria-labelledby"] for each in found.all("article")]
    assert {*referred} <= {*places}


def test_each_picture_is_a_question_an_answer_drawings_and_numbers(of_all):
    found = of_all
    for picture in REPORT.pictures:
        (heading,) = found.all("h2", id=picture.key)
        assert heading["text"] == picture.question
        drawings = found.all("svg", **{"aria-describedby": f"{picture.key}-answer"})
        n = 0 if picture in (PASSAGE,) or not picture.drawings else 3 if picture.wide else 2
        assert [each["role"] for each in drawings] == ["img"] * n
        assert {each["aria-label"] for each in drawings} <= {picture.question}
        assert [each.get("display") for each in drawings[1:]] == ["none"] * (n - 1 if n else 0)
    assert len(found.all("details")) == sum(bool(picture.drawings) for picture in REPORT.pictures) + 1
    assert all({"tabindex", "aria-label"} <= {*each} for each in found.all("div", role="group"))


def test_the_answer_is_text_in_which_numbers_carry_their_digits():
    found = page(replace(REPORT, pictures=REPORT.pictures[1:2]))
    (answer,) = found.all("p", id="losses-answer")
    assert answer["text"] == (
        "Half of the samples lose less than 5.139e-08 nats. The 21 samples (2.3 %) that lose more than 1 nat bring "
        "95.6 % of the loss."
    )
    inside = [each for each in found.all("data") if "p" in each["parents"] and "main" in each["parents"]]
    assert [each["value"] for each in inside] == ["5.139e-08", "21", "0.0233592881", "0.9561234567891234"]
    assert found.all("strong")[0]["text"] == "95.6 % of the loss"


def test_every_number_reads_back(whole):
    for each in Page(whole).all("data"):
        assert shortest(float(each["value"])) == each["value"]
        assert re.search(r"\d|nan|inf", each["text"])


def test_metrics_have_all_their_digits(of_all):
    found = of_all
    shown = [each["value"] for each in found.all("data") if "header" in each["parents"]]
    metrics = [metric.value for metric in REPORT.metrics if not metric.hidden]
    assert shown == [shortest(value) for value in metrics if isinstance(value, float | int)]
    assert [each["text"] for each in found.all("dt") if "header" in each["parents"]] == [
        metric.label for metric in REPORT.metrics[1:] if not metric.hidden
    ]
    assert "secret" not in "".join(each["text"] for each in found.all("header"))


def test_cells_have_all_their_digits():
    table = Table(
        "t", "T", (Column("x", "x"), Column("y", "y", unit="nats")), [[1 / 3, nan], [-inf, None], [1e-300, 2]]
    )
    found = page(Report("compute", "T", "s", tables=(table,)))
    assert [each["value"] for each in found.all("data")] == ["0.3333333333333333", "nan", "-inf", "1e-300", "2"]
    assert [each["text"] for each in found.all("td") + found.all("th", scope="row") if each["text"] == "–"] == ["–"]
    assert [each["text"] for each in found.all("th", scope="col")] == ["x", "y, nats"]


def test_hostile_names_come_back_as_text(whole):
    found = Page(whole)
    texts = {each["text"] for each in found.found}
    assert not [each for each in texts if "&lt;" in each or "&amp;" in each]
    if "Per class" in whole:
        assert {printable(name) for name in HOSTILE} <= texts
        assert [each["text"] for each in found.all("li") if "section" in each["parents"]] == [f"{HOSTILE[1]} looks odd"]
    assert all(character.isprintable() or character == "\n" for character in whole)


def test_the_same_bytes_every_time():
    code = "from pictured import REPORT; from nllcli.outputs.formats import emit"
    found = {source(REPORT).encode("utf-8", "backslashreplace")}
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path.insert(0, 'tests'); {code}; emit(REPORT, fmt='html')"],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        found.add(done.stdout)
    assert len(found) == 1


def test_a_report_of_little():
    found = page(Report("check", "Nothing", ""))
    assert found.all("h1")[0]["text"] == "Nothing"
    assert not found.all("nav")
    assert not found.all("dl")
    assert "Made by" not in found.all("footer")[0]["text"]


def test_what_the_report_is_of_stands_large(of_all):
    found = of_all
    assert [each["text"] for each in found.all("h1")] == ["Negative log-likelihood of samples/digits/mlp.npy"]
    assert found.all("span", class_="name")[0]["text"] == "samples/digits/mlp.npy"


@pytest.mark.parametrize(
    ("metric", "look", "text"),
    [
        (Metric("loss", "loss", 0.5, "nats", headline=True), "value lost", "0.5 nats"),
        (Metric("n", "findings", 0, headline=True), "value", "0"),
        (Metric("verdict", "verdict", "undecided", headline=True), "value words", "undecided"),
    ],
)
def test_the_headline(metric, look, text):
    (found,) = page(Report("compute", "T", "s", metrics=(metric,))).all("p", class_=look)
    assert found["text"] == text


def test_a_headline_without_a_value_is_a_number_among_others():
    found = page(Report("compute", "T", "s", metrics=(Metric("loss", "loss", None, "nats", headline=True),)))
    assert [each["text"] for each in found.all("dd")] == ["–"]


def test_sections_and_calculations(of_all):
    found = of_all
    assert [each["text"] for each in found.all("h3")] == ["sample 0", "Kinds"]
    assert [each["text"] for each in found.all("dd") if "main" in each["parents"]] == [
        "ln 3.5 − 0.25 = 1.0028",
        "nll explain",
    ]
    assert "1.002762968495368" in [each["value"] for each in found.all("data")]


def test_the_parts_of_a_section_without_a_title_are_listed():
    table = Table("t", "Models", (Column("x", "x"),), [[1.0]])
    section = Section("", (table, replace(table, title="Samples"), replace(table, title="")), "A note.")
    found = page(Report("compare", "T", "s", sections=(section,)))
    assert [(each["href"], each["text"]) for each in found.all("a")[1:]] == [
        ("#section-1-1", "Models"),
        ("#section-1-2", "Samples"),
    ]
    assert [each["text"] for each in found.all("h2")][:2] == ["Models", "Samples"]


def test_a_strip_says_what_it_shows():
    strip = Strip(0.5, 0, 2, "0: foreseen", "2: guessing")
    (wide, narrow) = page(Report("compute", "T", "s", strip=strip)).all("svg", role="img")
    assert wide["aria-label"] == narrow["aria-label"] == "0.5 on a line from 0.0 (0: foreseen) to 2.0 (2: guessing)"


def test_a_number_of_which_nothing_is_said():
    found = page(Report("compute", "T", "s", metrics=(Metric("n", "samples", 3),)))
    assert [each["text"] for each in found.all("dd")] == ["3"]


def test_a_section_of_a_calculation_alone():
    section = Section("Worked out", (Calculation("", (Step("loss", (1.5, " nats")),)),))
    found = page(Report("explain", "T", "s", sections=(section,)))
    assert [each["text"] for each in found.all("dd")] == ["1.5 nats"]
    assert not found.all("h3")


def test_a_table_of_nothing():
    found = page(Report("check", "T", "s", tables=(Table("t", "", (), ()),)))
    assert len(found.all("table")) == 1


# --- what is too long -------------------------------------------------------------------------------------------------


def long(n, **options):
    columns = (Column("class", "class", "text"), Column("loss", "mean loss", unit="nats"))
    return Table("per_class", "Per class", columns, [[f"c{i}", i / 3] for i in range(n)], **options)


@pytest.mark.parametrize(("worst", "n_rows"), [("loss", 122), (None, 101)])
def test_a_long_table_is_shortened_and_says_so(worst, n_rows):
    found = page(Report("compute", "T", "s", tables=(long(1000, worst=worst),)))
    assert len(found.all("tr")) == n_rows
    text = found.all("main")[0]["text"]
    assert "900 more rows, which a pipe and ⟦output=FILE⟧ have all" in text
    assert ("the worst of these by mean loss:" in text) == bool(worst)
    assert ("c999" in text) == bool(worst)
    if worst:
        texts = [each["text"] for each in found.all("tr")]
        assert texts[100].startswith("c99")
        assert texts[101].startswith("900 more rows")
        assert texts[102].startswith("c999")


def test_a_table_that_a_person_reads_through_is_whole():
    found = page(Report("compute", "T", "s", tables=(long(200),)))
    assert len(found.all("tr")) == 201
    assert "more rows" not in found.all("main")[0]["text"]


def document(found):
    return json.loads(found.all("pre", class_="json")[0]["text"])


def test_the_json_is_all_of_it():
    extra = {"losses": [0.5, inf], "p": Nested([1.0] * 6, (2, 3))}
    report = replace(REPORT, tables=(long(1000),), extra=extra, pictures=())
    found = page(report)
    assert document(found)["per_class"][999] == {"class": "c999", "loss": 333.0}
    assert document(found)["p"] == [[1.0] * 3] * 2
    assert document(found)["nonfinite"] == {"losses[1]": "inf"}
    assert "Cut to" not in found.all("footer")[0]["text"]


def test_what_is_cut_of_the_json_is_named():
    extra = {
        "losses": [0.5] * 2000,
        "probs": Nested([0.5] * 5000, (500, 10)),
        "gradient": Nested([0.5] * 4000, (2, 2000)),
        "few": [1.0],
    }
    found = page(Report("compute", "T", "s", tables=(long(1001),), extra=extra))
    sizes = {name: len(document(found)[name]) for name in ("per_class", *extra)}
    assert sizes == {"per_class": 1000, "losses": 1000, "probs": 100, "gradient": 0, "few": 1}
    assert "Cut to 1,000 rows or numbers here: per_class, losses, probs, gradient." in found.all("footer")[0]["text"]


def test_the_size_of_a_page_does_not_grow_with_the_samples():
    def size(n):
        pictures = tuple(replace(picture, table=long(n)) for picture in REPORT.pictures[1:4])
        return len(source(replace(REPORT, pictures=pictures, tables=(long(n),), extra={"losses": [1 / 3] * n})))

    assert size(20_000) < size(2_000) + 100


def test_a_page_of_a_thousand_classes_is_small():
    report = replace(REPORT, tables=(long(1000, worst="loss"),))
    assert len(source(report).encode("utf-8", "backslashreplace")) < 500_000


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_a_fact_without_a_number():
    picture = Picture("p", "What?", (Fact("x", None, unit="nats"), Fact("y", "words", "text")), long(1))
    (answer,) = page(Report("report", "T", "s", pictures=(picture,))).all("p", id="p-answer")
    assert answer["text"].endswith("words")


def test_the_key_has_a_swatch_for_each_tone():
    found = page(replace(REPORT, pictures=(LORENZ, *COMPARED.pictures)))
    keys = found.all("ul", class_="key")
    assert [each["text"].split() for each in keys] == [["mlp", "logistic"]]


def test_a_passage_stays_text():
    found = page(replace(REPORT, pictures=(PASSAGE,)))
    (passage,) = found.all("p", class_="passage")
    assert passage["text"] == "".join(piece.text for piece in PASSAGE.drawings[0].pieces)
    looks = [each["class"] for each in found.all("span") if "article" in each["parents"]]
    assert looks[:6] == ["d0", "d3", "d6", "d10", "d0", "d1"]
    bare = replace(PASSAGE, drawings=(replace(PASSAGE.drawings[0], key=(), label=""),))
    assert not page(replace(REPORT, pictures=(bare,))).all("p", class_="depths")


def test_the_signature_is_whole():
    signature = Signature.of({"loss": "nll", "smoothing": 0}, title="nll")
    found = page(Report("compute", "T", signature))
    assert signature in [each["text"] for each in found.all("code")]
