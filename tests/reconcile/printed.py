"""What the commands and the lines of Python that reconcile prints give, and how to have it print them all."""

import math
import shlex

import numpy as np
from in_process import nll
from reconcile import conventions as by_hand

ARITHMETIC = {
    "exp": math.exp,
    "ln": math.log,
    "float16": lambda x: by_hand.rounded([x], np.float16)[0],
    "float32": lambda x: by_hand.rounded([x], np.float32)[0],
    "bfloat16": by_hand.to_bfloat16,
}


def number_of(match):
    """What the commands of a match give, and the formula makes of it."""
    for line in match["command"].split(" && "):
        program, *words = shlex.split(line)
        assert program == "nll"
        done = nll(*words, *(["-q"] if words[0] == "compute" else []))
        assert done.code == 0, (line, done.err)
    return eval(match["formula"] or "x", {"x": float(done.out), **ARITHMETIC})


def value_of(line, names):
    """What a line of Python gives: statements, then an expression."""
    *statements, expression = line.split("; ")
    names = dict(names)
    exec("\n".join(statements), names)
    return float(eval(expression, names))


def list_all(monkeypatch):
    """Have reconcile list all conventions near a number, not the simplest of them."""
    monkeypatch.setattr(
        "nllcli.commands.reconcile.reconcile._groups",
        lambda near, _: [(value, [candidate]) for candidate, value in near],
    )
