"""What systemd hears: READY=1 once the workers have loaded, how it goes, pings, and STOPPING=1."""

import os

import psutil

from e2e import scans
from e2e.harness import Daemon, House, Manager


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
