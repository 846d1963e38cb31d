"""Ruled and squared paper: lines that run across a page are taken out, strokes that cross them stay."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.remains import TALLER, feet_on, without_crumbs
from digitd.imaging.ruling import SPAN, THINNEST_KEPT, lines_of_paper, thickest_of, thin_of
from digitd.imaging.tilt import STEEPEST, levelled, unlevelled

COARSE = 640
"""Longer side at which lines are looked for, px."""
HAIRLINE = 0.45
"""Ink of so many px across keeps its place when the mask is reduced to that: half a pixel of a line that comes to lie
between two rows does."""
LEVEL = 0.012
"""Lines that slope by less than this need no levelling: their straight pieces are long enough."""
TURN = math.pi / 720
"""Steps in which the lines' angle is looked for, a quarter of a degree."""
SEEN, ENOUGH = 0.45, 1.2
"""The angle is that of the line most of whose pixels lie in a row, this share of the width at least; looked for only
where there are as many thin pixels as the second share of it."""
PALE = 0.25
"""A pale line has at least so many pixels, of the page's shorter side, that are not seen at once."""
DASH, JOINED = 3, 2
"""Of a pale line dashes are seen at once: longer than thick by the first factor, and joined to lines by fainter ink,
which are fewer by the second: strokes of digits stay apart."""
UNEVEN = 2.5
"""Lines that are so thick, px, are a pixel thicker here and there: where they fall between two rows of pixels."""


def without_rules(mask: Gray, faint: Gray | None = None) -> Gray:
    """`mask` (H, W) uint8, 1 for ink, without lines: itself, where there are none.

    `faint` is (H, W) uint8, 1 for all that might be ink, in which pale lines are whole; the mask, where it is None.
    The lines may slope by up to 0.2, 11 degrees. Of paper with nothing but lines on it nothing is left: it is blank.
    """
    # Most pages have no ink that goes so far: a look at its box spares them all else.
    _, _, wide, tall = cv2.boundingRect(mask)
    if wide < SPAN * mask.shape[1] and tall < SPAN * mask.shape[0]:
        return mask
    if not any(_covers(mask, axis) for axis in (0, 1)):
        return mask
    rest = _without_lines(mask)
    if faint is None:
        return rest
    # Pale lines may be whole in that alone, all of them or some.
    if not (_is_dashed(rest, faint) or (rest is mask and _is_pale(mask, faint))):
        return rest
    faint_rest = _without_lines(faint)
    return rest if faint_rest is faint else as_gray(cv2.bitwise_and(rest, faint_rest))


def _is_pale(mask: Gray, faint: Gray) -> bool:
    """Whether there is faint ink elsewhere than around strokes, where there always is."""
    more = cv2.subtract(faint, cv2.dilate(mask, np.ones((5, 5), np.uint8)))
    return bool(cv2.countNonZero(more) >= PALE * min(mask.shape))


def _is_dashed(mask: Gray, faint: Gray) -> bool:
    """Whether there are thin dashes that make a line's length together, most of them joined by faint ink."""
    coarse = _coarse(mask)[0]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(coarse, connectivity=8)
    wide, tall, area = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT], stats[:, cv2.CC_STAT_AREA]
    for long, thick, side in ((wide, tall, coarse.shape[1]), (tall, wide, coarse.shape[0])):
        dashes = (long >= DASH * thick) & (area <= THINNEST_KEPT * long)
        dashes[0] = False
        if long[dashes].sum() >= SPAN * side:
            _, whole = cv2.connectedComponents(_coarse(faint)[0], connectivity=8)
            if JOINED * len(np.unique(whole[dashes[labels]])) <= np.count_nonzero(dashes):
                return True
    return False


@dataclass(frozen=True)
class _Lines:
    """Level lines that were found in a mask.

    What is `taken` of it, (H, W); how thick they usually are, px; and how tall a run of them may be.
    """

    taken: Gray
    thickness: float
    tallest: int


def _without_lines(mask: Gray) -> Gray:
    """The mask without level and upright lines: itself, where there are none."""
    slope = _slope(mask)
    level = levelled(mask, slope)
    steps = int(slope != 0)
    across = _level_lines(level, mask.shape[1], steps)
    rest = as_gray(cv2.subtract(level, across.taken)) if across else level
    down = _level_lines(as_gray(np.ascontiguousarray(rest.T)), mask.shape[0], steps)
    if not across and not down:
        return mask
    if down:
        upright = as_gray(np.ascontiguousarray(down.taken.T))
        rest = as_gray(cv2.subtract(rest, upright))
        if across:
            rest = without_crumbs(rest, across.taken, upright, max(across.thickness, down.thickness))
    whole = rest
    if across:
        whole = as_gray(cv2.bitwise_or(rest, feet_on(across.taken, rest, across.thickness, across.tallest)))
    if down:
        feet = feet_on(down.taken, as_gray(rest.T), down.thickness, down.tallest)
        whole = as_gray(cv2.bitwise_or(whole, np.ascontiguousarray(feet.T)))
    return unlevelled(whole, slope, mask.shape)


