"""A line to write on, or an underline, that digits run into: it is longer than they are on both sides."""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.labels import Labels
from digitd.imaging.straight import thickness_of
from digitd.imaging.tilt import levelled, slope_of, unlevelled

SHORTEST, MOST = 30, 50
"""A part with such a line is at least so wide, px; and so many parts, from the largest on, are looked at."""
ALONE = 2.0
"""A line that no digit runs into is longer than the tallest other part by this: a dash is not."""
LONG = 2.0
"""A part with such a line is wider than tall by this: a digit's own foot or bar is not."""
PIECE = 0.25
"""The line runs straight for this share of its length at least, between the strokes that cross it."""
WHOLE = 0.95
"""So much of the part's width is the line's."""
THICKEST, THICKER = 0.15, 1.5
"""It is thinner than the first share of the part's height; and what is thicker than it by the second factor is a
stroke that runs into it, and stays."""
TALL = 0.3
"""A digit on it is at least this share of the part's height."""
HALF, STRUCK = 0.25, 0.5
"""A line that goes through digits has more than the first share of their height below it, in the second share of the
columns that have ink at all: it strikes them out. It stays, so that they are read as what they are, no digits."""


def without_underlines(mask: Gray, found: Labels) -> Gray:
    """`mask` (H, W) uint8, 1 for ink, without such lines: itself, where there are none. `found` are its labels."""
    boxes = found.boxes
    wide = np.flatnonzero((boxes[:, 2] > LONG * boxes[:, 3]) & (boxes[:, 2] >= SHORTEST))
    taken: Gray | None = None
    for index in wide[np.argsort(-boxes[wide, 4], kind="stable")][:MOST].tolist():
        left, top, width, height, _ = boxes[index].tolist()
        own = as_gray((found.labels[top : top + height, left : left + width] == index + 1).view(np.uint8))
        others = np.delete(boxes[:, 3], index)
        alone = others.size > 0 and width > ALONE * int(others.max())
        line = _underline(own, slope_of(own), alone)
        if line is not None:
            taken = np.zeros_like(mask) if taken is None else taken
            y, x = found.top + top, found.left + left
            taken[y : y + height, x : x + width] |= line
    return mask if taken is None else as_gray(cv2.subtract(mask, taken))


def _underline(own: Gray, slope: float, alone: bool) -> Gray | None:
    """What of a part (H, W) is such a line, at that slope; None where it has none. ALONE: whether it may be all."""
    level = levelled(own, slope)
    left, _, wide, tall = cv2.boundingRect(level)
    near, long = np.ones((3, 1), np.uint8), np.ones((1, max(9, round(PIECE * wide))), np.uint8)
    runs = cv2.bitwise_and(cv2.morphologyEx(cv2.dilate(level, near), cv2.MORPH_OPEN, long), level)
    line = as_gray(cv2.bitwise_and(cv2.dilate(runs, near), level))
    columns = np.flatnonzero(line.any(0))
    if not columns.size or columns[-1] + 1 - columns[0] < WHOLE * wide or len(columns) < WHOLE * wide:
        return None
    rows = np.flatnonzero(line.any(1))
    thickness = thickness_of(line)
    if rows[-1] + 1 - rows[0] > thickness + 4:
        return None
    if tall <= thickness + 4:
        return own if alone else None
    if thickness > max(3.0, THICKEST * tall):
        return None
    thick = np.ones((math.ceil(thickness * THICKER) + 2, 1), np.uint8)
    line = as_gray(cv2.subtract(line, cv2.morphologyEx(level, cv2.MORPH_OPEN, thick)))
    rest = as_gray(cv2.subtract(level, line))
    count, _, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    digits = [index for index in range(1, count) if stats[index, cv2.CC_STAT_HEIGHT] >= TALL * tall]
    if not digits:
        return None
    if _strikes_out(rest, stats[1:], (int(rows[0]) + int(rows[-1])) / 2):
        return None
    begin = min(int(stats[index, cv2.CC_STAT_LEFT]) for index in digits)
    end = max(int(stats[index, cv2.CC_STAT_LEFT] + stats[index, cv2.CC_STAT_WIDTH]) for index in digits)
    if begin - left < thickness + 2 or left + wide - end < thickness + 2:
        return None
    return unlevelled(line, slope, own.shape)


def _strikes_out(rest: Gray, stats: NDArray[Any], middle: float) -> bool:
    """Whether a line at that row goes through what else there is, (H, W) in components of those statistics."""
    tall = cv2.boundingRect(rest)[3]
    both, below = np.zeros(rest.shape[1], np.bool_), np.zeros(rest.shape[1], np.bool_)
    for left, top, wide, high, _ in stats.tolist():
        if high >= HALF * tall:
            both[left : left + wide] = True
            below[left : left + wide] |= top + high / 2 > middle
    return bool(np.count_nonzero(below) >= STRUCK * np.count_nonzero(both))
