"""Handwritten digits as ink at a scan's resolution: from 28x28 images to strokes of any size and pen. Pure."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.float32]
"""Ink, (H, W) float32, 0 none to 1 full."""
Digit = tuple[npt.NDArray[np.uint8], int]
"""A digit as MNIST has it, (28, 28) uint8 light on dark, and which one it is."""

FACTOR = 5
"""Outlines are found at five times MNIST's size: a pixel there is then 1 % of the digit's height."""
SMOOTH = 0.3 * FACTOR
"""The blur of the distance field: it takes the steps out of outlines, and leaves what is wider than half a pixel."""
PAD = 6
"""Pixels of MNIST's kept round a digit: room for a stroke twice as thick."""
GLYPH = 20.0
"""The longer side of every MNIST digit, px."""
LEVELS = (0.42, 0.5, 0.34, 0.6, 0.25)
"""Gray values, of 1, at which MNIST's blurred edge is taken to be the stroke's, the likeliest first: at 0.42 areas stay
as they were, higher ones open small loops, lower ones join faint strokes."""
LEAST_AREA = 25
"""Smaller holes and parts (px at FACTOR times MNIST's size: one pixel of MNIST's) are accidents of the enlargement."""
BLOB = 1.7
DEEP = 0.1 * GLYPH * FACTOR
"""A digit so many times as deep somewhere as its strokes usually are, and so deep at all, has a loop that ran full. Its
middle line would be another digit's, so it keeps its writer's shape whatever the pen."""
MOST_THINNER = 0.25
"""Of half a stroke, how much of it may be taken away: more, and the thin places of it would be gone."""
FINEST = 0.06
"""The share of the height below which no pen is made finer for the sake of a loop."""


@dataclass(frozen=True)
class Pen:
    """`stroke`: the width as a share of the digit's height; None keeps the writer's own, moved by `bolder` heights."""

    stroke: float | None = None
    bolder: float = 0.0


def drawn(digit: npt.NDArray[np.uint8], height: float, pen: Pen) -> Mask:
    """The digit with its longer side about HEIGHT px, cropped to its ink.

    Edges come from a distance field, and are therefore smooth at every size, not 28 px blocks.
    """
    field = _distance(digit, pen)
    scale = height / (GLYPH * FACTOR)
    width, tall = (max(1, round(side * scale)) for side in (field.shape[1], field.shape[0]))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    edge = cv2.resize(field, (width, tall), interpolation=how) * scale
    return _cropped(np.clip(0.5 + edge, 0, 1).astype(np.float32))


def holes(mask: Mask | npt.NDArray[np.uint8]) -> int:
    """How many holes the ink encloses, of LEAST_AREA px or more."""
    outside = np.pad(mask < 0.5, 1, constant_values=True).astype(np.uint8)
    _, _, found, _ = cv2.connectedComponentsWithStats(outside, connectivity=4)
    return int((found[1:, cv2.CC_STAT_AREA] >= LEAST_AREA).sum()) - 1


def _distance(digit: npt.NDArray[np.uint8], pen: Pen) -> Mask:
    """How deep each point is in the ink, in px at FACTOR times MNIST's size; below 0 outside."""
    ink = _outline(digit)
    inside = cv2.distanceTransform(ink, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    line = thinned(ink)
    half = float(np.median(inside[line > 0]))
    if pen.stroke is None or inside.max() > max(BLOB * half, DEEP):
        outside = cv2.distanceTransform(1 - ink, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        moved = max(pen.bolder * GLYPH * FACTOR, -MOST_THINNER * half)
        return np.asarray(cv2.GaussianBlur(inside - outside, (0, 0), SMOOTH) + moved, np.float32)
    away = cv2.distanceTransform(1 - line, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    middle = cv2.GaussianBlur(away, (0, 0), SMOOTH)
    stroke, loops = pen.stroke, holes(ink)
    while True:
        field = np.asarray(_blunted(stroke * GLYPH * FACTOR / 2, SMOOTH) - middle, np.float32)
        # A pen that would fill a loop is taken to be finer there: nobody could read the digit.
        if stroke <= FINEST or holes((field > 0).astype(np.uint8)) >= loops:
            return field
        stroke -= 0.01


def _outline(digit: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The ink, 0 or 1, at FACTOR times MNIST's size: at the level that leaves strokes whole and loops open."""
    large = cv2.resize(
        np.pad(digit, PAD).astype(np.float32) / 255, None, fx=FACTOR, fy=FACTOR, interpolation=cv2.INTER_CUBIC
    )
    soft = cv2.GaussianBlur(large, (0, 0), SMOOTH)
    inks = [(soft > level).astype(np.uint8) for level in LEVELS]
    return max(inks, key=lambda ink: holes(ink) - _parts(ink))


def _parts(ink: npt.NDArray[np.uint8]) -> int:
    areas = cv2.connectedComponentsWithStats(ink, connectivity=8)[2][1:, cv2.CC_STAT_AREA]
    return int((areas >= LEAST_AREA).sum())


def _blunted(half: float, sigma: float) -> float:
    """What a blur of SIGMA makes of the distance HALF from a line: |x| loses its point, and thin strokes their ink."""
    near = math.exp(-((half / sigma) ** 2) / 2) * sigma * math.sqrt(2 / math.pi)
    return near + half * math.erf(half / sigma / math.sqrt(2))


def _cropped(mask: Mask) -> Mask:
    seen = mask > 0.25
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    if not len(rows):
        return mask
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _removable() -> npt.NDArray[np.uint8]:
    """For each of the two passes and each pattern of eight neighbours: whether the pixel may go."""
    table = np.zeros((2, 256), np.uint8)
    for code in range(256):
        p2, p3, p4, p5, p6, p7, p8, p9 = (code >> bit & 1 for bit in range(8))  # north, then clockwise
        pairs = ((p2, p3, p4), (p4, p5, p6), (p6, p7, p8), (p8, p9, p2))
        crossings = sum(not first and (second or third) for first, second, third in pairs)
        near = min((p9 | p2) + (p3 | p4) + (p5 | p6) + (p7 | p8), (p2 | p3) + (p4 | p5) + (p6 | p7) + (p8 | p9))
        if crossings == 1 and 2 <= near <= 3:
            table[0, code] = not ((p6 or p7 or not p9) and p8)
            table[1, code] = not ((p2 or p3 or not p5) and p4)
    return table


_REMOVABLE = _removable()
_RING = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], np.float32)


def thinned(ink: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The middle line of the ink (H, W) 0 or 1, one pixel wide (Z. Guo and R. W. Hall, CACM 1989, A1)."""
    ink = ink.copy()
    while True:
        before = int(ink.sum())
        for table in _REMOVABLE:
            around = cv2.filter2D(ink, cv2.CV_8U, _RING, borderType=cv2.BORDER_CONSTANT)
            ink &= 1 - table[around]
        if int(ink.sum()) == before:
            return ink
