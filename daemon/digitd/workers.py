"""What the daemon and the commands share of their workers: what these need to begin, and what is logged of them."""

import importlib.util
import os
from collections.abc import Callable
from typing import Protocol

from digitd import log, names
from digitd.errors import ConfigError
from digitd.pool.halving import Loss
from digitd.pool.interface import Pool
from digitd.pool.local import LocalPool
from digitd.pool.messages import Setup
from digitd.pool.ray import RayPool
from digitd.recognition.bundle import shipped
from digitd.settings import Settings

OnOutput = Callable[[int, str], None]
"""Is told what a library of a worker printed."""


class OnLoss(Protocol):
    """Is told of a lost worker: its process, why, how many scans it had in hand, and on which node of a cluster."""

    def __call__(self, pid: int, loss: Loss, scans: int, node: str | None = None, /) -> None:
        """Take note of it."""


def setup_of(settings: Settings) -> Setup:
    """What the workers need to begin."""
    limits = settings.limits
    bundle = settings.model.bundle or shipped()
    engine = settings.model.engine
    return Setup(os.fspath(bundle), engine, limits.bytes, limits.pixels, limits.pages, limits.marks)


def pool_of(
    settings: Settings, sha256: str, on_loss: OnLoss, on_output: OnOutput | None = None, most: int | None = None
) -> Pool:
    """The workers, to be started; the bundle that they load must have this hash. MOST: no more local ones than that.

    ConfigError where what they need is not installed.
    """
    check_extra(settings)
    workers = settings.workers
    if workers.on == "ray":
        return RayPool(
            setup_of(settings),
            workers.address,
            None if workers.count == "auto" else workers.count,
            workers.timeout,
            workers.memory,
            on_output=on_output or say_output,
            on_loss=on_loss,
            on_refused=say_refused,
            on_away=say_away,
            sha256=sha256,
        )
    return LocalPool(
        setup_of(settings),
        workers.number if most is None else min(most, workers.number),
        workers.timeout,
        workers.memory,
        on_output=on_output or say_output,
        on_loss=on_loss,
        sha256=sha256,
    )


def reading_on(settings: Settings, where: str) -> Settings:
    """These settings, with `workers.on` as a command line has it."""
    return settings.model_copy(update={"workers": settings.workers.model_copy(update={"on": where})})


def check_extra(settings: Settings) -> None:
    """ConfigError where scans are to be read by what is not installed."""
    if settings.workers.on == "ray" and importlib.util.find_spec("ray") is None:
        raise ConfigError(
            "workers.on is ray, and Ray is not installed",
            "Install the extra (pip install 'digitd[ray]'), here and on every node, or set workers.on to local",
        )


def is_noise(line: str) -> bool:
    """Whether a library itself calls what it printed mere information."""
    return line.startswith("INFO:")


def say_output(pid: int, line: str) -> None:
    """A library's word."""
    say = log.get().debug if is_noise(line) else log.get().warning
    say("library_message", worker=pid, message=names.printable(line))


def say_loss(pid: int, loss: Loss, scans: int, node: str | None = None) -> None:
    """A worker was lost with so many scans in hand; they are read all the same."""
    where = {} if node is None else {"node": node}
    log.get().warning("worker_lost", worker=pid, cause=str(loss), scans=scans, **where)


def say_refused(node: str, cause: str) -> None:
    """A node of the cluster is left out."""
    remedy = "install the same digitd and libraries there, and start its Ray again"
    log.get().warning("node_refused", node=node, cause=names.printable(cause), remedy=remedy)


def say_away(cause: str | None) -> None:
    """The cluster went, or is back; what is in hand waits meanwhile."""
    if cause is None:
        log.get().info("cluster_back")
    else:
        remedy = "start it again: digitd goes on by itself, and nothing is lost"
        log.get().error("cluster_away", error=names.printable(cause), remedy=remedy)
