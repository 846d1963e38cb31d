"""Punched holes whose rings are seen, and noughts that are none."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from cases import drawn
from digitd.imaging.clean import clean
from digitd.imaging.components import parts_of
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.labels import labelled
from digitd.imaging.rings import without_rings


def holes(page: Gray, centres: list[tuple[int, int]], radius: int, sweep: int = 360) -> Gray:
    """The page with the rings of holes there, or bows of them."""
    for centre in centres:
        cv2.ellipse(page, centre, (radius, radius), 0, 30, 30 + sweep, 90, 2, cv2.LINE_AA)
    return page


@pytest.mark.parametrize("edge", range(4))
@pytest.mark.parametrize("sweep", [360, 240])
@pytest.mark.parametrize(("radius", "count"), [(9, 4), (14, 2), (24, 2)])
def test_rings_of_holes_along_an_edge_are_no_digits(
    draw: SimpleNamespace, edge: int, sweep: int, radius: int, count: int
) -> None:
    """Two or four rings or bows on a line along any edge go, and the number beside them stays."""
    page = np.rot90(draw.paper(420, 560), edge).copy()
    wide = page.shape[1]
    holes(page, [(wide * (2 * place + 1) // (2 * count), 40) for place in range(count)], radius, sweep)
    page = np.rot90(page, -edge).copy()
    for place, digit in enumerate("325"):
        draw.stroke(page, digit, (180 + 70 * place, 170, 40, 70), 6)
    assert sorted(part.left // 70 for part in parts_of(clean(as_gray(page)))) == [2, 3, 4]


@pytest.mark.parametrize("centres", [[(60, 60)], [(60, 60), (130, 60)], [(60, 60), (300, 200)]])
def test_round_noughts_stay(draw: SimpleNamespace, centres: list[tuple[int, int]]) -> None:
    """A circle alone is a 0, and so are two side by side, or two that are not on one line along an edge."""
    page = holes(draw.paper(400, 560), centres, 30)
    assert len(parts_of(clean(as_gray(page)))) == len(centres)


def test_written_noughts_stay(mnist: tuple[Gray, Gray]) -> None:
    """Written noughts, one at each end of the page's first row, are not round enough for holes."""
    images, labels = mnist
    for image in images[labels == 0]:
        glyph = cv2.resize(image, (84, 84), interpolation=cv2.INTER_CUBIC)
        page = np.zeros((500, 800), np.uint8)
        page[20:104, 20:104] = page[20:104, 690:774] = glyph > 110
        assert np.array_equal(without_rings(as_gray(page), labelled(as_gray(page))), page)


def test_holes_under_a_white_lid_leave_the_number() -> None:
    """Of the named case, nothing of a ring is among the marks."""
    for seed in range(10):
        page, text = drawn("punch_holes_on_white", seed)
        assert isinstance(page, np.ndarray)
        assert all(part.top > 90 and part.left > 90 for part in parts_of(clean(as_gray(page)))), (seed, text)
