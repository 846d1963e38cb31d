"""Where the lines of ruled and squared paper run, on a mask at a coarse size whose lines are about level."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.straight import thickness_of

SPAN = 0.6
"""A line's pieces cover at least this share of the page's width."""
PIECE = 12
"""A line is looked for in straight pieces of 1/12 of the page's width: sloping lines are short steps."""
RULED = 3
"""So many lines are ruled paper; fewer must go from edge to edge, and the rest must look like digits without them."""
ACROSS, SURE = 0.94, 2
"""A single line goes from edge to edge: over this share of the width at least. So many of them are no digit's bars."""
SPAN_OF_MANY = 0.2
"""On ruled paper, pieces on one line need to cover only this much: digits hide the rest."""
DRAWN = 0.8
"""There is ink in so many of a piece's columns: of a row of small digits there is less."""
SLOPE = 0.06
"""A line rises by at most this much of its length, once the page is level."""
LONGER, WIDER = 1.6, 1.2
"""A single line is longer than one digit by this; or several digits stand on it: three pieces, or two
on a page that is wider than tall by this."""
FITS, OFF, MOSTLY = 3, 1.6, 0.6
"""A curve is fitted to a line so often, each time to what was this near to it, px, the time before; a line of which
less than the last share is near bends otherwise, and is taken as it is."""
POINTS = 200
"""So many of its pixels tell a line's curve."""
THICKEST = 0.012
"""Lines are thinner than this share of the page's longer side, or than `THINNEST_KEPT` px."""
THINNEST_KEPT = 4
"""Lines of a small page may be so many px thick."""


def thickest_of(mask: Gray) -> int:
    """How thick a page's lines may be, px."""
    return int(max(THINNEST_KEPT, round(THICKEST * max(mask.shape))))


