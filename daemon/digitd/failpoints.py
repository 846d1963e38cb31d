"""Named points between the steps of a scan's way, at which a proof can kill the process; else nothing happens there.

docs/guarantees.md says what is true at each. Only code arms one: no option and no variable does.
"""

import os
import signal
from dataclasses import dataclass
from enum import StrEnum


class Point(StrEnum):
    """The points, in the order in which a scan comes by; those of rolled files and of syncing follow."""

    HANDED_OUT = "handed_out"
    LOADED = "loaded"
    RECOGNISED = "recognised"
    TAKEN_IN = "taken_in"
    STAGED = "staged"
    RECORDED = "recorded"
    PUBLISHED = "published"
    TICKET_WRITTEN = "ticket_written"
    MOVED = "moved"
    COPY_PLANNED = "copy_planned"
    COPIED = "copied"
    COPY_IN_PLACE = "copy_in_place"
    CLAIMED = "claimed"
    REMOVED = "removed"
    FILED = "filed"
    MARKED = "marked"
    PART_STAGED = "part_staged"
    PART_OPENED = "part_opened"
    PART_PUBLISHED = "part_published"
    PART_MARKED = "part_marked"
    SYNC_BEGUN = "sync_begun"
    SYNCED = "synced"
    SETTLED = "settled"


@dataclass
class _Armed:
    left: int
    token: int


_armed: dict[Point, _Armed] = {}


def arm(point: Point, time: int = 1) -> None:
    """Die by SIGKILL when POINT is reached for the TIMEth time from now: this process or, if it is one that others are
    forked from, the first of those."""
    # A pipe with one byte: who reads it dies. It outlives a fork, and needs no right to write anywhere.
    token, full = os.pipe2(os.O_NONBLOCK)
    os.write(full, b"\0")
    os.close(full)
    _armed[point] = _Armed(time, token)


def reached(point: Point) -> None:
    """The process is at this point."""
    if not _armed or (armed := _armed.get(point)) is None:
        return
    armed.left -= 1
    if armed.left <= 0 and os.read(armed.token, 1):
        os.kill(os.getpid(), signal.SIGKILL)
