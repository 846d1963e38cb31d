"""Figures of readings that have a confidence and are known to be right or wrong. Pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitd.interval import Z95, wilson

Confidences = npt.NDArray[np.float64]
Rights = npt.NDArray[np.bool_]

BINS = 10
"""The bins of a reliability diagram, as most papers have them: figures can be compared."""
DIGITS = "0123456789"


@dataclass(frozen=True)
class Point:
    """What accepting from the confidence `threshold` gives: how many are accepted, how many of those are wrong.

    `coverage` is the share of all that is accepted, `risk` the share of the accepted that is wrong; both 0..1.
    """

    threshold: float
    accepted: int
    wrong: int
    coverage: float
    risk: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the risk."""
        return wilson(self.wrong, self.accepted)


def risk_coverage(confidence: Confidences, right: Rights, total: int | None = None) -> list[Point]:
    """The curve of risk over coverage, one point for each confidence (N,) that occurs, the highest first.

    `right` is bool (N,); `total` how many there are with those that are never accepted, N where it is not given.
    From El-Yaniv and Wiener, "On the foundations of noise-free selective classification" (JMLR 2010). ValueError where
    the lengths differ, a confidence is not in 0..1, or `total` is below N.
    """
    _check(confidence, right)
    everyone = len(confidence) if total is None else total
    if everyone < len(confidence):
        raise ValueError("total is less than the readings given")
    order = np.argsort(-confidence, kind="stable")
    ordered, wrong = confidence[order], np.cumsum(~right[order])
    # Equal confidences are accepted together or not at all.
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], len(ordered) > 0)[: len(ordered)])
    return [
        Point(float(ordered[i]), int(i) + 1, int(wrong[i]), (int(i) + 1) / everyone, int(wrong[i]) / (int(i) + 1))
        for i in last
    ]


def thinned(curve: list[Point], most: int) -> list[Point]:
    """About `most` points of a curve: its ends, all before and at which an error comes in, and some between."""
    if len(curve) <= most:
        return curve
    errors = {place for at in range(1, len(curve)) if curve[at].wrong != curve[at - 1].wrong for place in (at - 1, at)}
    even = {round(place) for place in np.linspace(0, len(curve) - 1, most)}
    return [curve[place] for place in sorted(errors | even)]


@dataclass(frozen=True)
class Bin:
    """The readings with a confidence in [low, high): how many, their mean confidence, the share that is right.

    The last bin holds 1.0 too. Mean and share are None where there are none.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    right: float | None


def reliability(confidence: Confidences, right: Rights, bins: int = BINS) -> list[Bin]:
    """A reliability diagram: confidences float64 (N,) and right bool (N,) in `bins` bins of equal width.

    From Niculescu-Mizil and Caruana, "Predicting good probabilities with supervised learning" (ICML 2005).
    """
    _check(confidence, right)
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    out = []
    for number in range(bins):
        inside = place == number
        count = int(inside.sum())
        mean = float(confidence[inside].mean()) if count else None
        share = float(right[inside].mean()) if count else None
        out.append(Bin(number / bins, (number + 1) / bins, count, mean, share))
    return out


def expected_calibration_error(confidence: Confidences, right: Rights, bins: int = BINS) -> float | None:
    """By how much confidence and share of right differ in a bin, on average over the readings; None without any.

    From Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning" (AAAI 2015).
    """
    if not len(confidence):
        return None
    return sum(
        each.count * abs(each.confidence - each.right)
        for each in reliability(confidence, right, bins)
        if each.confidence is not None and each.right is not None
    ) / len(confidence)


def choose_threshold(confidence: Confidences, right: Rights, error: float, total: int | None = None) -> Point | None:
    """The lowest confidence from which at most the share `error` (0..1) of the accepted is wrong.

    Of two thresholds that both hold it is the lower one, which reads more. None where even the surest reading is
    wrong too often, and where there are no readings. ValueError as for risk_coverage.
    """
    holding = [point for point in risk_coverage(confidence, right, total) if point.risk <= error]
    return holding[-1] if holding else None


def needed(error: float) -> int | None:
    """How many accepted without any wrong one show, with 95 %, that at most the share `error` is wrong; None for 0.

    Where Wilson's interval of 0 of N ends at `error`.
    """
    return math.ceil(Z95**2 * (1 / error - 1)) if error > 0 else None


@dataclass(frozen=True)
class Confusion:
    """`counts[true, read]` is int64 (rows, columns): how often the digit `rows[true]` was read as `columns[read]`.

    `unaligned` texts could not be compared digit by digit, for they have another number of digits, or of lines.
    """

    rows: str
    columns: str
    counts: npt.NDArray[np.int64]
    unaligned: int

    @property
    def mistaken(self) -> list[tuple[str, str, int]]:
        """What was taken for what, and how often, the most frequent first."""
        found = [
            (true, read, int(self.counts[row, column]))
            for row, true in enumerate(self.rows)
            for column, read in enumerate(self.columns)
            if true != read and self.counts[row, column]
        ]
        return sorted(found, key=lambda each: -each[2])


def confusion(pairs: Iterable[tuple[str, str]]) -> Confusion:
    """Which digits were taken for which, from pairs (label, text) of equal length with line ends at equal places.

    Columns are the digits and, where it occurs, each other sign that was read (`?`: no digit).
    """
    counted: dict[tuple[str, str], int] = {}
    others: set[str] = set()
    unaligned = 0
    for label, text in pairs:
        if len(label) != len(text) or any((a in DIGITS) != (b not in "\n\f") for a, b in zip(label, text, strict=True)):
            unaligned += 1
            continue
        for true, read in zip(label, text, strict=True):
            if true in DIGITS:
                counted[true, read] = counted.get((true, read), 0) + 1
                others |= {read} - set(DIGITS)
    columns = DIGITS + "".join(sorted(others))
    counts = np.zeros((len(DIGITS), len(columns)), np.int64)
    for (true, read), count in counted.items():
        counts[DIGITS.index(true), columns.index(read)] = count
    return Confusion(DIGITS, columns, counts, unaligned)


def _check(confidence: Confidences, right: Rights) -> None:
    if confidence.shape != right.shape or confidence.ndim != 1:
        raise ValueError(f"confidences {confidence.shape} and rights {right.shape} are not two equal rows")
    # Not a number is neither.
    if len(confidence) and not (confidence.min() >= 0 and confidence.max() <= 1):
        raise ValueError("a confidence is not in 0..1")
