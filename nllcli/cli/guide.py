"""What each command's --help begins with, examples to copy, and what it ends with, the exit codes."""

from nllcli.errors import ExitCode

# By command, or "" for nll itself: a line to copy, and what it does.
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "": (
        ("nll compute logits.npy targets.npy", "the loss, by class and by sample"),
        ("nll check logits.npy targets.npy", "what is suspicious about the two"),
        ("nll help compute", "examples and options of a command"),
        ("nll help inputs", "which files, columns and names"),
    ),
    "compute": (
        ("nll compute logits.npy targets.npy", "a page to read"),
        ("nll compute table.csv --target-column label", "all in one table"),
        ("nll compute probs.csv targets.txt --from probs", "probabilities"),
        ("nll compute logits.npy targets.npy -q", "the mean alone"),
        ("nll compute logits.npy targets.npy -o loss.json", "for programs"),
        ("nll compute part.npy truth.npy -o part.tally.json", "for nll merge"),
        ("nll compute logits.npy targets.npy --counts targets", "rare classes"),
        ("nll compute logits.npy targets.npy --require 'loss<0.15'", "or exit code 5"),
        ("nll compute tokens.npy next.npy --shift 1", "a language model"),
    ),
    "softmax": (
        ("nll softmax logits.csv", "a table, or CSV into a pipe"),
        ("nll softmax logits.npy -o probs.npy", "an array"),
        ("nll softmax logits.npy --log -o log_probs.npy", "log-probabilities"),
        ("nll softmax logits.npy --temperature 2.5 -f csv", "less certain ones"),
    ),
    "grad": (
        ("nll grad logits.npy targets.npy", "a table, or CSV into a pipe"),
        ("nll grad logits.npy targets.npy -o grad.npy", "an array"),
        ("nll grad logits.npy targets.npy --reduction sum", "p - target, undivided"),
    ),
    "check": (
        ("nll check logits.npy targets.npy", "what is wrong"),
        ("nll check logits.npy targets.npy -q", "the codes alone"),
        ("nll check logits.npy targets.npy --fail-on error", "warnings pass"),
        ("nll check logits.npy targets.npy --ignore absent-classes", "known of"),
    ),
    "explain": (
        ("nll explain logits.npy targets.npy --row 0", "the first sample"),
        ("nll explain logits.npy targets.npy --hardest 3", "those of the largest loss"),
        ("nll explain tokens.npy next.npy --row '(0, 2)'", "by its position"),
    ),
    "reconcile": (
        ("nll reconcile logits.npy targets.npy --expect 0.7658", "whose number is it?"),
        ("nll reconcile logits.npy targets.npy --expect 1.5 -q", "the commands alone"),
        ("nll help reconciling", "what it tries"),
    ),
    "compare": (
        ("nll compare old.npy new.npy -t y.npy", "is it better?"),
        ("nll compare old.npy new.npy -t y.npy --permutations 9999", "by sign flips too"),
        ("nll compare old.npy new.npy -t y.npy --clusters docs.txt", "by documents"),
        ("nll compare old.npy new.npy -t y.npy --require not-worse", "or exit code 5"),
        ("nll compare base.npy q8.npy q4.npy -t next.npy --shift 1", "language models"),
        ("nll compare old.npy new.npy -t y.npy -o page.html", "pictures"),
        ("nll compare old.npy new.npy -t y.npy -o 3.tally.json", "for nll merge"),
        ("nll help comparing", "when to believe it"),
    ),
    "calibrate": (
        ("nll calibrate logits.npy y.npy", "temperature and errors"),
        ("nll calibrate val.npy val_y.npy -q", "the temperature alone"),
        ("nll calibrate test.npy test_y.npy --temperature 2.5", "is it right here?"),
        ("nll calibrate probs.csv y.npy --from probs --no-fit", "as they are"),
        ("nll calibrate logits.npy y.npy --like torchmetrics", "its ECE"),
        ("nll calibrate logits.npy y.npy --bins 10 -f csv", "the bins, for a plot"),
        ("nll calibrate val.npy val_y.npy --require 'ece<0.02'", "or exit code 5"),
        ("nll help calibrating", "when to believe it"),
    ),
    "weights": (
        ("nll weights --counts 10,50,100", "1/n, the largest 1"),
        ("nll weights --targets targets.txt --scheme balanced", "counted in a file"),
        ("nll weights --counts 10,50,100 --all", "side by side"),
        ("nll weights --counts 10,50,100 -q", "for --weights"),
    ),
    "merge": (
        ("nll merge 'part-*.tally.json'", "the loss of all parts"),
        ("nll merge 'compared-*.tally.json'", "which model is better on all"),
        ("nll merge 'parts/*.tally.json' -f json", "thousands of parts"),
        ("nll merge @parts.txt -o run.tally.json", "listed; a tally again"),
    ),
    "report": (
        ("nll report logits.npy y.npy -o report.html", "a page with pictures"),
        ("nll report logits.npy y.npy", "tables with bars"),
        ("nll report logits.npy y.npy --only hardest", "one of them"),
        ("nll report logits.npy y.npy --only losses -o 1.svg", "drawn"),
        ("nll report logits.npy y.npy -f json", "every number"),
        ("nll report part.npy truth.npy -o 1.tally.json", "for nll merge"),
        ("nll help pictures", "how to read them"),
    ),
    "help": (
        ("nll help compute", "examples and options of a command"),
        ("nll help inputs", "which files, columns and names"),
    ),
}

_DATA = {"merge": "the tallies are wrong or do not fit together, or --partial left some out"}
# What else ends with the exit code of a condition that does not hold.
_CONDITIONS = {
    "calibrate": "-q has no temperature to print, or ",
    "check": "an error or a warning was found (see --fail-on), or ",
    "reconcile": "no convention gives the number, or ",
}


def example_lines(command: str) -> str:
    """The examples of a command, what they do in a column of its own."""
    examples = EXAMPLES[command]
    width = max(len(line) for line, _ in examples)
    return "".join(f"  {line:{width}}  # {about}\n" for line, about in examples)


def exit_codes(command: str) -> list[tuple[str, str]]:
    """The exit codes of a command that is left alone, with what they mean."""
    meanings = {
        ExitCode.DONE: "done",
        ExitCode.USAGE: "wrong usage",
        ExitCode.DATA: _DATA.get(command, "the data is wrong"),
        ExitCode.FAULT: "reading, writing or memory failed",
    }
    if command != "help":
        meanings[ExitCode.CONDITION] = f"{_CONDITIONS.get(command, '')}a --require fails"
    return [(str(int(code)), meaning) for code, meaning in meanings.items()]
