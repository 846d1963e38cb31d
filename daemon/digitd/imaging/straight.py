"""Straight lines of a form that lies level: which pixels are theirs, how thick and how many they are."""

import cv2
import numpy as np

from digitd.imaging.gray import Gray, as_gray

RUN = 0.6
"""A frame's lines run straight for at least this share of its shorter side: no stroke of a digit in it does."""


def straight(level: Gray, side: int, axis: int) -> Gray:
    """What of a level part (H, W) uint8 runs straight across (axis 1) or down (0), for `RUN` of `side` px or longer;
    and a pixel beside it, for lines that are a little askew."""
    run = max(9, round(RUN * side))
    near = np.ones((3, 1) if axis == 1 else (1, 3), np.uint8)
    long = np.ones((1, run) if axis == 1 else (run, 1), np.uint8)
    # Steps of a pixel interrupt a line that is a pixel thick; they do not where it is thickened.
    runs = cv2.bitwise_and(cv2.morphologyEx(cv2.dilate(level, near), cv2.MORPH_OPEN, long), level)
    return as_gray(cv2.bitwise_and(cv2.dilate(runs, near), level))


def thickness_of(across: Gray) -> float:
    """How thick level lines are, px: the median of their columns' runs."""
    edges = np.diff(np.pad(across, ((1, 1), (0, 0))).T.ravel().view(np.int8))
    runs = np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0)
    return float(np.median(runs)) if runs.size else 0.0


def lines_across(lines: Gray) -> int:
    """How many level lines there are."""
    rows = np.count_nonzero(lines, 1)
    high = rows >= 0.4 * max(1, int(rows.max()))
    return int(high[0]) + int(np.count_nonzero(high[1:] & ~high[:-1]))


def full_lines(lines: Gray, least: float) -> list[tuple[int, int]]:
    """The first row, and that after the last, of each level line that has ink in so many columns."""
    rows = np.count_nonzero(lines, 1)
    high = np.flatnonzero(np.diff(np.pad(rows >= 0.3 * least, 1).astype(np.int8)))
    return [
        (int(start), int(end))
        for start, end in high.reshape(-1, 2)
        if np.count_nonzero(lines[max(0, start - 1) : end + 1].any(0)) >= least
    ]
