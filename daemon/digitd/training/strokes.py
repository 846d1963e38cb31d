"""Digits drawn by code: the shapes that people write and MNIST has few of.

A European 1 with a long flag, a 1 with a foot, a crossed 7, squarish 6 and 9, an open 4, a 5 whose bar is
apart: MNIST comes from American hands of about 1990. Each shape is a few strokes through control points, and
every drawing jitters the points, rounds or keeps the corners, and stretches the whole.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float32]
Edges = npt.NDArray[np.int32]

JITTER = 0.03
"""Standard deviation of a control point's place, in heights of the digit."""
ANGULAR = 0.2
"""Share of drawings whose curves become straight lines: hurried pens, and mice."""
STEPS = 5
"""Points of the curve between two control points: 5 is smooth at 100 px."""


@dataclass(frozen=True)
class Drawing:
    """Strokes as a graph: points float32 (n, 2) as x, y in any unit; edges int32 (m, 2), indices of points."""

    points: Points
    edges: Edges


# Control points as x,y in hundredths of the height, x to the right and y down; ! marks a sharp corner, | parts strokes.
SHAPES: dict[int, tuple[str, ...]] = {
    0: (
        "36,0 10,20 2,55 15,90 38,100 62,80 68,45 58,12 34,0",
        "30,3 5,30 5,70 30,100 60,75 62,30 40,5 22,0",
        "10,0! 5,50 8,100! 55,98! 58,50 55,2! 10,0",
    ),
    1: (
        "30,0 28,50 27,100",
        "5,22 32,0! 32,50 32,100",
        "-8,42 15,25 34,0! 34,50 34,100",
        "-20,60 10,33 34,0! 35,50 34,100",
        "8,20 30,0! 30,50 30,100 | 2,100 30,100 60,99",
        "-5,35 28,0! 28,50 28,100 | -8,100 28,100 62,100",
        "30,0 30,50 30,100 | 5,100 30,100 55,100",
    ),
    2: (
        "3,22 20,2 50,5 55,32 30,68 0,100! 30,98 65,98",
        "2,10 30,0 55,18 50,50 25,80 5,92 8,78 30,88 65,97",
        "0,3! 30,0 60,2! 30,50 0,98! 30,100 62,98",
        "2,5! 58,2! 60,48! 4,52! 2,98! 62,100",
    ),
    3: (
        "3,12 30,0 55,18 42,42 20,47! 50,55 60,78 35,100 0,90",
        "3,2! 55,0! 25,40! 50,50 58,78 30,100 0,90",
        "3,0! 55,2! 55,48! 12,50 55,50! 55,98! 0,100",
        "5,10 40,0 52,25 28,45 22,50 34,50 58,72 30,100 3,85",
    ),
    4: (
        "15,0 8,30 0,58! 35,56 70,54 | 52,10 50,55 46,100",
        "5,0 3,25 3,50! 55,50 | 55,0 55,50 55,100",
        "50,0! 25,35 0,68! 35,67 70,66 | 48,2 48,50 48,100",
        "42,0! 0,65! 70,62 | 46,42 45,70 42,100",
        "10,5 4,30 10,50 35,50 52,40 | 56,0 52,50 50,100",
    ),
    5: (
        "55,0! 12,2! 8,42! 35,38 56,62 40,95 0,93",
        "12,5 8,42! 35,36 56,62 40,96 0,94 | 12,3 35,2 62,0",
        "10,12 6,45! 35,40 55,65 35,97 0,92 | 20,2 40,0 68,-2",
        "58,0! 5,0! 5,48! 56,48! 56,100! 0,100",
        "55,3 30,5 15,25 30,45 50,65 38,95 2,92",
    ),
    6: (
        "42,0 18,25 4,60 15,95 42,97 56,75 40,52 12,60 6,72",
        "10,0 5,40 5,80 25,100 50,85 45,60 20,55 6,70",
        "50,0! 5,2! 3,98! 55,100! 55,52! 5,50",
        "55,10 35,0 12,25 3,65 20,98 50,90 52,62 30,50 8,65",
        "45,0 15,30 0,70! 20,100! 50,75! 35,50! 5,62",
        "8,0 5,50 5,100! 52,98! 50,55! 5,55",
        "60,12 42,2 18,12 5,50 10,90 35,100 50,80 35,62 18,68 20,82",
    ),
    7: (
        "0,3 30,2 60,0! 38,50 22,100",
        "0,3 30,2 60,0! 38,50 22,100 | 12,50 36,48 60,46",
        "3,18 2,2! 30,3 58,0! 36,50 28,100",
        "0,12 12,0 35,8 60,0! 40,45 30,100 | 15,55 58,50",
        "0,2! 50,2! 52,50 50,100",
        "0,10 15,0 35,7 58,2! 35,40 28,100",
        "0,0! 55,0! 50,45 48,100 | 28,45 75,45",
    ),
    8: (
        "50,12 25,0 8,20 30,45 55,72 32,100 3,80 25,50 50,25 48,10",
        "30,0 8,20 28,44 50,22 30,0 | 28,44 0,74 28,100 58,72 28,44",
        "8,0! 50,2! 50,46! 6,48! 4,98! 55,100! 50,46! 6,46! 8,0",
        "6,2! 52,0! 4,98! 56,100! 6,2",
    ),
    9: (
        "50,15 25,0 4,22 20,46 48,30 52,10! 50,50 48,100",
        "50,20 28,0 3,22 20,48 50,25 52,60 40,93 8,95",
        "52,2! 5,0! 5,45! 52,46 52,0! 53,50 52,100",
        "52,2! 5,0! 5,48! 52,46 52,0! 53,100! 2,100",
        "42,5 10,5 5,35 30,50 50,30 45,5! 45,60 20,100",
        "50,10 22,2 2,28 20,48 42,38 | 52,5 50,50 45,100",
        "50,0! 10,12! 8,40! 50,45! 52,2! 50,60 42,100",
    ),
}


