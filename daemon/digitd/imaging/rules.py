"""Ruled and squared paper: lines that run across a page are taken out, strokes that cross them stay."""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.gray import Gray, as_gray

COARSE = 640
"""Longer side at which lines are looked for, px."""
HAIRLINE = 0.6
"""Ink of so many px across keeps its place when the mask is reduced to that."""
PIECE = 12
"""A line is looked for in straight pieces of 1/12 of the page's width: sloping lines are short steps."""
SPAN = 0.6
"""A line's pieces cover at least this share of the page's width."""
RULED = 3
"""So many lines are ruled paper; fewer must go from edge to edge, and the rest must look like digits without them."""
ACROSS = 0.94
LONGER, WIDER = 1.6, 1.2
"""A single line is longer than one digit by this; or several digits stand on it: three pieces, or two
on a page that is wider than tall by this."""
SPAN_OF_MANY = 0.2
"""On ruled paper, pieces on one line need to cover only this much: digits hide the rest."""
SLOPE = 0.06
"""A line rises by at most this much of its length."""
THICKEST = 0.012
"""Lines are thinner than this share of the page's longer side, or than `THINNEST_KEPT` px."""
THINNEST_KEPT = 4
TALLER = 1.3
"""A stroke on a line is thicker than the line by this factor; it stays where the line goes."""


def without_rules(mask: Gray) -> Gray:
    """`mask` (H, W) uint8, 1 for ink, without lines: itself, where there are none.

    Where taking lines out would leave nothing, the lines are what was written, and stay.
    """
    rest = _without_horizontal(mask)
    turned = as_gray(np.ascontiguousarray(rest.T))
    rest_turned = _without_horizontal(turned)
    if rest is mask and rest_turned is turned:
        return mask
    return as_gray(np.ascontiguousarray(rest_turned.T))


def _without_horizontal(mask: Gray) -> Gray:
    """The mask without horizontal lines: itself, where there are none."""
    if cv2.countNonZero(cv2.reduce(mask, 0, cv2.REDUCE_MAX)) < SPAN * mask.shape[1]:
        return mask
    factor = max(1.0, max(mask.shape) / COARSE)
    coarse = mask
    if factor > 1:
        size = (round(mask.shape[1] / factor), round(mask.shape[0] / factor))
        shrunk = cv2.resize(mask * 255, size, interpolation=cv2.INTER_AREA)
        coarse = as_gray(cv2.threshold(shrunk, 255 * HAIRLINE / factor, 1, cv2.THRESH_BINARY)[1])
    if min(coarse.shape) < 2:
        return mask
    found = _lines(coarse)
    if found is None:
        return mask
    lines, count = found
    if factor > 1:
        lines = as_gray(cv2.resize(lines, mask.shape[::-1], interpolation=cv2.INTER_NEAREST))
    reach = 2 * int(factor) + 1
    ruled = cv2.dilate(lines, np.ones((reach, 1), np.uint8))
    taken = cv2.multiply(_thin(mask, _thickest(mask)), ruled)
    covered = cv2.countNonZero(cv2.reduce(taken, 0, cv2.REDUCE_MAX)) * count
    # What is thicker than these lines are is a stroke on them, such as the foot of a 2.
    thickness = cv2.countNonZero(taken) / max(1, covered)
    taken = cv2.multiply(_thin(mask, min(_thickest(mask), math.ceil(TALLER * thickness))), ruled)
    return as_gray(cv2.subtract(mask, taken))


def _thickest(mask: Gray) -> int:
    return int(max(THINNEST_KEPT, round(THICKEST * max(mask.shape))))


def _thin(mask: Gray, thickest: int) -> Gray:
    """What of the mask is no taller than that, px."""
    return as_gray(cv2.subtract(mask, cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((thickest + 1, 1), np.uint8))))


