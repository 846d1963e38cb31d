"""Whether a page on which no mark was found is empty, or full of ink of which nothing was left. Pure."""

import cv2
import numpy as np

from digitd.imaging.borders import is_near_edge
from digitd.imaging.clean import Stages
from digitd.imaging.contrast import noise_of
from digitd.imaging.evidence import LEAST_TALL, coherent
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.labels import labelled

MARKS = 8
"""So many parts in the shape of writing are no accident of dust, stains and broken lines: a short number's worth."""
LONG = 0.25
"""A part longer than this share of the page's shorter side is a line, a frame, a net of squares or a shadow."""
SLOPE, THICK = 0.25, 3
"""A piece of a rule rises by no more than this share of its length, as lines that are askew do, and is so thick, px."""
OPEN, FULL = 0.09, 0.7
"""A part that fills less of its box is a large frame; one that fills more is a blot, a hole or a square."""
RUN, STRAIGHT = 0.7, 0.6
"""Of boxes, corners and crosses of squares more than the second share lies in runs along rows or columns that are as
long as the first share of their box's side; curves and slanting strokes have few of those."""
BOLD, OBLONG = 0.5, 2.0
"""Small bold letters that touch fill more than this share of their box and are so many times as long as tall: they have
runs enough, and yet are no cross of thin lines."""
NO_NOISE, SPREAD = 100, 64
"""Where so much (of 255) is usual on the lighter side, on a page whose grays differ by the second value, it is no
noise that keeps ink from being found: there is so much ink that what is paper cannot be told."""
AROUND, APART = 20, 16
"""There a pixel is ink or gap where its gray is so far from the mean around it, a Gaussian's of this deviation, px."""
LINE, BROAD = 9, 7
"""A ruled line is a run of so many px along a row or a column, and is less broad than the second, px."""
DENSE = 0.1
"""So much of the page is ink, and so much is gap, that are no such lines. Of rules and squares one side is nothing."""


def is_lost(steps: Stages) -> bool:
    """Whether there is writing, or a dense pattern, on a page of whose ink no mark was left.

    Meant for pages without marks: straight lines, frames, squares, borders, punch holes and dust are no writing.
    """
    if not cv2.countNonZero(steps.found):
        return _is_dense(steps)
    found = coherent(steps.found, labelled(steps.found), steps.flattened)
    parts = labelled(found)
    longest = LONG * min(found.shape)
    count = 0
    for index, (left, above, width, height, _) in enumerate(parts.boxes.tolist(), 1):
        if max(width, height) > longest or height < LEAST_TALL:
            continue
        if is_near_edge((parts.left + left, parts.top + above, width, height), found.shape):
            continue
        own = (parts.labels[above : above + height, left : left + width] == index).view(np.uint8)
        count += not _is_drawn(as_gray(own))
        if count >= MARKS:
            return True
    return False


def _is_drawn(part: Gray) -> bool:
    """Whether a part (h, w) uint8, 1 for ink, is a piece of a line, a box, a cross of squares, or a blot."""
    height, width = part.shape
    shorter, longer = sorted((height, width))
    area = cv2.countNonZero(part)
    if shorter <= THICK + SLOPE * longer and area <= (THICK + 1) * longer:
        return True
    if not OPEN * height * width <= area <= FULL * height * width:
        return True
    if width > OBLONG * height and area > BOLD * height * width:
        return False
    runs = _runs(part, max(2, round(RUN * width)), max(2, round(RUN * height)))
    return cv2.countNonZero(runs) > STRAIGHT * area


def _is_dense(steps: Stages) -> bool:
    """Whether nothing stands out of a page because ink is all over it, and not in straight lines alone."""
    dark, light = np.percentile(steps.page, (5, 95))
    if light - dark < SPREAD or noise_of(steps.lighter) < NO_NOISE:
        return False
    around = cv2.GaussianBlur(steps.page, (0, 0), AROUND)
    # Which of the two is the ink is not known.
    sides = (cv2.subtract(around, steps.page), cv2.subtract(steps.page, around))
    return all(_not_ruled(as_gray(cv2.threshold(side, APART, 1, cv2.THRESH_BINARY)[1])) >= DENSE for side in sides)


def _not_ruled(mask: Gray) -> float:
    """The share of a page that is of a mask (H, W) uint8, 1 for ink, and in no ruled line."""
    square = np.ones((3, 3), np.uint8)
    broad = cv2.dilate(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((BROAD, BROAD), np.uint8)), square)
    lines = cv2.dilate(cv2.subtract(_runs(mask, LINE, LINE), broad), square)
    return cv2.countNonZero(cv2.subtract(mask, lines)) / mask.size


def _runs(mask: Gray, along: int, down: int) -> Gray:
    """What of a mask lies in runs of so many px along rows, or down columns."""
    rows = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, along), np.uint8))
    return as_gray(cv2.bitwise_or(rows, cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((down, 1), np.uint8))))
