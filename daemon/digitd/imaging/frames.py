"""Printed boxes and combs around digits: straight lines that enclose other ink are a form, not a digit."""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.labels import Labels
from digitd.imaging.straight import full_lines, lines_across, straight, thickness_of
from digitd.imaging.tilt import levelled, slope_of, unlevelled

SMALLEST = 20
"""A frame's sides are at least this, px."""
MOST = 200
"""So many parts, those with the largest boxes, are looked at: a form has that many boxes, a texture has more."""
MOST_AREA = 4.0
"""Their boxes have together so many times the page's area: a border, a table in it, its sections and their boxes are
four deep. Rings within rings are a pattern; what is left of them is no digit."""
SOLID = 0.5
"""A form is thin lines: a part that fills more of its box is a table, a border or a blot."""
THICKEST = 0.12
"""And they are thinner than this share of it."""
THICKER = 2.0
"""A stroke that runs into a line is thicker than that, across it, by this factor."""
STRAIGHT = 0.8
"""So much of a frame is straight lines. Of a 0 with a dot or a stroke in it, less is."""
ALL = 0.97
"""Where less of a part is lines, another slope may show more of them; or a digit has run into the frame."""
SPANNED = 0.85
"""A digit may run into a frame: then the frame's lines must span so much of it both ways."""
ENCLOSED = 0.25
"""What a frame encloses is at least this share of the frame's height: more than specks."""
MANY, LETTER = 3, 10
"""A table has many rows: or it encloses so many parts that are at least so tall, px."""
TICK, TICK_FULL, ALIKE = 0.12, 0.75, 0.15
"""A comb's ticks are at least this share of its height tall, fill so much of their boxes, and their heights differ by
no more than the third share: a 1 that stands on the line is taller, or leans."""


def without_frames(mask: Gray, found: Labels) -> Gray:
    """`mask` (H, W) uint8, 1 for ink, without frames: itself, where there are none. Strokes that cross them stay.

    `found` are the mask's labels. A form may lie up to 11 degrees askew.
    """
    boxes = found.boxes
    if not len(boxes) or (len(boxes) == 1 and not _edged(found, 0)):
        return mask
    sizes = boxes[:, cv2.CC_STAT_WIDTH] * boxes[:, cv2.CC_STAT_HEIGHT]
    taken: Gray | None = None
    usual, area_left = 0.0, MOST_AREA * mask.size
    for index in np.argsort(-sizes, kind="stable")[:MOST].tolist():
        left, top, width, height, area = boxes[index].tolist()
        if min(width, height) < SMALLEST or area > SOLID * width * height:
            continue
        surrounds = _surrounds(boxes, index)
        if not surrounds and not _edged(found, index):
            continue
        if (area_left := area_left - width * height) < 0:
            break
        own = as_gray((found.labels[top : top + height, left : left + width] == index + 1).view(np.uint8))
        part = np.s_[found.top + top : found.top + top + height, found.left + left : found.left + left + width]
        whole, written = cv2.countNonZero(own), mask[part]
        # The boxes of a page lie alike: what one was found at is tried before the slope is looked for.
        lines, slope = _form(own, written, usual, surrounds), usual
        if lines is None or cv2.countNonZero(lines) < ALL * whole:
            steep = slope_of(own)
            better = _form(own, written, steep, surrounds)
            if better is not None and (lines is None or cv2.countNonZero(better) > cv2.countNonZero(lines)):
                lines, slope = better, steep
        if lines is not None:
            usual = slope
            taken = np.zeros_like(mask) if taken is None else taken
            taken[part] |= lines
    return mask if taken is None else as_gray(cv2.subtract(mask, taken))


def _surrounds(boxes: NDArray[np.int64], index: int) -> bool:
    """Whether the box of a part has that of another one, no speck, within it."""
    left, top, width, height = boxes[index, :4]
    x, y, wide, tall = boxes[:, :4].T
    within = (x > left) & (y > top) & (x + wide < left + width) & (y + tall < top + height)
    return _are_written(tall[within], height)


def _are_written(heights: NDArray[Any], height: int) -> bool:
    """Whether parts of these heights, in a frame of that height, are more than specks."""
    return bool((heights >= ENCLOSED * height).any() or np.count_nonzero(heights >= LETTER) >= MANY)


def _edged(found: Labels, index: int) -> bool:
    """Whether a part runs along its box, at one side and at its top or bottom: a frame that a digit has run into."""
    left, top, width, height, _ = found.boxes[index].tolist()
    if min(width, height) < SMALLEST:
        return False
    own = found.labels[top : top + height, left : left + width]
    return _runs_along(own[:2], own[-2:], index + 1) and _runs_along(own[:, :2].T, own[:, -2:].T, index + 1)


def _runs_along(one: NDArray[np.int32], other: NDArray[np.int32], label: int) -> bool:
    return any(np.count_nonzero((edge == label).any(0)) >= SPANNED * edge.shape[1] for edge in (one, other))


