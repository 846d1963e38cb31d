"""What systemd hears: READY=1 once the workers have loaded, how it goes, pings, and STOPPING=1."""

import os
import signal
import time
from itertools import pairwise

import psutil

from e2e import scans
from e2e.harness import Daemon, House, Manager, wait_for

# A file server that takes its time with each entry of an inbox.
SLOW_LISTINGS = """
import os, time
real = os.scandir
class Slow:
    def __init__(self, path): self.listing = real(path)
    def __enter__(self): return self
    def __exit__(self, *_): self.listing.close()
    def close(self): self.listing.close()
    def __iter__(self):
        for entry in self.listing:
            time.sleep(0.02)
            yield entry
    def __next__(self): return next(self.listing)
os.scandir = lambda path=".": Slow(path) if os.fspath(path).rstrip("/").endswith("inbox") else real(path)
"""


def test_the_whole_life(house: House, manager: Manager) -> None:
    """READY=1 comes once, after the workers have loaded; then a status, pings; and STOPPING=1 at the end."""
    with Daemon(house, NOTIFY_SOCKET=f"@{manager.name}", WATCHDOG_USEC="400000") as daemon:
        manager.wait("READY=1")
        # READY is the first thing that systemd hears.
        assert manager.heard[0] == "READY=1"
        for pid in daemon.workers():
            assert psutil.pid_exists(pid)
        manager.wait("WATCHDOG=1", 3)
        manager.wait("STATUS=")
        house.drop("a.png", scans.scan())
        manager.wait("STATUS=0 waiting, 0 in hand, 1 read since the start (1 accepted)")
        assert daemon.terminate() == 0
    assert [each for each in manager.listen() if each in ("READY=1", "STOPPING=1")] == ["READY=1", "STOPPING=1"]
    daemon.assert_only_events()


def test_no_watchdog_unless_asked_for(house: House, manager: Manager) -> None:
    """Without WATCHDOG_USEC, or with another process's WATCHDOG_PID, nothing pings."""
    with Daemon(
        house, NOTIFY_SOCKET=f"@{manager.name}", WATCHDOG_USEC="100000", WATCHDOG_PID=str(os.getpid())
    ) as daemon:
        manager.wait("READY=1")
        manager.wait("STATUS=")
        house.drop("a.png", scans.scan())
        daemon.wait_event("scan_published")
        assert daemon.terminate() == 0
    assert "WATCHDOG=1" not in manager.listen()
    daemon.assert_only_events()


def test_a_manager_that_is_away_is_no_matter(house: House) -> None:
    """A socket that nobody listens at costs nothing."""
    with Daemon(house, NOTIFY_SOCKET="@digitd-nobody", WATCHDOG_USEC="200000") as daemon:
        daemon.wait_ready()
        house.drop("a.png", scans.scan())
        house.result("a.png.json")
        assert daemon.terminate() == 0
    daemon.assert_only_events()


def test_no_pings_while_the_loop_stands_still(house: House, manager: Manager) -> None:
    """A daemon that does not go on is one that systemd must hear nothing of."""
    with Daemon(house, NOTIFY_SOCKET=f"@{manager.name}", WATCHDOG_USEC="200000") as daemon:
        manager.wait("WATCHDOG=1", 3)
        process = psutil.Process(daemon.process.pid)
        process.send_signal(signal.SIGSTOP)
        wait_for(lambda: process.status() == psutil.STATUS_STOPPED, "the daemon to stand still")
        before = manager.listen().count("WATCHDOG=1")
        until = time.monotonic() + 1.0
        wait_for(lambda: manager.listen() is None or time.monotonic() >= until, "ten pings' time")
        assert manager.listen().count("WATCHDOG=1") == before
        process.send_signal(signal.SIGCONT)
        manager.wait("WATCHDOG=1", before + 2)
        assert daemon.terminate() == 0
    daemon.assert_only_events()


def test_pings_come_during_a_long_listing(house: House, manager: Manager) -> None:
    """A rescan that takes longer than the watchdog waits is no reason for a restart: scans are read during it."""
    for number in range(200):
        (house.inbox / f"{number}.txt").touch()
    house.configure({"inbox": {"rescan": "1s"}})
    path = house.at_start(SLOW_LISTINGS)
    with Daemon(house, NOTIFY_SOCKET=f"@{manager.name}", WATCHDOG_USEC="1000000", PYTHONPATH=path) as daemon:
        manager.wait("READY=1")
        pings: list[float] = []

        def rescanned() -> bool:
            heard = manager.listen().count("WATCHDOG=1")
            pings.extend([time.monotonic()] * (heard - len(pings)))
            return len(daemon.named("rescanned")) >= 2

        wait_for(rescanned, "two rescans")
        assert all(event["ms"] > 2000 for event in daemon.named("rescanned"))
        assert max(later - earlier for earlier, later in pairwise(pings)) < 1.5
        before = len(daemon.named("rescanned"))
        house.drop("meanwhile.png", scans.scan(4))
        assert house.result("meanwhile.png.json")["text"] == "4"
        assert len(daemon.named("rescanned")) <= before + 1
        assert daemon.terminate() == 0
    daemon.assert_only_events()
