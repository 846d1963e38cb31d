"""The connected parts of a page's ink that may belong to marks: specks, frames and table edges are left out."""

from dataclasses import dataclass
from statistics import median

import numpy as np

from digitd.imaging.clean import Ink
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.labels import Labels, labelled

SPECK = 0.07
"""A part is a speck where both its sides are below this share of the tall parts' height."""
SPECK_PIXELS = 3
"""So many pixels are never a part."""
SPECK_ALONE = 0.012
"""Where all is small, what is below this share of the page's shorter side is dust."""
CONTACT = 0.35
"""A part that lies along so much of one of the page's edges is a border, a table or a shadow."""
MARGIN = 0.006
"""What is this near to the page's edge, of its longer side, touches it."""
SHADOW = 140
"""Ink (of 255) that is fainter than this even at its core, and reaches the page's edge, is a shadow."""
MOST_PARTS = 3000
"""A page with more parts than this is a texture; its largest parts are looked at."""


@dataclass(frozen=True)
class Part:
    """A connected part of the ink: its box in px of the ink, and its own mask (height, width) uint8, 1 for ink."""

    left: int
    top: int
    width: int
    height: int
    area: int
    mask: Gray

    @property
    def right(self) -> int:
        """The column after its last."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The row after its last."""
        return self.top + self.height

    @property
    def centre(self) -> float:
        """The middle of its rows."""
        return self.top + self.height / 2


def union(one: Part, other: Part) -> Part:
    """Two parts as one."""
    left, top = min(one.left, other.left), min(one.top, other.top)
    width, height = max(one.right, other.right) - left, max(one.bottom, other.bottom) - top
    mask = np.zeros((height, width), np.uint8)
    for part in (one, other):
        y, x = part.top - top, part.left - left
        mask[y : y + part.height, x : x + part.width] |= part.mask
    return Part(left, top, width, height, one.area + other.area, mask)


def parts_of(ink: Ink) -> list[Part]:
    """The parts of a page's ink that may be marks or pieces of marks, the largest first."""
    found = ink.labels or labelled(ink.mask)
    boxes = found.boxes
    if not len(boxes):
        return []
    kept = np.flatnonzero(boxes[:, 4] > SPECK_PIXELS)
    if not kept.size:
        kept = np.arange(len(boxes))
    kept = kept[np.argsort(-boxes[kept, 4], kind="stable")][:MOST_PARTS]
    parts = [_part(found, int(index)) for index in kept]
    inside = [part for part in parts if not _is_border(part, ink)]
    return _without_specks(inside or parts, ink.mask.shape)


def _part(found: Labels, index: int) -> Part:
    left, top, width, height, area = found.boxes[index].tolist()
    own = found.labels[top : top + height, left : left + width] == index + 1
    return Part(found.left + left, found.top + top, width, height, area, as_gray(own.view(np.uint8)))


def _is_border(part: Part, ink: Ink) -> bool:
    """Whether a part lies along the page's edge rather than ends there, as a digit does; or is a shadow there."""
    height, width = ink.mask.shape
    margin = round(MARGIN * max(height, width))
    near = margin + 1
    left, right = part.left <= margin, part.right >= width - margin
    top, bottom = part.top <= margin, part.bottom >= height - margin
    touched = [np.count_nonzero(part.mask[:, :near].any(1)) / height] if left else []
    touched += [np.count_nonzero(part.mask[:, -near:].any(1)) / height] if right else []
    touched += [np.count_nonzero(part.mask[:near].any(0)) / width] if top else []
    touched += [np.count_nonzero(part.mask[-near:].any(0)) / width] if bottom else []
    if not touched:
        return False
    line = ((left or right) and part.width <= margin) or ((top or bottom) and part.height <= margin)
    if line or max(touched) > CONTACT:
        return True
    own = ink.ink[part.top : part.bottom, part.left : part.right][part.mask > 0]
    if float(np.percentile(own, 90)) < SHADOW:
        return True
    # A shadow in a corner, or an edge of the table running out of the picture on two sides.
    return len(touched) >= 2 and sum(touched) > 0.25


def _without_specks(parts: list[Part], shape: tuple[int, ...]) -> list[Part]:
    tallest = max(max(part.height, part.width) for part in parts)
    tall = median([part.height for part in parts if part.height >= 0.4 * tallest] or [tallest])
    least = max(SPECK * tall, SPECK_ALONE * min(shape))
    big = [part for part in parts if max(part.height, part.width) >= least]
    return big or parts
