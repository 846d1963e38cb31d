"""What remembering many scans costs a batch: a journal with ten million of them against an empty one."""

import statistics
import time
import uuid
from pathlib import Path

from results import Row as Line

from digitd import forgetting
from digitd.journal import Journal
from digitd.tables import SETTLED, Identity, Row

REMEMBERED = 10_000_000
CHUNK = 100_000
BATCH, BATCHES = 64, 300
SLOWER_MOST = 1.2
RESULT = b"{" + b'"as long as the JSON of one digit is":0' * 18 + b"}\n"


def measured(work: Path) -> list[Line]:
    """Rows for a table."""
    empty, full = work / "empty", work / "full"
    for folder in (empty, full):
        folder.mkdir(parents=True)
    with Journal(empty) as journal:
        few = _batches(journal)
    with Journal(full) as journal:
        _remember(journal, REMEMBERED)
        begun = time.monotonic()
    with Journal(full) as journal:
        opened = time.monotonic() - begun
        many = _batches(journal)
        begun = time.monotonic()
        forgetting.prune(journal.db, time.time() - 90 * 86400.0, 0)
        pruned = time.monotonic() - begun
        begun = time.monotonic()
        forgetting.prune_names(journal.db, 0.0, b"")
        names_pruned = time.monotonic() - begun
        size = sum(path.stat().st_size for path in full.iterdir())
    ratio = many / few
    return [
        Line(f"a batch of {BATCH} recorded and marked, {REMEMBERED:,} remembered, against none", f"{SLOWER_MOST}",
         f"{ratio:.2f} ({many * 1e3:.2f} ms, {few * 1e3:.2f} ms; medians of {BATCHES})", ratio <= SLOWER_MOST),
        Line("opening the journal", "-", f"{opened * 1e3:.0f} ms", None),
        Line("a chunk of forgetting: scans, names", "-", f"{pruned * 1e3:.1f} ms, {names_pruned * 1e3:.1f} ms", None),
        Line("the journal's size", "-", f"{size / 1e9:.1f} GB", None),
    ]  # fmt: skip


def _batches(journal: Journal) -> float:
    """The median time of a batch in seconds."""
    taken = []
    for number in range(BATCHES):
        first = journal.next_seq()
        rows = [_row(first + place, f"new_{number}_{place}.png") for place in range(BATCH)]
        begun = time.monotonic()
        numbers = {row.identity.path: journal.last_number(row.identity.path) + 1 for row in rows}
        journal.record(rows, numbers)
        journal.published(row.seq for row in rows)
        taken.append(time.monotonic() - begun)
        if number % 10 == 9:
            # As the syncs in the background do.
            journal.begin_sync()
            journal.settle()
    return statistics.median(taken)


def _row(seq: int, path: str) -> Row:
    return Row(
        seq=seq, id=str(uuid.uuid4()), identity=Identity(path, seq, 1500, time.time_ns()), status="accepted",
        reason=None, recognised=time.time(), published_as=f"{path}.json", kept=False, rolled=True, result=RESULT,
    )  # fmt: skip


def _remember(journal: Journal, count: int) -> None:
    """Fill the journal with settled scans of the last ninety days, and their names."""
    now = time.time()
    db = journal.db
    db.execute("PRAGMA synchronous = OFF")
    for first in range(1, count + 1, CHUNK):
        db.execute("BEGIN")
        db.executemany(
            f"INSERT INTO scans VALUES (?, ?, ?, ?, 1500, ?, 'accepted', NULL, ?, ?, NULL, 0, 1, {SETTLED}, ?)",
            (
                (
                    seq, f"{seq:036d}", b"scan_%08d.png" % seq, seq, seq * 10**9,
                    now - (count - seq) / count * 80 * 86400.0, b"scan_%08d.png.json" % seq, RESULT,
                )
                for seq in range(first, min(first + CHUNK, count + 1))
            ),
        )  # fmt: skip
        db.executemany(
            "INSERT INTO names VALUES (?, 1, ?)",
            ((b"scan_%08d.png" % seq, now) for seq in range(first, min(first + CHUNK, count + 1))),
        )
        db.execute("COMMIT")
