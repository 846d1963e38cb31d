"""One part's ways to be cut: every run of ink between two of its candidate cuts that may be a digit."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    found: list[Span] = []
    for start in range(last):
        cut = _of_cut(cuts[start - 1], start in borders, slim, loops) if start else {}
        for end in range(start + 1, last + 1):
            if (start, end) == (0, last):
                continue
            part = _between(own, edges[start], edges[end], left, top)
            if part is None:
                continue
            # What shape alone would make of it is always among the candidates.
            asked = start in borders and end in borders and not any(start < border < end for border in borders)
            extent = extent_of([part])
            if extent[0] > LONGEST * max(line.tall, extent[1]) and not asked:
                continue
            traits = Traits(**cut, scraps=_scraps(part), **by_size(extent, line.tall))
            prior = log_prior(traits)
            if prior >= LEAST_PRIOR or asked:
                found.append(Span(start, end, part, prior, traits))
    return Ways(last, _leading(found, last))


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


def _scraps(part: Part) -> float:
    """The share of its ink outside its largest piece."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(part.mask, connectivity=8)
    return 0.0 if count <= 2 else 1.0 - float(stats[1:, cv2.CC_STAT_AREA].max()) / part.area


def _between(own: Gray, first: Path, last: Path, left: int, top: int) -> Part | None:
    """The ink between two cuts; None where there is none, or the cuts cross within the ink."""
    columns = np.arange(own.shape[1])
    behind, before = columns >= first[:, None], columns < last[:, None]
    if (first > last).any() and int((own & ~behind & ~before).sum()) > CROSSED * int(own.sum()):
        return None
    return piece_of(own * (behind & before).astype(np.uint8), left, top)


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
