"""clean: ink from pages of either polarity, in any light, on any paper."""

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from digitd.imaging.background import has_light_ink, levels_of
from digitd.imaging.clean import Ink, clean
from digitd.imaging.components import parts_of
from digitd.imaging.gray import Gray, as_gray

RNG = np.random.default_rng


def light(shape: tuple[int, int], kind: str) -> NDArray[np.float64]:
    """Illumination from 0 to 1 over a page: a slope, a vignette, a shadow with an edge."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]] / np.array(shape).reshape(2, 1, 1)
    lights: dict[str, NDArray[np.float64]] = {
        "even": np.ones(shape),
        "slope": 0.45 + 0.55 * x,
        "vignette": 1 - 0.9 * ((x - 0.5) ** 2 + (y - 0.5) ** 2),
        "shadow": 1 - 0.45 / (1 + np.exp((0.75 - x - 0.3 * y) * 80)),
        "spot": 0.5 + 0.5 * np.exp(-((x - 0.3) ** 2 + (y - 0.6) ** 2) * 4),
    }
    return lights[kind]


def lit(page: NDArray[Any], kind: str, noise: float = 0.0, seed: int = 0) -> Gray:
    """A page in that light, with Gaussian noise of that deviation."""
    image = page * light(page.shape, kind) + RNG(seed).normal(0, noise, page.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def agreement(ink: Ink, page: Gray) -> float:
    """Intersection over union of the ink found and the ink drawn."""
    drawn, found = page < 128, ink.mask > 0
    return float((drawn & found).sum() / (drawn | found).sum())


@pytest.mark.parametrize("kind", ["even", "slope", "vignette", "shadow", "spot"])
@pytest.mark.parametrize("noise", [0, 4])
def test_ink_is_found_in_any_light(draw: SimpleNamespace, kind: str, noise: float) -> None:
    """Slopes of light, vignettes, shadows with an edge and spots leave the ink what it is, with noise and without."""
    page = draw.digit("5", 300, 14, 40, 230)
    assert agreement(clean(lit(page, kind, noise)), page) > 0.75


@pytest.mark.parametrize("kind", ["even", "slope", "vignette"])
@pytest.mark.parametrize("width", [2, 8, 24, 44])
def test_polarity_is_found(draw: SimpleNamespace, kind: str, width: int) -> None:
    """Dark ink on light paper and light ink on dark paper are told apart, thin and thick."""
    dark = lit(draw.digit("3", 200, width, 30, 220), kind)
    bright = lit(draw.digit("3", 200, width, 240, 40), kind)
    assert not has_light_ink(dark, levels_of(dark))
    assert has_light_ink(bright, levels_of(bright))


def test_both_polarities_give_the_same_ink(draw: SimpleNamespace) -> None:
    """A page and its negative have the same ink."""
    page = draw.digit("2", 120)
    assert np.array_equal(clean(page).mask, clean(255 - page).mask)


@pytest.mark.parametrize("contrast", [12, 30, 80])
def test_faint_ink_is_found(draw: SimpleNamespace, contrast: int) -> None:
    """Near-white ink on white and near-black ink on black are ink."""
    page = draw.digit("4", 100)
    faint = np.where(page < 128, 255 - contrast, 255).astype(np.uint8)
    assert agreement(clean(faint), page) > 0.9
    assert agreement(clean(255 - faint), page) > 0.9


@pytest.mark.parametrize("noise", [3, 6, 10])
@pytest.mark.parametrize("width", [2, 3, 5])
def test_ink_in_noise_is_found(draw: SimpleNamespace, noise: int, width: int) -> None:
    """Strokes four times as dark as the deviation of the paper's noise are marks, however thin the pen."""
    page = draw.paper(300, 400, 200)
    for left in (70, 170, 270):
        draw.stroke(page, "3", (left, 100, 60, 100), width, 200 - 4 * noise)
    found = parts_of(clean(lit(page, "even", noise, seed=1)))
    assert sum(part.height > 80 for part in found) == 3


@pytest.mark.parametrize("value", [0, 90, 170, 255])
@pytest.mark.parametrize("noise", [0, 2, 6, 12])
@pytest.mark.parametrize("kind", ["even", "slope", "vignette"])
def test_an_empty_page_has_no_ink(value: int, noise: float, kind: str) -> None:
    """Paper of any colour, in uneven light and with noise, is no ink."""
    page = lit(np.full((240, 320), float(value)), kind, noise)
    assert not clean(page).mask.any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 2), (50, 1)])
