"""The door of the review page: hosts, origins, tokens; what is refused gets 403 and a line in the log."""

import asyncio
import re
from typing import Any

import pytest
from structlog.testing import capture_logs

from asking import HOST, PORT, Got, ask
from digitd.review.guard import ACCESS, Guard, cookie_of
from digitd.review.security import HEADERS, Access, Tokens, is_ours, new_token

pytest.importorskip("starlette", reason="the review page's libraries are not installed")

TOKENS = Tokens.of(new_token())
COOKIE = f"{cookie_of(PORT)}={TOKENS.review}"
LOOK = f"{cookie_of(PORT)}={TOKENS.look}"


class Inner:
    """What is behind the door: it notes who came in."""

    def __init__(self) -> None:
        self.came: list[Access] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.came.append(scope[ACCESS])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"in"})


class Door:
    """A guard with something behind it, and the log."""

    def __init__(self, listening: str = "127.0.0.1") -> None:
        self.inner = Inner()
        self.guard = Guard(self.inner, TOKENS, listening, PORT)
        self.log: list[Any] = []

    def ask(self, path: str = "/", method: str = "GET", **headers: str) -> Got:
        with capture_logs() as log:
            got = asyncio.run(ask(self.guard, path, method, body=b"", **headers))
        self.log += log
        return got

    def refused(self, why: str, *args: str, **headers: str) -> Got:
        """It is refused: nothing behind the door hears of it, and one line in the log says why."""
        before = len(self.log)
        got = self.ask(*args, **headers)
        assert (got.status, self.inner.came) == (403, [])
        (event,) = self.log[before:]
        assert (event["event"], event["log_level"], event["why"]) == ("review_refused", "warning", why)
        assert TOKENS.review not in str(event) and TOKENS.look not in str(event)
        return got


@pytest.fixture
def door() -> Door:
    """One that listens on this machine alone."""
    return Door()


STRANGERS = ["evil.example", "evil.example:8417", "127.0.0.1.evil.example", "192.168.1.7:8417", "", "127.0.0.1 evil"]
NO_HOSTS = ["localhost@evil.example", "[::2]:8417", "127.0.0.1:port", "localhost/evil"]


@pytest.mark.parametrize("host", STRANGERS + NO_HOSTS)
def test_an_unknown_host_is_refused(door: Door, host: str) -> None:
    """A name of somebody else's that points here (DNS rebinding) gets nothing, though it has the right token."""
    door.refused("host", host=host, cookie=COOKIE)


@pytest.mark.parametrize(
    "host", [HOST, f"localhost:{PORT}", "localhost:9000", f"[::1]:{PORT}", "127.0.0.1", "LOCALHOST"]
)
def test_this_machine_by_any_of_its_names_is_let_in(door: Door, host: str) -> None:
    """Through a tunnel (ssh -L) too, whose port is another."""
    assert door.ask(host=host, cookie=COOKIE).status == 200
    assert door.log == []


@pytest.mark.parametrize(
    ("listening", "host", "ours"),
    [
        ("192.168.1.7", "192.168.1.7:8417", True),
        ("192.168.1.7", "192.168.1.8:8417", False),
        ("0.0.0.0", "192.168.1.8:8417", True),
        ("0.0.0.0", "evil.example:8417", False),
        ("::", "[fe80::1]:8417", True),
        ("127.0.0.1", "10.0.0.1:8417", False),
    ],
)
def test_a_host_is_ours_where_it_is_configured(listening: str, host: str, ours: bool) -> None:
    """An address that is listened at is one to be asked by; a name never is."""
    assert is_ours(host, listening) is ours


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "https://127.0.0.1:8417", "http://127.0.0.1:9999", "http://localhost:8417", ""],
)
def test_a_change_that_another_page_asks_for_is_refused(door: Door, origin: str) -> None:
    """A form or script of another site (CSRF), or of another port of this machine; and one that does not say whose."""
    door.refused("origin", "/desk/decide", "POST", origin=origin, cookie=COOKIE)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_change_needs_a_page_of_ours(door: Door, site: str) -> None:
    """Where a browser sends no Origin, it says whose page asks."""
    door.refused("origin", "/desk/decide", "POST", sec_fetch_site=site, cookie=COOKIE)


def test_our_own_page_may_change(door: Door) -> None:
    """By its Origin, or by Sec-Fetch-Site where there is none."""
    assert door.ask("/desk/decide", "POST", origin=f"http://{HOST}", cookie=COOKIE).status == 200
    assert door.ask("/desk/decide", "POST", sec_fetch_site="same-origin", cookie=COOKIE).status == 200
    assert door.inner.came == [Access.REVIEW, Access.REVIEW]


