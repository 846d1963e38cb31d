"""The long level lines of printed forms, on a mask in which pale print is whole."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.tilt import STEEPEST

COARSE = 640
"""Longer side at which the slope is looked for, px."""
HAIRLINE = 0.6
"""Ink of so many px across keeps its place when the mask is reduced to that."""
SHORTEST, LONG = 48, 0.3
"""Lines are at least so long, px, and this share of the width of all ink."""
COARSE_THICKEST = 6
"""Lines are no thicker than this at the coarse size, px."""
THICKEST, SLIM = 3, 0.02
"""They are no thicker than so many px, or than the second share of their length."""
TURN = math.pi / 720
"""Steps in which the angle is looked for, a quarter of a degree; then a line is fitted to the pixels."""
PIECE = 14
"""A line is straight in pieces of this share (1/14) of the ink's width."""
GAP = 0.035
"""Boxes of a row stand apart by less than this share of its width, and a line's gaps are as small."""
UNSTEADY = 0.25
"""A line that rises by more than this share of its length, once level, is none."""
FULL, MOSTLY = 0.8, 0.5
"""Of a line's columns so many have ink, on one curve of the second order; and in so many it is alone. The feet of a
row of digits lie on no such curve."""
FITS, OFF = 3, 1.0
"""The curve is fitted so often, each time to what was this near to it, px, or half as far again as is usual."""


@dataclass(frozen=True)
class Line:
    """A level line: its columns from `left` up to `right`, its row in each of them, and its thickness, px."""

    left: int
    right: int
    rows: NDArray[np.int64]
    thickness: int

    @property
    def length(self) -> int:
        """How many columns it has."""
        return self.right - self.left

    @property
    def middle(self) -> float:
        """Its usual row."""
        return float(np.median(self.rows))

    def row(self, column: float) -> int:
        """Its row there, or at the nearer end."""
        return int(self.rows[min(max(round(column) - self.left, 0), self.length - 1)])


def slope_of_longest(faint: Gray) -> float | None:
    """How steep (dy/dx, -0.2..0.2) the longest thin line of a mask (H, W) uint8 is; None where there is none.

    By Hough's transform (in Duda and Hart's form), and then by least squares.
    """
    coarse, factor = faint, max(1.0, max(faint.shape) / COARSE)
    if factor > 1:
        size = (max(1, round(faint.shape[1] / factor)), max(1, round(faint.shape[0] / factor)))
        shrunk = cv2.resize(faint * 255, size, interpolation=cv2.INTER_AREA)
        coarse = as_gray(cv2.threshold(shrunk, 255 * HAIRLINE / factor, 1, cv2.THRESH_BINARY)[1])
    least = max(SHORTEST / factor, LONG * coarse.shape[1])
    thick = cv2.morphologyEx(coarse, cv2.MORPH_OPEN, np.ones((COARSE_THICKEST + 1, 1), np.uint8))
    thin = cv2.subtract(coarse, thick)
    if cv2.countNonZero(cv2.reduce(thin, 0, cv2.REDUCE_MAX)) < least:
        return None
    # A line between two rows of pixels has but half of its votes in each.
    votes, span = max(2, round(least / 2)), math.atan(STEEPEST)
    found = cv2.HoughLines(thin, 1, TURN, votes, min_theta=math.pi / 2 - span, max_theta=math.pi / 2 + span)
    if found is None:
        return None
    rho, theta = (float(value) for value in found[0, 0, :2])
    y, x = np.nonzero(thin)
    near = np.abs(x * math.cos(theta) + y * math.sin(theta) - rho) <= 2
    if not near.any() or np.ptp(x[near]) < least / 2:
        return None
    slope = float(np.polyfit(x[near], y[near], 1)[0])
    return 0.0 if abs(slope) * faint.shape[1] < 1 else max(-STEEPEST, min(STEEPEST, slope))


def level_lines(level: Gray, width: int) -> list[Line]:
    """The long lines of a level mask (H, W) uint8, from top to bottom; `width` is that of its ink before levelling."""
    # Steps of a pixel interrupt a line that is a pixel thick; they do not where it is thickened.
    near = cv2.dilate(level, np.ones((3, 1), np.uint8))
    whole = cv2.morphologyEx(near, cv2.MORPH_CLOSE, np.ones((1, 5), np.uint8))
    runs = cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((1, max(12, width // PIECE)), np.uint8))
    gap = max(3, round(GAP * width)) | 1
    joined = cv2.morphologyEx(cv2.bitwise_and(runs, near), cv2.MORPH_CLOSE, np.ones((3, gap), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    lines = []
    for index in np.flatnonzero(stats[:, cv2.CC_STAT_WIDTH] >= max(SHORTEST, LONG * width)).tolist():
        x, y, wide, tall = stats[index, :4].tolist()
        if index == 0 or tall > UNSTEADY * wide:
            continue
        own = (labels[y : y + tall, x : x + wide] == index) & (level[y : y + tall, x : x + wide] > 0)
        line = _line(own, x, y)
        if line is not None:
            lines.append(line)
    return sorted(lines, key=lambda line: line.middle)


def _line(own: NDArray[np.bool_], left: int, top: int) -> Line | None:
    """The curve of a line's pixels (H, W); None where they are no thin line."""
    counts = own.sum(0)
    inked = np.flatnonzero(counts)
    if len(inked) < FULL * own.shape[1]:
        return None
    thickness = math.ceil(float(np.median(counts[inked])))
    columns = inked[counts[inked] <= thickness + 1]
    if thickness > max(THICKEST, SLIM * own.shape[1]) or len(columns) < MOSTLY * len(inked):
        return None
    centres = (own[:, columns] * np.arange(own.shape[0])[:, None]).sum(0) / counts[columns]
    near = np.ones(len(columns), np.bool_)
    for _ in range(FITS):
        curve = np.polynomial.Polynomial.fit(columns[near], centres[near], 2)
        off = np.abs(centres - curve(columns))
        near = off <= max(OFF, 1.5 * float(np.median(off)))
        if np.count_nonzero(near) < MOSTLY * len(columns):
            return None
    if np.count_nonzero(off <= OFF) < FULL * len(columns):
        return None
    rows = np.clip(np.round(curve(np.arange(own.shape[1]))), 0, own.shape[0] - 1).astype(np.int64)
    if np.count_nonzero(_beside(own, rows)) < FULL * own.shape[1]:
        return None
    return Line(left, left + own.shape[1], rows + top, thickness)


def _beside(own: NDArray[np.bool_], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """In which columns of what is `own` (H, W) there is ink on that row of each, or a pixel beside it."""
    columns = np.arange(own.shape[1])
    above, below = np.maximum(rows - 1, 0), np.minimum(rows + 1, own.shape[0] - 1)
    return np.asarray(own[above, columns] | own[rows, columns] | own[below, columns], np.bool_)
