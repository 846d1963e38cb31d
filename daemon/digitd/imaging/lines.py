"""Parts to lines, and a line's parts to digits: by overlap, so that a 5's bar stays with its digit."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import median

import numpy as np

from digitd.imaging.components import Part, union

Group = list[Part]
Sides = tuple[int, int, int, int]

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
TOUCHING = 0.12
"""A piece of a digit is at most this share of the digits' height away from the rest of it."""
PIECE = 0.6
"""A piece of a digit is less tall than this share of the digits' height."""
WIDEST = 1.25
"""A digit is no wider than this share of the digits' height, once its pieces are joined."""


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


class _Bands:
    """Which of many numbered spans may meet a given one, without looking at all of them."""

    def __init__(self, width: float) -> None:
        self._width = max(1.0, width)
        self._bands: defaultdict[int, set[int]] = defaultdict(set)

    def add(self, number: int, start: float, end: float) -> None:
        for band in range(int(start // self._width), int(end // self._width) + 1):
            self._bands[band].add(number)

    def near(self, start: float, end: float) -> list[int]:
        """All that meet this span, and some that do not, or no longer do; ascending."""
        bands = range(int(start // self._width), int(end // self._width) + 1)
        return sorted(set().union(*(self._bands[band] for band in bands if band in self._bands)))


def _mended(parts: Sequence[Part]) -> list[Part]:
    """Halves of a digit that a gap across it made, joined: each is wider than tall, as no digit of a line is."""
    ordered = sorted(parts, key=lambda part: part.top)
    whole: list[Part | None] = [*ordered]
    columns = _Bands(median(part.width for part in parts))
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
    return close and broad and _overlap(upper.left, upper.right, lower.left, lower.right) > SAME_DIGIT


def _rows(parts: Sequence[Part], usual: float) -> list[Group]:
    """Lines, each grown from left to right by what continues its rightmost part, sloping or not."""
    lines: list[Group] = []
    lasts: list[Part] = []
    heights = _Bands(usual)
    for part in sorted(parts, key=lambda part: part.left):
        best, best_overlap = len(lines), 0.0
        for number in heights.near(part.top, part.bottom):
            last = lasts[number]
            if part.left - last.right > REACH * max(usual, last.height):
                continue
            overlap = _overlap(part.top, part.bottom, last.top, last.bottom)
            beside = last.right - 0.3 * last.width <= part.left <= last.right + 0.8 * usual
            if overlap > max(best_overlap, CLOSE_BY if beside else SAME_LINE):
                best, best_overlap = number, overlap
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
    heights = _Bands(usual)
    for line in sorted(lines, key=len, reverse=True):
        top, bottom = _extent(line)
        for number in heights.near(top, bottom):
            if _overlap(top, bottom, *extents[number]) > 0.5:
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
    left, right, top, bottom = np.array([_sides([part]) for line in lines for part in line]).T
    for part in pieces:
        above = np.maximum(np.maximum(top - part.bottom, part.top - bottom), 0)
        aside = np.maximum(np.maximum(left - part.right, part.left - right), 0)
        distance = np.where(above <= STRAY * usual, aside + 2.0 * above, np.inf)
        nearest = int(distance.argmin())
        if distance[nearest] < np.inf:
            owners[nearest].append(part)


def digits_of(line: Group) -> list[Group]:
    """The digits of a line from left to right, each with its parts; what stands apart is a digit of its own."""
    if len(line) == 1:
        return [line]
    tallest = max(part.height for part in line)
    tall = median(part.height for part in line if part.height >= TALL * tallest)
    groups: list[Group] = [[part] for part in sorted(line, key=lambda part: -part.area)]
    sides = [_sides(group) for group in groups]
    columns = _Bands(tall)
    for number, (left, right, _, _) in enumerate(sides):
        columns.add(number, left, right)
    changed = True
    while changed:
        changed = False
        for first, group in enumerate(groups):
            second = len(groups) if group else first
            while second > first:
                second = _last_that_belongs(first, second, groups, sides, columns, tall)
                if second > first:
                    group += groups[second]
                    groups[second] = []
                    sides[first] = _sides(group)
                    columns.add(first, *sides[first][:2])
                    changed = True
    order = sorted((number for number, group in enumerate(groups) if group), key=lambda n: sides[n][0] + sides[n][1])
    return [groups[number] for number in order]


def _last_that_belongs(
    first: int, before: int, groups: list[Group], sides: list[Sides], columns: _Bands, tall: float
) -> int:
    """The last group between those two that belongs to the first; or the first itself."""
    left, right, _, _ = sides[first]
    reach = TOUCHING * tall
    for second in reversed(columns.near(left - reach, right + reach)):
        if second <= first:
            break
        if second < before and groups[second] and _belong(sides[first], sides[second], tall):
            return second
    return first


def _belong(one: Sides, other: Sides, tall: float) -> bool:
    left, right, top, bottom = one
    other_left, other_right, other_top, other_bottom = other
    across = _overlap(left, right, other_left, other_right)
    both_tall = min(bottom - top, other_bottom - other_top) > 0.75 * tall
    above = max(other_top - bottom, top - other_bottom, 0)
    if across > (0.8 if both_tall else SAME_DIGIT):
        return above <= STRAY * tall
    if min(bottom - top, other_bottom - other_top) > PIECE * tall:
        return False
    if max(right, other_right) - min(left, other_left) > WIDEST * max(tall, bottom - top):
        return False
    gap = max(other_left - right, left - other_right, 0) + above
    small = max(other_right - other_left, other_bottom - other_top) < 0.25 * tall
    return gap <= TOUCHING * tall * (0.5 if small else 1) or across > 0.2


def _sides(group: Sequence[Part]) -> Sides:
    return (
        min(part.left for part in group),
        max(part.right for part in group),
        min(part.top for part in group),
        max(part.bottom for part in group),
    )


def _overlap(start: float, end: float, other_start: float, other_end: float) -> float:
    """What two spans share, of the shorter one; negative where they are apart."""
    shorter = max(1.0, min(end - start, other_end - other_start))
    return (min(end, other_end) - max(start, other_start)) / shorter
