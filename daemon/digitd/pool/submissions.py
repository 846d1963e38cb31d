"""What was submitted to a pool, put together again from the parts in which it was read."""

from dataclasses import dataclass, field

from digitd.pool.halving import Batch
from digitd.pool.interface import Done
from digitd.pool.messages import Finding, Findings


@dataclass
class _Submission:
    findings: list[Finding | None]
    seconds: float = 0.0
    open_jobs: int = field(init=False)

    def __post_init__(self) -> None:
        self.open_jobs = len(self.findings)


class Submissions:
    """Those that are not done."""

    def __init__(self) -> None:
        self._open: dict[int, _Submission] = {}

    def __bool__(self) -> bool:
        return bool(self._open)

    def add(self, key: int, jobs: int) -> None:
        """So many jobs were submitted under KEY."""
        self._open[key] = _Submission([None] * jobs)

    def finish(self, batch: Batch, answer: Findings) -> list[Done]:
        """These are read; gives the submission that is done by it, if one is."""
        submission = self._open[batch.key]
        for place, finding in zip(batch.places, answer.findings, strict=True):
            submission.findings[place] = finding
        submission.open_jobs -= len(batch.places)
        submission.seconds += answer.seconds
        if submission.open_jobs:
            return []
        del self._open[batch.key]
        findings = tuple(finding for finding in submission.findings if finding is not None)
        return [Done(batch.key, findings, submission.seconds)]
