"""Strokes of a pen that is not writing digits: letters of straight lines and arcs, scribbles, small drawings. Pure."""

import itertools
import math

import cv2
import numpy as np
import numpy.typing as npt
from ink import Mask

Points = npt.NDArray[np.float64]
"""A stroke's way, (N, 2) x and y in 0..1, y downwards."""


def _arc(cx: float, cy: float, rx: float, ry: float, start: float, end: float) -> list[tuple[float, float]]:
    """Part of an ellipse, from START to END degrees; 0 points right, 90 down."""
    angles = [math.radians(start + (end - start) * step / 12) for step in range(13)]
    return [(cx + rx * math.cos(angle), cy + ry * math.sin(angle)) for angle in angles]


STROKES: dict[str, list[list[tuple[float, float]]]] = {
    "A": [[(0, 1), (0.5, 0), (1, 1)], [(0.2, 0.6), (0.8, 0.6)]],
    "C": [_arc(0.6, 0.5, 0.5, 0.5, -50, -310)],
    "E": [[(0.8, 0), (0, 0), (0, 1), (0.85, 1)], [(0, 0.5), (0.7, 0.5)]],
    "F": [[(0.8, 0), (0, 0), (0, 1)], [(0, 0.48), (0.65, 0.48)]],
    "H": [[(0, 0), (0, 1)], [(0.8, 0), (0.8, 1)], [(0, 0.5), (0.8, 0.5)]],
    "K": [[(0, 0), (0, 1)], [(0.75, 0), (0, 0.55)], [(0.2, 0.42), (0.8, 1)]],
    "L": [[(0, 0), (0, 1), (0.7, 1)]],
    "M": [[(0, 1), (0.1, 0), (0.5, 0.7), (0.9, 0), (1, 1)]],
    "N": [[(0, 1), (0, 0), (0.8, 1), (0.8, 0)]],
    "P": [[(0, 1), (0, 0)], [(0, 0), (0.4, 0), *_arc(0.4, 0.25, 0.35, 0.25, -90, 90), (0, 0.5)]],
    "R": [[(0, 1), (0, 0), (0.4, 0), *_arc(0.4, 0.25, 0.35, 0.25, -90, 90), (0, 0.5), (0.8, 1)]],
    "V": [[(0, 0), (0.4, 1), (0.85, 0)]],
    "W": [[(0, 0), (0.25, 1), (0.5, 0.3), (0.75, 1), (1, 0)]],
    "X": [[(0, 0), (0.8, 1)], [(0.8, 0), (0, 1)]],
    "Y": [[(0, 0), (0.4, 0.5)], [(0.85, 0), (0.4, 0.5), (0.4, 1)]],
    "d": [[(0.7, 0), (0.7, 1)], _arc(0.36, 0.7, 0.34, 0.3, 0, 360)],
    "e": [[(0.05, 0.7), (0.7, 0.65), *_arc(0.38, 0.7, 0.34, 0.3, -10, -300)]],
    "f": [[*_arc(0.5, 0.2, 0.25, 0.2, -20, -180), (0.25, 1)], [(0, 0.45), (0.6, 0.45)]],
    "h": [[(0, 0), (0, 1)], [(0, 0.65), *_arc(0.3, 0.65, 0.3, 0.22, -160, 0), (0.6, 1)]],
    "k": [[(0, 0), (0, 1)], [(0.5, 0.45), (0, 0.75), (0.55, 1)]],
    "m": [[(0, 1), (0, 0.4)], [(0, 0.6), *_arc(0.25, 0.6, 0.22, 0.2, -180, 0), (0.47, 1)],
          [(0.47, 0.6), *_arc(0.72, 0.6, 0.22, 0.2, -180, 0), (0.94, 1)]],
    "n": [[(0, 1), (0, 0.4)], [(0, 0.6), *_arc(0.3, 0.62, 0.28, 0.22, -180, 0), (0.58, 1)]],
    "r": [[(0, 1), (0, 0.4)], [(0, 0.62), *_arc(0.3, 0.62, 0.28, 0.2, -180, -40)]],
    "t": [[(0.35, 0), (0.35, 0.85), *_arc(0.5, 0.85, 0.15, 0.15, 180, 20)], [(0, 0.3), (0.75, 0.3)]],
    "w": [[(0, 0.4), (0.2, 1), (0.42, 0.55), (0.64, 1), (0.85, 0.4)]],
    "x": [[(0, 0.4), (0.6, 1)], [(0.6, 0.4), (0, 1)]],
    "+": [[(0.4, 0.1), (0.4, 0.9)], [(0, 0.5), (0.8, 0.5)]],
    "#": [[(0.3, 0), (0.2, 1)], [(0.7, 0), (0.6, 1)], [(0, 0.33), (0.9, 0.33)], [(0, 0.67), (0.9, 0.67)]],
    "?": [[*_arc(0.35, 0.25, 0.32, 0.25, -170, 70), (0.36, 0.7)], [(0.36, 0.93), (0.38, 0.95)]],
    "=": [[(0, 0.35), (0.8, 0.35)], [(0, 0.65), (0.8, 0.65)]],
}  # fmt: skip
"""Letters and signs as strokes in a box of 1 by 1."""


