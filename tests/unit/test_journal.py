"""The journal: what it remembers, durably, and what it refuses to open."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from digitd import fs
from digitd.database import FILE_NAME
from digitd.errors import ExitCode, FolderError
from digitd.journal import Journal
from digitd.tables import PUBLISHED, RECORDED, SETTLED, SYNCING, UNCERTAIN, Identity, Part
from journal_rows import HOSTILE, row


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A new one."""
    with Journal(tmp_path) as made:
        yield made


def test_a_row_comes_back_as_it_was_recorded(journal: Journal) -> None:
    """Names that are no UTF-8 and numbers that SQLite could not hold as they are, too."""
    recorded = replace(row(1, HOSTILE), status="failed", reason="damaged")
    journal.record([recorded], {HOSTILE: 1})
    assert journal.unfinished() == [recorded]
    huge = replace(row(2), identity=Identity("x.png", 2**64 - 1, 5, 15 * 10**18))
    journal.record([huge], {})
    (_, back) = journal.unfinished()
    assert (fs.folded(2**64 - 1), fs.folded(15 * 10**18)) == (back.identity.inode, back.identity.mtime_ns)


def states(journal: Journal) -> list[int]:
    """The states of all rows."""
    return [state for (state,) in journal.db.execute("SELECT state FROM scans ORDER BY seq")]


def test_a_row_goes_from_recorded_to_published_to_settled(journal: Journal) -> None:
    """Recorded ones are unfinished; published ones wait for a sync, and once settled for nothing."""
    journal.record([row(1), row(2)], {})
    assert not journal.unsynced()
    journal.published([1])
    assert journal.unsynced()
    assert [found.seq for found in journal.unfinished()] == [2]
    journal.published([2])
    journal.begin_sync()
    assert journal.unsynced()
    journal.settle()
    assert journal.unfinished() == []
    assert not journal.unsynced()
    assert states(journal) == [SETTLED, SETTLED]


def test_one_row_that_is_stuck_keeps_no_other_from_settling(journal: Journal) -> None:
    """Those before and after it are done with; nothing is doubted of them after a reboot."""
    journal.record([row(1), row(2), row(3)], {})
    for number in (1, 2):
        journal.open_part(Part(number, str(number)), number)
    journal.part_published(Part(2, "2"))
    journal.published([1, 3])
    journal.begin_sync()
    journal.settle()
    assert states(journal) == [SETTLED, RECORDED, SETTLED]
    assert journal.unfinished_parts() == [Part(1, "1")]
    assert not journal.unsynced()


def test_a_sync_covers_nothing_that_is_published_while_it_lasts(journal: Journal) -> None:
    """Rows and parts published after its beginning wait for the next one."""
    journal.record([row(1), row(2)], {})
    for number in (1, 2):
        journal.open_part(Part(number, str(number)), number)
    journal.published([1])
    journal.part_published(Part(1, "1"))
    journal.begin_sync()
    journal.published([2])
    journal.part_published(Part(2, "2"))
    journal.settle()
    assert states(journal) == [SETTLED, PUBLISHED]
    assert journal.db.execute("SELECT state FROM parts ORDER BY part").fetchall() == [(SETTLED,), (PUBLISHED,)]
    assert journal.unsynced()


def test_a_sync_that_came_to_nothing_is_made_good_by_the_next(tmp_path: Path) -> None:
    """A crash during it, or an error, leaves its rows for the next round, also in another life."""
    with Journal(tmp_path) as journal:
        journal.record([row(1), row(2)], {})
        journal.published([1])
        journal.begin_sync()
    with Journal(tmp_path) as journal:
        assert states(journal) == [SYNCING, RECORDED]
        assert [found.seq for found in journal.unfinished()] == [2]
        assert journal.unsynced()
        journal.begin_sync()
        journal.settle()
        assert states(journal) == [SETTLED, RECORDED]


def test_after_a_reboot_what_was_not_settled_is_uncertain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row by row and part by part, and until each was done again, whatever becomes of the others."""
    with Journal(tmp_path) as journal:
        journal.record([row(number) for number in range(1, 5)], {})
        for number in range(1, 5):
            journal.open_part(Part(number, str(number)), number)
        for number in (1, 2):
            journal.published([number])
            journal.part_published(Part(number, str(number)))
            journal.begin_sync()
            if number == 1:
                journal.settle()
        journal.published([3])
        journal.part_published(Part(3, "3"))
    monkeypatch.setattr(fs, "boot_id", lambda: "another")
    for _ in range(2):
        with Journal(tmp_path) as journal:
            assert journal.rebooted
            # As long as it could not be noted: from the rows as they are.
            assert [(found.seq, found.uncertain) for found in journal.unfinished()] == [(2, True), (3, True), (4, True)]
            assert journal.unfinished_parts() == [Part(number, str(number), True) for number in (2, 3, 4)]
    with Journal(tmp_path) as journal:
        journal.note_boot()
    with Journal(tmp_path) as journal:
        assert not journal.rebooted
        two, three, four = journal.unfinished()
        assert (two.uncertain, three.uncertain, four.uncertain) == (True, True, True)
        assert journal.unfinished_parts() == [Part(number, str(number), True) for number in (2, 3, 4)]
        journal.certain(two)
        journal.published([three.seq])
        journal.part_published(Part(2, "2"))
        assert not two.uncertain
        journal.record([row(5)], {})
    with Journal(tmp_path) as journal:
        assert [(found.seq, found.uncertain) for found in journal.unfinished()] == [(2, False), (4, True), (5, False)]
        assert journal.unfinished_parts() == [Part(3, "3", True), Part(4, "4", True)]


def test_nothing_settles_before_a_reboot_was_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sync of this life says nothing of what the last one published; what this one published stays certain."""
    with Journal(tmp_path) as journal:
        journal.record([row(1)], {})
        journal.published([1])
    monkeypatch.setattr(fs, "boot_id", lambda: "another")
    with Journal(tmp_path) as journal:
        journal.record([row(2)], {})
        journal.published([2])
        journal.begin_sync()
        journal.settle()
        assert states(journal) == [UNCERTAIN, SETTLED]


