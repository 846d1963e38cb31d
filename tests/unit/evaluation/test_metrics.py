"""Figures of readings with a confidence have the values that a hand computes."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitd.evaluation.metrics import (
    Point,
    choose_threshold,
    confusion,
    expected_calibration_error,
    needed,
    reliability,
    risk_coverage,
    thinned,
)
from digitd.interval import wilson

READINGS = st.lists(st.tuples(st.integers(0, 100), st.booleans()), max_size=60)


def arrays(readings: list[tuple[int, bool]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Confidences in hundredths, and what is right, as arrays."""
    return np.array([c / 100 for c, _ in readings], np.float64), np.array([right for _, right in readings], np.bool_)


def test_the_curve_has_a_point_for_each_confidence() -> None:
    """Equal confidences are accepted together, and coverage is of all, those never accepted among them."""
    curve = risk_coverage(np.array([0.9, 0.5, 0.9, 0.7]), np.array([True, False, False, True]), total=8)
    assert curve == [Point(0.9, 2, 1, 0.25, 0.5), Point(0.7, 3, 1, 0.375, 1 / 3), Point(0.5, 4, 2, 0.5, 0.5)]
    assert curve[0].interval == wilson(1, 2)


def test_nothing_has_no_curve() -> None:
    """Without readings there are no points, no error of calibration and no threshold, and every bin is empty."""
    nothing = np.zeros(0), np.zeros(0, np.bool_)
    assert risk_coverage(*nothing, total=5) == []
    assert expected_calibration_error(*nothing) is None
    assert choose_threshold(*nothing, error=0.1) is None
    assert {(each.count, each.confidence, each.right) for each in reliability(*nothing)} == {(0, None, None)}


@pytest.mark.parametrize(
    ("confidence", "right", "total"),
    [([0.5], [True, False], None), ([1.1], [True], None), ([float("nan")], [True], None), ([0.5, 0.6], [True] * 2, 1)],
)
def test_what_does_not_fit_is_refused(confidence: list[float], right: list[bool], total: int | None) -> None:
    """Other lengths, what is no probability, and a total that is too small."""
    with pytest.raises(ValueError, match=r"rows|in 0\.\.1|total"):
        risk_coverage(np.array(confidence), np.array(right), total)


def test_bins_hold_their_lower_end() -> None:
    """0.1 is in the second of ten bins, 1.0 in the last; mean and share are those of the bin."""
    bins = reliability(np.array([0.0, 0.1, 0.15, 1.0, 0.95]), np.array([False, True, False, True, True]))
    assert [each.count for each in bins] == [1, 2, 0, 0, 0, 0, 0, 0, 0, 2]
    assert (bins[1].low, bins[1].high, bins[1].right) == (0.1, 0.2, 0.5)
    assert bins[1].confidence == pytest.approx(0.125)
    assert bins[9].confidence == pytest.approx(0.975)


def test_the_calibration_error_weighs_bins_by_their_readings() -> None:
    """Three of 0.8 with two right, and one of 0.3 that is wrong: (3 * |0.8 - 2/3| + |0.3 - 0|) / 4."""
    error = expected_calibration_error(np.array([0.8, 0.8, 0.8, 0.3]), np.array([True, True, False, False]))
    assert error == pytest.approx((3 * (0.8 - 2 / 3) + 0.3) / 4)


def test_the_calibration_error_is_zero_where_confidence_is_kept() -> None:
    """Ten readings of 0.7, seven of them right."""
    error = expected_calibration_error(np.full(10, 0.7), np.arange(10) < 7)
    assert error == pytest.approx(0, abs=1e-12)


def test_the_lowest_threshold_that_holds_is_chosen() -> None:
    """An error among the surest does not hide that further down its share is small enough."""
    confidence = np.array([0.99, 0.98, 0.97, 0.96, 0.95, 0.5])
    right = np.array([True, False, True, True, True, False])
    assert choose_threshold(confidence, right, 0.2) == Point(0.95, 5, 1, 5 / 6, 0.2)
    assert choose_threshold(confidence, right, 0.0) == Point(0.99, 1, 0, 1 / 6, 0.0)


