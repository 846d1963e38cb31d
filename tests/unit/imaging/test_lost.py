"""A page full of ink of which no mark is left is told from an empty one."""

import cv2
import numpy as np
import pytest

from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.pipeline import seen

RNG = np.random.default_rng


def sheet(height: int = 1200, width: int = 1600, value: int = 255) -> Gray:
    """A page with nothing on it."""
    return as_gray(np.full((height, width), value, np.uint8))


def small_text(size: int, pitch: int) -> Gray:
    """A page at 12 megapixels, full of rows of words, a capital `size` px tall."""
    page = sheet(3000, 4000)
    words = (
        "the",
        "quick",
        "brown",
        "fox",
        "jumps",
        "over",
        "a",
        "lazy",
        "dog",
        "and",
        "more",
        "words",
        "follow",
        "it",
    )
    for y in range(60, 2980, pitch):
        cv2.putText(page, " ".join(RNG(y).choice(words, 45)), (20, y), 0, size / 22, 20, 2)
    return page


def checkers(side: int) -> Gray:
    """A checkerboard of squares of `side` px."""
    y, x = np.mgrid[:1200, :1600]
    return as_gray(((x // side + y // side) % 2 * 225 + 15).astype(np.uint8))


def hatching() -> Gray:
    """Short slanting strokes, in rows."""
    page = sheet()
    for y in range(20, 1160, 48):
        for x in range(20, 1560, 12):
            cv2.line(page, (x, y), (x + 24, y + 36), 0, 2)
    return page


def dense_hatching() -> Gray:
    """Slanting lines across the page, nearly as broad as what is between them."""
    page = sheet()
    for start in range(-1200, 1600, 9):
        cv2.line(page, (start, 0), (start + 1200, 1200), 0, 3)
    return page


def squared(slope: float = 0.0, step: int = 40, pen: int = 2) -> Gray:
    """Squared paper with nothing on it, level or askew."""
    page = sheet(value=235)
    for start in range(-1600, 3200, step):
        cv2.line(page, (0, start), (1600, round(start + slope * 1600)), 110, pen)
        cv2.line(page, (start, 0), (round(start - slope * 1200), 1200), 110, pen)
    return page


def boxes() -> Gray:
    """Rows of empty boxes."""
    page = sheet(value=240)
    for y in range(100, 1100, 120):
        for x in range(100, 1500, 90):
            cv2.rectangle(page, (x, y), (x + 70, y + 80), 60, 2)
    return page


def dusty() -> Gray:
    """Specks of dust, two punched holes, and a black border on the left."""
    page = sheet(value=240)
    for x, y, radius in RNG(5).integers((120, 20, 1), (1580, 1180, 5), (60, 3)):
        cv2.circle(page, (int(x), int(y)), int(radius), 60, -1)
    for y in (400, 800):
        cv2.circle(page, (70, y), 18, 20, -1)
    page[:, :30] = 15
    return page


PAGES = {
    "small text": small_text(22, 45),
    "checkers": checkers(16),
    "hatching": hatching(),
    "dense hatching": dense_hatching(),
}
EMPTY = {
    "plain": sheet(),
    "squares": squared(),
    "squares askew": squared(0.1),
    "dense squares": squared(step=14),
    "boxes": boxes(),
    "dust": dusty(),
    "grain": as_gray(np.clip(RNG(1).normal(200, 12, (1200, 1600)), 0, 255).astype(np.uint8)),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_full_of_ink_without_marks_is_lost(name: str) -> None:
    """Small dense text, checkers and hatching leave no mark, and yet something is there."""
    found = seen(PAGES[name])
    assert found.lattices == []
    assert found.lost


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_page_is_not_lost(name: str) -> None:
    """Grain, dust, holes, borders, squares and empty boxes are no writing."""
    assert not seen(EMPTY[name]).lost
