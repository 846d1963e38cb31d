"""The connected parts of a page's ink that may belong to marks: specks, frames and table edges are left out."""

from dataclasses import dataclass
from statistics import median

import numpy as np

from digitd.errors import TooManyMarksError
from digitd.imaging.borders import Box, Edge, at_edge, is_digit, is_ground, is_near_edge
from digitd.imaging.clean import Ink
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.labels import Labels, labelled

SPECK = 0.07
"""A part is a speck where both its sides are below this share of the tall parts' height."""
SPECK_PIXELS = 3
"""So many pixels are never a part."""
SPECK_ALONE = 0.012
"""Where all is small, what is below this share of the page's shorter side is dust."""
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
    left = _along_no_edge(found, numbers, ink)
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


def _along_no_edge(found: Labels, numbers: list[int], ink: Ink) -> list[int]:
    """The numbers of the parts that are no borders of the page; those that lie along its edge are digits where they
    look like the rest, as on a page that was cut close to its digits."""
    edges = {number: _at_edge(found, number, ink) for number in numbers}
    inside = [number for number in numbers if edges[number] == "inside"]
    if not inside:
        # A digit may fill its picture and lie along an edge; a table's edge does so otherwise.
        return [number for number in numbers if not is_ground(*_shape(found, number), ink.mask.shape)]
    usual = _usual([int(found.boxes[number, 3]) for number in inside])
    return [
        number
        for number in numbers
        if edges[number] == "inside"
        or (edges[number] == "along" and is_digit(*_shape(found, number), ink.mask.shape, usual))
    ]


def _at_edge(found: Labels, number: int, ink: Ink) -> Edge:
    x, y, wide, tall, _ = found.boxes[number].tolist()
    if is_near_edge((found.left + x, found.top + y, wide, tall), ink.mask.shape):
        return at_edge(*_shape(found, number), ink.ink)
    return "inside"


def _shape(found: Labels, number: int) -> tuple[Gray, Box]:
    """A part's mask and box."""
    part = _part(found, number)
    return part.mask, (part.left, part.top, part.width, part.height)


def _usual(heights: list[int]) -> float:
    """The median height of the tall ones."""
    return float(median(height for height in heights if height >= 0.4 * max(heights)))


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
