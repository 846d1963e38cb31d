"""The journal: what it remembers, durably, and what it refuses to open."""

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from digitd import fs
from digitd.errors import ExitCode, FolderError
from digitd.journal import FILE_NAME, Journal
from digitd.tables import Identity, Part, Row

HOSTILE = os.fsdecode(b"sub/\xff\n=1.png")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A new one."""
    with Journal(tmp_path) as made:
        yield made


def row(seq: int, path: str = "x.png", *, recognised: float = 1000.0, kept: bool = False, rolled: bool = True) -> Row:
    """A row as the delivery makes it."""
    identity = Identity(path, 100 + seq, 5, 1_000_000 + seq)
    return Row(seq, f"id-{seq}", identity, "accepted", None, recognised, f"{path}.json", kept, rolled, b"{}\n")


def finish(journal: Journal, *seqs: int) -> None:
    """Publish and settle rows."""
    journal.published(seqs)
    journal.settle(journal.covered())


def test_a_row_comes_back_as_it_was_recorded(journal: Journal) -> None:
    """Names that are no UTF-8 and numbers that SQLite could not hold as they are, too."""
    recorded = replace(row(1, HOSTILE), status="failed", reason="damaged")
    journal.record([recorded], {HOSTILE: 1})
    assert journal.unfinished(with_published=False) == [recorded]
    huge = replace(row(2), identity=Identity("x.png", 2**64 - 1, 5, 15 * 10**18))
    journal.record([huge], {})
    (_, back) = journal.unfinished(with_published=False)
    assert (fs.folded(2**64 - 1), fs.folded(15 * 10**18)) == (back.identity.inode, back.identity.mtime_ns)


def test_a_row_goes_from_recorded_to_published_to_settled(journal: Journal) -> None:
    """Recorded ones are always unfinished, published ones only after a reboot, settled ones never."""
    journal.record([row(1), row(2)], {})
    assert not journal.unsynced()
    journal.published([1])
    assert journal.unsynced()
    assert [found.seq for found in journal.unfinished(with_published=False)] == [2]
    assert [found.seq for found in journal.unfinished(with_published=True)] == [1, 2]
    journal.published([2])
    journal.settle(journal.covered())
    assert journal.unfinished(with_published=True) == []
    assert not journal.unsynced()


def test_a_sync_covers_nothing_from_the_first_unpublished_row_on(journal: Journal) -> None:
    """Were it published during the sync, it would not be certain to have lasted."""
    journal.record([row(1), row(2), row(3)], {})
    journal.published([1, 3])
    assert journal.covered() == (1, 0)
    journal.settle(journal.covered())
    assert [found.seq for found in journal.unfinished(with_published=True)] == [2, 3]


def test_what_is_recorded_is_there_after_a_kill(tmp_path: Path) -> None:
    """Reopening finds the rows, the counters, and the numbers that come next."""
    with Journal(tmp_path) as journal:
        journal.record([row(1), row(2)], {"x.png": 2})
        journal.open_part(Part(1, "results-1"), 1)
    with Journal(tmp_path) as journal:
        assert [found.seq for found in journal.unfinished(with_published=False)] == [1, 2]
        assert (journal.next_seq(), journal.next_part(), journal.last_number("x.png")) == (3, 2, 2)
        assert journal.unfinished_parts(with_published=False) == [Part(1, "results-1")]
        assert [found.seq for found in journal.rows_of(Part(1, "results-1"))] == [1]
        assert [found.seq for found in journal.unrolled(10)] == [2]


def test_a_transaction_that_fails_leaves_nothing(journal: Journal) -> None:
    """One row that cannot be written takes its batch with it, names and all; the next batch is none the worse."""
    journal.record([row(1)], {})
    with pytest.raises(sqlite3.IntegrityError):
        journal.record([row(2), row(1)], {"x.png": 7})
    assert [found.seq for found in journal.unfinished(with_published=False)] == [1]
    assert journal.last_number("x.png") == 0
    assert journal.next_seq() == 2
    journal.record([row(2)], {"x.png": 1})
    assert journal.last_number("x.png") == 1


def test_a_transaction_that_is_interrupted_leaves_nothing(journal: Journal) -> None:
    """Whatever is raised inside it, even what is no Exception."""

    def rows() -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    journal.record([row(1)], {})
    with pytest.raises(KeyboardInterrupt):
        journal.published(rows())
    assert [found.seq for found in journal.unfinished(with_published=False)] == [1]


def test_names_count_for_each_path(journal: Journal) -> None:
    """The same name in two folders is two names."""
    journal.record([row(1)], {"x.png": 3, HOSTILE: 1})
    assert [journal.last_number(name) for name in ("x.png", HOSTILE, "sub/x.png")] == [3, 1, 0]


def test_a_result_that_is_renamed_counts(journal: Journal) -> None:
    """The new name is in the row, and its number is not given again."""
    recorded = row(1)
    journal.record([recorded], {"x.png": 1})
    journal.rename(recorded, "x.png~2.json", 2)
    assert recorded.published_as == "x.png~2.json"
    assert journal.unfinished(with_published=False)[0].published_as == "x.png~2.json"
    assert journal.last_number("x.png") == 2


def test_the_target_of_a_copy_is_remembered(journal: Journal) -> None:
    """A restart finds where a source was being copied to."""
    recorded = row(1)
    journal.record([recorded], {})
    journal.plan_filing(recorded, f"/archive/{HOSTILE}")
    assert journal.unfinished(with_published=False)[0].filed_as == f"/archive/{HOSTILE}"


def test_kept_scans_are_known_by_all_of_their_identity(journal: Journal) -> None:
    """Another path, inode, size or time is another scan, and only kept ones are known."""
    kept = replace(row(1, HOSTILE, kept=True), identity=Identity(HOSTILE, 2**63 + 1, 5, 10))
    journal.record([kept, row(2, "y.png")], {})
    assert journal.knows_kept(kept.identity)
    for change in ({"path": "x"}, {"inode": 1}, {"size": 6}, {"mtime_ns": 11}):
        assert not journal.knows_kept(replace(kept.identity, **change))  # type: ignore[arg-type]
    assert not journal.knows_kept(row(2, "y.png").identity)


def test_rows_belong_to_one_part(journal: Journal) -> None:
    """A part takes the rows up to a number that no part has; those that need none are never unrolled."""
    journal.record([row(1), row(2, rolled=False), row(3)], {})
    assert journal.count_unrolled() == 2
    assert [found.seq for found in journal.unrolled(1)] == [1]
    journal.open_part(Part(1, "one"), 2)
    journal.open_part(Part(2, "two"), 3)
    assert [[found.seq for found in journal.rows_of(part)] for part in (Part(1, "one"), Part(2, "two"))] == [[1], [3]]
    assert journal.count_unrolled() == 0


def test_unrolled_rows_are_bounded_in_bytes(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more come at once than memory is meant for, and always at least one."""
    monkeypatch.setattr("digitd.journal.PART_BYTES", 5)
    journal.record([row(1), row(2), row(3)], {})
    assert [found.seq for found in journal.unrolled(10)] == [1, 2]


