"""A line's parts to marks: by overlap and nearness, so that a 5's bar stays with its digit."""

from statistics import median

from digitd.imaging.bands import Bands, Sides, overlap, sides_of
from digitd.imaging.components import Part
from digitd.imaging.lines import CRACK, SAME_DIGIT, STRAY, TALL, Group
from digitd.imaging.signs import COMMA, Footing, hangs

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
    commas, line = _commas_of(line, tall)
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
    whole = [group for group in groups if group] + [[part] for part in commas]
    return sorted(whole, key=lambda group: sum(sides_of(group)[:2]))


def _commas_of(line: Group, tall: float) -> tuple[Group, Group]:
    """Strokes that hang below the line as commas do, clear of what is above them: no pieces of digits. And the rest."""
    short = [part for part in line if part.height <= COMMA * tall]
    footing = Footing([sides_of([part]) for part in line], tall) if short else None
    commas = [
        part
        for part in short
        if footing is not None and hangs(part, footing, tall) and not any(_cracked(part, other, tall) for other in line)
    ]
    return commas, [part for part in line if not any(part is comma for comma in commas)]


def _cracked(part: Part, other: Part, tall: float) -> bool:
    """Whether a stroke goes on where another part ends, as the tail of a 9 that broke does, or where one begins."""
    if part is other or overlap(part.left, part.right, other.left, other.right) <= SAME_DIGIT:
        return False
    return abs(part.top - other.bottom) <= CRACK * tall or 0 <= other.top - part.bottom <= STRAY * tall


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
