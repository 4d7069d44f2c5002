"""Pictures made by hand, which have every mark, axis and cell that there is, and a report of them."""

from math import exp, log, nan

from nllcli.drawing import (
    Axis,
    Bar,
    Bars,
    Cell,
    Dot,
    Dots,
    Heat,
    Line,
    Panel,
    Passage,
    Piece,
    Ribbon,
    Rule,
    Words,
)
from nllcli.errors import Notice
from nllcli.report import (
    Belief,
    Calculation,
    Column,
    Fact,
    Gauge,
    Interval,
    Metric,
    Name,
    Picture,
    Quantity,
    Report,
    Section,
    Step,
    Strip,
    Strong,
    Table,
)

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "שלום & אחרים",
    "\x1b[31mred\x1b[0m",
    "\u202eright to left",
    "a\nb\tc",
    "\udcff",
    "猫" * 30,
    "a-name-without-any-space-" * 5,
    "",
)

NUMBERS = Table(
    "numbers",
    "",
    (Column("at", "from", unit="nats"), Column("n", "samples", "count"), Column("share", "of the loss", "share")),
    [[1e-6, 3, 1.4e-8], [0.001, 1204, 0.25], [1.0, 21, 0.75], [None, 0, nan]],
    "A line of what there is to say.",
)

# --- the marks --------------------------------------------------------------------------------------------------------

_EDGES = [10 ** (i / 2) for i in range(-24, 4)]
_COUNTS = [round(90 * exp(-(((i - 13) / 6) ** 2))) for i in range(27)]
_PARTS = [n * edge for n, edge in zip(_COUNTS, _EDGES, strict=False)]
_LOSS = Axis(1e-12, 10**1.5, "loss of a sample, nats (each step is ten times the last)", "log")
_P = tuple((10.0**e, f"1 − 10^{e}") for e in range(-12, -3)) + tuple(
    (-log(p), f"{p:g}") for p in (0.999, 0.99, 0.9, 0.5, 0.1, 0.01)
)

LOSSES = Picture(
    "losses",
    "How are the losses spread?",
    (
        "Half of the samples lose less than ",
        Fact("median", 5.139e-08, unit="nats"),
        ". The ",
        Fact("n_above", 21, "count"),
        " samples (",
        Fact("share_above", 0.0233592881, "share"),
        ") that lose more than 1 nat bring ",
        Strong((Fact("loss_above", 0.9561234567891234, "share"), " of the loss")),
        ".",
    ),
    NUMBERS,
    (
        Panel(
            _LOSS,
            Axis(0, 100, "samples", kind="count"),
            (
                Bars(
                    "samples",
                    tuple(Bar(a, b, n, f"{n} samples") for a, b, n in zip(_EDGES, _EDGES[1:], _COUNTS, strict=False)),
                ),
                Rule(5e-8, "median 5.139e-08"),
                Rule(2.3026, "chance 2.3026"),
            ),
            above=Axis(1e-12, 10**1.5, "probability given to the right class", "log", ticks=_P),
        ),
        Panel(
            _LOSS,
            Axis(0, 0.62, "share of the loss", kind="share"),
            (
                Bars(
                    "loss",
                    tuple(
                        Bar(a, b, part / sum(_PARTS)) for a, b, part in zip(_EDGES, _EDGES[1:], _PARTS, strict=False)
                    ),
                ),
                Rule(0.1779, "mean 0.1779"),
                Rule(2.3026),
            ),
            height=0.6,
        ),
    ),
    key_of=(("samples", "samples"), ("loss", "loss")),
    reading="Above: how many samples lose how much. Below: what they add to the loss.",
    wide=True,
)

_SHARE = Axis(0, 1, "share of the samples", kind="share")
LORENZ = Picture(
    "lorenz",
    "How few samples make the loss?",
    ("The hardest ", Fact("n_hardest", 9, "count"), " samples ", Strong(("bring ", Fact("s", 0.643, "share"))), "."),
    NUMBERS,
    (
        Panel(
            Axis(0.001, 1, "share of the samples, hardest first", "log", "share"),
            Axis(0, 1, "share of the loss", kind="share"),
            (
                Line(
                    "loss", tuple((10 ** (i / 20 - 3), 1 - exp(-(10 ** (i / 20 - 1)))) for i in range(61)), fills=True
                ),
                Dots("loss", (Dot(0.01, 0.632, label="hardest 1 %: 63.2 %"), Dot(0.007, 0.503, hollow=True))),
                Words(0.3, 0.4, "what is not loss", strong=True),
            ),
        ),
    ),
)

