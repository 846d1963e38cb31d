"""The review page's application: what its addresses give, by key alone, and what they refuse."""

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from delivery_rig import Rig, workplace
from desk_rig import settings_of
from digitd.imaging.rendered import View
from digitd.results import Status
from digitd.review import answers
from digitd.review.desk import Desk
from reviewing import Wanted, one, stock

pytest.importorskip("starlette", reason="the review page's libraries are not installed")

from asking import HOST, PORT, Got, ask
from digitd.review.app import VIEWS, Review
from digitd.review.guard import cookie_of
from digitd.review.security import Tokens, new_token

TOKENS = Tokens.of(new_token())
WHO = "a" * 32
HOSTILE = "<img src=x onerror=alert(1)>\u202e'\"&.png"
SCANS = [
    one("a.png", "4711", "4771"),
    one("monday/b.png", "28"),
    one(HOSTILE, "3"),
    one("accepted.png", "5", status=Status.ACCEPTED),
    Wanted("c.tif", ("12", "34")),
]


class Site:
    """An application over folders with scans in them."""

    def __init__(self, base: Path, **review: Any) -> None:
        self.rig = Rig(base)
        self.settings = settings_of(self.rig, **review)

    def do(self, work: Callable[["Site"], Awaitable[None]]) -> list[Any]:
        """Work with it while it lives; gives the log."""

        async def lived() -> None:
            with Desk(self.settings) as self.desk:
                review = Review(self.settings, self.desk)
                self.guard = review.guarded_app(TOKENS, PORT)
                inner = review.app()
                async with inner.router.lifespan_context(inner):
                    # The guard's own application is another one, with the same handlers and the same painter.
                    await work(self)

        with capture_logs() as log:
            asyncio.run(lived())
        return [event for event in log if event["event"] != "library_message"]

    async def get(self, path: str, **headers: str) -> Got:
        return await ask(self.guard, path, cookie=f"{cookie_of(PORT)}={TOKENS.review}", **headers)  # type: ignore[arg-type]

    async def post(self, path: str, data: Any, **headers: str) -> Got:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        known = {"origin": f"http://{HOST}", "content_type": "application/json"} | headers
        cookie = f"{cookie_of(PORT)}={TOKENS.review}"
        return await ask(self.guard, path, "POST", body=body, cookie=cookie, **known)

    async def items(self, count: int = 16) -> list[dict[str, Any]]:
        got = await self.post("/desk/next", {"who": WHO, "count": count})
        assert got.status == 200
        found: list[dict[str, Any]] = got.json["items"]
        return found


@pytest.fixture
def site() -> Iterator[Site]:
    """With five scans."""
    with workplace() as folder:
        stock(folder, SCANS)
        yield Site(folder)


def test_the_views_are_those_of_the_painter() -> None:
    """The server knows them by name alone, for it has no OpenCV."""
    assert frozenset(map(str, View)) == VIEWS


def test_items_are_cards_with_pictures(site: Site) -> None:
    """Name, folder, text, boxes, alternatives, and addresses under which the pictures are."""

    async def work(site: Site) -> None:
        cards = {card["name"]: card for card in await site.items()}
        assert len(cards) == 4
        (sheet,) = cards["a.png"]["sheets"]
        assert sheet["text"] == "4771"
        assert [mark["digit"] for mark in sheet["marks"]] == ["4", "7", "7", "1"]
        assert sheet["marks"][2]["others"][0] == {"digit": "1", "confidence": 0.31}
        assert cards["b.png"]["folder"] == "monday"
        assert [sheet["text"] for sheet in cards["c.tif"]["sheets"]] == ["12", "34"]
        for card in cards.values():
            for sheet in card["sheets"]:
                for address in (sheet["picture"], sheet["full"]):
                    got = await site.get(address)
                    assert (got.status, got.headers["content-type"]) == (200, "image/png")
                    assert got.body.startswith(b"\x89PNG") and "immutable" in got.headers["cache-control"]

    assert site.do(work) == []


def test_an_answer_is_durable_when_it_is_answered(site: Site) -> None:
    """It is a verdict then, the item is not shown again, and the counts follow."""

    async def work(site: Site) -> None:
        card = (await site.items(1))[0]
        said = {"who": WHO, "key": card["key"], "kind": "text", "texts": ["4711"], "by": "Ada"}
        got = await site.post("/desk/decide", said)
        assert got.status == 200
        assert got.json["figures"] == {"left": 3, "leased": 0, "done_today": 1, "pending": 1}
        assert card["key"] not in {each["key"] for each in await site.items()}
        # Said again, as after a lost connection, it is the same verdict.
        assert (await site.post("/desk/decide", said)).json["id"] == got.json["id"]
        back = await site.post("/desk/undo", {"who": WHO})
        assert [each["key"] for each in back.json["items"]] == [card["key"]]
        assert back.json["figures"]["left"] == 4

    assert site.do(work) == []


