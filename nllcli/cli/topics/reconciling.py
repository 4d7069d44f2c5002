"""nll help reconciling."""


def text() -> str:
    """Why two losses differ: what nll reconcile tries, and when a match says something."""
    return _TEXT


_TEXT = """\
Reconciling numbers

    nll reconcile logits.npy targets.npy --expect 0.7658

What is tried
  Your own settings, what people do differently, and two such things at once, of
  which a rare one goes with a common one alone:
  Units       bits, base 10, perplexity, 2^loss; the negative; a whole factor
              up to 64 (GPUs, accumulation steps; the deviance is 2 x)
  Divisors    sum, samples, positions, the batch, nonzero weights, one axis,
              samples x classes
  Batches     means of means, their sum, and that over N: of any size; without
              the short last one, mean perplexities: of usual sizes; folds,
              ranks, the ends of the file, the first samples twice
  Weights     the schemes of nll weights, n_max/n, pos_weight, n/N, (N-n)/n,
              1-n/N, log(N/n); yours squared, inverted, or left out
  Targets     shifts up to 2, across rows; another index ignored; the first
              padding of a row counted; the second half of each row; classes
              exchanged, reversed, in string order; (N, 1) against (N)
  LOGITS      read as log-probabilities or probabilities; softmax or sigmoid
              twice, sigmoids; binary cross-entropy of one-hot targets; rows
              divided by their sums; softmax along another axis; an array viewed
              without moving its axes (both of up to a million numbers)
  Each loss   p clipped, epsilon added, logarithms at least -100, smoothing 0.1
              in three ways, as KL divergence; z-loss; -p for -log p; rounding
  JSON has all of them for your inputs under "tries". Targets that are one-hot
  are taken as classes; what is made of classes is not tried with other
  probabilities.

What you suspect
    nll reconcile logits.npy targets.npy --expect 0.7 --try label-smoothing=0.15
    nll reconcile logits.npy targets.npy --expect 0.7658 --batch-size 48

  It is tried with everything else. Names: label-smoothing, temperature, clip,
  epsilon (added to p), z-loss, ignore-index, divisor (a number of words, say),
  factor.

When a match says something
  Type all digits you have. "by chance" is the share of the numbers within 10 %
  that some convention matches: at 3 digits that may be half of them. A number
  with 8 digits or more that a float32 or float16 holds is taken to be one.
  Simple and common conventions come first, and what only adds a departure to
  one of them is counted, not listed. A batch size that nobody would guess is
  found where no other size gives the number.

What would fit
  Where no single departure gives the number, a smoothing, a temperature, a
  clip, a z-loss and a divisor are solved for. Some value of each fits nearly
  any number, so these are not matches, and the exit code does not count them. A
  round value that seldom fits by chance, such as 0.15, is worth a look; 0.1373
  is not. Temperatures and clips take some ten further passes, each as long as
  nll compute.

Cost
  One pass over the file, some 10 to 40 times as long as nll compute. The losses
  of up to 65,536 samples, or sequences, are kept one by one for what is made of
  batches; of more samples they are added up by 2, 4, 8..., or by a divisor of
  --batch-size, and the sizes of batches that are tried are multiples of that.
"""
