"""What the watching node can carry: `run --once` with the reading taken out of it; with --ray, what Ray costs there.

Found, handed out, recorded, published, filed: all as ever, with the real journal and outbox. The pool reads the
bytes of each scan and hashes them, as the process that speaks with Ray does, and answers at once.

--ray: the processor time of each process on the watching machine for a scan, of a real run on a cluster that is started
here: of a long run less that of a short one, so that no start is in it.
"""

import argparse
import hashlib
import statistics
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from unittest import mock

import psutil

from digitd import assembly, log, service
from digitd.pool.interface import Done
from digitd.pool.messages import Finding, Job, Seen
from digitd.pool.worker import load
from digitd.results import Glyph, Outcome, Reading, Status
from digitd.settings import Inbox, Log, Outbox, Settings, Sources, State, Workers

ROOT = Path(__file__).parents[1]
SCAN = ROOT / "samples" / "mnist-3.png"
WORKERS = 64
METER_SECONDS = 0.5
KINDS = ("digitd", "speaks with Ray", "raylet", "gcs_server", "the node's reading", "other")
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


def house(base: Path, scan: Path, scans: int, json: str, kept: str, workers: Workers) -> Settings:
    """An inbox below BASE with so many of SCAN, and a configuration for it."""
    for name in ("inbox", "outbox"):
        (base / name).mkdir()
    data = scan.read_bytes()
    for number in range(scans):
        (base / "inbox" / f"{number}{scan.suffix}").write_bytes(data)
    targets = {
        each: kept if kept == "delete" else str(base / each) for each in ("accepted", "review", "blank", "failed")
    }
    log.configure("warning", "json")
    return Settings(
        inbox=Inbox(path=base / "inbox", settle=0.0),
        outbox=Outbox.model_validate({"path": base / "outbox", "json": json}),
        sources=Sources(**targets),
        state=State(path=base / "state"),
        log=Log(level="warning"),
        workers=workers,
    )


def rate(scan: Path, scans: int, json: str, kept: str) -> float:
    """Scans a second from the start of the daemon to its end."""
    with tempfile.TemporaryDirectory(prefix="digitd-watching-") as below:
        settings = house(Path(below), scan, scans, json, kept, Workers())
        begun = time.monotonic()
        with mock.patch.object(assembly, "pool_of", return_value=NoReading()):
            service.run(settings, once=True)
        return scans / (time.monotonic() - begun)


class Meter(threading.Thread):
    """Processor seconds of this process and all that it starts, by what they are."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._before = time.process_time()
        self._over = threading.Event()
        self._seen: dict[psutil.Process, tuple[str, float]] = {}

    def run(self) -> None:
        """Look often: what a process that ends used since the last look is not counted."""
        me = psutil.Process()
        while not self._over.wait(METER_SECONDS):
            for each in (me, *me.children(recursive=True)):
                try:
                    used = sum(each.cpu_times()[:2])
                    self._seen[each] = _kind(each, me), used
                except psutil.NoSuchProcess:
                    continue

    def end(self) -> dict[str, float]:
        """The sums."""
        self._over.set()
        self.join()
        sums: dict[str, float] = dict.fromkeys(KINDS, 0.0)
        for kind, seconds in self._seen.values():
            sums[kind] += seconds
        sums[KINDS[0]] -= self._before
        return sums


def _kind(process: psutil.Process, me: psutil.Process) -> str:
    if process == me:
        return KINDS[0]
    name = process.name()
    if name in {"raylet", "gcs_server"}:
        return name
    line = " ".join(process.cmdline())
    above = [each.name() for each in process.parents()]
    if "raylet" in above:
        return "the node's reading" if any(each.startswith("ray::Node") for each in (name, line, *above)) else "other"
    return "speaks with Ray" if "multiprocessing" in line else "other"


def ray_cost(scan: Path, scans: int) -> dict[str, float]:
    """Processor seconds of a run with so many scans."""
    with tempfile.TemporaryDirectory(prefix="digitd-watching-", dir="/tmp") as below:
        settings = house(Path(below), scan, scans, "lines", "archive", Workers(on="ray", address="local"))
        meter = Meter()
        meter.start()
        service.run(settings, once=True)
        return meter.end()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scan", type=Path, default=SCAN)
    parser.add_argument("--ray", action="store_true")
    arguments = parser.parse_args()
    if arguments.ray:
        short, long = (ray_cost(arguments.scan, count) for count in (arguments.scans // 10, arguments.scans))
        print("| process | microseconds of a processor for a scan |\n| --- | --- |")
        for kind in KINDS:
            print(f"| {kind} | {(long[kind] - short[kind]) / (arguments.scans * 0.9) * 1e6:,.0f} |")
        return
    print("| results | sources | scans a second, median | least | most |\n| --- | --- | --- | --- | --- |")
    for json, kept in (("scan", "archive"), ("lines", "archive"), ("lines", "delete")):
        rates = [rate(arguments.scan, arguments.scans, json, kept) for _ in range(arguments.rounds)]
        print(
            f"| {json} | {kept} | {statistics.median(rates):,.0f} | {min(rates):,.0f} | {max(rates):,.0f} |", flush=True
        )


if __name__ == "__main__":
    main()