RISK = Picture(
    "risk",
    "What if it may abstain?",
    ("It errs in ", Fact("error", 0.0233592881, "share"), "."),
    NUMBERS,
    (
        Panel(
            Axis(0, 1, "share answered, the most certain first", kind="share"),
            Axis(0, 0.05, "error among the answered", kind="share"),
            (
                Ribbon(
                    "samples", tuple((i / 50, max(0, (i / 50) ** 8 / 40 - 0.01), 0.05 / (1 + i)) for i in range(51))
                ),
                Line("samples", tuple((i / 50, (i / 50) ** 8 / 40) for i in range(51)), label="error"),
                Rule(0.02, "allowed", level=True, tone="loss"),
                Dots("samples", (Dot(0.945, 0.014, label="94.5 % answered: 1.4 %"),)),
            ),
        ),
    ),
    reading="The band is the 95 % interval.",
)

_NAMES = tuple("0123456789")
CONFUSIONS = Picture(
    "confusions",
    "What is taken for what?",
    (
        "Of ",
        Fact("n_wrong", 21, "count"),
        " errors, ",
        Strong((Fact("n", 4, "count"), " take ", Name("8"), " for ", Name("1"))),
    ),
    NUMBERS,
    (
        Heat(
            "is",
            "taken for",
            _NAMES,
            _NAMES,
            tuple(Cell(i, i * 7 % 10, i / 9, str(i), f"{i} samples") for i in (1, 2, 3, 4, 6, 7, 8, 9)),
        ),
    ),
    reading="Only errors are coloured: right answers would outshine them all.",
)

RELIABILITY = Picture(
    "reliability",
    "Does it mean the probabilities it gives?",
    ("It is ", Strong(("too certain by ", Fact("gap", 1.5), " points")), "."),
    NUMBERS,
    (
        Panel(
            Axis(0, 1, kind="probability"),
            Axis(0, 1, "right", kind="share"),
            (
                Line("plain", ((0, 0), (1, 1)), dashed=True),
                Words(0.2, 0.8, "dashed: as right as it is certain"),
                Dots(
                    "samples",
                    tuple(
                        Dot(p, p**2, max(0, p**2 - 0.2), min(1, p**2 + 0.1), p < 0.6, title=f"{p:.2f}")
                        for p in (0.45, 0.55, 0.65, 0.75, 0.85, 0.97)
                    ),
                ),
            ),
        ),
        Panel(
            Axis(0, 1, "largest probability: how certain it is", kind="probability"),
            Axis(0.5, 1000, "samples (log)", "log", "count"),
            (Bars("samples", tuple(Bar(i / 10, i / 10 + 0.1, 10 ** (i / 3.2)) for i in range(4, 10))),),
            height=0.4,
        ),
    ),
)

CLAIMED = Picture(
    "claimed",
    "How often is a sure answer wrong?",
    ("Of the ", Fact("n_sure", 833, "count"), " answers that it is surest of, 9 are."),
    NUMBERS,
    (
        Panel(
            Axis(1e-4, 1, "claimed error: 1 − largest probability", "log"),
            Axis(1e-4, 1, "wrong among them", "log"),
            (
                Line("plain", ((1e-4, 1e-4), (1, 1)), dashed=True),
                Dots(
                    "samples",
                    (
                        Dot(1e-4, 0.009, 0.004, 0.02, label="9 of 833"),
                        Dot(0.01, 0.11, 0.05, 0.2),
                        Dot(0.2, 0.2, 0.1, 0.3),
                    ),
                ),
                Words(1.5e-4, 0.8, "too certain", strong=True),
                Words(0.6, 1.5e-4, "too modest", strong=True),
            ),
        ),
    ),
    reading="The reliability diagram once more, with the certain answers spread out.",
)

TEMPERATURE = Picture(
    "temperature",
    "Would a temperature help?",
    (
        "At a temperature near ",
        Strong((Fact("t", 2.51),)),
        " the loss would be ",
        Fact("l", 0.1049612, unit="nats"),
        ".",
    ),
    NUMBERS,
    (
        Panel(
            Axis(
                0.25,
                16,
                "temperature that divides the logits",
                "log",
                ticks=tuple((2.0**i, f"{2.0**i:g}") for i in range(-2, 5)),
            ),
            Axis(0, 0.55, "mean loss, nats"),
            (
                Line("loss", tuple((2 ** (i / 8), 0.105 + 0.06 * (i / 8 - 1.33) ** 2) for i in range(-16, 33))),
                Rule(1),
                Dots(
                    "loss",
                    (Dot(1, 0.211, hollow=True, label="as it is 0.1779"), Dot(2.51, 0.105, label="0.1050 at 2.51")),
                ),
            ),
        ),
    ),
)