def test_what_another_has_is_not_decided(site: Site) -> None:
    """The page is told why, in words, with a status of its own."""

    async def work(site: Site) -> None:
        card = (await site.items(1))[0]
        said = {"who": "b" * 32, "key": card["key"], "kind": "unreadable", "texts": [], "by": None}
        got = await site.post("/desk/decide", said)
        assert (got.status, got.json["code"]) == (409, "lease_lost")
        assert (await site.post("/desk/take", {"who": "b" * 32, "key": card["key"]})).status == 409
        assert (await site.post("/desk/release", {"who": WHO})).status == 204
        assert (await site.post("/desk/take", {"who": "b" * 32, "key": card["key"]})).status == 200
        assert (await site.post("/desk/skip", {"who": "b" * 32, "key": card["key"]})).status == 200
        assert (await site.post("/desk/renew", {"who": WHO})).status == 200

    site.do(work)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        {"who": WHO},
        {"who": "short", "key": "1-a", "kind": "text", "texts": []},
        {"who": WHO + "'; DROP TABLE scans", "key": "1-a", "kind": "text", "texts": []},
        {"who": WHO, "key": "1" * 65, "kind": "text", "texts": []},
        {"who": WHO, "key": "1-a", "kind": "delete", "texts": []},
        {"who": WHO, "key": "1-a", "kind": "text", "texts": ["1" * 10_001]},
        {"who": WHO, "key": "1-a", "kind": "text", "texts": ["1"] * 1001},
        {"who": WHO, "key": "1-a", "kind": "text", "texts": [1]},
        {"who": WHO, "key": "1-a", "kind": "text", "texts": ["1"], "by": "x" * 201},
        {"who": WHO, "key": "1-a", "kind": "text", "texts": ["1"], "path": "/etc/passwd"},
    ],
)
def test_what_is_no_answer_is_refused(site: Site, said: Any) -> None:
    """By type, by size, by name of a field: 400, and nothing was done."""

    async def work(site: Site) -> None:
        got = await site.post("/desk/decide", said)
        assert (got.status, got.json["code"]) == (400, "request")
        assert site.desk.counts().done_today == 0

    assert site.do(work) == []


def test_a_form_of_another_kind_is_refused(site: Site) -> None:
    """A browser sends JSON for nobody but our own page; whatever else comes is no answer."""

    async def work(site: Site) -> None:
        card = (await site.items(1))[0]
        said = {"who": WHO, "key": card["key"], "kind": "unreadable"}
        for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
            assert (await site.post("/desk/decide", said, content_type=kind)).status == 400
        assert site.desk.counts().done_today == 0

    site.do(work)


def test_a_text_that_can_be_no_result_is_refused(site: Site) -> None:
    """Letters, or another number of pages than the scan has."""

    async def work(site: Site) -> None:
        for texts in (["4a"], ["1", "2"], ["<b>"]):
            card = (await site.items(1))[0]
            said = {"who": WHO, "key": card["key"], "kind": "text", "texts": texts}
            got = await site.post("/desk/decide", said)
            assert (got.status, got.json["code"]) == (422, "answer")

    site.do(work)


def test_a_long_request_is_cut_off(site: Site) -> None:
    """No more than so many bytes of it are held, whatever it says of itself."""

    async def work(site: Site) -> None:
        got = await site.post("/desk/decide", b" " * (answers.BODY_MOST + 1))
        assert (got.status, got.json["code"]) == (413, "too_long")

    site.do(work)


def test_json_that_is_too_deep_is_refused(site: Site) -> None:
    """It is no failure of ours: the page goes on, and nothing is in the log."""

    async def work(site: Site) -> None:
        for data in (b"[" * 100_000, b'{"who": ' + b'{"a":' * 100_000):
            assert (await site.post("/desk/next", data)).status == 400

    assert site.do(work) == []