def test_tiny_pages_are_pages(shape: tuple[int, int]) -> None:
    """A page may be as small as one pixel."""
    ink = clean(np.full(shape, 200, np.uint8))
    assert ink.mask.shape == shape
    assert not ink.mask.any()


def test_paper_is_exactly_zero(draw: SimpleNamespace) -> None:
    """Away from ink, the soft ink is 0; on it, it reaches 255."""
    page = draw.digit("7", 200, 12, 50, 220)
    ink = clean(lit(page, "slope", 3))
    assert ink.ink.max() == 255
    assert np.count_nonzero(ink.ink) < 2 * np.count_nonzero(page < 200)
    assert not ink.ink[:20].any()


def test_large_pages_are_reduced(draw: SimpleNamespace) -> None:
    """A page of 12 megapixels is worked on at 1600 px, and says at which scale."""
    ink = clean(draw.digit("3", 3200, 60))
    assert ink.mask.shape == (1600, 1600)
    assert ink.scale == 2
    assert ink.page == (3200, 3200)


@pytest.mark.parametrize("spacing", [40, 90])
@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("slope", [0.0, 0.02])
def test_ruled_lines_go_and_strokes_stay(draw: SimpleNamespace, spacing: int, squared: bool, slope: float) -> None:
    """Ruled and squared paper, straight or a little askew, is taken out; the digit on it keeps its strokes."""
    page = draw.digit("5", 420, 16)
    plain = page.copy()
    for start in range(25, 420, spacing):
        for x in range(420):
            row = min(419, max(0, round(start + slope * x)))
            page[row : row + 2, x] = np.minimum(page[row : row + 2, x], 110)
            if squared:
                page[x, row : row + 2] = np.minimum(page[x, row : row + 2], 110)
    ink = clean(page)
    assert agreement(ink, plain) > 0.8
    assert not ink.mask[:, :60].any()


@pytest.mark.parametrize("slope", [-0.17, -0.08, 0.05, 0.15])
@pytest.mark.parametrize("squared", [False, True])
def test_rules_may_lie_ten_degrees_askew(draw: SimpleNamespace, slope: float, squared: bool) -> None:
    """Lines that rise by a sixth of their length are rules as well, and so are those at right angles to them."""
    page = draw.digit("5", 420, 16)
    plain = page.copy()
    for start in range(-420, 840, 60):
        end = (round(-slope * 420) + start, 420)
        cv2.line(page, (0, start), (420, round(start + slope * 420)), 110, 2)
        if squared:
            cv2.line(page, (start, 0), end, 110, 2)
    page = np.minimum(page, plain)
    ink = clean(page)
    assert agreement(ink, plain) > 0.8
    # But for what is cut off at the page's corners, nothing is left of them.
    assert sum(max(part.width, part.height) > 6 for part in parts_of(ink)) <= 3


@pytest.mark.parametrize("slope", [0.0, 0.1])
@pytest.mark.parametrize("squared", [False, True])
def test_ruled_paper_with_nothing_on_it_is_blank(draw: SimpleNamespace, slope: float, squared: bool) -> None:
    """Lines alone are no ink, level or askew: nothing that could be read is made of them."""
    page = draw.paper(600, 600)
    for start in range(-600, 1200, 50):
        cv2.line(page, (0, start), (600, round(start + slope * 600)), 110, 2)
        if squared:
            cv2.line(page, (start, 0), (round(start - slope * 600), 600), 110, 2)
    assert np.count_nonzero(clean(page).mask[60:-60, 60:-60]) < 60


