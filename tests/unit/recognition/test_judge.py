"""A page's candidates and what is said of them become its glyphs."""

import numpy as np
import pytest

from digitd.imaging.candidates import Candidate, Lattice, Line
from digitd.recognition.bundle import NO_DIGIT
from digitd.recognition.judge import LONE, judge
from digitd.recognition.lattice import score

CLASSES = (*"0123456789", NO_DIGIT)
PIXELS = np.zeros((28, 28), np.uint8)


def row(best: str, probability: float) -> np.ndarray:
    """The probabilities where one class has `probability`, and the others share the rest."""
    out = np.full(len(CLASSES), (1 - probability) / (len(CLASSES) - 1))
    out[CLASSES.index(best)] = probability
    return out


def glyph(at: int, height: int = 50, end: int | None = None, prior: float = 0.0) -> Candidate:
    """A candidate that starts at a border."""
    return Candidate(at, end or at + 1, (40 * at, 10, 30, height), "digit", PIXELS, prior)


def dot(at: int) -> Candidate:
    """A separator."""
    return Candidate(at, at + 1, (40 * at, 50, 4, 4), "separator", None)


def test_separators_are_left_out_of_the_text() -> None:
    """A dot between digits is a candidate without a digit."""
    lattice = Lattice(3, (glyph(0), dot(1), glyph(2)))
    judged = judge([lattice], [[row("4", 0.9), None, row("2", 0.8)]], CLASSES, None)
    assert (judged.text, judged.segmentation, judged.paths) == ("42", 1.0, ((0, 1, 2),))
    assert judged.confidence == pytest.approx(0.72)


def test_a_page_is_as_sure_as_its_digits_and_its_segmentation() -> None:
    """Where a cut and the whole compete, the posterior of the choice is a factor of the confidence."""
    lattice = Lattice(2, (glyph(0), glyph(0, end=2), glyph(1, prior=-4.0)))
    judged = judge([lattice], [[row("1", 0.9), row("4", 0.5), row("7", 0.9)]], CLASSES, None)
    whole = np.exp(score(0.5, 0.05, 0.0, "4"))
    cut = np.exp(score(0.9, 0.01, 0.0, "1") + score(0.9, 0.01, -4.0, "7"))
    assert judged.text == "4"
    assert judged.segmentation == pytest.approx(whole / (whole + cut))
    assert judged.confidence == pytest.approx(0.5 * whole / (whole + cut))


def test_a_lone_mark_that_reads_only_in_pieces_is_never_sure() -> None:
    """A tick that is no digit, and whose halves are surely ones, stays in doubt; not where two digits are expected, nor
    where other marks stand beside it."""
    said = [[row(NO_DIGIT, 0.999), row("1", 0.999), row("1", 0.999)]]
    ways = (glyph(0, end=2), glyph(0), glyph(1))
    lone, one_of_many = (Lattice(2, ways, Line(50.0, alone, 1.0, (100, 100))) for alone in (True, False))
    assert judge([lone], said, CLASSES, None).text == "11"
    assert judge([lone], said, CLASSES, None).segmentation < LONE
    assert judge([lone], said, CLASSES, 2).segmentation > 0.9
    assert judge([one_of_many], said, CLASSES, None).segmentation > 0.9


def test_what_is_no_digit_is_a_question_mark_beside_digits() -> None:
    """It stands in the text as `?`, and its alternatives are digits."""
    judged = judge([Lattice(2, (glyph(0), glyph(1)))], [[row("3", 0.99), row(NO_DIGIT, 0.9)]], CLASSES, None)
    assert judged.text == "3?"
    assert {other.digit for other in judged.glyphs[1].guess.alternatives} <= set("0123456789")


def test_marks_without_a_digit_give_no_text() -> None:
    """A page of marks that are no digits has its glyphs, the text "", and the probability that this is right."""
    judged = judge([Lattice(2, (glyph(0), glyph(1)))], [[row(NO_DIGIT, 0.9)] * 2], CLASSES, None)
    assert (judged.text, judged.has_digits, len(judged.glyphs)) == ("", False, 2)
    assert judged.confidence == pytest.approx(0.81)


@pytest.mark.parametrize(("height", "text"), [(8, "35"), (49, "3?5")])
def test_small_marks_that_are_no_digits_are_dirt(height: int, text: str) -> None:
    """Beside digits, what is far smaller than they are and no digit is left out; what is as large is not."""
    small = Candidate(1, 2, (45, 30, 9, height), "digit", PIXELS)
    rows = [row("3", 0.99), row(NO_DIGIT, 0.9), row("5", 0.99)]
    judged = judge([Lattice(3, (glyph(0), small, glyph(2)))], [rows], CLASSES, None)
    assert judged.text == text


def test_a_line_of_dirt_is_no_line() -> None:
    """A speck above a line adds no newline to the text."""
    speck = Lattice(1, (Candidate(0, 1, (5, 0, 6, 6), "digit", PIXELS),))
    judged = judge([speck, Lattice(1, (glyph(0),))], [[row(NO_DIGIT, 0.9)], [row("5", 0.99)]], CLASSES, None)
    assert judged.text == "5"


def test_a_network_without_the_class_reads_all_as_digits() -> None:
    """A bundle of ten classes works as before."""
    ten = np.full(10, 0.01)
    ten[6] = 0.91
    judged = judge([Lattice(2, (glyph(0), glyph(0, end=2), glyph(1, prior=-3.0)))], [[ten] * 3], CLASSES[:10], None)
    assert judged.text == "6"


def test_nothing_is_blank() -> None:
    """A page without candidates has no lines and no confidence; nor has one of separators alone."""
    assert judge([], [], CLASSES, None).confidence is None
    assert judge([Lattice(1, (dot(0),))], [[None]], CLASSES, None).confidence is None
