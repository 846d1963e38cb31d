"""Which connected part of the ink each of its pixels belongs to."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.gray import Gray


@dataclass(frozen=True)
class Labels:
    """The parts of a mask, found in the box around its ink.

    `left` and `top` are that box's; `labels` is (h, w) int32 in it, 0 for paper and 1.. for the parts; `boxes` is
    (parts, 5) int64: each part's left, top, width, height, all in that box, and its area.
    """

    left: int
    top: int
    labels: NDArray[np.int32]
    boxes: NDArray[np.int64]


def labelled(mask: Gray) -> Labels:
    """The parts, connected across corners too, of a mask (H, W) uint8, 0 for paper."""
    left, top, width, height = cv2.boundingRect(mask)
    inked = mask[top : top + height, left : left + width]
    if not inked.size:
        return Labels(0, 0, np.zeros((0, 0), np.int32), np.zeros((0, 5), np.int64))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(inked, connectivity=8)
    return Labels(left, top, np.asarray(labels, np.int32), stats[1:].astype(np.int64))