def test_a_request_that_breaks_off_is_no_failure(site: Site) -> None:
    """A page that was closed, or a network that went away, while it was sent: nothing comes of it, and no traceback."""

    async def work(site: Site) -> None:
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/desk/next",
            "raw_path": b"/desk/next",
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", HOST.encode()),
                (b"origin", f"http://{HOST}".encode()),
                (b"content-type", b"application/json"),
                (b"cookie", f"{cookie_of(PORT)}={TOKENS.review}".encode()),
            ],
        }
        came: list[dict[str, Any]] = [
            {"type": "http.request", "body": b'{"who"', "more_body": True},
            {"type": "http.disconnect"},
        ]

        async def receive() -> dict[str, Any]:
            return came.pop(0)

        async def send(_: Any) -> None:
            pass

        await site.guard(scope, receive, send)
        assert came == []

    assert site.do(work) == []


NO_KEYS = [
    "1",
    "0-",
    "1-",
    "-1-x",
    "1-%00",
    "a.png",
    "99999999999999999999-x",
    "1-00000000-0000-0000-0000-000000000000",
]
PATHS = ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "1-../a.png"]


@pytest.mark.parametrize("key", NO_KEYS + PATHS)
def test_no_file_is_reached_by_a_path(site: Site, key: str) -> None:
    """A key is a row's number and its result's id, both of them right; nothing else names anything."""

    async def work(site: Site) -> None:
        for path in (f"/pictures/{key}/1/page", f"/results/{key}", f"/static/{key}/{key}", f"/static/x/{key}"):
            got = await site.get(path)
            assert got.status == 404, path
            assert b"root:" not in got.body

    site.do(work)


def test_pictures_that_there_are_none_of(site: Site) -> None:
    """Another page, another view, a method that changes."""

    async def work(site: Site) -> None:
        key = (await site.items(1))[0]["key"]
        for path in (f"/pictures/{key}/{rest}" for rest in ("0/page", "2/page", "101/page", "1/raw", "1/../page")):
            assert (await site.get(path)).status == 404, path
        for number in ("9" * 5000, "-1", "%D9%A1", "1.0"):
            assert (await site.get(f"/pictures/{key}/{number}/page")).status == 404, number
        assert (await site.post(f"/pictures/{key}/1/page", {})).status == 405

    site.do(work)


def test_a_scan_whose_file_was_exchanged_has_no_picture(site: Site) -> None:
    """A link in its place, or other bytes of the same size and time, are not shown: they are not what was read."""

    async def work(site: Site) -> None:
        cards = {card["name"]: card for card in await site.items()}
        file = site.rig.archive / "review" / "a.png"
        secret = site.rig.base / "secret.png"
        file.rename(secret)
        file.symlink_to(secret)
        assert (await site.get(cards["a.png"]["sheets"][0]["picture"])).status == 404
        other = site.rig.archive / "review" / "monday" / "b.png"
        before = other.stat()
        data = bytearray(other.read_bytes())
        data[-40] ^= 1
        with open(other, "r+b") as opened:
            opened.write(data)

        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert (await site.get(cards["b.png"]["sheets"][0]["picture"])).status == 404

    site.do(work)


def test_a_hostile_name_is_only_text(site: Site) -> None:
    """Escaped in every page; what turns writing around is shown as an escape."""

    async def work(site: Site) -> None:
        overview = (await site.get("/")).text
        card = next(card for card in await site.items() if "onerror" in card["name"])
        result = (await site.get(f"/results/{card['key']}")).text
        for page in (overview, result):
            assert "<img src=x" not in page and "\u202e" not in page
            assert "&lt;img src=x onerror=alert(1)&gt;\\u202e" in page
        assert "\u202e" not in card["name"]

    site.do(work)


def test_the_pages_need_nothing_from_elsewhere(site: Site) -> None:
    """No address of another host, no script or style within them: the policy would refuse it."""

    async def work(site: Site) -> None:
        key = (await site.items(1))[0]["key"]
        for path in ("/", "/desk", f"/results/{key}", "/results/none"):
            page = (await site.get(path)).text
            assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", page), path
            assert not re.search(r"<style|style=|<script(?! src=\"/static/)|<\w[^<>]*\son\w+=", page), path
        for name in ("page.css", *re.findall(r'"/static/\w+/(\w+\.js)"', (await site.get("/desk")).text)):
            text = (await site.get(f"/static/x/{name}")).text
            assert not re.search(
                r"https?://(?!www\.w3\.org/2000/svg)|innerHTML|insertAdjacentHTML|eval\(|@import", text
            )

    site.do(work)


