"""Items as the pages show them: names that can be read, times of this place, reasons in words. Pure."""

from datetime import UTC, datetime
from urllib.parse import quote

from msgspec import Struct

from digitd import names
from digitd.results import Reading, Result, Status, Verified
from digitd.review.items import Item, texts_of

ORDER_OF_STATUSES = (Status.REVIEW, Status.ACCEPTED, Status.VERIFIED, Status.BLANK, Status.FAILED)
SHORT_MOST = 40
"""Characters of a text in a list."""


class Other(Struct, frozen=True):
    """Another digit that a mark may be."""

    digit: str
    confidence: float


class Mark(Struct, frozen=True):
    """A digit that was read: its box [x, y, w, h] in pixels of the page, and what it may be instead."""

    digit: str
    confidence: float
    box: tuple[int, int, int, int]
    others: tuple[Other, ...]


class Sheet(Struct, frozen=True):
    """A page: its text as it stands, what was read on it, and where its pictures are."""

    page: int
    width: int
    height: int
    text: str
    confidence: float | None
    marks: tuple[Mark, ...]
    picture: str
    full: str


class Card(Struct, frozen=True):
    """An item as the desk shows it. OPEN: how many pages it has is not known, for it could not be read."""

    key: str
    name: str
    folder: str
    status: str
    reason: str | None
    confidence: float | None
    received: str
    open: bool
    sheets: tuple[Sheet, ...]


def picture_of(key: str, page: int, view: str) -> str:
    """The address of a picture."""
    return f"/pictures/{quote(key, safe='')}/{page}/{view}"


def card_of(item: Item) -> Card:
    """An item for the desk."""
    result = item.result
    return Card(
        key=item.key,
        name=names.printable(result.source.name),
        folder=folder_of(result),
        status=str(result.status),
        reason=cause_of(result),
        confidence=result.confidence,
        received=local(result.received),
        open=not result.pages,
        sheets=tuple(sheets_of(item)),
    )


def sheets_of(item: Item) -> list[Sheet]:
    """An item's pages; of a scan that failed, as many as its text has, of sizes that nobody knows (0 x 0)."""
    pages = item.result.pages or tuple(
        Reading(number, 0, 0, text, None) for number, text in enumerate(texts_of(item.result), 1)
    )
    return [_sheet(item.key, page) for page in pages]


def _sheet(key: str, page: Reading) -> Sheet:
    marks = tuple(
        Mark(
            glyph.digit,
            glyph.confidence,
            glyph.box,
            tuple(Other(other.digit, other.confidence) for other in glyph.alternatives if other.digit.isdigit()),
        )
        for glyph in page.glyphs
    )
    pictures = (picture_of(key, page.page, view) for view in ("page", "full"))
    return Sheet(page.page, page.width, page.height, page.text, page.confidence, marks, *pictures)


def folder_of(result: Result) -> str:
    """The folder below the inbox that a scan was in; "" for the inbox itself."""
    return names.printable(result.source.path.rpartition("/")[0])


def reason_of(result: Result) -> str | None:
    """Why it was not accepted, without the name that stands beside it anyway."""
    if result.reason is None:
        return None
    message = result.reason.message
    # The message names the scan as whoever read it knew it: with its folder, and controls made visible.
    for name in (names.printable(result.source.path), names.printable(result.source.name)):
        message = message.removeprefix(f"{name}: ")
    return names.printable(message)


def cause_of(result: Result) -> str | None:
    """The same in few words: beside the scan nobody needs to be told to compare it, nor what else is shown there."""
    reason = reason_of(result)
    if reason is None:
        return None
    cause = reason.partition(". ")[0]
    return cause.partition(";")[0] if result.reason is not None and result.reason.code == "low_confidence" else cause


def verified_of(result: Result) -> Verified | None:
    """Who verified a result; None where nobody has."""
    return result.verified if isinstance(result.verified, Verified) else None


def supersedes_of(result: Result) -> str | None:
    """The id of the result in whose place this one stands."""
    return result.supersedes if isinstance(result.supersedes, str) else None


def short(text: str) -> str:
    """A text on one line: lines parted by `/`, pages by `|`, and no more of it than a list has room for."""
    line = text.replace("\f", " | ").replace("\n", " / ")
    return line if len(line) <= SHORT_MOST else f"{line[:SHORT_MOST]}…"


def percent(share: float | None) -> str:
    """A probability as people say it: 97.9 %. It is never rounded up to certainty."""
    if share is None:
        return "–"
    return f"{min(share * 100, 99.99 if share < 1 else 100.0):.2f} %" if share >= 0.99 else f"{share * 100:.1f} %"


def local(stamp: str) -> str:
    """A time of a result (RFC 3339, UTC) as a clock of this machine showed it."""
    return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def moment(seconds: float) -> str:
    """The same of seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
