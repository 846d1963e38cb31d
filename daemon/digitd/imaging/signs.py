"""What stands between digits and is none: dots, commas, apostrophes, dashes and slashes, told by shape and place. Pure.

What may be either is both: a separator of some weight competes with the digit, and recognition/lattice.py sees how much
of a reading hangs on that.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from digitd.imaging.bands import Sides, sides_of
from digitd.imaging.components import Part
from digitd.imaging.medians import median_of_others
from digitd.imaging.normalise import stroke_width

Kind = Literal["digit", "separator", "sign"]
"""A sign is a mark that no digit can stand for and that yet changes the number, as a minus does."""

DOT = 0.3
"""A plain mark on its own that is smaller than this share of its line's digits, both ways, is a dot or a comma."""
FLAT = 0.3
"""One less tall than this, and less wide than a digit is tall, is a dash."""
DUST = 0.14
"""What is smaller than this share of its line's digits is too small for one, whatever its shape."""
PLAIN = 2.2
"""A dot, a comma or a dash is one stroke: across its axis no wider than this many widths of its stroke, which in a disc
are its half. A digit of the same size is wider, but for a 1."""
SHORT = 0.7
"""A stroke is short below this share of its line's digits' height; what is taller tells where the line stands."""
COMMA, HANGS = 0.55, 0.9
"""A short stroke no taller than this, whose middle is no higher than so near the line that its neighbours stand on (1;
their tops are 0), is a comma. A 1 of that height which stands on the line has its middle at 0.72."""
BELOW = 1.0
"""One whose middle is below that line is a comma, however long: no 1 hangs by its half."""
MAY_HANG = 0.75
"""From here on it may be one."""
APOSTROPHE, RAISED = 0.45, 0.1
"""A short stroke between two digits, no taller than this, whose middle is at most so far below their tops, is an
apostrophe."""
MAY_BE_RAISED = 0.25
"""Up to here it may be one."""
MID = 0.45
"""A short stroke of less height than this stands on nothing, unless it stands on the line: it may be a sign."""
MINUS, MINUS_FLAT, MINUS_FROM, MINUS_TO = 0.22, 1.5, 0.2, 0.85
"""A dash before a line's first digit, wider than this share of the height and wider than tall by the second factor, and
with its middle between the others, is a minus: a dash between digits parts them."""
SLASH_HEIGHT, SLASH_TILT, SLASH_BEYOND = 1.3, 0.1, 0.1
"""A straight stroke taller than its line's digits by this, leaning right by this (dx/dy), that begins above both its
neighbours and ends below both by this share of their height, is a slash: a tall 1 stands on the line."""
STRAIGHT, ONE_STROKE = 0.06, 0.95
"""How far the ink of a straight stroke lies from its axis on average, as a share of its length; and of how many of its
rows it has one run of ink: an 8 that leans has two."""
TALLER, BEYOND, SLIM = 1.15, 0.05, 0.65
"""A stroke, straight or bent, that is taller than its line's digits by this, stands out above and below its neighbours
by this, and is no wider than this share of its own height, may be a slash or a bracket, or a 1."""
EVEN = 2.7
"""The log-odds of a separator which is as likely as a 1 that is surely read as one (recognition/lattice.py)."""
SEEN = -3.0
"""Those of one that the recogniser is to look at for its size alone: a digit that is surely read wins."""


@dataclass(frozen=True)
class Nature:
    """What a mark is, and what else it may be, with the log-odds of that."""

    kind: Kind
    rival: Kind | None = None
    prior: float = 0.0


DIGIT, SEPARATOR = Nature("digit"), Nature("separator")
DOUBTFUL = Nature("digit", "separator", EVEN)


class Footing:
    """Where a line of marks stands: the tops and the feet of those that are not short, found by where one looks."""

    def __init__(self, sides: Sequence[Sides], tall: float) -> None:
        self._tall = sorted((one for one in sides if one[3] - one[2] >= SHORT * tall), key=sum_of_sides)
        self._middles = [sum_of_sides(one) for one in self._tall]

    def beside(self, own: Sides) -> tuple[Sides | None, Sides | None]:
        """The nearest ones on the left and on the right of a short mark."""
        at = bisect_left(self._middles, sum_of_sides(own))
        return self._tall[at - 1] if at else None, self._tall[at] if at < len(self._tall) else None

    def height_of(self, own: Sides) -> float | None:
        """How high the middle of a short mark is: 0 at its neighbours' tops, 1 at their feet; None without any."""
        near = [one for one in self.beside(own) if one is not None]
        if not near:
            return None
        top, foot = (sum(one[side] for one in near) / len(near) for side in (2, 3))
        return ((own[2] + own[3]) / 2 - top) / max(1.0, foot - top)


