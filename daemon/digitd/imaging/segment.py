"""Ink to marks, uncut: the lines of a page, the marks of each, and each mark's own ink."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from digitd.imaging.clean import Ink
from digitd.imaging.components import MOST_MARKS, Part, parts_of
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.lines import Group, lines_of
from digitd.imaging.pieces import digits_of

Layout = Literal["auto", "single", "line", "page"]

ONE_DIGIT = 40
"""A page no larger than this, px, and about square has one digit on it, in however many pieces."""


@dataclass(frozen=True)
class Mark:
    """One mark: its box (x, y, width, height) in px of the page, and its own ink (h, w) uint8."""

    box: tuple[int, int, int, int]
    ink: Gray


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


def mark_of(ink: Ink, group: Sequence[Part], at: tuple[int, int] = (0, 0)) -> Mark:
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
    return Mark(box, as_gray(crop))


def _on_page(ink: Ink, left: int, top: int, right: int, bottom: int) -> tuple[int, int, int, int]:
    width, height = ink.page
    x, y = min(round(left * ink.scale), width - 1), min(round(top * ink.scale), height - 1)
    return x, y, max(1, min(round(right * ink.scale), width) - x), max(1, min(round(bottom * ink.scale), height) - y)
