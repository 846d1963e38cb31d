"""A disk that is truly full, to its last page: a small file system of its own."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e import scans
from e2e.harness import STATUSES, Daemon, House, Manager, wait_for

SCANS = 40


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(place)], check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting a file system takes root")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(ballast: Path) -> None:
    """Leave no room."""
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


@pytest.mark.parametrize("where", ["outbox", "archive", "state"])
def test_a_full_disk(house: House, disk: Path, where: str) -> None:
    """While it is full digitd waits, and says so once: in the log, to systemd, in `digitd status` and in the metrics.
    Once there is room it goes on by itself, and every scan has exactly one result."""
    place = disk / where
    place.mkdir()
    setattr(house, where, place)
    house.configure(
        {
            "outbox": {"path": str(house.outbox), "every": "200ms"},
            "state": {"path": str(house.state)},
            "sources": {status: str(house.archive / status) for status in STATUSES},
            "metrics": {"every": "200ms"},
        }
    )
    manager = Manager()
    with Daemon(house, NOTIFY_SOCKET=f"@{manager.name}") as daemon:
        daemon.wait_ready()
        wait_for((house.state / ".metrics.prom.tmp").exists, "the room for the metrics")
        fill(disk / "ballast")
        for number in range(SCANS):
            house.drop(f"{number}.png", scans.numbered(number))
        paused = daemon.wait_event("delivery_paused")
        assert "space" in paused["error"] or "full" in paused["error"]
        wait_for(
            lambda: any("waits:" in each and paused["error"] in each for each in manager.listen()), "systemd's status"
        )
        wait_for(lambda: paused["error"].encode() in house.run("status").stdout, "`digitd status`")
        metrics = house.state / "metrics.prom"
        wait_for(lambda: "digitd_delivery_paused 1.0" in metrics.read_text(), "the metrics")
        os.unlink(disk / "ballast")
        daemon.wait_event("delivery_resumed")
        wait_for(lambda: "digitd_delivery_paused 0.0" in metrics.read_text(), "the metrics after it")
        wait_for(lambda: len(house.archived()) == SCANS, "every scan filed")
        wait_for(lambda: b"waits for" not in house.run("status").stdout, "`digitd status` after it")
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    manager.close()
    assert len(daemon.named("delivery_paused")) == len(daemon.named("delivery_resumed")) == 1
    assert sorted(result["source"]["name"] for result in house.results()) == sorted(f"{n}.png" for n in range(SCANS))
    assert len(house.rows()) == SCANS
    assert house.files(house.inbox) == set()
