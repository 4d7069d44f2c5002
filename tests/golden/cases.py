"""The command lines whose output is kept, each under a name; run in a folder with the samples and these inputs."""

import numpy as np

# name -> text of a small input
TEXTS = {
    "ragged.csv": "1,2,3\n4,5\n",
    "nan.csv": "1,2,3\n4,nan,6\n",
    "word.csv": "1,2,3\n4,five,6\n",
    "short.txt": "0\n1\n",
    "far.txt": "0\n1\n7\n",
    "ignored.txt": "0\n-100\n1\n",
    "all_ignored.txt": "-100\n-100\n-100\n",
    "unknown.txt": "cat\ncow\ndog\n",
    "probs.csv": "0.7,0.2,0.1\n0.1,0.2,0.7\n0.25,0.5,0.25\n",
    "halves.csv": "0.5,0.2,0.1\n0.1,0.2,0.7\n0.25,0.5,0.25\n",
    "zero.csv": "0,0.5,0.5\n1,0,0\n0,1,0\n",
    "sigmoid.csv": "2\n-1\n0.5\n",
    "labels.txt": "1\n0\n0\n",
    "weights.csv": "class,weight\nhorse,3\ncat,1\ndog,2\n",
    "sample_weights.txt": "1\n0.5\n2\n",
    "counts.csv": "class,count\ncat,10\ndog,50\nhorse,100\n",
    "names.txt": "Katze\nHund\nPferd\n",
    "empty.csv": "",
    "comma.csv": "1,5;2,5\n3,5;4,5\n",
}

