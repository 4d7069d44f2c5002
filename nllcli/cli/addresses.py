"""Remedies for inputs at addresses: what is to be converted is saved first, and what messages shorten is as typed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from nllcli.errors import Remedy
from nllcli.inputs.bytes.files import not_there_yet
from nllcli.inputs.bytes.urls import is_remote, shown_url, split_url, with_member


def at_addresses(remedies: Sequence[Remedy], typed: Collection[str]) -> list[Remedy]:
    """The remedies where some inputs are at the addresses ``typed``; none where messages call two of them the same."""
    files = list(dict.fromkeys(split_url(url)[0] for url in typed))
    names = {shown_url(file): file for file in files}
    if len(names) < len(files):
        return []

    def whole(text: str) -> str:
        return text if text in typed else _whole(text, names)

    found = []
    for remedy in remedies:
        changed = dict.fromkeys(shown_url(split_url(path)[0]) for path in remedy.files if is_remote(path))
        if not (changed and (remedy.python or remedy.shell or remedy.feed)):
            found.append(_as_typed(remedy, whole))
        elif names.keys() >= changed.keys():  # not where a word stands for several
            found.append(_saving([names[name] for name in changed]))
    return found


def _saving(files: Sequence[str]) -> Remedy:
    """The remedy that saves the files in the current folder, and reads them there."""
    from nllcli.inputs.bytes.remote import saving

    saved: dict[str, str] = {}
    for i, file in enumerate(files):
        name = shown_url(file).rstrip("/").rpartition("/")[2]
        saved[file] = not_there_yet(f"{i}-{name}" if name in saved.values() else name)
    return Remedy(files=saved, python="; ".join(saving(file, to) for file, to in saved.items()))


def _as_typed(remedy: Remedy, whole: Callable[[str], str]) -> Remedy:
    files = {whole(path): whole(other) for path, other in remedy.files.items()}
    settings = {key: whole(value) if isinstance(value, str) else value for key, value in remedy.settings.items()}
    return replace(remedy, files=files, settings=settings)


def _whole(text: str, names: Mapping[str, str]) -> str:
    """An address in full, where a message shortens it; a member comes where it is read as one."""
    for name, file in names.items():
        for known in (file, name):
            if text == known:
                return file
            if text.startswith(f"{known}:"):
                return with_member(file, text[len(known) + 1 :])
    return text
