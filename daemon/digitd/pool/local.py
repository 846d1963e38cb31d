"""Worker processes on this machine, each with a channel of its own; one that dies or hangs is replaced."""

import atexit
import time
from collections import deque
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection, wait

import msgspec

from digitd.errors import BundleError, DigitdError
from digitd.pool.fingerprint import fingerprint_of
from digitd.pool.halving import Batch, Loss, after_loss, blame
from digitd.pool.interface import BundleReplacedError as BundleReplacedError
from digitd.pool.interface import Done as Done
from digitd.pool.messages import Findings, Hello, Job, Refusal, Setup, decode_answer, encode
from digitd.pool.process import WorkerProcess, context
from digitd.pool.submissions import Submissions

MEMORY_CHECK_SECONDS = 0.5
# A worker that has not loaded its bundle by then is replaced; TensorFlow alone takes seconds to import.
ANSWER_MOST = 256 << 20
"""Bytes of an answer: a batch of one scan with as many pages and marks as limits allow takes 80 MB."""
LOAD_SECONDS = 120.0
LOAD_FAILURES_MOST = 3
STOP_SECONDS = 2.0
OVERDUE_SECONDS = 10.0


class WorkersFailError(DigitdError):
    """Workers die before they have loaded their bundle."""

    code = "workers"


