"""nll help pictures."""


def text() -> str:
    """Where a loss comes from: what nll report draws, and how to read it."""
    return _TEXT


_TEXT = """\
Pictures of a loss

    nll report logits.npy targets.npy -o report.html

A picture is a question, a sentence that answers it, a drawing, and the table of
its numbers. The page has all four; a screen, a pipe and Markdown the sentences
and tables with bars; JSON the numbers of both under "pictures"; CSV the table
of the one that --only names. The page is one file: it runs no script and asks
the network for nothing; its numbers carry all their digits. -o
FILE.html works on every command, and collects the pictures of compute,
compare, calibrate and weights on the way.

    nll report logits.npy targets.npy --only losses -o losses.svg

One picture is a file by itself, as .svg, or with the extra nllcli[plot] as .png
or .pdf. Of parts, each writes a tally, and the page is of all of them:

    nll report part.npy truth.npy -o part-1.tally.json
    nll merge 'part-*.tally.json' -o report.html

Nothing is sampled: pictures are made of exact counts, of exact sums and of the
samples that lose most, so they are the same for any threads, shards and order,
and take no more memory for more samples. Where a number lies within a bin, both
ends are told ("26 to 28 samples"), and "half lose less than 0.36" names the
edge of one: two digits.

losses       How many samples lose how much, and below what they bring to the
             loss. The axis is logarithmic: each step is ten times the last.
lorenz       The share of the loss that the hardest samples bring.
risk         Errors among the answers that are left where the least certain
             ones are not given (risk and coverage).
classes      The classes by their share of the loss; the line across a bar is
             the mean's 95 % interval, 1.96 standard errors each way.
confusions   What is taken for what. Beyond 65,536 different pairs the rarest
             are dropped, and it is said by how much counts may be too low;
             these alone may then depend on the order of the parts.
reliability  The probability of the answers beside the share that is right, by
             the bins and errors of nll calibrate: nll help calibrating.
claimed      The same of errors, logarithmic: how often sure answers are wrong.
temperature  The loss at 16 temperatures, to the last bit what nll compute
             --temperature gives; up to 50 million logits unless asked for.
hardest      The samples of the largest loss, --hardest K of them.
softmax      The probabilities of up to six samples.
curve        -log p, with the samples of a small input on it.
positions    Of sequences, targets (N, T): the mean loss along them.
surprises    The three sequences of the largest mean loss, 512 tokens of each
             on colours by the bits they cost; --classes FILE gives their texts.

Intervals of shares are Wilson's, 95 %, and take samples as independent.
Weights: samples are counted, and placed by their loss without weights; shares
are of the weighted loss, and axes say so. Infinite losses are counted apart:
then there are no shares. Samples of loss NaN are in no picture. Soft targets
have no class to be taken for another: losses, lorenz, temperature, hardest.
"""
