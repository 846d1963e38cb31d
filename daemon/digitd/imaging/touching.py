"""Where shape alone would cut digits that touch: in marks too wide to be one, where the least ink connects halves."""

from bisect import bisect_right
from itertools import pairwise
from statistics import median

import cv2
import numpy as np

from digitd.imaging.components import Part
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.lines import Group
from digitd.imaging.medians import median_of_others
from digitd.imaging.normalise import stroke_width

WIDE = 1.3
"""From this width to height, one group among others is taken for touching digits."""
WIDE_ALONE = 1.75
"""The same for one that is all there is: digits wider than this are one in 2,000 (MNIST: 1.67 at 99.9 %)."""
USUAL = 0.72
"""The usual width of a digit and its gap, as a share of its height."""
NARROWEST = 0.18
"""A digit cut off is at least this wide, of its height."""
CENTRED = 0.6
"""What a cut costs a whole digit's width away from where digits of equal width would part, in strokes."""
WAISTED, WAIST = 0.85, 1.8
"""A group wider than this share of its height, among others, is cut where one stroke alone connects its halves."""
WIDER, NARROW = 1.5, 0.35
"""It is also wider than its line's other digits by this; those narrower than `NARROW` of their height are ones."""
MIDDLE = 0.3
"""That waist is this near the middle, as a share of half the width."""
SHORTEST, SHORTEST_HALF = 0.55, 0.8
"""Digits that touch are at least this tall, of the taller one's height; taller where only a waist speaks for it."""
LOOPED, LOOP = 0.7, 0.45
"""A group wider than the first, with two loops beside each other that are taller than the second, of its height."""
MOST_CUT = 2.6
"""A cut goes through at most so many strokes' width of ink."""


def own_cuts(line: list[Group], alone: bool) -> list[list[int]]:
    """For each group of a line the columns, from its left, before which shape alone says that it is to be cut.

    `alone` says that there is no other group on the page.
    """
    extents = [extent_of(group) for group in line]
    tallest = max(height for _, height in extents)
    tall = median(height for _, height in extents if height >= 0.5 * tallest)
    widths = sorted(width for width, _ in extents)
    cuts: list[list[int]] = []
    for group, (width, height) in zip(line, extents, strict=True):
        least = (WIDE_ALONE if alone else WIDE) * max(tall, height)
        if width > least:
            cuts.append(_columns(group, max(2, round(width / (USUAL * tall))), MOST_CUT))
        elif not alone and width > max(WAISTED * height, WIDER * _usual_width(widths, width, tall)):
            cuts.append(_columns(group, 2, WAIST, MIDDLE) or _between_loops(group))
        else:
            cuts.append(_between_loops(group))
    return cuts


def _between_loops(group: Group) -> list[int]:
    """Two tall loops beside each other are two zeros, sixes or nines; an 8 has its loops above each other."""
    width, height = extent_of(group)
    if width < LOOPED * height:
        return []
    own, _, _ = canvas(group)
    outside = cv2.copyMakeBorder(1 - own, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    count, _, stats, _ = cv2.connectedComponentsWithStats(outside, connectivity=4)
    boxes = [tuple(int(value) for value in stats[index]) for index in range(2, count)]
    loops = sorted(box for box in boxes if box[3] > LOOP * height)
    if len(loops) != 2 or loops[0][0] + loops[0][2] >= loops[1][0]:
        return []
    start, end = loops[0][0] + loops[0][2] - 1, loops[1][0] - 1
    return [start + int(own[:, start:end].sum(0).argmin())]


def canvas(group: Group) -> tuple[Gray, int, int]:
    """A group's ink in its box, and the box's left and top."""
    left, top = min(part.left for part in group), min(part.top for part in group)
    width, height = extent_of(group)
    own = np.zeros((height, width), np.uint8)
    for part in group:
        y, x = part.top - top, part.left - left
        own[y : y + part.height, x : x + part.width] |= part.mask
    return own, left, top


def _usual_width(widths: list[int], own: int, tall: float) -> float:
    """The median width of a line's other digits, ones left out. `widths` are all, ascending."""
    usual = median_of_others(widths, own, bisect_right(widths, NARROW * tall))
    return USUAL * tall if usual is None else usual


def extent_of(group: Group) -> tuple[int, int]:
    """A group's width and height."""
    width = max(part.right for part in group) - min(part.left for part in group)
    return width, max(part.bottom for part in group) - min(part.top for part in group)


def _columns(group: Group, count: int, most: float, shift: float = 1.0) -> list[int]:
    """Where to cut into `count` groups: before the columns with the least ink, near equal widths; fewer where each
    goes through more than `most` strokes."""
    width, height = extent_of(group)
    own, _, _ = canvas(group)
    columns = own.sum(0, dtype=np.int64).astype(np.float64)
    stroke = max(1.0, stroke_width(own))
    if shift < 1:
        # A 0 has two strokes where it is cut in the middle; digits that touch have one.
        runs = own[0] + (np.diff(own.astype(np.int8), axis=0) == 1).sum(0)
        columns[runs > 1] = np.inf
    positions = np.arange(width, dtype=np.float64)
    edges = [0]
    for number in range(1, count):
        wanted = number * width / count
        cost = columns / stroke + CENTRED * np.abs(positions - wanted) * count / width * 2
        least = edges[-1] + NARROWEST * height
        cost[np.abs(positions - wanted) > shift * width / count] = np.inf
        cost[(positions < least) | (positions > width - NARROWEST * height)] = np.inf
        at = int(cost.argmin())
        if np.isfinite(cost[at]) and columns[at] <= most * stroke:
            edges.append(at)
    # What a cut leaves must be digits, not the bar of a 7 or the tail of a 2.
    shortest = SHORTEST if shift >= 1 else SHORTEST_HALF
    pieces = _parted(group, edges[1:])
    return edges[1:] if min(extent_of(piece)[1] for piece in pieces) >= shortest * height else []


def _parted(group: Group, columns: list[int]) -> list[Group]:
    """The group cut before each of these columns."""
    if not columns:
        return [group]
    own, left, top = canvas(group)
    edges = [0, *columns, own.shape[1]]
    pieces = [piece_of(own[:, start:end], left + start, top) for start, end in pairwise(edges)]
    return [[piece] for piece in pieces if piece is not None]


def piece_of(mask: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], left: int, top: int) -> Part | None:
    """The ink of a mask whose first pixel lies at (left, top) as a part; None where there is none."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    own = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = own.shape
    return Part(left + int(columns[0]), top + int(rows[0]), width, height, int(own.sum()), as_gray(own))
