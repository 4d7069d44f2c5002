"""The page of a comparison where something is unusual: which questions have an answer, and what the answer is."""

import re
from pathlib import Path

import numpy as np
import pytest
from chromium import PROGRAM, as_script, told, wrapper
from in_process import nll
from paired_page import numbers_of, page_of, pictures_of

pytestmark = pytest.mark.uncounted

RNG = np.random.default_rng(31)
N = 60
ALL = ("differences", "classes", "losses", "temperatures", "sure", "widest")
OF_NO_PARTS = ("losses", "sure", "widest")
UNJUDGED = ("differences", "losses", "widest")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("awkward")
    a = RNG.normal(size=(N, 4)) * 3
    b, t = a + RNG.normal(size=a.shape), RNG.integers(0, 4, N)
    rows = np.arange(N)
    inf, both = a.copy(), b.copy()
    inf[rows[:6], t[:6]] = both[rows[5:9], t[5:9]] = -np.inf
    nan = b.copy()
    nan[7, 0] = np.nan
    sure = np.where(np.eye(4)[t] > 0, 800.0, 0.0)
    soft = np.exp(RNG.normal(size=a.shape))
    wide = RNG.normal(size=(N, 40)) * 4
    arrays = {
        **{"a": a, "b": b, "c": a - 1e-9 * b, "t": t, "endless": inf, "both": both, "hole": nan, "sure": sure},
        **{"one_a": a[:1], "one_b": b[:1], "one_t": t[:1], "two_a": a[:2], "two_b": b[:2], "two_t": t[:2]},
        **{"soft": soft / soft.sum(axis=1, keepdims=True), "binary": t // 2, "a1": a[:, 0], "b1": b[:, 0]},
        **{"wide_a": wide, "wide_b": wide + RNG.normal(size=wide.shape), "wide_t": RNG.integers(0, 40, N)},
        **{"more": np.concatenate([a, b[:, :2]], axis=1), "none": np.full(N, -100), "surer": 2 * sure},
        **{"la": np.abs(a[:, 0]), "lb": np.abs(b[:, 0]), "ta": -np.abs(a[:, 0]), "tb": -np.abs(b[:, 0])},
        **{"minus": RNG.choice([-1.0, 0.0, 1.0], N), "groups": rows // 7, "zero_weights": np.zeros(N)},
        **{"zeros": np.zeros(N), "huge_a": a * 1e9, "huge_b": b * 1e9},
    }
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)
    for name, order in (("ids_a", rows), ("ids_b", rows[::-1]), ("ids_t", RNG.permutation(rows))):
        x, what = (a if name == "ids_a" else b), "class" if name == "ids_t" else "p0,p1,p2,p3"
        lines = [str(t[i]) if name == "ids_t" else ",".join(map(str, x[i])) for i in order]
        text = "".join(f"<b>{i},{line}\n" for i, line in zip(order, lines, strict=True))
        (folder / f"{name}.csv").write_text(f"id,{what}\n{text}")
    return folder


PLAIN = "a b -t t"
CASES = {
    "plain": (PLAIN, ALL),
    "one sample": ("one_a one_b -t one_t", ("widest",)),
    "two samples": ("two_a two_b -t two_t", ("differences", "widest")),
    "ignored": ("a b -t none", ()),
    "alike": ("sure surer -t t", ("differences", "classes", "sure")),
    "tiny differences": ("a c -t t", ALL),
    "huge": ("huge_a huge_b -t t", ALL),
    "infinite": ("a endless -t t", ("differences", "classes", "losses", "sure", "widest")),
    "infinite under both": ("endless both -t t", ("differences", "classes", "losses", "sure", "widest")),
    "nan": ("a hole -t t --on-nonfinite nan", ("differences", "classes", "losses", "sure", "widest")),
    "soft": ("a b -t soft", ("differences", "losses", "temperatures", "widest")),
    "one logit": ("a1 b1 -t binary --binary", ALL),
    "forty classes": ("wide_a wide_b -t wide_t", ALL),
    "other classes": ("a more -t t", ("differences", "losses", "temperatures", "sure", "widest")),
    "losses": ("la lb --from losses", UNJUDGED),
    "losses of 0": ("la zeros --from losses", UNJUDGED),
    "tokens": ("ta tb --from token-log-probs", UNJUDGED),
    "losses and logits": ("la b -t t --from losses,logits", UNJUDGED),
    "negative weights": (f"{PLAIN} --sample-weights minus.npy", OF_NO_PARTS),
    "weights of 0": (f"{PLAIN} --sample-weights zero_weights.npy", ("differences", "classes", "losses", "sure")),
    "smoothed": (f"{PLAIN} --label-smoothing 0.1", ALL),
    "class weights": (f"{PLAIN} --weights 1,2,3,4", ALL),
    "summed": (f"{PLAIN} --reduction sum", ALL),
    "clusters": (f"{PLAIN} --clusters groups.npy", ALL),
    "margin": (f"{PLAIN} --margin 0.5", ALL),
    "another loss": (f"{PLAIN} --loss one-vs-rest", ALL),
    "no list": (f"{PLAIN} --largest 0 --no-divergence", ALL),
    "three": ("a b c -t t", ("models",)),
    "pairs": ("a b c endless -t t --all-pairs", ("models",)),
}


def words_of(line, folder):
    """The words of a case: names of arrays are files."""
    files = {path.stem: path for path in folder.glob("*.npy")}
    return [files.get(word, folder / word if word.endswith(".npy") else word) for word in line.split()]


@pytest.fixture(scope="module")
def found(folder):
    """The pictures of a case by its name, each made once."""
    known = {}

    def of(name):
        if name not in known:
            known[name] = page_of(folder, *words_of(CASES[name][0], folder))
        return numbers_of(known[name]).get("pictures", {})

    return of


@pytest.mark.parametrize("name", CASES)
def test_the_questions_that_have_an_answer(name, found):
    assert tuple(found(name)) == CASES[name][1]


@pytest.mark.parametrize("name", CASES)
def test_no_answer_says_what_is_not_a_number(name, found):
    for picture in found(name).values():
        assert not re.search(r"\b(nan|inf|None)\b", picture["answer"]), picture["answer"]


@pytest.mark.parametrize("name", [name for name, (_, keys) in CASES.items() if {"losses", "differences"} <= {*keys}])
def test_every_sample_is_in_one_row(name, found):
    pictures = found(name)
    differences, losses = pictures["differences"], pictures["losses"]
    n = sum(row["count"] for row in losses["rows"])
    assert n == {"ignored": 0, "nan": N - 1}.get(name, N)
    apart = differences["n_infinite_below"] + differences["n_infinite_above"]
    n_both = 1 if name == "infinite under both" else 0
    assert sum(row["count"] for row in differences["rows"]) + apart + n_both == n
    assert len({row["baseline_low"] for row in losses["rows"]} | {row["model_low"] for row in losses["rows"]}) <= 12


ANSWERS = {
    ("alike", "differences"): "From nowhere: on each of the samples both lose the same.",
    ("alike", "classes"): "On none of 4: the means are the same.",
    (
        "infinite",
        "differences",
    ): "endless loses less on 0 samples, more on 6, as much on 54. What it gains adds up to 0 nats, "
    "what it gives away to 0 nats. 6 samples lose infinitely much under one of them alone: that is in neither.",
    ("two samples", "widest"): r"Row \d costs two_a .* nats, and two_b .* nats\. Of these 2, two_b is better on \d\.",
    (
        "infinite",
        "widest",
    ): r"Row 0 costs a .* nats, and endless infinitely much\. Of these 6, endless is better on 0\.",
    ("infinite", "classes"): r"endless loses less on 0 of 4 classes, .* On class \d, endless loses infinitely much\.",
    ("infinite under both", "classes"): r".* On class \d, (both lose|endless loses|both loses) infinitely much\.",
    ("tokens", "losses"): "Of .* tokens that lose .*",
    ("three", "models"): r"\d of 2 models ha(s|ve) a lower loss than a, .*\. The lowest is that of .*",
    ("pairs", "models"): r"\d of 6 differences (is|are) more than chance makes\..*",
}


@pytest.mark.parametrize(("name", "key"), ANSWERS)
def test_answers_in_words(name, key, found):
    assert re.fullmatch(ANSWERS[name, key], found(name)[key]["answer"])


def test_infinite_differences_have_rows_of_their_own_in_the_map(found):
    rows = found("infinite")["losses"]["rows"]
    assert sum(row["count"] for row in rows if row["model_low"] is None) == 6  # what is infinite is null in JSON
    assert found("infinite")["differences"]["n_infinite_above"] == 6
    assert found("infinite")["losses"]["hard_from"] < 100


def test_a_difference_that_is_none_comes_last(folder):
    rows = pictures_of(folder, *words_of("endless both a -t t", folder))["models"]["rows"]
    assert [row["model"] for row in rows] == ["a", "both"]


def test_keys_name_the_samples(folder):
    words = [folder / name for name in ("ids_a.csv", "ids_b.csv")]
    found = pictures_of(folder, *words, "-t", folder / "ids_t.csv", "--id", "id")
    named = [row["sample"] for row in found["widest"]["rows"]]
    plain = pictures_of(folder, *words_of(PLAIN, folder))["widest"]["rows"]
    assert named == [f"<b>{row['sample'].removeprefix('row ')}" for row in plain]
    assert "<b>" not in page_of(folder, *words, "-t", folder / "ids_t.csv", "--id", "id").partition("<main")[2]


def test_files_name_the_samples_of_several(folder):
    for name in ("a", "b", "t"):
        whole = np.load(folder / f"{name}.npy")
        for i, part in enumerate(np.split(whole, [20])):
            np.save(folder / f"part_{name}-{i}.npy", part)
    words = [folder / "part_a-{0..1}.npy", folder / "part_b-{0..1}.npy", "-t", folder / "part_t-{0..1}.npy"]
    found = pictures_of(folder, *words, "--names", "a,b")
    whole = pictures_of(folder, *words_of(PLAIN, folder))
    for row, other in zip(found["widest"]["rows"], whole["widest"]["rows"], strict=True):
        file, _, place = row["sample"].partition(", row ")
        number = int(place) + (20 if file.endswith("-1.npy") else 0)
        assert f"row {number}" == other["sample"]
    for key in set(ALL) - {"widest"}:
        assert found[key] == whole[key]


# --- what is not asked for --------------------------------------------------------------------------------------------

TEXTS = ["-f table", "-f markdown", "-f json", "-f csv", "-f tally", "-q", "--print comparisons[b].p_value"]


@pytest.mark.parametrize("format", TEXTS)
def test_nothing_is_collected_for_what_draws_nothing(format, folder, monkeypatch):
    from nllcli.commands.compare.pictured import collecting
    from nllcli.numerics.pictured import collecting as of_one

    def never(*_, **__):
        raise AssertionError("collected for nobody")

    monkeypatch.setattr(collecting, "paired_of", never)
    monkeypatch.setattr(of_one, "collect", never)
    done = nll("compare", *words_of(PLAIN, folder), *format.split(" ", 1))
    assert done.code == 0
    assert '"pictures"' not in done.out


def test_pairs_of_many_models_collect_nothing(folder, monkeypatch):
    from nllcli.commands.compare.pictured import collecting

    monkeypatch.setattr(collecting, "paired_of", None)
    assert nll("compare", *words_of(CASES["three"][0], folder), "-f", "html").code == 0


def test_what_pictures_show_has_no_second_table(folder):
    page = page_of(folder, *words_of(PLAIN, folder))
    headings = re.findall(r"<h2[^>]*>([^<]+)</h2>", page)
    assert "Models" in headings
    assert not {"Per class", "Largest differences"} & {*headings}
    assert "Per class" in page_of(folder, *words_of(CASES["one sample"][0], folder))


def test_a_page_of_tallies_shows_what_tallies_have(folder, monkeypatch):
    monkeypatch.chdir(folder)
    for name, line in (("two", PLAIN), ("many", CASES["three"][0])):
        assert nll("compare", *words_of(line, folder), "-o", f"{name}.tally.json").code == 0
    found = {name: numbers_of(nll("merge", f"{name}.tally.json", "-f", "html").out) for name in ("two", "many")}
    whole = pictures_of(folder, *words_of(PLAIN, folder))
    assert found["two"]["pictures"] == {"classes": whole["classes"]}
    assert list(found["many"]["pictures"]) == ["models"]


# --- the line at the head ---------------------------------------------------------------------------------------------


def strip_of(folder, line):
    page = page_of(folder, *words_of(line, folder))
    return re.findall(r'aria-label="([^"]* on a line from [^"]*)"', page)[:1]


def test_the_difference_stands_on_a_line_between_both(folder):
    (said,) = strip_of(folder, f"{PLAIN} --names old,new")
    pair = numbers_of(page_of(folder, *words_of(PLAIN, folder)))["comparisons"][0]
    reach = 1.15 * max(abs(pair["ci_low"]), abs(pair["ci_high"]))
    numbers = [float(each) for each in re.findall(r"-?\d+\.\d+", said)]
    expected = [pair["loss_difference"], -reach, reach, pair["ci_low"], pair["ci_high"]]
    assert numbers == pytest.approx(expected, abs=5e-4)
    assert "(← new better)" in said
    assert "(old better →)" in said


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("la zeros --from losses", "zeros has the lower loss"),
        ("zeros la --from losses", "zeros has the lower loss"),
        ("two_a two_b -t two_t", "undecided: it may be 0"),
        ("one_a one_b -t one_t", "undecided"),
        (f"{PLAIN} --margin 9", "within the margin"),
    ],
)
def test_the_line_says_what_the_interval_says(line, says, folder):
    (said,) = strip_of(folder, line)
    assert said.endswith(f": {says}")


@pytest.mark.parametrize("name", ["alike", "infinite", "nan", "ignored", "three"])
def test_a_difference_without_a_place_has_no_line(name, folder):
    assert strip_of(folder, CASES[name][0]) == []


# --- seen by a browser ------------------------------------------------------------------------------------------------

LONG = (
    "a-name-of-many-letters-without-any-space-checkpoint-000123000,<b>\u05e9\u05dc\u05d5\u05dd</b> \u732b\u732b\u732b"
)


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
@pytest.mark.skipif(PROGRAM is None, reason="needs Chromium")
def test_words_have_room_on_every_page(folder, tmp_path):
    names = ("plain", "infinite", "infinite under both", "forty classes", "tokens", "one sample", "pairs")
    pages = {name: page_of(folder, *words_of(CASES[name][0], folder)) for name in names}
    pages["long"] = page_of(folder, *words_of(PLAIN, folder), "--names", LONG)
    script = (Path(__file__).parents[1] / "browser/layout.js").read_text(encoding="utf-8")
    checked, _ = told(wrapper(script, f"checkAll({as_script(pages)}, [360, 1280], ['light', 'dark'])"), tmp_path)
    assert checked["breaches"] == []
    assert len(checked["seen"]) == 4 * len(pages)
