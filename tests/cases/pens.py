"""Cases of pens and pencils."""

import cv2
import numpy as np
from numpy.random import Generator

from cases.ink import Drawn, Image, Ink, grain, image_of, in_a_row, inked, one_digit, paper_of, with_margins, written


def pencil(rng: Generator) -> Drawn:
    """A soft pencil on rough paper: gray, grained, pressed more and less."""
    ink, text = written(rng)
    pressure = 0.25 + 0.35 * grain(rng, ink.shape, 25) + 0.2 * grain(rng, ink.shape, 2)
    return image_of(inked(paper_of(rng, ink.shape, 240, 3), ink * np.clip(pressure, 0, 1), 60)), text


def ballpoint(rng: Generator) -> Drawn:
    """A blue ballpoint: strokes of 2 to 3 px that skip a little."""
    ink, text = written(rng)
    ink = _thinner(ink, 2.5) * np.clip(0.55 + 0.6 * grain(rng, ink.shape, 6), 0, 1)
    paper = paper_of(rng, (*ink.shape, 1), 238)
    return image_of(paper * (1 - ink[..., None]) + ink[..., None] * np.asarray((150, 60, 40))), text


def _thinner(ink: Ink, width: float) -> Ink:
    """Strokes of that width: drawn anew along their middles."""
    middle = skeleton((ink > 0.5).astype(np.uint8))
    far = cv2.distanceTransform(1 - middle, cv2.DIST_L2, 5)
    return np.asarray(np.clip(width / 2 + 0.5 - far, 0, 1), np.float32)


def skeleton(mask: Image) -> Image:
    """The middles of strokes, a pixel wide: Zhang and Suen's thinning (1984)."""
    mask = np.pad(mask, 1)
    while True:
        before = mask.copy()
        for first in (True, False):
            n = [np.roll(mask, (dy, dx), (0, 1)) for dy, dx in _AROUND]
            count = np.sum(n, 0)
            changes = sum(((n[at] == 0) & (n[(at + 1) % 8] == 1)).astype(np.uint8) for at in range(8))
            a, b = (n[0] * n[2] * n[4], n[2] * n[4] * n[6]) if first else (n[0] * n[2] * n[6], n[0] * n[4] * n[6])
            mask = mask * ~((count >= 2) & (count <= 6) & (changes == 1) & (a == 0) & (b == 0))
        if np.array_equal(mask, before):
            return np.asarray(mask[1:-1, 1:-1], np.uint8)


_AROUND = ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))


def thin_strokes(rng: Generator) -> Drawn:
    """A technical pen on a coarse scan: strokes of one pixel."""
    ink, text = written(rng, 48, 36)
    return image_of(inked(paper_of(rng, ink.shape, 240, 2), _thinner(ink, 1), 60)), text


def thick_strokes(rng: Generator) -> Drawn:
    """A marker: strokes of a quarter of the digit's height. Loops may close, and so no 6, 8 or 9."""
    height = 72
    glyphs = [one_digit(rng, height, "0123457") for _ in range(int(rng.integers(3, 6)))]
    thick = []
    for glyph, _ in glyphs:
        # Drawn thinner, then as thick as is wanted, so that the digit keeps its form.
        roomy = np.pad(glyph, height // 8 + 2)
        far = cv2.distanceTransform(1 - skeleton((roomy > 0.5).astype(np.uint8)), cv2.DIST_L2, 5)
        thick.append(np.clip(height / 8 + 0.5 - far, 0, 1).astype(np.float32))
    row = in_a_row(thick, 12, height * 1.3, rng)
    ink = with_margins(row, 40)
    return image_of(inked(paper_of(rng, ink.shape), ink)), "".join(text for _, text in glyphs)
