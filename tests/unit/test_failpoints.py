"""SIGKILL at every named point between two steps of a delivery, with every kind of sources and outputs."""

import os
import signal
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from delivery_rig import Rig, two_scans_on_way, workplace
from digitd import failpoints
from digitd.failpoints import Point
from ways import OUTPUTS, SOURCES, comes_by

OF_THE_DAEMON = {Point.HANDED_OUT, Point.LOADED, Point.RECOGNISED, Point.TAKEN_IN}
"""Before a delivery begins, or in a worker: tests/e2e/test_failpoints.py kills there."""
TIMES_MOST = 20


@pytest.fixture(scope="module")
def another_file_system() -> Iterator[Path]:
    """A folder that nothing can be renamed to from the rigs' folders."""
    with workplace("other") as folder, workplace() as fast:
        if folder.stat().st_dev == fast.stat().st_dev:
            pytest.skip("the machine has one writable file system alone")
        yield folder


def killed_at(point: Point, time: int, rig: Rig) -> bool:
    """Live in a process of its own that is to die at a point; whether it died there."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            failpoints.arm(point, time)
            rig.live()
            code = 0
        finally:
            if code:
                traceback.print_exc()
            # Nothing of pytest's runs in the child.
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("point", [point for point in Point if point not in OF_THE_DAEMON])
@pytest.mark.parametrize("sources", SOURCES)
def test_a_kill_at_a_point_loses_and_doubles_nothing(point: Point, sources: str, another_file_system: Path) -> None:
    """Killed there for the first time, the second and so on: the next start leaves one whole result a scan and output,
    and each source filed once."""
    for json, csv in OUTPUTS:
        for time in range(1, TIMES_MOST):
            with workplace() as base:
                elsewhere = another_file_system / f"{point}-{json}-{csv}-{time}"
                rig = two_scans_on_way(base, elsewhere, sources, json, csv)
                died = killed_at(point, time, rig)
                rig.live()
                rig.check_exactly_once()
            if not died:
                assert (time > 1) == comes_by(point, sources, json, csv)
                break
        else:
            pytest.fail("it comes by more often than expected")
