"""What is ink by its shape where it is little: not how much of the page it covers tells, but that it holds together."""

import cv2
import numpy as np

from digitd.imaging.contrast import CORE_PIXELS, FAINTEST, NOISE, OVERSHOOT, least_of, noise_of, top
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.labels import Labels, labelled

LEAST_TALL = 7
"""A mark is at least so long, px: a digit of 20 px on a page of 4,500. What is smaller no network could read."""
DUST_SHARE = 0.012
"""Marks longer than this share of the page's shorter side are no dust, whatever their shape."""
DUSTY = 48
"""Marks that are not are as dark as a pen's ink (of 255): lint and dust let the paper shine through."""
COMPACT, OBLONG = 0.7, 2.0
"""Dust fills so much of its box, and is no more than so many times as long as wide: a digit is open, or a 1."""


def lone_contrast(darker: Gray, lighter: Gray) -> tuple[float, float] | None:
    """The contrast of a mark that is too small to show in the page's histogram, and the least that is not noise.

    `darker` and `lighter` (H, W) uint8 are how much a pixel differs from the paper. One pixel in noise may be as dark
    as ink, but no connected `CORE_PIXELS` of them are. Nearly all of such a page is paper: so here both sides tell
    what its noise is. None where there is no such mark.
    """
    sigma = max(noise_of(darker), noise_of(lighter))
    least = max(FAINTEST, NOISE * sigma, OVERSHOOT * top(lighter, CORE_PIXELS))
    if least > 255:
        return None
    certain = as_gray(cv2.threshold(darker, least - 0.5, 1, cv2.THRESH_BINARY)[1])
    marks = coherent(certain, labelled(certain), darker)
    if not cv2.countNonZero(marks):
        return None
    return float(np.median(darker[marks > 0])), float(least_of(sigma))


def coherent(mask: Gray, found: Labels, darker: Gray) -> Gray:
    """The parts of a mask (H, W) uint8, 1 for ink, that are neither noise nor dust.

    `found` are its labels; `darker` is how much darker than the paper each pixel is.
    """
    small = DUST_SHARE * min(mask.shape)
    least = min(LEAST_TALL, min(mask.shape) // 2)
    kept = np.zeros_like(mask)
    for index, (left, above, width, height, area) in enumerate(found.boxes.tolist(), 1):
        longer, shorter = max(width, height), min(width, height)
        if area < CORE_PIXELS or longer < least:
            continue
        rows = slice(found.top + above, found.top + above + height)
        columns = slice(found.left + left, found.left + left + width)
        own = found.labels[above : above + height, left : left + width] == index
        if longer < small:
            blot = area > COMPACT * width * height and longer < OBLONG * shorter
            if blot or float(darker[rows, columns][own].mean()) < DUSTY:
                continue
        kept[rows, columns] |= own.view(np.uint8)
    return as_gray(kept)
