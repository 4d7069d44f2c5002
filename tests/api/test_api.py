"""What the Python interface accepts and refuses, and how a result names its settings."""

import math
import pickle
from dataclasses import fields
from inspect import signature

import numpy as np
import oracle
import pytest

import nllcli
from nllcli.data.settings import LossOptions

LOGITS = [[1.0, 2.0, 0.5], [0.25, -1.0, 3.0]]


@pytest.mark.parametrize("function", [nllcli.softmax, nllcli.log_softmax], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("logits", "options", "message"),
    [
        (LOGITS, {"temperature": 0.0}, "temperature"),
        (LOGITS, {"temperature": -1.0}, "temperature"),
        (LOGITS, {"temperature": math.nan}, "temperature"),
        (LOGITS, {"axis": 2}, "axis 2"),
        ([["a", "b"]], {}, "not real numbers"),
        ([[1j, 2.0]], {}, "not real numbers"),
        (3.0, {}, "single number"),
        (np.empty((3, 0)), {}, r"shape \(3, 0\) have no classes on axis -1"),
        (np.empty((0, 3)), {"axis": 0}, r"shape \(0, 3\) have no classes on axis 0"),
    ],
    ids=["zero", "negative", "nan", "axis", "strings", "complex", "0-d", "no classes", "no classes on axis 0"],
)
def test_softmax_refuses(function, logits, options, message):
    with pytest.raises(nllcli.NllError, match=message):
        function(logits, **options)


@pytest.mark.parametrize("function", [nllcli.softmax, nllcli.log_softmax], ids=lambda f: f.__name__)
@pytest.mark.parametrize(("shape", "axis"), [((0, 3), 1), ((2, 0, 3), 2), ((3, 0), 0)], ids=str)
def test_softmax_of_no_rows_is_an_array_without_any(function, shape, axis):
    """As NumPy's functions of one axis have it: the shape stays."""
    found = function(np.empty(shape, np.float32), axis=axis)
    assert (found.shape, found.dtype) == (shape, np.float64)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": 0}, "threads"),
        ({"on_nonfinite": "ignore"}, "on_nonfinite"),
        ({"clip": "much"}, "much"),
        ({"clip": 0.75}, "clip"),
    ],
    ids=str,
)
def test_compute_refuses(options, message):
    with pytest.raises(nllcli.NllError, match=message):
        nllcli.compute(LOGITS, [0, 1], **options)


def test_a_target_between_two_classes_is_named_with_its_row():
    with pytest.raises(nllcli.NllError, match=r"targets, row 1: target 1\.5 is not a class index"):
        nllcli.compute(LOGITS, [0, 1.5])


def test_clip_auto_is_the_machine_epsilon_of_the_logits():
    logits = np.array([[200.0, 0.0]], np.float32)
    assert nllcli.compute(logits, [1], clip="auto").loss == pytest.approx(23 * math.log(2), rel=1e-15)


def test_signatures_tell_weights_apart():
    def signature(**options):
        return nllcli.compute(LOGITS, [0, 1], **options).signature

    assert "|weights:1,2,0.5|" in signature(class_weights=[1.0, 2.0, 0.5])
    ways = [signature(sample_weights=weights) for weights in (None, [1.0, 2.0], [2.0, 3.0])]
    assert len(set(ways)) == 3
    assert signature(sample_weights=np.array([1, 2])) == ways[1]


def test_signatures_name_the_axis_of_the_classes_where_it_is_not_the_last():
    square = np.eye(3)
    assert "class-axis" not in nllcli.compute(square, [0, 1, 2]).signature
    assert "|class-axis:0|" in nllcli.compute(square, [0, 1, 2], class_axis=0).signature


def test_a_long_double_beyond_float64_is_infinite_without_a_warning(recwarn):
    """long double holds what float64 does not: infinity, refused as such."""
    if np.finfo(np.longdouble).max == np.finfo(np.float64).max:
        pytest.skip("long double is float64 here")
    with pytest.raises(nllcli.NllError, match=r"\+inf"):
        nllcli.compute(np.array([[0, "1e4000"]], np.longdouble), [0])
    assert not recwarn.list


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
def test_a_signalling_nan_is_refused_without_a_warning(recwarn, dtype):
    bits = {np.uint16: (0x7D00, np.float16), np.uint32: (0x7FA00000, np.float32)}[dtype]
    logits = np.array([[bits[0], 0]], dtype).view(bits[1])
    for refusing in (lambda: nllcli.compute(logits, [1]), lambda: nllcli.softmax(logits)):
        with pytest.raises(nllcli.NllError, match="NaN"):
            refusing()
    assert not recwarn.list


