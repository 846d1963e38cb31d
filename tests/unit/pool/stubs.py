"""Worker processes that misbehave on request: the real main, with a reader that does what a scan's name says."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from ctypes import c_int64, c_uint64
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

from digitd.errors import BundleError
from digitd.pool import messages, worker
from digitd.pool.messages import Setup
from digitd.recognition.reader import ScanInput
from digitd.results import Outcome, Status

STEP = 50_000_000
LONG = 600.0
HUGE = messages.Identity(0, 2**63, 0)
LIES = {
    "garble": b"\xc1 no answer",
    "short": messages.encode(messages.Findings((), 0.0)),
    "swell": messages.encode(messages.Findings((messages.Finding(messages.Seen.READ, None, HUGE),), 0.0)),
    "disown": messages.encode(messages.Refusal("it is torn", "Train it again")),
}
"""What a worker says that a scan has taken over."""
channels: list[Connection] = []


class Reader:
    """Reads a scan's name as its text, after doing what the name says."""

    def __init__(self, mark: int) -> None:
        """MARK is a file of all workers, open before the box is closed: an empty one until one has died of `once`."""
        self._mark = mark

    def read(self, scans: Iterable[ScanInput], on_page: Callable[[], None] = lambda: None) -> list[Outcome]:
        """One outcome a scan."""
        outcomes = [self._read(scan) for scan in scans]
        if any(outcome.text.startswith("late-") for outcome in outcomes):
            # Only in the network, when all have been taken.
            os.kill(os.getpid(), signal.SIGKILL)
        return outcomes

    def _read(self, scan: ScanInput) -> Outcome:
        act, _, _ = scan.name.partition("-")
        if act == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif act == "exit":
            sys.exit(3)
        elif act == "raise":
            raise RuntimeError("a bug in the reader")
        elif act == "hang":
            time.sleep(LONG)
        elif act == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif act == "eat":
            eaten = []
            while True:
                eaten.append(b"x" * STEP)
                time.sleep(0.02)
        elif act == "slow":
            time.sleep(0.2)
        elif act == "say":
            os.write(1, b"on stdout\n\xff\xfe\n")
            os.write(2, b"on stderr\nwithout an end")
        elif act in LIES:
            channels[0].send_bytes(LIES[act])
            time.sleep(LONG)
        elif act == "once" and os.fstat(self._mark).st_size == 0:
            # Dies the first time alone, as if it had been killed from outside.
            os.write(self._mark, b"died")
            os.kill(os.getpid(), signal.SIGKILL)
        return Outcome(Status.ACCEPTED, text=scan.name, confidence=1.0)


def enter(setup: Setup, channel: Connection, output: Connection, progress: c_uint64, place: c_int64) -> None:
    """Become a worker; the engine's name in SETUP says how it loads."""

    def open_reader(*_: object) -> Reader:
        mark = os.open(f"{setup.bundle}.mark", os.O_WRONLY | os.O_CREAT)
        if setup.engine == "refuse":
            raise BundleError("the weights are torn", "Train it again")
        if setup.engine == "die":
            os._exit(1)
        if setup.engine.startswith("one-dies:"):
            # The first that comes dies while loading, the others load.
            try:
                Path(setup.engine.removeprefix("one-dies:")).touch(exist_ok=False)
            except FileExistsError:
                return Reader(mark)
            os._exit(1)
        if setup.engine.startswith("gate:"):
            # One loads at once, the others when the gate opens.
            gate = Path(setup.engine.removeprefix("gate:"))
            try:
                gate.with_suffix(".first").touch(exist_ok=False)
            except FileExistsError:
                while not gate.exists():
                    time.sleep(0.01)
        return Reader(mark)

    channels.append(channel)
    vars(worker).update(open_reader=open_reader, Bundle=_AnyBundle)
    worker.main(setup, channel, output, progress, place)


class _AnyBundle:
    """The stub's reader needs none; its sha256 is what the folder's name is, or is in a file of this name."""

    def __init__(self, path: Path) -> None:
        self.sha256 = path.read_text(encoding="utf-8") if path.is_file() else str(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Any."""
        return cls(path)
