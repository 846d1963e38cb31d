"""The real daemon dies at every named point of a scan's way; the next one leaves each scan with one result."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from delivery_rig import workplace
from digitd.failpoints import Point
from e2e import scans
from e2e.harness import Daemon, House
from e2e.promise import broken
from ways import OUTPUTS, SOURCES, comes_by

WORKERS_OWN = {Point.LOADED, Point.RECOGNISED}
"""There a worker dies, and the daemon goes on."""
FULL = "DIGITD_CHAOS" in os.environ
"""Every way past every point, as `make chaos` has it; else one way past each."""
SCANS = 6


def ways() -> Iterator[tuple[Point, str, str, bool]]:
    """A point, what becomes of sources, outbox.json, and outbox.csv."""
    for point in Point:
        past = [(s, json, csv) for s in SOURCES for json, csv in OUTPUTS if comes_by(point, s, json, csv)]
        for way in past if FULL else past[:1]:
            yield point, *way


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder for archives, on another file system than temporary folders where the machine has one."""
    with workplace() as folder:
        yield folder


@pytest.mark.parametrize(
    ("point", "sources", "json", "csv"), [pytest.param(*w, id="-".join(map(str, w))) for w in ways()]
)
def test_a_daemon_killed_there_loses_and_doubles_nothing(
    point: Point, sources: str, json: str, csv: bool, tmp_path: Path, elsewhere: Path
) -> None:
    """SIGKILL at the point, by itself; a drain after it leaves one result a scan, whole, and each source filed once."""
    house = House(tmp_path / "house")
    if sources == "across":
        if elsewhere.stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("the machine has one writable file system alone")
        house.archive = elsewhere
    of = sources if sources in {"delete", "keep"} else None
    house.configure(
        {
            "sources": {
                status: of or str(house.archive / status) for status in ("accepted", "review", "blank", "failed")
            },
            "outbox": {"json": json, "csv": csv, "every": "200ms"},
            "batch": {"max_scans": 2},
        }
    )
    dropped = {f"sub/scan_{number}.png": scans.numbered(number) for number in range(SCANS)} | {"bad.png": b"no image"}
    for name, data in dropped.items():
        house.drop(name, data)
    script = f"from digitd import failpoints\nfailpoints.arm(failpoints.Point({str(point)!r}))\n"
    with Daemon(house, "--once", PYTHONPATH=house.at_start(script)) as daemon:
        ended = daemon.wait_end()
        if point in WORKERS_OWN:
            assert ended == 0
            assert daemon.named("worker_lost")
        else:
            assert ended == -signal.SIGKILL
        daemon.wait_nobody()
    again = house.once()
    assert again.process.returncode == 0
    again.assert_only_events()
    assert broken(house, dropped, sources, (json, csv)) == {}
