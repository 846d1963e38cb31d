"""Cases of how people write."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cases.ink import (
    Drawn,
    Ink,
    add_ink,
    image_of,
    in_a_row,
    inked,
    number,
    one_digit,
    paper_of,
    sized,
    tight,
    with_margins,
)


def digits_touch_each_other(rng: Generator) -> Drawn:
    """Two of the digits run into each other."""
    height = 64
    glyphs = [one_digit(rng, height) for _ in range(int(rng.integers(3, 6)))]
    joined = int(rng.integers(len(glyphs) - 1))
    row = np.zeros((height + 6, 80 * len(glyphs)), np.float32)
    x = 2
    for place, (glyph, _) in enumerate(glyphs):
        y = height + 2 - glyph.shape[0]
        if place == joined + 1:
            # As near as it takes: until the two share a pixel.
            while not np.any((row[y : y + glyph.shape[0], x : x + glyph.shape[1]] > 0.5) & (glyph > 0.5)):
                x -= 1
        add_ink(row, glyph, x, y)
        x += glyph.shape[1] + (18 if place != joined else 0)
    ink = with_margins(row[:, :x], 48)
    return image_of(inked(paper_of(rng, ink.shape), ink)), "".join(text for _, text in glyphs)


def five_with_its_bar_apart(rng: Generator) -> Drawn:
    """Fives whose bar was written last and misses the rest, among other digits."""
    height = 64
    glyphs = [one_digit(rng, height) for _ in range(int(rng.integers(3, 6)))]
    at = int(rng.integers(len(glyphs)))
    glyphs[at] = (_five_apart(rng, height), "5")
    row = in_a_row([ink for ink, _ in glyphs], 22, height, rng)
    ink = with_margins(row, 48)
    return image_of(inked(paper_of(rng, ink.shape), ink)), "".join(text for _, text in glyphs)


def _five_apart(rng: Generator, height: int) -> Ink:
    """A five drawn in two strokes: the bar begins a little right of, and above, the rest."""
    side = 480
    page = np.zeros((side, side), np.uint8)
    belly = np.asarray([(0.3, 0.1), (0.26, 0.42), (0.4, 0.38), (0.62, 0.46), (0.66, 0.7), (0.5, 0.92), (0.2, 0.9)])
    belly = belly + rng.normal(0, 0.015, belly.shape)
    gap = rng.uniform(0.08, 0.1)
    lift = rng.uniform(0.0, 0.05)
    bar = np.asarray([(0.3 + gap, 0.1 - lift), (0.55, 0.09 - lift), (0.8, 0.06 - lift)])
    bar[:, 1] += 0.02
    for line in (belly, bar):
        smooth = _smooth(line) * side * 0.9 + side * 0.04
        cv2.polylines(page, [np.round(smooth).astype(np.int32)], False, 255, round(side * 0.075), cv2.LINE_AA)
    return sized(tight((page / 255).astype(np.float32)), height)


def _smooth(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A curve through points: Catmull and Rom's spline."""
    padded = np.concatenate([points[:1], points, points[-1:]])
    curve = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for t in np.linspace(0, 1, 12):
            curve.append(
                0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
            )
    return np.asarray(curve)


def broken_stroke(rng: Generator) -> Drawn:
    """A pen that skips: a crack of a twentieth of the height runs through one or two digits."""
    height = 72
    glyphs = [one_digit(rng, height) for _ in range(int(rng.integers(3, 6)))]
    for at in rng.permutation(len(glyphs))[: int(rng.integers(1, 3))]:
        glyph = glyphs[at][0]
        crack = round(height * 0.05)
        row = int(rng.uniform(0.25, 0.75) * glyph.shape[0])
        glyph[row : row + crack] = 0
    row_ = in_a_row([ink for ink, _ in glyphs], 26, height, rng)
    ink = with_margins(row_, 48)
    return image_of(inked(paper_of(rng, ink.shape), ink)), "".join(text for _, text in glyphs)


def dots_and_commas(rng: Generator) -> Drawn:
    """Amounts and dates: dots or commas between the digits, which are no digits."""
    height = 64
    glyphs = [one_digit(rng, height) for _ in range(int(rng.integers(4, 7)))]
    after = set((1 + rng.permutation(len(glyphs) - 2)[: int(rng.integers(1, 3))]).tolist())
    row = np.zeros((height + 22, 96 * len(glyphs)), np.float32)
    x = 0
    for place, (glyph, _) in enumerate(glyphs):
        add_ink(row, glyph, x, height + 2 - glyph.shape[0])
        x += glyph.shape[1] + 20
        if place in after:
            sign = np.zeros((22, 14), np.uint8)
            cv2.circle(sign, (7, 6), 4, 255, -1, cv2.LINE_AA)
            if rng.random() < 0.5:
                cv2.line(sign, (9, 7), (4, 16), 255, 4, cv2.LINE_AA)
            add_ink(row, (sign / 255).astype(np.float32), x - 8, height - 8)
            x += 16
    ink = with_margins(row[:, :x], 48)
    return image_of(inked(paper_of(rng, ink.shape), ink)), "".join(text for _, text in glyphs)


def rows_of_unequal_height(rng: Generator) -> Drawn:
    """Two or three rows, one written twice as large as another."""
    heights = rng.permutation([44, 64, 88])[: int(rng.integers(2, 4))].tolist()
    rows = [number(rng, height, int(rng.integers(2, 6))) for height in heights]
    width = max(ink.shape[1] for ink, _ in rows)
    placed = [np.pad(ink, ((14, 14), (0, width - ink.shape[1]))) for ink, _ in rows]
    ink = with_margins(np.concatenate(placed), 44)
    return image_of(inked(paper_of(rng, ink.shape), ink)), "\n".join(text for _, text in rows)


def long_commas(rng: Generator) -> Drawn:
    """Amounts whose comma is a stroke of a quarter to half of a digit's height, or an apostrophe as long."""
    height = 64
    glyphs = [one_digit(rng, height) for _ in range(int(rng.integers(4, 7)))]
    after = int(rng.integers(1, len(glyphs) - 1))
    row = np.zeros((2 * height, 96 * len(glyphs)), np.float32)
    x, foot = 0, height + 24
    for place, (glyph, _) in enumerate(glyphs):
        add_ink(row, glyph, x, foot - glyph.shape[0])
        x += glyph.shape[1] + 18
        if place == after:
            raised = rng.random() < 0.3
            long = round(rng.uniform(0.24, 0.34 if raised else 0.5) * height)
            sign = np.zeros((long + 6, 24), np.uint8)
            cv2.line(sign, (14, 3), (14 - long // 3, long + 2), 255, int(rng.integers(3, 6)), cv2.LINE_AA)
            top = foot - height - long // 2 - 4 if raised else foot - 5
            add_ink(row, (sign / 255).astype(np.float32), x, top)
            x += 30
    ink = with_margins(row[:, :x], 30)
    return image_of(inked(paper_of(rng, ink.shape), ink)), "".join(text for _, text in glyphs)


def rows_of_very_unequal_height(rng: Generator) -> Drawn:
    """A row, and under it another that is written two and a half to four times smaller."""
    height = 120.0
    rows = [number(rng, height, int(rng.integers(2, 4))), number(rng, height / rng.uniform(2.5, 4), 5)]
    width = max(ink.shape[1] for ink, _ in rows)
    placed = [np.pad(ink, ((30, 30), (0, width - ink.shape[1]))) for ink, _ in rows]
    ink = with_margins(np.concatenate(placed), 44)
    return image_of(inked(paper_of(rng, ink.shape), ink)), "\n".join(text for _, text in rows)