def sum_of_sides(sides: Sides) -> int:
    """Twice the middle of its columns."""
    return sides[0] + sides[1]


def is_stroke(part: Part) -> bool:
    """Whether a part is one plain stroke, or a blot."""
    y, x = np.nonzero(part.mask)
    if len(x) < 8:
        return True
    points = np.stack([x, y]).astype(np.float64)
    points -= points.mean(1, keepdims=True)
    _, axes = np.linalg.eigh(points @ points.T)
    across = axes[:, 0] @ points
    return bool(np.ptp(across) + 1 <= PLAIN * stroke_width(part.mask) + 1)


def hangs(part: Part, footing: Footing, tall: float) -> bool:
    """Whether a part is a short stroke that hangs below the line on which its neighbours stand, as a comma does."""
    sides = (part.left, part.right, part.top, part.bottom)
    height = footing.height_of(sides)
    return height is not None and height >= HANGS and part.height <= COMMA * tall and is_stroke(part)


def natures_of(line: Sequence[Sequence[Part]]) -> list[Nature]:
    """What each group of a line is, from left to right, by its size, its shape and its place among the others."""
    if len(line) < 2:
        return [DIGIT for _ in line]
    sides = [sides_of(group) for group in line]
    heights = [bottom - top for _, _, top, bottom in sides]
    ordered = sorted(heights)
    tallest = ordered[-1]
    footing = Footing(sides, median_of_others(ordered, 0, bisect_left(ordered, 0.5 * tallest)) or tallest)
    natures = []
    for place, (group, height) in enumerate(zip(line, heights, strict=True)):
        tallest = ordered[-2] if height == ordered[-1] else ordered[-1]
        tall = median_of_others(ordered, height, bisect_left(ordered, 0.5 * tallest)) or tallest
        if height < SHORT * tall:
            natures.append(_of_short(group, sides[place], footing, tall, place == 0))
        else:
            beside = [sides[other] for other in (place - 1, place + 1) if 0 <= other < len(line)]
            natures.append(_of_tall(group, beside, tall, len(line)))
    return natures


def _of_short(group: Sequence[Part], own: Sides, footing: Footing, tall: float, first: bool) -> Nature:
    width, height = own[1] - own[0], own[3] - own[2]
    small = max(width, height) < DOT * tall or (height < FLAT * tall and width < 0.9 * tall)
    plain = len(group) == 1 and is_stroke(group[0])
    at = footing.height_of(own)
    if small:
        if max(width, height) >= DUST * tall and not plain:
            return Nature("digit", "separator", SEEN)
        dash = width >= max(MINUS * tall, MINUS_FLAT * height)
        if first and dash and at is not None and MINUS_FROM < at < MINUS_TO:
            return Nature("separator", "sign")
        return SEPARATOR
    if not plain or at is None or width > height:
        return DIGIT
    left, right = footing.beside(own)
    if left is not None and (at >= BELOW or (height <= COMMA * tall and at >= HANGS)):
        return SEPARATOR
    if height <= APOSTROPHE * tall and at <= RAISED and left is not None and right is not None:
        return SEPARATOR
    return DOUBTFUL if at >= MAY_HANG or at <= MAY_BE_RAISED or height < MID * tall else DIGIT


def _of_tall(group: Sequence[Part], beside: Sequence[Sides], tall: float, marks: int) -> Nature:
    """A slash between its two neighbours, or what may be one, or a bracket; else a digit."""
    if len(group) > 1 or group[0].height <= TALLER * tall or group[0].width > SLIM * group[0].height:
        return DIGIT
    part = group[0]
    out = min(*(one[2] - part.top for one in beside), *(part.bottom - one[3] for one in beside)) / tall
    y, x = np.nonzero(part.mask)
    if out < BEYOND or len(x) < 8:
        return DIGIT
    runs = part.mask[:, 0] + np.count_nonzero(np.diff(part.mask.astype(np.int8), axis=1) == 1, axis=1)
    if np.count_nonzero(runs == 1) < ONE_STROKE * part.height:
        return DIGIT
    slope, offset = np.polyfit(y, x, 1)
    straight = float(np.abs(x - (slope * y + offset)).mean()) < STRAIGHT * part.height
    sure = part.height > SLASH_HEIGHT * tall and out > SLASH_BEYOND and -slope > SLASH_TILT
    return SEPARATOR if sure and straight and len(beside) == 2 and marks >= 4 else DOUBTFUL
