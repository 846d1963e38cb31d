"""What taking a page's lines away did too much or too little of: feet of digits on them, and dots where they cross."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.gray import Gray, as_gray

TALLER, MORE = 1.3, 2
"""A stroke on a line is thicker than the line by this factor; where many px side by side are, by more than a pixel."""
BREAK = 5
"""Where a stroke and a line only just overlap, the line is no thicker for fewer px than this."""
LONGEST = 6
"""A foot on a line is no longer than a sixth of the page: what is, is a thicker line."""
SPREAD = 1
"""Where two lines cross, they are wider by so many px on each side."""
SLIVER = 0.5
"""What is thinner than lines by this factor, and beside one, is no stroke."""


def feet_on(taken: Gray, rest: Gray, thickness: float, slack: int) -> Gray:
    """What of level lines that were taken is the foot of a digit, all (H, W) uint8, 1 for ink.

    It is thicker than a line, for some px together, and goes on in what is left, the `rest`, at both its ends: a line
    that is thicker for a while does not. `thickness` is the lines'
    own, px, and `slack` the tallest runs that were taken.
    """
    least = max(math.ceil(TALLER * thickness), int(thickness) + MORE)
    nothing = as_gray(np.zeros_like(taken))
    if least > slack:
        return nothing
    thick = cv2.morphologyEx(taken, cv2.MORPH_OPEN, np.ones((least, 1), np.uint8))
    rows = _rows_with_ink(as_gray(thick))
    if not len(rows):
        return nothing
    whole = cv2.morphologyEx(thick[rows], cv2.MORPH_CLOSE, np.ones((1, BREAK), np.uint8))
    whole = cv2.bitwise_and(whole, taken[rows])
    joined = cv2.bitwise_and(whole, cv2.dilate(np.ascontiguousarray(rest), np.ones((3, 3), np.uint8))[rows])
    count, labels, stats, _ = cv2.connectedComponentsWithStats(whole, connectivity=8)
    y, x = np.nonzero(joined)
    of, left, wide = labels[y, x], stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_WIDTH]
    begins, ends = np.zeros((2, count), np.bool_)
    begins[of[x <= left[of] + 1]] = True
    ends[of[x >= left[of] + wide[of] - 2]] = True
    feet = (begins & ends & (wide * LONGEST <= taken.shape[1])).view(np.uint8)
    nothing[rows] = feet[labels]
    return nothing


def _rows_with_ink(mask: Gray) -> NDArray[np.int64]:
    """The rows of a mask (H, W) that are not empty, and those beside them: they alone need to be looked at."""
    inked = np.asarray(mask.view(np.bool_).any(1))
    beside = inked.copy()
    beside[1:] |= inked[:-1]
    beside[:-1] |= inked[1:]
    return np.flatnonzero(beside)


def without_crumbs(rest: Gray, across: Gray, down: Gray, thickness: float) -> Gray:
    """What is left, (H, W) uint8, without what the print of lines that were taken, `across` and `down`, left there.

    Where two cross they are darker and wider than `thickness`, px, which is that of the lines; and a coarse JPEG draws
    slivers beside them.
    """
    reach = math.ceil(thickness) + SPREAD
    near = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    rows = _rows_with_ink(rest)
    if not len(rows):
        return rest
    looked_at = rest[rows]
    by_across, by_down = cv2.dilate(across, near)[rows], cv2.dilate(down, near)[rows]
    count, labels, stats, _ = cv2.connectedComponentsWithStats(looked_at, connectivity=8)
    off_crossings, off_lines = np.zeros((2, count), np.bool_)
    off_crossings[labels[cv2.subtract(looked_at, cv2.bitwise_and(by_across, by_down)) > 0]] = True
    off_lines[labels[cv2.subtract(looked_at, cv2.bitwise_or(by_across, by_down)) > 0]] = True
    sliver = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].min(1) <= SLIVER * thickness
    kept = (off_crossings & (off_lines | ~sliver)).view(np.uint8)
    out = np.zeros_like(rest)
    out[rows] = kept[labels]
    return as_gray(out)
