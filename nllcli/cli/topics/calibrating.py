"""nll help calibrating."""


def text() -> str:
    """How good probabilities are, and when to believe a temperature."""
    return _TEXT


_TEXT = """\
Calibrating probabilities

    nll calibrate val.npy val_y.npy

  Of the samples to which a calibrated model gives 80 %, 80 % are right.

The temperature
  Logits are divided by T, and the T with the lowest mean loss is the one shown.
  Above 1 the model is overconfident, below 1 underconfident; where the interval
  holds 1, nothing says that it is either. T is found to the last digit. It
  changes no answer, so the accuracy stays. Fit it to samples that the model was
  not trained on, and apply it to others:

    T=$(nll calibrate val.npy val_y.npy -q) &&
      nll compute test.npy test_y.npy --temperature "$T"

  Probabilities become p^(1/T), divided by their sum.

Where there is none
  Every answer right: the loss falls as T approaches 0. Targets whose logits are
  on average no higher than all of their rows: it falls as T grows. All classes
  alike in every row: every T gives the same.
  temperature_status says which (fitted, given, none, zero, infinite, flat, and
  empty if no sample counts), and loss_limit what the loss approaches. Samples
  of infinite loss have no part in a fit. -q prints nothing then, and ends
  with exit code 5.

Weights
  Sample weights count in every mean. Class weights measure the probabilities as
  if classes were as frequent as these make them: a model that is right for the
  samples is not right there, which a warning says.

When to believe it
  gain, held out  how far T lowers the loss of samples that had no part in it:
                  sample i is in fold i mod 5, and each fold has the T of the
                  others. Less than two standard errors of it may be chance.
  standard error  that of T, right for any model; the interval is that of log T
  few-samples     with fewer than 10 wrong answers, T depends on each of them

  Samples that belong together, neighbours of one document, say, make folds too
  hopeful: fit and measure on files of different documents.

    nll calibrate test.npy test_y.npy --fit val.npy --fit-targets val_y.npy
    nll calibrate test.npy test_y.npy --temperature 2.5

Is an ECE of 0.02 much?
  Samples are few in each bin, and the gaps of a perfect model are not 0 either:
  "by chance alone" is the ECE that it would have on average with these
  confidences (by a normal approximation, a few per cent low below 200 samples).
  An ECE a little above that is no evidence. In the picture the shade shows
  where chance puts 19 of 20 bars, and * marks the bars outside it.
  p is Spiegelhalter's test of all samples at once, without bins.
  Except for the largest gap, no calibration error exceeds the square root of
  the Brier score (Gruber and Buettner 2022), which needs no bins.

Definitions
  confidence      the probability of the answer, the largest one; the mean
  gap             of a bin: accuracy less mean confidence
  chance          of a bin: its gap is beyond this once in 20 times, if all
                  confidences are right
  ece             mean of the gaps without sign, each counted by its samples
  mce, ace        the largest gap; the plain mean over bins that hold something
  rmsce           root of the mean of squared gaps (torchmetrics: l2; mce: max)
  ece_debiased    the same without what chance adds to squares (Kumar 2019)
  ece_equal_mass  bins of equal numbers of samples; equal ones stay together
  ece_sweep       the most such bins whose accuracies still rise (Roelofs 2022)
  ece_classwise   mean over classes of the ECE of each (Nixon 2019, Kull 2019);
                  --threshold 0.01 leaves out those up to it (TACE);
                  ece_classwise_equal_mass has bins of equal mass
  smece           without bins, --smooth (Blasiok and Nakkiran 2023)
  brier           mean over samples of sum_j (p_j - y_j)^2, 0 to 2; brier_half
                  is what most call it for two classes
  corp_brier_mcb  what the best rising map of confidences would take off the
                  Brier score of right or wrong: miscalibration; corp_brier_dsc
                  is discrimination, corp_brier_unc uncertainty; the score is
                  mcb - dsc + unc (Dimitriadis, Gneiting and Jordan 2021);
                  corp_log_mcb and so on are those of the log score

  overconfidence  mean confidence less weighted_accuracy, which is accuracy
                  where samples weigh alike
  d2_log_loss     1 less the loss over that of the shares of the classes
  n_groups        where more than 2^20 samples are ranked in groups of nearly
                  equal confidence: how many

  Each under before, at T = 1, and after, at the T fitted or given. loss,
  accuracy and ece by themselves are those under --temperature, or as they are.

    nll calibrate val.npy val_y.npy --print after.ece,before.ece_chance

Another program prints another ECE?
  By default 15 bins of equal width, (low, high], 0 in the first. --bins,
  --edges, --binning and --of change that; --like is the whole rule of a
  library, and rounds as it does:

  guo            15 bins (low, high], edges of single precision
  torchmetrics   15, [low, high), 1.0 in one of its own; of one logit: class 1
  netcal         10, [low, high), kept off 0 and 1; of two classes: class 1
  sklearn        5, (low, high], always class 1, as calibration_curve
  p-lambda       15, (low, high]; of one logit: class 1
  relplot        10, by division, 1.0 in one of its own
  mapie          49, since it takes 50 for the number of edges

    nll calibrate probs.csv y.npy --from probs --like torchmetrics --no-fit

A gate

    nll calibrate test.npy test_y.npy --temperature 2.5 --require 'ece<0.2'

Sources
  Guo, Pleiss, Sun and Weinberger, ICML 2017 (temperature, ECE); Naeini, Cooper
  and Hauskrecht, AAAI 2015; Brocker and Smith, Weather Forecast. 22, 2007 (by
  chance alone); Spiegelhalter, Stat. Med. 5, 1986; Brier, Mon. Weather Rev. 78,
  1950; Kumar, Liang and Ma, NeurIPS 2019; Gruber and Buettner, NeurIPS 2022.
"""
