"""nll help exit-codes."""


def text() -> str:
    """Exit codes, and what a script can rely on."""
    return _TEXT


_TEXT = """\
Exit codes

    0  done; also when the reader of a pipe left early
    1  a defect in nll
    2  wrong usage: options that do not exist, or do not fit the data
    3  the data is wrong
    4  reading, writing or memory failed
    5  a condition that was to be checked does not hold:
       a number is not what --require asks for, or
       nll check found an error or a warning (--fail-on), or
       nll reconcile found no convention that gives the number, or
       nll calibrate -q has no temperature to print
  129  hung up (SIGHUP)
  130  interrupted (Ctrl-C)
  143  terminated (SIGTERM)

What a script can rely on

  Results go to standard output, notes and warnings to standard error.

  An error is one line, "nll: error: FILE: what is wrong". After it comes a line
  "hint: ...", or one or more lines "try: ...", each of which is a whole command
  to paste: it does what was meant, or asks the next question. Several of them
  are what may have been meant, and say so after a #.

  An output file takes the place of an old one only once it is whole.

  A gate is shut where a number is not what was asked for, and also where it is
  NaN, infinite or missing. The result is written as always, and one line names
  what does not hold:

    nll compute logits.npy targets.npy --require 'loss<0.15' && echo release
    nll compute logits.npy targets.npy -q --require 'per_class[2].accuracy>0.5'
    nll check logits.npy targets.npy --fail-on error && echo sound
    nll compare old.npy new.npy -t targets.npy --require not-worse && echo ok

  KEY in --require 'KEY<NUMBER' (or <=, >, >=) and --print KEY is a key of the
  JSON, or a path in it. Between brackets stands a row: its place, counted from
  0, the name that comes first in it, or COLUMN=VALUE:

    nll explain logits.npy targets.npy --row 7 --print 'explanations[0].margin'
    nll compute logits.csv names.txt --print 'per_class[cat].accuracy'
    nll compute logits.csv names.txt --print 'per_class[class=cat].accuracy'

  One number for a script, in the shortest digits that read back to the same
  float64:

    nll compute logits.npy targets.npy -q
    nll compute logits.npy targets.npy --print perplexity
"""
