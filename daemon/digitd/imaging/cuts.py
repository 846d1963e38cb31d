"""Where touching digits may part: along paths of little ink from top to bottom, upright, slanted or bent, and from bay
to bay."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.bays import between_bays
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.normalise import stroke_width
from digitd.imaging.seams import SAME, Path, Seam, Small, free, minima, refined, runs_of, swept

ROWS = 32
"""Cuts are looked for at this height, px: a stroke of a thin pen still has a pixel or two, and it takes no time."""
LEANING = 1.0
"""What a path costs whose foot lies its height aside of its head: of two equal cuts the more upright one is meant."""
INKED = 0.4
"""Pixels at `ROWS` with more ink than this are ink."""
FREE = (8, 16, 24)
"""Rows through whose places of least ink paths lean and bend as they like: digits lean up to 20 degrees either way, and
one may stand under the other's flag."""
INSET = 0.12
"""A digit cut off is at least this wide, of the height: a 1 of a thin pen, and its half of the gap."""
VALLEY, STUMP = 6.0, 10.0
"""What a cut costs whose line's ink spans the whole height, and one that leaves nothing beside it, in strokes: cheap
cuts through the tail of a 2 or the bar of a 7 must not crowd out those between two digits."""
MOST_INK = 2.0
"""More strokes than this count no more: two zeros side by side share a stroke that is some five widths long."""
EDGE, NARROW = 8.0, 0.35
"""What a cut costs nearer to the part's edge than the second, of the height: few digits but ones are as narrow."""
WHOLE = 0.65
"""What stands on either side of a cut, within half a height, is a digit from this height on."""
BAYS = 2.0
"""What a cut costs less that leads from a bay of paper to another: as much as the shared stroke that it goes along."""
COSTLIEST = 8.5
"""Cuts that cost more are not looked at: below are those along a stroke that two zeros share."""
CROWDED, CLOSE = 1.0, 0.08
"""Cuts nearer than the second to a better one, of the height, cost this much more: a good cut may have a better one
beside it, but others elsewhere are worth more than its tenth neighbour."""


def seams(own: Gray, most: int) -> list[Seam]:
    """At most `most` ways to cut the ink `own` (H, W) uint8, 1 for ink, from left to right; the likeliest are kept.

    Source of the method: candidate cuts of contour valleys and projection minima, and cuts along least ink, are the
    usual ones for touching handwritten digits (F. C. Ribas et al., "Handwritten digit segmentation: a comparative
    study", IJDAR 2013).
    """
    height, width = own.shape
    factor = ROWS / height
    columns = max(4, round(width * factor))
    inset = max(2, round(INSET * ROWS))
    if columns < 2 * inset + 1:
        return []
    small = cv2.resize(own * np.uint8(255), (columns, ROWS), interpolation=cv2.INTER_AREA).astype(
        np.float32
    ) / np.float32(255)
    stroke = max(1.0, stroke_width(as_gray((small > INKED).astype(np.uint8))))
    places = _places(small, stroke, inset)
    down, up = swept(small)
    least = np.concatenate((refined(small, places), free(small, down, up, FREE)))
    paths, bays = between_bays(small, down, up)
    # Of the same the first is kept: the one that is known to be bounded.
    paths, first = np.unique(np.concatenate((paths, least)), axis=0, return_index=True)
    bays = np.concatenate((bays, np.zeros(len(least))))[first]
    middles = paths.mean(1)
    inside = (middles >= inset) & (middles < columns - inset)
    found = []
    for path, cost, extent, ink, bounded in _weighed(small, paths[inside], bays[inside], stroke):
        full = np.interp((np.arange(height) + 0.5) * factor - 0.5, np.arange(ROWS), path) / factor
        runs = runs_of(small[np.arange(ROWS), path] > INKED)
        found.append((cost, Seam(np.clip(np.round(full), 1, width - 1).astype(np.int64), ink, extent, runs, bounded)))
    return sorted(_spread(found, most), key=lambda seam: float(seam.path.mean()))


def _places(small: Small, stroke: float, inset: int) -> list[int]:
    """The columns that have less ink than those beside them, or ink that spans less of the height."""
    ink, extent = small.sum(0), _extents(small > INKED, 0)
    cost = np.minimum(ink / stroke, MOST_INK) + VALLEY * extent
    return sorted({at for values in (extent, ink, cost) for at in minima(values, inset, small.shape[1] - inset)})


def _extents(inked: NDArray[np.bool_], axis: int) -> Small:
    """How much of the height lies between the first and the last ink along an axis of `ROWS`."""
    first, last = inked.argmax(axis), ROWS - np.flip(inked, axis).argmax(axis)
    return np.where(inked.any(axis), last - first, 0).astype(np.float32) / np.float32(ROWS)


def _weighed(
    small: Small, paths: Path, bays: NDArray[np.float64], stroke: float
) -> Iterator[tuple[Path, float, float, float, float]]:
    """Each path that does not cost too much, its cost, its ink's extent, its ink in strokes' widths, and its bays."""
    rows = np.arange(ROWS)
    crossed = small[rows, paths]
    ink = crossed.sum(1) / stroke
    extent = _extents(crossed > INKED, 1)
    reach = ROWS // 2
    inked = np.pad(small > INKED, ((0, 0), (reach, reach)))
    beside = paths[:, :, None] + np.arange(2 * reach)
    near = inked[rows[None, :, None], beside]
    tall = [_extents(side.any(2), 1) for side in (near[:, :, :reach], near[:, :, reach:])]
    stump = sum(np.maximum(0, WHOLE - side) for side in tall)
    middles = paths.mean(1)
    edge = np.maximum(0, NARROW - np.minimum(middles, small.shape[1] - middles) / ROWS)
    lean = np.abs(paths[:, -1] - paths[:, 0]) / ROWS
    cost = np.minimum(ink, MOST_INK) + VALLEY * extent + STUMP * stump + EDGE * edge + LEANING * lean - BAYS * bays
    numbers = (of_each.tolist() for of_each in (cost, extent, ink, bays))
    for path, price, *others in zip(paths, *numbers, strict=True):
        if price <= COSTLIEST:
            yield path, price, *others


def _spread(found: list[tuple[float, Seam]], most: int) -> list[Seam]:
    """The best of them, each that is kept making its neighbours dearer; of those that are the same only the best."""
    if not found:
        return []
    cost = np.array([cost for cost, _ in found])
    paths = np.array([seam.path for _, seam in found])
    middles, height = paths.mean(1), paths.shape[1]
    kept: list[Seam] = []
    while len(kept) < most and np.isfinite(cost.min()):
        best = int(cost.argmin())
        kept.append(found[best][1])
        cost[np.abs(middles - middles[best]) < CLOSE * height] += CROWDED
        # Paths that are the same have about the same middle: the others' rows need not be compared.
        near = np.flatnonzero(np.abs(middles - middles[best]) <= SAME * height + 1e-6)
        cost[near[np.abs(paths[near] - paths[best]).max(1) <= SAME * height]] = np.inf
    return kept
