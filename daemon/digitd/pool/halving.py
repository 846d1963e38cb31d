"""What to do with a batch whose worker was lost: divide it until the scan that did it stands alone. Pure."""

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from digitd.errors import ScanError, WorkerDiedError, WorkerMemoryError, WorkerTimeoutError
from digitd.pool.messages import Finding, Identity, Job, Seen
from digitd.results import Reason, failed

# A worker may have been killed from outside: a scan alone gets a second try before it is blamed.
TRIES_ALONE = 2


class Loss(StrEnum):
    """Why a worker was lost."""

    DIED = "died"
    TIMEOUT = "timeout"
    MEMORY = "memory"


@dataclass(frozen=True)
class Batch:
    """Jobs read together. KEY is the daemon's; PLACES are the jobs' positions in what it submitted."""

    key: int
    jobs: tuple[Job, ...]
    places: tuple[int, ...]
    tries: int = 0


def after_loss(batch: Batch, suspect: int | None = None, tries: int = TRIES_ALONE) -> tuple[Batch, ...]:
    """The batches to try instead. None left: the one scan is to blame.

    SUSPECT is the job, counted in this batch, at which the worker was; without one (it was at all of them, in the
    network) the batch is halved. A suspect is set apart, and no more than that: only who stood alone is blamed,
    and only after so many TRIES alone.
    """
    if len(batch.jobs) == 1:
        again = replace(batch, tries=batch.tries + 1)
        return (again,) if again.tries < tries else ()
    count = len(batch.jobs)
    cuts = [count // 2]
    if suspect is not None and 0 <= suspect < count:
        cuts = [suspect, suspect + 1]
    return tuple(
        Batch(batch.key, batch.jobs[start:end], batch.places[start:end])
        for start, end in pairwise([0, *cuts, count])
        if start < end
    )


def blame(job: Job, loss: Loss, identity: Identity | None, sha256: str | None) -> Finding:
    """The finding of a scan that cost its worker."""
    error = _ERRORS[loss]
    return Finding(Seen.READ, failed(Reason(error.code, f"{job.name}: {error}")), identity, sha256)


_ERRORS: dict[Loss, ScanError] = {
    Loss.DIED: WorkerDiedError(
        "the process that read it died, twice",
        "Convert the file to PNG and drop it again; please report it, for no file should do this",
    ),
    Loss.TIMEOUT: WorkerTimeoutError(
        "reading a page of it took longer than workers.timeout, twice",
        "Reduce the picture, or raise workers.timeout",
    ),
    Loss.MEMORY: WorkerMemoryError(
        "reading it took more memory than workers.memory, twice",
        "Reduce the picture, or raise workers.memory",
    ),
}
