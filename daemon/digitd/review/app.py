"""The review page as an application: what is asked where. Blocking work is done in a few threads, one loop serves."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from digitd import log, names
from digitd.alone import Alone
from digitd.errors import DigitdError
from digitd.review.answers import Figures, Given, Next, Noted, One, Said, Whose, asked, guarded, told
from digitd.review.assets import Assets
from digitd.review.desk import Desk
from digitd.review.guard import ACCESS, Guard
from digitd.review.overview import Overview
from digitd.review.pictures import PictureError, Pictures
from digitd.review.security import Access, Tokens
from digitd.settings import Settings

LOOK_SECONDS = 1.0
THREADS = 4
"""More would wait for the desk's one connection, and each takes memory."""
VIEWS = frozenset({"thumb", "page", "full", "flattened", "found", "ink"})
"""imaging.rendered.View, which would bring OpenCV into this process; a test holds them together."""
PAGE_DIGITS = 9
"""Of a page's number in an address: Python makes no integer of thousands of them."""
URGENT = frozenset({"page", "full"})
KEEP = "private, max-age=86400, immutable"
"""A key never names another picture."""

NO_STORE = {"cache-control": "no-store"}

T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Response]]


async def apart(work: Callable[..., T], *arguments: object, **named: object) -> T:
    """Work that may block, in one of the threads."""
    return await anyio.to_thread.run_sync(partial(work, *arguments, **named))


class Review:
    """The handlers, and what they share."""

    def __init__(self, settings: Settings, desk: Desk) -> None:
        self._settings, self._desk = settings, desk
        self._alone = Alone(settings, desk.next_due)
        self._assets = Assets()
        self._pictures = Pictures(settings)
        self._overview = Overview(settings, desk, self._assets)

    def guarded_app(self, tokens: Tokens, port: int) -> Guard:
        """The application behind its door."""
        return Guard(self.app(), tokens, self._settings.review.host, port)

    def app(self) -> Starlette:
        """The application itself."""
        return Starlette(
            routes=[
                _get("/", guarded(self._overview.show)),
                _get("/results/{key}", guarded(self._overview.result)),
                _get("/desk", self.desk),
                _get("/static/{version}/{name}", self.static),
                _get("/pictures/{key}/{page}/{view}", guarded(self.picture)),
                _post("/desk/next", guarded(self.next)),
                _post("/desk/take", guarded(self.take)),
                _post("/desk/decide", guarded(self.decide)),
                _post("/desk/skip", guarded(self.skip)),
                _post("/desk/undo", guarded(self.undo)),
                _post("/desk/renew", guarded(self.renew)),
                _post("/desk/release", guarded(self.release)),
            ],
            lifespan=self._living,
        )

    @property
    def painter(self) -> int | None:
        """The process that makes pictures."""
        return self._pictures.pid

    @asynccontextmanager
    async def _living(self, _: Starlette) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        await self._pictures.start()
        delivering = asyncio.create_task(self._deliver())
        try:
            yield
        finally:
            delivering.cancel()
            await asyncio.wait([delivering])
            await self._pictures.close()
            await apart(self._alone.close)

    async def _deliver(self) -> None:
        """See to it that what people said is published, also where no daemon runs."""
        while True:
            try:
                await apart(self._alone.tick)
            except (sqlite3.Error, DigitdError, OSError) as error:
                log.get().error("review_failed", path=None, message=names.printable(str(error)))
            await asyncio.sleep(LOOK_SECONDS)

    # pages and files

    async def desk(self, request: Request) -> Response:
        """The page at which people verify."""
        if request.scope[ACCESS] is not Access.REVIEW:
            return self._overview.refused("This address is for looking only.")
        page = self._assets.page("desk.html", lease=self._settings.review.lease)
        return HTMLResponse(page, headers=NO_STORE)

    async def static(self, request: Request) -> Response:
        """A file of ours; an old address gives the new file, and is not kept."""
        asset = self._assets.files.get(request.path_params["name"])
        if asset is None:
            return Response("There is no such file.\n", 404, media_type="text/plain")
        current = request.path_params["version"] == self._assets.version
        return Response(
            asset.data,
            media_type=asset.media,
            headers={"cache-control": "private, max-age=31536000, immutable" if current else "no-store"},
        )

    async def picture(self, request: Request) -> Response:
        """A picture of a page of an item, made anew. By the item's key, never by a path."""
        key, number, view = (request.path_params[name] for name in ("key", "page", "view"))
        page = int(number) if number.isascii() and number.isdigit() and len(number) <= PAGE_DIGITS else 0
        if view not in VIEWS or not 1 <= page <= self._settings.limits.pages:
            return _no_picture("no_page", "There is no such picture.", 404)
        picture = self._pictures.kept(key, page, view)
        if picture is None:
            item = await apart(self._desk.item, key)
            path: Path | None = None if item is None else await apart(self._desk.source, item)
            if item is None or path is None:
                return _no_picture("gone", "The scan's file is not there any more.", 404)
            try:
                size = item.identity.size
                picture = await self._pictures.get(key, path, size, page, view, urgent=view in URGENT)
            except PictureError as error:
                return _no_picture(error.reason, str(error), 404)
        return Response(picture.data, media_type=picture.media, headers={"cache-control": KEEP})

    # the desk

    async def next(self, request: Request) -> Response:
        """Items for a page, leased to it."""
        wanted = await asked(request, Next)
        items = await apart(self._desk.next, wanted.who, after=wanted.after, count=wanted.count)
        return told(Given.of(items, await apart(self._desk.counts)))

    async def take(self, request: Request) -> Response:
        """One item of a person's choice."""
        wanted = await asked(request, One)
        item = await apart(self._desk.take, wanted.who, wanted.key)
        return told(Given.of([item], await apart(self._desk.counts)))

    async def decide(self, request: Request) -> Response:
        """What a person says; once this is answered, it is durable."""
        said = await asked(request, Said)
        verdict = await apart(self._desk.decide, said.who, said.key, said.answer())
        return told(Noted(verdict, Figures.of(await apart(self._desk.counts))))

    async def skip(self, request: Request) -> Response:
        """An item is left to others."""
        wanted = await asked(request, One)
        await apart(self._desk.skip, wanted.who, wanted.key)
        return told(Given.of([], await apart(self._desk.counts)))

    async def undo(self, request: Request) -> Response:
        """The last answer is taken back, or its result opened once more; without an item: there is nothing to."""
        wanted = await asked(request, Whose)
        item = await apart(self._desk.undo, wanted.who)
        return told(Given.of([] if item is None else [item], await apart(self._desk.counts)))

    async def renew(self, request: Request) -> Response:
        """A page still has its items before it."""
        wanted = await asked(request, Whose)
        await apart(self._desk.renew, wanted.who)
        return told(Given.of([], await apart(self._desk.counts)))

    async def release(self, request: Request) -> Response:
        """A page is closed."""
        wanted = await asked(request, Whose)
        await apart(self._desk.release, wanted.who)
        return Response(status_code=204)


def _get(path: str, handle: Handler) -> Route:
    return Route(path, handle, methods=["GET"])


def _post(path: str, handle: Handler) -> Route:
    return Route(path, handle, methods=["POST"])


def _no_picture(reason: str, cause: str, status: int) -> Response:
    log.get().debug("no_picture", reason=reason, message=names.printable(cause))
    return Response(f"{names.printable(cause)}\n", status, media_type="text/plain", headers=NO_STORE)
