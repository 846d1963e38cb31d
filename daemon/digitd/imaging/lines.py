"""Parts to lines: each followed from neighbour to neighbour, so that it may slope."""

from collections.abc import Sequence
from statistics import median

import numpy as np

from digitd.imaging.bands import Bands, overlap, sides_of
from digitd.imaging.components import Part, union

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
STRAY = 0.3
"""A small part that is farther above or below its line than this share of a digit's height is none of it."""


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
    lines.sort(key=lambda line: sum(part.centre for part in line) / len(line))
    pieces = [part for part in parts if part.height < TALL * usual]
    if pieces:
        _assign(pieces, lines, usual)
    return lines


def _mended(parts: Sequence[Part]) -> list[Part]:
    """Halves of a digit that a gap across it made, joined: each is wider than tall, as no digit of a line is."""
    ordered = sorted(parts, key=lambda part: part.top)
    whole: list[Part | None] = [*ordered]
    columns = Bands(median(part.width for part in parts))
    for number, part in enumerate(ordered):
        columns.add(number, part.left, part.right)
    for number, lower in enumerate(ordered[1:], 1):
        for other in columns.near(lower.left, lower.right):
            upper = whole[other]
            if upper is not None and upper is not lower and _are_halves(upper, lower):
                joined = union(upper, lower)
                whole[other] = whole[number] = None
                columns.add(len(whole), joined.left, joined.right)
                whole.append(joined)
                break
    return [part for part in whole if part is not None]


def _are_halves(upper: Part, lower: Part) -> bool:
    if upper.bottom > lower.top:
        return False
    height, width = lower.bottom - upper.top, max(upper.width, lower.width)
    close = lower.top - upper.bottom <= CRACK * height
    broad = max(upper.height, lower.height) < 1.05 * width and min(upper.height, lower.height) > 0.25 * height
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


def _assign(pieces: Sequence[Part], lines: list[Group], usual: float) -> None:
    """Add small parts to the line of the nearest tall one; not those above or below all: stray marks, shadows."""
    owners = [line for line in lines for _ in line]
    left, right, top, bottom = np.array([sides_of([part]) for line in lines for part in line]).T
    for part in pieces:
        above = np.maximum(np.maximum(top - part.bottom, part.top - bottom), 0)
        aside = np.maximum(np.maximum(left - part.right, part.left - right), 0)
        distance = np.where(above <= STRAY * usual, aside + 2.0 * above, np.inf)
        nearest = int(distance.argmin())
        if distance[nearest] < np.inf:
            owners[nearest].append(part)
