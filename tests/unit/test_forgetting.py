"""What the journal forgets, and what it does not."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from digitd import forgetting
from digitd.journal import Journal
from digitd.tables import Part
from journal_rows import finish, row


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A new one."""
    with Journal(tmp_path) as made:
        yield made


def test_a_parts_number_is_never_used_again(tmp_path: Path) -> None:
    """Not after it is forgotten, nor after a restart."""
    with Journal(tmp_path) as journal:
        for number in (1, 2, 3):
            journal.record([row(number)], {})
            assert journal.next_part() == number
            journal.open_part(Part(number, f"part-{number}"), number)
            journal.part_published(Part(number, f"part-{number}"))
        finish(journal, 1, 2, 3)
        last, _ = forgetting.prune(journal.db, before=2000.0, after_seq=0)
        assert last == 3
        journal.record([row(4)], {})
        journal.open_part(Part(4, "part-4"), 4)
        forgetting.prune(journal.db, before=500.0, after_seq=0)
        assert journal.db.execute("SELECT part FROM parts").fetchall() == [(4,)]
        assert journal.next_part() == 5
    with Journal(tmp_path) as journal:
        assert (journal.next_part(), journal.next_seq()) == (5, 5)


def test_numbers_go_on_after_everything_is_forgotten(tmp_path: Path) -> None:
    """Rows keep their order over the whole life of the journal."""
    with Journal(tmp_path) as journal:
        journal.record([row(1, rolled=False), row(2, rolled=False)], {"x.png": 2})
        finish(journal, 1, 2)
        assert forgetting.prune(journal.db, 2000.0, 0) == (2, [])
        assert forgetting.prune(journal.db, 2000.0, 2) == (0, [])
    with Journal(tmp_path) as journal:
        assert journal.next_seq() == 3


def test_only_what_is_old_and_done_is_forgotten(journal: Journal) -> None:
    """Young, unsettled and unrolled rows stay; of kept ones the caller is told."""
    journal.record(
        [
            row(1, rolled=False),
            row(2),
            row(3, "kept.png", kept=True, rolled=False),
            row(4, rolled=False, recognised=9000.0),
            row(5, rolled=False),
        ],
        {},
    )
    finish(journal, 1, 2, 3, 4)
    last, kept = forgetting.prune(journal.db, before=2000.0, after_seq=0)
    assert last == 5
    assert [seq for seq, _ in kept] == [3]
    seqs = "SELECT seq FROM scans ORDER BY seq"
    assert journal.db.execute(seqs).fetchall() == [(2,), (3,), (4,), (5,)]
    forgetting.forget(journal.db, [2, 3, 5])
    assert journal.db.execute(seqs).fetchall() == [(2,), (4,), (5,)]


def test_forgetting_goes_on_where_it_stopped(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk at a time, to the end."""
    monkeypatch.setattr("digitd.forgetting.PRUNE_CHUNK", 2)
    journal.record([row(number, rolled=False) for number in range(1, 6)], {"x.png": 5})
    finish(journal, *range(1, 6))
    visited = []
    after = 0
    while True:
        after, _ = forgetting.prune(journal.db, 2000.0, after)
        visited.append(after)
        if not after:
            break
    assert visited == [2, 4, 5, 0]
    assert journal.db.execute("SELECT count(*) FROM scans").fetchone() == (0,)


def test_a_name_is_never_used_again_however_long_ago_it_was(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its results are forgotten, the number of them is not."""
    monkeypatch.setattr("time.time", lambda: 1000.0)
    journal.record([row(1, rolled=False)], {"x.png": 5})
    finish(journal, 1)
    assert forgetting.prune(journal.db, 2000.0, 0) == (1, [])
    assert forgetting.prune(journal.db, 2000.0, 1) == (0, [])
    assert journal.last_number("x.png") == 5


def test_forgetting_does_not_load_results(journal: Journal) -> None:
    """A thousand of them may be a gigabyte."""
    journal.record([replace(row(number, kept=True), result=b"x" * 200_000) for number in range(1, 101)], {})
    finish(journal, *range(1, 101))
    tracemalloc.start()
    last, kept = forgetting.prune(journal.db, 2000.0, 0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (last, len(kept), kept[0]) == (100, 100, (1, row(1).identity))
    assert peak < 1_000_000
