"""Digits that are no digit any more: two in one box, cut, struck out, in a frame.

Segmentation asks the network whether one box is better cut in two, and whether a cut has halved a digit: these are
the wrong answers to both. Each function takes digits uint8 (N, 28, 28) and labels (N,), some of each digit, and gives
ink (H, W) uint8; ValueError if a digit that it needs is not among them.
"""

from itertools import chain, pairwise

import cv2
import numpy as np
import numpy.typing as npt

from digitd.imaging.gray import Gray, as_gray
from digitd.training import augment, letters, strokes

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint8]

DRAWN = 0.35
"""Share of rows of digits that code draws with one pen; the others are put together from MNIST's."""
LOOPED = (0, 6, 8, 9)
"""Two of these one above the other are an 8."""
PARTS: dict[int, tuple[tuple[str, float, float], ...]] = {
    # Bows that are open above or below.
    0: (("top", 0.3, 0.45), ("bottom", 0.3, 0.45)),
    2: (("bottom", 0.2, 0.3),),
    3: (("bottom", 0.22, 0.36),),
    # Bars.
    5: (("top", 0.1, 0.2), ("bottom", 0.22, 0.36)),
    7: (("top", 0.1, 0.2),),
}
"""Of a digit, the side that is left and the least and most share that it keeps.

Looked at one by one. The others may be digits to a reader: half a 0 is a 1, half an 8 a 0, half a 4 a 1 or a 7, and
the left of a 2, 3 or 7 a few dots one above the other, like a broken 1.
"""
WHOLE = tuple(digit for digit in range(10) if digit not in PARTS)
LYING = 2.0
"""Width by height, at least, of what is left of a digit's top or bottom."""
LEAST_FRAGMENT = 0.34
"""A neighbour's fragment has at least this share of the digit's ink: less is a speck, and the digit readable."""
FINE = 1.5
"""MNIST's pixels are multiplied by this before digits are put together, so that gaps may be parts of a pixel."""


def beside(digits: Images, labels: Labels, rng: np.random.Generator) -> Gray:
    """Two digits, now and then three, side by side: near, touching, or overlapping a little."""
    count = 3 if rng.random() < 0.12 else 2
    if rng.random() < DRAWN:
        return augment.written(_drawn_row(count, rng), rng)
    row, last = _digit(digits, labels, rng)
    for _ in range(count - 1):
        ink, label = _digit(digits, labels, rng)
        # A 1 that touches may make its neighbour another digit: 10 a 6, 13 a B.
        gap = rng.uniform(0.1, 0.5) if 1 in (label, last) else rng.uniform(-0.12, 0.4)
        row = _next_to(row, ink, round(gap * 20 * FINE), round(rng.normal(0, 1.5) * FINE))
        last = label
    return letters.warped(_square(row), rng)


def neighbour(digits: Images, labels: Labels, rng: np.random.Generator) -> Gray:
    """A digit, and the near part of another that a wrong cut left with it."""
    ink, _ = _digit(digits, labels, rng)
    on_left = rng.random() < 0.5
    for _ in range(4):
        other, _ = _digit(digits, labels, rng)
        cut = round(other.shape[1] * rng.uniform(0.35, 0.75))
        part = other[:, -cut:] if on_left else other[:, :cut]
        if part.sum(dtype=np.int64) >= LEAST_FRAGMENT * ink.sum(dtype=np.int64):
            break
    else:
        part = other
    gap = round(rng.uniform(0.12, 0.45) * 20 * FINE)
    drop = round(rng.normal(0, 1.5) * FINE)
    row = _next_to(part, ink, gap, drop) if on_left else _next_to(ink, part, gap, drop)
    return letters.warped(_square(row), rng)


def stacked(digits: Images, labels: Labels, rng: np.random.Generator) -> Gray:
    """Two digits one above the other, clearly apart: ones are left out, and two with loops."""
    upper, above = _digit(digits, labels, rng, without=(1,))
    lower, _ = _digit(digits, labels, rng, without=(1, *LOOPED) if above in LOOPED else (1,))
    gap = round(rng.uniform(0.25, 0.6) * 20 * FINE)
    column = _next_to(as_gray(upper.T), as_gray(lower.T), gap, round(rng.normal(0, 3) * FINE))
    return letters.warped(_square(as_gray(column.T)), rng)


def part(digits: Images, labels: Labels, rng: np.random.Generator) -> Gray:
    """What a cut through a digit leaves, of those parts that are no digit by themselves."""
    ink, label = _digit(digits, labels, rng, without=WHOLE)
    side, least, most = PARTS[label][rng.integers(len(PARTS[label]))]
    down = max(2, round(len(ink) * rng.uniform(least, most)))
    piece = ink[:down] if side == "top" else ink[-down:]
    x, y, width, height = cv2.boundingRect(piece)
    # Of a narrow digit it is a short steep stroke, a 1: drawn out to lie, it is a bar or a bow.
    size = (max(width, round(height * LYING)), height)
    drawn_out = as_gray(cv2.resize(piece[y : y + height, x : x + width], size, interpolation=cv2.INTER_LINEAR))
    # Turned by little, for the same reason.
    return letters.warped(_square(drawn_out), rng, 0.4)


