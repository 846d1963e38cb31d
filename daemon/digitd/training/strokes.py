"""Digits drawn by code: the shapes that people write and MNIST has few of.

MNIST comes from American hands of about 1990. Each shape (shapes.py) is a few strokes through control points, and
every drawing jitters the points, rounds or keeps the corners, and stretches the whole.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitd.training.shapes import SHAPES

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


def draw(digit: int, rng: np.random.Generator) -> Drawing:
    """One drawing of `digit` in a box about 1 high, in one of its shapes, jittered."""
    shapes = SHAPES[digit]
    return jittered(shapes[rng.integers(len(shapes))], rng)


def jittered(shape: str, rng: np.random.Generator) -> Drawing:
    """One drawing of a shape, written as in shapes.py, as a hand varies it; in a box about 1 high."""
    return joined(varied(shape, rng, JITTER, ANGULAR, (0.75, 1.35)))


def varied(
    shape: str, rng: np.random.Generator, jitter: float, angular: float, stretch: tuple[float, float]
) -> list[npt.NDArray[np.float64]]:
    """A shape's strokes as lines of points (n, 2): control points moved by `jitter`, straight in a share of `angular`,
    the width changed by a factor in `stretch`."""
    straight = rng.random() < angular
    width = np.array((rng.uniform(*stretch), 1.0))
    lines = []
    for controls, corners in parsed(shape):
        moved = (controls + rng.normal(0, jitter, controls.shape)) * width
        lines.append(moved if straight else curve(moved, corners))
    return lines


def parsed(shape: str) -> list[tuple[npt.NDArray[np.float64], list[bool]]]:
    """A shape's strokes: control points (k, 2) as x, y in heights of the digit, and which of them are corners."""
    strokes = [stroke.split() for stroke in shape.split("|")]
    return [
        (
            np.array([mark.rstrip("!").split(",") for mark in marks], np.float64) / 100,
            [mark.endswith("!") for mark in marks],
        )
        for marks in strokes
    ]


def joined(lines: list[npt.NDArray[np.float64]]) -> Drawing:
    """Strokes, points (n, 2) each, as one drawing."""
    edges, total = [], 0
    for line in lines:
        edges.append(np.stack((np.arange(len(line) - 1), np.arange(1, len(line))), 1) + total)
        total += len(line)
    return Drawing(np.concatenate(lines).astype(np.float32), np.concatenate(edges).astype(np.int32))


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
