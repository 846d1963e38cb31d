"""The journal's rows as items: one by its key, those that wait, and those that are searched for."""

import os
import sqlite3
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from digitd import history, results, reviews
from digitd.review.items import Counts, Filter, Found, Item
from digitd.settings import Review
from digitd.tables import SELECT, row_of

LOOKED_AT_MOST = 20_000
"""Rows that one search looks at: it then says where to go on, so that no answer takes longer than a moment."""
LOOKED_AT_ONCE = 64
"""Rows that wait, and are looked at together; most calls need two."""
PAGE_MOST = 500


def seq_of(key: str) -> int | None:
    """The row's number in a key; None where it is no key."""
    number, _, rest = key.partition("-")
    return int(number) if rest and number.isascii() and number.isdigit() and len(number) <= 18 else None


def item_of(db: sqlite3.Connection, key: str) -> Item | None:
    """The item with this key."""
    seq = seq_of(key)
    item = None if seq is None else of_seq(db, seq)
    return item if item is not None and item.key == key else None


def of_seq(db: sqlite3.Connection, seq: int) -> Item | None:
    """The item of a row; None where it was forgotten."""
    found = db.execute(f"{SELECT} WHERE seq = ?", (seq,)).fetchone()
    if found is None:
        return None
    row = row_of(found)
    after = reviews.superseded_by(db, seq)
    before = db.execute("SELECT of FROM reviews WHERE seq = ?", (seq,)).fetchone()
    return Item(
        key=f"{seq}-{row.id}",
        seq=seq,
        result=results.from_json(row.result),
        identity=row.identity,
        filed_as=row.filed_as,
        recorded=row.recognised,
        superseded_by=None if after is None else _key(db, after),
        pending=reviews.pending(db, seq) is not None,
        supersedes=None if before is None else _key(db, before[0]),
    )


def _key(db: sqlite3.Connection, seq: int) -> str | None:
    found = db.execute("SELECT id FROM scans WHERE seq = ?", (seq,)).fetchone()
    return None if found is None else f"{seq}-{found[0]}"


def waiting(db: sqlite3.Connection, review: Review, who: str, now: float) -> Iterator[int]:
    """The rows that wait and that nobody but WHO has at NOW (seconds since 1970), in the order in which they are shown.

    Nothing is open between two of them: who takes one may write to the journal.
    """
    for kind, below in reviews.kinds(review.failed, review.sample):
        query = (
            f"SELECT w.lot, w.seq FROM waiting w WHERE {reviews.condition(below)} AND (w.lot, w.seq) > (?, ?)"
            " AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.seq = w.seq AND l.who != ? AND l.until > ?)"
            " AND NOT EXISTS (SELECT 1 FROM verdicts v WHERE v.seq = w.seq)"
            f" AND EXISTS (SELECT 1 FROM scans s WHERE s.seq = w.seq AND {reviews.FILED})"
            f" ORDER BY lot, seq LIMIT {LOOKED_AT_ONCE}"
        )
        last: tuple[str, int] = ("", 0)
        while chunk := db.execute(query, (kind, below, *last, who, now)).fetchall():
            yield from (int(seq) for _, seq in chunk)
            last = chunk[-1]


def is_free(db: sqlite3.Connection, seq: int, who: str) -> bool:
    """Whether a row still waits, and nobody but WHO has it; leases that have ended are gone already."""
    found = db.execute(
        "SELECT 1 FROM scans s WHERE seq = ? AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.seq = s.seq AND l.who != ?)"
        " AND NOT EXISTS (SELECT 1 FROM verdicts v WHERE v.seq = s.seq)"
        " AND NOT EXISTS (SELECT 1 FROM reviews r WHERE r.of = s.seq)",
        (seq, who),
    )
    return found.fetchone() is not None


def counts(db: sqlite3.Connection, review: Review, now: float, midnight: float, lost: int) -> Counts:
    """The figures at NOW; the day began at MIDNIGHT (seconds since 1970)."""
    waits = {kind: reviews.count(db, kind, below) for kind, below in reviews.kinds(review.failed, review.sample)}
    leased = int(db.execute("SELECT count(*) FROM leases WHERE until > ?", (now,)).fetchone()[0])
    pending = reviews.given(db)
    # Rows are in the order of their times, and a verdict becomes one seconds after it is given.
    done = reviews.verified_since(db, history.first_since(db, midnight)) + pending
    return Counts(waits, leased, done, pending, lost)


class _Text(Struct, frozen=True):
    text: str


_text_of = msgspec.json.Decoder(_Text)


def search(db: sqlite3.Connection, wanted: Filter, before: int | None, limit: int) -> Found:
    """Up to LIMIT results, the newest first, and where to go on."""
    low = 1 if wanted.since is None else history.first_since(db, wanted.since)
    high = (1 << 62) if wanted.until is None else history.first_since(db, wanted.until)
    high = high if before is None else min(high, before)
    statuses = None if wanted.statuses is None else {str(status) for status in wanted.statuses}
    folder = None if not wanted.folder else os.fsencode(wanted.folder.strip("/")) + b"/"
    seqs: list[int] = []
    last, looked = high, 0
    query = "SELECT seq, status, path, result FROM scans WHERE seq < ? AND seq >= ? ORDER BY seq DESC LIMIT ?"
    for seq, status, path, result in db.execute(query, (high, low, LOOKED_AT_MOST)):
        last, looked = seq, looked + 1
        if (
            (statuses is None or status in statuses)
            and (folder is None or path.startswith(folder))
            and (wanted.text is None or wanted.text in _text_of.decode(result).text)
        ):
            seqs.append(seq)
            if len(seqs) == limit:
                break
    more = (len(seqs) == limit or looked == LOOKED_AT_MOST) and last > low
    items = tuple(each for seq in seqs if (each := of_seq(db, seq)) is not None)
    return Found(items, last if more else None)
