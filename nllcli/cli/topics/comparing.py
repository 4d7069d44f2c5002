"""nll help comparing."""


def text() -> str:
    """Two models or more on the same samples: what nll compare says, and when to believe it."""
    return _TEXT


_TEXT = """\
Comparing models

    nll compare old.npy new.npy -t targets.npy

The pair is the sample
  Of every sample the loss of the model minus that of the baseline, the first
  model or --baseline: below 0 the model is better. The difference of the means
  is that of exact sums, its standard error that of the differences (of a ratio
  of sums where there are weights). Two intervals that overlap say nothing: most
  of what makes losses large or small is the same for both models, and goes.

The interval and p
  Student's t of the differences, n - 1 degrees of freedom. p is how often a
  difference as large comes about where there is none. Several models: p is
  Holm's, intervals are each for itself. --all-pairs compares every pair.

The verdict
  lower, higher   the interval lies below 0, or above it
  undecided       it does not; "to decide" is how many samples like these show
                  such a difference in 8 of 10 comparisons
  same            the losses are equal, or differ by rounding
  within-margin   it lies within --margin nats, which do not matter: then it
                  is also told how likely the model is better, equivalent, worse

    nll compare old.npy new.npy -t targets.npy --margin 0.01

Samples that are not independent
  The tokens of a document, the pictures of a patient: --clusters (or --groups)
  takes a file of one label a sample, or axis:0, and whole clusters are the
  units of the error, the interval, the flips and the draws (G clusters: G - 1
  degrees of freedom). Fewer than 20 of them leave much uncertain.

    nll compare base.npy q8.npy -t next.npy --shift 1 --clusters axis:0

Without the normal curve
  --permutations N flips the signs of differences at random: p is the share of
  sums as large, with ties; all flips are taken of up to 13 units. --bootstrap N
  draws units again: an interval that shows skewness. Both have the same bits
  for any --threads; --seed is 12345 unless said. Of more than 4,096 units, runs
  of neighbours are flipped and drawn as one, which keeps the level exact.

What the mean hides
  On how many samples the model is better, with the p of a sign test; of the
  answers, McNemar's exact test; the largest differences, --largest; the
  classes, --per-class; and the divergence of the model's probabilities from the
  baseline's, KL(baseline to model), with its quantiles (within 0.05 % beyond
  65,536 samples). These count every sample once, whatever its weight.

What is paired with what
  Samples one by one, in the order of the files, or by --id; never cut to the
  shorter. Classes by their names where both models have some. --from and
  --temperature hold for all models, or one value each between commas. Losses
  themselves can be compared, of models whose classes or tokens differ:

    nll compute old.npy targets.npy --save-losses old_losses.npy -q
    nll compare old_losses.npy new_losses.npy -t targets.npy --from losses

In parts
  Each job compares its part, and nll merge adds up their sums: the numbers of
  one run over all files. Names that differ by more than the number of the part
  need --names. Runs of neighbours (see above) are those within a part where
  parts do not begin with one: a note says so.

    nll compare old.npy new.npy -t targets.npy -o compared-1.tally.json
    nll merge 'compared-*.tally.json'

A gate
  --require better, not-worse (the interval's upper end is at most the margin,
  0 unless said) or equivalent, or a number of the JSON; else exit code 5.

    nll compare old.npy new.npy -t targets.npy --margin 0.01 --require not-worse

Sources
  Cochran, Sampling Techniques, 1977, chapter 6; Miller, "Adding error bars to
  evals", arXiv 2411.00640; Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9,
  2010; Davison and Hinkley, Bootstrap Methods and their Application, 1997;
  McNemar, Psychometrika 12, 1947; Holm, Scand. J. Statist. 6, 1979.
"""