def _lines(mask: Gray) -> tuple[Gray, int] | None:
    """Where the lines run, with a pixel around them, and how many there are; None where none is to be taken out."""
    width = mask.shape[1]
    length = max(9, width // PIECE)
    thickest = _thickest(mask)
    thin = _thin(mask, thickest)
    # Strokes and other lines that cross a line interrupt what is thin of it.
    bridged = cv2.morphologyEx(thin, cv2.MORPH_CLOSE, np.ones((1, 2 * thickest + 3), np.uint8))
    pieces = cv2.morphologyEx(bridged, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    if not pieces.any():
        return None
    joined = cv2.morphologyEx(pieces, cv2.MORPH_CLOSE, np.ones((3, 2 * length + 1), np.uint8))
    count, labels, stats, centres = cv2.connectedComponentsWithStats(joined, connectivity=8)
    straight = [
        index
        for index in range(1, count)
        if stats[index, cv2.CC_STAT_HEIGHT] <= thickest + SLOPE * stats[index, cv2.CC_STAT_WIDTH]
    ]
    rows = _rows(np.asarray(labels), stats, centres, straight, thickest)
    full = [row for row in rows if _span(stats, row) >= SPAN * width]
    if not full:
        return None
    ruled_paper = len(full) >= RULED
    if ruled_paper:
        full = [row for row in rows if _span(stats, row) >= SPAN_OF_MANY * width]
    chosen = np.zeros(count, np.uint8)
    chosen[[index for row in full for index in row]] = 1
    ruled = cv2.dilate(as_gray(chosen[labels]), np.ones((3, 1), np.uint8))
    rest = as_gray(cv2.subtract(mask, cv2.multiply(thin, ruled)))
    crossing = any(_reach(stats, row) >= ACROSS * width for row in full)
    if not ruled_paper and not (crossing and _independent(rest)):
        return None
    return as_gray(ruled), len(full)


def _rows(
    labels: NDArray[Any], stats: NDArray[Any], centres: NDArray[Any], pieces: list[int], thickest: int
) -> list[list[int]]:
    """Pieces that lie on one straight line each: a thick stroke may interrupt a line for longer than a piece."""
    if not pieces:
        return []
    slopes = []
    for index in pieces:
        left, width = int(stats[index, cv2.CC_STAT_LEFT]), int(stats[index, cv2.CC_STAT_WIDTH])
        ends = [np.flatnonzero(labels[:, column] == index).mean() for column in (left, left + width - 1)]
        slopes.append((ends[1] - ends[0]) / max(1, width - 1))
    longest = max(pieces, key=lambda index: int(stats[index, cv2.CC_STAT_WIDTH]))
    slope = slopes[pieces.index(longest)]
    heights = {index: float(centres[index][1] - slope * centres[index][0]) for index in pieces}
    rows: list[list[int]] = []
    for index in sorted(pieces, key=heights.__getitem__):
        if rows and heights[index] - heights[rows[-1][-1]] <= thickest / 2 + 1:
            rows[-1].append(index)
        else:
            rows.append([index])
    return rows


def _span(stats: NDArray[Any], row: list[int]) -> int:
    """How much of the width the pieces of a line cover."""
    return int(stats[row, cv2.CC_STAT_WIDTH].sum())


def _reach(stats: NDArray[Any], row: list[int]) -> int:
    """From the beginning of a line to its end."""
    left = stats[row, cv2.CC_STAT_LEFT]
    return int((left + stats[row, cv2.CC_STAT_WIDTH]).max() - left.min())


def _independent(rest: Gray) -> bool:
    """Whether what a single line leaves can do without it: it may be the bar of a 7 that fills the page."""
    height, width = rest.shape
    count, _, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    big = stats[1:][stats[1:, cv2.CC_STAT_HEIGHT] > 0.25 * height] if count > 1 else stats[:0]
    if not len(big):
        return False
    if len(big) > 2 or (len(big) > 1 and width > WIDER * height):
        return True
    left = int(big[:, cv2.CC_STAT_LEFT].min())
    right = int((big[:, cv2.CC_STAT_LEFT] + big[:, cv2.CC_STAT_WIDTH]).max())
    return bool((right - left) * LONGER < width)
