"""Marks that are not surely one digit each, opened: all ways in which they may be cut, or joined with a neighbour."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np

from digitd.imaging.candidates import Candidate, Lattice, Line, Uncut
from digitd.imaging.clean import Ink
from digitd.imaging.components import Part
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.normalise import normalise
from digitd.imaging.priors import Traits, by_size, log_prior
from digitd.imaging.segment import mark_of
from digitd.imaging.spans import Span, spans_of
from digitd.imaging.touching import extent_of, own_cuts

MOST_OPENED = 100
"""A page has at most so many marks opened, from its first line on: more is no handwriting."""
LONGEST_ROW = 12.0
"""A mark wider than this share of its height is not opened: that many digits that all touch do not occur. Numbers of
ten digits do, and some of theirs touch; what is longer is a flourish, a hatching or a line that was not taken out."""
MOST_WIDTH = 200.0
"""The marks opened on a page are together so many times as wide as tall: two digits in each. What a mark costs grows
with that, for so do its cuts."""


def opened(lattices: Sequence[Lattice], doubtful: Sequence[Collection[int]]) -> list[Lattice]:
    """A page's lattices with more candidates: for each lattice those of the marks in `doubtful`, by number.

    The candidates that were there come
    first, in their order, then the new ones: what was said of the old ones stays as it is. A page has no more opened
    than `MOST_OPENED` and `MOST_WIDTH` allow; the other marks stay whole.
    """
    left, width = MOST_OPENED, MOST_WIDTH
    out = []
    for lattice, doubts in zip(lattices, doubtful, strict=True):
        chosen = set()
        for number, mark in lattice.uncut:
            if not mark.severable or number not in doubts:
                continue
            wide = _digits_wide(mark, lattice.line)
            if left and wide <= min(LONGEST_ROW, width):
                chosen.add(number)
                left, width = left - 1, width - wide
        out.append(_opened(lattice, chosen, doubts))
    return out


def _digits_wide(mark: Uncut, line: Line | None) -> float:
    """How many times a mark is as wide as tall, or as its line's digits where they are less tall."""
    width, height = extent_of(mark.group)
    return width / (height if line is None else min(height, line.tall))


def _opened(lattice: Lattice, chosen: Collection[int], doubts: Collection[int]) -> Lattice:
    if lattice.line is None or not lattice.uncut:
        return lattice
    line, uncut = lattice.line, dict(lattice.uncut)
    if not chosen and not any(mark.joinable for mark in uncut.values()):
        return Lattice(lattice.length, lattice.candidates, line)
    ways = {
        number: spans_of(mark.group, own_cuts([mark.group], True)[0] if line.alone else mark.ruled, line)
        for number, mark in lattice.uncut
        if number in chosen
    }
    # Where each mark begins, now that some have borders within.
    borders = [0]
    for number in range(lattice.length):
        borders.append(borders[-1] + (ways[number].pieces if number in ways else 1))
    old: list[Candidate] = []
    new: list[Candidate] = []
    for number, one in enumerate(lattice.candidates):
        traits = Traits(**by_size(extent_of(uncut[number].group), line.tall)) if number in ways else one.traits
        prior = log_prior(traits) if number in ways else one.prior
        old.append(replace(one, start=borders[one.start], end=borders[one.end], prior=prior, traits=traits))
        if number in ways:
            new += _cut(uncut[number], ways[number].spans, borders[number], line)
        mark = uncut.get(number)
        if mark is not None and mark.joinable and (mark.close or number in doubts or number + 1 in doubts):
            new.append(_joined(mark, uncut[number + 1], borders[number], borders[number + 2], line))
    return Lattice(borders[-1], tuple(old + new), line)


def _cut(mark: Uncut, spans: Sequence[Span], at: int, line: Line) -> Iterator[Candidate]:
    own = _laid(mark.ink.shape, mark.group, mark.at)
    ink = Ink(mark.ink, own, line.scale, line.page)
    for span in spans:
        piece = mark_of(ink, [span.part], mark.at)
        start, end = at + span.start, at + span.end
        yield Candidate(start, end, piece.box, "digit", normalise(piece.ink), span.prior, span.traits)


def _joined(left: Uncut, right: Uncut, start: int, end: int, line: Line) -> Candidate:
    """Two marks as one digit."""
    both = [*left.group, *right.group]
    at = min(left.at[0], right.at[0]), min(left.at[1], right.at[1])
    width, height = (
        max(mark.at[axis] - at[axis] + mark.ink.shape[1 - axis] for mark in (left, right)) for axis in (0, 1)
    )
    ink = np.zeros((height, width), np.uint8)
    for mark in (left, right):
        x, y = mark.at[0] - at[0], mark.at[1] - at[1]
        place = ink[y : y + mark.ink.shape[0], x : x + mark.ink.shape[1]]
        np.maximum(place, mark.ink, out=place)
    one = mark_of(Ink(ink, _laid(ink.shape, both, at), line.scale, line.page), both, at)
    traits = Traits(joined=1.0, **by_size(extent_of(both), line.tall))
    return Candidate(start, end, one.box, "digit", normalise(one.ink), log_prior(traits), traits)


def _laid(shape: tuple[int, ...], group: Sequence[Part], at: tuple[int, int]) -> Gray:
    """The parts on a sheet that begins at `at`."""
    sheet = np.zeros(shape, np.uint8)
    for part in group:
        x, y = part.left - at[0], part.top - at[1]
        sheet[y : y + part.height, x : x + part.width] |= part.mask
    return as_gray(sheet)
