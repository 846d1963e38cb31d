"""How digitd is doing, read from the journal, the lock and the inbox without disturbing the daemon."""

import os
import sqlite3
import time
from datetime import datetime

from msgspec import Struct

from digitd import names
from digitd.intake.ignore import Rules, room_below
from digitd.intake.rescan import walk
from digitd.journal import has_kept, knows_kept, reading
from digitd.lock import Holder, holder_of
from digitd.results import Status, from_json, timestamp
from digitd.settings import Settings
from digitd.tables import OPEN, RECORDED, UNCERTAIN, Identity

UNPUBLISHED = f"state IN ({UNCERTAIN}, {RECORDED}) AND {OPEN}"
RATE_SECONDS = 60.0
FAILURES_SHOWN = 5


class Failure(Struct, frozen=True):
    """A scan that failed."""

    scan: str
    when: str
    code: str
    message: str


class Report(Struct, frozen=True):
    """What `digitd status` tells. `waiting` is None where the inbox cannot be listed, `trouble` while all goes well."""

    running: bool
    pid: int | None
    since: str | None
    trouble: str | None
    inbox: str
    waiting: int | None
    oldest_waiting_seconds: float | None
    read_today: int
    by_status: dict[str, int]
    scans_per_second: float
    last_read: str | None
    failures: tuple[Failure, ...]
    unpublished: int


def report(settings: Settings) -> Report:
    """The state of things now. It writes nothing, and works while the daemon runs or not."""
    holder = holder_of(settings.state.path)
    with reading(settings.state.path) as journal:
        return _report(settings, holder, journal)


def _report(settings: Settings, holder: Holder | None, journal: sqlite3.Connection | None) -> Report:
    now = time.time()
    waiting, oldest = _waiting(settings, journal, now)
    midnight = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    by_status = dict.fromkeys((str(status) for status in Status), 0)
    recent, last, unpublished = 0, None, 0
    failures: list[Failure] = []
    if journal is not None:
        since = _first_since(journal, midnight)
        by_status |= dict(
            journal.execute("SELECT status, count(*) FROM scans WHERE seq >= ? GROUP BY status", (since,)).fetchall()
        )
        recent_since = _first_since(journal, now - RATE_SECONDS)
        recent = journal.execute("SELECT count(*) FROM scans WHERE seq >= ?", (recent_since,)).fetchone()[0]
        last = journal.execute("SELECT recognised FROM scans ORDER BY seq DESC LIMIT 1").fetchone()
        unpublished = journal.execute(f"SELECT count(*) FROM scans WHERE {UNPUBLISHED}").fetchone()[0]
        failures = _failures(journal, since)
    return Report(
        running=holder is not None,
        pid=None if holder is None else holder.pid,
        since=None if holder is None else timestamp(holder.since),
        trouble=None if holder is None else holder.trouble,
        inbox=names.text(os.fspath(settings.inbox.path)),
        waiting=waiting,
        oldest_waiting_seconds=None if oldest is None else round(max(0.0, now - oldest), 1),
        read_today=sum(by_status.values()),
        by_status=by_status,
        scans_per_second=round(recent / RATE_SECONDS, 2),
        last_read=None if last is None else timestamp(last[0]),
        failures=tuple(failures),
        unpublished=unpublished,
    )


def _first_since(journal: sqlite3.Connection, moment: float) -> int:
    """The first row recognised at MOMENT or later: by halving, for rows are in the order of their times."""
    low, high = journal.execute("SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) + 1 FROM scans").fetchone()
    while low < high:
        middle = (low + high) // 2
        found = journal.execute(
            "SELECT recognised FROM scans WHERE seq >= ? ORDER BY seq LIMIT 1", (middle,)
        ).fetchone()
        if found is not None and found[0] < moment:
            low = middle + 1
        else:
            high = middle
    return int(low)


def _failures(journal: sqlite3.Connection, since: int) -> list[Failure]:
    rows = journal.execute(
        "SELECT result FROM scans WHERE seq >= ? AND status = 'failed' ORDER BY seq DESC LIMIT ?",
        (since, FAILURES_SHOWN),
    )
    return [
        Failure(result.source.path, result.recognised, result.reason.code, result.reason.message)
        for result in (from_json(row[0]) for row in rows)
        if result.reason is not None
    ]


def _waiting(settings: Settings, journal: sqlite3.Connection | None, now: float) -> tuple[int | None, float | None]:
    """How many scans wait in the inbox, and the oldest one's time of arrival."""
    failed: list[OSError] = []
    room = room_below([os.fspath(settings.inbox.path), *settings.mirrors])
    rules = Rules(settings.inbox.include, settings.inbox.ignore, room)
    entries = walk(
        settings.inbox.path,
        rules,
        recursive=settings.inbox.recursive,
        on_ignored=lambda *_: None,
        on_error=lambda path, error: failed.append(error) if not path else None,
    )
    kept = journal if journal is not None and has_kept(journal) else None
    count, oldest = 0, None
    for entry in entries:
        stamp = entry.stamp
        if kept is not None and knows_kept(kept, Identity(entry.path, stamp.inode, stamp.size, stamp.mtime_ns)):
            continue
        count += 1
        arrived = max(stamp.mtime_ns, stamp.ctime_ns) / 1e9
        oldest = arrived if oldest is None else min(oldest, arrived)
    return (None, None) if failed else (count, oldest)
