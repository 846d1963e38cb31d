"""Where touching digits may part: valleys of the outline and columns of little ink, upright or slanted, each refined
to the path of least ink from top to bottom."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.normalise import stroke_width

ROWS = 32
"""Cuts are looked for at this height, px: a stroke of a thin pen still has a pixel or two, and it takes no time."""
SLANTS = (0.0, -0.35, 0.35)
"""Digits touch upright or leaning, dx/dy: handwriting leans up to 20 degrees either way. Upright comes first."""
INSET = 0.16
"""A digit cut off is at least this wide, of the height: a 1 of a thin pen, and its half of the gap."""
APART = 0.075
"""Of cuts that cross the middle row nearer to each other than this, of the height, only the best is looked at."""
BAND = 4
"""How far, in px at `ROWS`, a path of least ink may leave its straight line."""
BEND = 0.15
"""What each sideways step of a path costs, in pixels of ink: without it, paths wander about in empty space."""
VALLEY, STUMP = 6.0, 10.0
"""What a cut costs whose line's ink spans the whole height, and one that leaves nothing beside it, in strokes: cheap
cuts through the tail of a 2 or the bar of a 7 must not crowd out those between two digits."""
MOST_INK = 2.0
"""More strokes than this count no more: two zeros side by side share a stroke that is some five widths long."""
EDGE, NARROW = 8.0, 0.35
"""What a cut costs nearer to the part's edge than the second, of the height: few digits but ones are as narrow."""
WHOLE = 0.65
"""What stands on either side of a cut, within half a height, is a digit from this height on."""
LITTLE, MUCH = 4.5, 7.5
"""Limits of what a cut may cost. Nine pairs of ten that touch have one below the first, and three of four whole digits
have none (measured on MNIST's training digits); below the second are those along a stroke that two zeros share."""

HOPELESS = 1.5
"""Where the best upright cut costs more than the limit by this, no slanted one is looked for: most parts are one digit,
and need not cost more than a glance."""

Path = NDArray[np.int64]


@dataclass(frozen=True)
class Seam:
    """A way to cut a part: `path` (height,) is for each row the first column that belongs to the right piece.

    `strokes` is the ink that it goes through, in strokes' widths; `extent` how much of the height lies between the
    topmost and the lowest ink on the straight line that it follows: little in a valley between two digits. `runs` is
    how many separate strokes it goes through.
    """

    path: Path
    strokes: float
    extent: float
    runs: int


def seams(own: Gray, most: int, limit: float = MUCH) -> list[Seam]:
    """At most `most` ways to cut the ink `own` (H, W) uint8, 1 for ink, from left to right; the likeliest are kept,
    and those that cost no more than `limit`.

    Source of the method: candidate cuts of contour valleys and projection minima, and cuts along least ink, are the
    usual ones for touching handwritten digits (F. C. Ribas et al., "Handwritten digit segmentation: a comparative
    study", IJDAR 2013).
    """
    height, width = own.shape
    factor = ROWS / height
    columns = max(4, round(width * factor))
    small = cv2.resize(own * np.uint8(255), (columns, ROWS), interpolation=cv2.INTER_AREA).astype(
        np.float32
    ) / np.float32(255)
    stroke = max(1.0, stroke_width(as_gray((small > 0.4).astype(np.uint8))))
    inset = max(2, round(INSET * ROWS))
    if columns < 2 * inset + 1:
        return []
    found: list[tuple[float, float, float, float]] = []
    places = np.arange(columns)
    edge = EDGE * np.maximum(0, NARROW - np.minimum(places, columns - places) / ROWS).astype(np.float32)
    for slant in SLANTS:
        ink, extent, stump = _profiles(small, slant)
        # A valley or a waist; what a cut there costs orders them, and neither alone decides.
        cost = np.minimum(ink / stroke, MOST_INK) + VALLEY * extent + STUMP * stump + edge
        if not slant and float(cost[inset : columns - inset].min()) > limit + HOPELESS:
            return []
        for values in (extent, cost) if not slant else (cost,):
            for at in _minima(values, inset, columns - inset):
                found.append((float(cost[at]) + abs(slant), float(at), slant, float(extent[at])))
    lines = _distinct(sorted(line for line in found if line[0] <= limit), most)
    if not lines:
        return []
    paths, inks = _refined(small, lines)
    out = []
    for (_, _, _, extent_there), path, ink_there in zip(lines, paths, inks, strict=True):
        on_path = small[np.arange(ROWS), path] > 0.4
        full = np.interp((np.arange(height) + 0.5) * factor - 0.5, np.arange(ROWS), path) / factor
        strokes = float(ink_there) / stroke
        out.append(Seam(np.clip(np.round(full), 1, width - 1).astype(np.int64), strokes, extent_there, _runs(on_path)))
    return sorted(out, key=lambda seam: float(seam.path.mean()))


def straight(own: Gray, column: int) -> Seam:
    """The upright cut of `own` before a column, measured as the others are."""
    at = own[:, column]
    rows = np.flatnonzero(at)
    strokes = float(np.count_nonzero(at)) / max(1.0, stroke_width(own))
    extent = float(rows[-1] + 1 - rows[0]) / len(own) if rows.size else 0.0
    return Seam(np.full(len(own), column, np.int64), strokes, extent, _runs(at > 0))


