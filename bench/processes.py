"""digitd as a process: started, timed, and its whole tree's memory sampled."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.05
START_SECONDS = 60.0
MB = 1e6


@dataclass
class Memory:
    """The highest sums over a process tree that were seen, in bytes."""

    resident: int = 0
    proportional: int = 0
    at_work: int = 0
    """Resident, of the main process and its workers, without the small processes that start and tidy these."""


def command(*arguments: str) -> list[str]:
    """The command line of digitd in this environment."""
    return [sys.executable, "-m", "digitd", *arguments]


def config(folder: Path, **overrides: str) -> Path:
    """A folder with inbox, outbox and config.yaml; gives the configuration's path."""
    for name in ("inbox", "outbox"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    file = folder / "config.yaml"
    file.write_text("".join(f"{section}: {keys}\n" for section, keys in overrides.items()))
    return file


def timed(*arguments: str) -> tuple[float, bytes]:
    """Seconds of a run of digitd to its end, and its standard output."""
    begun = time.monotonic()
    done = subprocess.run(command(*arguments), check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return time.monotonic() - begun, done.stdout


@contextmanager
def daemon(file: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A running daemon that has said that it is ready."""
    log = (file.parent / "log.jsonl").open("wb")
    process = subprocess.Popen(command("run", "-c", str(file)), stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while b'"ready"' not in (file.parent / "log.jsonl").read_bytes():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the daemon did not start; see {log.name}")
            time.sleep(0.02)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        log.close()


@contextmanager
def sampled(pid: int) -> Iterator[Memory]:
    """The memory of a process and all below it, while the block runs."""
    memory = Memory()

    def look() -> None:
        resident = proportional = at_work = 0
        tree = psutil.Process(pid)
        for process in (tree, *tree.children(recursive=True)):
            used = process.memory_info().rss
            resident += used
            # Workers are children of the server that forks them.
            at_work += used if process.ppid() != pid else 0
            proportional += process.memory_full_info().pss
        memory.resident = max(memory.resident, resident)
        memory.proportional = max(memory.proportional, proportional)
        memory.at_work = max(memory.at_work, at_work)

    with _looking(look):
        yield memory


@contextmanager
def sampled_alone(pid: int) -> Iterator[Memory]:
    """The resident memory of one process, while the block runs: a look costs next to nothing."""
    memory, process = Memory(), psutil.Process(pid)

    def look() -> None:
        memory.resident = max(memory.resident, process.memory_info().rss)

    with _looking(look):
        yield memory


@contextmanager
def busy(pid: int) -> Iterator[dict[int, float]]:
    """The processor's seconds of a process and of all below it, each as they were last seen while the block ran."""
    seconds: dict[int, float] = {}

    def look() -> None:
        tree = psutil.Process(pid)
        for process in (tree, *tree.children(recursive=True)):
            times = process.cpu_times()
            seconds[process.pid] = times.user + times.system

    with _looking(look):
        yield seconds


@contextmanager
def _looking(look: Callable[[], None]) -> Iterator[None]:
    """LOOK now and then, in a thread, while the block runs."""
    end = threading.Event()

    def run() -> None:
        while not end.wait(SAMPLE_SECONDS):
            try:
                look()
            except psutil.Error:
                # A process that ended between two looks: the next one sees what is there then.
                continue

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def expect_results(outbox: Path, count: int) -> None:
    """RuntimeError if there are not so many JSON results."""
    found = sum(entry.name.endswith(".json") for entry in os.scandir(outbox))
    if found != count:
        raise RuntimeError(f"{found} results of {count} scans")


def wait_for(path: Path, seconds: float = 30.0) -> float:
    """Wait until a file is there; gives the monotonic moment."""
    deadline = time.monotonic() + seconds
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{path} did not appear")
        time.sleep(0.0002)
    return time.monotonic()
