"""Forms and ruled paper that lie askew: how steep their lines are, and a mask brought level without resampling."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitd.imaging.gray import Gray, as_gray

STEEPEST = 0.2
"""Lines are looked for up to this slope (dy/dx), 11 degrees: nobody lays a form on the glass more askew than that."""
POINTS = 2000
"""So many of a mask's pixels tell the slope of its lines."""
DRIFT = 1.5
"""Slopes are tried so finely that a line's end moves by this, px, from one to the next."""


def slope_of(mask: Gray) -> float:
    """The slope (dy/dx, -0.2..0.2) of the straight lines in a mask (H, W) uint8, and of lines at right angles to them.

    That at which the ink's projections onto both axes are the most uneven: their sums of squares are the largest
    (the projection profile of Postl, US patent 4,723,297).
    """
    y, x = np.nonzero(mask)
    step = -(-len(x) // POINTS) or 1
    x, y = x[::step].astype(np.float32), y[::step].astype(np.float32)
    half = max(1, round(STEEPEST * max(mask.shape) / DRIFT))
    slopes = np.linspace(-STEEPEST, STEEPEST, 2 * half + 1)
    # Lines are thin: the projections' bins are, too. Of two as good, the less steep.
    scores = [_unevenness(y - slope * x) + _unevenness(x + slope * y) - 1e-3 * abs(slope) for slope in slopes]
    return float(slopes[int(np.argmax(scores))])


def _unevenness(positions: NDArray[np.float32]) -> float:
    if not positions.size:
        return 0.0
    bins = np.bincount((positions - positions.min() + np.float32(0.5)).astype(np.int64))
    return float((bins.astype(np.float64) ** 2).sum())


def levelled(mask: Gray, slope: float) -> Gray:
    """The mask (H, W) with lines of this slope level, and lines at right angles to them upright.

    Two shears, of columns and then of rows, by whole pixels: larger than the mask, and every pixel of it is there.
    """
    return _sheared_rows(_sheared_columns(mask, slope), -slope) if slope else mask


def unlevelled(level: Gray, slope: float, shape: tuple[int, ...]) -> Gray:
    """What `levelled` was given, from what it returned: of that shape (H, W)."""
    if not slope:
        return level
    return _unsheared_columns(_unsheared_rows(level, -slope, shape[1]), slope, shape[0])


def _shifts(length: int, slope: float) -> NDArray[np.int64]:
    """How far each column goes down for lines of that slope to be level, from 0 on."""
    shifts = np.round(-slope * np.arange(length)).astype(np.int64)
    return np.asarray(shifts - shifts.min(), np.int64)


def _runs(shifts: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Beginning, end and shift of neighbours that are shifted alike."""
    edges = [0, *(np.flatnonzero(np.diff(shifts)) + 1).tolist(), len(shifts)]
    return [(start, end, int(shifts[start])) for start, end in pairwise(edges)]


def _sheared_columns(mask: Gray, slope: float) -> Gray:
    height, width = mask.shape
    shifts = _shifts(width, slope)
    out = np.zeros((height + int(shifts.max()), width), np.uint8)
    for start, end, shift in _runs(shifts):
        out[shift : shift + height, start:end] = mask[:, start:end]
    return out


def _unsheared_columns(mask: Gray, slope: float, height: int) -> Gray:
    out = np.empty((height, mask.shape[1]), np.uint8)
    for start, end, shift in _runs(_shifts(mask.shape[1], slope)):
        out[:, start:end] = mask[shift : shift + height, start:end]
    return out


def _sheared_rows(mask: Gray, slope: float) -> Gray:
    return as_gray(np.ascontiguousarray(_sheared_columns(as_gray(mask.T), slope).T))


def _unsheared_rows(mask: Gray, slope: float, width: int) -> Gray:
    return as_gray(np.ascontiguousarray(_unsheared_columns(as_gray(mask.T), slope, width).T))
