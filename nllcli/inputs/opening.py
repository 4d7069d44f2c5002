"""Words -> a Dataset, which pickles as its options; that of several files of logits is opened in ``several``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from nllcli.errors import FaultError
from nllcli.inputs.bytes.files import name_of, read_only_here, version_of
from nllcli.inputs.bytes.urls import is_remote
from nllcli.inputs.dataset import open_files
from nllcli.inputs.words import input_words, listed, words_of

if TYPE_CHECKING:
    from nllcli.data.dataset import Dataset
    from nllcli.data.settings import InputOptions
    from nllcli.inputs.bytes.files import Version

    # Those of a dataset, or of each of several models.
    Options = InputOptions | tuple[InputOptions, ...]
    Opened = TypeVar("Opened", bound=Dataset)

# The datasets whose parts are in use.
_wholes: WeakValueDictionary[str, Dataset] = WeakValueDictionary()


def open_dataset(options: InputOptions, known: Dataset | None = None) -> Dataset:
    """Open everything that ``options`` names and check that it fits together, as far as the headers show.

    The dataset, and each of its parts, pickles as its options, where all of its inputs are regular files. The targets
    may be those of a ``known`` dataset with the same files of targets.
    """
    words = words_of(options)
    if words is None:
        versions = versions_of(options)
        return recorded(open_files(options, known=known), options, versions)
    from nllcli.inputs.several import open_several

    return open_several(options, words, known)


def versions_of(options: InputOptions) -> dict[str, Version | None]:
    """Those of all files, as they are before they are opened; those on servers are asked for when they are needed."""
    return {path: None if is_remote(path) else version_of(path) for path in listed(input_words(options))}


def recorded(dataset: Opened, options: Options, versions: dict[str, Version | None], part: int | None = None) -> Opened:
    """The dataset, or the ``part`` of it, which pickles as the call that opens it."""
    return dataset.pickled_by(partial(_recipe, options, versions, part))


def _recipe(options: Options, versions: dict[str, Version | None], part: int | None) -> tuple[Any, ...]:
    for path, known in versions.items():
        # A server is asked for it once, and only where it is needed.
        versions[path] = version = version_of(path) if known is None and is_remote(path) else known
        if version is None:
            raise read_only_here(name_of(path))
    return _reopened, (options, versions, part)


def _reopened(options: Options, versions: dict[str, Version | None], part: int | None) -> Dataset:
    """The dataset opened anew; raises FaultError where a file has changed since."""
    for path, version in versions.items():
        if version_of(path) not in (version, None):  # opening one that is gone says so
            raise FaultError("changed while it was read", where=name_of(path))
    if part is None:
        return _open(options)
    key = repr((options, versions))  # the same whole is asked for its parts one by one
    whole = _wholes.get(key)
    if whole is None:
        whole = _wholes[key] = _open(options)
    return whole.parts[part].kept_with(whole)


def _open(options: Options) -> Dataset:
    if not isinstance(options, tuple):
        return open_dataset(options)
    from nllcli.inputs.models.opening import open_models

    return open_models(options)
