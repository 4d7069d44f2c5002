"""Where an address of the web is asked for: the server or its proxy, who asks, and connections that are free."""

from __future__ import annotations

import base64
import ssl
from collections import deque
from dataclasses import field, replace
from functools import cache
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult, unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from nllcli import __version__
from nllcli.errors import UsageError
from nllcli.inputs.bytes.urls import escaped, scheme_of, shown_url
from nllcli.records import dataclass

_TIMEOUT = 30  # seconds without a byte
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Site:
    """An address split into its parts; ``authorization`` is the header that says who asks, if any."""

    url: SplitResult
    authorization: str | None = None
    idle: deque[HTTPConnection] = field(default_factory=deque, compare=False, repr=False)

    @classmethod
    def at(cls, url: str, token: str | None = None) -> Site:
        """The site of an address, with the name and password in it, or a token; raises UsageError for other text."""
        try:
            parts = urlsplit(url)
            valid = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            raise UsageError("is not followed by a host, and perhaps a port", where=f"{scheme_of(url)}://")
        return cls(parts, f"Bearer {token}" if token is not None else _basic(parts))

    @property
    def name(self) -> str:
        return shown_url(self.url.geturl())

    @property
    def host(self) -> str:
        return self.url.hostname or ""

    @property
    def port(self) -> int:
        return self.url.port or _PORTS[self.url.scheme]

    def elsewhere(self, location: str) -> Site:
        """The site that an answer refers to; another server is not told who asks."""
        other = Site.at(urljoin(self.url.geturl(), location))
        same = (other.url.scheme, other.host, other.port) == (self.url.scheme, self.host, self.port)
        return replace(self, url=other.url) if same else other

    def ask(self, connection: HTTPConnection, headers: dict[str, str]) -> HTTPResponse:
        """The answer of the server, of which the body is still to be read."""
        target = escaped((self.url.path or "/") + (f"?{self.url.query}" if self.url.query else ""))
        own = {"User-Agent": f"nll/{__version__}", "Accept-Encoding": "identity"}
        if self.authorization is not None:
            own["Authorization"] = self.authorization
        proxy = self._proxy()
        if proxy is not None and self.url.scheme == "http":
            target = f"http://{self.url.netloc.rpartition('@')[2]}{target}"
            own |= _known_to(proxy)
        connection.request("GET", target, headers=own | headers)
        return connection.getresponse()

    def connection(self) -> HTTPConnection:
        """A new connection, through the proxy that the environment names for the server, if it does."""
        proxy = self._proxy()
        host, port = (self.host, self.port) if proxy is None else (proxy.hostname or "", proxy.port or 80)
        if self.url.scheme == "http":
            return HTTPConnection(host, port, timeout=_TIMEOUT)
        secure = HTTPSConnection(host, port, timeout=_TIMEOUT, context=_certificates())
        if proxy is not None:
            secure.set_tunnel(self.host, self.port, _known_to(proxy))
        return secure

    def _proxy(self) -> SplitResult | None:
        named = getproxies().get(self.url.scheme)
        if not named or proxy_bypass(self.host):
            return None
        proxy = urlsplit(named if "://" in named else f"http://{named}")
        try:
            _ = proxy.port
        except ValueError as error:
            raise UsageError(f"the port of {self.url.scheme}_proxy is not a number", where=self.host) from error
        return proxy


@cache
def _certificates() -> ssl.SSLContext:
    """Whom to trust; reading that takes longer than to connect."""
    return ssl.create_default_context()


def _basic(url: SplitResult) -> str | None:
    """The name and password of an address, as a header has them."""
    if url.username is None:
        return None
    pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _known_to(proxy: SplitResult) -> dict[str, str]:
    known = _basic(proxy)
    return {} if known is None else {"Proxy-Authorization": known}
