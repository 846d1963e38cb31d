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

from digitd.imaging.candidates import lattices
from digitd.imaging.clean import Ink
from digitd.imaging.gray import as_gray
from digitd.imaging.medians import median_of_others
from digitd.imaging.pipeline import candidates

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


@pytest.mark.parametrize(("few", "many"), [((9, 9), (30, 30)), ((1, 81), (1, 900))])
def test_what_many_marks_cost_grows_with_their_number(few: tuple[int, int], many: tuple[int, int]) -> None:
    """Ten times the marks of a page, or of one line, are not a hundred times the work: each costs less than twice."""
    assert work_of_a_mark(strokes(*many)) < 2 * work_of_a_mark(strokes(*few))


def test_a_page_of_marks_keeps_them() -> None:
    """Thousands of strokes are thousands of marks."""
    page = np.where(strokes(54, 54).mask > 0, 0, 255).astype(np.uint8)
    assert sum(lattice.length for lattice in candidates(as_gray(page))) > 2000


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
