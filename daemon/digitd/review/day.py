"""How a day went: scans by hour and status, and how sure they were. Queries stay cheap with millions of rows."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from digitd import history
from digitd.results import READ_STATUSES, Status

LOOKED_AT_MOST = 20_000
"""Scans of a day that are looked at, the last of them."""
HOURS = 24
CLASSES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
"""Borders of the classes of confidence: narrow where it matters."""


class _Sure(Struct, frozen=True):
    confidence: float | None


_confidence_of = msgspec.json.Decoder(_Sure)
Seen = tuple[float, str, float | None]
"""When a scan was recognised (seconds since 1970), its status, its confidence."""


@dataclass(frozen=True)
class Day:
    """Scans of a day that digitd read: by hour and status, and how many had a confidence of each class.

    WHOLE: all of the day were looked at, not only the last of them.
    """

    hours: tuple[Counter[str], ...]
    confidences: tuple[int, ...]
    whole: bool

    @property
    def by_hour(self) -> list[int]:
        """How many were read in each hour."""
        return [hour.total() for hour in self.hours]

    @property
    def shares(self) -> list[float | None]:
        """The share of each hour's scans that went to review; None where nothing was read."""
        return [hour[Status.REVIEW] / total if (total := hour.total()) else None for hour in self.hours]


def seen_on(journal: sqlite3.Connection, midnight: datetime) -> tuple[list[Seen], bool]:
    """What was read on the day that began at MIDNIGHT, and whether that is all."""
    first = history.first_since(journal, midnight.timestamp())
    end = history.first_since(journal, (midnight + timedelta(days=1)).timestamp())
    rows = journal.execute(
        "SELECT recognised, status, result FROM scans WHERE seq >= ? AND seq < ? AND status != ?"
        " ORDER BY seq DESC LIMIT ?",
        (first, end, str(Status.VERIFIED), LOOKED_AT_MOST),
    )
    found = [(recognised, status, _confidence_of.decode(result).confidence) for recognised, status, result in rows]
    return found, len(found) < LOOKED_AT_MOST


def day_of(seen: Iterable[Seen], whole: bool = True) -> Day:
    """The figures of what was seen, by the clock of this machine."""
    hours: list[Counter[str]] = [Counter(dict.fromkeys(map(str, READ_STATUSES), 0)) for _ in range(HOURS)]
    classes = [0] * (len(CLASSES) - 1)
    for recognised, status, confidence in seen:
        hours[datetime.fromtimestamp(recognised).hour][status] += 1
        if confidence is not None:
            classes[_class_of(confidence)] += 1
    return Day(tuple(hours), tuple(classes), whole)


def _class_of(confidence: float) -> int:
    return max(place for place, low in enumerate(CLASSES[:-1]) if confidence >= low)
