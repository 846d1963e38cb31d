"""One worker process: the daemon's handle on it, and the door into it. Light: the daemon itself needs no imaging."""

import multiprocessing
import os
import secrets
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from ctypes import c_int64, c_uint64
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Self

import psutil

from digitd.errors import FolderError
from digitd.pool.halving import Batch, Loss
from digitd.pool.messages import NOWHERE, Setup
from digitd.pool.ray_messages import LOCAL, ClusterSetup

SERVER_TRIES, SERVER_PAUSE = 100, 0.02
"""Looks at a killed server until it counts as ended, and seconds between them: on a busy machine that takes a while."""
OUTPUT_CHUNK = 65536
SOCKET_PATH_MOST = 107
"""Bytes of a Unix socket's path (unix(7))."""
SOCKET_BELOW = "/pymp-01234567/listener-01234567"
"""What multiprocessing puts below the temporary folder."""
SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")


def enter(setup: Setup, channel: Connection, output: Connection, progress: c_uint64, place: c_int64) -> None:
    """Become a worker."""
    from digitd.pool.worker import main

    main(setup, channel, output, progress, place)


def enter_cluster(
    setup: ClusterSetup, channel: Connection, output: Connection, progress: c_uint64, place: c_int64
) -> None:
    """Become the process that speaks with Ray."""
    if setup.address == LOCAL:
        # A token for nobody else, before Ray looks for one: left to itself it would write one into the user's home.
        os.environ["RAY_AUTH_MODE"], os.environ["RAY_AUTH_TOKEN"] = "token", secrets.token_hex(32)
    from digitd.pool.ray_driver import main

    main(setup, channel, output, progress, place)


@dataclass
class WorkerProcess:
    """A worker as the daemon sees it: the process, its channel, what it printed, and what it has in hand."""

    process: ForkServerProcess
    channel: Connection
    output: Connection
    progress: c_uint64
    place: c_int64
    loaded: bool = False
    batch: Batch | None = None
    progress_seen: int = 0
    deadline: float = 0.0
    doomed: Loss | None = None
    last_words: bytes = b""

    @property
    def free(self) -> bool:
        """Whether it can take a batch."""
        return self.loaded and self.batch is None and self.doomed is None

    @classmethod
    def start(
        cls,
        context: ForkServerContext,
        setup: Setup | ClusterSetup,
        deadline: float,
        target: Callable[..., None] | None = None,
    ) -> Self:
        """Start one that has until DEADLINE (monotonic seconds) to load its bundle; TARGET is what it becomes."""
        channel, channel_inside = context.Pipe()
        output, output_inside = context.Pipe(duplex=False)
        progress = context.RawValue(c_uint64, 0)
        place = context.RawValue(c_int64, NOWHERE)
        process = context.Process(
            target=target or enter,
            args=(setup, channel_inside, output_inside, progress, place),
            name="digitd-worker",
            daemon=True,
        )
        _start_apart(process)
        channel_inside.close()
        output_inside.close()
        os.set_blocking(output.fileno(), False)
        return cls(process, channel, output, progress, place, deadline=deadline)

    def take(self, batch: Batch, deadline: float) -> None:
        """Have this in hand until DEADLINE (monotonic seconds), or a while longer with each progress."""
        self.batch, self.deadline = batch, deadline
        self.progress_seen = self.progress.value
        self.place.value = NOWHERE

    @property
    def suspect(self) -> int | None:
        """The job of its batch at which it is; None if that cannot be said."""
        return None if self.place.value == NOWHERE else self.place.value

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid or 0

    def kill(self) -> None:
        """End it, whatever it does; its closed channel tells when it has ended."""
        self.process.kill()

    def end(self, patience: float) -> None:
        """Wait PATIENCE seconds for its end, then end it."""
        self.process.join(patience)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()

    def resident(self) -> int:
        """Bytes of memory that it holds; none once it has ended."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    def lines(self, *, to_its_end: bool = False) -> Iterator[str]:
        """What it printed, by lines; TO_ITS_END (nothing comes any more) also what stands after the last of them."""
        while chunk := _read_now(self.output):
            *lines, self.last_words = (self.last_words + chunk)[-OUTPUT_CHUNK:].split(b"\n")
            yield from _texts(lines)
        if to_its_end:
            yield from _texts([self.last_words])
            self.last_words = b""


def _texts(lines: Iterable[bytes]) -> Iterator[str]:
    return (line.decode("utf-8", "backslashreplace") for line in lines if line.strip())


def _read_now(output: Connection) -> bytes:
    """What lies in a pipe that does not block; nothing where it is empty or closed."""
    try:
        return os.read(output.fileno(), OUTPUT_CHUNK)
    except OSError:
        return b""


def _start_apart(process: ForkServerProcess) -> None:
    """Start a worker that no signal to the daemon's process group ends: draining needs it.

    The fork server, started with the first worker, inherits what is blocked here, and lives as long as the daemon.
    """
    # It lifts the block at its own start, so that comes first.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGHUP, signal.SIGINT, signal.SIGTERM))
    try:
        for left in reversed(range(SERVER_TRIES)):
            try:
                process.start()
                return
            except (EOFError, ConnectionError):
                # The server was killed, and had not ended yet when it was looked at: the next look starts another.
                if not left:
                    raise
                time.sleep(SERVER_PAUSE)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _temporary_folder() -> str:
    """$TMPDIR, or another one where the path of a socket in it would be longer than the kernel takes."""
    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError as error:
        raise FolderError(
            f"there is no temporary folder: {error.strerror}", "make /tmp writable, or set TMPDIR to a folder that is"
        ) from error
    if len(os.fsencode(folder)) <= SOCKET_PATH_MOST - len(SOCKET_BELOW):
        return folder
    short = next((each for each in SHORT_FOLDERS if os.access(each, os.W_OK | os.X_OK)), None)
    if short is None:
        raise FolderError(f"the path of the temporary folder {folder} is too long", "set TMPDIR to a shorter one")
    return short


def context() -> ForkServerContext:
    """Workers are forked from a server that has imported the libraries: started in milliseconds, pages shared.

    FolderError where there is no temporary folder for its socket.
    """
    tempfile.tempdir = _temporary_folder()
    # One thread a worker: the workers are what uses the other processors.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(["digitd.pool.worker"])
    return forking
