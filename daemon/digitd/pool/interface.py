"""What the daemon and the commands need of a pool, wherever it reads: on this machine, or on a cluster."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from digitd.errors import DigitdError
from digitd.pool.messages import Finding, Job


class BundleReplacedError(DigitdError):
    """A worker loaded another bundle than the daemon, or the other workers, did: results would name the wrong model."""

    code = "bundle_replaced"


@dataclass(frozen=True)
class Done:
    """Everything submitted under KEY is read: one finding a job, in the order submitted."""

    key: int
    findings: tuple[Finding, ...]
    seconds: float


class Pool(Protocol):
    """Workers that read batches. One thread owns a pool: no locks, nothing shared."""

    def start(self) -> None:
        """Start the workers; `ready` tells when they have loaded."""

    @property
    def ready(self) -> bool:
        """Whether it has begun: what is submitted is read from now on."""

    @property
    def troubled(self) -> str | None:
        """What keeps all of it from being read for a while, in words; None while it is read."""

    @property
    def wanted(self) -> int:
        """How many workers there should be."""

    @property
    def loaded(self) -> int:
        """How many workers have loaded their bundle."""

    @property
    def at_work(self) -> int:
        """How many workers have a batch in hand."""

    @property
    def resident(self) -> int:
        """Bytes of memory that it holds on this machine, beside the daemon's own."""

    @property
    def idle(self) -> int:
        """How many workers have nothing to do."""

    @property
    def queued(self) -> int:
        """How many batches wait for a worker."""

    @property
    def busy(self) -> bool:
        """Whether anything submitted is not done."""

    @property
    def responsive(self) -> bool:
        """Whether nothing is overdue beyond the moment at which it should have been replaced."""

    @property
    def pids(self) -> list[int]:
        """Its processes on this machine."""

    def submit(self, key: int, jobs: Iterable[Job]) -> None:
        """Read these. `poll` gives the findings back under KEY."""

    def poll(self, timeout: float | None, wakers: Iterable[int] = ()) -> list[Done]:
        """Wait at most TIMEOUT seconds for findings, or until one of the descriptors WAKERS is readable.

        DigitdError where it cannot begin, or must not go on.
        """

    def stop(self) -> None:
        """End the workers: those without work at once, the others with it."""
