"""A pool whose workers are on the nodes of a Ray cluster. Ray itself lives in a process beside the daemon.

What is in hand stays known here until it is read: a cluster that goes away costs the time until it is back.
"""

import atexit
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from multiprocessing.connection import wait

import msgspec

from digitd.errors import DigitdError
from digitd.pool.halving import TRIES_ALONE, Loss
from digitd.pool.interface import BundleReplacedError, Done
from digitd.pool.messages import Job, Setup
from digitd.pool.orders import Orders
from digitd.pool.ray_messages import Answer, ClusterSetup, NodeRefused, OrderLost, Refused, State
from digitd.pool.ray_speaker import JOIN_SECONDS, Speaker

AGAIN_SECONDS = 2.0
"""Between two tries to join a cluster that is away."""
LOOK_SECONDS = 0.5
STOP_SECONDS = 10.0
TRIES_ON_NODES = 16
"""Of a scan alone whose nodes are lost: they are shut down one after another, and it may be with each of them. A scan
that ends its worker is found by the node itself; one that takes whole nodes with it is not to go round for ever."""


class ClusterError(DigitdError):
    """The cluster is away at the start, or no node of it can read."""

    code = "cluster"


class RayPool:
    """The workers of a cluster, as a pool. One thread owns it."""

    def __init__(
        self,
        setup: Setup,
        address: str,
        count: int | None,
        timeout: float,
        memory: int,
        on_output: Callable[[int, str], None],
        on_loss: Callable[[int, Loss, int, str | None], None],
        on_refused: Callable[[str, str], None],
        on_away: Callable[[str | None], None],
        sha256: str | None = None,
    ) -> None:
        """ADDRESS and COUNT as in `ClusterSetup`; TIMEOUT, MEMORY, ON_OUTPUT, ON_LOSS and SHA256 as of a local pool.

        ON_REFUSED gets a node that is left out, and why; ON_AWAY why the cluster is away, once, and then None.
        """
        self._setup = ClusterSetup(setup, address, count, timeout, memory, sha256, "")
        self._on_output, self._on_loss, self._on_refused, self._on_away = on_output, on_loss, on_refused, on_away
        self._speaker: Speaker | None = None
        self._orders = Orders()
        self._state = State(0, 0)
        self._joined = False
        self._away: str | None = None
        self._refused: set[tuple[str, str]] = set()
        self._again_at = self._join_until = 0.0

    def start(self) -> None:
        """Start the process that joins the cluster."""
        atexit.register(self.stop)
        folder = tempfile.mkdtemp(prefix="digitd-ray-")
        self._setup = msgspec.structs.replace(self._setup, folder=folder)
        self._join_until = time.monotonic() + JOIN_SECONDS
        self._speaker = Speaker(self._setup, self._on_output)

    @property
    def ready(self) -> bool:
        """Whether it was joined, and a node has loaded; once it has been, what comes is read sooner or later."""
        return self._joined

    @property
    def troubled(self) -> str | None:
        """Why the cluster is away; None while it is there."""
        return self._away

    @property
    def wanted(self) -> int:
        """How many workers there should be."""
        return self._state.wanted

    @property
    def loaded(self) -> int:
        """How many workers have loaded their bundle."""
        return self._state.loaded

    @property
    def at_work(self) -> int:
        """How many workers have a batch in hand."""
        return min(self._state.loaded, self._orders.sent)

    @property
    def resident(self) -> int:
        """Bytes of memory of the process that speaks with Ray; what the nodes hold is theirs."""
        return 0 if self._speaker is None else self._speaker.resident

    @property
    def idle(self) -> int:
        """How many workers have nothing to do."""
        return max(0, self._state.loaded - len(self._orders))

    @property
    def queued(self) -> int:
        """How many batches wait for a worker, here or already with its node."""
        return max(0, len(self._orders) - self._state.loaded)

    @property
    def busy(self) -> bool:
        """Whether anything submitted is not done."""
        return bool(self._orders)

    @property
    def responsive(self) -> bool:
        """Whether the process that speaks with Ray is not overdue, or is to be started again."""
        return self._speaker is None or not self._speaker.overdue

    @property
    def pids(self) -> list[int]:
        """The process that speaks with Ray."""
        return [] if self._speaker is None else [self._speaker.pid]

    def submit(self, key: int, jobs: Iterable[Job]) -> None:
        """Read these. `poll` gives the findings back under KEY."""
        self._orders.add(key, jobs)
        self._hand_out()

    def poll(self, timeout: float | None, wakers: Iterable[int] = ()) -> list[Done]:
        """Wait at most TIMEOUT seconds for findings, or until one of the descriptors WAKERS is readable."""
        done: list[Done] = []
        patience = LOOK_SECONDS if timeout is None else min(timeout, LOOK_SECONDS)
        speaker = self._speaker
        words, output = (None, None) if speaker is None else speaker.sources
        for source in wait([each for each in (words, output, *wakers) if each is not None], patience):
            # The first word may be that it has ended.
            if speaker is None or speaker is not self._speaker:
                break
            if source is words:
                done += self._receive(speaker)
            elif source is output:
                speaker.tell()
        done += self._enforce()
        self._hand_out()
        return done

    def stop(self) -> None:
        """Leave the cluster; one that was started here ends with it."""
        if self._speaker is not None:
            speaker, self._speaker = self._speaker, None
            speaker.end(STOP_SECONDS)
        if self._setup.folder:
            shutil.rmtree(self._setup.folder, ignore_errors=True)
        atexit.unregister(self.stop)

    def _hand_out(self) -> None:
        while self._orders.waiting and self._speaker is not None and self._state.loaded:
            self._speaker.say(self._orders.send())

    def _receive(self, speaker: Speaker) -> list[Done]:
        try:
            word = speaker.hear()
        except (EOFError, OSError):
            return self._lose_speaker("the process that speaks with Ray ended", "Its output is in the log")
        match word:
            case State():
                self._state = word
                if word.loaded:
                    self._joined = True
                    self._note_away(None)
            case Refused(cause, remedy, replaced):
                if replaced:
                    raise BundleReplacedError(cause, remedy)
                return self._lose_speaker(cause, remedy)
            case NodeRefused(node, cause):
                if (node, cause) not in self._refused:
                    self._refused.add((node, cause))
                    self._on_refused(node, cause)
            case OrderLost(number, node):
                return self._lose(number, Loss.DIED, None, node, TRIES_ON_NODES)
            case Answer():
                return self._take_in(word)
        return []

    def _take_in(self, answer: Answer) -> list[Done]:
        for lost in answer.lost:
            self._on_loss(lost.pid, lost.loss, lost.scans, lost.node)
        for heard in answer.heard:
            self._on_output(heard.pid, heard.line)
        return self._orders.finish(answer.number, answer.findings, answer.seconds)

    def _lose(
        self, number: int, loss: Loss, suspect: int | None, node: str | None, tries: int = TRIES_ALONE
    ) -> list[Done]:
        """The node that had this order is gone, or its file cannot be read to the end here: it is tried elsewhere."""
        scans, done = self._orders.lose(number, loss, suspect, tries)
        if scans:
            self._on_loss(0 if self._speaker is None else self._speaker.pid, loss, scans, node)
        return done

    def _lose_speaker(self, cause: str, remedy: str) -> list[Done]:
        """All that was sent waits again, unchanged: no scan is to blame for a cluster that is away."""
        speaker, self._speaker = self._speaker, None
        if speaker is not None:
            speaker.end(0.0)
        if not self._joined:
            raise ClusterError(cause, remedy)
        self._orders.call_back()
        self._state = State(0, self._state.wanted)
        self._note_away(cause)
        self._again_at = time.monotonic() + AGAIN_SECONDS
        return []

    def _note_away(self, cause: str | None) -> None:
        """Say it once: tries in vain give other words, and are no news."""
        if (cause is None) != (self._away is None):
            self._away = cause
            self._on_away(cause)

    def _enforce(self) -> list[Done]:
        """Replace a process that does not get on; start one where there is none."""
        now = time.monotonic()
        if self._speaker is None:
            if now >= self._again_at:
                self._speaker = Speaker(self._setup, self._on_output)
            return []
        address = self._setup.address
        if not self._joined and now >= self._join_until:
            cause = f"no node of the cluster {address} was ready within {JOIN_SECONDS:.0f} s"
            return self._lose_speaker(cause, "Start nodes that have processors; `ray status` lists them")
        if not self._speaker.silent():
            return []
        done: list[Done] = []
        if self._speaker.suspect is not None:
            number, place = self._speaker.suspect
            done = self._lose(number, Loss.TIMEOUT, place, None)
        cause = f"the cluster {address} gives no sign of life"
        return done + self._lose_speaker(cause, "See `ray status`, and whether its nodes have room")
