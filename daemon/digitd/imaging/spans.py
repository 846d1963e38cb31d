"""One part's ways to be cut: every run of ink between two of its candidate cuts that may be a digit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.candidates import Line
from digitd.imaging.components import Part
from digitd.imaging.cuts import seams
from digitd.imaging.gray import Gray
from digitd.imaging.lines import Group
from digitd.imaging.priors import ROOM_FOR_TWO, Traits, by_size, log_prior
from digitd.imaging.seams import Path, Seam, same, straight
from digitd.imaging.touching import canvas, extent_of, piece_of

CUTS, MOST_CUTS = 9, 48
"""Cuts looked at for each digit's width of a part, and at most for one part."""
LONGEST = 1.5
"""What lies between two cuts is a candidate up to this width, of the height."""
LEAST_PRIOR = -9.0
"""What shape speaks against by more need not be asked of the recogniser."""
CROSSED = 0.03
"""Cuts that cross bound no piece: they would share more than this of the part's ink."""
SPECK = 0.006
"""Paper within ink that is smaller than this, of the height squared, is no loop: dirt, or where two strokes cross."""


@dataclass(frozen=True)
class Span:
    """What lies between the borders `start` and `end` of a part, and what its shape says."""

    start: int
    end: int
    part: Part
    prior: float
    traits: Traits


@dataclass(frozen=True)
class Ways:
    """How a part may be cut: into so many pieces at most, and all runs of them that may be one digit, but the whole."""

    pieces: int
    spans: Sequence[Span]


def spans_of(group: Group, ruled: Sequence[int], line: Line) -> Ways:
    """The ways to cut a mark: those that shape alone makes, before the columns `ruled`, and others."""
    own, left, top = canvas(group)
    width, height = extent_of(group)
    certain = [straight(own, column) for column in ruled]
    most = min(MOST_CUTS, max(CUTS, round(CUTS * width / max(1.0, line.tall))))
    others = [seam for seam in seams(own, most) if not any(same(seam, one) for one in certain)]
    cuts = sorted(certain + others, key=lambda seam: float(seam.path.mean()))
    edges: list[Path] = [np.zeros(height, np.int64), *(cut.path for cut in cuts), np.full(height, width, np.int64)]
    loops = _loops(own)
    slim = max(0.0, ROOM_FOR_TWO - width / line.tall)
    last = len(edges) - 1
    borders = {0, last} | {number for number, cut in enumerate(cuts, 1) if any(cut is one for one in certain)}
    # What shape alone would make of it is always among the candidates.
    asked = set(pairwise(sorted(borders)))
    narrowest = _narrowest(own, edges)
    found: list[Span] = []
    for start in range(last):
        cut = _of_cut(cuts[start - 1], start in borders, slim, loops) if start else {}
        widest = LONGEST * max(line.tall, height)
        for end in range(start + 1, last + 1):
            needed = (start, end) in asked
            # Most pairs lie too far apart: no ink is looked at for those.
            if (start, end) == (0, last) or (narrowest(start, end) > widest and not needed):
                continue
            part = _between(own, edges[start], edges[end], left, top)
            if part is None:
                continue
            extent = extent_of([part])
            if extent[0] > LONGEST * max(line.tall, extent[1]) and not needed:
                continue
            traits = Traits(**cut, **by_size(extent, line.tall))
            prior = log_prior(traits)
            if prior >= LEAST_PRIOR or needed:
                found.append(Span(start, end, part, prior, traits))
    return Ways(last, _leading(found, last))


def _narrowest(own: Gray, edges: Sequence[Path]) -> Callable[[int, int], int]:
    """For two edges' numbers the least width that their ink can have: that which lies between them on every row."""
    inked, every = own.any(0), np.arange(own.shape[1] + 1)
    padded = np.append(inked, True)
    after = np.minimum.accumulate(np.where(padded, every, own.shape[1])[::-1])[::-1].tolist()
    before = np.maximum.accumulate(np.where(np.insert(inked, 0, True), every, 0)).tolist()
    sides = [(int(edge.min()), int(edge.max())) for edge in edges]
    return lambda start, end: before[sides[end][0]] - after[sides[start][1]]


def _of_cut(cut: Seam, asked: bool, slim: float, loops: NDArray[np.int32]) -> dict[str, float]:
    return {
        "cut": 1.0,
        "ruled": float(asked),
        "extent": cut.extent,
        "runs": max(0.0, cut.runs - 1.0),
        "slim": slim,
        "bays": cut.bays,
        "opened": float(np.count_nonzero(np.unique(loops[np.arange(len(loops)), cut.path]))),
    }


def _loops(own: Gray) -> NDArray[np.int32]:
    """For each pixel the number of the loop that it lies in, 0 where it lies in none."""
    paper = cv2.copyMakeBorder(1 - own, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(paper, connectivity=4)
    specks = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] < SPECK * len(own) ** 2)
    labels[np.isin(labels, [*specks, labels[0, 0]])] = 0
    return np.asarray(labels[1:-1, 1:-1], np.int32)


def _between(own: Gray, first: Path, last: Path, left: int, top: int) -> Part | None:
    """The ink between two cuts; None where there is none, or the cuts cross within the ink."""
    if (first > last).any():
        crossed = _within(own, last, first)
        if crossed is not None and int(crossed[0].sum()) > CROSSED * int(own.sum()):
            return None
    inside = _within(own, first, last)
    return None if inside is None else piece_of(inside[0], left + inside[1], top)


def _within(own: Gray, first: Path, last: Path) -> tuple[NDArray[np.uint8], int] | None:
    """Those columns of the ink that a row may have from `first` on and before `last`, without what lies outside, and
    where they begin; None where there are none. No more is touched than they: the ink may be far wider."""
    start, end = int(first.min()), int(last.max())
    if end <= start:
        return None
    columns = np.arange(start, end)
    inside = (columns >= first[:, None]) & (columns < last[:, None])
    return own[:, start:end] * inside.astype(np.uint8), start


def _leading(spans: Sequence[Span], last: int) -> list[Span]:
    """Those that some path leads through: the others would be asked about in vain."""
    begun, ended = {0}, {last}
    for span in sorted(spans, key=lambda span: span.start):
        if span.start in begun:
            begun.add(span.end)
    for span in sorted(spans, key=lambda span: -span.end):
        if span.end in ended:
            ended.add(span.start)
    return [span for span in spans if span.start in begun and span.end in ended]
