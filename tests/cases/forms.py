"""Cases of squared and ruled paper and of forms."""

import numpy as np
from numpy.random import Generator

from cases.ink import (
    Drawn,
    Ink,
    add_ink,
    image_of,
    inked,
    number,
    one_digit,
    paper_of,
    turned,
    with_margins,
    written,
)


def _grid(page: Ink, step: float, level: float, pen: int, rows: bool = True, columns: bool = False) -> None:
    for at in np.arange(step / 2, max(page.shape), step).astype(int):
        if rows:
            np.minimum(page[at : at + pen], level, out=page[at : at + pen])
        if columns:
            np.minimum(page[:, at : at + pen], level, out=page[:, at : at + pen])


def squared_paper(rng: Generator) -> Drawn:
    """Squared paper from an exercise book."""
    ink, text = written(rng)
    paper = paper_of(rng, ink.shape)
    _grid(paper, rng.uniform(22, 40), rng.uniform(130, 190), 1 + int(rng.integers(2)), columns=True)
    return image_of(np.minimum(paper, inked(paper, ink))), text


def ruled_paper(rng: Generator) -> Drawn:
    """Ruled paper: the number stands on a line, and may cross it."""
    ink, text = written(rng)
    paper = paper_of(rng, ink.shape)
    step = rng.uniform(62, 90)
    foot = np.flatnonzero(ink.any(1))[-1] + rng.integers(-6, 4)
    offset = foot % step
    for at in np.arange(offset, len(paper) - 2, step).astype(int):
        paper[at : at + 2] = np.minimum(paper[at : at + 2], 120)
    return image_of(np.minimum(paper, inked(paper, ink))), text


def squared_paper_askew(rng: Generator) -> Drawn:
    """Squared paper, photographed 3 to 10 degrees askew."""
    return _askew(rng, columns=True)


def ruled_paper_askew(rng: Generator) -> Drawn:
    """Ruled paper, photographed 3 to 10 degrees askew."""
    return _askew(rng, columns=False)


def _askew(rng: Generator, columns: bool) -> Drawn:
    ink, text = written(rng, 64, 110)
    paper = paper_of(rng, ink.shape, 235, 1)
    _grid(paper, rng.uniform(30, 44), rng.uniform(120, 170), 2, columns=columns)
    page = turned(image_of(np.minimum(paper, inked(paper, ink))), float(rng.uniform(3, 10) * rng.choice((-1, 1))), 235)
    # What the camera sees is all paper.
    cut = 70
    return page[cut:-cut, cut:-cut], text


