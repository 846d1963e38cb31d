"""Printed boxes around digits: what is made of straight lines and encloses other ink is a form, not a digit."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.labels import Labels

SMALLEST = 20
"""A frame's sides are at least this, px."""
MOST = 24
"""So many parts, those with the largest boxes, are looked at."""
RUN = 0.3
"""A frame's lines run straight for at least this share of its shorter side."""
STRAIGHT = 0.8
"""So much of a frame is straight lines. Of a 0 with a dot or a stroke in it, less is."""
ENCLOSED = 0.25
"""What a frame encloses is at least this share of the frame's height: more than specks."""


def without_frames(mask: Gray, found: Labels) -> Gray:
    """`mask` (H, W) uint8, 1 for ink, without frames: itself, where there are none. Strokes that cross them stay.

    `found` are the mask's labels.
    """
    boxes = found.boxes
    if len(boxes) < 2:
        return mask
    sizes = boxes[:, cv2.CC_STAT_WIDTH] * boxes[:, cv2.CC_STAT_HEIGHT]
    taken = np.zeros_like(mask)
    for index in np.argsort(-sizes, kind="stable")[:MOST].tolist():
        left, top, width, height, _ = boxes[index].tolist()
        if min(width, height) < SMALLEST or not _surrounds(boxes, index):
            continue
        own = as_gray((found.labels[top : top + height, left : left + width] == index + 1).view(np.uint8))
        lines = _straight(own)
        part = np.s_[found.top + top : found.top + top + height, found.left + left : found.left + left + width]
        if cv2.countNonZero(lines) >= STRAIGHT * cv2.countNonZero(own) and _encloses(own, mask[part]):
            taken[part] |= lines
    return as_gray(cv2.subtract(mask, taken)) if taken.any() else mask


def _surrounds(boxes: NDArray[np.int64], index: int) -> bool:
    """Whether the box of a part has that of another one, no speck, within it."""
    left, top, width, height = boxes[index, :4]
    x, y, wide, tall = boxes[:, :4].T
    within = (x > left) & (y > top) & (x + wide < left + width) & (y + tall < top + height)
    return bool((within & (tall >= ENCLOSED * height)).any())


def _straight(own: Gray) -> Gray:
    """What of a part runs straight across or down, and a pixel beside it for lines that are a little askew."""
    run = max(9, round(RUN * min(own.shape)))
    lines: NDArray[Any] = np.zeros_like(own)
    for kernel in ((1, run), (run, 1)):
        lines |= cv2.morphologyEx(own, cv2.MORPH_OPEN, np.ones(kernel, np.uint8))
    return as_gray(cv2.bitwise_and(cv2.dilate(lines, np.ones((3, 3), np.uint8)), own))


def _encloses(own: Gray, mask: Gray) -> bool:
    """Whether other ink lies in a hole of a part."""
    paper = np.pad(1 - own, 1, constant_values=1)
    _, outside = cv2.connectedComponents(as_gray(paper), connectivity=4)
    hole = (outside[1:-1, 1:-1] != outside[0, 0]) & (own == 0)
    other = as_gray((hole & (mask > 0)).view(np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(other, connectivity=8)
    return count > 1 and int(stats[1:, cv2.CC_STAT_HEIGHT].max()) >= ENCLOSED * own.shape[0]
