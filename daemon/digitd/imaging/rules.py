"""Ruled and squared paper: lines that run across a page are taken out, strokes that cross them stay."""

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
SLOPE = 0.06
"""A line rises by at most this much of its length."""
THICKEST = 0.012
"""Lines are thinner than this share of the page's longer side, or than `THINNEST_KEPT` px."""
THINNEST_KEPT = 4
TALLER = 1.7
"""A stroke on a line is thicker than the line by this factor; it stays where the line goes."""


def without_rules(mask: Gray) -> tuple[Gray, NDArray[np.bool_] | None]:
    """`mask` is (H, W) uint8, 1 for ink. Returns it without lines, and where the lines were (None: there were none).

    Where taking lines out would leave nothing, the lines are what was written, and stay.
    """
    rest = _without_horizontal(mask)
    turned = as_gray(np.ascontiguousarray(rest.T))
    rest_turned = _without_horizontal(turned)
    if rest is mask and rest_turned is turned:
        return mask, None
    rest = as_gray(np.ascontiguousarray(rest_turned.T))
    return rest, (mask > 0) & (rest == 0)


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
    lines = _lines(coarse)
    if lines is None:
        return mask
    if factor > 1:
        lines = as_gray(cv2.resize(lines, mask.shape[::-1], interpolation=cv2.INTER_NEAREST))
    reach = 2 * int(factor) + 1
    ruled = cv2.dilate(lines, np.ones((reach, 1), np.uint8))
    return as_gray(cv2.subtract(mask, cv2.multiply(_thin(mask), ruled)))


def _thin(mask: Gray) -> Gray:
    """What of the mask is no taller than a line is thick."""
    thickest = max(THINNEST_KEPT, round(THICKEST * max(mask.shape)))
    return as_gray(cv2.subtract(mask, cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((thickest + 1, 1), np.uint8))))


def _lines(mask: Gray) -> Gray | None:
    """Where the lines run, a pixel around them included; None where there are none to take out."""
    height, width = mask.shape
    length = max(9, width // PIECE)
    thickest = max(THINNEST_KEPT, round(THICKEST * max(mask.shape)))
    thin = _thin(mask)
    # Strokes and other lines that cross a line interrupt what is thin of it.
    bridged = cv2.morphologyEx(thin, cv2.MORPH_CLOSE, np.ones((1, 2 * thickest + 3), np.uint8))
    pieces = cv2.morphologyEx(bridged, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    if not pieces.any():
        return None
    joined = cv2.morphologyEx(pieces, cv2.MORPH_CLOSE, np.ones((3, 2 * length + 1), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    lines = np.zeros(count, np.uint8)
    crossing = 0
    for index in range(1, count):
        _, _, across, down, _ = (int(value) for value in stats[index])
        lines[index] = across >= SPAN * width and down <= thickest + SLOPE * across
        crossing += across >= ACROSS * width
    if not lines.any():
        return None
    ruled = cv2.dilate(as_gray(lines[labels]), np.ones((3, 1), np.uint8))
    rest = as_gray(cv2.subtract(mask, cv2.multiply(thin, ruled)))
    if lines.sum() < RULED and not (crossing and _independent(rest)):
        return None
    return as_gray(ruled)


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
