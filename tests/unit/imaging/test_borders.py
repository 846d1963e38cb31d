"""What lies along a page's edge: borders and tables go, digits of a page that was cut close to them stay."""

import cv2
import numpy as np
import pytest

from digitd.imaging.borders import is_digit
from digitd.imaging.clean import clean
from digitd.imaging.components import parts_of
from digitd.imaging.gray import Gray, as_gray


def three_zeros(margin: int) -> Gray:
    """Three 0s of 80 px beside each other, so far from the page's edges."""
    page = np.full((80 + 2 * margin, 184 + 2 * margin), 255, np.uint8)
    for x in (24, 92, 160):
        cv2.ellipse(page, (margin + x, margin + 40), (20, 36), 0, 0, 360, 20, 8)
    return as_gray(page)


@pytest.mark.parametrize("margin", [0, 1, 2, 3, 20])
def test_digits_along_the_edge_of_a_page_cut_close_to_them_stay(margin: int) -> None:
    """However close to its ink a number was cut, it has all its digits."""
    page = three_zeros(margin)
    assert len(parts_of(clean(page))) == 3


@pytest.mark.parametrize(("usual", "stays"), [(78, True), (70, False), (50, False)])
def test_a_full_stroke_along_the_edge_of_a_page_cut_close_is_a_1(usual: int, stays: bool) -> None:
    """A full bar at the edge of a page of 80 px is a 1 only beside digits that take up all of the page's height."""
    bar = as_gray(np.ones((80, 9), np.uint8))
    assert is_digit(bar, (0, 0, 9, 80), (80, 240), usual) is stays


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("thick", [4, 12, 40])
def test_a_full_bar_along_the_edge_is_a_border_where_digits_stand_clear(turns: int, thick: int) -> None:
    """Of a scanner's border nothing is left, however thick it is and whichever edge it lies along."""
    page = np.rot90(np.pad(three_zeros(60), 0), turns).copy()
    page[:thick] = 20
    assert len(parts_of(clean(as_gray(np.ascontiguousarray(np.rot90(page, -turns)))))) == 3
