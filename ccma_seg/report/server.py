"""A few files for a browser on this machine, and for nobody else.

It listens on the loopback address only. Another user of the machine does not know the token; a web page that has a name
of its own lead here (DNS rebinding) is told apart by the Host header.
"""

import hmac
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from ccma_seg.errors import ConfigError

_ADDRESS = "127.0.0.1"
_TOKEN_BYTES = 32
_PATIENCE_S = 30.0
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One file as it is served."""

    content: bytes
    media_type: str


class LocalServer(ThreadingHTTPServer):
    """Serves files by name under a token; `serve_forever` starts it, `server_close` ends it."""

    daemon_threads = True

    def __init__(self, files: Mapping[str, Served], *, port: int = 0) -> None:
        """Listen, but do not answer yet.

        Parameters
        ----------
        files
            By name; the empty name is the first page.
        port
            0 for any free one.

        Raises
        ------
        ConfigError
            If the port cannot be had.
        """
        self.files = files
        self.token = secrets.token_urlsafe(_TOKEN_BYTES)
        try:
            super().__init__((_ADDRESS, port), _Handler)
        except (OSError, OverflowError) as error:
            raise ConfigError(f"port {port} cannot be had ({error}); give another one, or none") from error

    @property
    def url(self) -> str:
        """Where the first page is."""
        return f"http://{_ADDRESS}:{self.server_port}/{self.token}/"

    def find(self, path: str, host: str | None) -> Served | HTTPStatus:
        """Return what is asked for, or why not: 403 without the token or under another host, 404 if there is none."""
        token, _, name = path.removeprefix("/").partition("/")
        known = host in {f"{_ADDRESS}:{self.server_port}", f"localhost:{self.server_port}"}
        if not (hmac.compare_digest(token.encode(), self.token.encode()) and known):
            return HTTPStatus.FORBIDDEN
        return self.files.get(name, HTTPStatus.NOT_FOUND)

    def handle_error(self, *_: Any) -> None:
        """Note that a request came to nothing: a browser that leaves early is no error."""
        logger.debug("a request broke off")


class _Handler(BaseHTTPRequestHandler):
    server_version, sys_version = "ccma-seg", ""
    timeout = _PATIENCE_S

    def do_GET(self) -> None:
        self._answer(with_content=True)

    def do_HEAD(self) -> None:
        self._answer(with_content=False)

    def _answer(self, *, with_content: bool) -> None:
        found = cast("LocalServer", self.server).find(self.path, self.headers.get("Host"))
        status = found if isinstance(found, HTTPStatus) else HTTPStatus.OK
        served = Served(content=b"", media_type="text/plain") if isinstance(found, HTTPStatus) else found
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", served.media_type)
        self.send_header("Content-Length", str(len(served.content)))
        self.end_headers()
        if with_content:
            self.wfile.write(served.content)

    def log_message(self, *_: Any) -> None:
        """Keep quiet: the address holds the token."""
