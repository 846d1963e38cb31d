"""A disk that does not get done with writing: digitd ends all the same, and forgets nothing of it."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from delivery_rig import Rig
from digitd import fs
from digitd.delivery import Delivery

SHORT, LONG = 0.05, 60.0
HANGS = """
import sys, threading, time
from delivery_rig import Rig
from digitd import fs
from pathlib import Path

fs.syncfs = lambda folder: threading.Event().wait()
rig = Rig(Path(sys.argv[1]))
with rig.open() as delivery:
    delivery.recover()
    rig.drop("a.png")
    delivery.deliver([rig.read("a.png")])
    delivery.close(time.monotonic())
    delivery._syncer._start()
    delivery._syncer._round = None
"""


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """Folders, and nothing in them."""
    return Rig(tmp_path)


@pytest.fixture
def dead_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A disk on which no sync comes to an end until this is set."""
    alive = threading.Event()
    monkeypatch.setattr(fs, "syncfs", lambda folder: alive.wait())
    yield alive
    alive.set()


def published(rig: Rig, delivery: Delivery) -> None:
    """A scan has its result, and nothing of it is durable."""
    delivery.recover()
    rig.drop("a.png")
    delivery.deliver([rig.read("a.png")])


@pytest.mark.parametrize("under_way", [False, True], ids=["the last sync", "one that was under way"])
def test_a_sync_that_hangs_does_not_keep_digitd_from_ending(
    rig: Rig, dead_disk: threading.Event, under_way: bool
) -> None:
    """At the end a sync is waited for as long as was said; what it was to cover the next start syncs."""
    with rig.open() as delivery, capture_logs() as logs:
        published(rig, delivery)
        if under_way:
            delivery.tick(delivery._syncer.next_due())
        delivery.close(time.monotonic() + SHORT)
        assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["not_durable_yet"]
        assert rig.journal.unsynced()
        assert set(rig.files("*.json")) == {"a.png.json"}
        dead_disk.set()
    rig.live()
    with rig.open():
        assert not rig.journal.unsynced()
    rig.check_exactly_once()


def test_a_sync_that_only_takes_its_time_is_waited_for(rig: Rig, dead_disk: threading.Event) -> None:
    """Within the time that is given for it everything becomes durable, also what a round under way did not cover."""
    with rig.open() as delivery, capture_logs() as logs:
        published(rig, delivery)
        delivery.tick(delivery._syncer.next_due())
        rig.drop("late.png")
        delivery.deliver([rig.read("late.png")])
        threading.Timer(SHORT, dead_disk.set).start()
        delivery.close(time.monotonic() + LONG)
        assert not [entry for entry in logs if entry["log_level"] == "warning"]
        assert not rig.journal.unsynced()


def test_no_process_waits_for_a_thread_that_hangs_in_a_sync(tmp_path: Path) -> None:
    """Python joins its threads at the end, but not the one that may be stuck in the disk."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    command = [sys.executable, "-c", HANGS, os.fspath(tmp_path)]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, timeout=LONG, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
