"""A real browser for the tests that need one: it opens a file and hands back what became of it."""

import html
import json
import os
import re
import shutil
import subprocess

NAMES = ("chromium", "google-chrome", "chromium-browser", "chrome")
QUIET = (
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
    "disable-quic",
    "no-first-run",
    "disable-dev-shm-usage",
)
PROGRAM = next(filter(None, map(shutil.which, NAMES)), None)


def opened(path, folder, *options):
    """The source of the page at ``path`` once it is at rest, and what the browser wrote to standard error."""
    command = [PROGRAM, "--headless", "--disable-gpu", *(f"--{each}" for each in QUIET), f"--user-data-dir={folder}"]
    # It asks for the time, unless it is told not to; and nothing that it asks for has an address.
    command += ["--disable-features=NetworkTimeServiceQuerying", "--host-resolver-rules=MAP * ~NOTFOUND"]
    command += ["--no-sandbox"] if os.geteuid() == 0 else []
    command += ["--enable-logging=stderr", "--v=0", "--virtual-time-budget=60000", *options, "--dump-dom"]
    done = subprocess.run([*command, path.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


def told(source, folder):
    """What a script writes into the element "found" of a page, as the object that it is; and standard error."""
    path = folder / "wrapper.html"
    path.write_text(source, encoding="utf-8", errors="backslashreplace")
    page, errors = opened(path, folder / "profile")
    found = re.search(r'<pre id="found">(.*?)</pre>', page, re.DOTALL)
    assert found, f"no answer: {errors[-2000:]}"
    return json.loads(html.unescape(found[1])), errors


def console(errors):
    """The lines that pages wrote to the console."""
    return [line for line in errors.splitlines() if "CONSOLE" in line]


def wrapper(script, call):
    """A page that runs a script and writes what ``call`` gives into itself."""
    return f"""<!DOCTYPE html><meta charset="utf-8"><pre id="found"></pre><script>{script}
({call}).then((found) => {{ document.getElementById("found").textContent = JSON.stringify(found); }})
.catch((error) => {{ document.getElementById("found").textContent = JSON.stringify(String(error)); }});
</script>"""


def as_script(value):
    """A value as a literal of a script in a page."""
    return json.dumps(value).replace("</", "<\\/").replace("<!--", "<\\!--")
