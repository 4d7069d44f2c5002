"""Remedies as whole commands: the command that was given, with what a remedy changes."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from nllcli.cli.options import option_words
from nllcli.errors import NllError, Remedy
from nllcli.records import dataclass

# What a shell would not take as it is between double quotes.
_SPECIAL_IN_QUOTES = frozenset('"$`\\!')


@dataclass(frozen=True)
class _Word:
    """One argument, or an option with its value, as it was given; ``name`` is that of the parameter."""

    name: str | None
    texts: tuple[str, ...]

    def naming(self, files: Mapping[str, str]) -> "_Word":
        """The same, with some inputs named instead of others."""
        return replace(self, texts=tuple(_named(text, files) for text in self.texts))


def _named(text: str, files: Mapping[str, str]) -> str:
    """A word with another file in it, which may come after the option of which it is the value."""
    for start in _starts(text):
        other = _instead(text[start:], files)
        if other is not None:
            return text[:start] + other
    return text


def _starts(text: str) -> tuple[int, int, int]:
    """Where in a word an input may begin."""
    return 0, text.find("=") + 1, 2 * (text[:1] == "-")


def _instead(path: str, files: Mapping[str, str]) -> str | None:
    """What is named instead of a path, or of its file; its member stays, unless that is what changes."""
    if path in files:
        return files[path]
    from nllcli.inputs.bytes.files import split_member

    file, member = split_member(path)
    other = files.get(file)
    if other is None or member is None or other.startswith(f"{file}:"):
        return other
    return f"{'/dev/stdin' if other == '-' else other}:{member}"


def try_lines(words: Sequence[str], remedies: Sequence[Remedy]) -> list[str]:
    """One shell command a remedy, each a variant of ``nll WORDS``; what the command has no option for is left out."""
    from nllcli.cli.app import COMMANDS, HELP, NAME, app

    if not (remedies and words and words[0] in (*COMMANDS, HELP)):
        return []
    import typer

    from nllcli.cli.addresses import at_addresses
    from nllcli.inputs.bytes.urls import is_remote

    group: Any = typer.main.get_command(app(tuple(words[:1])))
    command = group.commands[words[0]]
    known = {parameter.name for parameter in command.params}
    given = list(parsed(words[1:], command))
    typed = (text[start:] for word in given for text in word.texts for start in _starts(text))
    remedies = at_addresses(remedies, [path for path in typed if is_remote(path)])
    remedies = [_of_every_file(remedy, given) for remedy in remedies]
    possible = [remedy for remedy in remedies if known >= remedy.settings.keys() and _changes(remedy, given)]
    return list(dict.fromkeys(_line([NAME, words[0]], given, command, remedy) for remedy in possible))


def _of_every_file(remedy: Remedy, given: Sequence[_Word]) -> Remedy:
    """What a remedy does with a member of one of the files of a pattern, for all of them."""
    from nllcli.inputs.bytes.files import split_member
    from nllcli.inputs.words import files_of

    patterns: dict[str, tuple[str, str]] = {}  # by file: the word as typed, and without a member
    for text in (text for word in given if word.name for text in word.texts):
        with suppress(NllError):
            for file in files_of(text) or ():
                path, member = split_member(file)
                patterns.setdefault(path, (text, text.removesuffix(f":{member}") if member else text))

    def of_all(value: object) -> object:
        path, member = split_member(value) if isinstance(value, str) else ("", None)
        return f"{patterns[path][1]}:{member}" if member and path in patterns else value

    if not patterns:
        return remedy
    files = {}
    for key, value in remedy.files.items():
        whole = str(of_all(value))
        typed = patterns[split_member(key)[0]][0] if whole != value and split_member(key)[0] in patterns else key
        files[typed] = whole
    return replace(remedy, files=files, settings={name: of_all(value) for name, value in remedy.settings.items()})


def _changes(remedy: Remedy, given: Sequence[_Word]) -> bool:
    """Whether the command is another one after a remedy: a file that it names may be one of those of a pattern."""
    renames = any(word.naming(remedy.files) != word for word in given)
    return renames or not remedy.files


def parsed(words: Sequence[str], command: Any) -> Iterator[_Word]:
    """The words of a command line that typer has accepted, each option with its value."""
    options = {text: parameter for parameter in command.params for text in (*parameter.opts, *parameter.secondary_opts)}
    arguments = _arguments(command)
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            yield from (_Word(next(arguments, None), (text,)) for text in rest)
            return
        if word == "-" or not word.startswith("-"):
            yield _Word(next(arguments, None), (word,))
            continue
        written, has_value, _ = word.partition("=")
        parameter = options.get(written if word.startswith("--") else word[:2])
        if parameter is None:
            yield _Word(None, (word,))
        elif not word.startswith("--") and len(word) > 2 and parameter.is_flag:
            yield _Word(parameter.name, (word[:2],))
            rest.insert(0, f"-{word[2:]}")
        elif parameter.is_flag or has_value or (len(word) > 2 and not word.startswith("--")):
            yield _Word(parameter.name, (word,))
        else:
            yield _Word(parameter.name, (word, *rest[:1]))
            rest = rest[1:]


def _arguments(command: Any) -> Iterator[str]:
    """The names of the arguments in their order, the last one again where it takes any number of words."""
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            yield parameter.name
            while parameter.nargs < 0:
                yield parameter.name


def _line(program: list[str], given: list[_Word], command: Any, remedy: Remedy) -> str:
    arguments = {parameter.name for parameter in command.params if parameter.param_type_name == "argument"}
    changed = {
        name: value if isinstance(value, tuple) else (str(value),)
        for name, value in remedy.settings.items()
        if name in arguments and value is not None
    }
    kept = [
        replace(word, texts=changed.pop(word.name)) if word.name in changed else word.naming(remedy.files)
        for word in given
        # What has no name is one argument more than the command takes.
        if word.name and (word.name in changed or word.name not in remedy.settings)
    ]
    texts = [text for word in kept for text in word.texts]
    for name in (parameter.name for parameter in command.params):
        value = remedy.settings.get(name)
        if name in changed:
            at = _end_of_arguments(kept, arguments)
            texts[at:at] = changed[name]
        elif not (value is None or value is False or name in arguments):
            for each in value if isinstance(value, list) else [value]:
                texts += option_words(name, ",".join(each) if isinstance(each, tuple) else each)
    line = shlex.join([*program, *texts])
    if remedy.feed:
        line = f"{_command(remedy.feed)} | {line}"
    if remedy.shell:
        line = f"{_command(remedy.shell)} && {line}"
    if remedy.python:
        line = f"python -c {_quoted(remedy.python)} && {line}"
    return f"{line}  # {remedy.meaning}" if remedy.meaning else line


def _end_of_arguments(kept: list[_Word], arguments: set[str]) -> int:
    """Where the arguments end among the words that are kept."""
    at = end = 0
    for word in kept:
        at += len(word.texts)
        end = at if word.name in arguments else end
    return end


def _command(words: str | tuple[str, ...]) -> str:
    return words if isinstance(words, str) else shlex.join(words)


def _quoted(source: str) -> str:
    """Python source for the shell: between double quotes, as it is full of single ones."""
    return shlex.quote(source) if _SPECIAL_IN_QUOTES.intersection(source) else f'"{source}"'