def thin_of(mask: Gray, thickest: int) -> Gray:
    """What of the mask is no taller than that, px; along the page's edges, too, beyond which there is no ink."""
    tall = np.ones((thickest + 1, 1), np.uint8)
    thick = cv2.morphologyEx(mask, cv2.MORPH_OPEN, tall, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return as_gray(cv2.subtract(mask, thick))


@dataclass(frozen=True)
class _Piece:
    """A straight piece of a line: its number, its columns from left to right, and its heights at both."""

    number: int
    left: int
    right: int
    start: float
    end: float

    @property
    def slope(self) -> float:
        return (self.end - self.start) / max(1, self.right - self.left)

    def at(self, column: float, slope: float) -> float:
        """How high it would be there."""
        return (self.start + self.end) / 2 + slope * (column - (self.left + self.right) / 2)


def lines_of_paper(mask: Gray, width: int) -> tuple[Gray, int] | None:
    """Where the lines run, with a pixel around them, and how many there are; None where none is to be taken out.

    `width` is the page's, of which the lines are parts.
    """
    length = max(9, width // PIECE)
    thickest = thickest_of(mask)
    thin = thin_of(mask, thickest)
    # On ruled paper most that is thin is lines: what is much thicker than the usual is none of them.
    thickest = min(thickest, max(THINNEST_KEPT, 2 * math.ceil(thickness_of(thin)) + 1))
    thin = thin_of(thin, thickest)
    # Strokes and other lines that cross a line interrupt what is thin of it.
    bridged = cv2.morphologyEx(thin, cv2.MORPH_CLOSE, np.ones((1, 2 * thickest + 3), np.uint8))
    pieces = cv2.morphologyEx(bridged, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    if not pieces.any():
        return None
    joined = cv2.morphologyEx(pieces, cv2.MORPH_CLOSE, np.ones((3, 2 * length + 1), np.uint8))
    labels, stats = _apart(as_gray(joined), as_gray(pieces), thickest)
    straight = [
        _piece(labels, stats, index)
        for index in range(1, len(stats))
        if _is_level(stats[index], thickest) and _is_drawn(mask, labels, stats, index)
    ]
    rows = _rows(straight, thickest)
    full = [row for row in rows if _span(row) >= SPAN * width and not _is_at_edge(row, thickest, len(mask))]
    if not full:
        return None
    ruled_paper = len(full) >= RULED
    if ruled_paper:
        full = [row for row in rows if _span(row) >= SPAN_OF_MANY * width]
    numbers = np.zeros(len(stats), np.int32)
    for number, row in enumerate(full, 1):
        numbers[[piece.number for piece in row]] = number
    lines = _straight_parts(numbers[labels])
    for row in full:
        _complete(lines, row, ruled_paper)
    ruled = cv2.dilate(lines, np.ones((3, 1), np.uint8))
    rest = as_gray(cv2.subtract(mask, cv2.multiply(thin, ruled)))
    crossing = sum(row[-1].right + 1 - row[0].left >= ACROSS * width for row in full)
    if not ruled_paper and crossing < SURE and not (crossing and _independent(rest)):
        return None
    return lines, len(full)


def _apart(joined: Gray, pieces: Gray, thickest: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The labels (H, W) and the statistics of what is joined; where that is not level, as where a stroke that runs
    beside a line is joined to it, those of its pieces instead."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    bent = np.array([index > 0 and not _is_level(one, thickest) for index, one in enumerate(stats)])
    if not bent.any():
        return np.asarray(labels, np.int32), np.asarray(stats, np.int32)
    mixed = bent[labels]
    loose = as_gray((mixed & (pieces > 0)).view(np.uint8))
    _, more, more_stats, _ = cv2.connectedComponentsWithStats(loose, connectivity=8)
    labels = np.where(mixed, 0, labels) + np.where(more > 0, more + len(stats) - 1, 0)
    return np.asarray(labels, np.int32), np.concatenate([stats, more_stats[1:]]).astype(np.int32)


def _is_level(box: NDArray[np.int32], thickest: int) -> bool:
    """Whether what has these statistics is no taller than a line of its length may be."""
    return bool(box[cv2.CC_STAT_HEIGHT] <= thickest + SLOPE * box[cv2.CC_STAT_WIDTH])


def _straight_parts(numbers: NDArray[np.int32]) -> Gray:
    """What of each numbered line lies on one curve of the second order, as lines on paper that is bent a little do:
    the flat foot of a digit that stands close above is none of it."""
    lines, width = np.zeros(numbers.shape, np.uint8), numbers.shape[1]
    y, x = np.nonzero(numbers)
    order = np.argsort(numbers[y, x], kind="stable")
    ends = np.flatnonzero(np.diff(numbers[y, x][order])) + 1
    for line in np.split(order, ends):
        rows, columns = y[line], x[line]
        some = np.s_[:: max(1, len(line) // POINTS)]
        few_rows, few_columns = rows[some], columns[some]
        near = np.ones(len(few_rows), np.bool_)
        for _ in range(FITS):
            degree = 2 if np.ptp(few_columns[near]) > 2 else 0
            powers = np.vander(few_columns / width, degree + 1)
            curve = np.linalg.lstsq(powers[near], few_rows[near], rcond=None)[0]
            off = np.abs(few_rows - powers @ curve)
            most = max(OFF, 1.5 * float(np.median(off)))
            near = off <= most
        if np.count_nonzero(near) < MOSTLY * len(near):
            lines[rows, columns] = 1
        else:
            kept = np.abs(rows - np.polyval(curve, columns / width)) <= most
            lines[rows[kept], columns[kept]] = 1
    return as_gray(lines)


def _is_drawn(mask: Gray, labels: NDArray[Any], stats: NDArray[Any], index: int) -> bool:
    """Whether there is ink all along a piece, rather than small strokes in a row."""
    left, top, wide, tall = stats[index, :4].tolist()
    box = np.s_[top : top + tall, left : left + wide]
    return bool(np.count_nonzero(((labels[box] == index) & (mask[box] > 0)).any(0)) >= DRAWN * wide)


def _piece(labels: NDArray[Any], stats: NDArray[Any], index: int) -> _Piece:
    left, right = int(stats[index, cv2.CC_STAT_LEFT]), int(stats[index, cv2.CC_STAT_WIDTH])
    right += left - 1
    start, end = (float(np.flatnonzero(labels[:, column] == index).mean()) for column in (left, right))
    return _Piece(index, left, right, start, end)


def _rows(pieces: list[_Piece], thickest: int) -> list[list[_Piece]]:
    """Pieces that lie on one straight line each, from left to right: a thick stroke may interrupt a line for longer
    than a piece."""
    if not pieces:
        return []
    slope = max(pieces, key=lambda piece: piece.right - piece.left).slope
    rows: list[list[_Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.at(0, slope)):
        if rows and piece.at(0, slope) - rows[-1][-1].at(0, slope) <= thickest / 2 + 1:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [sorted(row, key=lambda piece: piece.left) for row in rows]


def _complete(lines: Gray, row: list[_Piece], to_the_edges: bool) -> None:
    """Draw what lies between a line's pieces, in place: what digits on it leave of it may be short."""
    points = [((a.right, a.end), (b.left, b.start)) for a, b in pairwise(row)]
    if to_the_edges:
        slope = max(row, key=lambda piece: piece.right - piece.left).slope
        first, last, end = row[0], row[-1], lines.shape[1] - 1
        points.append(((0, first.start - slope * first.left), (first.left, first.start)))
        points.append(((last.right, last.end), (end, last.end + slope * (end - last.right))))
    for (x, y), (to_x, to_y) in points:
        cv2.line(lines, (x, round(y)), (to_x, round(to_y)), 1)


def _span(row: list[_Piece]) -> int:
    """How much of the width the pieces of a line cover."""
    return sum(piece.right + 1 - piece.left for piece in row)


def _is_at_edge(row: list[_Piece], thickest: int, height: int) -> bool:
    """Whether a line runs into the page's edge: it may be a border, or the bar of a 7 that is cut tightly."""
    rows = [at for piece in row for at in (piece.start, piece.end)]
    return min(rows) < thickest or max(rows) >= height - thickest


def _independent(rest: Gray) -> bool:
    """Whether what a single line leaves can do without it: it may be the bar of a 7 that fills the page."""
    height, width = rest.shape
    count, _, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    big = stats[1:][stats[1:, cv2.CC_STAT_HEIGHT] > 0.25 * height] if count > 1 else stats[:0]
    if not len(big):
        return False
    if len(big) > 2 or (len(big) > 1 and width > WIDER * height):
        return True
    left = int(big[:, cv2.CC_STAT_LEFT].min())
    right = int((big[:, cv2.CC_STAT_LEFT] + big[:, cv2.CC_STAT_WIDTH]).max())
    return bool((right - left) * LONGER < width)
