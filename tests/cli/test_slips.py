"""A mistyped command, option or choice: the line to try is the one that was typed, with that word as it was meant."""

import shlex

import pytest
from in_process import nll

PETS = "samples/pets/logits.csv samples/pets/targets.txt"


@pytest.mark.uncounted
@pytest.mark.parametrize(
    ("typed", "told", "meant"),
    [
        ("wieghts --counts 1,2", "no such command 'wieghts'", "weights --counts 1,2"),
        ("softmx samples/pets/logits.csv", "no such command 'softmx'", "softmax samples/pets/logits.csv"),
        ("hlep compute", "no such command 'hlep'", "help compute"),
        (f"compute {PETS} --json", "no such option: --json", f"compute {PETS} --format json"),
        (f"compute --log-probs {PETS}", "no such option: --log-probs", f"compute --from log-probs {PETS}"),
        *(
            (f"compute {typed}", f"no such option: {option}", f"compute {PETS}")
            for option in ("--targets", "--target", "--labels", "--label")
            for typed in (
                f"samples/pets/logits.csv {option} samples/pets/targets.txt",
                f"{option}=samples/pets/targets.txt samples/pets/logits.csv",
            )
        ),
        (
            "compute samples/pets/targets.txt -q --logits samples/pets/logits.csv",
            "no such option: --logits",
            "compute samples/pets/logits.csv samples/pets/targets.txt -q",
        ),
        (
            "compute samples/pets/pets.csv --target animal",
            "no such option: --target",
            "compute samples/pets/pets.csv --target-column animal",
        ),
        (f"compute {PETS} --label 0.1", "no such option: --label", f"compute {PETS} --label-smoothing 0.1"),
        ("--hlep", "no such option: --hlep", "--help"),
        (f"compute {PETS} --no-progres", "no such option: --no-progres", f"compute {PETS} --no-progress"),
        ("--versoin", "no such option: --versoin", "--version"),
        (f"compute {PETS} --smoothing 0.1", "no such option: --smoothing", f"compute {PETS} --label-smoothing 0.1"),
        (f"compute {PETS} --smoothing=0.1", "no such option: --smoothing", f"compute {PETS} --label-smoothing=0.1"),
        (f"compute --temprature 2 {PETS} -q", "no such option: --temprature", f"compute --temperature 2 {PETS} -q"),
        (f"compute {PETS} --weight 1,2,3", "no such option: --weight", f"compute {PETS} --weights 1,2,3"),
        (f"compute {PETS} --quite", "no such option: --quite", f"compute {PETS} --quiet"),
        (
            f"compute {PETS} --weights '1, 2, 3' --per-clas",
            "no such option: --per-clas",
            f"compute {PETS} --weights '1, 2, 3' --per-class",
        ),
        (
            f"compute {PETS} --reduction summ",
            "--reduction summ is unknown; did you mean sum?",
            f"compute {PETS} --reduction sum",
        ),
        (
            f"compute {PETS} -f jsn",
            "--format jsn is unknown; did you mean json?",
            f"compute {PETS} -f json",
        ),
        (
            "weights --counts 1,2 --scheme balance",
            "--scheme balance is unknown; did you mean balanced?",
            "weights --counts 1,2 --scheme balanced",
        ),
        (
            f"check {PETS} --fail-on eror",
            "--fail-on eror is unknown; did you mean error?",
            f"check {PETS} --fail-on error",
        ),
    ],
)
def test_one_that_is_surely_meant(typed, told, meant):
    done = nll(*shlex.split(typed))
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == [f"nll: error: {told}", f"try: nll {meant}"]
    assert nll(*shlex.split(meant)).code == 0


@pytest.mark.parametrize(
    ("typed", "told", "see"),
    [
        ("compute x y --save", "no such option: --save (Possible options: ", "nll compute"),
        ("compute x y --sum", "no such option: --sum", "nll compute"),  # of the reduction, or of the weights?
        ("compute x y --csv", "no such option: --csv", "nll compute"),  # what goes in, or what comes out?
        ("compute x --targets", "no such option: --targets", "nll compute"),
        ("compute x --labels y", "no such option: --labels", "nll compute"),
        ("weights --labels pyproject.toml", "no such option: --labels", "nll weights"),
        ("compute x y --b", "no such option: --b", "nll compute"),
        ("compute x y -z", "no such option: -z", "nll compute"),
        ("compute x y -qz", "no such option: -z", "nll compute"),
        ("compute x y --nonsense", "no such option: --nonsense", "nll compute"),
        ("nonsense", "no such command 'nonsense'", "nll"),
        (
            "compute x y --reduction average",
            "invalid value for '--reduction': 'average' is unknown; one of: ",
            "nll compute",
        ),
    ],
)
def test_one_that_could_be_another_is_left_to_the_help(typed, told, see):
    done = nll(*typed.split())
    first, second = done.err.splitlines()
    assert (done.code, done.out) == (2, "")
    assert first.startswith(f"nll: error: {told}")
    assert second == f"hint: see {see} --help"
