"""Forgetting: what is old, but never what would then be read again."""

import sqlite3
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from delivery_rig import RECOGNISED, Rig
from digitd.maintenance import CHUNK_SECONDS, ROUND_SECONDS, Pruner


def forget(pruner: Pruner) -> None:
    """One whole round."""
    pruner.tick(pruner.next_due())
    while pruner._after:
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
        assert rig.journal._db.execute("SELECT count(*) FROM scans").fetchone() == (4,)
        monkeypatch.setattr("time.time", lambda: RECOGNISED + 101)
        forget(pruner)
        found = rig.journal._db.execute("SELECT path FROM scans").fetchall()
        assert (b"there.png",) in found
        assert not {(b"changed.png",), (b"gone.png",)} & set(found)
        assert [read.identity.path for read in rig.waiting() if read.identity.path == "there.png"] == []


def test_it_goes_on_soon_and_rests_when_it_is_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk at a time while there are more, then an hour of nothing; before its time it does nothing."""
    monkeypatch.setattr("digitd.journal.PRUNE_CHUNK", 1)
    rig = Rig(tmp_path)
    rig.drop("a.png")
    rig.live()
    with rig.open():
        pruner = Pruner(rig.journal, rig.inbox, keep=1.0)
        due = pruner.next_due()
        pruner.tick(due - 0.01)
        assert pruner.next_due() == due
        pruner.tick(due)
        assert pruner.next_due() == due + CHUNK_SECONDS
        pruner.tick(due + CHUNK_SECONDS)
        assert pruner.next_due() == due + CHUNK_SECONDS + ROUND_SECONDS


def test_a_journal_that_cannot_forget_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk even deleting fails: it is logged, and tried again in an hour."""
    rig = Rig(tmp_path)
    with rig.open(), capture_logs() as logs:
        pruner = Pruner(rig.journal, rig.inbox, keep=1.0)

        def refuse(*_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(rig.journal, "prune", refuse)
        due = pruner.next_due()
        pruner.tick(due)
        assert pruner.next_due() == due + ROUND_SECONDS
    assert [entry["event"] for entry in logs] == ["prune_failed"]