def written(random: np.random.Generator, name: str, height: float) -> Mask:
    """A letter of STROKES drawn by an unsteady hand, HEIGHT px high."""
    slant, wide = random.uniform(-0.15, 0.3), random.uniform(0.7, 1.1)
    side = math.ceil(height * 2)
    mask = np.zeros((side, side), np.float32)
    width = max(1.2, height * random.uniform(0.04, 0.12))
    for line in STROKES[name]:
        points = np.array(line) + random.normal(0, 0.025, (len(line), 2))
        points = np.stack([points[:, 0] * wide - slant * (points[:, 1] - 0.5), points[:, 1]], 1)
        stroke(mask, points * height + height * 0.5, width)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def stroke(mask: Mask, points: Points, width: float) -> None:
    """Draw the way through POINTS (px) with a round pen, corners a little rounded."""
    steps = np.linspace(0, 1, 9)[:-1, None]
    ways = [start + (end - start) * steps for start, end in itertools.pairwise(points)]
    dense = np.concatenate([*ways, points[-1:]])
    kernel = np.ones(5) / 5
    if len(dense) > 8:
        smooth = np.stack([np.convolve(dense[:, axis], kernel, "valid") for axis in (0, 1)], 1)
        dense = np.concatenate([dense[:1], smooth, dense[-1:]])
    # Four bits of fraction, and a picture of four times the size: a pen's width is no whole number of pixels.
    large = np.zeros((mask.shape[0] * 4, mask.shape[1] * 4), np.uint8)
    cv2.polylines(
        large, [np.round(dense * 4 * 16).astype(np.int32)], False, 255, max(1, round(width * 4)), cv2.LINE_AA, 4
    )
    small = cv2.resize(large, mask.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    np.maximum(mask, small, out=mask)


def scribble(random: np.random.Generator) -> Points:
    """A zigzag, a tangle, a wave or a dense crossing-out."""
    count = int(random.integers(12, 40))
    what = int(random.integers(4))
    steps = np.linspace(0, 1, count)
    if what == 0:
        return np.stack([steps, 0.5 + 0.45 * np.where(np.arange(count) % 2, 1, -1) * random.uniform(0.5, 1, count)], 1)
    if what == 1:
        return random.uniform(0, 1, (count, 2))
    if what == 2:
        turns = random.uniform(3, 7) * 2 * math.pi * steps
        return np.stack([0.15 * np.cos(turns) + 0.1 + 0.75 * steps, 0.5 + random.uniform(0.15, 0.4) * np.sin(turns)], 1)
    across = np.where(np.arange(count) % 2, 1.0, 0.0) + random.normal(0, 0.05, count)
    return np.stack([across, 0.3 + 0.4 * steps + random.normal(0, 0.04, count)], 1)


def drawing(random: np.random.Generator) -> list[Points]:
    """The strokes of a small drawing, in a box of 1 by 1."""
    star = [(0.5 + 0.5 * math.sin(k * 0.8 * math.pi), 0.5 - 0.5 * math.cos(k * 0.8 * math.pi)) for k in range(6)]
    flower = [
        _arc(0.5 + 0.28 * math.cos(k), 0.4 + 0.28 * math.sin(k), 0.14, 0.14, 0, 360) for k in np.arange(0, 6, 1.05)
    ]
    heart = [(0.5, 1), (0.05, 0.45), *_arc(0.27, 0.27, 0.25, 0.25, 160, 350), *_arc(0.75, 0.27, 0.25, 0.25, 190, 380)]
    known: list[list[list[tuple[float, float]]]] = [
        [_arc(0.5, 0.5, 0.5, 0.5, 0, 360), [(0.32, 0.35), (0.34, 0.38)], [(0.66, 0.35), (0.68, 0.38)],
         _arc(0.5, 0.55, 0.25, 0.22, 20, 160)],
        [[(0, 0.5), (1, 0.5)], [(0.7, 0.25), (1, 0.5), (0.7, 0.75)]],
        [star],
        [[(0.1, 1), (0.1, 0.45), (0.9, 0.45), (0.9, 1), (0.1, 1)], [(0, 0.5), (0.5, 0), (1, 0.5)],
         [(0.4, 1), (0.4, 0.7), (0.6, 0.7), (0.6, 1)]],
        [[*heart, (0.5, 1)]],
        [[(0, 0.55), (0.3, 0.95), (1, 0.05)]],
        [*flower, _arc(0.5, 0.4, 0.13, 0.13, 0, 360), [(0.5, 0.7), (0.52, 1)]],
    ]  # fmt: skip
    chosen = known[int(random.integers(len(known)))]
    return [np.array(line) + random.normal(0, 0.012, (len(line), 2)) for line in chosen]
