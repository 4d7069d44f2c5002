"""People's own files: the right number at once, or after a pasted line or two; never another number unasked."""

import mpmath
import oracle
import pytest
from following import inside, offered, outcomes
from forms.cases import cases
from in_process import nll


def loss_of(form):
    if form.probs:
        losses = [-mpmath.log(float(row[label])) for row, label in zip(form.rows, form.labels, strict=True)]
    else:
        losses = [-oracle.log_softmax(row)[label] for row, label in zip(form.rows, form.labels, strict=True)]
    return float(mpmath.fsum(losses) / len(losses))


@pytest.mark.parametrize("form", cases(), ids=lambda form: form.name)
def test_form(form, tmp_path):
    for name, data in form.files.items():
        (tmp_path / name).write_bytes(data)
    expected = pytest.approx(loss_of(form), rel=1e-12)
    with inside(tmp_path):
        done = nll(*form.words)
        assert "Traceback" not in done.err
        assert form.says in done.err
        if form.verdict == "right":
            assert done.code == 0, done.err
            assert float(done.out) == expected
            return
        assert done.code != 0, (done.out, done.err)
        ends = list(outcomes(done))
        right = [steps for steps, number in ends if number == expected]
        assert bool(right) == (form.verdict == "asked"), (done.err, ends)
        if len(offered(done)) == 1:
            assert len(right) > 0
