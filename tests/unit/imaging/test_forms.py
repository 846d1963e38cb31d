"""Combs and rows of boxes that are found as a whole."""

from collections.abc import Callable
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from digitd.imaging.candidates import Candidate
from digitd.imaging.clean import clean
from digitd.imaging.forms import without_forms
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.mending import with_strokes

Marks = Callable[..., list[list[Candidate]]]

STEP, TALL = 70, 50


def row(draw: SimpleNamespace, digits: str) -> Gray:
    """A row of digits clear of each other, on white."""
    page = draw.paper(220, STEP * len(digits) + 160)
    for place, digit in enumerate(digits):
        page = draw.stroke(page, digit, (80 + STEP * place + 22, 80, 28, TALL), 4)
    return as_gray(page)


def comb(shape: tuple[int, int], count: int, pen: int, tooth: int) -> Gray:
    """A mask (H, W) of a comb for so many digits, which stands clear of them; its end teeth are taller."""
    mask = np.zeros(shape, np.uint8)
    right = 80 + STEP * count
    cv2.rectangle(mask, (80, 142), (right + pen - 1, 141 + pen), 1, -1)
    for place in range(count + 1):
        x, tall = 80 + STEP * place, round(tooth * (1.4 if place in (0, count) else 1))
        cv2.rectangle(mask, (x, 142 - tall), (x + pen - 1, 142), 1, -1)
    return as_gray(mask)


def boxes(shape: tuple[int, int], count: int, pen: int, apart: int) -> Gray:
    """A mask (H, W) of a row of boxes, which stand apart."""
    mask = np.zeros(shape, np.uint8)
    for place in range(count):
        x = 80 + STEP * place
        cv2.rectangle(mask, (x, 66), (x + STEP - apart, 144), 1, pen)
    return as_gray(mask)


def turned(mask: Gray, degrees: float) -> Gray:
    """A mask (H, W) turned about its middle."""
    turn = cv2.getRotationMatrix2D((mask.shape[1] / 2, mask.shape[0] / 2), degrees, 1)
    return as_gray(cv2.warpAffine(mask, turn, mask.shape[::-1], flags=cv2.INTER_NEAREST))


@pytest.mark.parametrize("degrees", [0.0, -1.5, 4.0])
@pytest.mark.parametrize(("pen", "tooth"), [(1, 18), (2, 30), (4, 24)])
def test_a_comb_that_no_digit_touches_goes_whole(draw: SimpleNamespace, pen: int, tooth: int, degrees: float) -> None:
    """Nothing of a comb's line and teeth stays, and nothing of the digits goes."""
    digits = as_gray((row(draw, "32405") < 128).view(np.uint8))
    page = turned(as_gray(digits | comb(digits.shape, 5, pen, tooth)), degrees)
    assert np.array_equal(without_forms(page, page), turned(digits, degrees))


@pytest.mark.parametrize("apart", [0, 5, 9])
def test_a_row_of_boxes_goes_whole(draw: SimpleNamespace, apart: int) -> None:
    """Boxes that share walls, or stand so near that their walls are nearly one, leave the digits and nothing else."""
    digits = as_gray((row(draw, "32405") < 128).view(np.uint8))
    page = as_gray(digits | boxes(digits.shape, 5, 2, apart))
    assert np.array_equal(without_forms(page, page), digits)


@pytest.mark.parametrize("kind", ["comb", "boxes"])
def test_pale_print_of_which_only_pieces_are_ink_goes_too(draw: SimpleNamespace, marks: Marks, kind: str) -> None:
    """Print about as dark as the ink's threshold falls into dots and dashes, none of which is a digit."""
    page = row(draw, "32405")
    mask = comb(page.shape, 5, 3, 24) if kind == "comb" else boxes(page.shape, 5, 2, 7)
    grain = np.random.default_rng(3).normal(0, 8, page.shape)
    printed = np.where(mask > 0, 255 - 255 * 0.37 + grain, 255).clip(0, 255).astype(np.uint8)
    (line,) = marks(as_gray(np.minimum(page, printed)))
    assert len(line) == 5


def test_digits_that_cross_a_comb_keep_their_strokes(draw: SimpleNamespace) -> None:
    """What runs through a form's line stays: it is taller there than the line is thick."""
    page = row(draw, "32405")
    digits = draw.stroke(page, "1", (80 + 2 * STEP + 30, 90, 10, 80), 5)
    ink = as_gray((digits < 128).view(np.uint8))
    rest = without_forms(as_gray(ink | comb(ink.shape, 5, 2, 24)), as_gray(ink | comb(ink.shape, 5, 2, 24)))
    assert np.count_nonzero(ink > rest) == 0
    assert np.count_nonzero(rest > ink) < 40


@pytest.mark.parametrize("digits", ["111111", "77", "11", "774117", "2222"])
def test_digits_alone_are_no_form(draw: SimpleNamespace, digits: str) -> None:
    """Upright ones at equal steps have no line below them, and the bars of sevens and feet of twos are no such line."""
    page = as_gray((row(draw, digits) < 128).view(np.uint8))
    assert without_forms(page, page) is page


def test_a_page_with_digits_never_becomes_blank(draw: SimpleNamespace) -> None:
    """Whatever the print's colour is, the digits in a comb are still there when it is gone."""
    digits = row(draw, "20714")
    for level in range(40, 250, 30):
        page = np.where(comb(digits.shape, 5, 2, 26) > 0, np.minimum(digits, level), digits)
        written = clean(as_gray(page)).mask
        assert np.count_nonzero(written[(digits < 128)]) > 0.97 * np.count_nonzero(digits < 128)


def test_a_dark_stroke_that_went_with_a_pale_line_comes_back() -> None:
    """Of what was taken, what is as dark as the pen is its stroke; a dark spot in the print by itself is none."""
    darker = np.zeros((60, 100), np.uint8)
    darker[30:33] = 80
    darker[10:50, 40:45] = 200
    darker[30:33, 70:72] = 200
    mask = as_gray((darker > 0).astype(np.uint8))
    written = mask.copy()
    written[30:33] = 0
    back = with_strokes(written, mask, as_gray(darker))
    expected = np.zeros_like(mask)
    expected[10:50, 40:45] = 1
    assert np.array_equal(back, expected)


def test_print_as_dark_as_the_pen_gives_nothing_back() -> None:
    """Where pen and print are equally dark, darkness does not tell them, and what was taken stays away."""
    darker = np.zeros((60, 100), np.uint8)
    darker[30:33] = 180
    darker[10:50, 40:45] = 200
    mask = as_gray((darker > 0).astype(np.uint8))
    written = mask.copy()
    written[30:33] = 0
    assert with_strokes(written, mask, as_gray(darker)) is written


@pytest.mark.parametrize(("step", "pen"), [(17, 3), (20, 2), (20, 3)])
def test_a_row_of_noughts_is_no_comb(step: int, pen: int) -> None:
    """Noughts that touch each other at equal steps, not quite on one line, are no form: their feet are no line."""
    mask = np.zeros((110, 160), np.uint8)
    for place, off in enumerate((2, -3, 1, 4, -2, 3)):
        cv2.ellipse(mask, (25 + step * place, 60 + off), (10, 16), 0, 0, 360, 1, pen)
    assert np.array_equal(without_forms(as_gray(mask), as_gray(mask)), mask)
