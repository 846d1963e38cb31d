"""Cuts between the bays of paper that reach in where two digits touch."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from digitd.imaging.bays import BOTH, ONE, between_bays
from digitd.imaging.candidates import Line
from digitd.imaging.cuts import seams
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.seams import Path, Small, swept
from digitd.imaging.spans import spans_of
from digitd.imaging.touching import piece_of


def rings(*centres: int, pen: int = 10, radius: int = 38) -> Gray:
    """Zeros whose middles lie at these columns, 1 for ink, in their tight box."""
    page = np.zeros((120, max(centres) + 100), np.uint8)
    for centre in centres:
        cv2.circle(page, (centre + 50, 60), radius, 1, pen)
    x, y, width, height = cv2.boundingRect(page)
    return as_gray(page[y : y + height, x : x + width])


def loops_of(ink: Gray) -> int:
    """How many loops the ink has."""
    paper = cv2.copyMakeBorder(as_gray(1 - ink), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    return cv2.connectedComponents(paper, connectivity=4)[0] - 2


def small(ink: Gray) -> Small:
    """Ink at the height that cuts are looked for at, 0..1."""
    width = max(1, round(ink.shape[1] * 32 / len(ink)))
    return cv2.resize(ink * np.float32(1), (width, 32), interpolation=cv2.INTER_AREA).astype(np.float32)


def found(ink: Small) -> tuple[Path, NDArray[np.float64]]:
    """The cuts between the bays of ink (H, W), and by how much each is bounded."""
    return between_bays(ink, *swept(ink))


@pytest.mark.parametrize("apart", [70, 76, 82])
def test_two_zeros_that_share_a_stroke_part_along_it(apart: int) -> None:
    """A cut leads from the bay above their common stroke to the one below, and leaves both loops whole."""
    ink = rings(0, apart)
    best = max(seams(ink, 9), key=lambda seam: seam.bays)
    assert best.bays == BOTH
    columns = np.arange(ink.shape[1])
    halves = [as_gray(ink * side) for side in (columns < best.path[:, None], columns >= best.path[:, None])]
    assert [loops_of(half) for half in halves] == [1, 1]


def test_a_zero_alone_has_no_bays() -> None:
    """There is no paper that reaches into it."""
    paths, bounded = found(small(rings(0)))
    assert paths.shape == (0, 32)
    assert not len(bounded)


def test_a_bay_on_one_side_is_followed_through_the_ink() -> None:
    """Below the bay of a U the cut goes on straight to the paper under it."""
    ink = np.zeros((60, 60), np.uint8)
    ink[:, :8] = ink[:, -8:] = ink[46:54] = 1
    ink[54:, 8:-8] = 0
    paths, bounded = found(small(as_gray(ink)))
    assert len(paths)
    assert set(bounded.tolist()) <= {BOTH, ONE}
    assert ((paths > 4) & (paths < 28)).all()


def test_hatching_has_no_bays() -> None:
    """A comb of hair lines has more bays than any digits: cuts between all of them would be thousands."""
    ink = np.zeros((32, 400), np.float32)
    ink[:, ::2] = ink[10:22] = 1
    paths, _ = found(ink)
    assert not len(paths)


def test_a_cut_counts_the_loops_that_it_opens() -> None:
    """Between two zeros none is opened; through one of them one is."""
    ink = rings(0, 82)
    part = piece_of(ink, 0, 0)
    assert part is not None
    spans = spans_of([part], [], Line(float(part.height), True, 1.0, (400, 200))).spans
    last = max(span.end for span in spans)
    whole = [
        span.traits.opened
        for span in spans
        if span.end == last and loops_of(span.part.mask) == 1 and abs(span.part.width - 86) < 6
    ]
    opening = [span.traits.opened for span in spans if span.start and span.part.width < 50]
    assert 0.0 in whole
    assert 1.0 in opening


@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(2, 32), st.integers(2, 60)),
        elements=st.floats(0, 1, width=32),
        fill=st.nothing(),
    )
)
def test_every_cut_lies_within_the_ink(ink: Small) -> None:
    """Whatever the ink, a cut has one column for each row, of those that there are."""
    paths, bounded = found(ink)
    assert paths.shape == (len(bounded), len(ink))
    assert ((paths >= 0) & (paths < ink.shape[1])).all()
