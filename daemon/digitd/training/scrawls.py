"""What a page holds that is neither digit nor letter: scribbles, hatchings, blots, rules, frames, dots, dirt.

What is one stroke or one ring of a simple form is left out, for it may be a digit: upright bars and commas (1),
rings and upright boxes (0), one turn of a spiral (6, 9), three strokes of a zigzag (2), a corner at the top right (7),
a bar that stands on a line (1) or hangs from one (7).
"""

from collections.abc import Callable

import cv2
import numpy as np

from digitd.imaging.gray import Gray, as_gray
from digitd.training import augment
from digitd.training.letters import Line, inked, warped
from digitd.training.strokes import curve, joined

Scrawl = Callable[[np.random.Generator], Gray]


def scribble(rng: np.random.Generator) -> Gray:
    """A pen that wanders: loops over each other, a spiral of several turns, or a zigzag, as ink (H, W)."""
    make = (_wandering, _spiral, _zigzag)[rng.integers(3)]
    line = make(rng)
    # A spiral whose turns run together is a ring or a disc: a 0.
    return inked([line], 0.03 if make is _spiral else 0.08, rng)


def hatching(rng: np.random.Generator) -> Gray:
    """Four and more strokes side by side, sometimes crossed by others, as ink (H, W)."""
    count = int(rng.integers(4, 10))
    lines = _parallels(rng, count, float(rng.uniform(0, np.pi)))
    if rng.random() < 0.4:
        lines += _parallels(rng, int(rng.integers(3, 8)), float(rng.uniform(0, np.pi)))
    # Thin enough to leave paper between the strokes: in one piece they are a bar.
    return inked(lines, 0.35 / count, rng)


