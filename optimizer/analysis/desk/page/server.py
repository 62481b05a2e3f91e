"""The server of a page, the desk's or the form's: on this machine alone, behind an
address with a random token, and nothing else to ask for.

Every address of the server begins with the token, that of the websocket and of scripts
included: a request without it finds nothing. One whose Host is another name than the
server's is refused (421): a page of a foreign name that was made to lead here gets
nothing. The websocket is also refused to pages of other origins, and the page's own
security policy lets nothing load from elsewhere, and no script run but those that the
page was made with.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import secrets
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.server.server import BaseServer
from bokeh.server.tornado import BokehTornado
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.web import ErrorHandler, OutputTransform

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.language import ENGLISH, speaking

if TYPE_CHECKING:
    from tornado.httputil import HTTPHeaders, HTTPServerRequest

HOST = "127.0.0.1"
TOKEN_BYTES = 32

MOST_BODY = 1 << 16
"""Bytes of the body of a request; a longer one is refused before it is read."""

POLL_MS = 300
"""Milliseconds between two looks at what runs in the background, and at what other
windows of the same page did.
"""


class ServedPage(Protocol):
    """A page in one window: what its template places, its title and its template."""

    @property
    def roots(self) -> list[Any]:
        """The parts, by whose names the template places them."""

    @property
    def title(self) -> str:
        """What the window is called."""

    @property
    def template(self) -> Any:  # noqa: ANN401 - jinja's
        """What stands around the parts."""

    def poll(self) -> None:
        """Look at what runs in the background, and at what other windows did."""


@dataclass(frozen=True)
class DeskServer:
    """A server that listens, and is not yet run."""

    #: Of the page, token included.
    address: str
    #: Where it listens.
    port: int
    #: Bokeh's.
    server: BaseServer


def listening(page: Callable[[], ServedPage], port: int | None = None) -> DeskServer:
    """Return a server that listens on this machine; to be called within a running event
    loop.

    Parameters
    ----------
    page
        Makes the page of a window.
    port
        Where to listen; None for any free one.

    Raises
    ------
    InputError
        If the port cannot be had.
    """
    bound = _bound(port)
    port = int(bound.getsockname()[1])
    token = secrets.token_urlsafe(TOKEN_BYTES)
    logging.getLogger("tornado.access").setLevel(
        logging.ERROR
    )  # a request that finds nothing is no concern of the planner
    application = _OfOneHost(
        {"/": Application(FunctionHandler(lambda document: _fill(document, page())))},
        prefix=token,
        extra_websocket_origins=[f"{HOST}:{port}"],
        use_index=False,
        redirect_root=False,
        include_headers=[],
        include_cookies=[],
        sign_sessions=False,
        secret_key=None,
    )
    application.host = f"{HOST}:{port}"
    application.add_transform(_Guarded)
    http = HTTPServer(application, max_body_size=MOST_BODY)  # what a page is asked for has none
    http.add_socket(bound)
    return DeskServer(
        f"http://{HOST}:{port}/{token}/", port, BaseServer(IOLoop.current(), application, http)
    )


def serve(
    page: Callable[[], ServedPage],
    *,
    port: int | None,
    ready: Callable[[DeskServer], object],
    language: str = ENGLISH,
) -> None:
    """Serve a page until Ctrl-C, or until the process is asked to end.

    Parameters
    ----------
    page
        Makes the page of a window.
    port
        Where to listen; None for any free one.
    ready
        Called once the page can be opened.
    language
        Of the page.

    Raises
    ------
    InputError
        If the port cannot be had, or there are no texts in that language.
    """
    with speaking(language):  # tasks and callbacks of the loop take it with them
        asyncio.run(_served(page, port, ready))


async def _served(
    page: Callable[[], ServedPage], port: int | None, ready: Callable[[DeskServer], object]
) -> None:
    found = listening(page, port)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(ended.set))
    try:
        found.server.start()
        ready(found)
        await ended.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        found.server.stop(wait=False)
        http: Any = found.server._http  # noqa: SLF001 - bokeh has no other way to it
        await http.close_all_connections()


def _bound(port: int | None) -> socket.socket:
    try:
        bound = socket.create_server((HOST, port or 0), backlog=128)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        found = (
            f"{port}, which another program uses"
            if taken
            else f"{port}, which cannot be had ({error.strerror})"
        )
        raise InputError(
            Problem("port", found, "a free port", "Choose another, or leave --port out")
        ) from None
    bound.setblocking(False)
    return bound


def _fill(document: Any, page: ServedPage) -> None:  # noqa: ANN401 - bokeh has no types
    """Put a page into a window's document."""
    for root in page.roots:
        document.add_root(root)
    document.title = page.title
    document.template = page.template
    # bokeh's strip is English; the page says it in its own language
    document.config.notify_connection_status = False
    document.add_periodic_callback(page.poll, POLL_MS)


class _OfOneHost(BokehTornado):  # type: ignore[misc]  # bokeh has no types
    """Answers requests to its own host and port alone."""

    host: str

    def find_handler(self, request: HTTPServerRequest, **options: Any) -> Any:  # noqa: ANN401 - tornado's
        """Return what answers a request."""
        if request.host != self.host:
            return self.get_handler_delegate(request, ErrorHandler, {"status_code": 421})
        if not unquote(request.path).isprintable():  # no file has such a name; NUL ends one
            return self.get_handler_delegate(request, ErrorHandler, {"status_code": 400})
        return super().find_handler(request, **options)


class _Guarded(OutputTransform):
    """Adds the headers that keep a page to itself, and marks the scripts that it was made with."""

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Do so; the HTML of the page holds no text of a plan, which comes by the websocket."""
        del finishing
        nonce = secrets.token_urlsafe(16)
        headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'"
            " 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src"
            f" 'self' ws://{HOST}:*; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if "text/html" in headers.get("Content-Type", ""):
            headers["Cache-Control"] = "no-store"
            chunk = chunk.replace(b"<script", f'<script nonce="{nonce}"'.encode())
            if "Content-Length" in headers:
                headers["Content-Length"] = str(len(chunk))
        return status_code, headers, chunk
