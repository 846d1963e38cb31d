"""The door of the review page: every request is judged before anything else sees it."""

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import cookie_parser

from digitd import log, names
from digitd.review.security import HEADERS, READING, Access, Asked, Refusal, Tokens, new_token, stranger, unauthorised

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ACCESS = "digitd.access"
"""Under this name the scope of a request has what it may."""
TOKEN = "token"
SHOWN_MOST = 200
"""Characters of what a caller sent that go into the log."""
WORDS = {
    Refusal.HOST: "This address is not digitd's.",
    Refusal.ORIGIN: "Another page asked for this.",
    Refusal.TOKEN: "The token is missing or not right. Open the address that `digitd review` printed.",
    Refusal.LOOK_ONLY: "This address is for looking only.",
}


def cookie_of(port: int) -> str:
    """The name of the cookie that has the token: browsers tell the ports of a machine not apart by themselves."""
    return f"digitd-review-{port}"


class Guard:
    """Lets through what `security` does not refuse; 403 and a line in the log for the rest."""

    def __init__(self, app: App, tokens: Tokens, listening: str, port: int) -> None:
        self._app, self._tokens, self._listening = app, tokens, listening
        self._cookie = cookie_of(port)
        self._tickets: set[str] = set()

    def ticket(self) -> str:
        """A token that opens the page once: every user of the machine can see how a browser is started."""
        ticket = new_token()
        self._tickets.add(ticket)
        return ticket

    def _redeemed(self, named: str | None) -> str | None:
        """The token that came in the address; for a ticket that was not used yet, the one that it stands for."""
        if named is None or not any(hmac.compare_digest(named.encode(), each.encode()) for each in self._tickets):
            return named
        self._tickets.discard(named)
        return self._tokens.review

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message.get("headers", ()), *ours]
            await send(message)

        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        named = next((value for name, value in query if name == TOKEN), None)
        asked = Asked(scope["method"], headers, self._in_cookie(headers) if named is None else named)
        if (why := stranger(asked, self._listening)) is None and named is not None:
            named = self._redeemed(named)
            asked = Asked(asked.method, headers, named)
        access = self._tokens.access(asked.token)
        why = why or unauthorised(asked, access)
        if why is not None:
            _say(why, scope, headers)
            await _answer(send_guarded, 403, WORDS[why], [])
        elif named is not None and scope["method"] in READING:
            await self._welcome(scope, query, named, send_guarded)
        else:
            scope[ACCESS] = access or Access.LOOK
            await self._app(scope, receive, send_guarded)

    def _in_cookie(self, headers: dict[str, str]) -> str | None:
        # As browsers do it: every program of this machine may set cookies, and one that is odd spoils no other.
        return cookie_parser(headers.get("cookie", "")).get(self._cookie)

    async def _welcome(self, scope: Scope, query: list[tuple[str, str]], token: str, send: Send) -> None:
        """Keep the token in a cookie that no script sees, and take it out of the address, which others may see."""
        rest = urlencode([(name, value) for name, value in query if name != TOKEN])
        # One slash: two would be the beginning of another host, and browsers take a backslash for one.
        path = "/" + scope["raw_path"].decode("latin-1").lstrip("/\\")
        cookie = f"{self._cookie}={token}; Path=/; HttpOnly; SameSite=Lax"
        headers = [("location", f"{path}?{rest}" if rest else path), ("set-cookie", cookie)]
        await _answer(send, 303, "", headers)


async def _answer(send: Send, status: int, text: str, headers: list[tuple[str, str]]) -> None:
    body = f"{text}\n".encode()
    known = [("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store"), *headers]
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in known],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})


def _say(why: Refusal, scope: Scope, headers: dict[str, str]) -> None:
    """Everything but the token: a wrong one may be a right one of another digitd."""
    peer = scope.get("client")
    log.get().warning(
        "review_refused",
        why=str(why),
        host=_shown(headers.get("host")),
        origin=_shown(headers.get("origin")),
        path=_shown(scope["path"]),
        peer=None if peer is None else str(peer[0]),
    )


def _shown(text: str | None) -> str | None:
    return None if text is None else names.printable(text[:SHOWN_MOST])