def _form(own: Gray, mask: Gray, slope: float, surrounds: bool) -> Gray | None:
    """What of a part is a form's lines, at that slope: (H, W) like the part; None where it is no form.

    `mask` is all ink in the part's box. `surrounds` says whether other ink lies in that.
    """
    level = levelled(own, slope)
    wide, tall = cv2.boundingRect(level)[2:]
    side = min(wide, tall)
    across, down = straight(level, side, 1), straight(level, side, 0)
    if not across.any():
        return None
    thickness = max(thickness_of(across), thickness_of(as_gray(down.T)))
    if thickness > max(3.0, THICKEST * side):
        return None
    # What is thicker than the lines are is a stroke that runs into them, and stays where they go.
    thick = np.ones((math.ceil(thickness * THICKER) + 1, 1), np.uint8)
    upright = cv2.morphologyEx(cv2.subtract(level, down), cv2.MORPH_OPEN, thick)
    sideways = cv2.morphologyEx(cv2.subtract(level, across), cv2.MORPH_OPEN, thick.T)
    across, down = as_gray(cv2.subtract(across, upright)), as_gray(cv2.subtract(down, sideways))
    lines = as_gray(cv2.bitwise_or(across, down))
    rest = as_gray(cv2.subtract(level, lines))
    ticks, digits = _sorted_out(rest, across, thickness, tall)
    lines = as_gray(cv2.bitwise_or(lines, ticks))
    written = surrounds and _comb(across, down, ticks, level)
    if not written:
        drawn = cv2.countNonZero(lines) >= STRAIGHT * cv2.countNonZero(own)
        written = (drawn and _encloses(own, mask)) or (bool(digits.any()) and _closed(across, down, wide))
    if not written:
        return None
    crumbs = as_gray(cv2.subtract(cv2.subtract(level, lines), digits))
    removed = as_gray(cv2.bitwise_or(lines, crumbs))
    # A stroke that goes through a line has ink on both sides of it, and goes on between.
    reach = math.ceil(thickness) + 3
    mended = cv2.morphologyEx(np.pad(digits, reach), cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    taken = as_gray(cv2.subtract(removed, as_gray(mended[reach:-reach, reach:-reach])))
    return unlevelled(taken, slope, own.shape)


def _closed(across: Gray, down: Gray, wide: int) -> bool:
    """Whether lines make a box: two from side to side, and two walls between them."""
    bars = full_lines(across, SPANNED * wide)
    if len(bars) < 2:
        return False
    between = np.s_[bars[0][1] : bars[-1][0]]
    walls = as_gray(np.ascontiguousarray(down[between].T))
    return len(full_lines(walls, SPANNED * walls.shape[1])) >= 2


def _comb(across: Gray, down: Gray, ticks: Gray, level: Gray) -> bool:
    """Whether a part is one line to write on, with ticks on it or a wall at both ends."""
    wide = np.count_nonzero(level.any(0))
    if np.count_nonzero(across.any(0)) < 0.95 * wide:
        return False
    lines = cv2.countNonZero(across) + cv2.countNonZero(cv2.subtract(cv2.bitwise_or(down, ticks), across))
    upright = lines_across(as_gray(down.T)) if down.any() else 0
    return bool(lines >= STRAIGHT * cv2.countNonZero(level) and (upright >= 2 or ticks.any()))


def _sorted_out(rest: Gray, across: Gray, thickness: float, height: int) -> tuple[Gray, Gray]:
    """What a form's lines leave: a comb's ticks, and the digits that run into them."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    tallest = thickness * 1.5 + 2
    near = cv2.dilate(across, np.ones((5, 1), np.uint8))
    ticks: list[int] = []
    digits = np.zeros(count, np.uint8)
    for index in range(1, count):
        left, top, wide, tall, area = stats[index].tolist()
        if wide <= tallest and tall >= max(4, TICK * height) and area >= TICK_FULL * wide * tall:
            ends = near[[top, top + tall - 1], left : left + wide]
            if ends.any():
                ticks.append(index)
                continue
        if max(wide, tall) > max(2 * tallest, ENCLOSED / 2 * height):
            digits[index] = 1
    heights = [int(stats[index, cv2.CC_STAT_HEIGHT]) for index in ticks]
    if len(ticks) > 1 and max(heights) - min(heights) > max(2, ALIKE * max(heights)):
        usual = float(np.median(heights))
        odd = [index for index in ticks if abs(stats[index, cv2.CC_STAT_HEIGHT] - usual) > max(2, ALIKE * usual)]
        digits[odd] = 1
        ticks = [index for index in ticks if index not in odd]
    chosen = np.zeros(count, np.uint8)
    chosen[ticks] = 1
    return as_gray(chosen[labels]), as_gray(digits[labels])


def _encloses(own: Gray, mask: Gray) -> bool:
    """Whether other ink lies in a hole of a part."""
    paper = np.pad(1 - own, 1, constant_values=1)
    _, outside = cv2.connectedComponents(as_gray(paper), connectivity=4)
    hole = (outside[1:-1, 1:-1] != outside[0, 0]) & (own == 0)
    other = as_gray((hole & (mask > 0)).view(np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(other, connectivity=8)
    return _are_written(stats[1:, cv2.CC_STAT_HEIGHT], own.shape[0])
