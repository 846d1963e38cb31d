"""Rolled files: rows gather in the journal, and whole CSV and JSON Lines files are published now and then."""

import time
from collections.abc import Iterator

from digitd import log, results
from digitd.journal import Journal, Part, Row
from digitd.outbox import Outbox


class Roller:
    """Publishes a part every EVERY seconds in which something was read, or at ROWS rows."""

    def __init__(self, journal: Journal, outbox: Outbox, *, csv: bool, lines: bool, every: float, rows: int) -> None:
        self._journal, self._outbox = journal, outbox
        self._endings = (*([".csv"] if csv else []), *([".jsonl"] if lines else []))
        self._every, self._rows = every, rows
        self._gathered = journal.count_unrolled()
        self._opened: list[Part] = []
        self._deadline = time.monotonic() if self._gathered else float("inf")
        self._log = log.get()

    @property
    def rolls(self) -> bool:
        """Whether there are rolled files at all."""
        return bool(self._endings)

    def gathered(self, rows: int) -> None:
        """So many rows more are in the journal."""
        if rows and not self._gathered:
            self._deadline = time.monotonic() + self._every
        self._gathered += rows

    def next_due(self) -> float:
        """When `tick` has something to do (monotonic seconds)."""
        return self._deadline

    def postpone(self, until: float) -> None:
        """Try no part before UNTIL (monotonic seconds)."""
        if self._gathered:
            self._deadline = max(self._deadline, until)

    def tick(self, now: float) -> None:
        """Publish what is due. OSError or sqlite3.Error where that fails; the rows stay gathered."""
        if self._opened or now >= self._deadline:
            self.roll_all()
        while self._gathered >= self._rows:
            self._roll()

    def roll_all(self) -> None:
        """Publish everything gathered."""
        for part in list(self._opened):
            self._publish(part)
        while self._gathered:
            self._roll()

    def recover(self, rebooted: bool) -> None:
        """Publish the parts that a crash kept from it."""
        for part in self._journal.unfinished_parts(with_published=rebooted):
            for ending, data in self._contents(self._journal.rows_of(part)):
                self._outbox.publish_again(part.name + ending, _key(part, ending), data, rebooted=rebooted)
            self._journal.part_published(part)

    def _roll(self) -> None:
        rows = self._journal.unrolled(self._rows)
        if not rows or not self._endings:
            # Rows from a configuration that rolled, under one that does not, wait until it does again.
            self._gathered, self._deadline = 0, float("inf")
            return
        number = self._journal.next_part()
        part = Part(number, f"results-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{number:06d}")
        for ending, data in self._contents(rows):
            self._outbox.stage(part.name + ending, _key(part, ending), data)
        self._journal.open_part(part, rows[-1].seq)
        self._opened.append(part)
        self._gathered -= len(rows)
        self._deadline = time.monotonic() + self._every if self._gathered else float("inf")
        self._publish(part, len(rows))

    def _publish(self, part: Part, scans: int | None = None) -> None:
        for ending in self._endings:
            # Staged before the journal knew of it: a stage that is gone was published by an earlier try.
            self._outbox.publish_again(part.name + ending, _key(part, ending), b"", rebooted=False)
            self._log.info("part_published", file=part.name + ending, scans=scans)
        self._journal.part_published(part)
        self._opened.remove(part)

    def _contents(self, rows: list[Row]) -> Iterator[tuple[str, bytes]]:
        for ending in self._endings:
            if ending == ".csv":
                yield ending, results.to_csv(results.from_json(row.result) for row in rows)
            else:
                yield ending, b"".join(row.result for row in rows)


def _key(part: Part, ending: str) -> str:
    return f"part-{part.part:06d}{ending}"
