"""Verdicts while no daemon runs: delivered all the same, and never by two at once."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from delivery_rig import Rig, workplace
from desk_rig import fill, settings_of
from digitd import alone
from digitd.alone import Alone
from digitd.errors import AlreadyRunningError
from digitd.lock import Lock, holder_of
from digitd.marks import MARK_NAME
from digitd.results import Status
from digitd.review.desk import Answer, Desk
from digitd.settings import Settings

RIGHT = Answer(texts=("12",))


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder in memory."""
    with workplace() as folder:
        yield folder


@pytest.fixture
def rig(base: Path) -> Rig:
    """Two scans that wait for review, and no daemon."""
    made = Rig(base)
    fill(made, "1.png", "2.png")
    return made


@pytest.fixture
def settings(rig: Rig) -> Settings:
    """Verdicts are due at once, and gather for no time."""
    chosen = settings_of(rig, undo=0)
    return chosen.model_copy(update={"outbox": chosen.outbox.model_copy(update={"every": 1e-6})})


def verified(rig: Rig) -> int:
    """How many verified results there are."""
    return sum(result.status is Status.VERIFIED for result in rig.json_results())


def decide(desk: Desk) -> None:
    """Verify the next one."""
    [item] = desk.next("anna")
    desk.decide("anna", item.key, RIGHT)


def test_what_people_said_is_published_without_a_daemon(rig: Rig, settings: Settings) -> None:
    """With its CSV, and the source filed; nothing is left locked or marked."""
    with Desk(settings) as desk:
        decide(desk)
        assert Alone(settings, desk.next_due).tick() == 1
        assert verified(rig) == 1
        assert [row["status"] for row in rig.csv_rows()] == ["review", "review", "verified"]
        assert (rig.archive / "verified" / "1.png").exists()
        decide(desk)
        assert Alone(settings, desk.next_due).close() == 1
        assert verified(rig) == 2
        assert Alone(settings, desk.next_due).tick() == 0
    with Lock(rig.state):
        pass
    assert list(rig.base.rglob(MARK_NAME)) == []


def test_verdicts_gather_so_that_not_each_is_a_file_of_its_own(rig: Rig) -> None:
    """For as long as rows gather beside a daemon; at the end they are delivered at once."""
    settings = settings_of(rig, undo=0)
    with Desk(settings) as desk:
        decide(desk)
        waits = Alone(settings, desk.next_due)
        assert waits.tick() == 0
        decide(desk)
        assert waits.close() == 2
    assert len(rig.files("*.csv")) == 2


def test_beside_a_daemon_it_does_nothing(rig: Rig, settings: Settings) -> None:
    """The daemon delivers."""
    with Desk(settings) as desk, Lock(rig.state):
        decide(desk)
        with capture_logs() as logs:
            assert Alone(settings, desk.next_due).close() == 0
        assert logs == []
        with pytest.raises(AlreadyRunningError):
            alone.deliver(settings)
    assert verified(rig) == 0


def test_a_daemon_that_starts_meanwhile_waits_for_the_moment(rig: Rig) -> None:
    """And nobody takes that moment for a daemon."""
    taken = threading.Event()

    def daemon() -> None:
        with Lock(rig.state):
            taken.set()

    with Lock(rig.state, passing=True):
        starting = threading.Thread(target=daemon)
        starting.start()
        assert holder_of(rig.state) is None
        with pytest.raises(AlreadyRunningError), Lock(rig.state, passing=True):
            pass
        assert not taken.wait(0.5)
    starting.join()
    assert taken.is_set()


def test_what_a_daemon_that_died_left_is_finished_first(rig: Rig, settings: Settings) -> None:
    """It is a start like every other."""
    rig.drop("3.png", b"read, and not filed")
    with rig.open() as delivery:
        rig.journal.record([delivery._row(rig.journal.next_seq(), rig.read("3.png", Status.BLANK))], {})
    with Desk(settings) as desk:
        decide(desk)
        assert Alone(settings, desk.next_due).tick() == 1
    assert (rig.archive / "blank" / "3.png").exists()


def test_what_cannot_be_delivered_is_said_once_and_kept(rig: Rig, settings: Settings) -> None:
    """A folder that is missing; when it is back, all goes on."""
    with Desk(settings) as desk:
        decide(desk)
        waits = Alone(settings, desk.next_due)
        rig.outbox.rename(rig.base / "away")
        with capture_logs() as logs:
            assert waits.close() == waits.close() == 0
        [event] = logs
        assert event["event"] == "verdicts_not_delivered"
        assert waits.troubled
        (rig.base / "away").rename(rig.outbox)
        assert waits.close() == 1
        assert not waits.troubled
    assert verified(rig) == 1


def test_killed_in_the_midst_another_one_delivers(rig: Rig, settings: Settings) -> None:
    """The process that holds the lock dies by SIGKILL when the result is recorded: it is published once."""
    script = f"""
import os, signal, sys
from digitd import alone, failpoints
from digitd.failpoints import Point
from digitd.settings import *
chosen = Settings.model_validate_json({settings.model_dump_json(by_alias=True)!r})
failpoints.arm(Point.RECORDED)
alone.deliver(chosen)
"""
    with Desk(settings) as desk:
        decide(desk)
        done = subprocess.run([sys.executable, "-c", script], env={**os.environ}, check=False, timeout=60)
        assert done.returncode == -9
        assert verified(rig) == 0
        decide(desk)
        assert Alone(settings, desk.next_due).close() == 1
    assert verified(rig) == 2
