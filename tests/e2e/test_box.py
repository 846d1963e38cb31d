"""A real worker is in its box, and its death is routine."""

import os
import signal
from pathlib import Path

from digitd.pool import landlock
from digitd.pool.listener import MOST
from e2e import scans
from e2e.harness import Daemon, House, wait_for


def test_a_worker_is_boxed_and_its_death_is_routine(house: House) -> None:
    """Each worker has no new privileges, no core and no large file; one that dies is replaced, and reading goes on."""
    with Daemon(house) as daemon:
        for pid in daemon.workers():
            assert_boxed(pid)
        os.kill(daemon.workers()[0], signal.SIGSEGV)
        wait_for(lambda: daemon.named("worker_lost", cause="died"), "the loss of the worker")
        (house.inbox / "scan.png").write_bytes(scans.numbered(7))
        wait_for(house.results, "the result")
    assert [result["source"]["path"] for result in house.results()] == ["scan.png"]
    # Once, whatever the number of workers, and only where the kernel cannot keep all in.
    warned = daemon.named("library_message", level="warning")
    assert len(warned) == (landlock.version() < min(landlock.NETWORK))


def assert_boxed(pid: int) -> None:
    """What the kernel says of the process."""
    assert "NoNewPrivs:\t1\n" in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    lines = Path(f"/proc/{pid}/limits").read_text(encoding="utf-8").splitlines()
    limits = {line[:26].strip(): line[26:].split()[:2] for line in lines}
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max file size"] == [str(MOST), str(MOST)]