def test_no_threshold_holds_where_the_surest_are_wrong() -> None:
    """One wrong reading above all others, and no error allowed."""
    assert choose_threshold(np.array([0.9, 0.8]), np.array([False, True]), 0.1) is None


@given(READINGS, st.integers(0, 100))
def test_a_chosen_threshold_holds_and_none_below_does(readings: list[tuple[int, bool]], allowed: int) -> None:
    """Counted anew, at most the share allowed is wrong from there, and more from every lower confidence that occurs."""
    confidence, right = arrays(readings)
    error = allowed / 100

    def risk(threshold: float) -> float:
        return float(1 - right[confidence >= threshold].mean())

    found = choose_threshold(confidence, right, error)
    lower = confidence if found is None else confidence[confidence < found.threshold]
    assert all(risk(each) > error - 1e-12 for each in lower)
    if found is not None:
        assert risk(found.threshold) <= error + 1e-12
        assert found.accepted == (confidence >= found.threshold).sum()


@given(READINGS.filter(bool))
def test_the_curve_ends_with_everything(readings: list[tuple[int, bool]]) -> None:
    """Thresholds fall, what is accepted and wrong grows, and the last point has all."""
    confidence, right = arrays(readings)
    curve = risk_coverage(confidence, right)
    for before, after in pairwise(curve):
        assert before.threshold > after.threshold
        assert (before.accepted, before.wrong) <= (after.accepted, after.wrong)
    assert (curve[-1].accepted, curve[-1].wrong) == (len(right), (~right).sum())


@given(READINGS)
def test_the_calibration_error_is_a_probability(readings: list[tuple[int, bool]]) -> None:
    """Between 0 and 1 whatever is given, and the bins hold every reading."""
    confidence, right = arrays(readings)
    error = expected_calibration_error(confidence, right)
    assert error is None or 0 <= error <= 1
    assert sum(each.count for each in reliability(confidence, right)) == len(readings)


def test_a_thinned_curve_keeps_every_error() -> None:
    """The ends, and the points before and at which an error comes in, stay; a short curve stays whole."""
    right = np.ones(1000, np.bool_)
    right[[500, 501, 777]] = False
    curve = risk_coverage(np.linspace(0.999, 0.1, 1000), right)
    few = thinned(curve, 20)
    assert len(few) < 30
    assert {few[0], few[-1], *(curve[i] for i in (499, 500, 501, 776, 777))} <= set(few)
    assert thinned(curve[:20], 20) == curve[:20]


@pytest.mark.parametrize("error", [0.003, 0.01, 0.1])
def test_so_many_without_an_error_show_it(error: float) -> None:
    """Wilson's interval of 0 of that many ends at the error, and that of one less does not yet."""
    enough = needed(error)
    assert enough is not None
    assert wilson(0, enough)[1] <= error < wilson(0, enough - 1)[1]


def test_no_number_shows_that_there_are_no_errors() -> None:
    """An error of 0 cannot be shown."""
    assert needed(0) is None


def test_confusions_are_counted_where_texts_are_of_one_form() -> None:
    """Digit by digit in texts of equal length and lines; others are counted as unaligned."""
    found = confusion([("12\n3", "17\n3"), ("7", "?"), ("12", "1"), ("1\n2", "123"), ("123", "1\n3"), ("", "")])
    assert found.columns == "0123456789?"
    assert found.unaligned == 3
    assert found.counts.sum() == 4
    assert (found.counts[1, 1], found.counts[2, 7], found.counts[3, 3], found.counts[7, 10]) == (1, 1, 1, 1)
    assert found.mistaken == [("2", "7", 1), ("7", "?", 1)]
