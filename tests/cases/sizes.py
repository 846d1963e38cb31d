"""Cases of very small and very large pages."""

import numpy as np
from numpy.random import Generator

from cases.ink import Drawn, add_ink, image_of, inked, number, one_digit, paper_of, tight


def page_of_20_px(rng: Generator) -> Drawn:
    """A field that software has cut out: one digit on 20 by 20 pixels."""
    glyph, text = one_digit(rng, 15)
    ink = np.zeros((20, 20), np.float32)
    y, x = (int(rng.integers(1, 20 - side)) for side in glyph.shape)
    add_ink(ink, glyph, x, y)
    return image_of(inked(paper_of(rng, ink.shape), ink)), text


def page_of_6000_px(rng: Generator) -> Drawn:
    """A sheet at 600 dots an inch, 6,000 by 4,000 pixels, with one number on it."""
    row, text = number(rng, 260)
    page = np.full((4000, 6000), 236, np.uint8)
    y, x = int(rng.integers(300, 3300)), int(rng.integers(300, 5600 - row.shape[1]))
    part = page[y : y + row.shape[0], x : x + row.shape[1]]
    part[:] = image_of(inked(part.astype(np.float32), row))
    return page, text


def lone_digit_on_a_sheet(rng: Generator) -> Drawn:
    """One digit of 7 to 20 mm on a white A4 sheet at 300 dots an inch: a two-thousandth of the page is ink, or less."""
    glyph, text = one_digit(rng, float(rng.uniform(80, 240)))
    page = np.full((3508, 2480), 247, np.uint8)
    y, x = int(rng.integers(200, 3000)), int(rng.integers(200, 2000))
    part = page[y : y + glyph.shape[0], x : x + glyph.shape[1]]
    part[:] = image_of(inked(part.astype(np.float32), glyph))
    return page, text


def cell_cut_out(rng: Generator) -> Drawn:
    """A cell cut out of a form by software, 28 to 48 px: remains of its walls are left at one to four edges."""
    side = int(rng.integers(28, 49))
    glyph, text = one_digit(rng, side * 0.62)
    page, ink = paper_of(rng, (side, side)), np.zeros((side, side), np.float32)
    for edge in rng.permutation(4)[: int(rng.integers(1, 5))]:
        inside = int(rng.integers(0, 3))
        np.rot90(page, edge)[inside : inside + int(rng.integers(1, 3))] = 100
    y, x = ((side - length) // 2 for length in glyph.shape)
    add_ink(ink, glyph, x, y)
    return image_of(np.minimum(page, inked(page, ink))), text


def cut_close(rng: Generator) -> Drawn:
    """A number of two to five digits, cut out 0 to 3 px from its ink: the digits lie along the picture's edges."""
    row, text = number(rng, 80, int(rng.integers(2, 6)), 0.2)
    ink = np.pad(tight(row), int(rng.integers(0, 4)))
    return image_of(inked(paper_of(rng, ink.shape), ink)), text
