"""Requests to an ASGI application, without a server and without a port."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

T = TypeVar("T")
PORT = 8417
HOST = f"127.0.0.1:{PORT}"


@dataclass(frozen=True)
class Got:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(app: Any, path: str, method: str = "GET", *, body: bytes = b"", **headers: str) -> Got:
    """One request; HEADERS with `_` for `-`. Host is ours unless it is given; "" leaves a header out."""
    path, _, query = path.partition("?")
    known = {"host": HOST} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": quote(path, safe="/\\").encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in known.items() if value],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", PORT),
    }
    chunks = [body[at : at + 65536] for at in range(0, len(body), 65536)] or [b""]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        chunk = chunks.pop(0) if chunks else b""
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return Got(start["status"], {k.decode().lower(): v.decode() for k, v in start["headers"]}, body)


def living(app: Any, living: AbstractAsyncContextManager[None], work: Callable[[], Awaitable[T]]) -> T:
    """Work with an application while it lives."""

    async def lived() -> T:
        async with living:
            return await work()

    return asyncio.run(lived())


def run(work: Coroutine[Any, Any, T]) -> T:
    """In a loop of its own."""
    return asyncio.run(work)
