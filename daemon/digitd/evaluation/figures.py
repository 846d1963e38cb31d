"""Readings beside their labels, and every figure that can be told of them. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from digitd.evaluation import metrics
from digitd.evaluation.metrics import Bin, Confusion, Point
from digitd.interval import wilson
from digitd.results import Status

CURVE_POINTS = 500
"""Points of the curve that are kept in figures: 10,000 images give as many, which no picture shows."""


@dataclass(frozen=True)
class Case:
    """One labelled scan or image, and what was read.

    `sure_else` tells whether nothing but the confidence can keep it from being accepted. `key` finds its picture again.
    """

    name: str
    label: str
    text: str
    status: str
    reason: str | None
    confidence: float | None
    sure_else: bool
    key: str | int

    @property
    def right(self) -> bool:
        """Whether the text is the label. A label without page breaks leaves open where they are."""
        return self.label in (self.text, self.text.replace("\f", "\n"))

    def judged(self, accept: float) -> "Case":
        """The case with the status that it has where `recognition.accept` is `accept`, read with `accept` 0."""
        if self.confidence is None or self.status not in (Status.ACCEPTED, Status.REVIEW):
            return self
        if self.confidence >= accept:
            return self
        # The reader names the confidence before the margin, and after everything else.
        reason = "low_confidence" if self.reason in (None, "low_margin") else self.reason
        return replace(self, status=str(Status.REVIEW), reason=reason)


@dataclass(frozen=True)
class Choice:
    """The threshold found for the error `error`; `point` is None where there is none.

    `enough` tells whether the readings show, with 95 %, that no more of the accepted are wrong than that; `lowest`
    whether no reading had a lower confidence.
    """

    error: float
    point: Point | None
    margin: float
    enough: bool
    lowest: bool


@dataclass(frozen=True)
class Figures:
    """All that is known of a bundle's readings of labelled scans, or of single images."""

    bundle: str
    sha256: str
    of: str
    total: int
    right: int
    accept: float
    margin: float
    statuses: dict[str, int]
    accepted_wrong: int
    confident: int
    calibration_error: float | None
    bins: list[Bin]
    curve: list[Point]
    confusion: Confusion
    errors: list[Case]
    choice: Choice | None
    unlabelled: int = 0

    @property
    def accepted(self) -> int:
        """How many were accepted."""
        return self.statuses.get("accepted", 0)

    def plain(self) -> dict[str, Any]:
        """Everything as one JSON object."""
        found = {
            "bundle": self.bundle,
            "bundle_sha256": self.sha256,
            self.of: self.total,
            "unlabelled": self.unlabelled,
            "right": self.right,
            "accuracy": self.right / self.total,
            "interval_95": wilson(self.right, self.total),
            "accept": self.accept,
            "margin": self.margin,
            **{status: self.statuses.get(status, 0) for status in ("accepted", "review", "blank", "failed")},
            "read_rate": self.accepted / self.total,
            "accepted_and_wrong": self.accepted_wrong,
            "wrong_of_accepted": self.accepted_wrong / self.accepted if self.accepted else None,
            "wrong_of_accepted_interval_95": wilson(self.accepted_wrong, self.accepted),
            "with_confidence": self.confident,
            "expected_calibration_error": self.calibration_error,
            "reliability": [vars(each) for each in self.bins],
            "risk_coverage": [vars(point) for point in self.curve],
            "confusion": {
                "rows": list(self.confusion.rows),
                "columns": list(self.confusion.columns),
                "counts": self.confusion.counts.tolist(),
                "unaligned": self.confusion.unaligned,
            },
            "errors": [
                {
                    "scan": case.name,
                    "label": case.label,
                    "text": case.text,
                    "status": case.status,
                    "reason": case.reason,
                    "confidence": case.confidence,
                }
                for case in self.errors
            ],
        }
        return found | ({} if self.choice is None else {"threshold": _plain_choice(self.choice)})


def figures(
    bundle: tuple[str, str],
    of: str,
    cases: Sequence[Case],
    accept: float,
    margin: float,
    error: float | None = None,
    unlabelled: int = 0,
) -> Figures:
    """The figures of cases that were read with `accept` 0, at the threshold `accept`; with `error`, a threshold for it.

    `bundle` is its name and its SHA-256, `of` what the cases are: scans or images; `unlabelled` more of them were left
    out. At least one case.
    """
    now = [case.judged(accept) for case in cases]
    known = [case for case in cases if case.confidence is not None]
    confidence = np.array([case.confidence for case in known], np.float64)
    right = np.array([case.right for case in known], np.bool_)
    free = np.array([case.sure_else for case in known], np.bool_)
    curve = metrics.risk_coverage(confidence[free], right[free], len(cases))
    # What failed has no text to compare.
    read = [(case.label, case.text) for case in cases if case.status != Status.FAILED]
    return Figures(
        bundle=bundle[0],
        sha256=bundle[1],
        of=of,
        total=len(cases),
        right=sum(case.right for case in cases),
        accept=accept,
        margin=margin,
        statuses=dict(Counter(case.status for case in now)),
        accepted_wrong=sum(case.status == Status.ACCEPTED and not case.right for case in now),
        confident=len(known),
        calibration_error=metrics.expected_calibration_error(confidence, right),
        bins=metrics.reliability(confidence, right),
        curve=metrics.thinned(curve, CURVE_POINTS),
        confusion=metrics.confusion(read),
        errors=sorted((case for case in now if not case.right), key=_surest_first),
        choice=None if error is None else _chosen(curve, error, margin),
        unlabelled=unlabelled,
    )


def _chosen(curve: Sequence[Point], error: float, margin: float) -> Choice:
    """The lowest threshold that is shown to keep to `error`; where none is, the lowest that does so here."""
    shown = [point for point in curve if point.interval[1] <= error]
    holding = shown or [point for point in curve if point.risk <= error]
    point = holding[-1] if holding else None
    return Choice(error, point, margin, bool(shown), point is not None and point is curve[-1])


def _surest_first(case: Case) -> tuple[bool, float]:
    return case.status != Status.ACCEPTED, -(case.confidence or 0.0)


def _plain_choice(choice: Choice) -> dict[str, Any]:
    found = {"error": choice.error, "margin": choice.margin, "needed_without_error": metrics.needed(choice.error)}
    if choice.point is None:
        return found | {"accept": None}
    point = choice.point
    return found | {
        "accept": point.threshold,
        "enough": choice.enough,
        "accepted": point.accepted,
        "accepted_and_wrong": point.wrong,
        "wrong_of_accepted": point.risk,
        "wrong_of_accepted_interval_95": point.interval,
        "read_rate": point.coverage,
    }
