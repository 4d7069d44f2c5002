"""What nll report makes of its words, and of data that is awkward to draw."""

import json
import shlex
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from in_process import nll
from predictions import sound

import nllcli

PETS = "samples/pets/logits.csv samples/pets/targets.txt"
DIGITS = "samples/digits/mlp.npy samples/digits/targets.npy"
EVERY = ["losses", "lorenz", "risk", "classes", "confusions", "reliability", "claimed", "temperature", "hardest"]


@pytest.fixture(autouse=True)
def beside_the_samples(tmp_path, monkeypatch):
    (tmp_path / "samples").symlink_to(Path(__file__).parents[2] / "samples")
    monkeypatch.chdir(tmp_path)


def report(words):
    return nll("report", *shlex.split(words))


def pictures(words):
    return report(f"{words} -f json").json["pictures"]


def json_of(page):
    """The pictures in the JSON of a page."""
    return json.loads(unescape(page.partition('class="json"><code>')[2].partition("</code>")[0]))["pictures"]


def arrays(logits, targets):
    np.save("x.npy", logits)
    np.save("y.npy", targets)
    return "x.npy y.npy"


def test_all_pictures_of_many_samples():
    found = pictures(DIGITS)
    assert list(found) == EVERY
    for picture in found.values():
        assert picture["question"].endswith("?")
        assert picture["answer"].endswith(".")
        assert picture["rows"]


def test_the_pictures_of_few_samples():
    assert list(pictures(PETS)) == ["softmax", "curve", "losses", "classes", "confusions", "hardest"]


@pytest.mark.parametrize("format", ["table", "markdown"])
def test_pages_ask_and_answer(format):
    page = report(f"{DIGITS} -f {format}").out.replace("*", "")
    for picture in pictures(DIGITS).values():
        assert picture["question"] in page
        assert picture["answer"] in page.replace("\\", "")


def test_one_picture():
    assert list(pictures(f"{DIGITS} --only hardest")) == ["hardest"]
    assert list(pictures(f"{DIGITS} --only hardest,losses --only risk")) == ["losses", "risk", "hardest"]


def test_one_picture_as_csv():
    lines = report(f"{DIGITS} --only confusions -f csv").out.splitlines()
    assert lines[:2] == ["class,taken_for,count,share_of_class", "8,1,4,0.04597701149425287"]


def test_a_number_of_a_picture():
    assert report(f"{DIGITS} --print pictures.losses.n_large").out == "21\n"
    assert report(f"{DIGITS} --only reliability --require pictures.reliability.ece<0.02").code == 5
    assert report(f"{DIGITS} -q").out == nll("compute", *shlex.split(DIGITS), "-q").out


def test_how_many_of_the_hardest():
    rows = pictures(f"{DIGITS} --only hardest --hardest 3")["hardest"]["rows"]
    assert [row["sample"] for row in rows] == ["row 207", "row 809", "row 727"]


def test_the_curve_is_left_out_where_it_is_not_wanted():
    assert "temperature" not in pictures(f"{DIGITS} --no-temperature-curve")


def test_the_curve_of_many_logits_has_to_be_asked_for(monkeypatch):
    import nllcli.numerics.pictured as room

    monkeypatch.setattr(room, "MOST_TEMPERED", 8989)
    assert "temperature" not in pictures(DIGITS)
    assert "temperature" in pictures(f"{DIGITS} --temperature-curve")


@pytest.mark.parametrize(
    ("words", "told", "remedy"),
    [
        ("--only loses", "there is no picture 'loses'; did you mean losses?", "--only losses"),
        ("--only hardest,risc", "there is no picture 'risc'; did you mean risk?", "--only hardest,risk"),
        ("--label-smoothing 0.1 --only curve", "there is no picture 'curve' of these samples", "--label-smoothing 0.1"),
        ("-f csv", "csv holds one table, and every picture has one", "-f csv --only losses"),
        ("-f csv --only losses,hardest", "csv holds one table, and every picture has one", "-f csv --only losses"),
    ],
)
def test_refusals_with_a_way_out(words, told, remedy):
    run = report(f"{PETS} {words}")
    assert run.code == 2
    assert told in run.err
    lines = [line.partition("  #")[0] for line in run.err.splitlines() if line.startswith("try: ")]
    assert lines[0].endswith(remedy)
    for line in lines:
        followed = nll(*shlex.split(line.removeprefix("try: nll ")))
        assert followed.code == 0 or "hardest,risk" in line


