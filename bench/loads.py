"""What a flood, a backlog, a full disk and a long memory cost; prints tables and writes them into RELIABILITY.md.

python bench/loads.py [flood] [backlog] [full_disk] [remembered]: all of them by default, half an hour. `full_disk`
mounts a tmpfs, which takes root.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import memory_of_scans
import processes
import psutil
import results
import scans
from office import Consumer, Scanner
from results import Row

FLOOD, FEW, MANY = 100_000, 10_000, 1_000_000
FULL_SECONDS, FULL_RATE, DISK_MB = 60.0, 100.0, 48
FLOOD_MOST_MB, GROWTH_MOST, FIRST_MOST, RESUMED_MOST = 60.0, 1.2, 10.0, 15.0
Table = tuple[str, list[Row]]
"""A heading of RELIABILITY.md, and what stands below it."""


def flood(work: Path) -> Table:
    """Many files renamed into the inbox of an idle daemon as fast as can be."""
    file = processes.config(work, workers="{count: 2}")
    scans.small(work / "aside", FLOOD)
    names = sorted(os.listdir(work / "aside"))
    with processes.daemon(file) as process:
        idle = psutil.Process(process.pid).memory_info().rss
        with processes.sampled_alone(process.pid) as peak:
            begun = time.monotonic()
            for name in names:
                os.rename(work / "aside" / name, work / "inbox" / name)
            moved = time.monotonic() - begun
            waitdrained(work, FLOOD)
            lasted = time.monotonic() - begun
    log = (work / "log.jsonl").read_text()
    found = len(os.listdir(work / "archive" / "accepted")) + len(os.listdir(work / "archive" / "review"))
    more = (peak.resident - idle) / processes.MB
    return results.FLOOD, [
        Row("files moved in, and in how long", "-", f"{FLOOD:,} in {moved:.1f} s", None),
        Row("events lost (queue of the kernel overflowed)", "-", str(log.count('"overflow"')), None),
        Row("read", f"{FLOOD:,}", f"{found:,}, {FLOOD / lasted:,.0f} a second", found == FLOOD),
        Row("main process, resident, beyond its idle size", f"{FLOOD_MOST_MB:.0f} MB",
         f"{more:.0f} MB (idle {idle / processes.MB:.0f} MB)", more <= FLOOD_MOST_MB),
    ]  # fmt: skip


def backlog(work: Path) -> Table:
    """What a scan costs with few and with many waiting at the start."""
    few = drained(work / "few", FEW)
    many = drained(work / "many", MANY)
    ratio = many[1] / few[1]
    return results.BACKLOG, [
        Row(f"start to first result, {MANY:,} waiting", f"{FIRST_MOST:.0f} s",
         f"{many[0]:.1f} s ({FEW:,}: {few[0]:.1f} s)", many[0] <= FIRST_MOST),
        Row("time a scan, against that with few waiting", f"{GROWTH_MOST}",
         f"{ratio:.2f} ({few[1] * 1e3:.2f} ms with {FEW:,}, {many[1] * 1e3:.2f} ms with {MANY:,})",
         ratio <= GROWTH_MOST),
        Row("main process, resident, at most", "-", f"{many[2]:.0f} MB ({FEW:,}: {few[2]:.0f} MB)", None),
    ]  # fmt: skip


def drained(place: Path, count: int) -> tuple[float, float, float]:
    """Seconds to the first result, seconds a scan from then on, peak memory of the main process in MB."""
    file = processes.config(place, workers="{count: 2}", log="{level: warning}")
    (place / "inbox").rmdir()
    scans.small(place / "inbox", count)
    # What was just written goes to the disk now, not in the middle.
    os.sync()
    begun = time.monotonic()
    process = subprocess.Popen(processes.command("run", "--once", "-c", str(file)), stderr=subprocess.DEVNULL)
    with processes.sampled_alone(process.pid) as peak:
        while not any(entry.name.endswith(".json") for entry in os.scandir(place / "outbox")):
            time.sleep(0.01)
        first = time.monotonic()
        if process.wait() != 0:
            raise RuntimeError(f"the drain ended with {process.returncode}")
    ended = time.monotonic()
    processes.expect_results(place / "outbox", count)
    shutil.rmtree(place)
    return first - begun, (ended - first) / count, peak.resident / processes.MB


def full_disk(work: Path) -> Table:
    """A disk for outbox, archive and journal that is full for a minute, while scans keep coming."""
    disk = work / "disk"
    disk.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "none", str(disk)], check=True)
    try:
        return results.FULL_DISK, _filled(work, disk)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _filled(work: Path, disk: Path) -> list[Row]:
    (disk / "outbox").mkdir()
    target = {status: str(disk / "archive" / status) for status in ("accepted", "review", "blank", "failed")}
    file = processes.config(
        work,
        outbox=f"{{path: {disk / 'outbox'}}}",
        state=f"{{path: {disk / 'state'}, keep: 60s}}",
        sources="{" + ", ".join(f"{status}: {folder}" for status, folder in target.items()) + "}",
    )
    consumer = Consumer(disk)
    with processes.daemon(file) as process, Scanner(work / "inbox", FULL_RATE) as scanner:
        consume_for(consumer, 10.0)
        with (disk / "ballast").open("wb") as ballast:
            until = time.monotonic() + FULL_SECONDS
            while time.monotonic() < until:
                fill(ballast.fileno())
                time.sleep(0.05)
        waiting = len(waiting_in(work / "inbox"))
        before = sum(consumer.json.values())
        consumer.take()
        taken = sum(consumer.json.values()) - before
        (disk / "ballast").unlink()
        freed = time.monotonic()
        while not any(name.endswith(".json") for name in os.listdir(disk / "outbox")):
            time.sleep(0.01)
        resumed = time.monotonic() - freed
        consume_for(consumer, 20.0)
        if process.poll() is not None:
            raise RuntimeError(f"the daemon ended; see {work / 'log.jsonl'}")
    # It has been asked to end, and publishes the last rows on its way.
    consumer.take()
    log = (work / "log.jsonl").read_text()
    with processes.daemon(file):
        until = time.monotonic() + 60
        while not consumer.is_exact(scanner.dropped) and time.monotonic() < until:
            consume_for(consumer, 1.0)
    said = ", ".join(
        f"{event} {log.count(event)} times"
        for event in ("delivery_paused", "delivery_resumed", "rolling_paused", "rolling_resumed")
    )
    return [
        Row("scans, each exactly once", "all", f"{scanner.dropped:,}; {consumer.verdict(scanner.dropped)}",
         consumer.is_exact(scanner.dropped)),
        Row(f"waiting after {FULL_SECONDS:.0f} s without room; results published meanwhile", "-",
         f"{waiting:,}; {taken}", None),
        Row("from room until the first result", f"{RESUMED_MOST:.0f} s", f"{resumed:.1f} s", resumed <= RESUMED_MOST),
        Row("lines in the log", "-", said, None),
    ]  # fmt: skip


def remembered(work: Path) -> Table:
    """What a batch costs with few and with many remembered scans."""
    return results.REMEMBERED, memory_of_scans.measured(work)


def fill(descriptor: int) -> None:
    """Take what room there is, to the last page."""
    for size in (1 << 20, 1 << 12):
        try:
            while True:
                os.write(descriptor, bytes(size))
        except OSError:
            continue


def consume_for(consumer: Consumer, seconds: float) -> None:
    """Take results, as they come."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        consumer.take()
        time.sleep(0.2)


def waiting_in(inbox: Path) -> list[str]:
    """The scans in an inbox, without the mark of the digitd that works with it."""
    return [name for name in os.listdir(inbox) if not name.startswith(".")]


def waitdrained(house: Path, count: int, seconds: float = 600.0) -> None:
    """Wait until the inbox is empty and nothing more comes into the outbox."""
    until = time.monotonic() + seconds
    while waiting_in(house / "inbox") and time.monotonic() < until:
        time.sleep(0.2)
    while sum(name.endswith(".json") for name in os.listdir(house / "outbox")) < count and time.monotonic() < until:
        time.sleep(0.2)


LOADS: dict[str, Callable[[Path], Table]] = {
    "flood": flood, "backlog": backlog, "full_disk": full_disk, "remembered": remembered,
}  # fmt: skip


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="make loads", description=__doc__)
    parser.add_argument("loads", nargs="*", choices=[[], *LOADS], help="by default all of them")
    good = True
    for name in parser.parse_args().loads or LOADS:
        work = Path(tempfile.mkdtemp(prefix=f"digitd-{name}-"))
        heading, rows = LOADS[name](work)
        shutil.rmtree(work)
        good = results.keep(heading, rows, f"make loads LOADS={name}") and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
