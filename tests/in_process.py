"""The command line, run within the tests' own process."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

from nllcli.cli.main import main


@dataclass(frozen=True)
class Run:
    """What one command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def codes(self):
        """The codes of the warnings in the JSON report."""
        return {warning["code"] for warning in self.json["warnings"]}


def nll(*words):
    """Run ``nll`` with these words, each turned into text."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(word) for word in words])
    return Run(int(code), out.getvalue(), err.getvalue())