WEIGHTS = Picture(
    "weights",
    "How much more does a rare sample count?",
    ("Under ", Name("balanced"), " a sample of ", Name(HOSTILE[0]), " counts ", Fact("times", 120.5), " times."),
    NUMBERS,
    (
        Panel(
            Axis(1, 1e5, "samples of the class", "log", "count"),
            Axis(1, 1e5, "weight, the commonest class 1", "log"),
            (
                Line("first", ((1, 1e5), (1e5, 1)), label="balanced"),
                Line("second", ((1, 300), (1e5, 1)), dashed=True, label="sqrt"),
                Line("third", ((1, 30), (1e5, 1)), label=HOSTILE[0]),
                Dots("first", (Dot(10, 1e4),)),
                Dots("second", (Dot(10, 170), Dot(100, 95.0, hollow=True))),
                Dots("third", (Dot(10, 22),)),
            ),
        ),
    ),
    key_of=(("first", "balanced"), ("second", "sqrt"), ("third", HOSTILE[0])),
)

_SIGNED = Axis(-100, 100, "difference of the losses, nats (logarithmic to either side)", "signed-log", near=1e-4)
DIFFERENCES = Picture(
    "differences",
    "Where does the difference come from?",
    (Name("mlp"), " loses less on ", Fact("n_less", 853, "count"), " samples."),
    NUMBERS,
    (
        Panel(
            _SIGNED,
            Axis(-0.05, 0.1, "nats of the mean difference"),
            (
                Bars("second", tuple(Bar(-(10.0 ** (e + 1)), -(10.0**e), -0.01 * (e + 5)) for e in range(-4, 1))),
                Bars("first", tuple(Bar(10.0**e, 10.0 ** (e + 1), 0.02 * (e + 4)) for e in range(-4, 1))),
                Rule(0),
                Words(-30, 0.08, "mlp is better", "second", strong=True),
                Words(30, 0.08, "logistic is better", "first", strong=True),
            ),
        ),
    ),
    wide=True,
)

DUMBBELL = Picture(
    "dumbbell",
    "On which classes do they differ?",
    ("On ", Fact("n", 5, "count"), "."),
    NUMBERS,
    (
        Panel(
            Axis(0, 0.55, "mean loss of the class, nats"),
            Axis(-0.5, 9.5, kind="text", ticks=tuple((i, name) for i, name in enumerate(HOSTILE))),
            (
                *(Line("plain", ((0.1 + i / 40, i), (0.4 - i / 50, i))) for i in range(10)),
                Dots("first", tuple(Dot(0.1 + i / 40, i) for i in range(10))),
                Dots("second", tuple(Dot(0.4 - i / 50, i) for i in range(10))),
            ),
            height=1.2,
        ),
    ),
    key_of=(("first", "mlp"), ("second", "logistic")),
)

# --- pictures that are tables -----------------------------------------------------------------------------------------

CLASSES = Picture(
    "classes",
    "Which classes cost most?",
    ("Class ", Name("5"), " brings ", Strong((Fact("share", 0.26, "share"), " of the loss")), "."),
    Table(
        "classes",
        "",
        (
            Column("class", "class", "text"),
            Column("n", "samples", "count"),
            Column("accuracy", "accuracy", "share"),
            Column("loss", "mean loss", unit="nats"),
            Column(
                "interval", "", "interval", tone="loss", page_only=True, legend="The line across a bar: 95 % interval."
            ),
            Column("share", "of the loss", "share"),
            Column("bar", "", "bar", tone="loss", page_only=True),
            Column("gauge", "right", "gauge", tone="samples"),
        ),
        [
            [
                name,
                89 + i,
                1 - i / 100,
                0.457 / (1 + i),
                Interval(0.7 / (1 + i), 0.4 / (1 + i), 1 / (1 + i)),
                0.26 / (1 + i),
                0.9 / (1 + i),
                Gauge(0.9 - i / 20, 0.8, 0.1),
            ]
            for i, name in enumerate(HOSTILE)
        ]
        + [["nothing", 0, None, None, None, None, nan, None]],
    ),
)

