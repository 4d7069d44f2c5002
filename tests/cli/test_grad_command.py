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


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["--from", "probs"], "the gradient is by logits; the file holds probs"),
        (["--clip", "1e-7"], "--clip makes the loss flat in places"),
    ],
    ids=["--from", "--clip"],
)
def test_settings_without_a_gradient_are_refused_by_name(settings, message):
    run = nll("grad", *PETS, *settings)
    assert (run.code, run.out) == (2, "")
    assert message in run.err