class LocalPool:
    """COUNT processes that each load the bundle once. One thread owns a pool: no locks, nothing shared."""

    def __init__(
        self,
        setup: Setup,
        count: int,
        timeout: float,
        memory: int,
        on_output: Callable[[int, str], None],
        on_loss: Callable[[int, Loss, int], None],
        sha256: str | None = None,
    ) -> None:
        """TIMEOUT in seconds for one scan, MEMORY in bytes for one worker.

        ON_OUTPUT gets a worker's pid and a line that a library printed, or once what a worker's box does not keep in;
        ON_LOSS a pid, the cause, and how many scans it had in hand. SHA256 is that of the bundle that results
        name; without one, all load what the first one loads.
        """
        self._setup = setup
        self._count = count
        self._timeout = timeout
        self._memory = memory
        self._on_output = on_output
        self._on_loss = on_loss
        self._workers: list[WorkerProcess] = []
        self._waiting: deque[Batch] = deque()
        self._submissions = Submissions()
        self._load_failures = 0
        self._bundle = sha256
        self._memory_checked = 0.0
        self._unboxed_said = False
        self._context = context()

    def start(self) -> None:
        """Start the processes; `ready` tells when all have loaded."""
        # They heed no signal but kill: without this, a program that ends by an exception would wait for them for ever.
        atexit.register(self.stop)
        while len(self._workers) < self._count:
            self._workers.append(self._spawn())

    @property
    def ready(self) -> bool:
        """Whether every worker has loaded its bundle."""
        return len(self._workers) == self._count and all(worker.loaded for worker in self._workers)

    @property
    def troubled(self) -> str | None:
        """Nothing: a process of this machine that is lost is replaced at once."""
        return None

    @property
    def wanted(self) -> int:
        """How many workers there should be."""
        return self._count

    @property
    def loaded(self) -> int:
        """How many workers have loaded their bundle."""
        return sum(worker.loaded for worker in self._workers)

    @property
    def at_work(self) -> int:
        """How many workers have a batch in hand."""
        return sum(worker.batch is not None for worker in self._workers)

    @property
    def resident(self) -> int:
        """Bytes of memory that the workers hold, pages that they share counted for each."""
        return sum(worker.resident() for worker in self._workers)

    @property
    def idle(self) -> int:
        """How many workers have nothing to do."""
        free = sum(worker.free for worker in self._workers)
        return max(0, free - len(self._waiting))

    @property
    def queued(self) -> int:
        """How many batches wait for a worker."""
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether anything submitted is not done."""
        return bool(self._submissions)

    @property
    def responsive(self) -> bool:
        """Whether no worker is overdue beyond the moment at which it should have been replaced."""
        now = time.monotonic()
        return all(
            now < worker.deadline + OVERDUE_SECONDS
            for worker in self._workers
            if worker.batch is not None or not worker.loaded
        )

    @property
    def pids(self) -> list[int]:
        """The processes."""
        return [worker.pid for worker in self._workers]

    def submit(self, key: int, jobs: Iterable[Job]) -> None:
        """Read these. `poll` gives the findings back under KEY."""
        batch = Batch(key, jobs := tuple(jobs), tuple(range(len(jobs))))
        self._submissions.add(key, len(jobs))
        self._waiting.append(batch)
        self._hand_out()

    def poll(self, timeout: float | None, wakers: Iterable[int] = ()) -> list[Done]:
        """Wait at most TIMEOUT seconds for findings, or until one of the descriptors WAKERS is readable."""
        patience = self._until_next_check(timeout)
        sources: dict[Connection, WorkerProcess] = {}
        for worker in self._workers:
            sources[worker.channel] = worker
            sources[worker.output] = worker
        done: list[Done] = []
        for source in wait([*sources, *wakers], patience):
            worker_of = sources.get(source) if isinstance(source, Connection) else None
            if worker_of is None or worker_of not in self._workers:
                continue
            if source is worker_of.output:
                self._tell(worker_of)
            else:
                done += self._receive(worker_of)
        self._enforce_limits()
        self._hand_out()
        return done

    def stop(self) -> None:
        """End the processes: those without work at once, the others with it."""
        for worker in self._workers:
            worker.channel.close()
        deadline = time.monotonic() + STOP_SECONDS
        for worker in self._workers:
            worker.end(max(0.0, deadline - time.monotonic()))
            self._tell(worker, to_its_end=True)
            worker.output.close()
        self._workers.clear()
        atexit.unregister(self.stop)

    def _spawn(self) -> WorkerProcess:
        return WorkerProcess.start(self._context, self._setup, time.monotonic() + LOAD_SECONDS)

    def _tell(self, worker: WorkerProcess, *, to_its_end: bool = False) -> None:
        for line in worker.lines(to_its_end=to_its_end):
            self._on_output(worker.pid, line)

    def _hand_out(self) -> None:
        for worker in self._workers:
            if not self._waiting:
                return
            if worker.free:
                batch = self._waiting.popleft()
                worker.take(batch, time.monotonic() + self._timeout)
                try:
                    worker.channel.send_bytes(encode(batch.jobs))
                except OSError:
                    # It died while idle; its end of the channel tells `poll`, which gives the batch to another.
                    return

    def _receive(self, worker: WorkerProcess) -> list[Done]:
        try:
            answer = decode_answer(worker.channel.recv_bytes(ANSWER_MOST))
        except (EOFError, OSError):
            return self._replace(worker, worker.doomed or Loss.DIED)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # What made a decoder write this has the worker; it gets nothing else.
            return self._replace(worker, Loss.DIED)
        if not _is_awaited(answer, worker):
            return self._replace(worker, Loss.DIED)
        if isinstance(answer, Hello):
            self._welcome(worker, answer)
            return []
        if isinstance(answer, Refusal):
            raise BundleError(answer.cause, answer.remedy)
        batch, worker.batch = worker.batch, None
        return [] if batch is None else self._submissions.finish(batch, answer)

    def _welcome(self, worker: WorkerProcess, hello: Hello) -> None:
        self._bundle = self._bundle or hello.bundle
        if hello.bundle != self._bundle:
            raise BundleReplacedError(
                "the bundle on the disk is no longer the one that this digitd has loaded",
                "Start digitd again: it then reads with the new one, and says so in its results",
            )
        if hello.unboxed is not None and not self._unboxed_said:
            self._unboxed_said = True
            self._on_output(worker.pid, hello.unboxed)
        worker.loaded = True
        self._load_failures = 0

    def _replace(self, worker: WorkerProcess, loss: Loss) -> list[Done]:
        self._workers.remove(worker)
        worker.end(0.0)
        self._tell(worker, to_its_end=True)
        worker.channel.close()
        worker.output.close()
        if not worker.loaded:
            self._load_failures += 1
            if self._load_failures >= LOAD_FAILURES_MOST:
                raise WorkersFailError(
                    f"{self._load_failures} workers in a row ended before they had loaded the bundle",
                    "Read their output above; `digitd check` tells whether the bundle and the libraries are whole",
                )
        done: list[Done] = []
        if worker.batch is not None:
            self._on_loss(worker.pid, loss, len(worker.batch.jobs))
            again = after_loss(worker.batch, worker.suspect)
            self._waiting.extendleft(reversed(again))
            if not again:
                (job,) = worker.batch.jobs
                identity, sha256 = fingerprint_of(job) or (None, None)
                blamed = Findings((blame(job, loss, identity, sha256),), 0.0)
                done = self._submissions.finish(worker.batch, blamed)
        else:
            self._on_loss(worker.pid, loss, 0)
        self._workers.append(self._spawn())
        return done

    def _enforce_limits(self) -> None:
        """Kill what hangs or grows; the closed channel then tells `poll` that the worker is lost."""
        now = time.monotonic()
        check_memory = now - self._memory_checked >= MEMORY_CHECK_SECONDS
        if check_memory:
            self._memory_checked = now
        for worker in self._workers:
            if worker.doomed is not None or (worker.loaded and worker.batch is None):
                continue
            if worker.progress.value != worker.progress_seen:
                worker.progress_seen = worker.progress.value
                worker.deadline = now + self._timeout
            if now >= worker.deadline:
                worker.doomed = Loss.TIMEOUT
            elif check_memory and worker.resident() > self._memory:
                worker.doomed = Loss.MEMORY
            if worker.doomed is not None:
                worker.kill()

    def _until_next_check(self, timeout: float | None) -> float | None:
        at_work = [worker for worker in self._workers if worker.batch is not None or not worker.loaded]
        if not at_work:
            return timeout
        nearest = min(worker.deadline for worker in at_work) - time.monotonic()
        patience = max(0.0, min(nearest, MEMORY_CHECK_SECONDS))
        return patience if timeout is None else min(timeout, patience)


def _is_awaited(answer: Hello | Refusal | Findings, worker: WorkerProcess) -> bool:
    """Whether a worker may say this now: a word of its bundle first, and then one finding for each job in hand."""
    if isinstance(answer, Findings):
        return worker.batch is not None and len(answer.findings) == len(worker.batch.jobs)
    return not worker.loaded
