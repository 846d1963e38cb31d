"""Ruled and squared paper: its lines go whole, whatever the scan made of them."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from digitd.imaging.clean import clean
from digitd.imaging.components import parts_of
from digitd.imaging.gray import as_gray
from digitd.imaging.remains import feet_on

RNG = np.random.default_rng


@pytest.mark.parametrize("size", [(83, 687), (687, 83), (300, 700), (188, 847)])
def test_fine_squares_go_at_any_size(draw: SimpleNamespace, size: tuple[int, int]) -> None:
    """Lines of a pixel go from paper that is looked at a little smaller, where a line may lie between two rows."""
    page = draw.paper(*size)
    page[11::11] = page[:, 11::11] = 150
    assert parts_of(clean(page)) == []


def test_a_stroke_that_runs_beside_a_line_does_not_keep_it(draw: SimpleNamespace) -> None:
    """Where the stem of a 7 leans along a line of squared paper for a while, that line goes as the others do."""
    page = draw.paper(400, 640)
    for at in range(20, 640, 60):
        cv2.line(page, (at, 0), (at, 399), 110, 2)
        cv2.line(page, (0, at), (639, at), 110, 2)
    cv2.line(page, (323, 60), (383, 360), 0, 6)
    cv2.line(page, (200, 60), (323, 60), 0, 6)
    parts = parts_of(clean(as_gray(page)))
    assert len(parts) == 1
    assert parts[0].height < 320


@pytest.mark.parametrize("squared", [False, True])
def test_lines_that_are_ink_in_part_go_whole(draw: SimpleNamespace, squared: bool) -> None:
    """Lines a little askew that are pale where they change from one row to the next go whole, whether the others, at
    right angles to them, are dark or there are none."""
    page = draw.paper(400, 640)
    columns = np.arange(640)
    for start in range(60, 400, 90):
        rows, part = np.divmod(start + 0.02 * columns, 1)
        for beside, share in ((0, 1 - part), (1, part)):
            at = np.minimum(rows.astype(int) + beside, 399)
            page[at, columns] = 255 - 177 * share
    for start in range(15, 640, 90) if squared else ():
        cv2.line(page, (start, 0), (start - 8, 399), 120, 2)
    for number, digit in enumerate("2345"):
        draw.stroke(page, digit, (150 + 80 * number, 165, 44, 70), 14)
    left = clean(as_gray(page)).mask
    left[155:245, 140:460] = 0
    assert np.count_nonzero(left) < 50


def test_strokes_in_columns_are_no_dashes(draw: SimpleNamespace) -> None:
    """Columns of ones, however straight, are no lines: no faint ink joins one to the next."""
    page = draw.paper(640, 400)
    for column in range(60, 380, 80):
        for row in range(40, 600, 60):
            cv2.line(page, (column, row), (column + 2, row + 36), 0, 3)
    assert len(parts_of(clean(as_gray(page)))) == 4 * 10


def test_where_squares_cross_nothing_is_left(draw: SimpleNamespace) -> None:
    """Crossings that the scan made wider and darker than the lines leave no dots."""
    page = draw.paper(190, 850)
    lines = range(20, 850, 38)
    for at in lines:
        page[at : at + 1] = np.minimum(page[at : at + 1], 170)
        page[:, at : at + 1] = 170
    for x in lines:
        for y in range(20, 190, 38):
            cv2.circle(page, (x, y), 2, 120, -1)
    assert parts_of(clean(as_gray(page))) == []


@pytest.mark.parametrize("at", ["first", "last"])
def test_a_rule_along_the_pages_edge_is_one_of_them(draw: SimpleNamespace, at: str) -> None:
    """The last line of ruled paper that runs out of the page a little askew goes with the others."""
    page = draw.paper(460, 560)
    for row in range(2, 460, 57):
        cv2.line(page, (0, row - 3), (559, row + 4), 130, 4)
    page = page if at == "first" else as_gray(np.ascontiguousarray(page[::-1]))
    draw.stroke(page, "2", (240, 190, 50, 80), 8)
    assert np.count_nonzero(clean(page).mask[[*range(9), *range(451, 460)]]) == 0


def test_crumbs_of_lines_are_no_ink(draw: SimpleNamespace) -> None:
    """Paper on which nothing but specks is left when its lines are gone is blank."""
    page = draw.paper(420, 600)
    for row in range(30, 420, 60):
        page[row : row + 2] = 120
    for x, y in RNG(3).integers(10, 400, (25, 2)).tolist():
        page[y : y + 2, x : x + 3] = 60
    assert not clean(page).mask.any()


def test_small_digits_on_lines_are_more_than_crumbs(draw: SimpleNamespace) -> None:
    """A digit of 2 % of a ruled sheet's height stays when the lines go."""
    page = draw.paper(1400, 1000)
    for row in range(50, 1400, 60):
        page[row : row + 2] = 120
    draw.stroke(page, "5", (500, 672, 18, 28), 3)
    assert any(part.height >= 20 for part in parts_of(clean(page)))


def test_a_foot_on_a_line_stays(draw: SimpleNamespace) -> None:
    """Of digits whose feet lie on a printed line, make it thicker and rise from it at both ends, most feet are whole
    without the line."""
    large = draw.paper(360, 960)
    cv2.line(large, (0, 264), (959, 244), 20, 8)
    page = as_gray(cv2.resize(large, (240, 90), interpolation=cv2.INTER_AREA))
    for left in (30, 100, 170):
        draw.stroke(page, "2", (left, 14, 30, 51), 2)
        cv2.line(page, (left + 28, 64), (left + 36, 52), 0, 3)
    feet = sorted(np.count_nonzero(part.mask[-9:].any(0)) for part in parts_of(clean(page)) if part.height > 40)
    assert len(feet) == 3
    assert feet[1] >= 30


def test_what_is_thicker_than_a_line_is_a_foot_only_where_it_is_joined_to_a_digit() -> None:
    """Of two thick places of a line the one that goes on in strokes at both ends stays; a thick line is no foot."""
    taken, rest = np.zeros((2, 20, 120), np.uint8)
    taken[10:12] = 1
    taken[9:13, 20:32] = taken[9:13, 80:92] = 1
    rest[2:13, 17:20] = rest[6:10, 32:35] = rest[2:13, 77:80] = 1
    feet = feet_on(as_gray(taken), as_gray(rest), 2.0, 5)
    assert np.array_equal(np.flatnonzero(feet.any(0)), np.arange(20, 32))
    taken[9:13, 20:60] = rest[9:13, 60:62] = 1
    assert not feet_on(as_gray(taken), as_gray(rest), 2.0, 5).any()
    assert not feet_on(as_gray(taken), as_gray(rest), 2.0, 3).any()


def test_slivers_beside_squares_are_no_ones(draw: SimpleNamespace) -> None:
    """A hair's breadth of print that a coarse JPEG puts beside the lines of squared paper goes with them."""
    page = draw.paper(480, 620)
    for at in range(20, 620, 60):
        page[:, at : at + 3] = 150
        page[at : at + 3] = 150
    for column in (77, 197, 437):
        page[100:108, column] = 170
    assert not clean(page).mask.any()