def test_huge_weights_overflow_without_a_warning(recwarn):
    found = nllcli.compute(LOGITS, [0, 1], class_weights=[1e308] * 3, sample_weights=[10.0, 10.0], reduction="sum")
    assert found.loss == math.inf
    assert not recwarn.list
    losses = [1e308 * float(loss) for loss in oracle.losses(LOGITS, [0, 1])]
    assert nllcli.compute(LOGITS, [0, 1], class_weights=[1e308] * 3).loss_sum == pytest.approx(math.fsum(losses))


def test_softmax_of_a_list():
    expected = [[float(p) for p in oracle.softmax(row)] for row in LOGITS]
    np.testing.assert_allclose(nllcli.softmax(LOGITS), expected, rtol=1e-15)
    np.testing.assert_allclose(nllcli.log_softmax(LOGITS), np.log(expected), rtol=1e-14)


def test_the_signature_shows_every_option_of_the_loss():
    parameters = signature(nllcli.compute).parameters
    for field in fields(LossOptions):
        assert parameters[field.name].default == field.default


SQUARE = np.zeros((2, 3, 3))
REFUSED = [
    ((SQUARE, np.zeros((2, 3), int)), {}, "try: class_axis=1  # the classes are on axis 1 try: class_axis=2"),
    (([1.0, 2.0], [0, 1]), {}, "binary=True"),
    (([[math.nan, 1.0]], [0]), {}, "on_nonfinite='nan'"),
    (([[2.0, 1.0]], [0]), {"source": "probs"}, "source"),
    ((LOGITS, [0, 1]), {"clip": "much"}, "clip"),
    (([-1.0, -2.0],), {"temperature": 2.0, "source": "token-log-probs"}, "temperature"),
    ((LOGITS, [0, 9]), {}, "target 9"),
    ((LOGITS, [0, 1, 2]), {}, "targets"),
]


@pytest.mark.parametrize(("arrays", "options", "words"), REFUSED)
def test_errors_of_compute_speak_python(arrays, options, words):
    """What a notebook shows of an error names keywords, never flags."""
    with pytest.raises(nllcli.NllError) as caught:
        nllcli.compute(*arrays, **options)
    told = " ".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
    assert words in told
    assert "--" not in told
    assert "⟦" not in told + repr(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_an_unknown_keyword_is_refused_by_name():
    with pytest.raises(TypeError, match=r"compute\(\) got an unexpected keyword argument 'reduktion'"):
        nllcli.compute(LOGITS, [0, 1], reduktion="sum")


def test_no_index_to_ignore_is_the_default():
    assert nllcli.compute(LOGITS, [0, -100], ignore_index=None).n_counted == 1


def test_errors_of_class_weights_speak_python():
    with pytest.raises(nllcli.NllError) as caught:
        nllcli.class_weights([1, 0])
    assert caught.value.__notes__ == ["zero_count='zero' gives a class without samples the weight 0"]


def test_results_with_arrays_compare_and_hash():
    one, other = (nllcli.compute([[1.0, 2.0]], [0], reduction="none") for _ in range(2))
    assert one == one  # noqa: PLR0124
    assert len({one, other}) == 2


@pytest.mark.parametrize(
    ("logits", "targets", "options"),
    [([1.0, 2.0], [0, 1], {"binary": True}), ([3.0], [0], {"binary": True})],
    ids=["several", "one logit"],
)
def test_integers_in_the_shape_of_one_logit_a_sample_are_classes(logits, targets, options):
    assert nllcli.compute(logits, targets, **options).n_counted == len(targets)


def test_integers_one_a_class_are_one_hot_rows():
    assert nllcli.compute([[1.0, 2.0]], [[0, 1]]).loss == pytest.approx(math.log1p(math.exp(-1)), rel=1e-14)
    with pytest.raises(nllcli.NllError, match="1, 1 is not one-hot"):
        nllcli.compute([[1.0, 2.0]], [[1, 1]])
