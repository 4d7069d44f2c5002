"""nll help inputs."""


def text() -> str:
    """Files, columns and names; what is read as what, and what is asked."""
    return _TEXT


_TEXT = """\
Inputs: files, columns and names

LOGITS and TARGETS

    nll compute logits.npy targets.npy

  LOGITS is a file of numbers, one for each class and sample. What they are is
  never guessed: --from says logits (the default), log-probs or probs.
  TARGETS is a file of the right classes: numbers counted from 0, or names.
  Either of them may be -, standard input.

Files

  .npy                    one array
  .npz, .safetensors      arrays by name: file.npz:name is one of them
  .csv, .tsv              a sample a line; a header names the classes
  .jsonl                  a sample a line: a list of logits, or
                          {"logits": [5, 4, 2], "target": 0}
  .parquet, .feather      a column a class, or one column of lists

  What a file is shows in its content; --input-format overrides. Any of them may
  be compressed with gzip. Pickles and PyTorch files can run code when they are
  loaded: they are refused, with the command that converts them.

    nll compute arrays.npz:logits arrays.npz:targets
    nll compute logits.npy.gz targets.npy
    nll compute records.jsonl

Targets in the same table

    nll compute table.csv --target-column label
    nll compute table.csv --target-column 4

  takes the targets out of a column of LOGITS, by its name or by its number,
  counted from 1.

Names of classes
  They are those of the header, or of --classes (cat,dog,horse or a file of
  names). Targets may be names then, and files of weights and counts that have
  names (class,weight) are bound to the classes by them.

    nll compute logits.npy names.txt --classes cat,dog,horse

Shapes

  logits             targets           meaning
  (C,)               one number        one sample
  (N, C)             (N,)              the common case
  (N, C, d1, ...)    (N, d1, ...)      classes on axis 1, as in PyTorch
  (N, d1, ..., C)    (N, d1, ...)      classes last, as language models have it
  any                floats, the same  class probabilities (soft targets)

  The two shapes decide which axis holds the classes; where both readings fit,
  nll asks for --class-axis. With --binary there is one logit a sample, that of
  class 1 of two.

    nll compute tokens.npy next.npy --shift 1
    nll compute binary.npy labels.npy --binary

  --shift 1 scores position t against the target of t + 1. Targets that are the
  ignored index (--ignore-index, -100 unless said) do not count.

Weights
  --weights: one a class, as 1,0.2,0.1 or a file. --counts: derived from class
  counts, or with --counts targets from the targets. --sample-weights: a file of
  one a sample; booleans are a mask.

    nll compute logits.npy targets.npy --counts targets
    nll compute logits.npy targets.npy --sample-weights mask.npy

What is asked
  A number with exit code 0 means that nothing about the reading was in doubt.
  Where two readings fit, nll asks: an error, and a line "try: ..." for each
  reading, a whole command to paste. What fits but looks odd is what

    nll check logits.npy targets.npy

  is for: targets that count from 1, probabilities taken for logits, columns in
  another order, padding that is scored, and more.
"""
