"""Cuts from where paper reaches into a part from above and from below: between digits that touch, it ends there. Pure.

The path of least ink goes through a loop's two thin walls sooner than along the stroke that a 0 and a 9 share; between
the bay above that stroke and the one below it, there is only one way.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from digitd.imaging.seams import Path, Small, Sweep, traced

INKED = 0.4
"""Pixels with more ink than this are ink."""
REACHED = 1.0
"""A bay is open where the way into it has no more ink than this, in pixels: the soft edge of a stroke."""
SLOPES = (-0.5, 0.0, 0.5)
"""Columns by rows at which a cut goes on into the ink where only one bay bounds it: upright, or as digits lean."""
ASIDE, NEAREST = 0.5, 2
"""A bay below belongs to one above up to this share of the height aside; a flat stroke between them is cut no more
aslant than `STEEPEST`, but where it is no wider than `NEAREST`, px."""
STEEPEST = 1.5

MOST = 10
"""More bays than this above or below, for each height that a part is wide, are no digits': hatching, or noise. It has
no cuts then, which would be thousands. Written digits have up to five."""
BOTH, ONE = 1.0, 0.5
"""How a cut is bounded: by two bays, or by one."""


def between_bays(small: Small, down: Sweep, up: Sweep) -> tuple[Path, NDArray[np.float64]]:
    """The cuts that begin or end in bays, and by how much they are bounded: (cuts, H) and (cuts,), `BOTH` or `ONE`.

    `small` (H, W) is the part's ink, 0..1, `down` and `up` its sweeps; a path has for each row the first column right
    of the cut. From a bay a cut
    leads on by least ink to the edge, and straight through the ink: to each bay opposite, and until there is paper.
    Source: H. Fujisawa et al., "Segmentation methods for character recognition: from segmentation to document
    structure analysis", Proc. IEEE 80(7), 1992, which pairs the valleys and the peaks of the contour; those that meet
    no bay are drop falls (G. Congedo et al., "Segmentation of numeric strings", ICDAR 1995).
    """
    height = len(small)
    above, below = _open(small, down), _open(small[::-1], up)
    if max(len(above), len(below)) > MOST * max(1.0, small.shape[1] / height):
        above, below = [], []
    pairs = [
        (row, np.round(np.linspace(at, aside, height - other - row)).astype(np.int64))
        for row, at in above
        for other, aside in below
        if height - 1 - other >= row and abs(aside - at) <= _widest(height, height - 1 - other - row)
    ]
    falls = [(row, line) for row, at in above for line in _falls(small, row, at)]
    rises = [(row, line) for row, at in below for line in _falls(small[::-1], row, at)]
    paths = np.concatenate((_led(down, up, pairs), _led(down, up, falls), _led(up, down, rises)[:, ::-1]))
    return paths, np.where(np.arange(len(paths)) < len(pairs), BOTH, ONE)


def _open(small: Small, down: Sweep) -> list[tuple[int, int]]:
    """The deepest places (row, column) of the bays that are open to above."""
    bottoms = list(_bottoms(small))
    rows, columns = np.array(bottoms, np.int64).reshape(-1, 2).T
    every = np.arange(len(small))
    ink = small[every, traced(down, rows, columns)]
    into = np.where(every <= rows[:, None], ink, 0).sum(1)
    return [place for place, crossed in zip(bottoms, into.tolist(), strict=True) if crossed < REACHED]


def _bottoms(small: Small) -> Iterator[tuple[int, int]]:
    """The middle of each stretch of paper that has ink on both sides, and all along below."""
    inked = small > INKED
    for row in range(1, len(small) - 1):
        edges = np.flatnonzero(inked[row, 1:] != inked[row, :-1]) + 1
        for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            if not inked[row, start] and inked[row + 1, start:end].all():
                yield row, (start + end) // 2


def _widest(height: int, rows: int) -> float:
    return max(float(NEAREST), min(ASIDE * height, STEEPEST * rows))


def _falls(small: Small, row: int, at: int) -> Iterator[Path]:
    """For each slope the columns from a bay's end down through the ink to the first paper behind it, if any."""
    for slope in SLOPES:
        line = np.round(at + slope * np.arange(len(small) - row)).astype(np.int64)
        line = line[(line >= 0) & (line < small.shape[1])]
        inked = small[row + np.arange(len(line)), line] > INKED
        out = np.flatnonzero(inked[:-1] & ~inked[1:])
        if out.size:
            yield line[: out[0] + 2]


def _led(down: Sweep, up: Sweep, lines: Sequence[tuple[int, Path]]) -> Path:
    """Paths (paths, H) whose columns from a row on are given, led on from both their ends to the edges by least ink."""
    height = len(down.totals)
    first = np.array([row for row, _ in lines], np.int64)
    last = np.array([row + len(line) - 1 for row, line in lines], np.int64)
    head = traced(down, first, np.array([line[0] for _, line in lines], np.int64))
    foot = traced(up, height - 1 - last, np.array([line[-1] for _, line in lines], np.int64))[:, ::-1]
    paths = np.asarray(np.where(np.arange(height) < first[:, None], head, foot))
    for path, (row, line) in zip(paths, lines, strict=True):
        path[row : row + len(line)] = line
    return paths
