"""A soak: the daemon under a steady load for long, its process tree sampled; prints, plots, and writes RELIABILITY.md.

python bench/soak.py [--minutes 60] [--rate 200]: a result folder of its own is made, and removed at the end.
"""

import argparse
import csv
import shutil
import sys
import tempfile
import time
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
import processes
import psutil
import results
from office import Consumer, Scanner

SAMPLE_SECONDS = 5.0
KEEP_SECONDS = 240
"""`state.keep`, so short that scans are forgotten while it runs: else only the first 90 days would be seen."""
WARM_UP = 1 / 3
"""Of the time: until the caches are full and the first scans are forgotten, and a little more."""
DRAIN_SECONDS = 60.0
PLOT = Path(__file__).parent / "soak.png"
SAMPLES = Path(__file__).parent / "soak.csv"
SLOPE_MOST = 1.0
"""MB an hour."""


@dataclass(frozen=True)
class Sample:
    """The process tree at a moment: SECONDS since the start; resident memory in MB, of main and of all others."""

    seconds: float
    main: float
    workers: float
    descriptors: int
    threads: int
    processes: int
    journal: float
    waiting: int


def main() -> int:
    """Run, print, plot, write."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=200.0, help="scans a second")
    parser.add_argument("--keep-results", action="store_true", help="write soak.csv, soak.png and RELIABILITY.md")
    chosen = parser.parse_args()
    house = Path(tempfile.mkdtemp(prefix="digitd-soak-"))
    file = processes.config(
        house,
        outbox="{json: scan, csv: true}",
        state=f"{{keep: {KEEP_SECONDS}s}}",
        workers="{count: 2}",
    )
    samples: list[Sample] = []
    consumer = Consumer(house)
    with processes.daemon(file) as process:
        with Scanner(house / "inbox", chosen.rate) as scanner:
            begun = time.monotonic()
            while (now := time.monotonic() - begun) < chosen.minutes * 60:
                consumer.take()
                if now >= len(samples) * SAMPLE_SECONDS:
                    samples.append(sampled(process.pid, now, house))
                time.sleep(1.0)
            if process.poll() is not None:
                raise RuntimeError(f"the daemon ended; see {house / 'log.jsonl'}")
        until = time.monotonic() + DRAIN_SECONDS
        while not consumer.is_exact(scanner.dropped) and time.monotonic() < until:
            consumer.take()
            time.sleep(1.0)
    consumer.take()
    exact = consumer.is_exact(scanner.dropped)
    text, good = report(samples, chosen.rate, scanner.dropped, consumer, exact=exact)
    print(text)
    if chosen.keep_results:
        with SAMPLES.open("w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(field.name for field in fields(Sample))
            writer.writerows(astuple(sample) for sample in samples)
        plot(samples)
        results.write(results.SOAK, text, results.RELIABILITY)
    if exact:
        shutil.rmtree(house)
    else:
        print(f"not exact; {house} is kept")
    return 0 if good and exact else 1


def sampled(pid: int, now: float, house: Path) -> Sample:
    """The tree of PID now. A worker that ends between two looks is left out."""
    tree = psutil.Process(pid)
    # Resident, not proportional: what other programs share of the libraries would move that.
    main, workers = tree.memory_info().rss, 0
    descriptors, threads, count = tree.num_fds(), tree.num_threads(), 1
    for process in tree.children(recursive=True):
        try:
            workers += process.memory_info().rss
            descriptors += process.num_fds()
            threads += process.num_threads()
            count += 1
        except psutil.NoSuchProcess:
            continue
    journal = sum(path.stat().st_size for path in (house / "state").glob("journal.sqlite3*"))
    waiting = sum(not path.name.startswith(".") for path in (house / "inbox").iterdir())
    mb = processes.MB
    return Sample(
        round(now, 1), main / mb, workers / mb, descriptors, threads, count,
        journal / mb, waiting,
    )  # fmt: skip


def slope(samples: list[Sample], name: str) -> float:
    """How much a value grows in an hour, by least squares."""
    hours = np.array([sample.seconds / 3600 for sample in samples])
    return float(np.polyfit(hours, [getattr(sample, name) for sample in samples], 1)[0])


def report(samples: list[Sample], rate: float, dropped: int, consumer: Consumer, *, exact: bool) -> tuple[str, bool]:
    """As Markdown, and whether all is as it should be."""
    warm = samples[int(len(samples) * WARM_UP) :]
    minutes = samples[-1].seconds / 60
    grows = {name: slope(warm, name) for name in ("main", "workers", "journal")}
    whole = grows["main"] + grows["workers"]
    half = samples[len(samples) // 2 :]
    late = slope(half, "main") + slope(half, "workers")
    descriptors = sorted({sample.descriptors for sample in warm})
    threads = sorted({sample.threads for sample in warm})

    def span(name: str) -> str:
        values = [getattr(sample, name) for sample in warm]
        return f"{min(values):.1f} to {max(values):.1f} MB"

    statuses = ", ".join(f"{count:,} {status}" for status, count in sorted(consumer.by_status.items()))
    good = whole < SLOPE_MOST and len(descriptors) == 1
    lines = [
        f"`make soak MINUTES={minutes:.0f}` wrote this section, `soak.csv` and the plot: {rate:.0f} scans a second,",
        f"two workers, `state.keep` of {KEEP_SECONDS} s, every result taken from the outbox. Memory is resident",
        f"(workers share some of theirs); slopes are by least squares after the first {WARM_UP:.0%} of the time.",
        "",
        results.machine(),
        "",
        "| what | must be | measured |",
        "| --- | --- | --- |",
        f"| scans in {minutes:.0f} minutes | each once | {dropped:,} ({statuses}); {consumer.verdict(dropped)} |",
        f"| memory of the tree grows in an hour by | {SLOPE_MOST:.0f} MB | {whole:+.2f} MB (main {grows['main']:+.2f}, "
        f"workers and their server {grows['workers']:+.2f}) |",
        f"| the same in the last half of the time | - | {late:+.2f} MB |",
        f"| memory, main and workers | - | {span('main')}, {span('workers')} |",
        f"| descriptors of the tree | constant | {', '.join(map(str, descriptors))} |",
        f"| threads of the tree | constant | {', '.join(map(str, threads))} |",
        f"| journal with its -wal | flat | {span('journal')}, {grows['journal']:+.2f} MB an hour |",
        f"| waiting at a sample, at most | - | {max(sample.waiting for sample in warm)} |",
        "",
        f"![memory, descriptors, threads and journal over time]({PLOT.name})",
    ]
    return "\n".join(lines), good and exact


def plot(samples: list[Sample]) -> None:
    """The samples over time, as a picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 9), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(4, 1, sharex=True)
    minutes = [sample.seconds / 60 for sample in samples]
    for panel, names, unit in zip(
        panels,
        (("main", "workers"), ("descriptors", "threads"), ("journal",), ("waiting",)),
        ("memory, MB", "count", "journal, MB", "files waiting"),
        strict=True,
    ):
        for name in names:
            panel.plot(minutes, [getattr(sample, name) for sample in samples], label=name, linewidth=1)
        panel.set_ylabel(unit)
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
        panel.axvspan(0, minutes[-1] * WARM_UP, color="0.5", alpha=0.1, label="warm-up")
        panel.legend(loc="lower right", fontsize=8)
    panels[-1].set_xlabel("minutes")
    figure.savefig(PLOT, dpi=110)


if __name__ == "__main__":
    sys.exit(main())
