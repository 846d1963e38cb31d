"""Little ink on a large page is ink all the same, and dust and noise are not."""

import cv2
import numpy as np
import pytest

from digitd.errors import TooManyMarksError
from digitd.imaging.candidates import lattices
from digitd.imaging.clean import clean
from digitd.imaging.gray import Gray, as_gray

RNG = np.random.default_rng


def sheet(height: int = 3508, width: int = 2480, noise: float = 0.0) -> Gray:
    """White paper with nothing on it."""
    grain = RNG(3).normal(0, noise, (height, width)) if noise else 0.0
    return as_gray(np.clip(np.full((height, width), 244.0) + grain, 0, 255).astype(np.uint8))


def seven(page: Gray, size: int, pen: int) -> None:
    """A 7 of `size` px, written into the page with a pen of `pen` px."""
    y, x = 900, 700
    points = np.array(((x, y), (x + size * 2 // 3, y), (x + size // 4, y + size)), np.int32)
    cv2.polylines(page, [points], False, 40, pen, cv2.LINE_AA)


@pytest.mark.parametrize("noise", [0.0, 3.0])
@pytest.mark.parametrize(("size", "pen"), [(236, 6), (118, 10), (95, 5), (60, 4)])
def test_a_lone_digit_on_a_sheet_is_found(size: int, pen: int, noise: float) -> None:
    """5 to 20 mm at 300 dpi, written with a thin pen: one mark, whole, though hardly any of the page is ink."""
    page = sheet(noise=noise)
    seven(page, size, pen)
    ink = clean(page)
    (line,) = lattices(ink)
    ((_, top, _, height),) = [one.box for one in line.candidates]
    assert abs(top - 900) < 12
    assert abs(height - size) < 24


@pytest.mark.parametrize("noise", [0.0, 2.0, 6.0])
def test_bare_paper_has_no_ink(noise: float) -> None:
    """Whatever its grain."""
    assert not clean(sheet(1600, 1100, noise)).mask.any()


def test_dust_is_no_ink() -> None:
    """Twenty specks of 4 to 9 px, as dark as ink, round or nearly: what lies on the glass is not written."""
    page = sheet()
    for x, y, radius in zip(
        *(RNG(5).integers(low, high, 20) for low, high in ((9, 2400), (9, 3400), (2, 5))), strict=True
    ):
        cv2.circle(page, (int(x), int(y)), int(radius), 60, -1)
    assert not clean(page).mask.any()


def test_a_page_full_of_small_marks_is_not_blank() -> None:
    """9,801 blots of 8 px are no dust: there are too many marks, and the page says so."""
    page = sheet(2000, 2000)
    for y in range(10, 1990, 20):
        for x in range(10, 1990, 20):
            page[y : y + 8, x : x + 8] = 0
    with pytest.raises(TooManyMarksError):
        lattices(clean(page))