def draw(digit: int, rng: np.random.Generator) -> Drawing:
    """One drawing of `digit` in a box about 1 high, in one of its shapes, jittered."""
    shapes = SHAPES[digit]
    shape = shapes[rng.integers(len(shapes))]
    angular = rng.random() < ANGULAR
    stretch = np.array((rng.uniform(0.75, 1.35), 1.0))
    points: list[npt.NDArray[np.float64]] = []
    edges: list[npt.NDArray[np.int64]] = []
    total = 0
    for stroke in shape.split("|"):
        marks = stroke.split()
        corners = [mark.endswith("!") for mark in marks]
        controls = np.array([mark.rstrip("!").split(",") for mark in marks], np.float64) / 100
        controls = (controls + rng.normal(0, JITTER, controls.shape)) * stretch
        line = controls if angular else curve(controls, corners)
        points.append(line)
        edges.append(np.stack((np.arange(len(line) - 1), np.arange(1, len(line))), 1) + total)
        total += len(line)
    return Drawing(np.concatenate(points).astype(np.float32), np.concatenate(edges).astype(np.int32))


def curve(controls: npt.NDArray[np.float64], corners: list[bool]) -> npt.NDArray[np.float64]:
    """A Catmull-Rom spline through `controls` (k, 2), broken at the corners; (n, 2) points along it."""
    pieces = []
    start = 0
    ends = [i for i in range(1, len(controls)) if corners[i] or i == len(controls) - 1]
    for end in ends:
        piece = controls[start : end + 1]
        padded = np.concatenate((2 * piece[:1] - piece[1:2], piece, 2 * piece[-1:] - piece[-2:-1]))
        before, here, there, after = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
        t = (np.arange(STEPS) / STEPS)[:, None, None]
        spline = 0.5 * (
            2 * here
            + (there - before) * t
            + (2 * before - 5 * here + 4 * there - after) * t**2
            + (3 * here - before - 3 * there + after) * t**3
        )
        pieces.append(spline.transpose(1, 0, 2).reshape(-1, 2))
        start = end
    return np.concatenate((*pieces, controls[-1:]))
