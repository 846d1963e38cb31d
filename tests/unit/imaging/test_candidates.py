"""The ways in which a page may be cut: few, and many only where there is doubt."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from digitd.imaging.candidates import Candidate, Lattice, Line, lattices
from digitd.imaging.clean import Ink, clean
from digitd.imaging.components import Part, parts_of
from digitd.imaging.cuts import seams
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.normalise import normalise
from digitd.imaging.opened import MOST_OPENED, opened
from digitd.imaging.pipeline import candidates
from digitd.imaging.segment import Layout, mark_of
from digitd.imaging.spans import MOST_CUTS, spans_of


def reaches(lattice: Lattice) -> bool:
    """Whether its candidates join its first border to its last."""
    reached = {0}
    for one in sorted(lattice.candidates, key=lambda one: one.start):
        if one.start in reached:
            reached.add(one.end)
    return lattice.length in reached


def opened_all(found: list[Lattice]) -> list[Lattice]:
    """A page's lattices with all its marks in doubt."""
    return opened(found, [range(lattice.length) for lattice in found])


def test_as_many_candidates_as_borders_are_not_certain() -> None:
    """A lattice is certain where each candidate reads one border on, not where the numbers happen to agree."""
    spans = [(0, 1), (0, 2), (2, 3)]
    found = tuple(Candidate(*span, (0, 0, 1, 1), "digit", np.zeros((28, 28), np.uint8)) for span in spans)
    assert not Lattice(3, found).certain
    assert Lattice(2, (found[0], Candidate(1, 2, (1, 0, 1, 1), "separator", None))).certain


@pytest.mark.parametrize("name", "0123457")
@pytest.mark.parametrize("side", [20, 100, 900])
def test_a_plain_digit_is_one_candidate(draw: SimpleNamespace, name: str, side: int) -> None:
    """A digit alone on a page has no competitors, and is all of the page's ink."""
    page = draw.digit(name, side)
    ink = clean(page)
    mark = mark_of(ink, parts_of(ink))
    (lattice,) = candidates(page)
    (one,) = lattice.candidates
    assert lattice.certain
    assert (one.box, one.prior) == (mark.box, 0.0)
    assert one.pixels is not None
    assert np.array_equal(one.pixels, normalise(mark.ink))


def test_digits_apart_are_certain(draw: SimpleNamespace) -> None:
    """Digits of a number that stand apart have one candidate each."""
    (lattice,) = candidates(draw.number("41025"))
    assert lattice.certain
    assert lattice.length == 5


def test_touching_digits_compete_whole_and_cut(draw: SimpleNamespace) -> None:
    """Two digits that touch are both one candidate and two, and the cut is near where they touch."""
    page = draw.stroke(draw.paper(160, 220), "3", (40, 40, 50, 80), 8)
    draw.stroke(page, "7", (82, 40, 50, 80), 8)
    draw.stroke(page, "4", (160, 40, 45, 80), 8)
    (lattice,) = opened_all(candidates(page))
    assert reaches(lattice)
    boxes = [one.box for one in lattice.candidates]
    assert any(x <= 44 and x + width >= 126 for x, _, width, _ in boxes)
    assert any(x <= 44 and abs(x + width - 84) <= 10 for x, _, width, _ in boxes)
    assert any(abs(x - 84) <= 10 and abs(x + width - 131) <= 6 for x, _, width, _ in boxes)


def test_open_zeros_that_share_a_stroke_have_the_cut_between_them(draw: SimpleNamespace) -> None:
    """Two zeros side by side, neither of them closed, can be cut in their valley."""
    page = draw.paper(160, 240)
    draw.stroke(page, "0", (40, 40, 50, 80), 7)
    draw.stroke(page, "0", (82, 40, 50, 80), 7)
    draw.stroke(page, "2", (165, 40, 50, 80), 7)
    page[36:46, 60:68] = 255
    page[36:46, 102:112] = 255
    (lattice,) = opened_all(candidates(page))
    assert any(abs(one.box[0] + one.box[2] - 88) <= 10 and one.box[0] < 46 for one in lattice.candidates)


def test_slanting_digits_are_cut_along_their_slant(draw: SimpleNamespace) -> None:
    """Two leaning strokes joined at the foot of one and the head of the other part along the lean."""
    page = draw.paper(160, 200)
    cv2.line(page, (80, 30), (50, 120), 0, 8)
    cv2.line(page, (130, 30), (100, 120), 0, 8)
    cv2.line(page, (65, 75), (115, 75), 0, 6)
    own = as_gray((page < 128).astype(np.uint8))
    own = own[27:125, 45:136]
    columns = np.arange(own.shape[1])
    lefts = [(seam, (own * (columns < seam.path[:, None])).sum() / own.sum()) for seam in seams(own, 4)]
    shares = [(seam.strokes, min(left, 1 - left)) for seam, left in lefts]
    assert any(strokes < 1.6 and share > 0.4 for strokes, share in shares)


