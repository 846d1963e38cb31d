"""Measure digitd: print a table, and write it into its section of RESULTS.md, with the machine named.

python bench/run.py [--mnist FOLDER] [--scans FOLDER]...: the folders are MNIST's idx files, and labelled scans.
"""

import argparse
import functools
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import processes
import results
import scans
from results import Row

PAIRS = 3


def mnist(work: Path, folder: Path) -> Iterator[Row]:
    """MNIST's 10,000 test images, each as a PNG file, through `digitd read`."""
    from digitd.training.data import load

    data = load(folder)
    scans.mnist(work / "mnist", data.test_images, data.test_labels)
    yield _accuracy("MNIST's 10,000 test images as PNG files through `digitd read`", work / "mnist", 0.995)


def labelled(folder: Path) -> Iterator[Row]:
    """Labelled scans through `digitd read`."""
    yield _accuracy(f"{folder.name} through `digitd read`", folder, 0.96 if folder.name.startswith("scans") else None)


def _accuracy(what: str, folder: Path, least: float | None) -> Row:
    _, output = processes.timed("evaluate", str(folder), "--json")
    found = json.loads(output)
    low, high = found["interval_95"]
    measured = (
        f"{found['accuracy']:.2%} right ({found['right']} of {found['scans']}; {low:.2%} to {high:.2%}); "
        f"{found['read_rate']:.1%} accepted, {found['accepted_and_wrong']} of them wrong"
    )
    target = "-" if least is None else f"{least:.1%}"
    return Row(what, target, measured, None if least is None else found["accuracy"] >= least)


def latency(work: Path, rounds: int = 300) -> Iterator[Row]:
    """A scan moved into the inbox of an idle daemon, until its JSON is there."""
    scans.small(work / "drops", rounds)
    taken = []
    with processes.daemon(processes.config(work / "latency")):
        for scan in sorted((work / "drops").iterdir()):
            begun = time.monotonic()
            scan.rename(work / "latency" / "inbox" / scan.name)
            taken.append(processes.wait_for(work / "latency" / "outbox" / f"{scan.name}.json") - begun)
            # Idle again: the next drop meets a daemon that sleeps.
            time.sleep(0.02)
    taken.sort()
    median, worst = statistics.median(taken) * 1000, taken[int(len(taken) * 0.99)] * 1000
    yield Row(
        "a scan moved into the inbox of an idle daemon, until its JSON is there: median, 99th percentile",
        "30 ms, 100 ms",
        f"{median:.1f} ms, {worst:.1f} ms ({rounds} scans)",
        median <= 30 and worst <= 100,
    )


def once_against_read(work: Path, count: int = 5000) -> Iterator[Row]:
    """`run --once` against `digitd read` of the same files, in turn."""
    ratios, rates = [], []
    for pair in range(PAIRS):
        place = work / f"once{pair}"
        file = processes.config(place)
        (place / "inbox").rmdir()
        scans.small(place / "inbox", count)
        reading, _ = processes.timed("read", "--format", "json", str(place / "inbox"))
        draining, _ = processes.timed("run", "--once", "-c", str(file))
        processes.expect_results(place / "outbox", count)
        ratios.append(reading / draining)
        rates.append((count / reading, count / draining))
    reads, drains = (statistics.median(rate[side] for rate in rates) for side in (0, 1))
    yield Row(
        f"`run --once` over {count:,} small scans, against `digitd read` of the same files",
        "0.70",
        f"{statistics.median(ratios):.2f} ({drains:,.0f} to {reads:,.0f} scans a second; "
        f"median of {PAIRS}: {', '.join(f'{ratio:.2f}' for ratio in ratios)})",
        statistics.median(ratios) >= 0.7,
    )


def memory(work: Path) -> Iterator[Row]:
    """The daemon's process tree, two workers, over many waiting scans."""
    peaks = {}
    for count in (2000, 20000):
        place = work / f"memory{count}"
        file = processes.config(place, workers="{count: 2}", outbox="{every: 1}")
        (place / "inbox").rmdir()
        scans.small(place / "inbox", count)
        process = subprocess.Popen(processes.command("run", "--once", "-c", str(file)), stderr=subprocess.DEVNULL)
        with processes.sampled(process.pid) as peak:
            process.wait()
        processes.expect_results(place / "outbox", count)
        peaks[count] = peak
    few, many = peaks[2000], peaks[20000]
    growth = many.resident / few.resident - 1
    yield Row(
        "peak memory of the process tree, two workers, over 20,000 waiting scans (sum of resident sizes)",
        "500 MB",
        f"{many.resident / processes.MB:.0f} MB"
        f"; each shared page counted once: {many.proportional / processes.MB:.0f} MB",
        many.resident < 500 * processes.MB,
    )
    yield Row("the same, against 2,000 waiting scans", "within 10 %", f"{growth:+.1%}", abs(growth) <= 0.1)


def start(work: Path, rounds: int = 5) -> Iterator[Row]:
    """From exec to the first result, one scan waiting."""
    taken = []
    for number in range(rounds):
        place = work / f"start{number}"
        file = processes.config(place)
        (place / "inbox").rmdir()
        scans.small(place / "inbox", 1)
        begun = time.monotonic()
        process = subprocess.Popen(processes.command("run", "-c", str(file)), stderr=subprocess.DEVNULL)
        taken.append(processes.wait_for(place / "outbox" / "scan_000000.png.json") - begun)
        process.terminate()
        process.wait()
    median = statistics.median(taken)
    yield Row(
        "from exec to the first result, one scan waiting (median)",
        "2 s",
        f"{median:.2f} s (settling included)",
        median < 2,
    )


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, help="a folder of MNIST's idx files")
    parser.add_argument("--scans", type=Path, action="append", default=[], help="a folder of labelled scans")
    parser.add_argument(
        "--only", action="append", default=[], help="names of measurements: mnist, labelled, latency, ..."
    )
    chosen = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="digitd-bench-"))
    measurements: list[tuple[str, Callable[[], Iterator[Row]]]] = [
        ("latency", lambda: latency(work)),
        ("start", lambda: start(work)),
        ("once", lambda: once_against_read(work)),
        ("memory", lambda: memory(work)),
    ]
    if chosen.mnist:
        measurements.append(("mnist", lambda: mnist(work, chosen.mnist)))
    measurements += [("labelled", functools.partial(labelled, folder)) for folder in chosen.scans]
    rows: list[Row] = []
    try:
        for name, measure in measurements:
            if not chosen.only or name in chosen.only:
                for row in measure():
                    rows.append(row)
                    print(f"{'ok ' if row.good else '-- ' if row.good is None else 'NO '} {row.what}: {row.measured}")
    finally:
        shutil.rmtree(work)
    if not chosen.only:
        results.write(results.DAEMON, report(rows))
    return 0 if all(row.good is not False for row in rows) else 1


def report(rows: list[Row]) -> str:
    """The table as Markdown."""
    lines = [
        "`make bench MNIST=FOLDER SCANS=FOLDER` wrote this section. Ratios are of one run, from fresh processes.",
        "Scans called `dev` were in view while digitd was made: they flatter. On ext4, making a file was seen to take",
        "ten times as long (0.2 ms) for some minutes after thousands were deleted nearby: a drain is slower then.",
        "",
        results.machine(),
        "",
        results.table(rows, "at least"),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
