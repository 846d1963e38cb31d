"""What waits for people, who has what before them, what they said: SQL on the journal in the caller's transactions."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from digitd.results import Answer, Status
from digitd.tables import LOT_DIGITS, LOTS, OPEN, RECORDED, UNCERTAIN, Row, Verdict

WAITING = frozenset(map(str, (Status.REVIEW, Status.FAILED, Status.ACCEPTED)))
"""Statuses that people are shown: a blank scan has nothing to verify."""
LOTS_BELOW = f"{int(LOTS * 16):x}"
"""The lots that are kept are below this: their first digit is smaller."""
FILED = f"(state NOT IN ({UNCERTAIN}, {RECORDED}) OR NOT {OPEN})"
"""Rows whose sources have come to lie where they are looked for."""


def lot_of(status: str, id_: str) -> str:
    """What chance drew for a scan: nobody can choose it, and everybody sees the same."""
    return id_[:LOT_DIGITS] if status == Status.ACCEPTED else ""


def lots_of(share: float) -> str:
    """The lots below this are SHARE of all."""
    return f"{min(int(share * 16**LOT_DIGITS), 16**LOT_DIGITS - 1):0{LOT_DIGITS}x}"


def place(db: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Have those of new rows wait that people may be shown, and those of verdicts take the place of what they judge."""
    waits = []
    for row in rows:
        if row.verdict is not None:
            _supersede(db, row.seq, row.verdict)
        elif row.status in WAITING and lot_of(row.status, row.id) < LOTS_BELOW:
            waits.append((row.status, lot_of(row.status, row.id), row.seq))
    db.executemany("INSERT INTO waiting VALUES (?, ?, ?)", waits)


def _supersede(db: sqlite3.Connection, seq: int, verdict: Verdict) -> None:
    former = db.execute("SELECT first, was, lot FROM reviews WHERE seq = ?", (verdict.seq,)).fetchone()
    if former is None:
        status, id_ = db.execute("SELECT status, id FROM scans WHERE seq = ?", (verdict.seq,)).fetchone()
        lot = lot_of(status, id_)
        former = verdict.seq, status, lot
        db.execute("DELETE FROM waiting WHERE kind = ? AND lot = ? AND seq = ?", (status, lot, verdict.seq))
    db.execute(
        "INSERT INTO reviews VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (seq, verdict.seq, *former, verdict.answer, verdict.who, verdict.given),
    )
    db.execute("DELETE FROM leases WHERE seq = ?", (verdict.seq,))
    db.execute("DELETE FROM verdicts WHERE id = ?", (verdict.id,))


def due(db: sqlite3.Connection, now: float, most: int) -> list[Verdict]:
    """The verdicts that can no longer be taken back at NOW (seconds since 1970), in the order in which they came."""
    return [
        _verdict_of(found)
        for found in db.execute(
            "SELECT id, seq, who, name, answer, texts, given FROM verdicts WHERE due <= ? ORDER BY due LIMIT ?",
            (now, most),
        )
    ]


def next_due(db: sqlite3.Connection) -> float | None:
    """When the next verdict is due (seconds since 1970); None: there is none."""
    found = db.execute("SELECT min(due) FROM verdicts").fetchone()[0]
    return None if found is None else float(found)


def pending(db: sqlite3.Connection, seq: int) -> Verdict | None:
    """What was said of a row, and is not recorded as a result yet."""
    found = db.execute("SELECT id, seq, who, name, answer, texts, given FROM verdicts WHERE seq = ?", (seq,)).fetchone()
    return None if found is None else _verdict_of(found)


def give(db: sqlite3.Connection, verdict: Verdict, due_at: float) -> None:
    """Note a verdict, that is due at DUE_AT (seconds since 1970), and end the lease that it came of."""
    db.execute(
        "INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            verdict.id,
            verdict.seq,
            verdict.who,
            verdict.name,
            verdict.answer,
            json.dumps(verdict.texts),
            verdict.given,
            due_at,
        ),
    )
    db.execute("DELETE FROM leases WHERE seq = ?", (verdict.seq,))


