"""http://, https:// and hf:// by ranges, over connections that stay open; all answers have to be of one version.

A connection serves one thread at a time, and waits for the next one in between. Requests and conditions are those of
RFC 9110.
"""

from __future__ import annotations

import ssl
import time
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, InvalidURL
from typing import TYPE_CHECKING, TypeVar

from nllcli.errors import FaultError
from nllcli.inputs.bytes import hub
from nllcli.inputs.bytes.files import ByteStream
from nllcli.inputs.bytes.remote import FIRST_BYTES, stream_of
from nllcli.inputs.bytes.sites import Site
from nllcli.inputs.bytes.urls import shown_url
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Found = TypeVar("Found")

_WAITS = (0.5, 2.0)  # seconds before the second try and the third
_LONGEST_WAIT = 10.0
_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_TEMPORARY = (408, 429, 500, 502, 503, 504)
_REFUSED = (401, 403)
_OVER = (*_REFUSED, 404, 410)  # what a signed address answers once its time is over
# What no second try changes.
_FINAL = (ssl.SSLCertVerificationError, InvalidURL, UnicodeError)


def open_url(path: str) -> ByteStream:
    """The bytes at an address of the web; raises FaultError where they are not given, UsageError for other text."""
    return HttpRanges(Site.at(path, hub.token_for(path))).opened(path)


def open_hub(path: str) -> ByteStream:
    """The bytes of a file on the Hugging Face Hub; raises FaultError where they are not given."""
    return HttpRanges(Site.at(hub.address_of(path), hub.token())).opened(path)


