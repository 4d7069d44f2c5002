"""The house rules that no single room can hold: layers, what each room may import, tables, names, style."""

import ast
import doctest
import functools
import importlib
import inspect
import pkgutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

import nllcli
from nllcli.cli.app import COMMANDS
from nllcli.registry import Registry

pytestmark = pytest.mark.uncounted

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "nllcli"
FILES = sorted(PACKAGE.rglob("*.py"))
PETS = ["compute", "samples/pets/logits.csv", "samples/pets/targets.txt"]


def module_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def run(*words):
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=150)


@pytest.mark.parametrize(
    "words",
    [
        ["-c", "from importlinter.cli import lint_imports_command as command; command()"],
        ["-m", "ruff", "check"],
        ["-m", "ruff", "format", "--check"],
        ["-m", "mypy"],
    ],
    ids=["layers", "ruff check", "ruff format", "mypy"],
)
def test_is_clean(words):
    done = run(*words)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_has_its_layer():
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ][0]
    layered = {name.strip() for layer in contract["layers"] for name in layer.split("|")}
    rooms = {f"nllcli.{module.name}" for module in pkgutil.iter_modules(nllcli.__path__)}
    assert rooms - {"nllcli.__main__"} == layered


@functools.cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def imports_of(path):
    """The top-level names of all that a file imports at run time, in functions too."""
    names = set()
    waiting = [tree_of(path)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.partition(".")[0])
        waiting += ast.iter_child_nodes(node)
    return names


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("typer", ["cli/*"]),
        ("rich", ["outputs/*"]),
        ("threading", ["engine/*", "outputs/windows.py"]),
        ("queue", ["engine/threads.py"]),
        ("concurrent", []),
        ("click", []),
        ("argparse", []),
        ("pickle", ["engine/travel.py"]),
        ("multiprocessing", ["engine/processes.py", "engine/worker.py"]),
        ("subprocess", ["engine/processes.py"]),
        ("distributed", ["engine/cluster.py"]),
        ("logging", ["engine/cluster.py"]),
    ],
)
def test_a_library_stays_in_its_room(library, homes):
    users = [path.relative_to(PACKAGE).as_posix() for path in FILES if library in imports_of(path)]
    assert [user for user in users if not any(fnmatch(user, home) for home in homes)] == []
    assert bool(users) == bool(homes)


@pytest.mark.parametrize(
    ("room", "strangers"),
    [
        ("numerics", {"os", "io", "sys", "pathlib", "shutil", "json", "csv"}),
        ("commands", {"sys", "io", "shutil"}),
        ("scoring", {"sys", "io", "shutil"}),
        ("inputs", {"shutil"}),
    ],
)
def test_a_room_knows_nothing_of(room, strangers):
    for path in (PACKAGE / room).rglob("*.py"):
        assert not imports_of(path) & strangers, path


def test_dataclasses_are_made_quickly():
    for path in FILES:
        for node in ast.walk(tree_of(path)):
            by_library = isinstance(node, ast.ImportFrom) and node.module == "dataclasses"
            made = by_library and "dataclass" in [alias.name for alias in node.names]
            assert not made or path == PACKAGE / "records.py", f"{path}:{node.lineno}: import it from nllcli.records"


def test_nothing_prints_by_itself():
    for path in FILES:
        for node in ast.walk(tree_of(path)):
            assert not (isinstance(node, ast.Name) and node.id == "print"), f"{path}:{node.lineno}"


def test_help_says_of_every_command_what_it_does():
    listed = run("-m", "nllcli", "--help").stdout.partition("\nCommands:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in listed] == [*COMMANDS, "help"]
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


def loaded_by(statement):
    """The modules in memory after ``statement`` in a fresh interpreter."""
    done = run("-c", f"import sys; {statement}; print(*sys.modules, file=sys.stderr)")
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "options", [*(["-f", name] for name in ("json", "csv", "markdown", "table")), ["-q"]], ids=" ".join
)
def test_programs_do_not_wait_for_rich(options):
    modules = loaded_by(f"from nllcli.cli.main import main; main({[*PETS, *options]!r})")
    assert "numpy" in modules
    assert "rich" not in modules