# name -> array of a small input; whole numbers and halves, so that results can be checked by hand
ARRAYS = {
    "language.npy": np.float32([[[2, 0, 1], [0, 3, 0], [1, 1, 1], [0, 0, 2]]] * 2),
    "other.npy": np.float32(
        [[[1, 0, 1], [0, 2, 1], [1, 2, 0], [0, 1, 2]], [[3, 0, 1], [1, 3, 0], [0, 1, 1], [2, 0, 2]]]
    ),
    "third.npy": np.float32(
        [[[0, 0, 1], [0, 1, 0], [2, 0, 1], [1, 0, 0]], [[0, 2, 1], [1, 0, 0], [1, 0, 1], [0, 0, 1]]]
    ),
    "tokens.npy": np.int64([[0, 0, 1, 2], [1, 1, 2, -100]]),
    "image.npy": np.float64([[[1, 2], [0, 0]], [[0, 0], [3, 1]]]),
    "mask.npy": np.int64([[0, 1], [1, 0]]),
    "soft.npy": np.float64([[0.8, 0.1, 0.1], [0, 0, 1], [0.5, 0.5, 0]]),
    "square.npy": np.float64([[1, 2], [3, 4]]),
    "pickled.npy": np.array([None, 1], dtype=object),
    "ten.npy": np.float64([np.arange(10) % 7, np.arange(10) // 5]),
    "digits.npy": np.int64([6, 0]),
    "twenty.npy": np.float64([np.arange(20) % 7, np.arange(20) // 5]),
    "overflow.npy": np.float64([[1e308, -1e308], [0, np.inf]]),
}

PETS = "compute pets/logits.csv pets/targets.txt"
SKEWED = "compute imbalanced/model_a.csv imbalanced/targets.txt"
DIGITS = "compute digits/mlp.npy digits/targets.npy"
CALIBRATE = "calibrate digits/mlp.npy digits/targets.npy"
MODELS = "compare digits/mlp.npy digits/logistic.npy -t digits/targets.npy"

REPORT = "report digits/mlp.npy digits/targets.npy"

CASES = {
    # --- compute: formats and sections
    "compute-table": PETS,
    "compute-json": f"{PETS} -f json",
    "compute-require": f"{PETS} -q --require loss<0.15 --require per_class[dog].accuracy>=0.5 --require bits<1",
    "compute-csv": f"{PETS} -f csv",
    "compute-tsv": f"{PETS} -f tsv",
    "compute-markdown": f"{PETS} -f markdown",
    "compute-quiet": f"{PETS} -q",
    "compute-print": f"{PETS} --print perplexity,accuracy",
    "compute-per-class-csv": f"{PETS} --per-class -f csv",
    "compute-per-sample-csv": f"{PETS} --per-sample -f csv",
    "compute-both-csv": f"{PETS} --per-class --per-sample -f csv",
    "compute-per-sample-json": f"{PETS} --per-sample -f json",
    "compute-large": DIGITS,
    "compute-target-column": "compute pets/pets.csv --target-column animal",
    "usage-targets-twice": f"{PETS} --target-column animal",
    "compute-renamed": "compute probs.csv labels.txt --classes names.txt",
    # --- compute: the loss
    "compute-sum": f"{PETS} --reduction sum -q",
    "compute-none": f"{PETS} --reduction none -q",
    "compute-none-json": f"{PETS} --reduction none -f json",
    "compute-one-vs-rest": f"{PETS} --loss one-vs-rest",
    "compute-argmax": "compute pets/logits.csv --loss argmax",
    "compute-smoothing": f"{PETS} --label-smoothing 0.1 -q",
    "compute-temperature": f"{DIGITS} --temperature 2.5 -q",
    "compute-clip": f"{PETS} --clip 0.1",
    "compute-fast": f"{PETS} --precision fast",
    "compute-probs": "compute probs.csv labels.txt --from probs",
    "compute-log-probs": "compute pets/logits.csv pets/targets.txt --from log-probs",
    "compute-not-normalised": "compute halves.csv labels.txt --from probs -q",
    "compute-infinite": "compute zero.csv labels.txt --from probs -f json",
    "compute-soft": "compute pets/logits.csv soft.npy",
    # --- compute: weights
    "compute-weights": f"{SKEWED} --weights 1,0.2,0.1",
    "compute-weights-file": f"{PETS} --weights weights.csv -f csv",
    "compute-counts-targets": f"{SKEWED} --counts targets",
    "compute-counts-scheme": f"{SKEWED} --counts 10,50,100 --scheme effective --beta 0.9 -q",
    "compute-smoothing-weights": f"{PETS} --weights 1,2,3 --label-smoothing 0.1 -q",
    "compute-sample-weights": f"{PETS} --sample-weights sample_weights.txt",
    # --- compute: shapes
    "compute-ignored": "compute pets/logits.csv ignored.txt",
    "compute-ignore-index": "compute pets/logits.csv labels.txt --ignore-index 0 -f json",
    "compute-all-ignored": "compute pets/logits.csv all_ignored.txt",
    "compute-binary": "compute sigmoid.csv labels.txt --binary",
    "compute-shift": "compute language.npy tokens.npy --shift 1",
    "compute-axis": "compute image.npy mask.npy --class-axis 1",
    # --- softmax and grad
    "softmax": "softmax pets/logits.csv",
    "softmax-table": "softmax pets/logits.csv -f table",
    "softmax-log": "softmax pets/logits.csv --log -f table",
    "softmax-json": "softmax pets/logits.csv --temperature 2 -f json",
    "softmax-binary": "softmax sigmoid.csv --binary -f markdown",
    "grad": f"{PETS.replace('compute', 'grad')}",
    "grad-table": f"{PETS.replace('compute', 'grad')} -f table",
    "grad-weights": f"{PETS.replace('compute', 'grad')} --weights 1,2,3 --reduction sum -f json",
    # --- weights
    "weights": "weights --counts 10,50,100",
    "weights-quiet": "weights --counts 10,50,100 --scheme inverse -q",
    "weights-all": "weights --counts counts.csv --all",
    "weights-all-csv": "weights --counts counts.csv --all -f csv",
    "weights-effective": "weights --counts 10,50,100 --scheme effective --beta 0.99 -f json",
    "weights-targets": "weights --targets imbalanced/targets.txt -f markdown",
    "weights-zero": "weights --counts 10,0,20 --zero-count zero",
    # --- check (exit code 5 where something was found), explain and reconcile
    "check-clean": PETS.replace("compute", "check"),
    "check-found": "check halves.csv labels.txt --from probs",
    "check-ignore": "check halves.csv labels.txt --from probs --ignore not-normalised",
    "check-fail-on": "check halves.csv labels.txt --from probs --fail-on error",
    "check-quiet": "check zero.csv labels.txt --from probs -q",
    "check-json": "check pets/logits.csv all_ignored.txt -f json",
    "explain-row": f"{PETS.replace('compute', 'explain')} --row 1",
    "explain-hardest": f"{PETS.replace('compute', 'explain')} --hardest 1 -f markdown",
    "explain-unchosen": PETS.replace("compute", "explain"),
    "reconcile-found": f"{PETS.replace('compute', 'reconcile')} --expect 1.0873",
    "reconcile-quiet": f"{PETS.replace('compute', 'reconcile')} --expect 0.52289 -q",
    "reconcile-nothing": f"{PETS.replace('compute', 'reconcile')} --expect 123.456",
    # --- compare
    "compare": f"{MODELS} --permutations 999 --bootstrap 999 --margin 0.02",
    "compare-html": f"{MODELS} -f html",
    "compare-markdown": f"{MODELS} --names network,regression --per-class --largest 1 -f markdown",
    "compare-quiet": f"{MODELS} -q --require better",
    "compare-clusters": "compare language.npy other.npy -t tokens.npy --shift 1 --clusters axis:0",
    "compare-three": "compare language.npy other.npy third.npy -t tokens.npy --shift 1",
    "compare-all-pairs": "compare language.npy other.npy third.npy -t tokens.npy --shift 1 --all-pairs",
    "compare-no-targets": "compare language.npy other.npy tokens.npy",
    # --- calibrate
    "calibrate": CALIBRATE,
    "calibrate-given": f"{CALIBRATE} --temperature 2.5 --no-fit --require ece<0.001",
    "calibrate-markdown": f"{CALIBRATE} --no-fit --per-class --bins 5 -f markdown",
    "calibrate-csv": f"{CALIBRATE} --no-fit --bins 3 -f csv",
    "calibrate-quiet": "calibrate pets/logits.csv pets/targets.txt --no-fit -q",
    "calibrate-like": f"{CALIBRATE} --like sklean",
    # --- exit code 2: wrong usage
    "usage-command": "wieghts",
    "usage-option": f"{PETS} --smoothing 0.1",
    "usage-option-unclear": f"{PETS} --save 0.1",
    "usage-choice-slip": f"{PETS} --reduction summ",
    "usage-choice": f"{PETS} --reduction average",
    "usage-repeated": f"{PETS} --ignore-index 0 --ignore-index 1",
    "usage-no-targets": "compute pets/logits.csv",
    "usage-column": "compute pets/pets.csv --target-column beast",
    "usage-axis": "compute square.npy labels.txt --class-axis 5",
    "usage-weights": f"{PETS} --weights 1,2",
    "usage-same-output": f"{PETS} --save-losses x.npy --save-probs x.npy",
    "usage-output-is-input": f"{PETS} -o pets/logits.csv",
    "usage-report-extension": f"{PETS} -o report.yaml",
    "usage-quiet-format": f"{PETS} -q -f json",
    "usage-print": f"{PETS} --print perplxity",
    "usage-require": f"{PETS} --require accuracy=>90%",
    "usage-help": "help input",
    "usage-extension": f"{PETS} --save-probs probs.txt",
    # --- exit code 3: the data is wrong
    "data-ragged": "compute ragged.csv short.txt",
    "data-nan": "compute nan.csv short.txt",
    "data-word": "compute word.csv short.txt",
    "data-empty": "compute empty.csv short.txt",
    "data-decimal-comma": "softmax comma.csv",
    "data-lengths": "compute pets/logits.csv short.txt",
    "data-range": "compute pets/logits.csv far.txt",
    "data-unknown-name": "compute pets/logits.csv unknown.txt",
    "data-pickle": "softmax pickled.npy",
    "data-infinite": "softmax overflow.npy",
    "data-zero-count": "weights --counts 10,0",
    # --- exit code 4: reading, writing or memory failed
    "fault-missing": "compute missing.npy pets/targets.txt",
    "fault-folder": "compute pets pets/targets.txt",
    "fault-output-folder": f"{PETS} -o missing/report.txt",
    "fault-full": f"{PETS} -o /dev/full",
    # --- report
    "report-table": REPORT,
    "report-small": f"{PETS.replace('compute', 'report')}",
    "report-json": f"{PETS.replace('compute', 'report')} -f json",
    "report-markdown": f"{PETS.replace('compute', 'report')} -f markdown",
    "report-csv": f"{REPORT} --only reliability -f csv",
    "report-html": f"{PETS.replace('compute', 'report')} -f html",
    "report-svg": f"{REPORT} --only losses -f svg",
    "report-language": "report language.npy tokens.npy",
    "report-several-csv": f"{REPORT} -f csv",
    "report-unknown": f"{REPORT} --only loss",
    # --- help
    "help": "--help",
    "help-inputs": "help inputs",
    "help-conventions": "help conventions",
    "help-calibrating": "help calibrating",
    "help-exit-codes": "help exit-codes",
    "version": "--version",
}

# name -> command line and environment, on a terminal
ON_A_TERMINAL = {
    "terminal-colour": (PETS, {"COLUMNS": "80", "TERM": "xterm"}),
    "terminal-narrow": (PETS, {"COLUMNS": "40", "TERM": "dumb"}),
    "terminal-no-colour": (SKEWED, {"COLUMNS": "80", "TERM": "xterm", "NO_COLOR": "1"}),
    "terminal-softmax": ("softmax pets/logits.csv", {"COLUMNS": "80", "TERM": "dumb"}),
    "terminal-ten-classes": ("compute ten.npy digits.npy", {"COLUMNS": "80", "TERM": "dumb"}),
    "terminal-weighted": (f"{SKEWED} --counts targets", {"COLUMNS": "50", "TERM": "dumb"}),
    "terminal-compare": (MODELS, {"COLUMNS": "60", "TERM": "dumb"}),
    "terminal-calibrate": (CALIBRATE, {"COLUMNS": "60", "TERM": "xterm"}),
    "terminal-many-classes": ("softmax twenty.npy", {"COLUMNS": "60", "TERM": "dumb"}),
    "terminal-bars": (f"{PETS.replace('compute', 'explain')} --row 1", {"COLUMNS": "60", "TERM": "xterm"}),
    "terminal-weights-all": ("weights --counts counts.csv --all", {"COLUMNS": "80", "TERM": "dumb"}),
    "terminal-report": (REPORT, {"COLUMNS": "80", "TERM": "xterm"}),
    "terminal-report-narrow": (REPORT, {"COLUMNS": "50", "TERM": "dumb"}),
    "terminal-report-ascii": (
        REPORT,
        {"COLUMNS": "100", "TERM": "dumb", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"},
    ),
    "terminal-no-unicode": (
        PETS,
        {"COLUMNS": "80", "TERM": "dumb", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"},
    ),
}
