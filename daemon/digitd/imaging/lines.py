"""Parts to lines, and a line's parts to digits: by overlap, so that a 5's bar stays with its digit."""

from collections.abc import Sequence

import numpy as np

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
CRACK = 0.06
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
    if one:
        return [list(parts)]
    parts = _mended(parts)
    tallest = max(part.height for part in parts)
    tall = [part for part in parts if part.height >= TALL * tallest]
    usual = float(np.median([part.height for part in tall]))
    tall = [part for part in parts if part.height >= TALL * usual]
    lines: list[Group] = []
    for part in sorted(tall, key=lambda part: part.left):
        line = _line_for(part, lines, usual)
        if line is None:
            lines.append([part])
        else:
            line.append(part)
    lines = _joined(lines)
    lines.sort(key=lambda line: float(np.mean([part.centre for part in line])))
    pieces = [part for part in parts if part.height < TALL * usual]
    for part, line in [(part, _nearest(part, lines, usual)) for part in pieces]:
        if line is not None:
            line.append(part)
    return lines


def _mended(parts: Sequence[Part]) -> list[Part]:
    """Halves of a digit that a gap across it made, joined: each is wider than tall, as no digit of a line is."""
    whole = sorted(parts, key=lambda part: part.top)
    for lower in whole[1:]:
        for upper in whole:
            if upper.bottom > lower.top or upper is lower:
                continue
            height, width = lower.bottom - upper.top, max(upper.width, lower.width)
            close = lower.top - upper.bottom <= CRACK * height
            broad = max(upper.height, lower.height) < 1.05 * width and min(upper.height, lower.height) > 0.25 * height
            if close and broad and _overlap(upper.left, upper.right, lower.left, lower.right) > SAME_DIGIT:
                whole = [part for part in whole if part is not upper and part is not lower]
                whole.append(union(upper, lower))
                break
    return whole


def _line_for(part: Part, lines: list[Group], usual: float) -> Group | None:
    """The line whose rightmost members the part continues, sloping or not."""
    best, best_overlap = None, 0.0
    for line in lines:
        last = max(line, key=lambda member: member.right)
        if part.left - last.right > REACH * max(usual, last.height):
            continue
        overlap = _overlap(part.top, part.bottom, last.top, last.bottom)
        beside = last.right - 0.3 * last.width <= part.left <= last.right + 0.8 * usual
        if overlap > max(best_overlap, CLOSE_BY if beside else SAME_LINE):
            best, best_overlap = line, overlap
    return best


def _joined(lines: list[Group]) -> list[Group]:
    """Lines that a gap split, joined again where they run at the same height."""
    joined: list[Group] = []
    for line in sorted(lines, key=len, reverse=True):
        top, bottom = _extent(line)
        for other in joined:
            other_top, other_bottom = _extent(other)
            if _overlap(top, bottom, other_top, other_bottom) > 0.5:
                other.extend(line)
                break
        else:
            joined.append(line)
    return joined


def _extent(line: Group) -> tuple[float, float]:
    return float(np.median([part.top for part in line])), float(np.median([part.bottom for part in line]))


def _nearest(part: Part, lines: list[Group], usual: float) -> Group | None:
    """The line a small part belongs to; None where it is above or below all of them: a stray mark, a shadow."""
    best, least = None, np.inf
    for line in lines:
        for member in line:
            above = max(member.top - part.bottom, part.top - member.bottom, 0)
            aside = max(member.left - part.right, part.left - member.right, 0)
            if above <= STRAY * usual and aside + 2 * above < least:
                best, least = line, aside + 2 * above
    return best


def digits_of(line: Group) -> list[Group]:
    """The digits of a line from left to right, each with its parts; what stands apart is a digit of its own."""
    tall = float(np.median([part.height for part in line if part.height >= TALL * max(p.height for p in line)]))
    groups = [[part] for part in sorted(line, key=lambda part: -part.area)]
    changed = True
    while changed:
        changed = False
        for first in range(len(groups)):
            for second in range(len(groups) - 1, first, -1):
                if _belong(groups[first], groups[second], tall):
                    groups[first] += groups.pop(second)
                    changed = True
    return sorted(groups, key=lambda group: _sides(group)[0] + _sides(group)[1])


def _belong(one: Group, other: Group, tall: float) -> bool:
    left, right, top, bottom = _sides(one)
    other_left, other_right, other_top, other_bottom = _sides(other)
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


def _sides(group: Sequence[Part]) -> tuple[int, int, int, int]:
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
