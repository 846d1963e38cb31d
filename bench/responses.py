"""How soon digitd answers, and what it takes while it does nothing."""

import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import processes
import psutil
import scans
from results import Row

ROUNDS = 5
"""Daemons, each a fresh one, whose median is told."""
LONE = 100
STEADY_SECONDS = 15.0
STARTS = 7
IDLE_SECONDS = 30.0


def lone(work: Path) -> Iterator[Row]:
    """A scan moved into the inbox of an idle daemon, until its JSON is there."""
    medians, taken = [], []
    for number in range(ROUNDS):
        found = _alone(work / f"lone{number}")
        medians.append(statistics.median(found) * 1000)
        taken += found
    # Of one round the 99th percentile would be its slowest scan.
    median, worst = statistics.median(medians), _percentile(taken, 0.99) * 1000
    yield Row(
        "latency of a lone scan, idle daemon: moved into the inbox until its JSON is there; median, 99th percentile",
        "15 ms, 50 ms (aim 6, 20)",
        f"{median:.1f} ms, {worst:.1f} ms ({ROUNDS} daemons, {LONE} scans each)",
        median <= 15 and worst <= 50,
    )


def _alone(place: Path) -> list[float]:
    """Seconds of each of LONE scans, moved in one after another."""
    scans.small(place / "drops", LONE)
    taken = []
    with processes.daemon(processes.config(place)):
        for scan in sorted((place / "drops").iterdir()):
            begun = time.monotonic()
            scan.rename(place / "inbox" / scan.name)
            taken.append(processes.wait_for(place / "outbox" / f"{scan.name}.json") - begun)
            # Idle again: the next drop meets a daemon that sleeps.
            time.sleep(0.02)
    return taken


def steady(work: Path) -> Iterator[Row]:
    """Scans moved in at half the rate at which they can be read, evenly."""
    mosts, rates, medians, worsts = [], [], [], []
    for number in range(ROUNDS):
        most = _most(work / f"most{number}", 5000)
        taken, rate = _evenly(work / f"steady{number}", most / 2)
        mosts.append(most)
        rates.append(rate)
        medians.append(statistics.median(taken) * 1000)
        worsts.append(_percentile(taken, 0.99) * 1000)
    worst = statistics.median(worsts)
    yield Row(
        "latency at half the maximum rate: 99th percentile",
        "250 ms (aim 80)",
        f"{worst:.0f} ms (median of {ROUNDS} daemons: {', '.join(f'{each:.0f}' for each in worsts)}; their medians"
        f" {statistics.median(medians):.0f} ms; {statistics.median(rates):,.0f} a second, of"
        f" {statistics.median(mosts):,.0f}, for {STEADY_SECONDS:.0f} s each)",
        worst <= 250,
    )


def _evenly(place: Path, rate: float) -> tuple[list[float], float]:
    """Seconds until the result of each scan, at so many a second; and how many they really were."""
    count = round(rate * STEADY_SECONDS)
    scans.small(place / "drops", count)
    os.sync()
    moved: dict[str, float] = {}
    with processes.daemon(processes.config(place)):
        begun = time.monotonic()
        for number, name in enumerate(sorted(os.listdir(place / "drops"))):
            time.sleep(max(0.0, begun + number / rate - time.monotonic()))
            moved[name] = time.time()
            os.rename(place / "drops" / name, place / "inbox" / name)
        fed = time.monotonic() - begun
        while sum(name.endswith(".json") for name in os.listdir(place / "outbox")) < count:
            time.sleep(0.05)
    # A result's name is given to it when it is published: that is when its inode last changed.
    taken = [os.stat(place / "outbox" / f"{name}.json").st_ctime - at for name, at in moved.items()]
    return taken, count / fed


def _most(place: Path, count: int) -> float:
    """Scans a second of a running daemon that has more than enough of them."""
    scans.small(place / "drops", count)
    with processes.daemon(processes.config(place)):
        begun = time.monotonic()
        for name in os.listdir(place / "drops"):
            os.rename(place / "drops" / name, place / "inbox" / name)
        while sum(name.endswith(".json") for name in os.listdir(place / "outbox")) < count:
            time.sleep(0.02)
        taken = time.monotonic() - begun
    return count / taken


def start(work: Path) -> Iterator[Row]:
    """From exec to the first result, one scan waiting."""
    taken = []
    for number in range(STARTS):
        place = work / f"start{number}"
        file = processes.config(place)
        (place / "inbox").rmdir()
        scans.small(place / "inbox", 1)
        # Old enough for nobody to be still writing it.
        time.sleep(1.0)
        begun = time.monotonic()
        process = subprocess.Popen(processes.command("run", "-c", str(file)), stderr=subprocess.DEVNULL)
        taken.append(processes.wait_for(place / "outbox" / "scan_000000.png.json") - begun)
        process.terminate()
        process.wait()
    median = statistics.median(taken)
    yield Row(
        "start to first result, from exec, a scan waiting (median)",
        "1.0 s (aim 0.5)",
        f"{median:.2f} s ({min(taken):.2f} to {max(taken):.2f}, {STARTS} starts)",
        median < 1,
    )


def idle(work: Path) -> Iterator[Row]:
    """The processor's time of all processes of a daemon whose inbox is empty."""
    shares = []
    for number in range(ROUNDS):
        with processes.daemon(processes.config(work / f"idle{number}")) as process:
            time.sleep(2)
            tree = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
            before, begun = _ran(tree), time.monotonic()
            time.sleep(IDLE_SECONDS)
            shares.append((_ran(tree) - before) / (time.monotonic() - begun))
    share = statistics.median(shares)
    yield Row(
        "processor while idle, inbox empty, native watching",
        "0.5 % of a core (aim 0.1 %)",
        f"{share:.3%} (median of {ROUNDS} daemons, {min(shares):.3%} to {max(shares):.3%}; {IDLE_SECONDS:.0f} s each,"
        f" {len(tree)} processes)",
        share <= 0.005,
    )


def _ran(pids: list[int]) -> float:
    """Seconds that all threads of these processes have run, to the nanosecond."""
    tasks = [task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def memory(work: Path) -> Iterator[Row]:
    """The daemon's process tree, two workers, over many waiting scans."""
    few, many = (
        [_peak(work / f"memory{count}-{number}", count) for number in range(ROUNDS)] for count in (2000, 20000)
    )
    at_work = statistics.median(each.at_work for each in many)
    resident = statistics.median(each.resident for each in many)
    proportional = statistics.median(each.proportional for each in many)
    growth = resident / statistics.median(each.resident for each in few) - 1
    yield Row(
        "memory, resident: main process and two workers, over 20,000 waiting scans (peak of the sum)",
        "300 MB (aim 180)",
        f"{at_work / processes.MB:.0f} MB (median of {ROUNDS}); with the two processes that start and tidy these"
        f" {resident / processes.MB:.0f} MB, each shared page counted once {proportional / processes.MB:.0f} MB",
        at_work <= 300 * processes.MB,
    )
    yield Row("the same, against 2,000 waiting scans", "within 10 %", f"{growth:+.1%}", abs(growth) <= 0.1)


def _peak(place: Path, count: int) -> processes.Memory:
    """What a drain of so many scans takes at most."""
    file = processes.config(place, workers="{count: 2}", outbox="{every: 1}")
    (place / "inbox").rmdir()
    scans.small(place / "inbox", count)
    process = subprocess.Popen(processes.command("run", "--once", "-c", str(file)), stderr=subprocess.DEVNULL)
    with processes.sampled(process.pid) as peak:
        process.wait()
    processes.expect_results(place / "outbox", count)
    return peak


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]
