"""The package connects to the addresses of inputs alone, starts no program but its own, executes nothing that it reads.

Its syntax trees say so.
"""

import ast
from pathlib import Path

import pytest

import nllcli

pytestmark = pytest.mark.uncounted

PACKAGE = Path(nllcli.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))

NETWORK = {
    "socket",
    "socketserver",
    "ssl",
    "http",
    "urllib",
    "ftplib",
    "smtplib",
    "asyncio",
    "xmlrpc",
    "requests",
    "httpx",
}
EXECUTING = {
    "pickle",
    "cPickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
    "code",
    "codeop",
    "runpy",
    "ctypes",
}
PROCESSES = {"subprocess", "multiprocessing", "pty", "commands"}
FORBIDDEN_MODULES = NETWORK | EXECUTING | PROCESSES
# Where inputs at addresses are read, and with what.
READS_ADDRESSES = {f"inputs/bytes/{name}.py" for name in ("http", "hub", "remote", "sites", "urls")}
READING_ADDRESSES = {"http", "ssl", "urllib"}
ALLOWED = dict.fromkeys(READS_ADDRESSES, READING_ADDRESSES) | {
    # Processes of its own, what they and the workers of a scheduler send, and an option of the C library.
    "engine/processes.py": {"subprocess", "multiprocessing"},
    "engine/worker.py": {"multiprocessing"},
    "engine/travel.py": {"pickle"},
    "engine/cluster.py": {"ctypes"},
}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "system", "popen", "fork", "execv", "execve", "spawnv"}
# What is called by these names here is the package's own, or a regular expression.
OWN_CALLS = {("re", "compile")}
# numpy.load and torch.load unpickle; a map of a file that shrinks kills the process.
READERS_OF_PICKLES = {"load", "loads", "read_array", "read_pickle", "memmap"}
OWNERS_OF_READERS = {"np", "numpy", "torch", "pd", "pandas", "format"}


def findings(tree, allowed=frozenset()):
    """What a syntax tree holds that it must not, some modules being ``allowed``."""
    forbidden = FORBIDDEN_MODULES - allowed
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (f"import {name.name}" for name in names if name.name.split(".")[0] in forbidden)
            case ast.ImportFrom(module=str(module), level=0) if module.split(".")[0] in forbidden:
                yield f"from {module} import"
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                yield f"{name}()"
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)):
                if name in FORBIDDEN_CALLS and (owner, name) not in OWN_CALLS:
                    yield f"{owner}.{name}()"
                if owner in OWNERS_OF_READERS and name in READERS_OF_PICKLES:
                    yield f"{owner}.{name}()"
            case ast.keyword(arg="allow_pickle", value=value) if not (
                isinstance(value, ast.Constant) and value.value is False
            ):
                yield "allow_pickle"
            case ast.keyword(arg="shell", value=ast.Constant(value=bool())):
                yield "shell="


def test_nothing_read_is_executed():
    for path in SOURCES:
        allowed = ALLOWED.get(path.relative_to(PACKAGE).as_posix(), frozenset())
        assert list(findings(ast.parse(path.read_text(encoding="utf-8")), allowed)) == [], path


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import os, socket",
        "import urllib.request",
        "from subprocess import run",
        "from http.client import HTTPConnection",
        "eval('1')",
        "builtins.exec('1')",
        "os.system('ls')",
        "np.load(path)",
        "np.lib.format.read_array(file, allow_pickle=True)",
        "load(file, allow_pickle=flag)",
        "run('ls', shell=True)",
        "__import__('os')",
    ],
)
def test_what_is_looked_for_is_found(source):
    assert list(findings(ast.parse(source)))


@pytest.mark.parametrize(
    "source", ["import os", "re.compile('x')", "f(allow_pickle=False)", "from nllcli.cli import code"]
)
def test_what_is_harmless_is_let_through(source):
    assert not list(findings(ast.parse(source)))


def test_the_whole_package_is_walked():
    assert {"cli", "commands", "scoring", "inputs", "numerics", "outputs"} <= {path.parent.name for path in SOURCES}
