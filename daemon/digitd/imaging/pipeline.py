"""A page to the glyphs the network reads: clean, segment, normalise."""

from dataclasses import dataclass
from typing import cast

import cv2

from digitd.imaging.candidates import Candidate, Lattice, lattices
from digitd.imaging.clean import clean
from digitd.imaging.components import MOST_MARKS
from digitd.imaging.gray import Gray
from digitd.imaging.normalise import SIDE, is_mnist_like, normalise
from digitd.imaging.segment import Layout, segment


@dataclass(frozen=True)
class Cut:
    """One glyph: its box (x, y, width, height) in px of the page, and its pixels (28, 28) uint8 in MNIST's form."""

    box: tuple[int, int, int, int]
    pixels: Gray


def glyphs(page: Gray, layout: str = "auto", digits: int | None = None) -> list[list[Cut]]:
    """The digits of a page (H, W) uint8, lines from top to bottom, in each from left to right; separators left out.

    `layout` is auto, single, line or page; `digits` how many to expect, where known. A page with nothing on it gives
    an empty list. A page that is in MNIST's form already is passed through unchanged, as one glyph.
    """
    if is_mnist_like(page):
        return [[Cut((0, 0, SIDE, SIDE), page)]]
    lines = segment(clean(page), cast(Layout, layout), digits)
    cuts = [[Cut(mark.box, normalise(mark.ink)) for mark in line if mark.kind == "digit"] for line in lines]
    return [line for line in cuts if line]


def candidates(page: Gray, layout: str = "auto", digits: int | None = None, marks: int = MOST_MARKS) -> list[Lattice]:
    """The marks of a page (H, W) uint8, each a candidate glyph: a lattice a line, lines from top to bottom.

    Those that are not surely one digit each are to be cut and joined (opened.py). `layout` and `digits` are those of
    `glyphs`. A page with nothing on it gives an empty list, one with more than `marks` marks TooManyMarksError. A page
    that is in MNIST's form already is one candidate, unchanged.
    """
    if is_mnist_like(page):
        return [Lattice(1, (Candidate(0, 1, (0, 0, SIDE, SIDE), "digit", page.copy()),))]
    return lattices(clean(page), cast(Layout, layout), digits, marks)


def single_threaded() -> None:
    """Let OpenCV work in the calling thread alone, in this whole process: several workers share the processors."""
    cv2.setNumThreads(1)