def test_a_parts_number_is_never_used_again(tmp_path: Path) -> None:
    """Not after it is forgotten, nor after a restart."""
    with Journal(tmp_path) as journal:
        for number in (1, 2, 3):
            journal.record([row(number)], {})
            assert journal.next_part() == number
            journal.open_part(Part(number, f"part-{number}"), number)
            journal.part_published(Part(number, f"part-{number}"))
        finish(journal, 1, 2, 3)
        last, _ = journal.prune(before=2000.0, after_seq=0)
        assert last == 3
        journal.record([row(4)], {})
        journal.open_part(Part(4, "part-4"), 4)
        journal.prune(before=500.0, after_seq=0)
        assert journal._db.execute("SELECT part FROM parts").fetchall() == [(4,)]
        assert journal.next_part() == 5
    with Journal(tmp_path) as journal:
        assert (journal.next_part(), journal.next_seq()) == (5, 5)


def test_a_renamed_part_is_found_under_its_new_name(journal: Journal) -> None:
    """A restart publishes it under the name it was given last."""
    journal.record([row(1)], {})
    journal.open_part(Part(1, "one"), 1)
    assert journal.rename_part(Part(1, "one"), "one~2") == Part(1, "one~2")
    assert journal.unfinished_parts(with_published=False) == [Part(1, "one~2")]


def test_numbers_go_on_after_everything_is_forgotten(tmp_path: Path) -> None:
    """Rows keep their order over the whole life of the journal."""
    with Journal(tmp_path) as journal:
        journal.record([row(1, rolled=False), row(2, rolled=False)], {"x.png": 2})
        finish(journal, 1, 2)
        assert journal.prune(2000.0, 0) == (2, [])
        assert journal.prune(2000.0, 2) == (0, [])
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
    last, kept = journal.prune(before=2000.0, after_seq=0)
    assert last == 5
    assert [found.seq for found in kept] == [3]
    seqs = "SELECT seq FROM scans ORDER BY seq"
    assert journal._db.execute(seqs).fetchall() == [(2,), (3,), (4,), (5,)]
    journal.forget([2, 3, 5])
    assert journal._db.execute(seqs).fetchall() == [(2,), (4,), (5,)]


