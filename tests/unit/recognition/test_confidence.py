"""What the network's numbers mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from digitd.recognition.confidence import fit_temperature, guess, probabilities, rounded, together
from digitd.results import Alternative

CLASSES = tuple("0123456789")
logit_rows = hnp.arrays(np.float32, (3, 10), elements=st.floats(-50, 50, width=32))


@given(logit_rows, st.floats(0.2, 10))
def test_probabilities_sum_to_one_and_keep_the_order(logits: np.ndarray, temperature: float) -> None:
    """Calibrated probabilities are in 0..1, sum to 1, and the most probable class is the network's."""
    out = probabilities(logits, temperature)
    assert np.all((out >= 0) & (out <= 1))
    assert out.sum(axis=1) == pytest.approx(1)
    assert np.all(out[np.arange(3), logits.argmax(axis=1)] >= out.max(axis=1) - 1e-12)


def test_a_temperature_above_one_makes_less_sure() -> None:
    """Dividing the logits by 2 takes the square root of the odds."""
    logits = np.log(np.array([[0.9, 0.1]], np.float32))
    assert probabilities(logits, 2.0)[0] == pytest.approx([0.75, 0.25], abs=1e-6)


def test_the_fitted_temperature_is_the_one_that_the_labels_were_drawn_with() -> None:
    """Labels drawn from the logits at temperature 2.5 are best explained by 2.5."""
    rng = np.random.default_rng(7)
    logits = rng.normal(0, 6, (20_000, 10)).astype(np.float32)
    draws = [rng.choice(10, p=row) for row in probabilities(logits, 2.5)]
    assert fit_temperature(logits, np.array(draws, np.uint8)) == pytest.approx(2.5, rel=0.05)


def test_fitted_confidence_means_what_it_says() -> None:
    """After fitting, the mean confidence of the digits said is the share of them that is right."""
    rng = np.random.default_rng(8)
    logits = rng.normal(0, 4, (20_000, 10)).astype(np.float32)
    labels = np.array([rng.choice(10, p=row) for row in probabilities(logits, 2.0)], np.uint8)
    out = probabilities(logits, fit_temperature(logits, labels))
    assert out.max(axis=1).mean() == pytest.approx((out.argmax(axis=1) == labels).mean(), abs=0.01)


def test_a_guess_names_up_to_three_alternatives_above_one_percent() -> None:
    """Alternatives come in order of probability, without those that are improbable."""
    row = np.array([0.6, 0.2, 0.1, 0.06, 0.03, 0.006, 0.002, 0.001, 0.0005, 0.0005])
    found = guess(row, CLASSES)
    assert (found.digit, found.confidence, found.runner_up) == ("0", 0.6, "1")
    assert found.margin == pytest.approx(0.4)
    assert found.alternatives == (Alternative("1", 0.2), Alternative("2", 0.1), Alternative("3", 0.06))
    assert guess(np.array([0.995, 0.004, *[0.000125] * 8]), CLASSES).alternatives == ()


@given(st.lists(st.floats(0, 1), max_size=12))
def test_several_readings_are_right_together_as_often_as_their_product(confidences: list[float]) -> None:
    """A whole is never surer than its least sure digit, and nothing at all is certain."""
    whole = together(confidences)
    assert 0 <= whole <= min(confidences, default=1.0)
    assert whole == pytest.approx(np.prod(confidences))


@pytest.mark.parametrize(("confidence", "shown"), [(0.98766, 0.9877), (0.99999, 0.9999), (1.0, 0.9999), (0.0, 0.0)])
def test_confidence_is_shown_with_four_digits_and_never_as_certain(confidence: float, shown: float) -> None:
    """0.99999 is shown as 0.9999: rounding must not make a reading certain."""
    assert rounded(confidence) == shown
