"""hf://, files on the Hugging Face Hub: their addresses on the web, and the token of who asks."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from nllcli.errors import UsageError
from nllcli.inputs.bytes.urls import shown_url

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_HUB = "https://huggingface.co"
_FILE = re.compile(
    r"hf://(?P<kind>(?:datasets|spaces)/|(?!(?:datasets|spaces)/))(?P<name>[^/@]+/[^/@]+)(?:@(?P<revision>refs/(?:pr|convert)/[^/]+|[^/]+))?"
    r"/(?P<file>.+)",
    re.DOTALL | re.IGNORECASE,
)
TOKEN_HINT = "HF_TOKEN holds the token of somebody who may read it"


def address_of(path: str) -> str:
    """The address of ``hf://datasets/ORG/NAME/FILE`` or, among models, ``hf://ORG/NAME/FILE``; raises UsageError."""
    found = _FILE.fullmatch(path)
    if found is None:
        hint = "hf://datasets/ORG/NAME/FILE and hf://ORG/NAME/FILE are; NAME@REVISION names a version"
        raise UsageError("is not a file on the Hub", where=shown_url(path), hint=hint)
    revision = quote(found["revision"] or "main", safe="")
    return f"{_endpoint()}/{found['kind']}{found['name']}/resolve/{revision}/{quote(found['file'])}"


def is_hub(url: SplitResult) -> bool:
    """Whether an address is on the Hub, or on what HF_ENDPOINT names instead."""
    return url.hostname in (urlsplit(_HUB).hostname, urlsplit(_endpoint()).hostname)


def token_for(url: str) -> str | None:
    """The token where an address is on the Hub, and nobody else hears it."""
    return token() if url.startswith(f"{_HUB}/") else None


def token() -> str | None:
    """The token of who asks, out of the environment or where logging in has left it."""
    words = os.environ.get("HF_TOKEN", "").split()
    if not words:
        with suppress(OSError, ValueError, RuntimeError):  # of a file, or a home, that is not there
            words = Path("~/.cache/huggingface/token").expanduser().read_text(encoding="utf-8").split()
    return words[0] if words else None


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or _HUB