HARDEST = Picture(
    "hardest",
    "Which samples are hardest?",
    (Name("row 207"), " is ", Name("5"), ", and loses ", Strong((Fact("loss", 16.5757123, unit="nats"),)), "."),
    Table(
        "hardest",
        "",
        (
            Column("sample", "sample", "text"),
            Column("target", "is", "text"),
            Column("p", "p(is)", "probability"),
            Column("loss", "loss", unit="nats"),
            Column("belief", "all probabilities", "belief", page_only=True),
        ),
        [
            [
                f"row {207 + i}",
                str(i),
                6.3e-8 * 10**i,
                16.6 - i,
                Belief(tuple((0.98 if j == (i + 3) % 10 else 0.002) for j in range(10)), i, (i + 3) % 10),
            ]
            for i in range(6)
        ],
        "Worked step by step: nll explain --row 207",
    ),
    key_of=(("loss", "what it is"), ("samples", "what it was taken for")),
)

_WORDS = ["The", " quick", " brown", " fox", "\n", "jumps", " <over>", " 猫", " & the lazy dog", "."] * 6
PASSAGE = Picture(
    "passage",
    "What surprised it?",
    (
        "Sequence ",
        Fact("at", 25, "count"),
        ", the hardest, loses ",
        Strong((Fact("bits", 4.8826, unit="bits"),)),
        " a token.",
    ),
    NUMBERS,
    (
        Passage(
            tuple(Piece(word, i % 11 / 10, f"{word!r}: {i % 11} bits") for i, word in enumerate(_WORDS)),
            (("under 0.5", 0), ("1", 0.3), ("2", 0.6), ("6 bits and more", 1)),
            "row 25",
        ),
    ),
    wide=True,
)

PICTURES = (
    PASSAGE,
    LOSSES,
    LORENZ,
    RISK,
    CLASSES,
    CONFUSIONS,
    RELIABILITY,
    CLAIMED,
    TEMPERATURE,
    DIFFERENCES,
    DUMBBELL,
    WEIGHTS,
    HARDEST,
)

REPORT = Report(
    "report",
    "Negative log-likelihood of samples/digits/mlp.npy",
    "loss:nll|from:logits|reduction:mean|weights:none|sample-weights:none|ignore:-100|smoothing:0|temperature:1",
    metrics=(
        Metric("loss", "loss", 0.1778829976962628, "nats", "mean of 899 samples", headline=True),
        Metric("standard_error", "standard error", 0.0428123, "nats", "of the mean"),
        Metric("perplexity", "perplexity", 1.1947, note="exp of the mean"),
        Metric("bits", "bits", 0.2566309, "bits"),
        Metric("accuracy", "accuracy", 878 / 899, "share", "878 of 899"),
        Metric("chance", "chance", log(10), "nats", "all classes alike"),
        Metric("n_samples", "samples", 899),
        Metric("ignored", "ignored", None),
        Metric("kernel", "kernel", "numpy"),
        Metric("secret", "secret", 1.0, hidden=True),
    ),
    tables=(
        Table(
            "per_class",
            "Per class",
            (Column("class", "class", "text"), Column("loss", "mean loss", unit="nats"), Column("x", "x", "objects")),
            [[name, 1 / (i + 1), []] for i, name in enumerate(HOSTILE)],
        ),
        Table("hidden", "Hidden", (Column("x", "x"),), [[1.0]], hidden=True),
    ),
    warnings=(Notice("odd", f"{HOSTILE[1]} looks odd"),),
    sections=(
        Section(
            "How it is worked out",
            (
                Calculation(
                    "sample 0",
                    (
                        Step("loss", ("ln ", 3.5, " − ", 0.25, " = ", 1.0027629684953681)),
                        Step("do", ("nll explain",), verbatim=True),
                    ),
                ),
                Table(
                    "kinds",
                    "Kinds",
                    (Column("what", "what", "text"), Column("value", "value", "quantities")),
                    [["a", Quantity(0.5, "share")], ["b", Quantity(3, "count")], ["c", None]],
                ),
            ),
            "Each line follows from the one above.",
        ),
    ),
    pictures=PICTURES,
    strip=Strip(
        0.1779, 0, 2.3026, "0: every class foreseen", "2.3026: guessing", "7.7 % of what guessing loses", (0.09, 0.26)
    ),
    typed="nll report samples/digits/mlp.npy samples/digits/targets.npy -o report.html",
)

COMPARED = Report(
    "compare",
    "Comparison of samples/digits/mlp.npy and samples/digits/logistic.npy",
    "compare|loss:nll",
    metrics=(
        Metric("difference", "difference", 0.04965, "nats", "mlp loses more, but that may be chance", headline=True),
    ),
    strip=Strip(0.04965, -0.15, 0.2, "← mlp better", "logistic better →", "", (-0.014, 0.1133), fills=False),
    pictures=(DIFFERENCES, DUMBBELL),
)