def test_every_key_is_told(site: Site) -> None:
    """The list that `?` shows, and docs/review.md, have each letter and sign that the script knows."""

    async def work(site: Site) -> None:
        script = (await site.get("/static/x/keys.js")).text
        (known,) = re.findall(r"^const KEYS = \{(.*)\};$", script, re.M)
        keys = {key.strip('" ').upper() for key in re.findall(r'("?[^ ",]+"?): "', known)} - {"=", "_"}
        shown = "".join(re.findall(r"<kbd>(.*?)</kbd>", (await site.get("/desk")).text.partition("<dialog")[2]))
        page = Path(__file__).parents[3] / "docs" / "review.md"
        told = "".join(re.findall(r"^\| (.+?) \|", page.read_text(encoding="utf-8"), re.M))
        assert len(keys) >= 8
        for key in keys | set("ASDX"):
            assert key in shown and key in told, key

    site.do(work)


def test_files_of_ours_are_kept_as_long_as_they_are_the_same(site: Site) -> None:
    """Under their version for a year; under another one never."""

    async def work(site: Site) -> None:
        page = (await site.get("/desk")).text

        (address,) = set(re.findall(r'"(/static/\w+/desk\.js)"', page))
        assert "immutable" in (await site.get(address)).headers["cache-control"]
        assert (await site.get("/static/old/desk.js")).headers["cache-control"] == "no-store"

    site.do(work)


def test_results_are_found_by_what_is_asked_for(site: Site) -> None:
    """Status, text, folder and date, each alone and together; nothing is a page too."""

    async def work(site: Site) -> None:

        async def names(query: str) -> list[str]:
            got = await site.get(f"/?{query}")
            assert got.status == 200
            return re.findall(r'class="name">([^<]*\.(?:png|tif))<', got.text)

        tomorrow = date.fromtimestamp(1_790_000_000) + timedelta(days=1)
        assert len(await names("")) == len(SCANS)
        assert await names("status=accepted") == ["accepted.png"]
        assert await names("folder=monday") == ["monday/b.png"]
        assert await names("text=77") == ["a.png"]
        assert await names("status=review&text=2") == ["c.tif", "monday/b.png"]
        assert await names(f"since={tomorrow}") == []
        assert len(await names(f"until={tomorrow}")) == len(SCANS)
        for wrong in ("status=gone", "since=yesterday", "until=2026-13-01", "since=9999-12-31&until=9999-12-31"):
            got = await site.get(f"/?{wrong}")
            assert got.status == 400 and "2026-01-31" in got.text, wrong

    site.do(work)


def test_a_result_is_shown_with_its_stages(site: Site) -> None:
    """Its facts, its digits, its pictures at each stage, and the way to the one in its place."""

    async def work(site: Site) -> None:

        card = (await site.items(1))[0]
        page = (await site.get(f"/results/{card['key']}")).text
        assert "4771" in page and "61.3 %" in page and f"/desk?item={card['key']}" in page
        pictures = set(re.findall(r'(?:src|href)="(/pictures/[^"]+)"', page))
        assert {address.rpartition("/")[2] for address in pictures} == {"page", "flattened", "found", "ink"}
        for address in pictures:
            assert (await site.get(address)).status == 200
        said = {"who": WHO, "key": card["key"], "kind": "text", "texts": ["4711"]}
        await site.post("/desk/decide", said)
        page = (await site.get(f"/results/{card['key']}")).text
        assert "will be published" in page and "/desk?item=" not in page

    site.do(work)


def test_who_looks_sees_no_desk(site: Site) -> None:
    """No link to it, and a page that says why instead of it."""

    async def work(site: Site) -> None:
        cookie = f"{cookie_of(PORT)}={TOKENS.look}"
        page = await ask(site.guard, "/", cookie=cookie)
        assert page.status == 200 and "/desk" not in page.text
        desk = await ask(site.guard, "/desk", cookie=cookie)
        assert desk.status == 403 and "for looking only" in desk.text

    site.do(work)


def test_trouble_with_the_journal_is_told_and_logged(site: Site) -> None:
    """503 with the cause, an error in the log; and it goes on when that has passed."""

    async def work(site: Site) -> None:
        journal = site.rig.state / "journal.sqlite3"
        away = site.rig.base / "away"
        moved = [each for each in (journal, Path(f"{journal}-wal"), Path(f"{journal}-shm")) if each.exists()]
        away.mkdir()
        for each in moved:
            each.rename(away / each.name)
        journal.mkdir()
        got = await site.post("/desk/next", {"who": WHO})
        assert (got.status, got.json["code"]) == (503, "failed")
        journal.rmdir()
        for each in moved:
            (away / each.name).rename(each)
        assert len(await site.items()) == 4

    log = site.do(work)
    assert {(event["event"], event["log_level"]) for event in log} == {("review_failed", "error")}
