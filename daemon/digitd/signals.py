"""Signals: the first SIGTERM or SIGINT asks the daemon to finish what is in hand, the second insists."""

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Self

INSISTED = 128


class StopSignals:
    """While it is entered, SIGTERM and SIGINT call ON_STOP once; a second one ends the process at once."""

    def __init__(self, on_stop: Callable[[str], None]) -> None:
        self._on_stop = on_stop
        self._asked = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self._asked:
            # Nothing is lost: what is not published yet is published at the next start.
            os._exit(INSISTED + number)
        self._asked = True
        self._on_stop(signal.Signals(number).name)
