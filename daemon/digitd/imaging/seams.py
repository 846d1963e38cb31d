"""A way to cut a part: the path of least ink from its top to its bottom near a straight line."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitd.imaging.gray import Gray
from digitd.imaging.normalise import stroke_width

BAND = 4
"""How far, in px of a part 32 px tall, a path of least ink may leave its straight line."""
BEND = np.float32(0.15)
"""What each sideways step of a path costs, in pixels of ink: without it, paths wander about in empty space."""
SAME = 0.04
"""Cuts whose paths are nowhere farther apart than this share of the height are one."""

Path = NDArray[np.int64]
Small = NDArray[np.float32]


@dataclass(frozen=True)
class Seam:
    """A way to cut a part: `path` (height,) is for each row the first column that belongs to the right piece.

    `strokes` is the ink that it goes through, in strokes' widths; `extent` how much of the height lies between the
    topmost and the lowest ink on it: little in a valley between two digits. `runs` is how many separate strokes it
    goes through, `bays` how it is bounded by bays of paper: by two 1, by one 0.5 (bays.py).
    """

    path: Path
    strokes: float
    extent: float
    runs: int
    bays: float = 0.0


def straight(own: Gray, column: int) -> Seam:
    """The upright cut of `own` before a column, measured as the others are."""
    at = own[:, column]
    rows = np.flatnonzero(at)
    strokes = float(np.count_nonzero(at)) / max(1.0, stroke_width(own))
    extent = float(rows[-1] + 1 - rows[0]) / len(own) if rows.size else 0.0
    return Seam(np.full(len(own), column, np.int64), strokes, extent, runs_of(at > 0))


def same(one: Seam, other: Seam) -> bool:
    """Whether two ways to cut a part are one."""
    return bool(np.abs(one.path - other.path).max() < SAME * len(one.path))


def refined(small: Small, places: Sequence[int]) -> Path:
    """For each of some columns the path of least ink in a band around it: (columns, H).

    `small` (H, W) is the part's ink, 0..1; a path has for each row the first column right of the cut. Dynamic
    programming, row by row.
    """
    height = len(small)
    reach = np.arange(-BAND, BAND + 1)
    rows = np.arange(height)
    middle = np.repeat(np.array(places, np.int64)[:, None], height, axis=1)
    columns = (middle[:, :, None] + reach).clip(0, small.shape[1] - 1)
    ink = small[rows[None, :, None], columns]
    total = ink[:, 0] + np.float32(0.02) * np.abs(reach)
    sources = []
    for row in range(1, height):
        least, source = _stepped(total)
        total = least + ink[:, row]
        sources.append(source)
    place = total.argmin(1)
    every = np.arange(len(places))
    paths = np.zeros((len(places), height), np.int64)
    for row in range(height - 1, -1, -1):
        paths[:, row] = columns[every, row, place]
        if row:
            place = place + sources[row - 1][every, place]
    return paths


@dataclass(frozen=True)
class Sweep:
    """For each pixel (row by row, W) the ink of the least path to it from the first row, and for all but that row
    whence it comes: -1, 0 or 1 aside."""

    totals: Sequence[Small]
    sources: Sequence[Path]


def free(small: Small, down: Sweep, up: Sweep, rows: Sequence[int]) -> Path:
    """The paths of least ink through each place of these rows where that is less than beside it: (paths, H).

    They may lean and bend as they like, by one column a row: around a loop, along a stem.
    """
    height = len(small)
    places = []
    for row in rows:
        through = down.totals[row] + up.totals[height - 1 - row] - small[row]
        places += [(row, at) for at in minima(through, 1, small.shape[1] - 1)]
    through_rows, columns = np.array(places, np.int64).reshape(-1, 2).T
    head, foot = traced(down, through_rows, columns), traced(up, height - 1 - through_rows, columns)[:, ::-1]
    return np.asarray(np.where(np.arange(height) <= through_rows[:, None], head, foot))


def swept(small: Small) -> tuple[Sweep, Sweep]:
    """The least paths downwards through (H, W) ink, 0..1, and those upwards: both at once."""
    ink = np.stack((small, small[::-1]), 1)
    totals, sources = [ink[0]], []
    for row in ink[1:]:
        least, source = _stepped(totals[-1])
        totals.append(least + row)
        sources.append(source)
    down, up = (Sweep([of[way] for of in totals], [of[way] for of in sources]) for way in (0, 1))
    return down, up


def traced(sweep: Sweep, rows: Path, columns: Path) -> Path:
    """The columns of the least paths to the pixels (rows, columns), (paths,) each, from the first row to that: (paths,
    H), the pixel's own column from its row on.

    All at once: hatching and scribbles have thousands of paths.
    """
    paths = np.repeat(columns[:, None], len(sweep.totals), axis=1)
    for row in range(len(sweep.sources), 0, -1):
        below = paths[:, row]
        paths[:, row - 1] = np.where(rows >= row, below + sweep.sources[row - 1][below], columns)
    return paths


def _stepped(total: Small) -> tuple[Small, Path]:
    """For each column (paths, W) of the next row the least total to come from, and where that is: -1, 0 or 1 aside."""
    steps = np.full((3, *total.shape), np.inf, np.float32)
    np.add(total[:, :-1], BEND, out=steps[0, :, 1:])
    steps[1] = total
    np.add(total[:, 1:], BEND, out=steps[2, :, :-1])
    return steps.min(0), steps.argmin(0) - 1


def minima(values: Small, start: int, end: int) -> list[int]:
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


def runs_of(inked: NDArray[np.bool_]) -> int:
    """How many separate strokes there are along a path."""
    return int(inked[0]) + int(np.count_nonzero(inked[1:] & ~inked[:-1]))