class _Temporary(Exception):
    """An answer after which another try may go well; ``wait`` is how many seconds the server asks for, if it does."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


@dataclass(frozen=True)
class _Answer:
    """What a server answers, its body still to be read, and over which connection."""

    site: Site
    connection: HTTPConnection
    response: HTTPResponse

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def words(self) -> str:
        known = self.status in set(HTTPStatus)
        return f"the server answers {self.status} {HTTPStatus(self.status).phrase if known else ''}".rstrip()

    @property
    def part(self) -> str:
        """Which bytes it has, as ``bytes 0-99/1000``."""
        return self.response.headers.get("Content-Range", "")

    @property
    def size(self) -> int | None:
        """How long the file is."""
        total = self.part.rpartition("/")[2]
        return int(total) if total.isdecimal() else None

    @property
    def tag(self) -> str:
        """What tells one version of the file from another; empty where the server gives nothing."""
        headers = self.response.headers
        return headers.get("ETag") or headers.get("Last-Modified") or ""

    @property
    def conditions(self) -> dict[str, str]:
        """The headers that ask for no other version; weak tags never match."""
        headers = self.response.headers
        if "ETag" in headers:
            return {} if headers["ETag"].startswith("W/") else {"If-Match": headers["ETag"]}
        return {"If-Unmodified-Since": headers["Last-Modified"]} if "Last-Modified" in headers else {}

    @property
    def wait(self) -> float | None:
        """How many seconds the server asks to wait."""
        seconds = self.response.headers.get("Retry-After", "")
        return min(float(seconds), _LONGEST_WAIT) if seconds.isdecimal() else None

    def receive(self, view: memoryview) -> None:
        """Fill ``view`` with the body; the connection is then free for the next request."""
        while view.nbytes:
            n = self.response.readinto(view)
            if not n:
                raise ConnectionError("the answer is cut short")
            view = view[n:]
        if not self.response.read(1) and not self.response.will_close:
            self.site.idle.append(self.connection)

    def pull(self, n: int) -> bytes:
        """The next bytes of the body, at most ``n``; empty only at its end."""
        found = self.response.read(n)
        if not found and self.response.length:
            raise ConnectionError("the answer is cut short")
        return found


class HttpRanges:
    """The bytes at a site, by ranges: ``Ranges`` once it is opened."""

    def __init__(self, site: Site) -> None:
        self._first = self._site = site
        self._conditions: dict[str, str] = {}
        self.size = 0
        self.tag = ""

    def opened(self, path: str) -> ByteStream:
        """The bytes as those at ``path``, the first ones already there; without ranges, they come front to back."""
        name = shown_url(path)

        def attempt() -> ByteStream:
            answer = self._answer(0, FIRST_BYTES)
            if answer.status == HTTPStatus.OK:
                return ByteStream(name, _from_front_to_back(answer, name))
            if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and answer.size == 0:
                return stream_of(path, self)
            self._check(answer, 0, name, "cannot be opened")
            self.size, self.tag = answer.size or 0, answer.tag
            # Only the tag is compared where another site has answered: the first one may know the file by another.
            self._conditions = answer.conditions if answer.site is self._first else {}
            start = bytearray(min(FIRST_BYTES, self.size))
            answer.receive(memoryview(start))
            return stream_of(path, self, bytes(start))

        return _trying(attempt, name, "cannot be opened")

    def fill(self, view: memoryview, at: int, name: str) -> None:
        """Fill ``view`` with the bytes from ``at`` on; raises FaultError about ``name``. Any thread may call it."""

        def attempt() -> None:
            answer = self._answer(at, view.nbytes)
            self._check(answer, at, name, "cannot be read")
            if (answer.size, answer.tag) != (self.size, self.tag):
                raise _changed(name)
            answer.receive(view)

        _trying(attempt, name, "cannot be read")

    def _answer(self, at: int, n: int) -> _Answer:
        """The answer to a request for ``n`` bytes from ``at`` on, wherever redirections lead."""
        headers = {"Range": f"bytes={at}-{at + n - 1}", **self._conditions}
        begun = site = self._site
        for _ in range(_MOST_REDIRECTS + 1):
            answer = _asked(site, headers)
            if answer.status not in _REDIRECTS or "Location" not in answer.response.headers:
                break
            answer.connection.close()
            site = site.elsewhere(answer.response.headers["Location"])
        else:
            raise FaultError(f"cannot be opened: more than {_MOST_REDIRECTS} redirections", where=site.name)
        if answer.status in _OVER and begun is not self._first:
            self._site = self._first
            raise _Temporary(answer.words)
        self._site = site
        return answer

    def _check(self, answer: _Answer, at: int, name: str, failure: str) -> None:
        """Raise unless the answer has the bytes from ``at`` on."""
        has_part = answer.part.startswith(f"bytes {at}-") and answer.size is not None
        if answer.status == HTTPStatus.PARTIAL_CONTENT and has_part:
            return
        if answer.status == HTTPStatus.PRECONDITION_FAILED:
            raise _changed(name)
        if answer.status in _TEMPORARY:
            raise _Temporary(answer.words, answer.wait)
        told = f"{answer.words}, not with the part of the file" if answer.status < 300 else answer.words
        hint = hub.TOKEN_HINT if answer.status in _REFUSED and hub.is_hub(self._first.url) else None
        raise FaultError(f"{failure}: {told}", where=name, hint=hint)


def _asked(site: Site, headers: dict[str, str]) -> _Answer:
    """The answer of a site, over a connection that is free or over a new one: the server may have closed the other."""
    try:
        connection = site.idle.pop()
        return _Answer(site, connection, site.ask(connection, headers))
    except (IndexError, OSError, HTTPException):
        connection = site.connection()
        return _Answer(site, connection, site.ask(connection, headers))


def _trying(attempt: Callable[[], Found], name: str, failure: str) -> Found:
    """What an attempt gives that is made again, after growing waits, where the network or the server fails."""
    for wait in _WAITS:
        try:
            return attempt()
        except _FINAL:
            break
        except _Temporary as error:
            time.sleep(wait if error.wait is None else error.wait)
        except (OSError, HTTPException):
            time.sleep(wait)
    with _told(name, failure):
        return attempt()


def _from_front_to_back(answer: _Answer, name: str) -> Callable[[int], bytes]:
    def pull(n: int) -> bytes:
        with _told(name, "cannot be read"):
            return answer.pull(n)

    return pull


@contextmanager
def _told(name: str, failure: str) -> Iterator[None]:
    """Turn a failure of the network or of the server into an error about ``name``."""
    try:
        yield
    except _Temporary as error:
        raise FaultError(f"{failure}: {error}", where=name) from error
    except (OSError, HTTPException, UnicodeError) as error:
        words = getattr(error, "verify_message", None) or getattr(error, "strerror", None) or str(error)
        first = (words or type(error).__name__).splitlines()[0][:120]
        told = failure.replace("opened", "reached")
        raise FaultError(f"{told}: {first[:1].lower()}{first[1:]}", where=name) from error


def _changed(name: str) -> FaultError:
    return FaultError("changed while it was read", where=name)
