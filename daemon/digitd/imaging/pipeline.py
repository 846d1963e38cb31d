"""A page to the glyphs that the network reads first: clean, find the lines and their marks, normalise each."""

from dataclasses import dataclass
from typing import cast

import cv2

from digitd.imaging.candidates import Candidate, Lattice, lattices
from digitd.imaging.clean import LARGEST, stages
from digitd.imaging.components import MOST_MARKS
from digitd.imaging.gray import Gray
from digitd.imaging.lost import is_lost
from digitd.imaging.normalise import SIDE, is_mnist_like
from digitd.imaging.segment import Layout

ENOUGH = LARGEST
"""Pages are not looked at larger than this, px of their longer side."""


@dataclass(frozen=True)
class Seen:
    """What is on a page: its marks, a lattice a line; and whether there is writing on it of which no mark was left."""

    lattices: list[Lattice]
    lost: bool


def seen(
    page: Gray,
    layout: str = "auto",
    digits: int | None = None,
    marks: int = MOST_MARKS,
    size: tuple[int, int] | None = None,
) -> Seen:
    """The marks of a page (H, W) uint8, each a candidate glyph: a lattice a line, lines from top to bottom.

    Those that are not surely one digit each are to be cut and joined (opened.py). `layout` is auto, single, line or
    page; `digits` how many to expect, where known. A page with nothing on it gives an empty list, one with more than
    `marks` marks TooManyMarksError. A page that is in MNIST's form already is one candidate, unchanged. `size` is the
    page's own (width, height), px, where it was decoded smaller: its longer side has ENOUGH then.
    """
    if is_mnist_like(page):
        return Seen([Lattice(1, (Candidate(0, 1, (0, 0, SIDE, SIDE), "digit", page.copy()),))], lost=False)
    steps = stages(page, size)
    found = lattices(steps.ink, cast(Layout, layout), digits, marks)
    # Dots and dashes alone are nothing that could be read.
    bare = all(one.pixels is None for line in found for one in line.candidates)
    return Seen(found, lost=bare and is_lost(steps))


def candidates(
    page: Gray,
    layout: str = "auto",
    digits: int | None = None,
    marks: int = MOST_MARKS,
    size: tuple[int, int] | None = None,
) -> list[Lattice]:
    """The lattices of what is `seen` on a page."""
    return seen(page, layout, digits, marks, size).lattices


def single_threaded() -> None:
    """Let OpenCV work in the calling thread alone, in this whole process: several workers share the processors."""
    cv2.setNumThreads(1)
