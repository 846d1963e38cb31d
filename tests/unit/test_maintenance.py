"""Forgetting: what is old, but never what would then be read again."""

import sqlite3
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from delivery_rig import RECOGNISED, Rig
from digitd import forgetting
from digitd.maintenance import CHUNK_SECONDS, ROUND_SECONDS, Pruner

DAY = 86400.0


def forget(pruner: Pruner) -> None:
    """One whole round."""
    pruner.tick(pruner.next_due())
    while not pruner.resting:
        pruner.tick(pruner.next_due())


def test_a_kept_scan_is_remembered_while_its_file_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be read again otherwise; once it is gone or another, it is forgotten."""
    rig = Rig(tmp_path, sources="keep")
    for path in ("there.png", "changed.png", "gone.png", "sub/gone.png"):
        rig.drop(path)
    with rig.open() as delivery:
        delivery.recover()
        delivery.deliver(rig.waiting())
        delivery.close()
        (rig.inbox / "gone.png").unlink()
        (rig.inbox / "sub/gone.png").unlink()
        (rig.inbox / "sub").rmdir()
        (rig.inbox / "sub").touch()
        (rig.inbox / "changed.png").write_bytes(b"longer than before")
        pruner = Pruner(rig.journal, rig.inbox, keep=100.0)
        monkeypatch.setattr("time.time", lambda: RECOGNISED + 99)
        forget(pruner)
        assert rig.journal.db.execute("SELECT count(*) FROM scans").fetchone() == (4,)
        monkeypatch.setattr("time.time", lambda: RECOGNISED + 101)
        forget(pruner)
        found = rig.journal.db.execute("SELECT path FROM scans").fetchall()
        assert (b"there.png",) in found
        assert not {(b"changed.png",), (b"gone.png",)} & set(found)
        assert [read.identity.path for read in rig.waiting() if read.identity.path == "there.png"] == []


def test_it_goes_on_soon_and_rests_when_it_is_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk at a time while there are more, then an hour of nothing; before its time it does nothing."""
    monkeypatch.setattr("digitd.forgetting.PRUNE_CHUNK", 1)
    rig = Rig(tmp_path)
    rig.drop("a.png")
    rig.live()
    with rig.open():
        pruner = Pruner(rig.journal, rig.inbox, keep=DAY)
        due = pruner.next_due()
        pruner.tick(due - 0.01)
        assert pruner.next_due() == due
        while not pruner.resting or due == pruner.next_due():
            due = pruner.next_due()
            pruner.tick(due)
            assert pruner.next_due() == due + (ROUND_SECONDS if pruner.resting else CHUNK_SECONDS)
        assert rig.journal.db.execute("SELECT count(*) FROM scans").fetchone() == (0,)


def test_where_little_is_kept_rounds_come_sooner(tmp_path: Path) -> None:
    """What is remembered grows by a tenth at most between two rounds."""
    rig = Rig(tmp_path)
    with rig.open():
        pruner = Pruner(rig.journal, rig.inbox, keep=600.0)
        due = pruner.next_due()
        pruner.tick(due)
        assert pruner.resting
        assert pruner.next_due() == due + 60.0


def test_names_that_are_long_unused_are_free_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name in use is remembered for `keep` from its last use; the journal does not grow by names for ever."""
    monkeypatch.setattr("digitd.forgetting.NAMES_CHUNK", 1)
    rig = Rig(tmp_path)
    with rig.open() as delivery:
        for number, path in enumerate(("old.png", "b\udcff.png", "new.png")):
            rig.drop(path)
            with monkeypatch.context() as patched:
                patched.setattr("time.time", lambda number=number: RECOGNISED + number * 1000)
                delivery.deliver(rig.waiting())
        monkeypatch.setattr("time.time", lambda: RECOGNISED + 2500)
        forget(Pruner(rig.journal, rig.inbox, keep=1000.0))
        assert [rig.journal.last_number(name) for name in ("old.png", "b\udcff.png", "new.png")] == [0, 0, 1]
        delivery.close()


def test_names_that_keep_coming_do_not_keep_a_round_going(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scanner that counts up gives a new last name at every look."""
    monkeypatch.setattr("digitd.forgetting.NAMES_CHUNK", 3)
    rig = Rig(tmp_path)
    with rig.open() as delivery:
        pruner = Pruner(rig.journal, rig.inbox, keep=50_000 * DAY)
        for number in range(50):
            rig.drop(f"{number:03}.png")
            delivery.deliver(rig.waiting())
            pruner.tick(pruner.next_due())
            if number > 3 and pruner.resting:
                break
        else:
            pytest.fail("the round does not end")
        delivery.close()


def test_the_file_shrinks_when_much_was_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Free pages go back to the disk, some at a time; a few stay for what comes next."""
    monkeypatch.setattr("digitd.forgetting.SPARE_PAGES", 10)
    monkeypatch.setattr("digitd.forgetting.VACUUM_PAGES", 20)
    rig = Rig(tmp_path)
    with rig.open() as delivery:
        for number in range(300):
            rig.drop(f"{number}.png")
        delivery.deliver(rig.waiting())
        delivery.close()
        rig.journal.begin_sync()
        rig.journal.settle()

        def pages(what: str) -> int:
            return int(rig.journal.db.execute(f"PRAGMA {what}").fetchone()[0])

        before = pages("page_count")
        forget(Pruner(rig.journal, rig.inbox, keep=1.0))
        assert pages("page_count") < before / 2
        assert pages("freelist_count") <= 10


def test_a_journal_that_cannot_forget_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk even deleting fails: it is logged, and tried again in an hour."""
    rig = Rig(tmp_path)
    with rig.open(), capture_logs() as logs:
        pruner = Pruner(rig.journal, rig.inbox, keep=DAY)

        def refuse(*_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(forgetting, "prune", refuse)
        due = pruner.next_due()
        pruner.tick(due)
        assert pruner.next_due() == due + ROUND_SECONDS
    assert [entry["event"] for entry in logs] == ["prune_failed"]
