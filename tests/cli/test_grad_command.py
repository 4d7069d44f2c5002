import math

import pytest
from in_process import nll

PETS = ["samples/pets/logits.csv", "samples/pets/targets.txt"]


def test_quiet_is_the_numbers_row_by_row():
    printed = nll("grad", *PETS, "-q", "--reduction", "sum").out.splitlines()
    expected = []
    for row, y in [([5, 4, 2], 0), ([4, 2, 8], 2), ([4, 4, 1], 1)]:
        total = math.fsum(map(math.exp, row))
        expected += [math.exp(x) / total - (c == y) for c, x in enumerate(row)]
    assert [float(line) for line in printed] == pytest.approx(expected, rel=1e-12)


def test_quiet_into_a_file(tmp_path):
    run = nll("grad", *PETS, "-q", "-o", tmp_path / "numbers.txt")
    assert (run.code, run.out) == (0, "")
    assert (tmp_path / "numbers.txt").read_text(encoding="utf-8") == nll("grad", *PETS, "-q").out


def test_the_way_from_probabilities_to_their_gradient(tmp_path):
    """As the hint says: their logarithms are logits, and the gradient by those is (p - y) / N."""
    (tmp_path / "p.csv").write_text("cat,dog,horse\n0.5,0.25,0.25\n0.125,0.125,0.75\n0.5,0.25,0.25\n")
    saved = tmp_path / "logits.npy"
    targets = PETS[1]
    assert nll("compute", tmp_path / "p.csv", targets, "--from", "probs", "--save-log-probs", saved).code == 0
    printed = nll("grad", saved, targets, "--classes", "cat,dog,horse", "-q").out.split()
    rows = [(0.5 - 1, 0.25, 0.25), (0.125, 0.125, 0.75 - 1), (0.5, 0.25 - 1, 0.25)]
    assert [float(text) for text in printed] == pytest.approx([value / 3 for row in rows for value in row], rel=1e-14)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["--from", "probs"], "the gradient is by logits; the file holds probs\nhint: log-probabilities are logits"),
        (["--clip", "1e-7"], "--clip makes the loss flat in places"),
    ],
    ids=["--from", "--clip"],
)
def test_settings_without_a_gradient_are_refused_by_name(settings, message):
    run = nll("grad", *PETS, *settings)
    assert (run.code, run.out) == (2, "")
    assert message in run.err
