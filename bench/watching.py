"""What the watching node can carry: `run --once` with the reading taken out of it.

Found, handed out, recorded, published, filed: all as ever, with the real journal and outbox. The pool reads the
bytes of each scan and hashes them, as the process that speaks with Ray does, and answers at once.
"""

import argparse
import hashlib
import os
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from unittest import mock

from digitd import assembly, log, service
from digitd.pool.interface import Done
from digitd.pool.messages import Finding, Job, Seen
from digitd.pool.worker import load
from digitd.results import Glyph, Outcome, Reading, Status
from digitd.settings import Inbox, Log, Outbox, Settings, Sources, State

ROOT = Path(__file__).parents[1]
SCAN = ROOT / "samples" / "mnist-3.png"
WORKERS = 64
READING = Reading(1, 28, 28, "3", 0.9999, (Glyph("3", 0.9999, (8, 6, 13, 20), ()),))
OUTCOME = Outcome(Status.ACCEPTED, None, "3", 0.9999, (READING,))


class NoReading:
    """A pool of very many very fast workers."""

    ready, troubled, busy, responsive, resident, queued, at_work = True, None, False, True, 0, 0, 0
    wanted = loaded = idle = WORKERS
    pids: tuple[int, ...] = ()

    def __init__(self) -> None:
        self._done: deque[Done] = deque()

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def submit(self, key: int, jobs: Iterable[Job]) -> None:
        findings = []
        for job in jobs:
            data, identity = load(job.path, 10**9)
            findings.append(Finding(Seen.READ, OUTCOME, identity, hashlib.sha256(data).hexdigest()))
        self._done.append(Done(key, tuple(findings), 0.0))

    def poll(self, timeout: float | None, wakers: Iterable[int] = ()) -> list[Done]:
        done = [*self._done]
        self._done.clear()
        return done


def rate(scans: int, json: str, kept: str) -> float:
    """Scans a second from the start of the daemon to its end."""
    with tempfile.TemporaryDirectory(prefix="digitd-watching-", dir=os.environ.get("TMPDIR")) as below:
        base = Path(below)
        for name in ("inbox", "outbox"):
            (base / name).mkdir()
        data = SCAN.read_bytes()
        for number in range(scans):
            (base / "inbox" / f"{number}.png").write_bytes(data)
        targets = {
            each: kept if kept == "delete" else str(base / each) for each in ("accepted", "review", "blank", "failed")
        }
        settings = Settings(
            inbox=Inbox(path=base / "inbox", settle=0.0),
            outbox=Outbox.model_validate({"path": base / "outbox", "json": json}),
            sources=Sources(**targets),
            state=State(path=base / "state"),
            log=Log(level="warning"),
        )
        log.configure("warning", "json")
        begun = time.monotonic()
        with mock.patch.object(assembly, "pool_of", return_value=NoReading()):
            service.run(settings, once=True)
        return scans / (time.monotonic() - begun)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print("| results | sources | scans a second, median | least | most |\n| --- | --- | --- | --- | --- |")
    for json, kept in (("scan", "archive"), ("lines", "archive"), ("lines", "delete")):
        rates = [rate(arguments.scans, json, kept) for _ in range(arguments.rounds)]
        print(
            f"| {json} | {kept} | {statistics.median(rates):,.0f} | {min(rates):,.0f} | {max(rates):,.0f} |", flush=True
        )


if __name__ == "__main__":
    main()