def _boxed(
    rng: Generator, side: int, height: float, touching: bool = False, comb: bool = False
) -> tuple[Ink, Ink, str]:
    """Paper with a box or a cell of a comb for each digit, and the ink in them."""
    glyphs = [one_digit(rng, height) for _ in range(int(rng.integers(3, 7)))]
    tall, margin, pen = round(side * 1.15), 40, int(rng.integers(1, 4))
    shape = (tall + 2 * margin, side * len(glyphs) + 2 * margin)
    paper, ink = paper_of(rng, shape), np.zeros(shape, np.float32)
    for place in range(len(glyphs) + 1):
        x = margin + side * place
        top = margin + (round(tall * 0.6) if comb and 0 < place < len(glyphs) else 0)
        paper[top : margin + tall, x : x + pen] = 90
    for y in [margin + tall - pen] if comb else [margin, margin + tall - pen]:
        paper[y : y + pen, margin : shape[1] - margin + pen] = 90
    touched = int(rng.integers(len(glyphs)))
    for place, (glyph, _) in enumerate(glyphs):
        x = margin + side * place + pen + max(2, (side - pen - glyph.shape[1]) // 2)
        y = margin + (tall - glyph.shape[0]) // 2
        if touching and place == touched:
            # Its lowest stroke crosses the bottom of the box.
            y = margin + tall - glyph.shape[0] + 2
        add_ink(ink, glyph, x, y)
    return paper, ink, "".join(text for _, text in glyphs)


def printed_boxes(rng: Generator) -> Drawn:
    """A form with a box for each digit; neighbours share a wall."""
    paper, ink, text = _boxed(rng, 76, 52)
    return image_of(np.minimum(paper, inked(paper, ink))), text


def printed_boxes_askew(rng: Generator) -> Drawn:
    """The same, laid on the scanner 3 to 10 degrees askew."""
    paper, ink, text = _boxed(rng, 80, 54)
    degrees = float(rng.uniform(3, 10) * rng.choice((-1, 1)))
    return turned(image_of(np.minimum(paper, inked(paper, ink))), degrees, 235), text


def comb_field(rng: Generator) -> Drawn:
    """A comb: a line to write on, with short ticks between the digits."""
    paper, ink, text = _boxed(rng, 72, 54, comb=True)
    return image_of(np.minimum(paper, inked(paper, ink))), text


def line_to_write_on(rng: Generator) -> Drawn:
    """A printed line that most of the digits run into, level or up to 5 degrees askew."""
    row, text = number(rng)
    ink = with_margins(row, 70)
    paper = paper_of(rng, ink.shape)
    y = 68 + row.shape[0] + int(rng.integers(-8, 3))
    paper[y : y + int(rng.integers(1, 4)), 44:-44] = 100
    return turned(image_of(np.minimum(paper, inked(paper, ink))), float(rng.uniform(-5, 5)), 235), text


def digits_touch_the_frame(rng: Generator) -> Drawn:
    """A form whose boxes are too small for one of the digits: it crosses the bottom of its box."""
    paper, ink, text = _boxed(rng, 76, 56, touching=True)
    return image_of(np.minimum(paper, inked(paper, ink))), text


def comb_clear_of_the_digits(rng: Generator) -> Drawn:
    """A comb in pale print, up to 4 degrees askew, that no digit touches."""
    glyphs = [one_digit(rng, 48) for _ in range(int(rng.integers(4, 8)))]
    side, margin, base, pen = 68, 60, 130, int(rng.integers(2, 4))
    shape = (base + margin, side * len(glyphs) + 2 * margin)
    paper, ink = paper_of(rng, shape), np.zeros(shape, np.float32)
    level, tooth = rng.uniform(110, 170), int(rng.integers(14, 28))
    paper[base : base + pen, margin : shape[1] - margin + pen] = level
    for place in range(len(glyphs) + 1):
        x = margin + side * place
        paper[base - tooth : base, x : x + pen] = level
    for place, (glyph, _) in enumerate(glyphs):
        add_ink(ink, glyph, margin + side * place + (side - glyph.shape[1]) // 2 + 2, base - 10 - glyph.shape[0])
    page = image_of(np.minimum(paper, inked(paper, ink)))
    return turned(page, float(rng.uniform(-4, 4)), 235), "".join(text for _, text in glyphs)


def boxes_apart(rng: Generator) -> Drawn:
    """A box for each digit, some px apart, in print so pale that only pieces of it are dark enough for ink."""
    glyphs = [one_digit(rng, 50) for _ in range(int(rng.integers(3, 8)))]
    side, margin, tall = 72, 50, 84
    shape = (tall + 2 * margin, side * len(glyphs) + 2 * margin)
    paper, ink = paper_of(rng, shape), np.zeros(shape, np.float32)
    apart, level = int(rng.integers(4, 9)), rng.uniform(150, 180)
    for place, (glyph, _) in enumerate(glyphs):
        left, right, bottom = margin + side * place, margin + side * (place + 1) - apart, margin + tall
        for part in (
            np.s_[margin : margin + 2, left:right], np.s_[bottom : bottom + 2, left:right],
            np.s_[margin : bottom + 2, left : left + 2], np.s_[margin : bottom + 2, right - 2 : right],
        ):  # fmt: skip
            paper[part] = level + rng.normal(0, 8, paper[part].shape)
        x = left + max(4, (side - apart - glyph.shape[1]) // 2)
        add_ink(ink, glyph, x, margin + (tall - glyph.shape[0]) // 2)
    return image_of(np.minimum(paper, inked(paper, ink))), "".join(text for _, text in glyphs)
