"""Signals: the first SIGTERM or SIGINT asks to finish what is in hand, the second insists; SIGHUP asks to reload."""

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Self

INSISTED = 128


class StopSignals:
    """While it is entered, SIGTERM and SIGINT call ON_STOP once; a second one ends the process at once.

    SIGHUP calls ON_RELOAD each time. Without one it is what a terminal says that closes, and stops as the others do,
    unless whoever started the process (nohup) has it ignored.
    """

    def __init__(self, on_stop: Callable[[str], None], on_reload: Callable[[], None] | None = None) -> None:
        self._on_stop, self._on_reload = on_stop, on_reload
        self._asked = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._handle)
        if self._on_reload is not None or signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            handle = self._handle if self._on_reload is None else self._reload
            self._before[signal.SIGHUP] = signal.signal(signal.SIGHUP, handle)
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

    def _reload(self, _: int, __: FrameType | None) -> None:
        if self._on_reload is not None:
            self._on_reload()
