"""A page's ink to candidate glyphs: for each line a small graph, at first of its marks alone, each taken whole.

The recogniser sees those first. What is not surely one digit is then cut and joined in all ways that its shape allows
(opened.py), and the recogniser decides (recognition/lattice.py): so what stands plainly apart costs nothing more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from digitd.imaging.clean import Ink
from digitd.imaging.components import MOST_MARKS
from digitd.imaging.gray import Gray
from digitd.imaging.lines import Group
from digitd.imaging.normalise import normalise
from digitd.imaging.priors import PLAIN, Traits
from digitd.imaging.segment import Layout, is_single, lines_in, mark_of
from digitd.imaging.shapes import CLOSE, Extent, are_one, gap_of, likely_several, may_be_several
from digitd.imaging.signs import DIGIT, DOT, Kind, natures_of
from digitd.imaging.touching import extent_of, own_cuts

Box = tuple[int, int, int, int]

NARROW = 0.4
"""Ones and pieces are narrower than this share of the height: they say nothing of the width that is usual."""


@dataclass(frozen=True)
class Candidate:
    """A candidate glyph: from the border `start` of its line to the border `end`.

    `box` is (x, y, width, height) in px of the page; `pixels` (28, 28) uint8 in MNIST's form, None for a separator;
    `prior` what its shape alone says, in log-odds, and `traits` why.
    """

    start: int
    end: int
    box: Box
    kind: Kind
    pixels: Gray | None
    prior: float = 0.0
    traits: Traits = PLAIN


@dataclass(frozen=True)
class Uncut:
    """What is kept of a mark until the recogniser has seen it whole.

    `group` are its parts, `ink` (h, w) uint8 its own ink, `at` where that begins, px at the ink's scale. `ruled` are
    the columns before which shape alone would cut it, not yet known where the mark is alone. It may be cut
    (`severable`), and looks like several (`several`); it may be one digit with the mark after it (`joinable`), or all
    but touches that (`close`).
    """

    group: Group
    ink: Gray
    at: tuple[int, int]
    ruled: Sequence[int]
    severable: bool
    several: bool
    joinable: bool
    close: bool


@dataclass(frozen=True)
class Line:
    """What all marks of a line have in common: the height of its digits at the ink's scale, whether it has all that
    is on the page, the page's px per px of the ink, and the page's (width, height)."""

    tall: float
    alone: bool
    scale: float
    page: tuple[int, int]


@dataclass(frozen=True)
class Lattice:
    """The candidates of a line, by start and end; a path of them from border 0 to border `length` reads the line.

    `uncut` are the marks that may be cut or joined, by the number of their candidate; empty once they were opened.
    """

    length: int
    candidates: tuple[Candidate, ...]
    line: Line | None = None
    uncut: tuple[tuple[int, Uncut], ...] = ()

    @property
    def certain(self) -> bool:
        """Whether there is only one path."""
        return len(self.candidates) == self.length and all(one.end == one.start + 1 for one in self.candidates)


def lattices(ink: Ink, layout: Layout = "auto", digits: int | None = None, most: int = MOST_MARKS) -> list[Lattice]:
    """The marks of a page, each a candidate, a lattice a line, from top to bottom; empty where there is no ink.

    `layout` and `digits` are those of `lines_in`: with `single`, or one digit expected, all ink is one candidate, which
    nothing is to be made of. TooManyMarksError where there are more than `most` marks.
    """
    lines = lines_in(ink, layout, digits, most)
    groups = sum(map(len, lines))
    single = is_single(ink, layout, digits)
    return [_lattice(ink, line, groups == 1, single) for line in lines]


def _lattice(ink: Ink, line: list[Group], alone: bool, single: bool) -> Lattice:
    natures = [DIGIT] if alone or single else natures_of(line)
    kinds = [nature.kind for nature in natures]
    extents = [extent_of(group) for group in line]
    tall = _tall(extents)
    usual = _usual_width(extents, tall)
    worth = [not single and may_be_several(group, extent) for group, extent in zip(line, extents, strict=True)]
    # One that is alone is seldom opened, and its own cuts are found then.
    ruled = own_cuts(line, alone) if not alone and any(worth) else [[] for _ in line]
    found: list[Candidate] = []
    rivals: list[Candidate] = []
    uncut: list[tuple[int, Uncut]] = []
    joined = False
    for number, (group, nature) in enumerate(zip(line, natures, strict=True)):
        kind = nature.kind
        mark = mark_of(ink, group)
        found.append(Candidate(number, number + 1, mark.box, kind, normalise(mark.ink) if kind == "digit" else None))
        if nature.rival is not None:
            rivals.append(Candidate(number, number + 1, mark.box, nature.rival, None, nature.prior))
        before, joined = (
            joined,
            number + 1 < len(line)
            and _joinable(line[number : number + 2], kinds[number : number + 2], extents[number : number + 2], tall),
        )
        severable = kind == "digit" and worth[number]
        if severable or joined or before:
            several = bool(ruled[number]) or likely_several(group, extents[number], usual, alone)
            close = joined and gap_of(group, line[number + 1]) < CLOSE * tall
            at = max(min(part.left for part in group) - 1, 0), max(min(part.top for part in group) - 1, 0)
            uncut.append((number, Uncut(group, mark.ink, at, ruled[number], severable, several, joined, close)))
    return Lattice(len(line), tuple(found + rivals), Line(tall, alone, ink.scale, ink.page), tuple(uncut))


def _joinable(groups: Sequence[Group], kinds: Sequence[Kind], extents: Sequence[Extent], tall: float) -> bool:
    # A dot is no piece of the digit beside it; a bar may be.
    pieces = all(kind == "digit" or width > DOT * tall for kind, (width, _) in zip(kinds, extents, strict=True))
    return pieces and are_one(groups[0], groups[1], tall)


def _tall(extents: Sequence[Extent]) -> float:
    tallest = max(height for _, height in extents)
    return median(height for _, height in extents if height >= 0.5 * tallest)


def _usual_width(extents: Sequence[Extent], tall: float) -> float:
    """The median width of a line's digits, ones and pieces left out."""
    return median([width for width, _ in extents if width > NARROW * tall] or [tall])
