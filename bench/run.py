"""Measure digitd: print a table, and write it into its section of RESULTS.md, with the machine named.

python bench/run.py [--mnist FOLDER] [--scans FOLDER]...: the folders are MNIST's idx files, and labelled scans.
"""

import argparse
import functools
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import alternatives
import loads
import processes
import responses
import results
import scans
import throughput
import workloads
from results import Row

FEW, MANY = 1_000, 1_000_000


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


def growth(work: Path) -> Iterator[Row]:
    """What a scan costs with few and with very many waiting at the start."""
    few = statistics.median(loads.drained(work / f"few{number}", FEW)[1] for number in range(5))
    first, many, _ = loads.drained(work / "many", MANY)
    yield Row(
        f"time a scan, from {FEW:,} scans to {MANY:,}",
        "1.2 times (aim 1.05)",
        f"{many / few:.2f} times ({few * 1e3:.3f} ms, median of 5, to {many * 1e3:.3f} ms, one run, from the first "
        f"result on, which came after {first:.1f} s)",
        many / few <= 1.2,
    )


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, help="a folder of MNIST's idx files")
    parser.add_argument("--scans", type=Path, action="append", default=[], help="a folder of labelled scans")
    parser.add_argument(
        "--only", action="append", default=[], help="names of measurements: bare, lone, growth, mnist, ..."
    )
    chosen = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="digitd-bench-"))
    measurements: list[tuple[str, Callable[[], Iterator[Row]]]] = [
        *(("bare", functools.partial(throughput.against_bare, work, load)) for load in workloads.ALL),
        ("live", lambda: throughput.live(work)),
        ("alternatives", lambda: alternatives.rates(work)),
        ("lone", lambda: responses.lone(work)),
        ("steady", lambda: responses.steady(work)),
        ("start", lambda: responses.start(work)),
        ("idle", lambda: responses.idle(work)),
        ("memory", lambda: responses.memory(work)),
        ("scaling", lambda: throughput.scaling(work)),
        ("growth", lambda: growth(work)),
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
        "Scans called `dev` were in view while digitd was made: they flatter. What each line means, and why:",
        "[docs/performance.md](../docs/performance.md).",
        "",
        results.machine(),
        "",
        results.table(rows, "at least"),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