def _covers(mask: Gray, axis: int) -> bool:
    """Whether there is ink in so many of the columns (axis 0), or of the rows (1), as a line covers."""
    # OpenCV takes ten times as long for rows.
    return bool(np.count_nonzero(mask.view(np.bool_).any(axis)) >= SPAN * mask.shape[1 - axis])


def _slope(mask: Gray) -> float:
    """How steep a page's lines are (dy/dx), by Hough's transform; 0 where there seem to be none."""
    # Longer lines tell their slope more exactly.
    for turned in (False, True) if mask.shape[1] >= mask.shape[0] else (True, False):
        seen = mask.T if turned else mask
        if not _covers(mask, int(turned)):
            continue
        coarse, _ = _coarse(as_gray(np.ascontiguousarray(seen)))
        thin, width = thin_of(coarse, thickest_of(coarse)), coarse.shape[1]
        if cv2.countNonZero(thin) < ENOUGH * width:
            continue
        least, most = math.pi / 2 - math.atan(STEEPEST), math.pi / 2 + math.atan(STEEPEST)
        found = cv2.HoughLines(thin, 1, TURN, max(2, round(SEEN * width)), min_theta=least, max_theta=most)
        if found is not None:
            slope = -1 / math.tan(float(found[0, 0, 1]))
            return 0.0 if abs(slope) < LEVEL else (-slope if turned else slope)
    return 0.0


def _coarse(mask: Gray) -> tuple[Gray, float]:
    """The mask at the size at which lines are looked for, and by what it was reduced."""
    factor = max(1.0, max(mask.shape) / COARSE)
    if factor == 1:
        return mask, factor
    size = (max(1, round(mask.shape[1] / factor)), max(1, round(mask.shape[0] / factor)))
    shrunk = cv2.resize(mask * 255, size, interpolation=cv2.INTER_AREA)
    return as_gray(cv2.threshold(shrunk, 255 * HAIRLINE / factor, 1, cv2.THRESH_BINARY)[1]), factor


def _level_lines(mask: Gray, across: int, steps: int) -> _Lines | None:
    """The level lines of a mask; None, where there are none.

    `across` is the page's width, without the mask's empty corners; `steps` how much thicker levelling makes a line
    here and there, px.
    """
    if cv2.countNonZero(cv2.reduce(mask, 0, cv2.REDUCE_MAX)) < SPAN * across:
        return None
    coarse, factor = _coarse(mask)
    if min(coarse.shape) < 2:
        return None
    found = lines_of_paper(coarse, round(across / factor))
    if found is None:
        return None
    lines, count = found
    if factor > 1:
        lines = as_gray(cv2.resize(lines, mask.shape[::-1], interpolation=cv2.INTER_NEAREST))
    taken = _along(thin_of(mask, thickest_of(mask)), lines, int(factor))
    covered = cv2.countNonZero(cv2.reduce(taken, 0, cv2.REDUCE_MAX)) * count
    # What is thicker than these lines are is a stroke on them, such as the foot of a 2.
    thickness = cv2.countNonZero(taken) / max(1, covered)
    uneven = max(steps, int(thickness >= UNEVEN))
    tallest = min(thickest_of(mask), math.ceil(TALLER * thickness) + uneven)
    taken = _along(thin_of(mask, tallest), lines, int(factor))
    return _Lines(taken, thickness, tallest)


def _along(thin: Gray, lines: Gray, near: int) -> Gray:
    """What is thin and runs where lines do, `near` px around: of each column the run on the line, not one beside it,
    as the foot of a 0 may be."""
    reach = np.ones((2 * near + 3, 1), np.uint8)
    on = cv2.bitwise_and(thin, lines)
    beside = cv2.bitwise_and(thin, cv2.dilate(lines, reach))
    run = cv2.bitwise_or(on, cv2.subtract(beside, cv2.dilate(on, np.ones((4 * near + 5, 1), np.uint8))))
    for _ in range(2 * near + 2):
        run = cv2.bitwise_and(cv2.dilate(run, np.ones((3, 1), np.uint8)), thin)
    return as_gray(run)
