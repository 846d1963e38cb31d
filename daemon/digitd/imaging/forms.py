"""Combs and rows of boxes, found as a whole: level lines with upright ones at equal steps, or between two of them."""

import math
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.levels import SHORTEST, SLIM, Line, level_lines, slope_of_longest
from digitd.imaging.tilt import levelled, unlevelled

MOST_LINES, MOST_UPRIGHTS = 40, 80
"""Of a form. More are squared paper or a texture."""
EDGE, ACROSS = 2, 0.94
"""Where ink goes as near to both sides as this, px, lines that are as long as this share of it are ruled paper."""
SHORT, DEEP = 5, 0.12
"""A tooth is at least so tall, px, and this share of the step from one to the next."""
HEIGHTS = (1, 2, 4, 8)
"""Teeth are looked for above so many times the least height."""
TEETH, PRESENT, BETWEEN = 3, 0.7, 4
"""So many teeth at equal steps are a comb, for two may be the strokes of an 11; of all steps this share has one; and
from one to the next there are fewer feet of digits than the last."""
OFF, OFF_PIXELS = 0.06, 2.0
"""Teeth stand where equal steps put them, but for this share of a step, or so many px."""
SPANNED = 0.7
"""From the first tooth to the last is at least this share of their line, and so much do two lines of a box share."""
WALL = 0.8
"""A wall of a box covers so much of the height between its lines."""
TALLER = 0.2
"""What a tooth is taller than the usual one by this share is a stroke on it, but for the comb's two ends."""
THICKER, BLURRED = 1.6, 4
"""An upright is no wider than its line is thick by this factor, and so many px more, two of which are looked beside."""
ROUGH = 2
"""A form's lines are so many px thicker here and there than they usually are."""


@dataclass(frozen=True)
class _Upright:
    """What stands on a level line: its columns from `left` up to `right`, and how high it goes above it."""

    left: int
    right: int
    height: int

    @property
    def middle(self) -> float:
        return (self.left + self.right - 1) / 2


def without_forms(mask: Gray, faint: Gray) -> Gray:
    """`mask` (H, W) uint8, 1 for ink, without combs and rows of boxes: itself, where there are none.

    `faint` is (H, W) uint8, 1 for all that might be ink, in which pale print is whole. Strokes that cross a form's
    lines stay. A form may lie up to 11 degrees askew.
    """
    left, top, width, height = cv2.boundingRect(faint)
    if width < SHORTEST or height < SHORT:
        return mask
    box = np.s_[top : top + height, left : left + width]
    # OpenCV's openings take what lies beyond a picture for ink: no line is to lie at its edge.
    margin = max(8, math.ceil(SLIM * width) + ROUGH + 2)
    seen, own = (as_gray(np.pad(one[box], margin)) for one in (faint, mask))
    slope = slope_of_longest(seen)
    if slope is None:
        return mask
    level = levelled(seen, slope)
    lines = level_lines(level, width)
    if left <= EDGE and left + width >= mask.shape[1] - EDGE:
        lines = [line for line in lines if line.length < ACROSS * width]
    if not 0 < len(lines) <= MOST_LINES:
        return mask
    taken = _form(levelled(own, slope), level, lines)
    if taken is None:
        return mask
    out = mask.copy()
    out[box] = cv2.subtract(own, unlevelled(taken, slope, own.shape))[margin:-margin, margin:-margin]
    return out


def _form(ink: Gray, level: Gray, lines: list[Line]) -> Gray | None:
    """What of the ink (H, W) is a form's lines; None where there is no form."""
    upwards = _upwards(level)
    uprights: list[tuple[_Upright, Line]] = []
    used: set[int] = set()
    for index, line in enumerate(lines):
        above = _above(lines, index, upwards)
        if above is not None:
            used |= {index, above[0]}
            uprights += [(wall, line) for wall in above[1]]
            continue
        # Where lines are rough, or digits stand on them, the teeth are alone only higher up.
        teeth = max((_comb(_uprights(upwards, line, SHORT * high), line) for high in HEIGHTS), key=len)
        if teeth:
            used.add(index)
            most = round((1 + TALLER) * float(np.median([tooth.height for tooth in teeth]))) + 1
            inner = [_Upright(tooth.left, tooth.right, min(tooth.height, most)) for tooth in teeth[1:-1]]
            uprights += [(tooth, line) for tooth in (teeth[0], *inner, teeth[-1])]
    return _taken(ink, [lines[index] for index in sorted(used)], uprights) if used else None


