"""What `digitd status` tells, from the journal, the lock and the inbox."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from delivery_rig import Rig, workplace
from digitd import results
from digitd.errors import FolderError
from digitd.health import Verdict
from digitd.lock import Lock
from digitd.migrate import VERSION
from digitd.report import Workers, health, report
from digitd.results import Status
from digitd.settings import Inbox, ModelChoice, Outbox, Settings, Sources, State
from digitd.waiting import Waiting

NOBODY = 65534


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
            delivery.deliver([type(read)(read.identity, read.sha256, read.outcome, moment, moment, read.model)])
        delivery.close()
    return rig


def test_it_counts_today_and_the_last_minute(rig: Rig) -> None:
    """By status since midnight, a rate over a minute, and the last failures of today with their reasons."""
    rig.base.joinpath("inbox/waiting.png").write_bytes(b"x")
    told = report(settings_of(rig))
    assert told.read_today == 4
    assert told.by_status == {"accepted": 2, "review": 1, "blank": 0, "failed": 1, "verified": 0}
    assert told.scans_per_second == 0.03
    assert (told.rates.minute, told.rates.hour) == (round(2 / 60, 4), round(4 / 3600, 4))
    assert told.latency is not None
    assert (told.latency.scans, told.latency.p99) == (6, 0.0)
    assert [(failure.scan, failure.code) for failure in told.failures] == [("3.png", "not_an_image")]
    assert (told.waiting, told.unpublished, told.running) == (1, 0, False)
    assert told.last_read is not None
    assert told.last_read.startswith("2026-06-15T")
    assert told.room.keys() == {"inbox", "outbox", "archive", "state"}
    assert told.bundle is not None
    assert told.bundle.engine == "litert"
    assert (told.versions.results, told.versions.journal) == (results.SCHEMA, VERSION)
    msgspec.json.encode(told)


def test_it_tells_which_process_runs(rig: Rig) -> None:
    """While the lock is held, and no longer."""
    with Lock(rig.state) as lock:
        told = report(settings_of(rig))
        assert told.running
        assert told.pid
        assert told.since
        assert told.verdict is Verdict.STARTING
        lock.tell(None, 1, 2)
        told = report(settings_of(rig))
        assert (told.verdict, told.workers) == (Verdict.HEALTHY, Workers(1, 2))
        assert told.healthy
        lock.tell("No space left on device", 2, 2)
        assert health(settings_of(rig)).verdict is Verdict.DELIVERY_PAUSED
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


def test_a_health_check_looks_through_the_inbox_only_where_it_has_to(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told all the same where the inbox cannot be listed."""
    looks: list[Settings] = []

    def look(settings: Settings, _: object) -> Waiting:
        looks.append(settings)
        return Waiting(1, False, time.time() - 100)

    monkeypatch.setattr("digitd.report.waiting", look)
    settings = settings_of(rig)
    with Lock(rig.state) as lock:
        lock.tell(None, 2, 2)
        assert health(settings).verdict is Verdict.HEALTHY
        assert looks == []
        assert health(settings, 99.0).verdict is Verdict.WAITS_TOO_LONG
        assert len(looks) == 1
        away = settings.model_copy(update={"inbox": Inbox(path=rig.inbox / "away")})
        assert health(away).verdict is Verdict.INBOX_UNLISTED


def test_a_bundle_that_cannot_be_used_is_none(tmp_path: Path) -> None:
    """The rest is told all the same."""
    rig = Rig(tmp_path)
    settings = settings_of(rig).model_copy(update={"model": ModelChoice(bundle=tmp_path / "away")})
    assert report(settings).bundle is None


@contextmanager
def another_user() -> Iterator[None]:
    """Be nobody."""
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


@pytest.fixture
def open_rig() -> Iterator[Rig]:
    """A rig whose folders everybody may look into."""
    with workplace() as folder:
        folder.chmod(0o755)
        rig = Rig(folder)
        rig.drop("a.png")
        rig.live()
        yield rig


@needs_root
def test_another_user_who_may_read_is_told_all_and_leaves_nothing(open_rig: Rig) -> None:
    """While the daemon runs, when it was killed and when it was stopped: nobody needs the right to write."""
    settings = settings_of(open_rig)
    with open_rig.open():
        with another_user():
            assert report(settings).read_today == report(settings).by_status["accepted"]
        shutil.copytree(open_rig.state, open_rig.base / "killed")
    before = sorted(path.name for path in open_rig.state.iterdir())
    with another_user():
        assert report(settings).last_read is not None
    assert sorted(path.name for path in open_rig.state.iterdir()) == before
    killed = settings.model_copy(update={"state": State(path=open_rig.base / "killed")})
    assert (open_rig.base / "killed" / "journal.sqlite3-wal").exists()
    with another_user():
        assert report(killed).last_read is not None


@needs_root
@pytest.mark.parametrize("closed", ["state", "state/journal.sqlite3"])
def test_another_user_who_may_not_read_is_told_why_and_what_to_do(open_rig: Rig, closed: str) -> None:
    """One sentence: what cannot be read, and as whom to try."""
    settings = settings_of(open_rig)
    (open_rig.base / closed).chmod(0o700 if closed == "state" else 0o600)
    with another_user(), pytest.raises(FolderError, match="cannot be read by this user") as caught:
        report(settings)
    assert "Run it as the user that digitd runs as" in caught.value.remedy
    with another_user(), pytest.raises(FolderError, match="cannot be read by this user"):
        health(settings)


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