def test_a_picture_that_is_nowhere_near():
    run = report(f"{PETS} --only pie")
    assert run.code == 2
    assert "one of: softmax, curve, surprises" in run.err


# --- awkward data --------------------------------------------------------------------------------------------------


def test_infinite_losses_are_told_apart():
    logits, targets = sound(0, 60, 4)
    logits[[3, 7], targets[[3, 7]]] = -np.inf
    found = pictures(arrays(logits, targets))
    assert "2 samples lose infinitely much" in found["losses"]["answer"]
    assert found["losses"]["n_infinite"] == 2
    assert sum(row["count"] for row in found["losses"]["rows"]) == 58
    assert "share_of_loss" not in found["losses"]["rows"][0]
    assert not {"lorenz", "temperature"} & found.keys()
    assert found["hardest"]["answer"].endswith("loses infinitely much.")
    assert "infinitely much" in found["classes"]["answer"]


def test_every_loss_infinite():
    logits, targets = sound(0, 30, 3)
    logits[np.arange(30), targets] = -np.inf
    assert pictures(arrays(logits, targets))["losses"]["answer"] == (
        "Every one of them loses infinitely much: its class had probability 0."
    )


def test_rows_without_a_number_are_nowhere():
    logits, targets = sound(0, 40, 3)
    logits[5] = np.nan
    found = pictures(f"{arrays(logits, targets)} --on-nonfinite nan")
    assert sum(row["count"] for row in found["losses"]["rows"]) == 39
    assert sum(row["count"] for row in found["reliability"]["rows"]) == 39
    assert "row 5" not in {row["sample"] for row in found["hardest"]["rows"]}


def test_soft_targets_have_no_class_to_be_taken_for_another():
    logits, targets = sound(0, 40, 3)
    found = pictures(arrays(logits, np.eye(3)[targets] * 0.8 + 0.2 / 3))
    assert list(found) == ["losses", "lorenz", "temperature", "hardest"]
    assert "probability" not in found["losses"]["answer"]
    assert found["hardest"]["rows"][0].keys() == {"sample", "loss", "share"}


def test_one_number_a_token():
    np.save("x.npy", -np.random.default_rng(0).exponential(2, (5, 8)))
    found = pictures("x.npy --from token-log-probs")
    assert list(found) == ["positions", "losses", "lorenz", "hardest"]
    assert found["lorenz"]["question"] == "How few tokens make the loss?"


@pytest.mark.parametrize(
    ("n", "answer"),
    [(1, "There is one: 0.6931 nats."), (2, "Hardly: all samples lose about 0.6931 nats.")],
)
def test_samples_that_are_alike(n, answer):
    assert pictures(arrays(np.zeros((n, 2)), np.zeros(n, int)))["losses"]["answer"] == answer


def test_no_loss_at_all():
    logits = np.full((20, 3), -1e4)
    logits[:, 1] = 0
    found = pictures(arrays(logits, np.ones(20, int)))
    assert found["losses"]["answer"] == "They are not: every one is 0."
    assert found["classes"]["answer"] == "None does: every class loses 0."
    assert not {"lorenz", "confusions", "hardest"} & found.keys()


def test_nothing_counted():
    logits, _ = sound(0, 20, 3)
    run = report(f"{arrays(logits, np.full(20, -100))} -f json")
    assert "pictures" not in json.loads(run.out)
    assert "every target is -100" in run.err


def test_losses_beyond_the_bins():
    logits = 1e5 * np.random.default_rng(0).normal(size=(40, 5))
    found = pictures(arrays(logits, np.arange(40) % 5))
    assert found["losses"]["answer"].startswith("Half of the samples lose more than 10,000 nats.")


def test_weights_below_0_have_no_shares():
    logits, targets = sound(0, 60, 3)
    weights = np.random.default_rng(0).choice([-1.0, 0.5, 2.0], 60)
    np.savetxt("w.txt", weights)
    found = pictures(f"{arrays(logits, targets)} --sample-weights w.txt")
    assert not {"reliability", "lorenz", "temperature"} & found.keys()
    assert all("share" not in found[key] and "share_of_loss" not in found[key] for key in ("losses", "hardest"))
    assert "loses most on average" in found["classes"]["answer"]
    np.savetxt("w.txt", abs(weights))
    assert "reliability" in pictures("x.npy y.npy --sample-weights w.txt")