def _above(lines: list[Line], index: int, upwards: NDArray[np.int16]) -> tuple[int, list[_Upright]] | None:
    """The nearest line above one, its number, to which walls go from it, and they; None where there is none."""
    line = lines[index]
    for number in range(index - 1, -1, -1):
        upper = lines[number]
        shared = min(line.right, upper.right) - max(line.left, upper.left)
        apart = round(line.middle - upper.middle)
        if shared < SPANNED * max(line.length, upper.length) or apart < 3 * (line.thickness + SHORT):
            continue
        # Those of two boxes stand side by side.
        walls = _uprights(upwards, line, round(WALL * apart), abreast=2)
        if len(walls) >= 2:
            return number, [_Upright(wall.left, wall.right, apart) for wall in walls]
    return None


def _upwards(level: Gray) -> NDArray[np.int16]:
    """How far ink goes on upwards from each pixel (H, W), where it leans by no more than a pixel."""
    near = cv2.dilate(level, np.ones((1, 3), np.uint8))
    near = cv2.morphologyEx(near, cv2.MORPH_CLOSE, np.ones((5, 1), np.uint8))
    upwards = near.astype(np.int16)
    for above, row in pairwise(upwards):
        row += above * row
    return upwards


def _uprights(upwards: NDArray[np.int16], line: Line, least: int, abreast: int = 1) -> list[_Upright]:
    """What stands on a line, as tall as `least`, and is as thin as it is; or as so many of it `abreast`."""
    first, last = max(0, line.left - 2), min(upwards.shape[1], line.right + 2)
    start = line.thickness // 2 + 2
    rows = np.pad(line.rows, (line.left - first, last - line.right), mode="edge") - start
    heights = upwards[np.maximum(rows, 0), np.arange(first, last)].astype(np.int64)
    heights = np.where((heights > 0) & (rows >= 0), heights + start, 0)
    edges = np.flatnonzero(np.diff(np.pad(heights >= least, 1).astype(np.int8))).reshape(-1, 2)
    widest = abreast * (math.ceil(THICKER * line.thickness) + BLURRED)
    return [
        _Upright(first + start, first + end, int(heights[start:end].max()))
        for start, end in edges.tolist()
        if end - start <= widest
    ]


def _comb(uprights: list[_Upright], line: Line) -> list[_Upright]:
    """The most of these that stand at equal steps; none where they are too few, or far shorter than the line."""
    if not TEETH <= len(uprights) <= MOST_UPRIGHTS:
        return []
    middles = np.array([upright.middle for upright in uprights])
    heights = np.array([upright.height for upright in uprights])
    best = np.zeros(0, np.int64)
    for index, middle in enumerate(middles.tolist()):
        for step in (middles[index + 1 : index + 1 + BETWEEN] - middle).tolist():
            places = (middles - middle) / step
            off = np.abs(places - np.round(places)) * step
            teeth = np.flatnonzero((off <= max(OFF_PIXELS, OFF * step)) & (heights >= max(SHORT, DEEP * step)))
            if step < 2 * SHORT or len(teeth) < TEETH or len(teeth) <= len(best):
                continue
            span = float(middles[teeth[-1]] - middles[teeth[0]])
            if span >= SPANNED * line.length and len(teeth) >= PRESENT * (span / step + 1):
                best = teeth
    return [uprights[index] for index in best.tolist()]


def _taken(ink: Gray, lines: list[Line], uprights: list[tuple[_Upright, Line]]) -> Gray:
    """What of the ink (H, W) is of these lines; what goes through them is not."""
    upright, level = np.zeros_like(ink), np.zeros_like(ink)
    for one, line in uprights:
        row = line.row(one.middle)
        rows = slice(max(0, row - one.height - 1), row + line.thickness // 2 + 2)
        upright[rows, max(0, one.left - 1) : one.right + 1] = 1
    for line in lines:
        half = line.thickness // 2 + 1
        for off in range(-half, half + 1):
            level[np.clip(line.rows + off, 0, len(ink) - 1), np.arange(line.left, line.right)] = 1
    thickest = max(line.thickness for line in lines) + ROUGH
    rest = _cut(_cut(ink.T, upright.T, thickest).T, level, thickest)
    # Crumbs of lines, where noise or a corner made them thicker.
    near = cv2.dilate(cv2.bitwise_or(upright, level), np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(rest, connectivity=8)
    outside = np.zeros(count, np.uint8)
    outside[np.unique(labels[near == 0])] = 1
    return as_gray(cv2.subtract(ink, cv2.multiply(rest, outside[labels])))


def _cut(ink: NDArray[np.uint8], near: NDArray[np.uint8], thickest: int) -> Gray:
    """The ink (H, W) without what is `near` and no taller than the thickest line."""
    whole = np.ascontiguousarray(ink)
    thick = cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((thickest + 1, 1), np.uint8))
    return as_gray(cv2.subtract(whole, cv2.bitwise_and(cv2.subtract(whole, thick), np.ascontiguousarray(near))))
