"""Punched holes that a light ground shows through: rings, or bows of them, on a line along the page's edge."""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.labels import Labels

SMALLEST, LARGEST = 9, 0.12
"""Across, a ring is at least so many px, and no more than this share of the page's longer side: a hole of 8 mm at the
edge of a slip of paper."""
FROM_EDGE = 4.0
"""Its middle is no farther from the edge than so many times that: a punch makes holes of 6 mm, 12 mm from the edge."""
THIN = 0.3
"""The edge that a scanner shows of a hole is no thicker than this share of its radius."""
ROUND, ROUND_PIXELS = 0.025, 0.25
"""It lies off a circle by this share of the radius, and so many px, on average: a written 0 by 5 % or more."""
PARTS, SEEN = 24, 0.55
"""Of so many parts of its circle this share is seen: light from one side shows a bow."""
ALIKE, IN_LINE = 0.12, 0.4
"""Holes of a punch differ by no more than this share of their size; and by the second in their way from the edge."""
APART = 3.0
"""They are farther apart than so many times their size: two written 0s stand closer."""


def without_rings(mask: Gray, found: Labels) -> Gray:
    """`mask` (H, W) uint8, 1 for ink, without the edges of punched holes: itself, where there are none.

    `found` are the labels of that mask. A ring alone is none: it may be a 0.
    """
    if len(found.boxes) < 2:
        return mask
    rings = [ring for index in _likely(found, mask.shape) if (ring := _ring(found, index)) is not None]
    if len(rings) < 2:
        return mask
    height, width = mask.shape
    edges: set[int] = set()
    for along, across, end in ((0, 1, height), (0, 1, 0), (1, 0, width), (1, 0, 0)):
        for first in rings:
            for other in rings:
                size, reach = first[2], [abs(end - ring[across]) for ring in (first, other)]
                if (
                    abs(size - other[2]) <= ALIKE * size
                    and max(reach) <= FROM_EDGE * size
                    and abs(reach[0] - reach[1]) <= IN_LINE * size
                    and abs(first[along] - other[along]) > APART * size
                ):
                    edges |= {int(first[3]), int(other[3])}
    if not edges:
        return mask
    taken = np.isin(found.labels, [index + 1 for index in edges]).view(np.uint8)
    rest = mask.copy()
    box = np.s_[found.top : found.top + taken.shape[0], found.left : found.left + taken.shape[1]]
    rest[box] = cv2.subtract(rest[box], taken)
    return as_gray(rest)


def _likely(found: Labels, shape: tuple[int, ...]) -> list[int]:
    """The numbers of the parts that have a ring's box, or half of one, near the page's edge."""
    left, top, wide, tall, area = found.boxes.T
    left, top = left + found.left, top + found.top
    size = np.maximum(wide, tall)
    near = np.minimum.reduce([left, top, shape[1] - left - wide, shape[0] - top - tall]) <= FROM_EDGE * size
    fits = (size >= SMALLEST) & (size <= LARGEST * max(shape)) & (np.minimum(wide, tall) >= 0.45 * size)
    return np.flatnonzero(near & fits & (area < THIN * np.pi * size * size / 2)).tolist()


def _ring(found: Labels, index: int) -> tuple[float, float, float, int] | None:
    """The middle of a part's circle (x, y) in the mask, its diameter, and the part's number; None where it is none.

    The circle is fitted as Kåsa (1976) does: linear least squares of the circle's equation.
    """
    left, top, width, height, _ = found.boxes[index].tolist()
    y, x = np.nonzero(found.labels[top : top + height, left : left + width] == index + 1)
    points = np.column_stack([x, y, np.ones(len(x))]).astype(np.float64)
    a, b, c = np.linalg.lstsq(points, (points[:, :2] ** 2).sum(1), rcond=None)[0].tolist()
    radius = float(np.sqrt(max(0.0, c + (a * a + b * b) / 4)))
    if not SMALLEST / 2 <= radius <= 0.75 * max(width, height):
        return None
    if not _is_round(x - a / 2, y - b / 2, radius):
        return None
    return found.left + left + a / 2, found.top + top + b / 2, 2 * radius, index


def _is_round(x: NDArray[np.float64], y: NDArray[np.float64], radius: float) -> bool:
    """Whether pixels around (0, 0) are a thin line on most of a circle."""
    far = np.hypot(x, y)
    if np.quantile(np.abs(far - radius), 0.95) > THIN / 2 * radius + 1:
        return False
    part = ((np.arctan2(y, x) / (2 * np.pi) + 0.5) * PARTS).astype(np.int64) % PARTS
    count = np.bincount(part, minlength=PARTS)
    seen = count > 0
    means = np.bincount(part, far, PARTS)[seen] / count[seen]
    off = float(np.abs(means - radius).mean())
    return bool(np.count_nonzero(seen) >= SEEN * PARTS and off <= ROUND * radius + ROUND_PIXELS)
