"""Rolled files: rows gather in the journal, and whole CSV and JSON Lines files are published now and then."""

import sqlite3
import time
from collections.abc import Callable

from digitd import failpoints, log, names, results
from digitd.database import is_damage
from digitd.failpoints import Point
from digitd.journal import Journal
from digitd.outbox import Outbox
from digitd.tables import Part, Row

PAUSE_FIRST, PAUSE_MOST = 0.5, 10.0
"""Seconds before what failed is tried again: doubled from the first to the most."""


class Roller:
    """Publishes a part every EVERY seconds in which something was read, or at ROWS rows."""

    def __init__(self, journal: Journal, outbox: Outbox, *, csv: bool, lines: bool, every: float, rows: int) -> None:
        self._journal, self._outbox = journal, outbox
        self._endings = (*([".csv"] if csv else []), *([".jsonl"] if lines else []))
        self._every, self._rows = every, rows
        self._gathered = journal.count_unrolled()
        self._opened: dict[int, Part] = {}
        # Of an earlier life, and not tried yet: a stage of theirs that is gone was published by it.
        self._inherited: set[tuple[int, str]] = set()
        # In the outbox already, of parts with something still to be done.
        self._out: set[tuple[int, str]] = set()
        self._pause = self._not_before = 0.0
        self.troubled: str | None = None
        """What keeps rolled files from being published; None while all goes well."""
        self.unsynced = False
        """Whether something was published since the reader of this last looked."""
        self._deadline = time.monotonic() if self._gathered else float("inf")
        self._log = log.get()

    def change(self, *, csv: bool, lines: bool, every: float, rows: int) -> None:
        """Publish what has gathered as it was meant to be, and go on so."""
        self.roll_all()
        self._endings = (*([".csv"] if csv else []), *([".jsonl"] if lines else []))
        self._every, self._rows = every, rows

    @property
    def rolls(self) -> bool:
        """Whether there are rolled files at all."""
        return bool(self._endings)

    def gathered(self, rows: int) -> None:
        """So many rows more are in the journal."""
        if rows and not self._gathered:
            self._deadline = time.monotonic() + self._every
        self._gathered += rows

    @property
    def staged(self) -> set[str]:
        """The keys of the stages that are still to be published."""
        return {names.part_key(part.part, ending) for part in self._opened.values() for ending in self._endings}

    def next_due(self) -> float:
        """When `tick` has something to do (monotonic seconds)."""
        at_once = self._opened or self._gathered >= self._rows
        return max(self._not_before, 0.0 if at_once else self._deadline)

    def tick(self, now: float) -> None:
        """Publish what is due; what fails is tried again after a growing pause, and the rows stay gathered."""
        if now >= self.next_due():
            self._attempt(self._roll_everything if self._opened or now >= self._deadline else self._roll_whole_parts)

    def roll_all(self) -> None:
        """Publish everything gathered. What cannot be published now is published at the next start."""
        self._attempt(self._roll_everything)

    def recover(self) -> None:
        """Publish the parts that a crash kept from it."""
        self._opened = {part.part: part for part in self._journal.unfinished_parts()}
        self._inherited = {(number, ending) for number in self._opened for ending in self._endings}
        self._attempt(self._publish_opened)

    def _attempt(self, action: Callable[[], None]) -> None:
        """Say once what is wrong, and once that it is over."""
        try:
            action()
        except (OSError, sqlite3.Error) as error:
            if is_damage(error):
                raise
            self._pause = min(PAUSE_MOST, max(PAUSE_FIRST, self._pause * 2))
            self._not_before = time.monotonic() + self._pause
            if self.troubled is None:
                self.troubled = str(error)
                self._log.error(
                    "rolling_paused",
                    error=self.troubled,
                    remedy="make room or give the rights; digitd goes on by itself, and nothing is lost",
                )
        else:
            if self.troubled is not None:
                self._log.info("rolling_resumed", after=self.troubled)
            self.troubled, self._pause, self._not_before = None, 0.0, 0.0

    def _roll_everything(self) -> None:
        self._publish_opened()
        while self._gathered:
            self._roll()

    def _roll_whole_parts(self) -> None:
        while self._gathered >= self._rows:
            self._roll()

    def _publish_opened(self) -> None:
        for part in list(self._opened.values()):
            self._publish(part)

    def _roll(self) -> None:
        rows = self._journal.unrolled(self._rows)
        if not rows or not self._endings:
            # Rows from a configuration that rolled, under one that does not, wait until it does again.
            self._gathered, self._deadline = 0, float("inf")
            return
        number = self._journal.next_part()
        name = f"results-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{number:06d}"
        part = Part(number, self._free_name(name))
        for ending in self._endings:
            # Whole or not at all: where its recording seemed to fail, a kill may show that it did not.
            self._outbox.restage(part.name + ending, names.part_key(part.part, ending), _content(ending, rows))
            failpoints.reached(Point.PART_STAGED)
        self._journal.open_part(part, rows[-1].seq)
        failpoints.reached(Point.PART_OPENED)
        self._opened[part.part] = part
        self._gathered -= len(rows)
        self._deadline = time.monotonic() + self._every if self._gathered else float("inf")
        self._publish(part, len(rows))

    def _free_name(self, name: str) -> str:
        def taken(number: int) -> bool:
            return any(self._outbox.has(names.numbered(name, number) + ending) for ending in self._endings)

        return names.numbered(name, names.first_free(taken))

    def _publish(self, part: Part, scans: int | None = None) -> None:
        for ending in self._endings:
            if (part.part, ending) not in self._out:
                part = self._put_out(part, ending)
                failpoints.reached(Point.PART_PUBLISHED)
                self._out.add((part.part, ending))
                self._log.info("part_published", file=part.name + ending, scans=scans)
        self._journal.part_published(part)
        failpoints.reached(Point.PART_MARKED)
        self.unsynced = True
        self._out.difference_update((part.part, ending) for ending in self._endings)
        del self._opened[part.part]

    def _put_out(self, part: Part, ending: str) -> Part:
        """Publish one of its files; gives the part under the name that it has then."""
        key = names.part_key(part.part, ending)
        if (part.part, ending) in self._inherited:
            if not part.uncertain and self._outbox.stage_is_gone(part.name + ending, key):
                return part
            # From here on a stage that is missing was not published: somebody took it away.
            self._inherited.discard((part.part, ending))
        while True:
            name = part.name + ending
            try:
                if part.uncertain:
                    self._restore(part, ending, key)
                else:
                    self._outbox.publish(name, key)
                return part
            except FileExistsError:
                # Somebody else put a file there since the name was chosen.
                part = self._opened[part.part] = self._journal.rename_part(part, self._free_name(part.name))
            except FileNotFoundError:
                self._outbox.restage(name, key, _content(ending, self._journal.rows_of(part)))

    def _restore(self, part: Part, ending: str, key: str) -> None:
        """After a power cut, unless it lies whole under a name that the part had to give up for its other file."""
        content = _content(ending, self._journal.rows_of(part))
        if any(self._outbox.holds(earlier + ending, content) for earlier in names.earlier(part.name)):
            self._outbox.unstage(part.name + ending, key)
        else:
            self._outbox.restore(part.name + ending, key, content)


def _content(ending: str, rows: list[Row]) -> bytes:
    if ending == ".csv":
        return results.to_csv(results.from_json(row.result) for row in rows)
    return b"".join(row.result for row in rows)
