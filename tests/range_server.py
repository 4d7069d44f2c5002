"""A small server of files by ranges, on the loopback, that can be told to behave as servers do on bad days."""

import re
import threading
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """``files`` are the bytes by path; ``answers`` is taken from first, a status or (status, headers) a request."""

    daemon_threads = True
    scheme = "http"

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {}
        self.answers = []
        self.asked = []
        self.ranges = self.tags = self.keeps_open = True
        self.weak = ""
        self.headers = {}
        self.needs = None
        self.cut = 0

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """A client that has heard enough is no failure."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Say nothing."""

    def do_GET(self):
        server, path = self.server, re.sub(r"^http://[^/]*", "", self.path)
        server.asked.append((self.path, dict(self.headers)))
        if server.answers:
            answer = server.answers.pop(0)
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            return self._send(status, b"", headers)
        if server.needs is not None and self.headers.get("Authorization") != server.needs:
            return self._send(401, b"")
        data = server.files.get(path.partition("?")[0])
        if data is None:
            return self._send(404, b"")
        tag = f'{server.weak}"{sha256(data).hexdigest()[:16]}"'
        headers = server.headers | ({"ETag": tag} if server.tags else {})
        if "If-Match" in self.headers and self.headers["If-Match"] != tag:
            return self._send(412, b"")
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not (server.ranges and wanted):
            return self._send(200, data, headers)
        first, last = int(wanted[1]), min(int(wanted[2]), len(data) - 1)
        if first >= len(data):
            return self._send(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        return self._send(206, data[first : last + 1], headers)

    def do_CONNECT(self):
        self.server.asked.append((self.path, dict(self.headers)))
        self._send(403, b"")

    def _send(self, status, body, headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if not self.server.keeps_open:
            self.send_header("Connection", "close")
        self.end_headers()
        cut, self.server.cut = self.server.cut, max(0, self.server.cut - 1)
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = self.close_connection or bool(cut)


@contextmanager
def serving(context=None):
    """A server that runs until it is left; with the ``context`` of a certificate, an encrypted one."""
    server = Server()
    if context is not None:
        server.socket, server.scheme = context.wrap_socket(server.socket, server_side=True), "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
