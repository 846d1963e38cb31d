"""Figures are counted rightly, with their interval."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitd.interval import wilson
from digitd.training.evaluate import compared


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [(9965, 10_000, 0.99515, 0.99748), (0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0), (50, 100, 0.40383, 0.59617)],
)
def test_wilsons_interval_has_the_published_values(correct: int, total: int, low: float, high: float) -> None:
    """Known values of the score interval, at the ends too."""
    assert wilson(correct, total) == pytest.approx((low, high), abs=2e-5)


@pytest.mark.parametrize("total", [1, 2, 4, 517, 1000, 9999])
def test_the_interval_ends_where_its_share_does(total: int) -> None:
    """Of none of them it begins with exactly 0, of all of them it ends with exactly 1."""
    assert (wilson(0, total)[0], wilson(total, total)[1]) == (0.0, 1.0)


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_the_interval_holds_the_share(correct: int, others: int) -> None:
    """Whatever the counts: 0 <= low <= share <= high <= 1."""
    low, high = wilson(correct, correct + others)
    share = correct / (correct + others) if correct + others else 0.5
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1


def test_confusions_are_counted_by_true_and_said() -> None:
    """A 7 read as 1 counts in row 7, column 1, and its index is among the wrong ones."""
    found = compared(np.eye(11, dtype=np.float32)[[1, 7, 1, 0]], np.array([1, 7, 7, 0], np.uint8))
    assert (found.correct, found.total, found.accuracy) == (3, 4, 0.75)
    assert found.confusion[7, 1] == 1
    assert found.confusion.sum() == 4
    assert found.wrong.tolist() == [2]
    assert found.figures().interval == found.interval
