"""A line's parts to marks: by overlap and nearness, so that a 5's bar stays with its digit."""

from statistics import median

from digitd.imaging.bands import Bands, Sides, overlap, sides_of
from digitd.imaging.lines import SAME_DIGIT, STRAY, TALL, Group

TOUCHING = 0.12
"""A piece of a digit is at most this share of the digits' height away from the rest of it."""
PIECE = 0.6
"""A piece of a digit is less tall than this share of the digits' height."""
WIDEST = 1.25
"""A digit is no wider than this share of the digits' height, once its pieces are joined."""


def digits_of(line: Group) -> list[Group]:
    """The digits of a line from left to right, each with its parts; what stands apart is a digit of its own."""
    if len(line) == 1:
        return [line]
    tallest = max(part.height for part in line)
    tall = median(part.height for part in line if part.height >= TALL * tallest)
    groups: list[Group] = [[part] for part in sorted(line, key=lambda part: -part.area)]
    sides = [sides_of(group) for group in groups]
    columns = Bands(tall)
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
                    sides[first] = sides_of(group)
                    columns.add(first, *sides[first][:2])
                    changed = True
    order = sorted((number for number, group in enumerate(groups) if group), key=lambda n: sides[n][0] + sides[n][1])
    return [groups[number] for number in order]


def _last_that_belongs(
    first: int, before: int, groups: list[Group], sides: list[Sides], columns: Bands, tall: float
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
    across = overlap(left, right, other_left, other_right)
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
