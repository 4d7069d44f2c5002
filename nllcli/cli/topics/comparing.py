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
  Student's t of the differences, n - 1 degrees of freedom. p is how often
  chance alone makes a difference as large. Of several models p is adjusted for
  their number (Holm), each interval stands by itself. --all-pairs compares all.
  Twenty skewed differences are few for either: there p may be too small.

The verdict
  lower, higher   the interval lies below 0, or above it
  undecided       it does neither; "to decide" is how many samples like these
                  show such a difference in 8 of 10 comparisons
  same            the losses are equal, or differ by rounding
  within-margin   it lies within --margin nats, which do not matter: then it
                  is also told how likely the model is better, equivalent, worse

    nll compare old.npy new.npy -t targets.npy --margin 0.01

Samples that are not independent
  The tokens of a document, the pictures of a patient: --clusters (or --groups)
  takes a file of one label a sample, FILE:COLUMN of a table, or axis:0, and
  whole clusters are the units of the difference: of its error, interval and p,
  the flips, the draws and the error of the accuracy (G clusters: G - 1 degrees
  of freedom). Fewer than 20 of them leave much uncertain. What is told of each
  model, of classes and of samples counts samples as if they were independent.

    nll compare base.npy q8.npy -t next.npy --shift 1 --clusters axis:0

Without the normal curve
  --permutations N flips the signs of differences at random: p is the share of
  sums as large, with ties; all flips are taken of up to 13 units. --bootstrap N
  draws units again: an interval that shows skewness, too narrow for few units.
  Both have the same bits for any --threads; --seed is 12345 unless said. Of
  more than 4,096 units, neighbours are flipped and drawn together, in runs of
  2, 4, 8...: neither the test nor the memory grows with the samples.

What the mean hides
  On how many samples the model is better, with the p of a sign test; of the
  answers, McNemar's exact test; the largest differences, --largest; the
  classes, --per-class; and the divergence of the model's probabilities from the
  baseline's, KL(baseline to model), with its quantiles (within 0.05 % beyond
  65,536 samples). In these each sample counts once, whatever its weight.
  -o page.html draws them: where the difference comes from, which samples both
  find hard, whether it is only their temperature, whose sure answers are wrong.

What is paired with what
  Samples one by one, in the order of the files, or by --id; never cut to the
  shorter. Each model may be several files, 'old-*.npy' in quotes, cut anywhere
  where the targets are one file. Classes by their names where both models have
  some. --from and --temperature hold for all models, or one value each between
  commas. Losses themselves can be compared, of models whose classes or tokens
  differ; targets, with the same --shift, say which samples were ignored:

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
  --require better (the verdict is lower), not-worse (the interval's upper end
  is at most the margin, 0 unless said) or equivalent (within-margin), or a
  number of the JSON; else exit code 5. p alone does not say which is better.

    nll compare old.npy new.npy -t targets.npy --margin 0.01 --require not-worse

Sources
  Cochran, Sampling Techniques, 1977, chapter 6; Miller, "Adding error bars to
  evals", arXiv 2411.00640; Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9,
  2010; Davison and Hinkley, Bootstrap Methods and their Application, 1997;
  McNemar, Psychometrika 12, 1947; Holm, Scand. J. Statist. 6, 1979.
"""
