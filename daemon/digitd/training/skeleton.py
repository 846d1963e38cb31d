"""From images of digits to the pen's path, so that they can be written again with another pen.

Thinning after Zhang and Suen, "A fast parallel algorithm for thinning digital patterns" (CACM 1984), on a whole
stack of images at once: a pixel's eight neighbours are a byte, and a table of 256 says whether it goes.
"""

import cv2
import numpy as np
import numpy.typing as npt

from digitd.training.strokes import Drawing

UPSAMPLED = 2
"""MNIST's strokes are about 3 px: at twice the size the skeleton lies within half a pixel of the pen's path."""
INK = 100
"""From this value a pixel is ink (0..255)."""
BLOCK = 64
"""Images thinned at once: a stack of these fits the processor's cache."""
HOLES = {0: 1, 6: 1, 8: 2, 9: 1}
"""The loops a digit must show: where MNIST's pen has filled one, its skeleton is another digit's."""

# The neighbours of Zhang and Suen's P1, from P2 (above) clockwise, as (dy, dx).
AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def drawings(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> list[Drawing | None]:
    """The pen's path of each image (N, 28, 28) uint8, in pixels; None where it would not be that digit."""
    side = images.shape[1] * UPSAMPLED
    large = np.empty((len(images), side + 2, side + 2), np.uint8)
    for image, out in zip(images, large, strict=True):
        smooth = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC)
        out[:] = cv2.copyMakeBorder(smooth, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    masks = large >= INK
    thin = [skeleton for start in range(0, len(masks), BLOCK) for skeleton in thinned(masks[start : start + BLOCK])]
    return [
        _path(skeleton) if _holes(skeleton) >= HOLES.get(int(label), 0) else None
        for skeleton, label in zip(thin, labels, strict=True)
    ]


def thinned(ink: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """The skeletons, uint8 0 or 1, of a stack of masks (N, H, W) whose outermost pixels are clear."""
    stack = ink.astype(np.uint8)
    tables = (_table(first=True), _table(first=False))
    while True:
        changed = False
        for table in tables:
            codes = np.zeros_like(stack)
            inner = codes[:, 1:-1, 1:-1]
            height, width = stack.shape[1:]
            for bit, (dy, dx) in enumerate(AROUND):
                inner |= stack[:, 1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx] << np.uint8(bit)
            goes = np.take(table, codes) & stack
            if goes.any():
                changed = True
                stack ^= goes
        if not changed:
            return stack


def _table(*, first: bool) -> npt.NDArray[np.uint8]:
    """Which of the 256 neighbourhoods lose their middle in the first or second sub-iteration."""
    out = np.zeros(256, np.uint8)
    for code in range(256):
        p = [(code >> bit) & 1 for bit in range(8)]
        crossings = sum(p[i] == 0 and p[(i + 1) % 8] == 1 for i in range(8))
        north, east, south, west = p[0], p[2], p[4], p[6]
        if first:
            open_side = not (north and east and south) and not (east and south and west)
        else:
            open_side = not (north and east and west) and not (north and south and west)
        out[code] = 2 <= sum(p) <= 6 and crossings == 1 and open_side
    return out


def _holes(skeleton: npt.NDArray[np.uint8]) -> int:
    """The number of loops that a skeleton encloses."""
    # The background's parts under 4-connection, less the outside (and the skeleton's own label).
    parts, _ = cv2.connectedComponents(1 - skeleton, connectivity=4)
    return int(parts) - 2


def _path(skeleton: npt.NDArray[np.uint8]) -> Drawing | None:
    """The skeleton's pixels as points, smoothed, and an edge between each two that touch."""
    ys, xs = np.nonzero(skeleton)
    if len(ys) < 5:
        return None
    index = np.full(skeleton.shape, -1, np.int32)
    index[ys, xs] = np.arange(len(ys))
    pairs = []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        there = index[ys + dy, xs + dx]
        touching = there >= 0
        if dx and dy:  # a diagonal beside a corner would only double the way round it
            touching &= (index[ys, xs + dx] < 0) & (index[ys + dy, xs] < 0)
        pairs.append(np.stack((np.nonzero(touching)[0], there[touching]), 1))
    edges = np.concatenate(pairs).astype(np.int32)
    points = np.stack((xs, ys), 1).astype(np.float32)
    degree = np.bincount(edges.ravel(), minlength=len(points))
    inside = degree == 2
    for _ in range(3):  # the staircase of the pixels is not the writer's
        mean = np.zeros_like(points)
        np.add.at(mean, edges[:, 0], points[edges[:, 1]])
        np.add.at(mean, edges[:, 1], points[edges[:, 0]])
        points[inside] = points[inside] / 2 + mean[inside] / 4
    return Drawing(points, edges) if len(edges) else None