def test_a_broken_digit_competes_joined(draw: SimpleNamespace) -> None:
    """Two narrow marks close together are also one candidate."""
    page = draw.number("2045", 60, 30)
    page[40:100, 40 + 69 * 3 + 18 : 40 + 69 * 3 + 21] = 255
    (lattice,) = opened_all(candidates(page))
    last = max(one.box[0] + one.box[2] for one in lattice.candidates)
    assert any(one.box[0] <= 40 + 69 * 3 + 4 and one.box[0] + one.box[2] == last for one in lattice.candidates)


def test_the_layout_single_has_one_candidate(draw: SimpleNamespace) -> None:
    """With layout single, or one digit expected, nothing is cut."""
    for given_ in ({"layout": "single"}, {"digits": 1}):
        (lattice,) = opened_all(candidates(draw.number("23"), **given_))
        assert len(lattice.candidates) == 1


def test_a_hostile_page_is_bounded() -> None:
    """Thousands of wide marks that touch: a hundred are opened, and each of those gives few candidates."""
    page = np.full((1600, 1600), 255, np.uint8)
    for row in range(54):
        for column in range(40):
            x, y = 20 + column * 39, 20 + row * 29
            cv2.line(page, (x, y), (x + 8, y + 18), 0, 2)
            cv2.line(page, (x + 8, y + 18), (x + 14, y), 0, 2)
            cv2.line(page, (x + 14, y), (x + 22, y + 18), 0, 2)
    whole = lattices(clean(as_gray(page)))
    found = opened_all(whole)
    marks = sum(lattice.length for lattice in whole)
    assert marks > 1000
    assert sum(lattice.length for lattice in found) - marks <= MOST_OPENED * MOST_CUTS
    # What was there comes first; what was opened has borders within.
    old = [lattice.candidates[: before.length] for lattice, before in zip(found, whole, strict=True)]
    assert 0 < sum(one.end > one.start + 1 for line in old for one in line) <= MOST_OPENED
    assert sum(len(lattice.candidates) for lattice in found) < 12_000


@settings(max_examples=120, deadline=None)
@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60)), elements=st.integers(0, 1)),
    st.sampled_from(["auto", "single", "line", "page"]),
    st.one_of(st.none(), st.integers(1, 12)),
    st.floats(1, 5),
)
def test_any_mask_has_a_path(mask: Gray, layout: Layout, digits: int | None, scale: float) -> None:
    """Whatever the ink, each line can be read from its first border to its last, and boxes lie within the page."""
    width, height = round(mask.shape[1] * scale), round(mask.shape[0] * scale)
    found = opened_all(lattices(Ink(mask * 255, mask, scale, (width, height)), layout, digits))
    assert bool(found) == bool(mask.any())
    for lattice in found:
        assert reaches(lattice)
        for one in lattice.candidates:
            x, y, w, h = one.box
            assert 0 <= x < x + w <= width
            assert 0 <= y < y + h <= height
            assert 0 <= one.start < one.end <= lattice.length
            assert any(other.end == one.start for other in lattice.candidates) or one.start == 0
            assert any(other.start == one.end for other in lattice.candidates) or one.end == lattice.length
            assert (one.pixels is None) == (one.kind == "separator")


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(np.uint8, st.tuples(st.integers(5, 90), st.integers(5, 90)), elements=st.integers(0, 1)))
def test_the_two_sides_of_a_cut_share_the_ink_out(own: Gray) -> None:
    """Whatever the ink, what begins where another candidate ends has none of its ink, and together they have it all."""
    if not own.any():
        return
    (part,) = [Part(0, 0, own.shape[1], own.shape[0], int(own.sum()), own)]
    ways = spans_of([part], [], Line(float(own.shape[0]), True, 1.0, own.shape[::-1]))
    for left in ways.spans:
        for right in ways.spans:
            if left.start == 0 and left.end == right.start and right.end == ways.pieces:
                assert left.part.area + right.part.area == own.sum()


def test_what_was_there_stays_in_its_order_and_the_new_follows(draw: SimpleNamespace) -> None:
    """Opening a mark keeps the candidates before it as they are, but for their borders: what was said of them holds."""
    page = draw.number("410")
    draw.stroke(page, "3", (40 + 69 * 3, 40, 50, 60), 6)
    (before,) = candidates(page)
    (after,) = opened([before], [{0}])
    assert len(after.candidates) > len(before.candidates)
    for old, new in zip(before.candidates, after.candidates, strict=False):
        assert (old.box, old.kind, old.pixels is new.pixels) == (new.box, new.kind, True)
    assert reaches(after)


def test_marks_that_are_not_in_doubt_are_left_alone(draw: SimpleNamespace) -> None:
    """Nothing competes with a mark that was read surely, wide or not."""
    (lattice,) = candidates(draw.number("41025"))
    assert opened([lattice], [()])[0].certain
