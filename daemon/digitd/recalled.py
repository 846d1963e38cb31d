"""What a damaged journal still tells of reviews: what waits for people, and what they said and nobody delivered yet."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from digitd import log, results, reviews
from digitd.migrate import transaction
from digitd.tables import Row, Verdict

Read = Callable[[str], Iterator[tuple[Any, ...]]]
"""Gives what can be read of a query, up to where the file is damaged."""


@dataclass(frozen=True)
class Recalled:
    """Rows that WAIT, by the numbers that they had (None: that cannot be told), and verdicts with when they are due."""

    waiting: frozenset[int] | None
    verdicts: tuple[tuple[Verdict, float], ...]

    @property
    def rows(self) -> str:
        """SQL for the rows that are to be saved for people, besides those that matter anyway."""
        spoken = ", ".join(str(verdict.seq) for verdict, _ in self.verdicts)
        return f"status IN ('review', 'failed') OR seq IN ({spoken})"

    def wants(self, row: Row) -> bool:
        """Whether a row that is of no other use is to be saved."""
        return (row.seq in self.waiting if self.waiting is not None else row.status == results.Status.REVIEW) or any(
            verdict.seq == row.seq for verdict, _ in self.verdicts
        )


def recall(read: Read) -> Recalled:
    """What can still be read; of a journal from before there were reviews, nothing."""
    whole = next(read("SELECT count(*) FROM waiting"), None) is not None
    waiting = frozenset(seq for (seq,) in read("SELECT seq FROM waiting")) if whole else None
    verdicts = []
    for id_, seq, who, name, answer, texts, given, due in read(
        "SELECT id, seq, who, name, answer, texts, given, due FROM verdicts"
    ):
        try:
            said = Verdict(
                id_, int(seq), who, name, str(results.Answer(answer)), tuple(json.loads(texts)), float(given)
            )
            verdicts.append((said, float(due)))
        except (TypeError, ValueError) as error:
            log.get().debug("journal_unreadable", error=str(error))
    return Recalled(waiting, tuple(verdicts))


def restore(db: sqlite3.Connection, recalled: Recalled, numbers: Mapping[int, int], rows: Iterable[Row]) -> None:
    """Have only those of the new ROWS wait that nobody has verified, and take the verdicts on them over.

    NUMBERS has the new number of each row that was saved.
    """
    rows = list(rows)
    superseded = {results.from_json(row.result).supersedes for row in rows}
    waits = None if recalled.waiting is None else {numbers[seq] for seq in recalled.waiting if seq in numbers}
    saved = set(numbers.values())
    with transaction(db):
        for row in rows:
            if row.id in superseded or (waits is not None and row.seq in saved and row.seq not in waits):
                db.execute("DELETE FROM waiting WHERE seq = ?", (row.seq,))
        for verdict, due in recalled.verdicts:
            if verdict.seq in numbers:
                reviews.give(db, replace(verdict, seq=numbers[verdict.seq]), due)