def test_forgetting_goes_on_where_it_stopped(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk at a time, to the end, and then the names that were not used since."""
    monkeypatch.setattr("digitd.journal.PRUNE_CHUNK", 2)
    monkeypatch.setattr("time.time", lambda: 1000.0)
    journal.record([row(number, rolled=False) for number in range(1, 6)], {"x.png": 5})
    finish(journal, *range(1, 6))
    visited = []
    after = 0
    while True:
        after, _ = journal.prune(2000.0, after)
        visited.append(after)
        if not after:
            break
    assert visited == [2, 4, 5, 0]
    assert journal._db.execute("SELECT count(*) FROM scans").fetchone() == (0,)
    assert journal.last_number("x.png") == 0


def test_a_newer_journal_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """An older digitd does not touch what it does not understand."""
    with Journal(tmp_path) as journal:
        journal._db.execute("PRAGMA user_version = 99")
    with pytest.raises(FolderError, match="version 99") as caught:
        Journal(tmp_path)
    assert caught.value.exit_code is ExitCode.FOLDERS
    assert sqlite3.connect(tmp_path / FILE_NAME).execute("PRAGMA user_version").fetchone() == (99,)


@pytest.mark.parametrize("content", [b"this is no database" * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_journal_is_an_error_with_a_remedy(tmp_path: Path, content: bytes) -> None:
    """The file is named, and not overwritten."""
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(FolderError, match="Move it and its -wal file aside"):
        Journal(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_a_journal_whose_table_is_damaged_is_an_error(tmp_path: Path) -> None:
    """Damage behind an intact header is found at the start too."""
    with Journal(tmp_path) as journal:
        journal.record([row(number) for number in range(1, 50)], {})
    file = tmp_path / FILE_NAME
    data = bytearray(file.read_bytes())
    root = sqlite3.connect(file).execute("SELECT rootpage FROM sqlite_master WHERE name = 'scans'").fetchone()[0]
    data[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
    file.write_bytes(data)
    with pytest.raises(FolderError, match="cannot be used"):
        Journal(tmp_path)


def test_a_journal_that_cannot_be_opened_asks_for_rights_not_for_removal(tmp_path: Path) -> None:
    """Nobody is told to move a good journal aside because the disk is full or a right is missing."""
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(FolderError, match="Make room, or give the user") as caught:
        Journal(tmp_path)
    assert "aside" not in str(caught.value)


def test_a_crash_while_it_was_made_is_made_good(tmp_path: Path) -> None:
    """An empty file is a new journal."""
    (tmp_path / FILE_NAME).write_bytes(b"")
    with Journal(tmp_path) as journal:
        assert journal.next_seq() == 1


def test_a_reboot_is_noticed_until_it_was_dealt_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new journal was not there before; one from another start of the machine was, until that is noted."""
    monkeypatch.setattr(fs, "boot_id", lambda: "first")
    for _ in range(2):
        with Journal(tmp_path) as journal:
            assert not journal.rebooted
    monkeypatch.setattr(fs, "boot_id", lambda: "second")
    for _ in range(2):
        with Journal(tmp_path) as journal:
            assert journal.rebooted
    with Journal(tmp_path) as journal:
        journal.note_boot()
        assert not journal.rebooted
    with Journal(tmp_path) as journal:
        assert not journal.rebooted


def test_where_the_start_of_the_machine_cannot_be_told_a_reboot_is_assumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then what was published is looked at."""
    monkeypatch.setattr(fs, "boot_id", lambda: "")
    with Journal(tmp_path) as journal:
        assert not journal.rebooted
    with Journal(tmp_path) as journal:
        assert journal.rebooted


def test_no_question_on_the_way_of_a_scan_goes_through_all_rows(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten million remembered scans do not slow a batch: every query finds its rows by an index."""
    asked: list[str] = []
    journal._db.set_trace_callback(asked.append)
    recorded = row(1)
    journal.record([recorded], {"x.png": 1})
    journal.published([1])
    journal.unsynced()
    journal.settle(journal.covered())
    journal.unfinished(with_published=True)
    journal.knows_kept(recorded.identity)
    journal.unrolled(5)
    journal.count_unrolled()
    journal.open_part(Part(journal.next_part(), "one"), 1)
    journal.part_published(Part(1, "one"))
    journal.unfinished_parts(with_published=True)
    journal.rows_of(Part(1, "one"))
    journal._db.set_trace_callback(None)
    queries = [query for query in asked if query.startswith(("SELECT", "UPDATE", "DELETE"))]
    assert len(queries) > 12
    for query in queries:
        plan = [step[3] for step in journal._db.execute(f"EXPLAIN QUERY PLAN {query}")]
        scanned = [step for step in plan if step.startswith(("SCAN scans", "SCAN parts")) and "INDEX" not in step]
        assert scanned == [], query
