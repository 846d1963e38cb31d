"""Pages with thousands of marks: how long they take, and that what makes it short changes nothing."""

import time
from statistics import median

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digitd.imaging.clean import clean
from digitd.imaging.gray import as_gray
from digitd.imaging.medians import median_of_others
from digitd.imaging.segment import segment


def test_three_thousand_marks_take_a_moment() -> None:
    """What a page of strokes costs grows with their number, not with its square: seconds before, 0.3 s now."""
    random = np.random.default_rng(1)
    page = np.full((1600, 1600), 255, np.uint8)
    for number in range(2916):
        row, column = divmod(number, 54)
        x, y = 20 + column * 29, 20 + row * 29 + int(random.integers(0, 9))
        cv2.line(page, (x, y), (x + int(random.integers(0, 6)), y + 14 + int(random.integers(0, 9))), 0, 3)
    ink = clean(as_gray(page))
    begun = time.process_time()
    lines = segment(ink)
    took = time.process_time() - begun
    assert sum(map(len, lines)) > 2000
    assert took < 2


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
