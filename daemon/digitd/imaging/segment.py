"""Ink to marks, uncut: the lines of a page, the marks of each, what each is by its size, and its own ink."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from digitd.imaging.clean import Ink
from digitd.imaging.components import MOST_MARKS, Part, parts_of
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.lines import Group, lines_of
from digitd.imaging.medians import median_of_others
from digitd.imaging.pieces import digits_of

Kind = Literal["digit", "separator"]
Layout = Literal["auto", "single", "line", "page"]

ONE_DIGIT = 40
"""A page no larger than this, px, and about square has one digit on it, in however many pieces."""
DOT = 0.3
"""A mark on its own that is smaller than this share of its line's digits, both ways, is a dot or a comma."""
FLAT = 0.3
"""One less tall than this, and wide, is a dash."""
SLASH_HEIGHT, SLASH_TILT, SLASH_BEYOND = 1.3, 0.1, 0.1
"""A straight stroke taller than its line's digits by this, leaning right by this (dx/dy), that begins above both its
neighbours and ends below both by this share of their height, is a slash: a tall 1 stands on the line."""
STRAIGHT, ONE_STROKE = 0.06, 0.95
"""How far the ink of a straight stroke lies from its axis on average, as a share of its length; and of how many of its
rows it has one run of ink: an 8 that leans has two."""


@dataclass(frozen=True)
class Mark:
    """One mark: its box (x, y, width, height) in px of the page, its own ink (h, w) uint8, and what it is."""

    box: tuple[int, int, int, int]
    ink: Gray
    kind: Kind


def lines_in(ink: Ink, layout: Layout, digits: int | None, most: int = MOST_MARKS) -> list[list[Group]]:
    """The marks of each line, from left to right, each of one or more parts; the lines from top to bottom.

    `layout`: `single` takes all ink for one digit, `line` for one line, `page` for any number of lines; `auto` finds
    out. `digits` is how many digits to expect on the page, where that is known. Nothing is cut: digits that touch are
    one mark. No lines where there is no ink; TooManyMarksError where there are more than `most` parts.
    """
    parts = parts_of(ink, most)
    if not parts:
        return []
    if is_single(ink, layout, digits):
        return [[parts]]
    return [digits_of(line) for line in lines_of(parts, one=layout == "line")]


def is_single(ink: Ink, layout: Layout, digits: int | None) -> bool:
    """Whether all ink of the page is one digit, in however many pieces."""
    if layout == "auto" and digits is None and max(ink.page) <= ONE_DIGIT and max(ink.page) < 1.5 * min(ink.page):
        return True
    return layout == "single" or (digits == 1 and layout != "page")


def mark_of(ink: Ink, group: Sequence[Part], kind: Kind, at: tuple[int, int] = (0, 0)) -> Mark:
    """The ink of a group of parts, without what belongs to others. `at` is where the ink begins, px, if it is a piece
    of a page's."""
    x0, y0 = at
    left, top = min(part.left for part in group) - x0, min(part.top for part in group) - y0
    right, bottom = max(part.right for part in group) - x0, max(part.bottom for part in group) - y0
    # One pixel around, for the soft edge.
    height, width = ink.mask.shape
    left, top, right, bottom = max(left - 1, 0), max(top - 1, 0), min(right + 1, width), min(bottom + 1, height)
    own = np.zeros((bottom - top, right - left), np.uint8)
    for part in group:
        y, x = part.top - y0 - top, part.left - x0 - left
        own[y : y + part.height, x : x + part.width] |= part.mask
    near = as_gray(cv2.dilate(own, np.ones((3, 3), np.uint8)))
    others = (ink.mask[top:bottom, left:right] > own).astype(np.uint8)
    crop = ink.ink[top:bottom, left:right] * (near & (1 - others))
    box = _on_page(ink, left + x0, top + y0, right + x0, bottom + y0)
    return Mark(box, as_gray(crop), kind)


def _on_page(ink: Ink, left: int, top: int, right: int, bottom: int) -> tuple[int, int, int, int]:
    width, height = ink.page
    x, y = min(round(left * ink.scale), width - 1), min(round(top * ink.scale), height - 1)
    return x, y, max(1, min(round(right * ink.scale), width) - x), max(1, min(round(bottom * ink.scale), height) - y)


def kinds_of(line: Sequence[Sequence[Part]]) -> list[Kind]:
    """What each group of a line is, by its size among the others."""
    if len(line) < 2:
        return ["digit"]
    heights = [_height(group) for group in line]
    ordered = sorted(heights)
    kinds: list[Kind] = []
    for place, (group, height) in enumerate(zip(line, heights, strict=True)):
        tallest = ordered[-2] if height == ordered[-1] else ordered[-1]
        tall = median_of_others(ordered, height, bisect_left(ordered, 0.5 * tallest)) or tallest
        inside = 0 < place < len(line) - 1 and len(line) >= 4
        beside = [*line[place - 1], *line[place + 1]] if inside else []
        separates = _is_small(group, tall) or (inside and _is_slash(group, beside, tall))
        kinds.append("separator" if separates else "digit")
    return kinds


def _is_small(group: Sequence[Part], tall: float) -> bool:
    height, width = _height(group), _width(group)
    return max(height, width) < DOT * tall or (height < FLAT * tall and width < 0.9 * tall)


def _height(group: Sequence[Part]) -> int:
    return max(part.bottom for part in group) - min(part.top for part in group)


def _width(group: Sequence[Part]) -> int:
    return max(part.right for part in group) - min(part.left for part in group)


def _is_slash(group: Sequence[Part], beside: Sequence[Part], tall: float) -> bool:
    """Whether a group is a slash between the parts of its two neighbours."""
    if len(group) > 1 or group[0].height <= SLASH_HEIGHT * tall:
        return False
    part, beyond = group[0], SLASH_BEYOND * tall
    if part.top > min(one.top for one in beside) - beyond or part.bottom < max(one.bottom for one in beside) + beyond:
        return False
    y, x = np.nonzero(part.mask)
    if len(x) < 8:
        return False
    runs = part.mask[:, 0] + np.count_nonzero(np.diff(part.mask.astype(np.int8), axis=1) == 1, axis=1)
    slope, offset = np.polyfit(y, x, 1)
    deviation = float(np.abs(x - (slope * y + offset)).mean())
    one_stroke = np.count_nonzero(runs == 1) >= ONE_STROKE * part.height
    return bool(one_stroke and -slope > SLASH_TILT and deviation < STRAIGHT * part.height)