def test_a_small_run_loads_only_what_it_uses():
    modules = loaded_by(f"from nllcli.cli.main import main; main({[*PETS, '-q']!r})")
    others = ("nllcli.cli.conditions", "nllcli.commands.compute.tally", "nllcli.outputs.json_text")
    several = ("nllcli.inputs.several", "nllcli.inputs.joined", "nllcli.inputs.shards", "nllcli.inputs.sets")
    assert not modules & {"tempfile", "filecmp", "glob", "hashlib", "shlex", "unicodedata", *others, *several}


def test_a_small_run_compiles_few_patterns():
    count = "import re; compile = re._compiler.compile; seen = []"
    count += "; re._compiler.compile = lambda p, flags=0: seen.append(p) or compile(p, flags)"
    run_it = f"import numpy, typer; {count}; from nllcli.cli.main import main; main({[*PETS, '-q']!r})"
    done = run("-c", f"{run_it}; import sys; print(len(seen), file=sys.stderr)")
    assert int(done.stderr) <= 30


def test_the_version_loads_no_command():
    modules = loaded_by("from nllcli.cli.main import main; main(['--version'])")
    assert not modules & {f"nllcli.cli.{name}" for name in COMMANDS}


def test_what_reads_addresses_is_loaded_for_addresses_alone():
    modules = loaded_by(f"from nllcli.cli.main import main; main({[*PETS, '-q']!r})")
    assert not modules & {"http.client", "ssl", "nllcli.inputs.bytes.remote", "nllcli.inputs.bytes.http"}


def test_import_costs_nothing():
    assert not loaded_by("import nllcli") & {"numpy", "rich", "typer", "nllcli.commands", "nllcli.numerics"}


def test_the_command_line_loads_no_task_before_it_runs_one():
    loaded = loaded_by("import nllcli.cli.app; nllcli.cli.app.app()")
    assert "nllcli.cli.check" in loaded
    assert [name for name in sorted(loaded) if name == "numpy" or name.startswith(("nllcli.commands", "rich"))] == []


def test_public_names():
    assert nllcli.__all__ == [
        "LossResult",
        "NllError",
        "__version__",
        "class_weights",
        "compute",
        "log_softmax",
        "softmax",
    ]
    assert dir(nllcli) == sorted(nllcli.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = nllcli.nonsense


@pytest.mark.parametrize("name", [name for name in nllcli.__all__ if name != "__version__"])
def test_public_names_are_documented(name):
    public = getattr(nllcli, name)
    assert public.__module__.startswith("nllcli.")
    text = inspect.getdoc(public)
    if inspect.isfunction(public):
        assert "Parameters\n---" in text or "parameters" in text
        assert all(parameter in text or "are those of" in text for parameter in inspect.signature(public).parameters)


TABLES = {
    value.kind: value
    for path in FILES
    if "= Registry(" in path.read_text(encoding="utf-8")
    for value in vars(importlib.import_module(module_of(path))).values()
    if isinstance(value, Registry)
}
ROWS = [pytest.param(kind, name, id=f"{kind} {name}") for kind, table in TABLES.items() for name in table]


def test_the_tables_are_found():
    assert {"engine", "format", "input format", "scheme", "normalization", "topic"} <= set(TABLES)


@pytest.mark.parametrize(("kind", "name"), ROWS)
def test_every_row_of_a_table_loads(kind, name):
    loaded = TABLES[kind].load(name)
    assert callable(loaded)
    assert loaded.__doc__


def room_of(path):
    return path.relative_to(PACKAGE).parts[0]


@pytest.mark.parametrize("room", sorted(set(map(room_of, FILES))))
def test_modules_say_what_they_are_and_their_examples_hold(room):
    for name in (module_of(path) for path in FILES if room_of(path) == room):
        module = importlib.import_module(name)
        assert module.__doc__, name
        assert ">>>" not in inspect.getsource(module) or not doctest.testmod(module).failed, name


def test_the_top_level_is_tidy():
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = {path.partition("/")[0] for path in listed.split("\0")[:-1]}
    assert {name for name in names if not name.startswith(".")} == {
        "README.md",
        "nllcli",
        "pyproject.toml",
        "samples",
        "tests",
    }
