"""A page without the paper around its ink: on a whole sheet a digit would be a dot."""

import numpy as np
from numpy.typing import NDArray

from digitd.imaging.clean import clean
from digitd.imaging.gray import Gray
from digitd.imaging.labels import labelled

SPECK = 0.3
"""What is smaller than this share of the largest mark does not keep the paper around it."""
ROOM = 0.35
"""So much is left around the ink, of its longer side: whether something beside it was missed can be seen."""

Boxes = NDArray[np.int64]
"""(N, 4): x, y, width, height in px of the mask."""


def to_ink(page: Gray) -> Gray:
    """The part of a page (H, W) that has its ink; all of it where none is found."""
    ink = clean(page)
    boxes = parts(ink.mask)
    if not len(boxes):
        return page
    sizes = boxes[:, 2:].max(axis=1)
    boxes = boxes[sizes >= SPECK * sizes.max()] * ink.scale
    (left, top), (right, bottom) = boxes[:, :2].min(axis=0), (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
    room = ROOM * max(right - left, bottom - top) + 1
    rows = slice(max(0, int(top - room)), int(bottom + room) + 1)
    return page[rows, max(0, int(left - room)) : int(right + room) + 1]


def parts(mask: Gray) -> Boxes:
    """The boxes of a mask's connected parts."""
    found = labelled(mask)
    return np.asarray(found.boxes[:, :4] + (found.left, found.top, 0, 0), np.int64)