def test_a_loss_beyond_any_probability_is_on_the_curve():
    logits = np.array([[0.0, 2e4], [1.0, 0.0]])
    found = pictures(arrays(logits, np.array([0, 0])))
    assert found["curve"]["p"] == 0.0
    assert found["curve"]["loss"] == 2e4


def test_the_line_of_a_loss_worse_than_guessing_ends_with_it():
    from nllcli.commands.compute.pictures import strip_of

    better = strip_of(nllcli.compute([[2.0, 0.0], [0.0, 2.0]], [0, 1]))
    assert (better.high, better.high_label) == (np.log(2), "0.6931: guessing")
    assert better.says == "18.3 % of what guessing loses"
    worse = strip_of(nllcli.compute([[0.0, 6.0], [6.0, 0.0]], [0, 1]))
    assert (worse.value, worse.high, worse.high_label) == (worse.high, worse.high, "as it is")
    assert worse.says == "8.66 times what guessing loses, 0.6931"


def test_weights_are_named():
    logits, targets = sound(0, 40, 3)
    found = pictures(f"{arrays(logits, targets)} --counts targets")
    assert "with its weight" in found["hardest"]["answer"]
    page = report("x.npy y.npy --counts targets").out
    assert "share of the weighted loss" in page


def test_thousands_of_classes_are_cut_with_a_word():
    logits, targets = sound(0, 100, 2000)
    found = report(f"{arrays(logits, targets)} --only classes -f markdown").out
    assert len([line for line in found.splitlines() if line.startswith("| ")]) < 50
    page = report("x.npy y.npy -o page.html")
    assert page.code == 0
    assert "classes that bring most; nll compute --per-class -f csv has all" in Path("page.html").read_text()


def test_shares_add_up_over_a_merge():
    logits, targets = sound(0, 120, 4)
    for i, part in enumerate((slice(0, 50), slice(50, 120))):
        arrays(logits[part], targets[part])
        assert report(f"x.npy y.npy -o {i}.tally.json").code == 0
    whole = pictures(arrays(logits, targets))
    assert nll("merge", "1.tally.json", "0.tally.json", "-o", "merged.html").code == 0
    merged = json_of(Path("merged.html").read_text())
    assert list(merged) == list(whole)
    for key in ("losses", "lorenz", "risk", "classes", "confusions", "reliability", "claimed", "temperature"):
        assert merged[key] == whole[key]
    assert [row["loss"] for row in merged["hardest"]["rows"]] == [row["loss"] for row in whole["hardest"]["rows"]]


def test_a_merge_of_tallies_without_pictures_says_so():
    nll("compute", *shlex.split(PETS), "-o", "a.tally.json")
    run = nll("merge", "a.tally.json", "-o", "page.html")
    assert run.code == 0
    assert "a.tally.json holds no sums for pictures: nll report writes tallies that do" in run.err


@pytest.fixture
def two_files():
    """Two files of logits and targets, and the pictures of both."""
    logits, targets = sound(3, 90, 4)
    for i, part in enumerate((slice(0, 40), slice(40, 90))):
        np.save(f"x-{i}.npy", logits[part])
        np.save(f"y-{i}.npy", targets[part])
    return _without_foot("whole.html", "compute", "x-*.npy", "y-*.npy")


def _without_foot(path, *words):
    assert nll(*words, "-o", path).code == 0
    return Path(path).read_text().partition("Where these numbers come from")[0]


def test_files_that_were_done_without_pictures_are_done_again(two_files):
    nll("compute", "x-0.npy", "y-0.npy", "--resume", "done", "-q")
    words = ("compute", "x-*.npy", "y-*.npy", "--resume", "done")
    assert _without_foot("page.html", *words) == two_files
    run = nll(*words, "-o", "again.html")
    assert "2 of 2 files done before" in run.err
    assert _without_foot("again.html", *words) == two_files


def test_pictures_of_files_done_before_are_in_no_tally_of_sums_alone(two_files):
    assert two_files
    nll("compute", "x-0.npy", "y-0.npy", "--resume", "done", "-o", "page.html")
    done = nll("compute", "x-*.npy", "y-*.npy", "--resume", "done", "-f", "tally")
    assert "pictures" not in json.loads(done.out)["tally"]


def test_one_picture_in_a_file_is_chosen_by_name():
    run = report(f"{DIGITS} -f svg")
    assert run.code == 2
    lines = [line.removeprefix("try: nll ") for line in run.err.splitlines() if line.startswith("try: ")]
    assert len(lines) == 7
    for line in lines:
        assert nll(*shlex.split(line, comments=True)).out.startswith("<svg ")


