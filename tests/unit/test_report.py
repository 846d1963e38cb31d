"""What `digitd status` tells, from the journal, the lock and the inbox."""

import os
import time
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from delivery_rig import Rig
from digitd.errors import FolderError
from digitd.lock import Lock
from digitd.report import report
from digitd.results import Status
from digitd.settings import Inbox, Outbox, Settings, Sources, State


def settings_of(rig: Rig) -> Settings:
    """The configuration of a rig."""
    return Settings(
        inbox=Inbox(path=rig.inbox),
        outbox=Outbox(path=rig.outbox),
        state=State(path=rig.state),
        sources=Sources(**rig.targets()),
    )


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """A rig at noon of a day on which six scans were read, two of them yesterday."""
    # A URI must quote what is in this name.
    rig = Rig(tmp_path / os.fsdecode(b"a ?#%\xff"))
    noon = time.mktime((2026, 6, 15, 12, 0, 0, 0, 0, -1))
    monkeypatch.setattr("time.time", lambda: noon)

    class Noon:
        """A clock that stands still."""

        @staticmethod
        def now() -> object:
            """Noon."""
            return datetime.fromtimestamp(noon)

    monkeypatch.setattr("digitd.report.datetime", Noon)
    moments = [
        (noon - 86400, Status.FAILED),
        (noon - 86000, Status.ACCEPTED),
        (noon - 3600, Status.ACCEPTED),
        (noon - 1800, Status.FAILED),
        (noon - 30, Status.REVIEW),
        (noon - 10, Status.ACCEPTED),
    ]
    with rig.open() as delivery:
        for number, (moment, status) in enumerate(moments):
            rig.drop(f"{number}.png")
            read = rig.read(f"{number}.png", status)
            delivery.deliver([type(read)(read.identity, read.sha256, read.outcome, moment, moment)])
        delivery.close()
    return rig


def test_it_counts_today_and_the_last_minute(rig: Rig) -> None:
    """By status since midnight, a rate over a minute, and the last failures of today with their reasons."""
    rig.base.joinpath("inbox/waiting.png").write_bytes(b"x")
    told = report(settings_of(rig))
    assert told.read_today == 4
    assert told.by_status == {"accepted": 2, "review": 1, "blank": 0, "failed": 1}
    assert told.scans_per_second == 0.03
    assert [(failure.scan, failure.code) for failure in told.failures] == [("3.png", "not_an_image")]
    assert (told.waiting, told.unpublished, told.running) == (1, 0, False)
    assert told.last_read is not None
    assert told.last_read.startswith("2026-06-15T")
    msgspec.json.encode(told)


def test_it_tells_which_process_runs(rig: Rig) -> None:
    """While the lock is held, and no longer."""
    with Lock(rig.state):
        told = report(settings_of(rig))
        assert told.running
        assert told.pid
        assert told.since
    assert not report(settings_of(rig)).running


def test_it_works_while_the_journal_is_open_and_writes_nothing(rig: Rig) -> None:
    """The daemon is not disturbed."""
    with rig.open():
        before = sorted(path.name for path in rig.state.iterdir())
        assert report(settings_of(rig)).read_today == 4
        assert sorted(path.name for path in rig.state.iterdir()) == before


def test_without_a_journal_it_tells_of_nothing_read(tmp_path: Path) -> None:
    """A digitd that never ran has a status too, and an inbox that is not there cannot be counted."""
    rig = Rig(tmp_path)
    told = report(settings_of(rig))
    assert (told.read_today, told.last_read, told.waiting, told.running) == (0, None, 0, False)
    rig.inbox.rmdir()
    assert report(settings_of(rig)).waiting is None
    assert list(rig.state.iterdir()) == []


def test_a_journal_that_cannot_be_read_is_an_error_of_folders(tmp_path: Path) -> None:
    """With its name and a remedy."""
    rig = Rig(tmp_path)
    (rig.state / "journal.sqlite3").write_bytes(b"no database" * 1000)
    with pytest.raises(FolderError, match=r"journal.*sqlite3 cannot be used"):
        report(settings_of(rig))


def test_kept_scans_do_not_wait(tmp_path: Path) -> None:
    """Those that were read and stay are not counted; changed ones are."""
    rig = Rig(tmp_path, sources="keep")
    rig.drop("a.png")
    rig.drop("b.png")
    rig.live()
    assert report(settings_of(rig)).waiting == 0
    rig.drop("a.png", b"changed since")
    assert report(settings_of(rig)).waiting == 1


def test_kept_scans_do_not_wait_when_sources_move_from_now_on(tmp_path: Path) -> None:
    """The daemon does not read them again, so they are not counted either."""
    rig = Rig(tmp_path, sources="keep")
    rig.drop("a.png")
    rig.live()
    settings = settings_of(rig)
    moving = settings.model_copy(update={"sources": Sources(accepted=str(tmp_path / "archive"))})
    assert report(moving).waiting == 0
