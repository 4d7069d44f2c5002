"""--print KEY: one number of the JSON, in full."""

import json

import pytest
from commands import COMMANDS, PETS
from in_process import nll


@pytest.mark.parametrize("command", COMMANDS)
def test_every_number_and_text_of_the_json(command):
    """Those that are neither are asked for one by one: each has its own answer."""
    words = COMMANDS[command]
    report = nll(*words, "-f", "json").json
    shown = {key: value for key, value in report.items() if isinstance(value, int | float | str)}
    done = nll(*words, "--print", ",".join(shown))
    for line, value in zip(done.out.removesuffix("\n").split("\n"), shown.values(), strict=True):
        assert (line if isinstance(value, str) else json.loads(line)) == value
    for key in report.keys() - shown.keys():
        done = nll(*words, "--print", key)
        assert (done.code, done.out) == (2, "")
        told = f"nll: error: the JSON has no single number under {key!r} here\nhint: it has some under "
        assert done.err.startswith(f"{told}schema_version, ")


@pytest.mark.parametrize(
    "words", [("--print", "loss", "--print", "n_samples"), ("--print", "loss,n_samples")], ids=" ".join
)
def test_several_numbers_come_one_a_line_in_the_order_asked(words):
    assert nll("compute", *PETS, *words).out == nll("compute", *PETS, "-q").out + "3\n"


def test_a_number_that_json_lacks_is_printed(tmp_path):
    (tmp_path / "p.csv").write_text("0.5,0.5\n0,1\n1,0\n")
    (tmp_path / "y.txt").write_text("0\n0\n0\n")
    done = nll("compute", tmp_path / "p.csv", tmp_path / "y.txt", "--from", "probs", "--print", "loss")
    assert (done.code, done.out) == (0, "inf\n")
    assert "--clip auto makes it finite" in done.err


def test_notices_and_exit_codes_stay(tmp_path):
    (tmp_path / "p.csv").write_text("0.7,0.2,0.1\n" * 4)
    (tmp_path / "y.txt").write_text("0\n" * 4)
    done = nll("check", tmp_path / "p.csv", tmp_path / "y.txt", "--print", "n_errors")
    assert (done.code, done.out) == (5, "1\n")


@pytest.mark.parametrize(
    ("words", "told", "lines"),
    [
        (("--print", "perplxity"), "the JSON has no 'perplxity'", ["--print perplexity"]),
        (("--print", "loss,bit"), "the JSON has no 'bit'", ["--print loss,bits"]),
        (("--print", "losss", "--print", "bits"), "the JSON has no 'losss'", ["--print loss,bits"]),
    ],
)
def test_a_slip(words, told, lines):
    done = nll("compute", *PETS, *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == [f"nll: error: {told}", *(f"try: nll compute {' '.join(PETS)} {x}" for x in lines)]
    assert [nll("compute", *PETS, *line.split()).code for line in lines] == [0]


def test_an_unknown_key_lists_those_there_are():
    done = nll("compute", *PETS, "--print", "speed")
    assert done.err.startswith("nll: error: the JSON has no 'speed'\nhint: one of: schema_version, command, version, ")


def test_two_ways_to_say_which_numbers():
    done = nll("compute", *PETS, "-q", "--print", "bits")
    assert done.err.splitlines() == [
        "nll: error: --print and --quiet exclude each other",
        f"try: nll compute {' '.join(PETS)} --print bits  # the numbers named",
        f"try: nll compute {' '.join(PETS)} -q  # those of the command",
    ]
    assert [nll("compute", *PETS, *words).code for words in (("--print", "bits"), ("-q",))] == [0, 0]
