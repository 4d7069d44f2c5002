"""Addresses of remote inputs: what tells them from paths, the member named in one, and what is shown of one."""

from __future__ import annotations

import re

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*://"
_SECRETS = r"(?s)^[^/?#]*@|[?#].*"
# A member comes after an extension, before the query if there is one.
_MEMBER = r"(?s)([^:]+://[^/?#]*/[^?#]*?\.[A-Za-z0-9_]+):([^?#]+)([?#].*)?"
# Or it comes at the end: what a query has after a colon otherwise is a time, a port or another parameter.
_MEMBER_AFTER_QUERY = r"(?s)([^?]+\?.*):([A-Za-z_][^&=]*)()"


def is_remote(path: str) -> bool:
    """Whether a path is an address, as ``scheme://`` begins one."""
    return "://" in path and re.match(_SCHEME, path) is not None


def scheme_of(url: str) -> str:
    """What comes before ``://``, in small letters."""
    return url.partition("://")[0].lower()


def shown_url(url: str) -> str:
    """An address without name and password, and without the query, which may be a signature; any other text as it is.

    A member stays.
    """
    if not is_remote(url):
        return url
    file, member = split_url(url)
    scheme, _, rest = file.partition("://")
    return f"{scheme}://{re.sub(_SECRETS, '', rest)}" + ("" if member is None else f":{member}")


def escaped(url: str) -> str:
    """An address, or the end of one, in the letters that it is sent in; what is escaped already stays so."""
    from urllib.parse import quote

    return quote(url, safe="%/:=&?#~+!$,;'@()*[]")


def with_member(url: str, member: str) -> str:
    """An address that names a member: before its query, where that is read so."""
    path, mark, query = url.partition("?")
    inside = f"{path}:{member}{mark}{query}"
    return inside if split_url(inside) == (url, member) else f"{url}:{member}"


def split_url(url: str) -> tuple[str, str | None]:
    """An address and the member named after a colon, ``https://host/file.npz:name``."""
    found = re.fullmatch(_MEMBER, url) or re.fullmatch(_MEMBER_AFTER_QUERY, url)
    return (url, None) if found is None else (found[1] + (found[3] or ""), found[2])