@pytest.mark.parametrize("command", ["compute", "check", "softmax", "grad", "calibrate"])
def test_other_commands_write_no_picture_alone(command):
    files = PETS if command != "softmax" else PETS.split(maxsplit=1)[0]
    run = nll(command, *shlex.split(files), "-o", "x.svg")
    assert run.code == 2
    assert "hint: -o FILE.html writes all of it as a page; nll report --only losses -o FILE.svg one picture" in run.err
    assert not Path("x.svg").exists()


# --- found by looking ---------------------------------------------------------------------------------------------


def test_a_padded_end_of_all_sequences():
    logits, targets = sound(0, 4, 512, 5)
    targets[:, 12:] = -100
    found = pictures(arrays(logits, targets))["positions"]
    assert (found["rows"][0]["first"], found["rows"][-1]["last"]) == (0, 11)


def test_many_of_the_hardest():
    logits, targets = sound(0, 200, 4)
    for k in (17, 64, 100, 200, 300):
        found = pictures(f"{arrays(logits, targets)} --hardest {k} --only lorenz,hardest")
        assert len(found["hardest"]["rows"]) == min(k, 200)
        assert len(found["lorenz"]["rows"]) <= 65


def test_a_sum_beyond_float64():
    logits = np.zeros((20, 2))
    logits[:, 1] = 1.7e308
    found = pictures(f"{arrays(logits, np.zeros(20, int))} --only lorenz,hardest")
    assert found["hardest"]["share"] == 0.5
    assert found["lorenz"]["half_n_low"] == 10


@pytest.mark.parametrize("reduction", ["none", "sum"])
def test_one_sample_is_told_whatever_the_reduction(reduction):
    found = pictures(f"{arrays(np.zeros((1, 2)), np.array([0]))} --reduction {reduction}")
    assert found["losses"]["answer"] == "There is one: 0.6931 nats."


def test_a_drawing_of_samples_is_of_few_of_them():
    logits, targets = sound(0, 300, 3)
    assert "curve" not in pictures(f"{arrays(logits, targets)} --reduction none")


def test_weights_of_0_make_no_loss_0():
    np.savetxt("w.txt", np.zeros(20))
    found = pictures(f"{arrays(np.zeros((20, 5)), np.arange(20) % 5)} --sample-weights w.txt")
    assert found["losses"]["answer"] == "Hardly: all samples lose about 1.6094 nats."


def test_keys_name_the_hardest_samples():
    logits, targets = sound(0, 30, 3)
    rows = [f"img_{i}," + ",".join(map(str, row)) for i, row in enumerate(logits.tolist())]
    Path("x.csv").write_text("\n".join(["id,a,b,c", *rows, ""]))
    Path("y.csv").write_text("\n".join(["id,label", *(f"img_{i},{'abc'[c]}" for i, c in enumerate(targets)), ""]))
    found = pictures("x.csv y.csv --id id --only hardest")["hardest"]["rows"]
    plain = pictures(f"{arrays(logits, targets)} --only hardest")["hardest"]["rows"]
    assert [row["sample"] for row in found] == [row["sample"].replace("row ", "img_") for row in plain]


def test_sequences_of_a_part_of_the_tokens_are_not_those_of_all():
    for seed, name, shape in ((1, "a", (4, 16)), (2, "b", (64,))):
        np.save(f"{name}.npy", -np.random.default_rng(seed).exponential(2, shape))
        assert report(f"{name}.npy --from token-log-probs -o {name}.tally.json").code == 0
    assert nll("merge", "a.tally.json", "b.tally.json", "-o", "ab.tally.json").code == 0
    assert nll("merge", "ab.tally.json", "-o", "page.html").code == 0
    page = Path("page.html").read_text()
    assert "along the way" not in page
    assert "How are the losses spread?" in page


def test_several_pictures_in_a_file_of_one():
    run = report(f"{DIGITS} --only classes,losses -o both.svg")
    assert run.code == 2
    assert "svg holds one picture, and here are 2" in run.err


def test_a_page_of_many_classes_of_several_models_is_small():
    rng = np.random.default_rng(0)
    for name in "abcd":
        np.save(f"{name}.npy", rng.normal(size=(2000, 1000)).astype("f4"))
    np.save("y.npy", np.arange(2000) % 1000)
    assert nll("compare", *(f"{name}.npy" for name in "abcd"), "-t", "y.npy", "-o", "page.html").code == 0
    assert Path("page.html").stat().st_size < 500_000
