"""A page's ink to the ways in which it may be cut into glyphs: for each line a small graph of candidates.

What stands plainly apart is one candidate, and nothing competes with it. Where a part may be two digits that touch, or
two marks one digit that broke, all ways compete; the recogniser decides (recognition/lattice.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from digitd.imaging.clean import Ink
from digitd.imaging.components import MOST_MARKS, Part
from digitd.imaging.cuts import LITTLE, MUCH, Seam, same, seams, sliced, straight
from digitd.imaging.gray import Gray
from digitd.imaging.lines import Group
from digitd.imaging.normalise import normalise
from digitd.imaging.priors import (
    BROAD_ENOUGH,
    HARDLY_WIDER,
    PLAIN,
    ROOM_FOR_TWO,
    TALL_ENOUGH,
    WIDE_ENOUGH,
    Traits,
    log_prior,
)
from digitd.imaging.segment import DOT, Kind, Layout, is_single, kinds_of, lines_in, mark_of
from digitd.imaging.touching import canvas, extent_of, own_cuts, piece_of

Box = tuple[int, int, int, int]

WIDE, WIDER = 0.7, 1.35
"""A part among others may be touching digits from this width to height, or this much wider than the others are."""
WIDE_ALONE = 1.1
"""The same for one that is all there is on the page: MNIST has 19 of 20 digits narrower."""
VERY_WIDE, VERY_WIDE_ALONE = 0.95, 1.3
"""From these widths on, costlier cuts are looked at too."""
WIDE_EXPECTED = 0.45
"""The same where more digits are expected than there are parts."""
SIZEABLE = 0.4
"""Parts of a group that are taller than this share of it, side by side, may be two digits."""
CUTS, MOST_CUTS = 4, 16
"""Cuts looked at for each digit's width of a part, and at most for one part."""
FEWER = 2
"""So many fewer cuts of a part that is alone: the common case is one digit, and its candidates cost time."""
LONGEST = 1.5
"""Pieces are joined to candidates up to this width, of the height."""
JOINED, GAP = 1.2, 0.3
"""Two marks may be one broken digit up to this width and gap, of the height of the line's digits..."""
NARROW, LOW = 0.4, 0.75
"""... where one of them is narrower or less tall than these."""
MOST_DOUBTS = 200
"""A page has at most so many parts that are looked at closely, from its first line on: more is no handwriting."""
LEAST_PRIOR = -5.5
"""What shape speaks against by more (a chance of 1 in 250) need not be asked of the recogniser."""


@dataclass(frozen=True)
class Candidate:
    """A candidate glyph: from the border `start` of its line to the border `end`.

    `box` is (x, y, width, height) in px of the page; `pixels` (28, 28) uint8 in MNIST's form, None for a separator;
    `prior` what its shape alone says, in log-odds, and `traits` why. A ruled one is of the cut that shape alone makes.
    """

    start: int
    end: int
    box: Box
    kind: Kind
    pixels: Gray | None
    prior: float = 0.0
    traits: Traits = PLAIN


@dataclass(frozen=True)
class Lattice:
    """The candidates of a line, by start and end; a path of them from border 0 to border `length` reads the line."""

    length: int
    candidates: tuple[Candidate, ...]

    @property
    def certain(self) -> bool:
        """Whether there is only one path."""
        return len(self.candidates) == self.length and all(one.end == one.start + 1 for one in self.candidates)


def lattices(ink: Ink, layout: Layout = "auto", digits: int | None = None, most: int = MOST_MARKS) -> list[Lattice]:
    """The ways to cut the ink of a page, a lattice a line, lines from top to bottom; empty where there is no ink.

    `layout` and `digits` are those of `segment`: with `single`, or one digit expected, all ink is one candidate.
    TooManyMarksError where there are more than `most` marks.
    """
    lines = lines_in(ink, layout, digits, most)
    groups = sum(map(len, lines))
    looser = digits is not None and digits > groups
    doubts = Doubts(MOST_DOUBTS)
    plain = is_single(ink, layout, digits)
    return [_lattice(ink, line, groups == 1, looser, doubts, plain) for line in lines]