def blot(rng: np.random.Generator) -> Gray:
    """A filled form: a disc, a square, a triangle, or a random one, as ink (H, W)."""
    side = int(rng.integers(24, 72))
    corners = int(rng.choice((3, 4, 5, 8, 12, 24)))
    radii = rng.uniform(0.7, 1.0, corners) if rng.random() < 0.5 else np.ones(corners)
    angles = np.arange(corners) * 2 * np.pi / corners + rng.uniform(0, 2 * np.pi)
    # Wider than high: an upright blot is a thick pen's 1 or 0.
    height = float(rng.choice((0.85, 0.55)))
    points = np.stack((np.cos(angles), np.sin(angles) * height), 1) * radii[:, None] * 0.45 * side
    ink = np.zeros((side, side), np.uint8)
    cv2.fillPoly(ink, [np.round((points + side / 2) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return warped(ink, rng)


def rules(rng: np.random.Generator) -> Gray:
    """Lines that cross or meet as on squared paper, in tables and in comb fields, as ink (H, W)."""
    kind = int(rng.integers(4))
    width = float(rng.uniform(0.9, 2.4))
    if kind == 0:
        # Fewer than three uprights run over the lying ones, or they would be a square 0 or 8, or a 1 with a foot.
        upright = int(rng.integers(1, 4))
        over = float(rng.uniform(0.15, 0.4)) if upright < 3 or rng.random() < 0.5 else 0.0
        lines = _lattice(rng, upright, int(rng.integers(2, 4)), width, over)
    elif kind == 1:
        # An empty box, lying: an upright one is a square 0.
        lines = _lattice(rng, 2, 2, float(rng.uniform(1.4, 2.8)), float(rng.choice((0.0, 0.1))))
    elif kind == 2:
        # A comb: a ground line with teeth.
        teeth = np.linspace(0, width, int(rng.integers(3, 6)))
        height = float(rng.uniform(0.25, 0.8))
        lines = [np.array(((x, 0.0), (x, height))) for x in teeth] + [np.array(((0.0, height), (width, height)))]
    else:
        # A corner with long sides, but not that at the top right; or a bar at the side of an upright.
        lines = [np.array(((0.0, 0.0), (0.0, 1.0))), np.array(((0.0, 0.0), (width, 0.0)))]
        lines[1][:, 1] = rng.choice((0.0, 0.5, 1.0))
    thickness = int(rng.integers(1, 4))
    return _ruled(lines, thickness, rng)


def marks(rng: np.random.Generator) -> Gray:
    """A dash, bars one above the other, two or three dots in a row, or a cloud of specks, as ink (H, W)."""
    make = (_bars, _dots)[rng.integers(2)]
    side = int(rng.integers(24, 72))
    ink = np.zeros((side, side), np.uint8)
    make(ink, rng)
    return augment.seen(ink, rng)


def dirt(rng: np.random.Generator) -> Gray:
    """A torn edge, or the texture of a rough ground, as ink (H, W)."""
    side = int(rng.integers(24, 64))
    noise = rng.integers(0, 256, (side, side), np.uint8)
    smooth = as_gray(cv2.GaussianBlur(noise, (0, 0), float(rng.uniform(0.8, side * 0.05))))
    if rng.random() < 0.5:
        level = float(np.quantile(smooth, rng.uniform(0.45, 0.8)))
        return augment.seen(as_gray(np.where(smooth > level, 255, 0)), rng)
    # A lying band whose one edge is torn, sometimes with one side as well: the table beside the paper.
    edge = cv2.resize(rng.uniform(0, 1, (1, int(rng.integers(4, 16)))).astype(np.float32), (side, 1))
    depth = (rng.uniform(0.1, 0.3) + rng.uniform(0.05, 0.25) * edge) * side
    ink = np.where(np.arange(side)[:, None] < depth, 255, 0)
    if rng.random() < 0.4:
        ink = np.maximum(ink, np.where(np.arange(side)[None, :] < rng.uniform(0.1, 0.3) * side, 255, 0))
    ink = as_gray(ink if rng.random() < 0.5 else ink[::-1])
    return augment.seen(ink, rng)


def _bars(ink: Gray, rng: np.random.Generator) -> None:
    """Lying bars, long for their thickness, into (S, S): an upright one is a 1."""
    side = len(ink)
    slope = side * float(rng.uniform(-0.06, 0.06))
    alone = rng.random() < 0.5
    for y in (side // 2,) if alone else range(side // 4, side, max(4, side // int(rng.integers(3, 6)))):
        reach = side * float(rng.uniform(0.3, 0.42))
        left, right = (round(side / 2 - reach), round(y - slope)), (round(side / 2 + reach), round(y + slope))
        # Several are thin enough to leave paper between them.
        thickness = max(1, round(side * float(rng.uniform(0.02, 0.12 if alone else 0.07))))
        cv2.line(ink, left, right, 255, thickness, cv2.LINE_AA)


def _dots(ink: Gray, rng: np.random.Generator) -> None:
    """Two or three dots in a row, or many smaller ones anywhere, into (S, S)."""
    side = len(ink)
    few = rng.random() < 0.5
    count = int(rng.integers(2, 4) if few else rng.integers(5, 30))
    for i in range(count):
        x = 0.15 + 0.7 * i / (count - 1) if few else float(rng.uniform(0.1, 0.9))
        y = float(rng.normal(0.5, 0.1) if few else rng.uniform(0.1, 0.9))
        radius = max(1, round(side * float(rng.uniform(0.4, 1.0)) * (0.12 if few else 0.06)))
        cv2.circle(ink, (round(x * side), round(y * side)), radius, 255, -1, cv2.LINE_AA)


def _wandering(rng: np.random.Generator) -> Line:
    """A dozen turns and more at random places: fewer may write a 3 or an 8."""
    controls = rng.uniform(0, 1, (int(rng.integers(14, 26)), 2)) * (rng.uniform(0.8, 2.0), 1.0)
    return curve(controls, [False] * len(controls))


def _spiral(rng: np.random.Generator) -> Line:
    """Two and a half turns and more, growing, or moving along as a spring does."""
    turns = float(rng.uniform(2.5, 5.0))
    angle = np.linspace(0, 2 * np.pi * turns, int(turns * 14)) * rng.choice((-1, 1))
    if rng.random() < 0.5:
        radius = np.linspace(0, 1, len(angle))
        along = 0.0
    else:
        radius = np.ones(len(angle))
        along = float(rng.uniform(0.9, 1.8)) * turns
    start = rng.uniform(0, 2 * np.pi)
    x, y = np.cos(angle + start) * radius, np.sin(angle + start) * radius
    return np.stack((x + along * np.linspace(0, 1, len(angle)), y), 1)


def _zigzag(rng: np.random.Generator) -> Line:
    """Seven strokes and more to and fro."""
    count = int(rng.integers(8, 15))
    along = np.linspace(0, rng.uniform(0.85, 2.0), count) + rng.normal(0, 0.04, count)
    across = np.arange(count) % 2 + rng.normal(0, 0.08, count)
    line = np.stack((along, across) if rng.random() < 0.6 else (across, along), 1)
    return curve(line, [rng.random() < 0.5] * count)


def _parallels(rng: np.random.Generator, count: int, angle: float) -> list[Line]:
    """Strokes of about the same length and direction, side by side."""
    direction = np.array((np.cos(angle), np.sin(angle)))
    across = np.array((-direction[1], direction[0]))
    # About as wide as long, or strokes that run together are a bar, and upright a 1.
    step = float(rng.uniform(0.75, 1.2)) / count
    ends = rng.normal(0, 0.08, (count, 2)) + np.array((-0.5, 0.5))
    offsets = np.arange(count) * step + rng.normal(0, step * 0.15, count)
    return [across * offset + direction * end[:, None] for offset, end in zip(offsets, ends, strict=True)]


def _lattice(rng: np.random.Generator, upright: int, lying: int, width: float, over: float) -> list[Line]:
    """Upright and lying lines in a field 1 high, that run over it by `over`."""
    xs = np.linspace(0, width, upright) if upright > 1 else np.array((width * rng.uniform(0.2, 0.8),))
    lines = [np.array(((x, -over), (x, 1.0 + over))) for x in xs]
    return lines + [np.array(((-over, y), (width + over, y))) for y in np.linspace(0, 1, lying)]


def _ruled(lines: list[Line], thickness: int, rng: np.random.Generator) -> Gray:
    """Straight lines of a printer, a little askew, as ink (H, W)."""
    path = joined(lines)
    angle = float(np.deg2rad(rng.normal(0, 3)))
    turn = np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))
    points = path.points @ turn.T
    points = points - points.min(0)
    size = int(rng.integers(24, 80))
    points = points * size / max(float(points.max()), 1e-3) + thickness + 2
    ink = np.zeros((size + 2 * thickness + 4,) * 2, np.uint8)
    cv2.polylines(ink, list(np.round(points * 16).astype(np.int32)[path.edges]), False, 255, thickness, cv2.LINE_AA, 4)
    return augment.seen(ink, rng)
