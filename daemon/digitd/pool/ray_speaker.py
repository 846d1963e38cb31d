"""The process that speaks with Ray, as the daemon's pool sees it: what goes there, what comes, and whether it lives."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue

from digitd.pool.process import WorkerProcess, context, enter_cluster
from digitd.pool.ray_messages import PLACES, ClusterSetup, Order, Word, decode_word, encode

JOIN_SECONDS = 120.0
"""Within which a cluster is joined: one that is started here takes some of them on a busy machine."""
SILENT_SECONDS = 30.0
"""Of the process, which turns twice a second; reading a file has `workers.timeout`."""
ANSWER_MOST = 1 << 30
SENDER_SECONDS = 1.0
"""Until a send to a process that was killed has failed."""


class Speaker:
    """It is started with this, and never again: a pool makes another one."""

    def __init__(self, setup: ClusterSetup, on_output: Callable[[int, str], None]) -> None:
        """ON_OUTPUT gets what it prints."""
        self._timeout, self._on_output = setup.timeout, on_output
        deadline = time.monotonic() + JOIN_SECONDS
        self._process = WorkerProcess.start(context(), setup, deadline, target=enter_cluster)
        # A thread, for a channel takes a few orders, and not those of a whole cluster: who waited for room in it would
        # not hear the answers that the other side waits to have taken, nor whether it hangs.
        self._orders: SimpleQueue[bytes | None] = SimpleQueue()
        self._let_go = False
        self._sender = threading.Thread(target=self._send, name="digitd-orders", daemon=True)
        self._sender.start()

    @property
    def sources(self) -> tuple[Connection, Connection]:
        """Where its words come, and what it prints."""
        return self._process.channel, self._process.output

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def resident(self) -> int:
        """Bytes of memory that it holds."""
        return self._process.resident()

    @property
    def overdue(self) -> bool:
        """Whether it should have been replaced long ago."""
        return time.monotonic() >= self._process.deadline + SILENT_SECONDS

    def say(self, order: Order) -> None:
        """Have this read; never waits. Where it has ended, `hear` tells."""
        self._orders.put(encode(order))

    def _send(self) -> None:
        with suppress(OSError):
            while (order := self._orders.get()) is not None and not self._let_go:
                self._process.channel.send_bytes(order)

    def hear(self) -> Word:
        """The word that has come. EOFError, OSError: it has ended."""
        return decode_word(self._process.channel.recv_bytes(ANSWER_MOST))

    def tell(self, *, to_its_end: bool = False) -> None:
        """Pass on what it printed."""
        for line in self._process.lines(to_its_end=to_its_end):
            self._on_output(self.pid, line)

    def silent(self) -> bool:
        """Whether it gets no further."""
        process, now = self._process, time.monotonic()
        if process.progress.value != process.progress_seen:
            process.progress_seen = process.progress.value
            process.deadline = now + (SILENT_SECONDS if process.suspect is None else self._timeout)
        return now >= process.deadline

    @property
    def suspect(self) -> tuple[int, int] | None:
        """The order and the place in it whose file it reads; None if it reads none."""
        return None if self._process.suspect is None else divmod(self._process.suspect, PLACES)

    def end(self, patience: float) -> None:
        """Let go of it, and end it where it has not ended after PATIENCE seconds."""
        self._let_go = True
        self._orders.put(None)
        self._sender.join(patience)
        if self._sender.is_alive():
            # It takes nothing any more.
            self._process.end(0.0)
            self._sender.join(SENDER_SECONDS)
        self._process.channel.close()
        self._process.end(patience)
        self.tell(to_its_end=True)
        self._process.output.close()
