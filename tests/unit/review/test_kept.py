"""What people have still to verify outlasts forgetting, and a damaged journal; so does what they said."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from delivery_rig import Rig, workplace
from desk_rig import fill, settings_of
from digitd import history, rebuild
from digitd.database import FILE_NAME, reading
from digitd.maintenance import Pruner
from digitd.results import Status
from digitd.review.desk import Answer, Desk, Kind
from digitd.verifying import Verifier

RIGHT = Answer(texts=("12",))
YEARS = 100 * 365 * 86400.0


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A rig in memory."""
    with workplace() as base:
        yield Rig(base)


def forget(rig: Rig, waiting: float, kinds: tuple[str, ...] = ("review",)) -> None:
    """A round of forgetting all that is old, but for what waits and is younger than WAITING seconds."""
    with rig.open() as delivery:
        delivery.recover()
        delivery.close()
        pruner = Pruner(rig.journal, rig.inbox, 1.0, waiting, kinds)
        pruner.tick(pruner.next_due())
        while not pruner.resting:
            pruner.tick(pruner.next_due())


def shown(rig: Rig, failed: bool = False) -> list[str]:
    """What a desk would show, by path."""
    with Desk(settings_of(rig, failed=failed)) as desk:
        return [item.result.source.path for item in desk.next("anna", count=99)]


def remembered(rig: Rig) -> set[str]:
    """What is in the journal, by path."""
    with closing(sqlite3.connect(rig.state / FILE_NAME)) as db:
        return {os.fsdecode(path) for (path,) in db.execute("SELECT path FROM scans")}


def aged(rig: Rig) -> None:
    """Everything was read long ago."""
    with closing(sqlite3.connect(rig.state / FILE_NAME)) as db, db:
        db.execute("UPDATE scans SET recognised = ?, state = 2", (time.time() - 1000,))


def test_what_waits_for_review_is_remembered_for_longer(rig: Rig) -> None:
    """For `review.keep`; failed scans only where they are shown. Accepted ones are forgotten, sampled or not."""
    for status in (Status.REVIEW, Status.FAILED, Status.ACCEPTED):
        fill(rig, f"{status}.png", status=status)
    aged(rig)
    forget(rig, waiting=2000, kinds=("review", "failed"))
    assert remembered(rig) == {"review.png", "failed.png"}
    forget(rig, waiting=2000)
    assert remembered(rig) == {"review.png"} == set(shown(rig))
    forget(rig, waiting=500)
    assert remembered(rig) == set()
    with closing(sqlite3.connect(rig.state / FILE_NAME)) as db:
        assert db.execute("SELECT count(*) FROM waiting").fetchone() == (0,)


def test_once_it_is_verified_it_is_forgotten_as_all_else(rig: Rig) -> None:
    """With what was noted of its review."""
    fill(rig, "a.png")
    with Desk(settings_of(rig, undo=0)) as desk:
        desk.decide("anna", desk.next("anna")[0].key, RIGHT)
    with rig.open() as delivery:
        Verifier(rig.journal, delivery).deliver_all()
        delivery.close()
    aged(rig)
    forget(rig, waiting=YEARS)
    assert remembered(rig) == set()
    with closing(sqlite3.connect(rig.state / FILE_NAME)) as db:
        for table in ("waiting", "leases", "verdicts", "reviews"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_a_scan_that_somebody_spoke_of_is_not_forgotten_before_that_is_published(rig: Rig) -> None:
    """However old it is."""
    fill(rig, "a.png")
    with Desk(settings_of(rig, undo=60)) as desk:
        desk.decide("anna", desk.next("anna")[0].key, RIGHT)
        aged(rig)
        forget(rig, waiting=1)
        assert remembered(rig) == {"a.png"}
        assert desk.counts().pending == 1


def test_old_rows_that_wait_do_not_disturb_the_counts(rig: Rig) -> None:
    """Between them and the next row others were forgotten: those are not counted as read today."""
    fill(rig, "old.png")
    fill(rig, *(f"{number}.png" for number in range(50)), status=Status.ACCEPTED)
    aged(rig)
    forget(rig, waiting=YEARS)
    with rig.open() as delivery:
        row = rig.journal.row(1)
        assert row is not None
        rig.drop("new.png")
        read = rig.read("new.png", Status.ACCEPTED)
        object.__setattr__(read, "recognised", time.time())
        delivery.deliver([read])
    with reading(rig.state) as journal:
        assert journal is not None
        assert history.count_since(journal, time.time() - 500) == 1


def damaged(rig: Rig) -> None:
    """A page of an index is zeros: the journal counts as damaged, and its tables can be read."""
    file = rig.state / FILE_NAME
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [(page,)] = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'reviews_who'")
        [(size,)] = db.execute("PRAGMA page_size")
    with file.open("r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(bytes(size))
    assert rebuild.damage(file) is not None


def rebuilt(rig: Rig) -> None:
    """As a daemon starts: build it anew, recover, deliver."""
    rebuild.opened(rig.state, rig.inbox, rig.outbox, rig.files_into()).close()
    with rig.open() as delivery:
        delivery.recover()
        Verifier(rig.journal, delivery).deliver_all()
        delivery.close()


@pytest.mark.parametrize("sources", ["move", "keep"])
def test_a_damaged_journal_keeps_what_waits_and_what_was_said(rig: Rig, sources: str) -> None:
    """What waited still does, what was verified does not again, and a verdict is delivered, once."""
    rig.sources = sources
    fill(rig, "a.png", "b.png", "c.png")
    fill(rig, "d.png", status=Status.ACCEPTED)
    with Desk(settings_of(rig, undo=0)) as desk:
        desk.decide("anna", desk.next("anna")[0].key, RIGHT)
        with rig.open() as delivery:
            Verifier(rig.journal, delivery).deliver_all()
            delivery.close()
        desk.decide("anna", desk.next("anna")[0].key, Answer(Kind.UNREADABLE))
    aged_out = rig.state / FILE_NAME
    with closing(sqlite3.connect(aged_out)) as db, db:
        db.execute("UPDATE scans SET state = 2")
    damaged(rig)
    rebuilt(rig)
    assert shown(rig) == ["c.png"]
    found = sorted((result.source.path, result.text) for result in rig.json_results() if result.supersedes)
    assert found == [("a.png", "12"), ("b.png", "")]
    if sources == "move":
        assert sorted(path.name for path in (rig.archive / "verified").iterdir()) == ["a.png", "b.png"]
