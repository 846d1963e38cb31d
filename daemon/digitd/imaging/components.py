"""The connected parts of a page's ink that may belong to marks: specks, frames and table edges are left out."""

from dataclasses import dataclass
from statistics import median

import numpy as np

from digitd.errors import TooManyMarksError
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
ALONG, GROUND = 0.9, 0.5
"""What the paper lies on hangs on the page's edge with so much of its own length, and takes up no more than the second
share of the page; or it runs along so much of two edges."""
LEAST_PAGE = 64
"""A page of fewer px is a cell that software has cut out: there is no table in it."""
MARGIN = 0.006
"""What is this near to the page's edge, of its longer side, touches it."""
SHADOW = 140
"""Ink (of 255) that is fainter than this even at its core, and reaches the page's edge, is a shadow."""
ROUND, ROUND_SIDES = 0.93, 0.86
"""A punched hole: a part that shares so much with the ellipse in its box, whose sides differ by no more than this."""
HOLE = 0.45
"""And that is no smaller than this share of the tall parts' height: a full stop is."""
MOST_MARKS = 5000
"""A page with more marks than this is no page of digits: an A4 sheet of 4 mm squares has 3,900 of them."""


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


def parts_of(ink: Ink, most: int = MOST_MARKS) -> list[Part]:
    """The parts of a page's ink that may be marks or pieces of marks, the largest first.

    TooManyMarksError where there are more than `most`, specks not counted.
    """
    found = ink.labels or labelled(ink.mask)
    boxes = found.boxes.tolist()
    numbers = [number for number, box in enumerate(boxes) if box[4] > SPECK_PIXELS] or list(range(len(boxes)))
    if not numbers:
        return []
    numbers.sort(key=lambda number: -boxes[number][4])
    inside = [number for number in numbers if not _is_border(found, number, ink)]
    # A digit may fill its picture and lie along an edge; a table's edge does so otherwise.
    left = inside or [number for number in numbers if not _is_ground(found, number, ink)]
    if not left:
        return []
    marks = _without_specks(boxes, left, ink.mask.shape)
    if len(marks) > most:
        cause = f"a page has {len(marks):,} marks, and {most:,} are allowed"
        raise TooManyMarksError(cause, "Scan it without its patterned ground, or in parts, or raise limits.marks")
    return _without_holes([_part(found, number) for number in marks])


def _part(found: Labels, index: int) -> Part:
    left, top, width, height, area = found.boxes[index].tolist()
    own = found.labels[top : top + height, left : left + width] == index + 1
    return Part(found.left + left, found.top + top, width, height, area, as_gray(own.view(np.uint8)))


def _is_border(found: Labels, number: int, ink: Ink) -> bool:
    """Whether a part lies along the page's edge rather than ends there, as a digit does; or is a shadow there."""
    height, width = ink.mask.shape
    margin = round(MARGIN * max(height, width))
    near = margin + 1
    x, y, wide, tall, _ = found.boxes[number].tolist()
    left, right = found.left + x <= margin, found.left + x + wide >= width - margin
    top, bottom = found.top + y <= margin, found.top + y + tall >= height - margin
    if not (left or right or top or bottom):
        return False
    part = _part(found, number)
    touched = [np.count_nonzero(part.mask[:, :near].any(1)) / height] if left else []
    touched += [np.count_nonzero(part.mask[:, -near:].any(1)) / height] if right else []
    touched += [np.count_nonzero(part.mask[:near].any(0)) / width] if top else []
    touched += [np.count_nonzero(part.mask[-near:].any(0)) / width] if bottom else []
    line = ((left or right) and part.width <= margin) or ((top or bottom) and part.height <= margin)
    if line or max(touched) > CONTACT:
        return True
    own = ink.ink[part.top : part.bottom, part.left : part.right][part.mask > 0]
    if float(np.percentile(own, 90)) < SHADOW:
        return True
    # A shadow in a corner, or an edge of the table running out of the picture on two sides.
    return len(touched) >= 2 and sum(touched) > 0.25


def _is_ground(found: Labels, number: int, ink: Ink) -> bool:
    """Whether a part is what the paper lies on: it hangs on the page's edge all along itself, or on two edges whole."""
    height, width = ink.mask.shape
    if min(height, width) < LEAST_PAGE:
        return False
    part = _part(found, number)
    margin = round(MARGIN * max(height, width))
    whole = 0
    # Each edge, turned to be the left one: the mask, where it begins, how long the edge is and how wide the page.
    for mask, begin, length, wide in (
        (part.mask, part.left, height, width),
        (part.mask[:, ::-1], width - part.right, height, width),
        (part.mask.T, part.top, width, height),
        (part.mask.T[:, ::-1], height - part.bottom, width, height),
    ):
        if begin > margin:
            continue
        touching = np.count_nonzero(mask[:, : margin + 1].any(1))
        whole += touching >= ALONG * length
        # All of it is one run from the edge in each row: nothing stands off, as an arm of a digit does.
        solid = np.count_nonzero(np.logical_and.accumulate(mask[:, margin:] > 0, axis=1)) + margin * len(mask)
        hangs = touching >= max(ALONG * len(mask), CONTACT * length) and solid >= ALONG * part.area
        if hangs and begin + mask.shape[1] <= GROUND * wide:
            return True
    return whole == 2


def _without_specks(boxes: list[list[int]], numbers: list[int], shape: tuple[int, ...]) -> list[int]:
    """The numbers of the parts that are no specks; all, where all is small."""
    sides = {number: max(boxes[number][2], boxes[number][3]) for number in numbers}
    tallest = max(sides.values())
    tall = median([boxes[number][3] for number in numbers if boxes[number][3] >= 0.4 * tallest] or [tallest])
    least = max(SPECK * tall, SPECK_ALONE * min(shape))
    return [number for number in numbers if sides[number] >= least] or numbers


def _without_holes(parts: list[Part]) -> list[Part]:
    """Parts that are no full, round, large blots: holes that a punch made. All, where there is nothing else."""
    round_ones = [number for number, part in enumerate(parts) if _is_disc(part)]
    if not round_ones:
        return parts
    others = [part for number, part in enumerate(parts) if number not in round_ones]
    if not others:
        return parts
    tall = median(part.height for part in others)
    return [part for number, part in enumerate(parts) if number not in round_ones or part.height < HOLE * tall]


def _is_disc(part: Part) -> bool:
    width, height = part.width, part.height
    # A disc fills pi/4 of its box: nearly all parts are told by that alone.
    if not 0.72 < part.area / (width * height) < 0.86 or min(width, height) < ROUND_SIDES * max(width, height):
        return False
    y, x = np.ogrid[0.5:height, 0.5:width]
    disc = ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2 <= 0.25).astype(np.uint8)
    return bool(np.count_nonzero(disc & part.mask) >= ROUND * np.count_nonzero(disc | part.mask))