def struck(digits: Images, labels: Labels, rng: np.random.Generator) -> Gray:
    """A digit struck out, by three and more strokes across, or to and fro: one or two may be a 7's bar or an 8."""
    ink, _ = _digit(digits, labels, rng)
    ink = _square(ink)
    side = len(ink)
    count = int(rng.integers(4, 7)) if rng.random() < 0.5 else int(rng.integers(8, 13))
    # The ends of the strokes, left and right in turn, from the top down; they stand out at both sides.
    ends = np.stack((np.arange(count) % 2, np.linspace(0.2, 0.8, count)), 1).astype(np.float64)
    ends[:, 0] = 0.08 + 0.84 * ends[:, 0]
    ends = ends + rng.normal(0, 0.04, (count, 2))
    thickness = max(2, round(side * float(rng.uniform(0.02, 0.3 / count))))
    # To and fro without lifting the pen; or strokes apart, each from the left to the right.
    heights = ends[:, 1]
    apart = [np.array(((0.08, y), (0.92, z))) for y, z in pairwise(heights)]
    paths = [ends] if count > 7 else apart
    angle = float(rng.uniform(-40, 40))
    turn = cv2.getRotationMatrix2D((0.5, 0.5), angle, 1.0)
    for path in paths:
        line = np.round((path @ turn[:, :2].T + turn[:, 2]) * side).astype(np.int32)
        cv2.polylines(ink, [line], False, 255, thickness, cv2.LINE_AA)
    return letters.warped(ink, rng)


def framed(digits: Images, labels: Labels, rng: np.random.Generator) -> Gray:
    """A digit in a printed box whose frame is still there."""
    ink, _ = _digit(digits, labels, rng)
    height, width = ink.shape
    # Not upright: a 1 in an upright frame is a crossed 0. Apart from the digit, or the two run together; no thinner
    # than a pen's stroke, or `normalise` may thin it away.
    gap = round(float(rng.uniform(1.5, 5.0)) * FINE)
    thickness = round(float(rng.uniform(1.3, 2.6)) * FINE)
    width_in = round(max(width, height * float(rng.uniform(0.9, 1.5))))
    border = gap + thickness
    out = np.zeros((height + 2 * border, width_in + 2 * border), np.uint8)
    left = border + int(rng.integers(0, width_in - width + 1))
    out[border : border + height, left : left + width] = ink
    for edge in (out[:thickness], out[-thickness:], out[:, :thickness], out[:, -thickness:]):
        edge[:] = 255
    return letters.warped(_square(out), rng)


def _digit(digits: Images, labels: Labels, rng: np.random.Generator, without: tuple[int, ...] = ()) -> tuple[Gray, int]:
    """One of MNIST's digits, tightly cropped and enlarged by `FINE`, in a size of its own; and its label."""
    start = int(rng.integers(len(digits)))
    # The next that is allowed: to look for all of them would cost more than all the rest.
    index = next((i for i in chain(range(start, len(digits)), range(start)) if int(labels[i]) not in without), None)
    if index is None:
        raise ValueError(f"All the digits are among {without}: give some of each digit")
    x, y, width, height = cv2.boundingRect(digits[index])
    tight = digits[index, y : y + height, x : x + width]
    scale = FINE * float(rng.uniform(0.85, 1.0))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    return as_gray(cv2.resize(tight, size, interpolation=cv2.INTER_LINEAR)), int(labels[index])


def _drawn_row(count: int, rng: np.random.Generator) -> strokes.Drawing:
    """Digits beside each other as one pen's drawing."""
    points, edges = [], []
    right, total, last = 0.0, 0, -1
    for i in range(count):
        digit = int(rng.integers(10))
        path = strokes.draw(digit, rng)
        gap = 0.0 if i == 0 else rng.uniform(0.2, 0.6) if 1 in (digit, last) else rng.uniform(-0.08, 0.45)
        placed = path.points - (path.points[:, 0].min() - right - gap, rng.normal(0, 0.05))
        points.append(placed.astype(np.float32))
        edges.append(path.edges + total)
        total += len(placed)
        right, last = float(placed[:, 0].max()), digit
    return strokes.Drawing(np.concatenate(points), np.concatenate(edges))


def _next_to(first: Gray, second: Gray, gap: int, drop: int) -> Gray:
    """Two inks on one ground line, `gap` px apart (negative: one over the other), the second `drop` px lower."""
    gap = max(gap, 1 - min(first.shape[1], second.shape[1]))
    height = max(len(first), len(second)) + abs(drop)
    out = np.zeros((height, first.shape[1] + gap + second.shape[1]), np.uint8)
    bottom = height - max(drop, 0)
    out[bottom - len(first) : bottom, : first.shape[1]] = first
    bottom = height + min(drop, 0)
    place = out[bottom - len(second) : bottom, -second.shape[1] :]
    np.maximum(place, second, out=place)
    return out


def _square(ink: Gray) -> Gray:
    """Ink in the middle of a square with room to be turned and bent in."""
    height, width = ink.shape
    side = round(max(height, width) * 1.4)
    top, left = (side - height) // 2, (side - width) // 2
    return as_gray(
        cv2.copyMakeBorder(ink, top, side - height - top, left, side - width - left, cv2.BORDER_CONSTANT, value=0)
    )
