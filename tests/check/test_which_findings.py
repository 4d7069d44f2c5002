"""nll check --ignore and --fail-on: which findings count."""

import pytest
from in_process import nll


@pytest.fixture
def inputs(tmp_path):
    """Probabilities that do not sum to 1, a warning, of two classes of which one is absent, another."""
    (tmp_path / "p.csv").write_text("".join(f"0.7,{2 + i % 7}e-1\n" for i in range(60)))
    (tmp_path / "y.txt").write_text("0\n" * 60)
    return "check", tmp_path / "p.csv", tmp_path / "y.txt", "--from", "probs"


def codes(*words):
    return nll(*words, "-q").out.split()


@pytest.fixture
def found(inputs):
    report = nll(*inputs, "-f", "json")
    assert report.code == 5
    return codes(*inputs)


def test_ignored_findings_are_left_out_and_said_to_be(inputs, found):
    assert {"not-normalised", "absent-classes"} <= set(found)
    rest = [code for code in found if code != "not-normalised"]
    assert codes(*inputs, "--ignore", "not-normalised") == rest
    page = nll(*inputs, "--ignore", "not-normalised").out
    assert "; ignored: not-normalised\n" in page
    assert "sum to 1" not in page


@pytest.mark.parametrize("together", [True, False])
def test_without_findings_that_count_it_ends_with_0(inputs, found, together):
    words = ["--ignore", ",".join(found)] if together else [word for code in found for word in ("--ignore", code)]
    done = nll(*inputs, *words, "-f", "json")
    assert (done.json["findings"], done.json["ignored_findings"]) == ([], found)
    assert done.json["n_findings"] == done.json["n_warnings"] == 0


def test_warnings_may_pass(inputs):
    assert nll(*inputs, "--fail-on", "warning").code == 5
    passed = nll(*inputs, "--fail-on", "error")
    assert (passed.code, passed.out) == (0, nll(*inputs).out)


def test_an_error_always_counts(inputs):
    (inputs[1]).write_text("0.75,0.25\n0.5,0.5\n0.25,0.75\n" * 9)
    (inputs[2]).write_text("0\n0\n1\n" * 9)
    words = ("check", *inputs[1:3], "--fail-on", "error")
    assert "softmax-twice" in codes(*words)
    assert nll(*words).code == 5
    assert "softmax-twice" not in codes(*words, "--ignore", "softmax-twice")


def test_nothing_ignored_is_an_empty_list(inputs):
    assert nll(*inputs, "--fail-on", "error", "-f", "json").json["ignored_findings"] == []


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("softmax-twic", "try: nll check {} {} --from probs --ignore softmax-twice"),
        ("absent-classes,softmax-twic", "try: nll check {} {} --from probs --ignore absent-classes,softmax-twice"),
        ("nonsense", "hint: one of: no-samples, everything-ignored, "),
    ],
)
def test_a_code_that_no_finding_has(inputs, typed, told):
    done = nll(*inputs, "--ignore", typed)
    assert (done.code, done.out) == (2, "")
    first, second = done.err.splitlines()
    assert first == f"nll: error: no finding has the code {typed.split(',')[-1]!r}"
    assert second.startswith(told.format(*inputs[1:3]))
