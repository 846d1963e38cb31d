"""What the daemon and the commands share of their workers: what these need to begin, and what is logged of them."""

import os
from collections.abc import Callable

from digitd import log, names
from digitd.pool.halving import Loss
from digitd.pool.local import LocalPool
from digitd.pool.messages import Setup
from digitd.recognition.bundle import shipped
from digitd.settings import Settings

OnLoss = Callable[[int, Loss, int], None]
"""Is told of a lost worker: its process, why, and how many scans it had in hand."""


def setup_of(settings: Settings) -> Setup:
    """What the workers need to begin."""
    limits = settings.limits
    bundle = settings.model.bundle or shipped()
    engine = settings.model.engine
    return Setup(os.fspath(bundle), engine, limits.bytes, limits.pixels, limits.pages, limits.marks)


def pool_of(settings: Settings, sha256: str, on_loss: OnLoss) -> LocalPool:
    """The daemon's workers, to be started; the bundle that they load must have this hash."""
    workers = settings.workers
    return LocalPool(
        setup_of(settings),
        workers.number,
        workers.timeout,
        workers.memory,
        on_output=say_output,
        on_loss=on_loss,
        sha256=sha256,
    )


def is_noise(line: str) -> bool:
    """Whether a library itself calls what it printed mere information."""
    return line.startswith("INFO:")


def say_output(pid: int, line: str) -> None:
    """A library's word."""
    say = log.get().debug if is_noise(line) else log.get().warning
    say("library_message", worker=pid, message=names.printable(line))


def say_loss(pid: int, loss: Loss, scans: int) -> None:
    """A worker was lost with so many scans in hand; they are read all the same."""
    log.get().warning("worker_lost", worker=pid, cause=str(loss), scans=scans)
