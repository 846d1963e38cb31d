"""A decoder as the fuzzer sees it: bytes go to a process of their own, and what came of them must be documented."""

import math
import os
import subprocess
import sys
import time
from collections import Counter
from multiprocessing import Pipe
from random import Random
from typing import Self

from e2e.harness import ROOT
from fuzz.mutants import mutant
from fuzz.seeds import seeds

PATIENCE = 20.0
"""Seconds for one try: the slowest take less than one, and `workers.timeout` is 60 for scans 200 times as large."""
ENOUGH = 5
"""What was found so often in one campaign is one mistake."""


class BrokenError(AssertionError):
    """A decoder did what it must not."""


class Target:
    """The decoder of a format, in a process that is started anew where it died. A context, that ends it."""

    def __init__(self, form: str) -> None:
        self.form, self.patience = form, PATIENCE
        self.came: Counter[str] = Counter()
        """What came of all tries: `decoded`, or a failure's code."""

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def signal(self, number: int) -> None:
        """As the kernel does to a process that crashes."""
        self._process.send_signal(number)

    def holds(self, data: bytes) -> None:
        """BrokenError unless DATA is decoded to what is promised, or is refused as documented."""
        try:
            self._channel.send_bytes(data)
            answered = self._channel.poll(self.patience)
            verdict = self._channel.recv_bytes().decode() if answered else f"it takes longer than {self.patience} s"
        except (EOFError, ConnectionError):
            verdict = f"the process died of it, with {self._process.wait()}"
        if " " in verdict:
            self._end()
            self._start()
            raise BrokenError(verdict)
        self.came[verdict] += 1

    def campaign(self, seed: int, tries: int = sys.maxsize, seconds: float = math.inf) -> dict[str, bytes]:
        """Try mutants of one SEED, so many or so long; gives the files that broke a promise, by what came of them."""
        valid, chance, found = seeds(self.form), Random(seed), dict[str, bytes]()
        until = time.monotonic() + seconds
        while tries > 0 and time.monotonic() < until and len(found) < ENOUGH:
            tries -= 1
            tried = mutant(self.form, valid, chance)
            try:
                self.holds(tried)
            except BrokenError as error:
                found.setdefault(str(error), tried)
        return found

    def _start(self) -> None:
        self._channel, inside = Pipe()
        path = os.pathsep.join((str(ROOT / "daemon"), str(ROOT / "tests")))
        # Freed memory goes back at once, so that what is kept is seen.
        env = os.environ | {"PYTHONPATH": path, "MALLOC_TRIM_THRESHOLD_": "0", "OPENCV_LOG_LEVEL": "OFF"}
        command = [sys.executable, "-m", "fuzz.child", self.form, str(inside.fileno())]
        self._process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, pass_fds=[inside.fileno()])
        inside.close()

    def _end(self) -> None:
        self._channel.close()
        self._process.kill()
        self._process.wait()
