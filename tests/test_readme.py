"""README.md is true: its console blocks print what they show, its Python examples hold."""

import doctest
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.uncounted

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
FENCED = re.compile(r"^```(?P<language>.*)\n(?P<text>(?:.*\n)*?)```$", re.MULTILINE)
# The last digit of an exponential is the processor's; what is shown with fewer digits has to be the same to the letter.
IN_FULL = re.compile(r"\b(?:\d+\.\d{14,}(?:e[-+]\d+)?|\d\.\d+e[-+]\d+)")


class Block(NamedTuple):
    """A fenced block: its language, its text, and the line it starts on."""

    language: str
    text: str
    line: int


TEXT = README.read_text(encoding="utf-8")
BLOCKS = [
    Block(found["language"], found["text"], TEXT.count("\n", 0, found.start()) + 1) for found in FENCED.finditer(TEXT)
]


def blocks_in(language):
    return [block for block in BLOCKS if block.language == language]


def every_block_in(language):
    return pytest.mark.parametrize("block", blocks_in(language), ids=lambda block: f"line {block.line}")


def commands_of(text):
    """The commands of a console block, each the list of its lines: "$ " starts one, "> " goes on."""
    commands = []
    for line in text.splitlines():
        if line.startswith("$ "):
            commands.append([line])
        elif line.startswith("> ") and commands:
            commands[-1].append(line)
    return commands


def script_of(text):
    """A shell script that prints each command as the block shows it, and runs it with the status of the one before."""
    lines = ["status=0"]
    for command in commands_of(text):
        shown = shlex.quote("\n".join(command))
        typed = "\n".join(line[2:] for line in command)
        lines += [f"printf '%s\\n' {shown}; (exit $status)", typed, "status=$?"]
    return "\n".join(lines)


def transcript_of(text, folder):
    """What a terminal in ``folder`` shows for the commands of a block."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    path = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", "")])
    done = subprocess.run(
        ["bash", "-c", script_of(text)],
        cwd=folder,
        env={**inherited, "PATH": path, "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    return done.stdout


def same(shown, printed):
    """Equal to the letter, but for the last digits of numbers in full."""
    pairs = zip(IN_FULL.findall(shown), IN_FULL.findall(printed), strict=False)
    return IN_FULL.sub("#", shown) == IN_FULL.sub("#", printed) and all(
        math.isclose(float(a), float(b), rel_tol=1e-14) for a, b in pairs
    )


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder with the samples in it, as the current one."""
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@every_block_in("console")
def test_console_block_prints_what_it_shows(block, workplace, update_golden):
    assert commands_of(block.text)
    printed = transcript_of(block.text, workplace)
    if update_golden:
        page = README.read_text(encoding="utf-8")
        page = page.replace(f"```console\n{block.text}```", f"```console\n{printed}```")
        README.write_text(page, encoding="utf-8")
    elif not same(block.text, printed):
        assert printed == block.text


@pytest.mark.usefixtures("workplace")
@every_block_in("python")
def test_python_block_holds(block):
    example = doctest.DocTestParser().get_doctest(block.text, {}, f"line {block.line}", README.name, block.line)
    told = []
    failed, attempted = doctest.DocTestRunner().run(example, out=told.append)
    assert attempted
    assert not failed, "".join(told)


def test_every_block_is_run_but_the_two_that_install():
    job, tests = (block.text.splitlines() for block in blocks_in("sh"))
    assert {block.language for block in BLOCKS} == {"sh", "console", "python"}
    assert len(job) == len(tests) == 1
    assert tests[0].endswith(" && .venv/bin/pytest -n 2 --dist worksteal --cov")
    shown_below = commands_of(blocks_in("console")[0].text)[0][0].removeprefix("$ ")
    assert job[0].endswith(f" && .venv/bin/{shown_below}")


def test_links_arrive():
    headings = [line.lstrip("# ") for line in TEXT.splitlines() if line.startswith("#")]
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert target[1:] in anchors if target.startswith("#") else "://" in target or (ROOT / target).exists(), target


@pytest.mark.parametrize(
    ("shown", "printed", "equal"),
    [
        ("loss 0.3624 nats", "loss 0.3624 nats", True),
        ("loss 0.3624 nats", "loss 0.3625 nats", False),
        ("0.12823763681907965\n", "0.12823763681907967\n", True),
        ("0.12823763681907965\n", "0.12823763681917965\n", False),
        ("0.12823763681907965\n", "0.128237636819079\n", True),
        ("4.248354255291589e-18 x", "4.2483542552915894e-18 x", True),
        ("4.248354255291589e-18 x", "4.248354255291589e-17 x", False),
        ("0.12823763681907965", "0.12823763681907965\n", False),
    ],
)
def test_only_last_digits_are_forgiven(shown, printed, equal):
    assert same(shown, printed) is equal


def test_a_transcript_is_what_a_terminal_shows(workplace):
    text = "$ false\n$ echo $?\n1\n$ cat <<'END'\n> a'b\n> END\na'b\n$ echo oops >&2; ls\noops\nsamples\n"
    assert transcript_of(text, workplace) == text
    assert transcript_of(text.replace("oops\nsamples\n", "lie\n"), workplace) == text
