"""The records: what was read of a scan, as JSON and as CSV rows. Pure.

docs/result.schema.json is generated from these types, and a test keeps it true.
"""

import base64
import csv
import io
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from digitd import names

SCHEMA = "1.1"
PAGE_BREAK = "\f"

CSV_COLUMNS = (
    "id",
    "status",
    "reason",
    "text",
    "confidence",
    "page",
    "pages",
    "source_name",
    "source_path",
    "source_sha256",
    "received",
    "recognised",
    "model_name",
    "model_version",
    "model_sha256",
    "supersedes",
    "verified_by",
    "verified_at",
    "verified_answer",
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With what a spreadsheet takes a cell for a formula; the last four are wide forms of the first."""
CONFIDENCE_DIGITS = 4
_FIRST_SECOND = datetime(1, 1, 1, tzinfo=UTC).timestamp()
_LAST_SECOND = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


class Status(StrEnum):
    """What came of a scan."""

    ACCEPTED = "accepted"
    REVIEW = "review"
    BLANK = "blank"
    FAILED = "failed"
    VERIFIED = "verified"


READ_STATUSES = (Status.ACCEPTED, Status.REVIEW, Status.BLANK, Status.FAILED)
"""What digitd itself makes of a scan."""


class Answer(StrEnum):
    """What a person said of a scan."""

    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    NO_DIGITS = "no_digits"
    UNREADABLE = "unreadable"


class Alternative(Struct, frozen=True):
    """Another digit that a glyph may be, with its probability."""

    digit: str
    confidence: float


class Glyph(Struct, frozen=True):
    """One mark: its digit (`?` where it cannot be read) and its box [x, y, w, h] in pixels of the page."""

    digit: str
    confidence: float
    box: tuple[int, int, int, int]
    alternatives: tuple[Alternative, ...] = ()


class Reading(Struct, frozen=True):
    """What was read on one page. Pages count from 1; lines of text are joined by newlines."""

    page: int
    width: int
    height: int
    text: str
    confidence: float | None
    glyphs: tuple[Glyph, ...] = ()


class Reason(Struct, frozen=True):
    """Why a scan failed or was not accepted: a stable code, and a sentence with cause and remedy."""

    code: str
    message: str


class Outcome(Struct, frozen=True):
    """What a worker makes of a scan's bytes: a result before it has an id, a source and times."""

    status: Status
    reason: Reason | None = None
    text: str = ""
    confidence: float | None = None
    pages: tuple[Reading, ...] = ()


class Source(Struct, frozen=True):
    """The file that was read. `name_bytes` and `path_bytes` (base64) are there only where name or path is no UTF-8."""

    name: str
    path: str
    sha256: str | None
    bytes: int
    modified: str
    name_bytes: str | UnsetType = UNSET
    path_bytes: str | UnsetType = UNSET


class Model(Struct, frozen=True):
    """The bundle that read the scan."""

    name: str
    version: str
    sha256: str


class Verified(Struct, frozen=True):
    """Who looked at the scan (null: no name was given), when, and what they said."""

    by: str | None
    at: str
    answer: Answer


class Result(Struct, frozen=True):
    """The record of one scan, as it appears in the outbox.

    `supersedes` (the id of the result whose place this one takes) and `verified` are there only if a person made it.
    """

    schema: str
    id: str
    source: Source
    received: str
    recognised: str
    status: Status
    reason: Reason | None
    text: str
    confidence: float | None
    pages: tuple[Reading, ...]
    model: Model
    supersedes: str | UnsetType = UNSET
    verified: Verified | UnsetType = UNSET


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC, to the millisecond, of seconds since the epoch."""
    # A file's time is whatever its writer set: years that no calendar has are the nearest one it has.
    moment = datetime.fromtimestamp(min(max(seconds, _FIRST_SECOND), _LAST_SECOND), UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def source_of(path: str, sha256: str | None, size: int, modified: float) -> Source:
    """The source record of a scan: PATH relative to the inbox, SIZE in bytes, MODIFIED in seconds since the epoch."""
    name = path.rsplit("/", 1)[-1]
    return Source(
        name=names.text(name),
        path=names.text(path),
        sha256=sha256,
        bytes=size,
        modified=timestamp(modified),
        name_bytes=_exact(name),
        path_bytes=_exact(path),
    )


def path_of(source: Source) -> str:
    """The path below the inbox that a source record is of, its bytes as os.fsdecode gives them."""
    if isinstance(source.path_bytes, str):
        return os.fsdecode(base64.b64decode(source.path_bytes))
    return source.path


def _exact(name: str) -> str | UnsetType:
    """The bytes of a name that is no UTF-8, in base64."""
    return UNSET if names.is_text(name) else base64.b64encode(os.fsencode(name)).decode("ascii")


def failed(reason: Reason) -> Outcome:
    """The outcome of a scan that could not be read."""
    return Outcome(Status.FAILED, reason)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Result)


def to_json(result: Result) -> bytes:
    """One line of JSON and its newline: a result's file, or a line of JSON Lines."""
    return _encoder.encode(result) + b"\n"


def from_json(data: bytes) -> Result:
    """The record of a JSON result. msgspec.MsgspecError where it is none."""
    return _decoder.decode(data)


def csv_rows(result: Result) -> Iterator[tuple[str, ...]]:
    """One row a page, in the order of CSV_COLUMNS; one row for a scan without pages."""
    verified = result.verified if isinstance(result.verified, Verified) else None
    for page in result.pages or (None,):
        read = page if page is not None else result
        yield tuple(
            cell(value)
            for value in (
                result.id,
                result.status,
                result.reason.code if result.reason else "",
                read.text,
                read.confidence,
                page.page if page is not None else "",
                len(result.pages),
                result.source.name,
                result.source.path,
                result.source.sha256,
                result.received,
                result.recognised,
                result.model.name,
                result.model.version,
                result.model.sha256,
                result.supersedes if isinstance(result.supersedes, str) else "",
                "" if verified is None else verified.by,
                "" if verified is None else verified.at,
                "" if verified is None else verified.answer,
            )
        )


def to_csv(results: Iterable[Result]) -> bytes:
    """A whole CSV file (RFC 4180, UTF-8) with its header line."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for result in results:
        writer.writerows(csv_rows(result))
    return buffer.getvalue().encode("utf-8")


def cell(value: object) -> str:
    """A value as a cell of a CSV."""
    shown = "" if value is None else str(value)
    if not shown or shown[0].isalnum():
        return shown
    # A spreadsheet takes such a cell for a formula; the apostrophe makes it text.
    return f"'{shown}" if _is_formula(shown) else shown


def of_cell(cell: str) -> str:
    """What a cell of a CSV was written from."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell) else cell


def _is_formula(shown: str) -> bool:
    """Apostrophes of its own do not count: else nobody could tell them from the one that is put before it."""
    return shown.lstrip("'").startswith(FORMULA_STARTS)


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a result."""
    schema = msgspec.json.schema(Result)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "digitd result",
        "description": f"The record of one scan, schema {SCHEMA}",
    } | schema
