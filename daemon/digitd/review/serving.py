"""Serving the review page: the socket, the server, signals, the addresses that open it, and the browser."""

import asyncio
import ipaddress
import logging
import os
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from digitd import log
from digitd.errors import UsageError
from digitd.review.guard import TOKEN, Guard
from digitd.review.patience import PatientHttp

CONNECTIONS_MOST = 200
"""At once: a browser has six, so thirty people."""
KEEP_ALIVE_SECONDS = 75
HEADERS_MOST = 32 << 10
"""Bytes of a request's line and headers."""
ENDING_SECONDS = 3
"""For so long a request that is being answered may hold up the end."""
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
"""Where one of these is set, there is a browser to be opened."""


def listening(address: str, port: int) -> socket.socket:
    """A socket that listens there and nowhere else; port 0: one that is free. UsageError where it cannot be had."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family, backlog=CONNECTIONS_MOST)
    except OSError as error:
        raise UsageError(
            f"port {port} of {address} cannot be had ({os.strerror(error.errno or 0)})",
            "Does another `digitd review` run? Else choose another with --port or review.port",
        ) from error


def address_of(listens: socket.socket, token: str) -> str:
    """What a person opens: where it listens at all addresses, that of this machine for itself."""
    address, port = listens.getsockname()[:2]
    at = ipaddress.ip_address(address)
    if at.is_unspecified:
        at = ipaddress.ip_address("127.0.0.1" if at.version == 4 else "::1")
    return f"http://{at if at.version == 4 else f'[{at}]'}:{port}/?{TOKEN}={token}"


class Server(uvicorn.Server):
    """Ends as digitd's other processes do, with 0 after a signal; ON_READY is called when it serves."""

    def __init__(self, app: Guard, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                http=PatientHttp,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=CONNECTIONS_MOST,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=ENDING_SECONDS,
                h11_max_incomplete_event_size=HEADERS_MOST,
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._end)
        await super().startup(sockets)
        if not self.should_exit:
            self._on_ready()

    def _end(self) -> None:
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Not as the library does it, which lets the signal end the process once more when all is done."""
        yield


def serve(app: Guard, listens: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve until a signal comes."""
    # That it has begun and ended digitd says itself.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    address, port = listens.getsockname()[:2]
    if not ipaddress.ip_address(address).is_loopback:
        log.get().warning("review_exposed", address=address, port=port)

    def ready() -> None:
        log.get().info("review_started", address=address, port=port)
        on_ready()

    Server(app, ready).run([listens])
    log.get().info("review_stopped")


def has_browser() -> bool:
    """Whether there is a desktop, or the user named a browser."""
    return any(os.environ.get(name) for name in DISPLAYS)


def open_browser(address: str) -> None:
    """Open the user's browser; some are programs that only end with their window."""
    threading.Thread(target=webbrowser.open, args=(address,), name="digitd-browser", daemon=True).start()
