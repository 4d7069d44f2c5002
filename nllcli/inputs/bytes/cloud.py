"""s3://, gs:// and az:// by ranges, through the package obstore, which finds its credentials in the environment."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nllcli.errors import FaultError, Remedy, UsageError
from nllcli.inputs.bytes.remote import stream_of
from nllcli.inputs.bytes.urls import scheme_of, shown_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nllcli.inputs.bytes.files import ByteStream

_RETRIES = {"max_retries": 2, "retry_timeout": timedelta(seconds=30)}
_STATUS = re.compile(r"status code: (\d+ [\w -]+)")
_ADDRESS = re.compile(r"\w+://\S+")  # as libraries tell them, with whatever is signed


def open_object(path: str) -> ByteStream:
    """The bytes of an object; raises FaultError where they are not given, UsageError where obstore is missing."""
    name = shown_url(path)
    try:
        obstore, stores = import_module("obstore"), import_module("obstore.store")
    except ModuleNotFoundError as error:
        install = Remedy(shell=("pip", "install", "nllcli[cloud]"))
        raise UsageError(f"{scheme_of(path)}:// needs the package obstore", where=name, remedies=[install]) from error
    scheme, _, rest = path.partition("://")
    bucket, _, key = rest.partition("/")
    if not (bucket and key):
        raise UsageError("is not followed by a bucket and the name of an object", where=f"{scheme}://")
    with _told(name, "cannot be opened"):
        store = stores.from_url(f"{scheme.lower()}://{bucket}", retry_config=_RETRIES)
        about = obstore.head(store, key)
    return stream_of(path, ObjectRanges(partial(obstore.get, store, key), about["size"], about["e_tag"]))


class ObjectRanges:
    """The bytes of an object, by ranges."""

    def __init__(self, get: Callable[..., Any], size: int, tag: str | None) -> None:
        self._get = get
        self.size = size
        self.tag = tag or ""

    def fill(self, view: memoryview, at: int, name: str) -> None:
        """Fill ``view`` with the bytes from ``at`` on; raises FaultError about ``name``. Any thread may call it."""
        options = {"range": (at, at + view.nbytes), **({"if_match": self.tag} if self.tag else {})}
        with _told(name, "cannot be read"):
            found = self._get(options=options).bytes()
        if len(found) != view.nbytes:
            raise FaultError("became shorter while it was read", where=name)
        view[:] = memoryview(found)


@contextmanager
def _told(name: str, failure: str) -> Iterator[None]:
    """Turn what obstore raises into an error about ``name``."""
    try:
        yield
    except Exception as error:  # obstore raises its own kinds and those of Python
        if type(error).__name__ == "PreconditionError":
            raise FaultError("changed while it was read", where=name) from error
        first = str(error).partition("\n")[0]
        status = _STATUS.search(first)
        words = f"the server answers {status[1].strip()}" if status else first.rpartition(" - ")[2]
        raise FaultError(f"{failure}: {_ADDRESS.sub('it', words)[:120]}", where=name) from error
