"""Printed boxes around digits."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from digitd.imaging.frames import without_frames
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.labels import labelled
from digitd.imaging.pipeline import glyphs


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
def test_a_box_around_each_digit_is_no_digit(draw: SimpleNamespace, digits: str, side: int, pen: int) -> None:
    """A form's boxes go, whole: neither their walls nor their bars are left as ones or dashes."""
    (line,) = glyphs(form(draw, digits, side, pen))
    assert len(line) == len(digits)
    for number, cut in enumerate(line):
        x, y, width, height = cut.box
        assert 40 + side * number < x < x + width < 40 + side * (number + 1)
        assert 40 < y < y + height < 40 + side


def test_a_form_that_lies_a_little_askew_loses_its_boxes_too(draw: SimpleNamespace) -> None:
    """Lines that slope by a degree and a half are straight enough."""
    page = form(draw, "324057", 90, 2)
    height, width = page.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 1.5, 0.95)
    askew = cv2.warpAffine(page, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    (line,) = glyphs(as_gray(askew))
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
