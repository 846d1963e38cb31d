"""limits.marks: a page with more marks than that is no page of digits."""

import numpy as np
import pytest

from digitd.errors import TooManyMarksError
from digitd.imaging.clean import Ink
from digitd.imaging.components import MOST_MARKS, parts_of
from digitd.imaging.decode import Limits
from digitd.imaging.gray import as_gray
from digitd.settings import Settings


def dotted(count: int, side: int, gap: int = 4) -> Ink:
    """Ink with so many squares."""
    across = 100
    mask = np.zeros((-(-count // across) * (side + gap) + 40, across * (side + gap) + 40), np.uint8)
    for number in range(count):
        row, column = divmod(number, across)
        y, x = 20 + row * (side + gap), 20 + column * (side + gap)
        mask[y : y + side, x : x + side] = 1
    return Ink(as_gray(mask * 255), as_gray(mask), 1.0, mask.shape[::-1])


def test_a_page_may_have_as_many_marks_as_the_limit_and_no_more() -> None:
    """One mark more than allowed fails, with cause and remedy."""
    assert len(parts_of(dotted(40, 12), most=40)) == 40
    with pytest.raises(TooManyMarksError, match=r"41 marks, and 40 are allowed\. .*limits\.marks"):
        parts_of(dotted(41, 12), most=40)


def test_specks_are_no_marks() -> None:
    """Dust does not count, however much there is."""
    ink = dotted(6000, 2)
    ink.mask[25:85, 30:70] = 1
    assert len(parts_of(ink)) == 1


def test_the_limit_is_the_same_everywhere() -> None:
    """The settings' default, the decoder's and that of parts_of are one number."""
    assert Settings().limits.marks == Limits(1, 1, 1).marks == MOST_MARKS