def _runs(inked: NDArray[np.bool_]) -> int:
    return int(inked[0]) + int(np.count_nonzero(inked[1:] & ~inked[:-1]))


def same(one: Seam, other: Seam) -> bool:
    """Whether two ways to cut a part are one."""
    return bool(np.abs(one.path - other.path).max() < APART * len(one.path))


def sliced(own: Gray, cuts: list[Seam]) -> list[Gray]:
    """The ink `own` (H, W) cut along all of these, from left to right: len(cuts) + 1 masks of the same size."""
    columns = np.arange(own.shape[1])
    edges: list[Path] = [np.zeros(len(own), np.int64)]
    for cut in cuts:
        # Paths that cross would give some ink to two pieces.
        edges.append(np.maximum(edges[-1], cut.path))
    edges.append(np.full(len(own), own.shape[1], np.int64))
    return [
        as_gray(own * ((columns >= left[:, None]) & (columns < right[:, None])).astype(np.uint8))
        for left, right in pairwise(edges)
    ]


def _profiles(
    small: NDArray[np.float32], slant: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """For each line of a slant, by the column where it crosses the middle row: its ink, its ink's extent, of the
    height, and by how much what stands left and right of it is too low for a digit."""
    columns = small.shape[1]
    shift = np.round(slant * (np.arange(ROWS) - ROWS / 2)).astype(np.int64)
    index = np.arange(columns) + shift[:, None]
    leaning = np.where((index >= 0) & (index < columns), np.take_along_axis(small, index.clip(0, columns - 1), 1), 0)
    some = leaning > 0.4
    inked = some.any(0)
    first, last = np.where(inked, some.argmax(0), ROWS), np.where(inked, ROWS - some[::-1].argmax(0), 0)
    extent = np.where(inked, last - first, 0) / ROWS
    reach = ROWS // 2
    top = np.lib.stride_tricks.sliding_window_view(np.pad(first, reach, constant_values=ROWS), reach).min(1)
    bottom = np.lib.stride_tricks.sliding_window_view(np.pad(last, reach, constant_values=0), reach).max(1)
    tall = np.maximum(bottom - top, 0) / ROWS
    stump = np.maximum(0, WHOLE - tall[:columns]) + np.maximum(0, WHOLE - tall[reach + 1 : reach + 1 + columns])
    return leaning.sum(0).astype(np.float32), extent.astype(np.float32), stump.astype(np.float32)


def _minima(values: NDArray[np.float32], start: int, end: int) -> list[int]:
    """The local minima between `start` and `end`, the middle of each plateau."""
    out = []
    at = start
    while at < end:
        last = at
        while last + 1 < end and values[last + 1] == values[at]:
            last += 1
        before, after = values[at - 1], values[min(last + 1, len(values) - 1)]
        if values[at] <= before and values[at] <= after and (values[at] < before or values[at] < after):
            out.append((at + last) // 2)
        at = last + 1
    return out


def _distinct(found: list[tuple[float, float, float, float]], most: int) -> list[tuple[float, float, float, float]]:
    """The best of them, of those that are nearly the same only the best."""
    kept: list[tuple[float, float, float, float]] = []
    for line in found:
        if all(abs(line[1] - other[1]) > APART * ROWS for other in kept):
            kept.append(line)
            if len(kept) == most:
                break
    return kept


def _refined(
    small: NDArray[np.float32], lines: list[tuple[float, float, float, float]]
) -> tuple[list[Path], NDArray[np.float32]]:
    """For each line the path of least ink in a band around it, and that ink: dynamic programming, row by row."""
    reach = np.arange(-BAND, BAND + 1)
    rows = np.arange(ROWS)
    middle = np.array([[round(at + slant * (row - ROWS / 2)) for row in rows] for _, at, slant, _ in lines])
    columns = (middle[:, :, None] + reach).clip(0, small.shape[1] - 1)
    ink = small[rows[None, :, None], columns]
    count, wide = len(lines), len(reach)
    total = np.empty((count, ROWS, wide), np.float32)
    total[:, 0] = ink[:, 0] + 0.02 * np.abs(reach)
    source = np.zeros((count, ROWS, wide), np.int64)
    beyond = np.full((count, 1), np.inf, np.float32)
    for row in range(1, ROWS):
        last = total[:, row - 1]
        steps = np.stack(
            (np.concatenate((beyond, last[:, :-1] + BEND), 1), last, np.concatenate((last[:, 1:] + BEND, beyond), 1))
        )
        best = steps.argmin(0)
        source[:, row] = best - 1
        total[:, row] = np.take_along_axis(steps, best[None], 0)[0] + ink[:, row]
    paths, inks = [], np.zeros(count, np.float32)
    for number in range(count):
        place = int(total[number, -1].argmin())
        path = np.zeros(ROWS, np.int64)
        for row in range(ROWS - 1, -1, -1):
            path[row] = columns[number, row, place]
            inks[number] += ink[number, row, place]
            place += int(source[number, row, place])
        paths.append(path)
    return paths, inks