def superseded_by(db: sqlite3.Connection, seq: int) -> int | None:
    """The row that stands in a row's place now; None: it stands itself."""
    found = db.execute("SELECT max(seq) FROM reviews WHERE of = ?", (seq,)).fetchone()[0]
    return None if found is None else int(found)


def first_of(db: sqlite3.Connection, seq: int) -> int:
    """The row of what digitd read, of that row or of a verified one."""
    found = db.execute("SELECT first FROM reviews WHERE seq = ?", (seq,)).fetchone()
    return seq if found is None else int(found[0])


def verified_since(db: sqlite3.Connection, seq: int) -> int:
    """How many of the rows from SEQ on are verified ones."""
    return int(db.execute("SELECT count(*) FROM reviews WHERE seq >= ?", (seq,)).fetchone()[0])


def kinds(failed: bool, sample: float) -> Iterator[tuple[str, str]]:
    """What people are shown, in this order: a kind, and below what its lots are ("": it has none).

    FAILED: whether what failed is, too; SAMPLE: which share of the accepted.
    """
    yield str(Status.REVIEW), ""
    if failed:
        yield str(Status.FAILED), ""
    if sample:
        yield str(Status.ACCEPTED), lots_of(sample)


def condition(below: str) -> str:
    """The SQL that finds a kind's rows in `waiting`, whose values are the kind and BELOW."""
    return "w.kind = ? AND w.lot < ?" if below else "w.kind = ? AND w.lot = ?"


def count(db: sqlite3.Connection, kind: str, below: str) -> int:
    """How many of a kind wait for a verdict."""
    query = (
        f"SELECT count(*) FROM waiting w WHERE {condition(below)}"
        " AND NOT EXISTS (SELECT 1 FROM verdicts v WHERE v.seq = w.seq)"
    )
    return int(db.execute(query, (kind, below)).fetchone()[0])


def given(db: sqlite3.Connection) -> int:
    """How many verdicts are not published yet."""
    return int(db.execute("SELECT count(*) FROM verdicts").fetchone()[0])


def sampled(db: sqlite3.Connection, share: float) -> tuple[int, int]:
    """Of the accepted scans whose lot is below SHARE: how many people verified, and of how many they said otherwise.

    What counts is the last word on each. To be wrong is all but CONFIRMED.
    """
    found = db.execute(
        "SELECT answer, max(seq) FROM reviews WHERE was = 'accepted' AND lot < ? GROUP BY first", (lots_of(share),)
    ).fetchall()
    return len(found), sum(answer != Answer.CONFIRMED for answer, _ in found)


def forget(db: sqlite3.Connection, condition: str, values: Sequence[Any]) -> None:
    """Delete the rows of `scans` that meet CONDITION; nothing of them waits any more, or tells of a review."""
    # At once, for the condition may ask what is deleted after it.
    gone = db.execute(f"DELETE FROM scans WHERE {condition} RETURNING seq, status, id", values).fetchall()
    db.executemany(
        "DELETE FROM waiting WHERE kind = ? AND lot = ? AND seq = ?",
        [(status, lot_of(status, id_), seq) for seq, status, id_ in gone if status in WAITING],
    )
    for table in ("leases", "verdicts", "reviews"):
        db.executemany(f"DELETE FROM {table} WHERE seq = ?", [(seq,) for seq, _, _ in gone])


def _verdict_of(found: tuple[Any, ...]) -> Verdict:
    id_, seq, who, name, answer, texts, given = found
    return Verdict(id_, seq, who, name, answer, tuple(json.loads(texts)), given)


def drop(db: sqlite3.Connection, verdict: Verdict) -> None:
    """Forget a verdict on a row that is not remembered any more."""
    db.execute("DELETE FROM verdicts WHERE id = ?", (verdict.id,))
