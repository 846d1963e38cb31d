"""The server's patience with who sends half a request: over real sockets, of this machine."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the review page's libraries are not installed")

import uvicorn

from digitd.review import patience, serving

SOON = 30.0
"""Seconds after which a test gives up."""
LARGE = 32 << 20
"""Bytes that no socket's buffers hold."""


async def app(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """Reads all of a request, and answers it: at /large with many bytes."""
    while (await receive()).get("more_body"):
        pass
    body = b"x" * LARGE if scope["path"] == "/large" else b"in"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


def served(work: Callable[[int], Awaitable[None]]) -> None:
    """Work with a server's port, while it runs."""

    async def run() -> None:
        config = uvicorn.Config(
            app, http=patience.PatientHttp, ws="none", lifespan="off", log_config=None, timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        with serving.listening("127.0.0.1", 0) as listens:
            serves = asyncio.create_task(server._serve([listens]))
            try:
                async with asyncio.timeout(SOON):
                    await work(listens.getsockname()[1])
            finally:
                server.should_exit = True
                await serves

    asyncio.run(run())


HALVES = {
    "nothing": b"",
    "half a head": b"GET / HTTP/1.1\r\nHost: 127",
    "half a body": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf",
    "half a second head": b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT",
}


@pytest.mark.parametrize("half", HALVES)
def test_who_sends_half_a_request_is_hung_up_on(half: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if it drips: nobody holds a connection by saying a little now and then."""
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.2)

    async def work(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HALVES[half])

        async def drip() -> None:
            while half.startswith("half a ") and half != "half a body":
                await asyncio.sleep(0.05)
                writer.write(b"a")

        dripping = asyncio.create_task(drip())
        with suppress(ConnectionResetError):
            await reader.read()
        dripping.cancel()
        writer.close()

    served(work)


def test_who_does_not_read_the_answer_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes are in our memory as long as they are not read."""
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.2)

    async def work(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        await writer.drain()
        # The end of the connection makes writing fail, though nothing was read.
        with suppress(ConnectionError):
            while True:
                await asyncio.sleep(0.05)
                writer.write(b"x")
                await writer.drain()
        writer.close()
        assert reader is not None

    served(work)


def test_who_asks_now_and_then_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is idle between two requests is for the next one, as long as the server keeps it."""
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.05)

    async def work(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\nin")).startswith(b"HTTP/1.1 200")
            # Some looks of the server's are over when as many of our own are.
            for _ in range(6):
                await asyncio.sleep(patience.PATIENCE_SECONDS)
        writer.close()

    served(work)