class Doubts:
    """How many parts of a page may still be looked at closely."""

    def __init__(self, most: int) -> None:
        self._left = most

    def one(self) -> bool:
        """Take one, if any is left."""
        self._left -= 1
        return self._left >= 0


def _lattice(ink: Ink, line: list[Group], alone: bool, looser: bool, doubts: Doubts, plain: bool) -> Lattice:
    if plain or (alone and not _may_be_two(line[0], 0.0, alone, looser) and not own_cuts(line, alone)[0]):
        return Lattice(1, (_whole(ink, 0, line[0], "digit"),))
    kinds = kinds_of(line)
    tall = _tall(line)
    usual = _usual_width(line, tall)
    ruled = own_cuts(line, alone)
    found: list[Candidate] = []
    at = 0
    before: int | None = None
    for number, (group, kind) in enumerate(zip(line, kinds, strict=True)):
        cuts: list[Seam] = []
        if kind == "digit" and (ruled[number] or _may_be_two(group, usual, alone, looser)) and doubts.one():
            cuts = _cuts(group, ruled[number], tall, alone, _limit(group, usual, alone, looser))
        pieces = list(_pieces(group, cuts)) if cuts else []
        if len(pieces) > 1:
            found += _spans(ink, at, pieces, tall, alone, ruled[number])
            at += len(pieces)
            before = None
            continue
        found.append(_whole(ink, at, group, kind))
        if before is not None and (kind == "digit" or extent_of(group)[0] > DOT * tall):
            found += _joined(ink, at, line[before], group, tall, doubts)
        # A dot is no piece of the digit beside it; a bar may be.
        before = number if kind == "digit" or extent_of(group)[0] > DOT * tall else None
        at += 1
    return Lattice(at, tuple(sorted(found, key=lambda one: (one.start, one.end))))


def _whole(ink: Ink, at: int, group: Group, kind: Kind) -> Candidate:
    mark = mark_of(ink, group, kind)
    return Candidate(at, at + 1, mark.box, kind, normalise(mark.ink) if kind == "digit" else None)


def _tall(line: Sequence[Group]) -> float:
    heights = [extent_of(group)[1] for group in line]
    return median(height for height in heights if height >= 0.5 * max(heights))


def _usual_width(line: Sequence[Group], tall: float) -> float:
    """The median width of a line's digits, ones and pieces left out."""
    widths = [extent_of(group)[0] for group in line]
    return median([width for width in widths if width > NARROW * tall] or [tall])


def _may_be_two(group: Group, usual: float, alone: bool, looser: bool) -> bool:
    width, height = extent_of(group)
    if looser:
        return width > WIDE_EXPECTED * height
    if alone:
        return width > WIDE_ALONE * height
    if width > WIDE * height or (width > WIDER * usual and width > WIDE_EXPECTED * height):
        return True
    return len(group) > 1 and _side_by_side(group, height)


def _side_by_side(group: Group, height: int) -> bool:
    parts = sorted((part for part in group if part.height > SIZEABLE * height), key=lambda part: part.left)
    # Their middles are farther apart than where one would lie within the other by a quarter.
    return any(
        right.left + right.right - left.left - left.right
        > left.width + right.width - 0.5 * min(left.width, right.width)
        for left, right in pairwise(parts)
    )


def _limit(group: Group, usual: float, alone: bool, looser: bool) -> float:
    width, height = extent_of(group)
    wide = width > VERY_WIDE_ALONE * height if alone else width > VERY_WIDE * height or width > WIDER * usual
    return MUCH if wide or looser else LITTLE


def _cuts(group: Group, ruled: list[int], tall: float, alone: bool, limit: float) -> list[Seam]:
    """The cuts to look at: those that shape alone makes, and others that are not the same."""
    own, _, _ = canvas(group)
    width, height = extent_of(group)
    most = min(MOST_CUTS, max(CUTS, round(CUTS * width / max(1.0, tall))) - (FEWER if alone else 0))
    certain = [straight(own, column) for column in ruled]
    others = (
        [seam for seam in seams(own, most, limit) if not any(same(seam, one) for one in certain)] if height > 4 else []
    )
    return sorted(certain + others, key=lambda seam: float(seam.path.mean()))


