"""What the page of a comparison says, as data: its JSON stands at its foot."""

import html
import json
import re
from pathlib import Path

from in_process import nll

_DOCUMENT = re.compile(r'<pre tabindex="0" class="json"><code>(.*?)</code></pre>', re.DOTALL)


def page_of(folder, *words):
    """The page that nll compare writes into a folder."""
    path = Path(folder) / "page.html"
    done = nll("compare", *words, "-o", path)
    assert done.code == 0, done.err
    return path.read_text(encoding="utf-8")


def numbers_of(page):
    """Every number of a page."""
    (document,) = _DOCUMENT.findall(page)
    return json.loads(html.unescape(document))


def pictures_of(folder, *words):
    """The pictures of a comparison, by name."""
    return numbers_of(page_of(folder, *words)).get("pictures", {})
