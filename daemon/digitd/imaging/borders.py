"""What lies along a page's edge: a scanner's border, a table, a shadow; or digits of a page cut close to them."""

from typing import Literal

import numpy as np

from digitd.imaging.gray import Gray

Box = tuple[int, int, int, int]
"""Left, top, width and height, px."""
Edge = Literal["inside", "along", "border"]
"""A part ends inside the page or at its edge; it lies along the edge; or it can be nothing but a border."""

CONTACT = 0.35
"""A part that lies along so much of one of the page's edges is a border, a table or a shadow, or a digit that is nearly
as tall as the page."""
CORNER = 0.25
"""So it is where it lies along so much of two edges together: a table that runs out of the picture on two sides."""
ALONG, GROUND = 0.9, 0.5
"""What the paper lies on hangs on the page's edge with so much of its own length, and takes up no more than the second
share of the page; or it runs along so much of two edges."""
LEAST_PAGE = 64
"""A page of fewer px is a cell that software has cut out: there is no table in it."""
MARGIN = 0.006
"""What is this near to the page's edge, of its longer side, touches it."""
SHADOW = 140
"""Ink (of 255) that is fainter than this even at its core, and reaches the page's edge, is a shadow."""
SHORTER, TALLER, WIDER = 0.6, 1.35, 1.35
"""A digit at the edge is between so many times as tall as the others, and no wider than so many times their height:
two that touch are, and are neither full nor straight there."""
TIGHT = 0.93
"""Where the other digits take up so much of the page's side, the page was cut close to them: a full stroke along its
edge is a 1."""


def is_near_edge(box: Box, shape: tuple[int, ...]) -> bool:
    """Whether a part with that box touches an edge of a page of that shape."""
    return any(_touched(box, shape))


def _touched(box: Box, shape: tuple[int, ...]) -> tuple[bool, bool, bool, bool]:
    """The left, right, top and bottom edge."""
    height, width = shape
    margin = round(MARGIN * max(shape))
    x, y, wide, tall = box
    return x <= margin, x + wide >= width - margin, y <= margin, y + tall >= height - margin


def at_edge(mask: Gray, box: Box, ink: Gray) -> Edge:
    """Where a part of a page's ink lies.

    `mask` (h, w) uint8, 1 for ink, is the part's own, `box` its left, top, width and height in the page's `ink`
    (H, W) uint8, 0..255.
    """
    height, width = ink.shape
    margin = round(MARGIN * max(height, width))
    near = margin + 1
    x, y, wide, tall = box
    left, right, top, bottom = _touched(box, ink.shape)
    if not (left or right or top or bottom):
        return "inside"
    touched = [np.count_nonzero(mask[:, :near].any(1)) / height] if left else []
    touched += [np.count_nonzero(mask[:, -near:].any(1)) / height] if right else []
    touched += [np.count_nonzero(mask[:near].any(0)) / width] if top else []
    touched += [np.count_nonzero(mask[-near:].any(0)) / width] if bottom else []
    if ((left or right) and wide <= margin) or ((top or bottom) and tall <= margin):
        return "border"
    along = max(touched) > CONTACT or (len(touched) >= 2 and sum(touched) > CORNER)
    own = ink[y : y + tall, x : x + wide][mask > 0]
    if float(np.percentile(own, 90)) < SHADOW:
        return "border"
    return "along" if along else "inside"


def is_digit(mask: Gray, box: Box, shape: tuple[int, ...], usual: float) -> bool:
    """Whether a part along the edge of a page of that shape looks like its other parts, whose height is `usual`."""
    _, _, wide, tall = box
    if not SHORTER * usual <= tall <= TALLER * usual:
        return False
    if not hangs(mask, box, shape):
        # Of a border with gaps or grain not all is one run from the edge, but it is longer than it is thick.
        return wide <= WIDER * usual or tall > TIGHT * shape[0]
    return wide < tall and usual >= TIGHT * shape[0]


def hangs(mask: Gray, box: Box, shape: tuple[int, ...]) -> bool:
    """Whether a part hangs on an edge of the page with nearly all of its length, and all of it is one run from there
    in each row: nothing stands off, as an arm of a digit does."""
    margin = round(MARGIN * max(shape))
    return any(
        _touching(side, margin) >= ALONG * len(side) and _full(side, margin)
        for side, begin, _, _ in _sides(mask, box, shape)
        if begin <= margin
    )


def is_ground(mask: Gray, box: Box, shape: tuple[int, ...]) -> bool:
    """Whether a part is what the paper lies on: it hangs on the page's edge all along itself, or on two edges whole."""
    if min(shape) < LEAST_PAGE:
        return False
    margin = round(MARGIN * max(shape))
    whole = 0
    for side, begin, length, wide in _sides(mask, box, shape):
        if begin > margin:
            continue
        touching = _touching(side, margin)
        whole += touching >= ALONG * length
        hanging = touching >= max(ALONG * len(side), CONTACT * length) and _full(side, margin)
        if hanging and begin + side.shape[1] <= GROUND * wide:
            return True
    return whole == 2


def _sides(mask: Gray, box: Box, shape: tuple[int, ...]) -> tuple[tuple[Gray, int, int, int], ...]:
    """For each edge, turned to be the left one: the mask, where it begins, the edge's length, the page's width."""
    height, width = shape
    x, y, wide, tall = box
    return (
        (mask, x, height, width),
        (mask[:, ::-1], width - x - wide, height, width),
        (mask.T, y, width, height),
        (mask.T[:, ::-1], height - y - tall, width, height),
    )


def _touching(side: Gray, margin: int) -> int:
    return int(np.count_nonzero(side[:, : margin + 1].any(1)))


def _full(side: Gray, margin: int) -> bool:
    full = np.count_nonzero(np.logical_and.accumulate(side[:, margin:] > 0, axis=1)) + margin * len(side)
    return bool(full >= ALONG * np.count_nonzero(side))
