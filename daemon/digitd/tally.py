"""What the daemon has counted since it was started: whole numbers, added to as it works. Pure."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator

from digitd.errors import ScanError
from digitd.pool.halving import Loss
from digitd.results import Status

LATENCY_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""Seconds: from a lone scan on an idle machine (0.1) to a backlog that takes an hour."""
BATCH_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds: from one small scan to `workers.timeout`, by default."""
REVIEW_REASONS = ("low_confidence", "low_margin", "no_digits", "unread_mark", "digits_expected")


class Histogram:
    """How many of what was observed, in seconds, lay below each of some bounds, and their sum."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count one; a clock that was set back makes none of them negative."""
        seconds = max(0.0, seconds)
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds

    def cumulative(self) -> Iterator[tuple[float, int]]:
        """Each bound with how many lay at or below it; the last bound is infinite."""
        total = 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            total += count
            yield bound, total


class Tally:
    """One for the life of the process, whatever is configured anew. Each count that can be named begins at 0."""

    def __init__(self) -> None:
        self.published: Counter[str] = Counter({str(status): 0 for status in Status})
        """Scans whose results are published, and which are filed, by status."""
        self.reasons: Counter[str] = Counter(dict.fromkeys(_reasons(), 0))
        self.latency = Histogram(LATENCY_BOUNDS)
        """From when a scan was whole until it was published and filed."""
        self.batches = Histogram(BATCH_BOUNDS)
        self.lost: Counter[str] = Counter(dict.fromkeys(map(str, Loss), 0))
        """Workers that had to be replaced, by cause."""
        self.pauses = 0
        """How often delivery had to wait: for room, or for a right."""
        self.last_published: float | None = None
        """Seconds since 1970."""

    def publish(self, status: str, reason: str | None, received: float | None, now: float) -> None:
        """Count a scan that was published and filed at NOW; RECEIVED is None if that was before this start."""
        self.published[status] += 1
        if reason is not None:
            self.reasons[reason] += 1
        if received is not None:
            self.latency.observe(now - received)
        self.last_published = now


def _reasons() -> Iterable[str]:
    """Every code that `reason` can have, so that the first of its kind is seen as a rise from 0."""
    kinds: list[type[ScanError]] = [ScanError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return [*(kind.code for kind in kinds), *REVIEW_REASONS]
