"""What the network's numbers mean: calibrated probabilities, and when they suffice. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitd.results import CONFIDENCE_DIGITS, Alternative

MOST_ALTERNATIVES = 3
LEAST_ALTERNATIVE = 0.01
"""Alternatives below this help nobody who looks at a reading."""
TEMPERATURES = (0.2, 10.0)
"""Where the temperature is looked for: outside, the network is broken rather than uncalibrated."""

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Guess:
    """What a glyph is: its digit, how probable that is, and the next probable digits, the most probable first."""

    digit: str
    confidence: float
    alternatives: tuple[Alternative, ...]
    runner_up: str
    margin: float
    """By how much the digit is more probable than the runner-up."""


def probabilities(logits: npt.NDArray[np.float32], temperature: float) -> Probabilities:
    """Logits (N, classes) to calibrated probabilities, float64, each row's sum 1.

    Temperature scaling (Guo et al., "On calibration of modern neural networks", ICML 2017): the logits are divided
    by one number that was fitted on held-out images.
    """
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    odds = np.exp(scaled)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def fit_temperature(logits: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> float:
    """The temperature with the least negative log-likelihood of `labels` (N,), by golden section over its logarithm."""
    low, high = (math.log(bound) for bound in TEMPERATURES)
    golden = (math.sqrt(5) - 1) / 2

    def loss(log_temperature: float) -> float:
        chosen = probabilities(logits, math.exp(log_temperature))[np.arange(len(labels)), labels]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    for _ in range(40):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return math.exp((low + high) / 2)


def guess(row: Probabilities, classes: Sequence[str]) -> Guess:
    """What a glyph with the probabilities `row` (classes,) is."""
    order = np.argsort(-row, kind="stable")
    best, runner_up = (float(row[i]) for i in order[:2])
    others = tuple(
        Alternative(classes[i], rounded(float(row[i])))
        for i in order[1 : 1 + MOST_ALTERNATIVES]
        if row[i] >= LEAST_ALTERNATIVE
    )
    return Guess(classes[order[0]], best, others, classes[order[1]], best - runner_up)


def together(confidences: Iterable[float]) -> float:
    """The probability that all of several readings are right.

    The product, as if they erred independently: then "of the readings given 0.98, 98 % are right" holds for a number
    of ten digits as it does for one. The least sure digit alone (the habit of forms readers) would call
    ten digits of 0.98 each a reading of 0.98, when 82 % of such numbers are right.
    """
    return float(math.prod(confidences))


def rounded(confidence: float) -> float:
    """A confidence as results show it. Never rounded up to 1: nothing is certain."""
    step = float(10**CONFIDENCE_DIGITS)
    return min(round(confidence * step), step - 1) / step
