"""Printed boxes around digits."""

from collections.abc import Callable
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from digitd.imaging.candidates import Candidate
from digitd.imaging.frames import without_frames
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.labels import labelled
from digitd.imaging.underlines import without_underlines

Marks = Callable[..., list[list[Candidate]]]


def form(draw: SimpleNamespace, digits: str, side: int, pen: int) -> Gray:
    """A page with a printed box for each digit."""
    page = draw.paper(side + 80, side * len(digits) + 80)
    for number, digit in enumerate(digits):
        x = 40 + side * number
        cv2.rectangle(page, (x, 40), (x + side, 40 + side), 90, pen)
        page = draw.stroke(page, digit, (x + side // 3, 40 + side // 5, side // 3, 3 * side // 5), max(3, side // 14))
    return as_gray(page)


@pytest.mark.parametrize(("side", "pen"), [(60, 1), (74, 2), (120, 4)])
@pytest.mark.parametrize("digits", ["3", "20", "324057"])
def test_a_box_around_each_digit_is_no_digit(
    draw: SimpleNamespace, marks: Marks, digits: str, side: int, pen: int
) -> None:
    """A form's boxes go, whole: neither their walls nor their bars are left as ones or dashes."""
    (line,) = marks(form(draw, digits, side, pen))
    assert len(line) == len(digits)
    for number, cut in enumerate(line):
        x, y, width, height = cut.box
        assert 40 + side * number < x < x + width < 40 + side * (number + 1)
        assert 40 < y < y + height < 40 + side


def test_a_form_that_lies_a_little_askew_loses_its_boxes_too(draw: SimpleNamespace, marks: Marks) -> None:
    """Lines that slope by a degree and a half are straight enough."""
    page = form(draw, "324057", 90, 2)
    height, width = page.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 1.5, 0.95)
    askew = cv2.warpAffine(page, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    (line,) = marks(as_gray(askew))
    assert len(line) == 6


def test_a_zero_with_a_stroke_in_it_is_no_box() -> None:
    """A zero that people mark with a stroke or a dot inside is curved, and stays."""
    for inside in ("stroke", "dot"):
        mask = np.zeros((120, 90), np.uint8)
        cv2.ellipse(mask, (45, 60), (30, 48), 0, 0, 360, 1, 6)
        if inside == "stroke":
            cv2.line(mask, (38, 80), (52, 40), 1, 5)
        else:
            cv2.circle(mask, (45, 60), 14, 1, -1)
        assert np.array_equal(without_frames(as_gray(mask), labelled(as_gray(mask))), mask)


def test_an_empty_box_stays() -> None:
    """A box with nothing in it may be somebody's angular zero."""
    mask = np.zeros((120, 90), np.uint8)
    cv2.rectangle(mask, (20, 20), (70, 100), 1, 5)
    cv2.circle(mask, (45, 60), 3, 1, -1)
    assert np.array_equal(without_frames(as_gray(mask), labelled(as_gray(mask))), mask)


def test_a_digit_that_crosses_its_box_keeps_its_strokes(draw: SimpleNamespace) -> None:
    """A 3 that runs through the bottom of its box is left whole where the line was taken out."""
    page = form(draw, "324", 90, 2)
    page[130:, 50:] = 255
    cv2.line(page, (40, 130), (310, 130), 90, 2)
    plain = draw.stroke(draw.paper(*page.shape), "5", (150, 75, 40, 64), 6)
    page = as_gray(np.minimum(page, plain))
    mask = (page < 128).astype(np.uint8)
    rest = without_frames(as_gray(mask), labelled(as_gray(mask)))
    own = plain < 128
    assert rest[own].mean() > 0.97
    assert labelled(as_gray(rest[70:150, 140:200])).boxes[:, 4].max() > 0.9 * own.sum()


@pytest.mark.parametrize("degrees", [-10, -5, 4, 9])
def test_boxes_may_lie_ten_degrees_askew(draw: SimpleNamespace, marks: Marks, degrees: float) -> None:
    """A form that was laid on the glass askew loses its boxes, and the digits stay where they are."""
    page = cv2.copyMakeBorder(form(draw, "32405", 90, 2), 60, 60, 20, 20, cv2.BORDER_CONSTANT, value=255)
    height, width = page.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 0.95)
    askew = cv2.warpAffine(page, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    (line,) = marks(as_gray(askew))
    assert len(line) == 5


def comb(draw: SimpleNamespace, digits: str, ends: bool) -> Gray:
    """A line with ticks between the digits above it, and walls at both ends or a tick."""
    page = draw.paper(170, 70 * len(digits) + 80)
    cv2.line(page, (40, 130), (40 + 70 * len(digits), 130), 90, 2)
    for number in range(len(digits) + 1):
        short = 0 < number < len(digits) or not ends
        cv2.line(page, (40 + 70 * number, 100 if short else 40), (40 + 70 * number, 130), 90, 2)
    for number, digit in enumerate(digits):
        page = draw.stroke(page, digit, (60 + 70 * number, 52, 32, 60), 5)
    return as_gray(page)


def test_a_comb_goes_with_its_ticks(draw: SimpleNamespace, marks: Marks) -> None:
    """Neither the ticks of a comb nor the walls at its ends are ones, and real ones beside them stay."""
    (line,) = marks(comb(draw, "3114", ends=True))
    assert len(line) == 4
    assert all(45 < cut.box[1] < 60 for cut in line)


def test_an_angular_six_beside_nothing_is_no_box() -> None:
    """A 6 of straight strokes has walls and bars, but none that makes a box of the whole: it stays."""
    mask = np.zeros((120, 90), np.uint8)
    six = np.array([(70, 15), (25, 15), (22, 60), (22, 100), (65, 100), (65, 58), (24, 52)])
    cv2.polylines(mask, [six], False, 1, 5)
    assert np.array_equal(without_frames(as_gray(mask), labelled(as_gray(mask))), mask)


@pytest.mark.parametrize("degrees", [0, 4])
def test_a_table_of_many_rows_goes(draw: SimpleNamespace, degrees: float) -> None:
    """What a table's cells hold is small beside the table, and written all the same."""
    page = draw.paper(860, 640)
    for y in range(30, 860, 80):
        cv2.line(page, (30, y), (606, y), 90, 2)
    for x in range(30, 640, 96):
        cv2.line(page, (x, 30), (x, 830), 90, 2)
    for row in range(10):
        for column in range(6):
            draw.stroke(page, "2357"[(row + column) % 4], (62 + 96 * column, 52 + 80 * row, 30, 40), 4)
    turn = cv2.getRotationMatrix2D((320, 430), degrees, 0.95)
    askew = cv2.warpAffine(page, turn, (640, 860), borderMode=cv2.BORDER_REPLICATE)
    mask = as_gray((askew < 150).astype(np.uint8))
    rest = without_frames(mask, labelled(mask))
    heights = labelled(rest).boxes[:, 3]
    assert np.count_nonzero(heights > 25) == 60
    assert heights.max() < 60


@pytest.mark.parametrize("degrees", [0, 6])
def test_a_line_that_digits_stand_on_goes(draw: SimpleNamespace, marks: Marks, degrees: float) -> None:
    """What joins digits to each other is the line below them, where it is longer than they are on both sides."""
    page = draw.number("3405", margin=60)
    cv2.line(page, (35, 116), (page.shape[1] - 35, 116), 90, 2)
    turn = cv2.getRotationMatrix2D((page.shape[1] / 2, page.shape[0] / 2), degrees, 1)
    askew = cv2.warpAffine(page, turn, page.shape[::-1], borderValue=255)
    (line,) = marks(as_gray(askew))
    assert len(line) == 4


def test_the_foot_of_a_digit_is_no_line_to_write_on() -> None:
    """A wide 2 whose foot runs on to the right keeps it."""
    mask = np.zeros((80, 200), np.uint8)
    two = np.array([(25, 25), (40, 12), (55, 25), (22, 65), (180, 65)])
    cv2.polylines(mask, [two], False, 1, 4)
    assert np.array_equal(without_underlines(as_gray(mask), labelled(as_gray(mask))), mask)