@dataclass(frozen=True)
class _Piece:
    """A piece of a part, and the cut at its left: None for the first."""

    part: Part
    cut: Seam | None


def _pieces(group: Group, cuts: list[Seam]) -> Iterator[_Piece]:
    own, left, top = canvas(group)
    for number, mask in enumerate(sliced(own, cuts)):
        part = piece_of(mask, left, top)
        if part is not None:
            yield _Piece(part, cuts[number - 1] if number else None)


def _spans(ink: Ink, at: int, pieces: list[_Piece], tall: float, alone: bool, ruled: list[int]) -> Iterator[Candidate]:
    """The candidates of one part: each run of its pieces that is no wider than a digit can be."""
    borders = {0, len(pieces)} | {
        number for number, piece in enumerate(pieces) if piece.cut is not None and _is_ruled(piece.cut, ruled)
    }
    slim = max(0.0, ROOM_FOR_TWO - extent_of([piece.part for piece in pieces])[0] / tall)
    spans: list[tuple[int, int, float, Traits]] = []
    for start in range(len(pieces)):
        for end in range(start + 1, len(pieces) + 1):
            group = [piece.part for piece in pieces[start:end]]
            width, height = extent_of(group)
            # What shape alone would make of it is always among the candidates.
            own = start in borders and end in borders and not any(start < border < end for border in borders)
            if width > LONGEST * max(tall, height) and end > start + 1 and not own:
                break
            cut = pieces[start].cut
            traits = Traits(
                cut=float(cut is not None),
                alone=float(cut is not None and alone),
                ruled=float(cut is not None and start in borders),
                strokes=cut.strokes if cut is not None else 0.0,
                extent=cut.extent if cut is not None else 0.0,
                runs=max(0.0, cut.runs - 1.0) if cut is not None else 0.0,
                slim=slim if cut is not None else 0.0,
                short=max(0.0, TALL_ENOUGH - height / tall),
                wide=max(0.0, width / tall - WIDE_ENOUGH),
                broad=max(0.0, width / tall - HARDLY_WIDER),
                narrow=max(0.0, BROAD_ENOUGH - width / tall),
            )
            prior = log_prior(traits)
            if prior >= LEAST_PRIOR or own:
                spans.append((start, end, prior, traits))
    # Those that no path leads through any more would be asked about in vain.
    begun, ended = {0}, {len(pieces)}
    for start, end, _, _ in spans:
        if start in begun:
            begun.add(end)
    for start, end, _, _ in sorted(spans, key=lambda span: -span[1]):
        if end in ended:
            ended.add(start)
    for start, end, prior, traits in spans:
        if start in begun and end in ended:
            mark = mark_of(ink, [piece.part for piece in pieces[start:end]], "digit")
            yield Candidate(at + start, at + end, mark.box, "digit", normalise(mark.ink), prior, traits)


def _is_ruled(cut: Seam, ruled: list[int]) -> bool:
    return bool(cut.path[0] in ruled and (cut.path == cut.path[0]).all())


def _joined(ink: Ink, at: int, left: Group, right: Group, tall: float, doubts: Doubts) -> Iterator[Candidate]:
    """The two marks that end at the borders `at` and `at + 1` as one digit, where they may be a broken one."""
    both = [*left, *right]
    extents = extent_of(left), extent_of(right)
    width, height = extent_of(both)
    gap = max(0, min(part.left for part in right) - max(part.right for part in left))
    doubtful = any(own < NARROW * tall or own_height < LOW * tall for own, own_height in extents)
    if not doubtful or gap > GAP * tall or width > JOINED * max(tall, height) or not doubts.one():
        return
    traits = Traits(
        joined=1.0,
        gap=gap / tall,
        short=max(0.0, TALL_ENOUGH - height / tall),
        wide=max(0.0, width / tall - WIDE_ENOUGH),
        narrow=max(0.0, BROAD_ENOUGH - width / tall),
    )
    mark = mark_of(ink, both, "digit")
    yield Candidate(at - 1, at + 1, mark.box, "digit", normalise(mark.ink), log_prior(traits), traits)
