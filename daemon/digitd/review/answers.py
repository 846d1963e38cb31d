"""What the desk's script asks for and is told: JSON, checked by type and size before anything is done."""

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from digitd import log, names
from digitd.errors import DigitdError
from digitd.review.items import TEXT_MOST, Answer, AnswerError, Counts, Item, Kind, LeaseLostError
from digitd.review.views import Card, card_of

BODY_MOST = 1 << 20
"""Bytes of a request: an answer of a hundred full pages."""
AHEAD_MOST = 16
"""Items that one page may have at once."""

Who = Annotated[str, Meta(pattern="^[A-Za-z0-9-]{16,64}$")]
Key = Annotated[str, Meta(max_length=64)]
Kept = TypeVar("Kept", bound=Struct)


class Next(Struct, frozen=True, forbid_unknown_fields=True):
    """More items, please: not those of AFTER, which the page has."""

    who: Who
    after: Annotated[tuple[Key, ...], Meta(max_length=256)] = ()
    count: Annotated[int, Meta(ge=1, le=AHEAD_MOST)] = 1


class One(Struct, frozen=True, forbid_unknown_fields=True):
    """Something with one item."""

    who: Who
    key: Key


class Whose(Struct, frozen=True, forbid_unknown_fields=True):
    """Something with all that a page has."""

    who: Who


class Said(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says of an item."""

    who: Who
    key: Key
    kind: Kind
    texts: Annotated[tuple[Annotated[str, Meta(max_length=TEXT_MOST)], ...], Meta(max_length=1000)] = ()
    by: Annotated[str, Meta(max_length=200)] | None = None

    def answer(self) -> Answer:
        """As the desk takes it."""
        return Answer(self.kind, self.texts, self.by)


class Figures(Struct, frozen=True):
    """How much waits, and how much was done today by anybody."""

    left: int
    leased: int
    done_today: int
    pending: int

    @classmethod
    def of(cls, counts: Counts) -> "Figures":
        """From the desk's."""
        return cls(counts.left, counts.leased, counts.done_today, counts.pending)


class Given(Struct, frozen=True):
    """Items, and the figures."""

    items: tuple[Card, ...]
    figures: Figures

    @classmethod
    def of(cls, items: list[Item], counts: Counts) -> "Given":
        """From the desk's."""
        return cls(tuple(card_of(item) for item in items), Figures.of(counts))


class Noted(Struct, frozen=True):
    """A verdict is durable: the id that its result will have, and the figures."""

    id: str
    figures: Figures


class Wrong(Struct, frozen=True):
    """Why something was not done."""

    code: str
    cause: str


def told(answer: Struct, status: int = 200) -> Response:
    """An answer as JSON."""
    return Response(
        msgspec.json.encode(answer), status, media_type="application/json", headers={"cache-control": "no-store"}
    )


async def asked(request: Request, kind: type[Kept]) -> Kept:
    """What a request wants. _TooLongError, msgspec.ValidationError."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        # A form of another page can send no JSON without being asked for leave first.
        raise msgspec.ValidationError("it is no JSON")
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > BODY_MOST:
            raise _TooLongError
    return msgspec.json.decode(data, type=kind)


class _TooLongError(Exception):
    """A request with more bytes than any that our page sends."""


def guarded(handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """A handler whose failures are answers with a cause; what is no fault of the caller's goes into the log too."""

    async def handled(request: Request) -> Response:
        try:
            return await handle(request)
        except _TooLongError:
            return told(Wrong("too_long", f"a request has at most {BODY_MOST:,} bytes"), 413)
        except ClientDisconnect:
            # Nobody is there to be told: a page that was closed, or a network that broke off.
            return told(Wrong("request", "it broke off"), 400)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return told(Wrong("request", names.printable(str(error))), 400)
        except LeaseLostError as error:
            return told(Wrong("lease_lost", str(error)), 409)
        except AnswerError as error:
            return told(Wrong("answer", str(error)), 422)
        except (DigitdError, sqlite3.Error, OSError) as error:
            log.get().error(
                "review_failed", path=names.printable(request.url.path), message=names.printable(str(error))
            )
            return told(Wrong("failed", names.printable(str(error))), 503)

    return handled
