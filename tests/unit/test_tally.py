"""What the daemon counts, by values."""

import re
from pathlib import Path

from digitd.pool.halving import Loss
from digitd.tally import REVIEW_REASONS, Histogram, Tally

OUTCOMES = Path(__file__).parents[2] / "daemon" / "digitd" / "recognition" / "outcomes.py"


def test_a_histogram_counts_what_lies_at_or_below_each_bound() -> None:
    """A value at a bound belongs below it, one above all bounds to the last, and a negative one is none at all long."""
    histogram = Histogram((1.0, 10.0))
    for seconds in (0.5, 1.0, 1.5, 10.0, 11.0, -3.0):
        histogram.observe(seconds)
    assert [*histogram.cumulative()] == [(1.0, 3), (10.0, 5), (float("inf"), 6)]
    assert histogram.sum == 24.0


def test_every_count_that_can_be_named_begins_at_0() -> None:
    """So that Prometheus sees the first failure of a kind as a rise."""
    tally = Tally()
    assert tally.published == {"accepted": 0, "review": 0, "blank": 0, "failed": 0, "verified": 0}
    assert tally.reasons["not_an_image"] == tally.reasons["worker_died"] == tally.reasons["low_confidence"] == 0
    assert {"not_an_image", "worker_died", "unreadable", "low_confidence"} <= tally.reasons.keys()
    assert {str(loss) for loss in Loss} == tally.lost.keys()


def test_the_reasons_of_a_review_are_those_that_recognition_gives() -> None:
    """None is missing, and none is made up."""
    given = set(re.findall(r'"([a-z]+_[a-z]+)"', OUTCOMES.read_text(encoding="utf-8")))
    assert given == set(REVIEW_REASONS)


def test_a_published_scan_is_counted_by_status_reason_and_latency() -> None:
    """One from before this start has no latency: it is not known since when it waited."""
    tally = Tally()
    tally.publish("accepted", None, 100.0, 100.2)
    tally.publish("failed", "empty", None, 101.0)
    assert (tally.published["accepted"], tally.published["failed"], tally.reasons["empty"]) == (1, 1, 1)
    assert tally.latency.sum == 100.2 - 100.0
    assert sum(tally.latency.counts) == 1
    assert tally.last_published == 101.0
