"""Parts to lines: each followed from neighbour to neighbour, so that it may slope."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import median

import numpy as np

from digitd.imaging.bands import Bands, overlap, sides_of
from digitd.imaging.components import Part, union
from digitd.imaging.signs import SHORT, is_stroke

Group = list[Part]

TALL = 0.45
"""Parts taller than this share of the tallest make the lines; the rest is assigned to them."""
SAME_LINE, CLOSE_BY = 0.35, 0.05
"""Neighbours in a line overlap in height by this share of the less tall one; by less where they are close."""
REACH = 5.0
"""Neighbours in a line are at most so many heights apart."""
SAME_DIGIT = 0.5
"""Parts above each other that overlap in width by this share of the narrower one are one digit."""
CRACK = 0.09
"""A crack across a digit is no wider than this share of its height."""
SMALLER_HALF = 0.25
"""And leaves on either side more than this share of it."""
STRAY = 0.3
"""A small part that is farther above or below its line than this share of a digit's height is none of it."""

SMALLEST = 0.2
"""A row of its own is written no smaller than this share of the usual height: what is smaller is dirt."""


def lines_of(parts: Sequence[Part], one: bool) -> list[Group]:
    """The parts of each line, lines from top to bottom. With `one`, all is one line."""
    if one or len(parts) == 1:
        return [list(parts)]
    parts = _mended(parts)
    tallest = max(part.height for part in parts)
    tall = [part for part in parts if part.height >= TALL * tallest]
    usual = median(part.height for part in tall)
    tall = [part for part in parts if part.height >= TALL * usual]
    lines = _joined(_rows(tall, usual), usual)
    pieces = [part for part in parts if part.height < TALL * usual]
    # A comma may be as tall as a small digit: it hangs beside its line, and makes none.
    commas = [line[0] for line in lines if len(line) == 1 and line[0].height < SHORT * usual and is_stroke(line[0])]
    if len(commas) < len(lines):
        lines = [line for line in lines if not any(line[0] is comma for comma in commas)]
        pieces += commas
    astray = _assign(pieces, lines, usual) if pieces else []
    # What is far from all lines may be a row that is written smaller; strokes alone are what print and rules leave.
    astray = [part for part in astray if part.height >= SMALLEST * usual]
    if any(not is_stroke(part) for part in astray):
        lines += [row for row in lines_of(astray, one=False) if not all(is_stroke(part) for part in row)]
    return sorted(lines, key=lambda line: sum(part.centre for part in line) / len(line))


def _mended(parts: Sequence[Part]) -> list[Part]:
    """Halves of a digit that a gap across it made, joined: each is wider than tall, as no digit of a line is."""
    ordered = sorted(parts, key=lambda part: part.top)
    whole: list[Part | None] = [*ordered]
    ends = _Ends(ordered)
    for number, lower in enumerate(ordered[1:], 1):
        for other in ends.above(lower):
            upper = whole[other]
            if upper is not None and upper is not lower and _are_halves(upper, lower):
                joined = union(upper, lower)
                whole[other] = whole[number] = None
                ends.add(len(whole), joined)
                whole.append(joined)
                break
    return [part for part in whole if part is not None]


class _Ends:
    """Which of many numbered parts end where one begins: a column of marks has all of them above each other."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._height = max(1.0, median(part.height for part in parts))
        width = median(part.width for part in parts)
        self._columns: defaultdict[int, Bands] = defaultdict(lambda: Bands(width))
        for number, part in enumerate(parts):
            self.add(number, part)

    def add(self, number: int, part: Part) -> None:
        """Let a part have this number."""
        self._columns[int(part.bottom // self._height)].add(number, part.left, part.right)

    def above(self, lower: Part) -> list[int]:
        """All that may be the upper half of a digit whose lower one is this, and some that may not; ascending."""
        # The crack is no wider than its share of the digit, of which the lower half has a share itself.
        first = lower.top - CRACK / SMALLER_HALF * lower.height
        rows = range(int(first // self._height), int(lower.top // self._height) + 1)
        return sorted(
            number
            for row in rows
            if row in self._columns
            for number in self._columns[row].near(lower.left, lower.right)
        )


def _are_halves(upper: Part, lower: Part) -> bool:
    if upper.bottom > lower.top:
        return False
    height, width = lower.bottom - upper.top, max(upper.width, lower.width)
    close = lower.top - upper.bottom <= CRACK * height
    broad = max(upper.height, lower.height) < 1.05 * width and min(upper.height, lower.height) > SMALLER_HALF * height
    return close and broad and overlap(upper.left, upper.right, lower.left, lower.right) > SAME_DIGIT


def _rows(parts: Sequence[Part], usual: float) -> list[Group]:
    """Lines, each grown from left to right by what continues its rightmost part, sloping or not."""
    lines: list[Group] = []
    lasts: list[Part] = []
    heights = Bands(usual)
    for part in sorted(parts, key=lambda part: part.left):
        best, best_overlap = len(lines), 0.0
        for number in heights.near(part.top, part.bottom):
            last = lasts[number]
            if part.left - last.right > REACH * max(usual, last.height):
                continue
            shared = overlap(part.top, part.bottom, last.top, last.bottom)
            beside = last.right - 0.3 * last.width <= part.left <= last.right + 0.8 * usual
            if shared > max(best_overlap, CLOSE_BY if beside else SAME_LINE):
                best, best_overlap = number, shared
        if best == len(lines):
            lines.append([part])
            lasts.append(part)
        else:
            lines[best].append(part)
            if part.right <= lasts[best].right:
                continue
            lasts[best] = part
        heights.add(best, part.top, part.bottom)
    return lines


def _joined(lines: list[Group], usual: float) -> list[Group]:
    """Lines that a gap split, joined again where they run at the same height."""
    joined: list[Group] = []
    extents: list[tuple[float, float]] = []
    heights = Bands(usual)
    for line in sorted(lines, key=len, reverse=True):
        top, bottom = _extent(line)
        for number in heights.near(top, bottom):
            if overlap(top, bottom, *extents[number]) > 0.5:
                joined[number].extend(line)
                extents[number] = _extent(joined[number])
                break
        else:
            number = len(joined)
            joined.append(line)
            extents.append((top, bottom))
        heights.add(number, *extents[number])
    return joined


def _extent(line: Group) -> tuple[float, float]:
    return median(part.top for part in line), median(part.bottom for part in line)


def _assign(pieces: Sequence[Part], lines: list[Group], usual: float) -> Group:
    """Add small parts to the line of the nearest tall one; those that are above or below all are given back."""
    astray: Group = []
    owners = [line for line in lines for _ in line]
    left, right, top, bottom = np.array([sides_of([part]) for line in lines for part in line]).T
    for part in pieces:
        above = np.maximum(np.maximum(top - part.bottom, part.top - bottom), 0)
        aside = np.maximum(np.maximum(left - part.right, part.left - right), 0)
        distance = np.where(above <= STRAY * usual, aside + 2.0 * above, np.inf)
        nearest = int(distance.argmin())
        if distance[nearest] < np.inf:
            owners[nearest].append(part)
        else:
            astray.append(part)
    return astray