def test_the_foot_of_a_digit_just_above_a_rule_stays(draw: SimpleNamespace) -> None:
    """A 0 whose foot runs flat, two pixels above the line that it stands on, is not opened there."""
    page = draw.paper(74, 160)
    cv2.line(page, (0, 66), (160, 62), 60, 1)
    for x in (30, 80, 130):
        cv2.ellipse(page, (x, 40), (15, 20 - (x - 30) // 40), 0, 0, 360, 40, 3)
    ink = clean(page)
    count, _, _, _ = cv2.connectedComponentsWithStats(1 - ink.mask, connectivity=4)
    assert count == 2 + 3


@pytest.mark.parametrize("edges", [(0,), (1,), (0, 1), (0, 1, 2, 3)])
@pytest.mark.parametrize("inside", [0, 2])
def test_walls_left_at_the_edges_of_a_cell_are_no_ink(
    draw: SimpleNamespace, edges: tuple[int, ...], inside: int
) -> None:
    """Of a cell that software cut out of a form, the digit stays and what is left of the walls goes."""
    page = draw.digit("3", 40, 3)
    plain = page.copy()
    for edge in edges:
        np.rot90(page, edge)[inside : inside + 2] = 90
    (part,) = parts_of(clean(page))
    y, x = np.nonzero(plain < 128)
    assert abs(part.left - x.min()) <= 1 and abs(part.top - y.min()) <= 1
    assert abs(part.right - 1 - x.max()) <= 1 and abs(part.bottom - 1 - y.max()) <= 1


@pytest.mark.parametrize("wide", [8, 20, 40])
def test_black_borders_on_three_sides_make_no_negative(draw: SimpleNamespace, wide: int) -> None:
    """A page scanned with the lid open is light paper still."""
    page = draw.digit("3", 200, 8, 40, 235)
    page[:wide] = page[-wide:] = 20
    page[:, :wide] = 20
    assert not has_light_ink(page, levels_of(page))


def test_punched_holes_are_no_digits(draw: SimpleNamespace) -> None:
    """Round full blots as large as digits are left out, a full stop stays."""
    page = draw.number("35", margin=90)
    for x in (60, 150):
        cv2.circle(page, (x, 40), 22, 10, -1, cv2.LINE_AA)
    cv2.circle(page, (page.shape[1] // 2, 145), 5, 10, -1, cv2.LINE_AA)
    heights = sorted(part.height for part in parts_of(clean(page)))
    assert len(heights) == 3 and heights[0] < 14


@pytest.mark.parametrize("edges", [["right"], ["bottom"], ["right", "bottom"], ["slanted"], ["wedge"]])
@pytest.mark.parametrize("table", [25, 60, 100])
def test_a_table_beside_bare_paper_is_no_digit(edges: list[str], table: int) -> None:
    """Paper that ends before the picture does has no marks on it: the table is neither a 1 nor ink of light on dark."""
    page = np.full((300, 240), 235.0)
    rows = np.arange(300)[:, None]
    columns = np.arange(240)[None, :]
    page[:, 200:] = table if "right" in edges else page[:, 200:]
    page[250:] = table if "bottom" in edges else page[250:]
    if edges[0] in ("slanted", "wedge"):
        page[columns - 0.1 * rows > (190 if edges == ["slanted"] else 215)] = table
    page += np.random.default_rng(1).normal(0, 2, page.shape)
    assert parts_of(clean(as_gray(page.clip(0, 255).astype(np.uint8)))) == []


@pytest.mark.parametrize("digit", ["1", "7", "4"])
def test_a_digit_that_fills_its_picture_is_no_table(draw: SimpleNamespace, digit: str) -> None:
    """A digit that is cut tightly lies along the picture's edges, and is a digit."""
    wide = 12 if digit == "1" else 60
    page = draw.stroke(draw.paper(100, wide + 8), digit, (4, 2, wide, 96), 9)
    assert parts_of(clean(as_gray(page)))


def test_pale_rules_that_are_ink_only_in_part_go_whole(draw: SimpleNamespace) -> None:
    """Two rules on the page, about as dark as the ink's threshold, leave no dashes."""
    page = draw.stroke(draw.paper(240, 400), "2", (80, 100, 40, 60), 6)
    draw.stroke(page, "3", (150, 100, 40, 60), 6)
    grain = np.random.default_rng(2).normal(0, 6, (2, 400))
    for row in (60, 170):
        page[row : row + 2] = np.minimum(page[row : row + 2], 255 - 255 * 0.355 + grain)
    assert len(parts_of(clean(as_gray(page)))) == 2


def test_the_bar_of_a_digit_that_fills_the_page_is_no_rule(draw: SimpleNamespace) -> None:
    """A 7 cut so tightly that its bar goes from edge to edge keeps it."""
    page = draw.stroke(draw.paper(120, 90), "7", (0, 2, 90, 116), 4)
    assert clean(page).mask[:8].sum() > 250


@settings(max_examples=120, deadline=None)
@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 80), st.integers(1, 80))))
def test_any_page_gives_ink_of_its_shape(page: Gray) -> None:
    """Whatever the page, ink and mask are uint8 of its shape, and there is no soft ink without a mask nearby."""
    ink = clean(page)
    assert ink.ink.shape == ink.mask.shape == page.shape
    assert ink.ink.dtype == ink.mask.dtype == np.uint8
    assert set(np.unique(ink.mask)) <= {0, 1}
    assert ink.mask.any() or not ink.ink.any()
