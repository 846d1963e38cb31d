"""Strokes that went away with the print they lie on: a pen that is darker than the print shows which those are."""

import cv2
import numpy as np

from digitd.imaging.gray import Gray, as_gray

DARKER = 1.4
"""A pen is told from print where its ink is darker by this factor."""
HALFWAY = 0.5
"""What is darker than print by this share of the difference is the pen's."""
FEWEST = 20
"""So few pixels tell nothing of how dark they usually are."""


def with_strokes(written: Gray, mask: Gray, darker: Gray) -> Gray:
    """`written` and what of `mask` is a stroke on print, all (H, W) uint8, 1 for ink: itself, where there is none.

    `mask` is the ink with the print, `written` that without; `darker` is how much darker than paper each pixel is.
    """
    taken = cv2.subtract(mask, written)
    print_ink, pen_ink = darker[taken > 0], darker[written > 0]
    if min(print_ink.size, pen_ink.size) < FEWEST:
        return written
    print_level, pen_level = float(np.median(print_ink)), float(np.median(pen_ink))
    if pen_level < DARKER * print_level:
        return written
    least = print_level + HALFWAY * (pen_level - print_level)
    dark = cv2.bitwise_and(taken, as_gray(cv2.threshold(darker, least, 1, cv2.THRESH_BINARY)[1]))
    if not cv2.countNonZero(dark):
        return written
    # A stroke goes on on both sides or at one; what is joined to no written ink is a spot in the print.
    whole = as_gray(cv2.bitwise_or(written, dark))
    count, labels = cv2.connectedComponents(whole, connectivity=8)
    joined = np.zeros(count, np.uint8)
    joined[np.unique(labels[written > 0])] = 1
    return as_gray(cv2.bitwise_and(whole, joined[labels]))
