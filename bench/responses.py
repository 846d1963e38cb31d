"""How soon digitd answers, and what it takes while it does nothing."""

import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import processes
import psutil
import scans
from results import Row

LONE = 300
STEADY_SECONDS = 15.0
STARTS = 7
IDLE_SECONDS = 60.0


def lone(work: Path) -> Iterator[Row]:
    """A scan moved into the inbox of an idle daemon, until its JSON is there."""
    place = work / "lone"
    scans.small(place / "drops", LONE)
    taken = []
    with processes.daemon(processes.config(place)):
        for scan in sorted((place / "drops").iterdir()):
            begun = time.monotonic()
            scan.rename(place / "inbox" / scan.name)
            taken.append(processes.wait_for(place / "outbox" / f"{scan.name}.json") - begun)
            # Idle again: the next drop meets a daemon that sleeps.
            time.sleep(0.02)
    median, worst = statistics.median(taken) * 1000, _percentile(taken, 0.99) * 1000
    yield Row(
        "latency of a lone scan, idle daemon: moved into the inbox until its JSON is there; median, 99th percentile",
        "15 ms, 50 ms (aim 6, 20)",
        f"{median:.1f} ms, {worst:.1f} ms ({LONE} scans)",
        median <= 15 and worst <= 50,
    )


def steady(work: Path) -> Iterator[Row]:
    """Scans moved in at half the rate at which they can be read, evenly."""
    most = _most(work / "most", 5000)
    rate = most / 2
    count = round(rate * STEADY_SECONDS)
    place = work / "steady"
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
    shutil.rmtree(place)
    worst = _percentile(taken, 0.99) * 1000
    yield Row(
        "latency at half the maximum rate: 99th percentile",
        "250 ms (aim 80)",
        f"{worst:.0f} ms (median {statistics.median(taken) * 1000:.0f} ms; {count / fed:,.0f} a second, of {most:,.0f},"
        f" for {fed:.0f} s)",
        worst <= 250,
    )


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
    shutil.rmtree(place)
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
    place = work / "idle"
    with processes.daemon(processes.config(place)) as process:
        time.sleep(2)
        tree = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
        before, begun = _ran(tree), time.monotonic()
        time.sleep(IDLE_SECONDS)
        share = (_ran(tree) - before) / (time.monotonic() - begun)
    yield Row(
        "processor while idle, inbox empty, native watching",
        "0.5 % of a core (aim 0.1 %)",
        f"{share:.3%} ({IDLE_SECONDS:.0f} s, {len(tree)} processes)",
        share <= 0.005,
    )


def _ran(pids: list[int]) -> float:
    """Seconds that all threads of these processes have run, to the nanosecond."""
    tasks = [task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


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
        shutil.rmtree(place)
        peaks[count] = peak
    few, many = peaks[2000], peaks[20000]
    growth = many.resident / few.resident - 1
    yield Row(
        "memory, resident: main process and two workers, over 20,000 waiting scans (peak of the sum)",
        "300 MB (aim 180)",
        f"{many.at_work / processes.MB:.0f} MB; with the two processes that start and tidy these"
        f" {many.resident / processes.MB:.0f} MB,"
        f" each shared page counted once {many.proportional / processes.MB:.0f} MB",
        many.at_work <= 300 * processes.MB,
    )
    yield Row("the same, against 2,000 waiting scans", "within 10 %", f"{growth:+.1%}", abs(growth) <= 0.1)


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]