def test_what_is_recorded_is_there_after_a_kill(tmp_path: Path) -> None:
    """Reopening finds the rows, the counters, and the numbers that come next."""
    with Journal(tmp_path) as journal:
        journal.record([row(1), row(2)], {"x.png": 2})
        journal.open_part(Part(1, "results-1"), 1)
    with Journal(tmp_path) as journal:
        assert [found.seq for found in journal.unfinished()] == [1, 2]
        assert (journal.next_seq(), journal.next_part(), journal.last_number("x.png")) == (3, 2, 2)
        assert journal.unfinished_parts() == [Part(1, "results-1")]
        assert [found.seq for found in journal.rows_of(Part(1, "results-1"))] == [1]
        assert [found.seq for found in journal.unrolled(10)] == [2]


def test_a_transaction_that_fails_leaves_nothing(journal: Journal) -> None:
    """One row that cannot be written takes its batch with it, names and all; the next batch is none the worse."""
    journal.record([row(1)], {})
    with pytest.raises(sqlite3.IntegrityError):
        journal.record([row(2), row(1)], {"x.png": 7})
    assert [found.seq for found in journal.unfinished()] == [1]
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
    assert [found.seq for found in journal.unfinished()] == [1]


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
    assert journal.unfinished()[0].published_as == "x.png~2.json"
    assert journal.last_number("x.png") == 2


def test_the_target_of_a_copy_is_remembered(journal: Journal) -> None:
    """A restart finds where a source was being copied to."""
    recorded = row(1)
    journal.record([recorded], {})
    journal.plan_filing(recorded, f"/archive/{HOSTILE}")
    assert journal.unfinished()[0].filed_as == f"/archive/{HOSTILE}"


def test_kept_scans_are_known_by_all_of_their_identity(journal: Journal) -> None:
    """Another path, inode, size or time is another scan, and only kept ones are known."""
    kept = replace(row(1, HOSTILE, kept=True), identity=Identity(HOSTILE, 2**63 + 1, 5, 10))
    journal.record([kept, row(2, "y.png")], {})
    assert journal.knows_kept(kept.identity)
    for change in ({"path": "x"}, {"inode": 1}, {"size": 6}, {"mtime_ns": 11}):
        assert not journal.knows_kept(replace(kept.identity, **change))
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


def test_a_renamed_part_is_found_under_its_new_name(journal: Journal) -> None:
    """A restart publishes it under the name it was given last."""
    journal.record([row(1)], {})
    journal.open_part(Part(1, "one"), 1)
    assert journal.rename_part(Part(1, "one"), "one~2") == Part(1, "one~2")
    assert journal.unfinished_parts() == [Part(1, "one~2")]


def test_the_identities_of_results_are_found(journal: Journal) -> None:
    """Of those that are remembered; names that are no UTF-8 come back as they were."""
    recorded = row(1, HOSTILE)
    journal.record([recorded, row(2)], {})
    assert journal.identities(["id-1", "unheard of"]) == {"id-1": recorded.identity}


def test_a_newer_journal_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """An older digitd does not touch what it does not understand."""
    with Journal(tmp_path) as journal:
        journal.db.execute("PRAGMA user_version = 99")
    with pytest.raises(FolderError, match="version 99") as caught:
        Journal(tmp_path)
    assert caught.value.exit_code is ExitCode.FOLDERS
    assert sqlite3.connect(tmp_path / FILE_NAME).execute("PRAGMA user_version").fetchone() == (99,)


@pytest.mark.parametrize("content", [b"this is no database" * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_journal_is_an_error_with_a_remedy(tmp_path: Path, content: bytes) -> None:
    """The file is named, and not overwritten."""
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(FolderError, match="sets the file aside"):
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
    journal.db.set_trace_callback(asked.append)
    recorded = row(1)
    journal.record([recorded], {"x.png": 1})
    journal.published([1])
    journal.unsynced()
    journal.rebooted = True
    journal.begin_sync()
    journal.settle()
    journal.unfinished()
    journal.certain(recorded)
    journal.knows_kept(recorded.identity)
    journal.unrolled(5)
    journal.count_unrolled()
    journal.open_part(Part(journal.next_part(), "one"), 1)
    journal.part_published(Part(1, "one"))
    journal.unfinished_parts()
    journal.rows_of(Part(1, "one"))
    journal.db.set_trace_callback(None)
    queries = [query for query in asked if query.startswith(("SELECT", "UPDATE", "DELETE"))]
    assert len(queries) > 12
    for query in queries:
        plan = [step[3] for step in journal.db.execute(f"EXPLAIN QUERY PLAN {query}")]
        scanned = [step for step in plan if step.startswith(("SCAN scans", "SCAN parts")) and "INDEX" not in step]
        assert scanned == [], query
