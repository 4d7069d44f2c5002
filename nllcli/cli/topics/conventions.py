"""nll help conventions."""


def text() -> str:
    """What the numbers mean where people and programs differ."""
    return _TEXT


_TEXT = """\
Conventions: what the numbers mean

Units
  Losses are in nats (natural logarithm). bits is the mean divided by log 2, and
  perplexity the exponential of the mean. chance is the loss of calling all C
  classes equally likely: log C.

The mean
  With class weights it divides by the sum of the targets' weights, as PyTorch's
  cross_entropy does, not by the number of samples: multiplying all weights by
  ten changes nothing. The report shows the denominator, and the unweighted loss
  beside it. Sample weights count in the denominator; ignored samples nowhere.

    nll compute logits.npy targets.npy --weights 1,2,3
    nll compute logits.npy targets.npy --reduction sum

The standard error
  That of a ratio of sums (Cochran 1977, chapter 6): sqrt(n/(n-1) sum
  (a - R b)^2) / |sum b|, with a the weighted losses of the n samples counted, b
  their weights and R the mean; with equal weights the sample standard deviation
  over sqrt(n). It takes the samples as independent.
  Two models on the same samples: nll compare, not the overlap of two intervals.

Soft targets (class probabilities)
  -sum over c of w_c y_c log p_c; the mean divides by the number of positions,
  whatever the class weights: PyTorch's rule.

Label smoothing by e
  Class numbers: (1-e) w_y (-log p_y) + e/C sum over c of w_c (-log p_c), which
  the mean divides by the sum of the targets' weights. Soft targets: y becomes
  (1-e) y + e/C.

Infinite losses
  Where the target's probability is exactly 0, the loss is infinite, and is
  reported so, with a warning. If the weight is 0, the product is 0. --clip EPS
  moves p into [EPS, 1-EPS]; auto is the machine epsilon of the file's numbers.
  Nothing is clipped otherwise, and small losses are not rounded to 0.

    nll compute probs.csv targets.txt --from probs --clip auto

Temperature T
  Divides the logits. Of probabilities and log-probabilities it divides log p:
  p becomes p^(1/T) / sum over k of p_k^(1/T), and a p of 0 stays 0. At T = 1
  they are taken as they are, and nothing is normalised.

    nll compute probs.csv targets.txt --from probs --temperature 2.5

Which loss
  nll looks at the probability of the target's class alone (PyTorch's NLLLoss).
  one-vs-rest also asks of every other class whether it is the target, with
  -log(1-p). argmax takes the largest probability, whatever the target: it
  measures certainty, not correctness.

Counting
  Classes and samples count from 0; lines and columns of a text file from 1.

Sums are exact
  They are rounded once, at the end: neither the order of the samples nor the
  number of threads changes a bit of the result. Nor does cutting the samples
  into parts, which may be computed apart and merged:

    nll compute part.npy truth.npy -o part.tally.json
    nll merge 'part-*.tally.json'

  The loss of a single sample depends in its last bits on NumPy and on the
  processor: nll merge says so of parts from unlike machines.

The signature
  The last line of a page: which number it is, the settings that are not the
  usual ones, and the version. Two losses with different signatures are not
  comparable. In JSON it has every setting.

    nll compute logits.npy targets.npy --print signature

Another program prints another number?

    nll reconcile logits.npy targets.npy --expect 0.7658
"""
