"""Pages with thousands of marks: what they cost, and that what makes it short changes nothing."""

import sys
from statistics import median
from types import FrameType
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitd.imaging import frames, spans
from digitd.imaging.candidates import Uncut, lattices
from digitd.imaging.clean import Ink
from digitd.imaging.components import Part
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.labels import labelled
from digitd.imaging.medians import median_of_others
from digitd.imaging.opened import LONGEST_ROW, MOST_WIDTH, opened
from digitd.imaging.pipeline import candidates
from digitd.imaging.seams import Path
from digitd.imaging.touching import extent_of

if TYPE_CHECKING:
    from _typeshed import TraceFunction


def strokes(rows: int, columns: int) -> Ink:
    """Ink with so many short strokes, a little uneven."""
    random = np.random.default_rng(1)
    mask = np.zeros((40 + rows * 29, 40 + columns * 29), np.uint8)
    for row in range(rows):
        for column in range(columns):
            x, y = 20 + column * 29, 20 + row * 29 + int(random.integers(0, 9))
            cv2.line(mask, (x, y), (x + int(random.integers(0, 6)), y + 14 + int(random.integers(0, 9))), 1, 3)
    return Ink(as_gray(mask * 255), as_gray(mask), 1.0, mask.shape[::-1])


def work_of_a_mark(ink: Ink) -> float:
    """How many of Python's instructions are carried out for each mark until the lattices are there: no clock tells."""
    done = 0

    def trace(frame: FrameType, event: str, _: object) -> "TraceFunction":
        nonlocal done
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        done += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        found = lattices(ink)
    finally:
        sys.settrace(before)
    return done / sum(lattice.length for lattice in found)


@pytest.mark.parametrize(("few", "many"), [((9, 9), (30, 30)), ((1, 81), (1, 900)), ((81, 1), (900, 1))])
def test_what_many_marks_cost_grows_with_their_number(few: tuple[int, int], many: tuple[int, int]) -> None:
    """Ten times the marks of a page, of one line or of a column, are not a hundred times the work: each costs less than
    twice."""
    assert work_of_a_mark(strokes(*many)) < 2 * work_of_a_mark(strokes(*few))


def test_a_page_of_marks_keeps_them() -> None:
    """Thousands of strokes are thousands of marks."""
    page = np.where(strokes(54, 54).mask > 0, 0, 255).astype(np.uint8)
    assert sum(lattice.length for lattice in candidates(as_gray(page))) > 2000


def zigzags(rows: int, wide: int) -> Ink:
    """Ink with so many zigzags across each row of 1,600 px, each a thousand bays and valleys."""
    random = np.random.default_rng(0)
    mask = np.zeros((40 + rows * 60, 1600), np.uint8)
    for row in range(rows):
        for left in range(20, 1580 - wide, wide + 30):
            x = np.arange(left, left + wide, 10)
            y = 20 + row * 60 + np.where(np.arange(len(x)) % 2, 0, 40) + random.integers(-2, 3, len(x))
            cv2.polylines(mask, [np.stack((x, y), 1).astype(np.int32)], False, 1, 2)
    return Ink(as_gray(mask * 255), as_gray(mask), 1.0, mask.shape[::-1])


def rings(step: int) -> Gray:
    """A mask of rings within rings."""
    mask = np.zeros((800, 800), np.uint8)
    for radius in range(10, 390, step):
        cv2.circle(mask, (400, 400), radius, 1, 1)
    return as_gray(mask)


@pytest.mark.parametrize("wide", [100, 300, 1500])
def test_a_page_of_zigzags_costs_no_more_than_one_of_digits(wide: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zigzags have as many places to be cut as they are long: what is looked at is bounded for a page, and most pairs
    of cuts are too far apart for one digit, and are not looked at."""
    page = lattices(zigzags(30, wide))
    looked = 0
    between = spans._between

    def counted(own: Gray, first: Path, last: Path, left: int, top: int) -> Part | None:
        nonlocal looked
        looked += 1
        return between(own, first, last, left, top)

    monkeypatch.setattr(spans, "_between", counted)
    more = opened(page, [{number for number, _ in lattice.uncut} for lattice in page])
    assert looked <= 150 * MOST_WIDTH
    widths = [width_of(mark) for lattice in page for _, mark in lattice.uncut]
    assert (looked > 0) == (min(widths) <= LONGEST_ROW)
    assert sum(len(lattice.candidates) for lattice in more) <= looked + sum(len(one.candidates) for one in page)


def width_of(mark: Uncut) -> float:
    """How many times a mark is as wide as tall."""
    width, height = extent_of(mark.group)
    return width / height


@pytest.mark.parametrize("step", [4, 12])
def test_rings_within_rings_cost_no_more_than_a_form(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The boxes that are searched for a form's lines have together a few times the page's area, however many there
    are, of which each surrounds the next."""
    mask = rings(step)
    area = 0
    form = frames._form

    def counted(own: Gray, written: Gray, slope: float, surrounds: bool) -> Gray | None:
        nonlocal area
        area += own.size
        return form(own, written, slope, surrounds)

    monkeypatch.setattr(frames, "_form", counted)
    frames.without_frames(mask, labelled(mask))
    # Each box is searched level, and at its own slope.
    assert 0 < area <= 2 * frames.MOST_AREA * mask.size


@given(st.lists(st.integers(1, 12), min_size=1, max_size=20), st.data())
def test_the_median_of_others_is_theirs(values: list[int], data: st.DataObject) -> None:
    """One sorting gives what sorting the others each time does."""
    own = data.draw(st.sampled_from(values))
    ordered = sorted(values)
    least = data.draw(st.integers(0, 13))
    start = sum(value < least for value in values)
    others = list(values)
    others.remove(own)
    wanted = [value for value in others if value >= least]
    assert median_of_others(ordered, own, start) == (median(wanted) if wanted else None)
