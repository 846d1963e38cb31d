"""Cells cut out of forms: what is left of their walls along the page's edges is no ink."""

import cv2
import numpy as np

from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.labels import Labels

NEAR, NEAR_SHARE = 4, 0.1
"""Walls lie this near to the page's edge, px, or this share of a small page: software cuts that exactly."""
WHOLE = 0.97
"""And they run along so much of the edge."""
LARGE = 0.25
"""What a wall is joined to is a digit if it is larger than this share of the page: a 7 cut tightly has such a bar."""


def without_walls(mask: Gray, found: Labels) -> Gray:
    """`mask` (H, W) uint8, 1 for ink, without thin lines along its edges: itself, where there are none.

    `found` are the mask's labels. A line along one edge alone stays if a digit is joined to it: it may be its bar.
    """
    height, width = mask.shape
    near = [min(NEAR, round(NEAR_SHARE * side)) for side in (height, width)]
    bottom, right = found.top + found.labels.shape[0], found.left + found.labels.shape[1]
    if found.labels.shape[1] < WHOLE * width and found.labels.shape[0] < WHOLE * height:
        return mask
    taken = np.zeros_like(mask)
    edges = 0
    # Each edge, turned to be the top one.
    for reach, present, ink, out in (
        (near[0], found.top < near[0], mask, taken),
        (near[0], bottom > height - near[0], mask[::-1], taken[::-1]),
        (near[1], found.left < near[1], mask.T, taken.T),
        (near[1], right > width - near[1], mask.T[::-1], taken.T[::-1]),
    ):
        if present and np.count_nonzero(ink[:reach].any(0)) >= WHOLE * ink.shape[1]:
            wall = _wall(as_gray(ink[: 2 * reach + 2]), reach)
            np.maximum(out[: len(wall)], wall, out=out[: len(wall)])
            edges += bool(wall.any())
    rest = as_gray(cv2.subtract(mask, taken))
    # Where nothing but crumbs would stay, what was taken is a digit that fills its picture.
    if not edges or _is_crumbs(rest) or (edges == 1 and _joined(rest, taken)):
        return mask
    return rest


def _wall(strip: Gray, reach: int) -> Gray:
    """Of each column the run that begins within `reach` of the top, if it ends in the strip: else a stroke crosses."""
    rows = np.arange(len(strip))[:, None]
    begin = np.where(strip.any(0), strip.argmax(0), len(strip))
    after = np.where((strip == 0) & (rows > begin), rows, len(strip)).min(0)
    thin = (begin < reach) & (after < len(strip))
    wall = thin & (rows >= begin) & (rows < after)
    if thin.any():
        # In the corners the next wall crosses.
        deep = int(np.median(after[thin])) + 1
        wall[:deep, : len(strip)] = wall[:deep, -len(strip) :] = True
    return as_gray(wall.view(np.uint8) & strip)


def _is_crumbs(rest: Gray) -> bool:
    """Whether nothing is left that is as long as a wall may lie away from the edge."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    return bool((stats[1:, 2:4] < NEAR).all())


def _joined(rest: Gray, taken: Gray) -> bool:
    """Whether something large is joined to what is taken."""
    near = cv2.dilate(taken, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    touching = np.unique(labels[near > 0])
    large = LARGE * min(rest.shape)
    return any(index and max(stats[index, 2:4]) > large for index in touching[touching < count].tolist())
