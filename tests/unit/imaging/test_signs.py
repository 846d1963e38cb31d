"""What stands between digits, before them and through them is no digit, and is never passed over unseen."""

import cv2
import numpy as np
import pytest

from cases import file_of
from cases.ink import Image, Ink, add_ink, digits, image_of, inked, large_digit, sized
from digitd.recognition.reader import Reader, ScanInput
from digitd.results import Outcome

HEIGHT, FOOT = 64, 120


def written(text: str, heights: dict[int, int] | None = None) -> Ink:
    """Ink (200, W) with digits of the fixture 94 px apart, the first at x = 90; some of other heights, by place."""
    ink = np.zeros((200, 110 + 94 * len(text)), np.float32)
    for place, name in enumerate(text):
        # Each digit's second picture, which are read surely: what is in doubt then is the sign.
        second = [at for at, label in enumerate(digits()[1]) if label == int(name)][1]
        glyph = sized(large_digit(second), (heights or {}).get(place, HEIGHT))
        add_ink(ink, glyph, 90 + 94 * place, FOOT - glyph.shape[0])
    return ink


def page_of(ink: Ink, *strokes: tuple[tuple[int, int], tuple[int, int]], pen: int = 5) -> Image:
    """Ink with straight strokes in it, on white paper."""
    more = np.zeros(ink.shape, np.uint8)
    for start, end in strokes:
        cv2.line(more, start, end, 255, pen, cv2.LINE_AA)
    return image_of(inked(np.full(ink.shape, 235, np.float32), np.maximum(ink, (more / 255).astype(np.float32))))


def read(reader: Reader, page: Image) -> Outcome:
    """What is made of a page."""
    return reader.read([ScanInput("page", file_of(page))])[0]


@pytest.mark.parametrize("long", [16, 22, 28])
def test_a_long_decimal_comma_is_no_1(reader: Reader, long: int) -> None:
    """A stroke that hangs below the line between two digits is a comma, however long it is below half a digit."""
    outcome = read(reader, page_of(written("4250"), ((262, FOOT - 2), (256, FOOT - 2 + long))))
    assert (outcome.text, outcome.status) == ("4250", "accepted")


def test_an_apostrophe_is_no_1(reader: Reader) -> None:
    """A stroke at the digits' tops between two of them parts thousands."""
    outcome = read(reader, page_of(written("4250"), ((168, FOOT - 76), (164, FOOT - 58))))
    assert (outcome.text, outcome.status) == ("4250", "accepted")


def test_a_stroke_that_may_be_a_comma_or_a_1_is_reviewed(reader: Reader) -> None:
    """Less than half as tall as the digits, and on their line, it may be either."""
    outcome = read(reader, page_of(written("4250"), ((258, FOOT - 26), (256, FOOT - 2))))
    assert outcome.status == "review"


@pytest.mark.parametrize("height", [18, 28])
def test_a_small_digit_within_a_row_is_read(reader: Reader, height: int) -> None:
    """A digit a quarter as tall as the others is no dot."""
    outcome = read(reader, page_of(written("6283", {1: height}), pen=3))
    assert outcome.text == "6283"


@pytest.mark.parametrize(
    "stroke",
    [((248, FOOT + 20), (282, FOOT - 95)), ((266, FOOT + 16), (266, FOOT - 84))],
    ids=["slash", "bar"],
)
def test_a_stroke_taller_than_all_beside_it_is_no_sure_1(
    reader: Reader, stroke: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    """A slash or a bar between two digits is none, or a person looks."""
    outcome = read(reader, page_of(written("4752"), stroke))
    assert outcome.text == "4752" or outcome.status == "review"


def test_a_number_struck_out_is_reviewed(reader: Reader) -> None:
    """A line through the middle of all digits that ends beside them crosses them out; one at their feet does not."""
    struck = ((70, FOOT - 34), (445, FOOT - 30))
    assert read(reader, page_of(written("7532"), struck)).status == "review"
    assert read(reader, page_of(written("7532"), ((70, FOOT - 1), (445, FOOT + 1)), pen=3)).text == "7532"


def test_a_minus_is_reviewed_and_a_dash_is_not(reader: Reader) -> None:
    """A dash before the first digit changes the number, which no digit can say; one between digits parts them."""
    minus = read(reader, page_of(written("4752"), ((30, FOOT - 32), (66, FOOT - 32))))
    dash = read(reader, page_of(written("4752"), ((252, FOOT - 32), (276, FOOT - 32))))
    assert minus.status == "review"
    assert (dash.text, dash.status) == ("4752", "accepted")
