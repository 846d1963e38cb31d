"""Scans a second: digitd against its own reader in a plain loop, live, with more workers, and with more scans.

Nothing is deleted before the end: ext4 gives no number of a deleted file again for some minutes, and looks at each of
those anew for every file that is made.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import processes
import workloads
from results import Row
from workloads import ALL, Workload

PAIRS = 5
BARE = Path(__file__).with_name("bare.py")
LEAST = {workloads.SMALL: (0.80, 0.92), workloads.PAGE: (0.92, 0.98)}
"""Of the bare loop's rate, what a drain must reach, and what is aimed at."""
SCALING, SCALING_AIM = 1.8, 1.95
WAITING = 1000
"""So many scans wait at most in the stream to a running daemon: it has always enough, and never a backlog."""
FED = 200
"""Scans that are moved in between two looks at how many wait."""


@dataclass(frozen=True)
class Drain:
    """Seconds of the bare loop and of `run --once` over the same files."""

    bare: float
    drained: float


def against_bare(work: Path, load: Workload, pairs: int = PAIRS) -> Iterator[Row]:
    """`run --once` against the bare loop, in turn, from fresh processes, start and end included."""
    taken = [_pair(work / f"bare-{ALL.index(load)}-{number}", load) for number in range(pairs)]
    ratios = [pair.bare / pair.drained for pair in taken]
    ratio = statistics.median(ratios)
    bare = load.count / statistics.median(pair.bare for pair in taken)
    drained = load.count / statistics.median(pair.drained for pair in taken)
    least, aim = LEAST.get(load, (None, None))
    yield Row(
        f"{load.count:,} scans ({load.name}): `run --once` over the bare loop on all processors",
        "-" if least is None else f"{least:.2f} (aim {aim:.2f})",
        f"{ratio:.2f} ({drained:,.0f} to {bare:,.0f} a second; {_each(ratios)})",
        None if least is None else ratio >= least,
    )


def _pair(place: Path, load: Workload) -> Drain:
    file = _filled(place, load)
    bare = _bare(place / "inbox")
    drained, _ = processes.timed("run", "--once", "-c", str(file))
    processes.expect_results(place / "outbox", load.count)
    return Drain(bare, drained)


def _bare(folder: Path) -> float:
    """Seconds of the bare loop over a folder, from its start to its end."""
    begun = time.monotonic()
    subprocess.run([sys.executable, str(BARE), str(folder)], check=True, stderr=subprocess.DEVNULL)
    return time.monotonic() - begun


def _filled(place: Path, load: Workload, count: int | None = None, **overrides: str) -> Path:
    file = processes.config(place, **overrides)
    (place / "inbox").rmdir()
    load.write(place / "inbox", count)
    # What was just written goes to the disk now, not in the middle.
    os.sync()
    return file


def live(work: Path) -> Iterator[Row]:
    """A steady stream of small scans into the inbox of a running daemon, against the bare loop over them."""
    load, ratios, rates = workloads.SMALL, [], []
    for number in range(PAIRS):
        place = work / f"live{number}"
        load.write(place / "aside")
        (place / "empty").mkdir()
        # The daemon has started already, so that is not counted for the loop either.
        bare = _bare(place / "aside") - _bare(place / "empty")
        with processes.daemon(processes.config(place)):
            begun = time.monotonic()
            for at, name in enumerate(sorted(os.listdir(place / "aside"))):
                while at % FED == 0 and len(os.listdir(place / "inbox")) > WAITING - FED:
                    time.sleep(0.01)
                os.rename(place / "aside" / name, place / "inbox" / name)
            while len(os.listdir(place / "inbox")) > 1 or _json(place / "outbox") < load.count:
                time.sleep(0.05)
            taken = time.monotonic() - begun
        ratios.append(bare / taken)
        rates.append(load.count / taken)
    yield Row(
        f"the same small scans, a steady stream into a running daemon ({WAITING:,} wait at most), over the bare loop",
        "-",
        f"{statistics.median(ratios):.2f} ({statistics.median(rates):,.0f} a second; {_each(ratios)})",
        None,
    )


def _json(folder: Path) -> int:
    return sum(name.endswith(".json") for name in os.listdir(folder))


def scaling(work: Path) -> Iterator[Row]:
    """What a second worker adds: main process and two workers share two processors then."""
    for load, count in ((workloads.PAGE, workloads.PAGE.count // 2), (workloads.SMALL, workloads.SMALL.count // 2)):
        ratios = []
        for number in range(PAIRS):
            place = work / f"scaling-{ALL.index(load)}-{number}"
            taken = [_worked(place / str(workers), load, count, workers) / count for workers in (1, 2)]
            ratios.append(taken[0] / taken[1])
        ratio = statistics.median(ratios)
        yield Row(
            f"two workers over one, {load.name}",
            f"{SCALING} (aim {SCALING_AIM})",
            f"{ratio:.2f} ({_each(ratios)})",
            ratio >= SCALING,
        )


def _worked(place: Path, load: Workload, count: int, workers: int) -> float:
    """Seconds from the first result to the end of a drain."""
    file = _filled(place, load, count, workers=f"{{count: {workers}}}")
    process = subprocess.Popen(processes.command("run", "--once", "-c", str(file)), stderr=subprocess.DEVNULL)
    while not _json(place / "outbox"):
        time.sleep(0.01)
    begun = time.monotonic()
    if process.wait() != 0:
        raise RuntimeError(f"the drain ended with {process.returncode}")
    return time.monotonic() - begun


def _each(ratios: list[float]) -> str:
    return f"median of {len(ratios)}: {', '.join(f'{ratio:.2f}' for ratio in ratios)}"
