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
       nll check found an error or a warning (--fail-on), or
       nll reconcile found no convention that gives the number
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

  A gate that stays shut when there is no number at all:

    nll check logits.npy targets.npy --fail-on error && echo sound

  One number for a script, in the shortest digits that read back to the same
  float64:

    nll compute logits.npy targets.npy -q
    nll compute logits.npy targets.npy --print perplexity
"""