@pytest.mark.parametrize("mode", ["no-cors", "cors", ""])
def test_another_page_can_show_none_of_ours(door: Door, mode: str) -> None:
    """A picture of ours in a page of others, or a script of theirs that reads, is refused, cookie or not."""
    door.refused("origin", "/pictures/1-a/1/page", sec_fetch_site="cross-site", sec_fetch_mode=mode, cookie=COOKIE)
    assert door.ask("/", sec_fetch_site="cross-site", sec_fetch_mode="navigate", cookie=COOKIE).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"cookie": f"{cookie_of(PORT)}=wrong"},
        {"cookie": f"other={TOKENS.review}"},
        {"cookie": f"{cookie_of(PORT)}="},
        {"cookie": "\x00;;=,"},
        {"cookie": f"{cookie_of(PORT)}={TOKENS.review}x"},
    ],
)
def test_without_the_token_nothing_is_shown(door: Door, headers: dict[str, str]) -> None:
    """None, a wrong one, another cookie: the same 403, which says what to do."""
    got = door.refused("token", "/", **headers)
    assert "digitd review" in got.text


@pytest.mark.parametrize("path", ["/?token=wrong", "/?token=", f"/?token={TOKENS.review[:-1]}"])
def test_a_wrong_token_in_the_address_is_refused(door: Door, path: str) -> None:
    """Also where the cookie would have been right: somebody gave a person a wrong address."""
    door.refused("token", path, cookie=COOKIE)


def test_the_token_becomes_a_cookie_and_leaves_the_address(door: Door) -> None:
    """No script can read the cookie, no other site's form sends it, and what else the address said stays."""
    got = door.ask(f"/results/5-a?x=1&token={TOKENS.review}&y=%26")
    assert (got.status, got.headers["location"]) == (303, "/results/5-a?x=1&y=%26")
    assert got.headers["set-cookie"] == f"{COOKIE}; Path=/; HttpOnly; SameSite=Lax"
    assert door.inner.came == []
    assert door.ask("/", cookie=got.headers["set-cookie"].partition(";")[0]).status == 200


@pytest.mark.parametrize("other", ['prefs={"a":1}', "a b=c d", "x", "=", "sid=\xe9; y=\x01"])
def test_cookies_of_other_programs_do_no_harm(door: Door, other: str) -> None:
    """Every program of this machine may set some, for its ports share them; whatever they are, ours is found."""
    for cookie in (f"{other}; {COOKIE}", f"{COOKIE}; {other}"):
        assert door.ask("/", cookie=cookie).status == 200, cookie


def test_an_address_cannot_lead_elsewhere(door: Door) -> None:
    """Two slashes before a path would be another host, and browsers take a backslash for one."""
    for path in ("//evil.example/", "/\\evil.example/", "///evil.example/", "/\\/evil.example/"):
        assert door.ask(f"{path}?token={TOKENS.review}").headers["location"] == "/evil.example/"


def test_a_ticket_opens_the_page_once(door: Door) -> None:
    """What a browser is started with everybody on the machine can see; the cookie has the token that it stands for."""
    ticket = door.guard.ticket()
    got = door.ask(f"/?token={ticket}")
    assert (got.status, got.headers["set-cookie"].partition(";")[0]) == (303, COOKIE)
    door.refused("token", f"/?token={ticket}")


def test_a_stranger_cannot_use_up_a_ticket(door: Door) -> None:
    """It is looked at only where host and origin are ours."""
    ticket = door.guard.ticket()
    door.refused("host", f"/?token={ticket}", host="evil.example")
    assert door.ask(f"/?token={ticket}").status == 303


def test_who_only_looks_changes_nothing(door: Door) -> None:
    """Every page may be read with that token; whatever changes something is refused."""
    assert door.ask("/", cookie=LOOK).status == 200
    assert door.inner.came == [Access.LOOK]
    door.inner.came.clear()
    door.refused("look_only", "/desk/decide", "POST", origin=f"http://{HOST}", cookie=LOOK)


def test_every_answer_has_the_headers(door: Door) -> None:
    """Refusals too: no script or style but ours, no frame, no guessing of types, no referrer."""
    for got in (door.ask(cookie=COOKIE), door.ask(), door.ask(f"/?token={TOKENS.review}")):
        assert {name: got.headers[name] for name in HEADERS} == HEADERS
    policy = HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert not re.search(r"unsafe|\*|https?:|data:|blob:", policy)


def test_what_a_caller_sends_breaks_no_log(door: Door) -> None:
    """Controls are shown as escapes, and no more than a line of it."""
    door.refused("host", host="a\x1b[31m\x85b" + "c" * 5000, cookie=COOKIE)
    (event,) = door.log
    assert event["host"].startswith("a\\x1b[31m\\x85b") and len(event["host"]) < 300


def test_tokens_cannot_be_guessed() -> None:
    """Each is new, has 192 bits, and that for looking says nothing of the other."""
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100 and all(len(token) == 32 for token in tokens)
    assert TOKENS.access(TOKENS.review) is Access.REVIEW and TOKENS.access(TOKENS.look) is Access.LOOK
    assert TOKENS.look not in TOKENS.review and Tokens.of(TOKENS.look).look != TOKENS.review
    assert TOKENS.access(None) is None and TOKENS.access("é") is None
