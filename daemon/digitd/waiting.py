"""What waits in the inbox, counted beside the daemon, and no further than a glance allows."""

import os
import sqlite3
import time

from msgspec import Struct

from digitd.intake.ignore import Rules, room_below
from digitd.intake.rescan import steps
from digitd.kept import has_kept, knows_kept
from digitd.settings import Settings
from digitd.tables import Identity

COUNTED_MOST = 10_000
"""Waiting scans that are counted; "10,000 or more" is all that a glance needs to tell."""
LOOKED_AT_MOST = 100_000
"""Entries of the inbox that are looked at: an inbox whose scans stay there may have millions that do not wait."""
SECONDS_MOST = 3.0
"""And for so long: a file server may be slow."""
LOOK_AT_CLOCK = 256
"""Entries between two looks at the clock."""


class Waiting(Struct, frozen=True):
    """How many scans wait, MORE if that is not all, the OLDEST one's arrival (seconds since 1970) of those counted.

    UNLISTED says why the inbox cannot be listed.
    """

    count: int
    more: bool
    oldest: float | None
    unlisted: str | None = None


def unlisted(settings: Settings) -> str | None:
    """Why the inbox cannot be listed, without listing it; None if it can."""
    try:
        os.scandir(settings.inbox.path).close()
    except OSError as error:
        return error.strerror or str(error)
    return None


def waiting(settings: Settings, journal: sqlite3.Connection | None) -> Waiting:
    """Look through the inbox as the daemon would, but for what it knows already."""
    failed: list[OSError] = []
    room = room_below([os.fspath(settings.inbox.path), *settings.mirrors])
    looked_at = steps(
        settings.inbox.path,
        Rules(settings.inbox.include, settings.inbox.ignore, room),
        recursive=settings.inbox.recursive,
        on_ignored=lambda *_: None,
        on_error=lambda path, error: failed.append(error) if not path else None,
    )
    kept = journal if journal is not None and has_kept(journal) else None
    count, oldest, more = 0, None, False
    until = time.monotonic() + SECONDS_MOST
    for number, entry in enumerate(looked_at, 1):
        if entry is not None:
            stamp = entry.stamp
            identity = Identity(entry.path, stamp.inode, stamp.size, stamp.mtime_ns)
            if kept is None or not knows_kept(kept, identity):
                count += 1
                arrived = max(stamp.mtime_ns, stamp.ctime_ns) / 1e9
                oldest = arrived if oldest is None else min(oldest, arrived)
        late = number % LOOK_AT_CLOCK == 0 and time.monotonic() >= until
        if count >= COUNTED_MOST or number >= LOOKED_AT_MOST or late:
            # One that was the very last is told as more, too: whether anything follows is not looked at.
            more = True
            break
    return Waiting(count, more, oldest, failed[0].strerror or str(failed[0]) if failed else None)
