"""What is not read yet of what a pool on a cluster was given: it waits here, or is on its way under a number."""

from collections import deque
from collections.abc import Iterable

from digitd.pool.fingerprint import fingerprint_of
from digitd.pool.halving import Batch, Loss, after_loss, blame
from digitd.pool.interface import Done
from digitd.pool.messages import Finding, Findings, Job
from digitd.pool.ray_messages import Order
from digitd.pool.submissions import Submissions


class Orders:
    """Each job that was submitted and is not done is in one batch, and that waits or is sent."""

    def __init__(self) -> None:
        self._waiting: deque[Batch] = deque()
        self._sent: dict[int, Batch] = {}
        self._numbers = 0
        self._submissions = Submissions()

    def __bool__(self) -> bool:
        return bool(self._submissions)

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sent)

    @property
    def waiting(self) -> bool:
        """Whether there is one to send."""
        return bool(self._waiting)

    @property
    def sent(self) -> int:
        """How many are on their way."""
        return len(self._sent)

    def add(self, key: int, jobs: Iterable[Job]) -> None:
        """These are to be read."""
        batch = Batch(key, jobs := tuple(jobs), tuple(range(len(jobs))))
        self._submissions.add(key, len(jobs))
        self._waiting.append(batch)

    def send(self) -> Order:
        """The one that has waited longest, which is on its way from now on."""
        batch = self._waiting.popleft()
        self._numbers += 1
        self._sent[self._numbers] = batch
        return Order(self._numbers, batch.jobs)

    def finish(self, number: int, findings: tuple[Finding, ...], seconds: float) -> list[Done]:
        """It is read; what is done by it. Nothing, where it was lost meanwhile and is read again."""
        batch = self._sent.pop(number, None)
        return [] if batch is None else self._submissions.finish(batch, Findings(findings, seconds))

    def lose(self, number: int, loss: Loss, suspect: int | None, tries: int) -> tuple[int, list[Done]]:
        """Who read it is gone: how many jobs that were, and what is done because its one job is to blame.

        One alone is given TRIES.
        """
        batch = self._sent.pop(number, None)
        if batch is None:
            return 0, []
        again = after_loss(batch, suspect, tries)
        self._waiting.extendleft(reversed(again))
        if again:
            return len(batch.jobs), []
        (job,) = batch.jobs
        identity, sha256 = fingerprint_of(job) or (None, None)
        return 1, self._submissions.finish(batch, Findings((blame(job, loss, identity, sha256),), 0.0))

    def call_back(self) -> None:
        """All that was sent waits again, unchanged: no scan is to blame."""
        self._waiting.extendleft(batch for _, batch in sorted(self._sent.items(), reverse=True))
        self._sent.clear()
