"""A page's lines and marks, and the glyphs that the product makes of them."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from digitd.imaging.candidates import Candidate, lattices
from digitd.imaging.clean import clean
from digitd.imaging.gray import Gray
from digitd.imaging.pipeline import candidates
from digitd.imaging.segment import Layout, lines_in, mark_of
from digitd.imaging.touching import own_cuts
from digitd.recognition.reader import Options, Reader
from digitd.settings import Layout as LayoutSetting

Marks = Callable[..., list[list[Candidate]]]
Counts = Callable[..., list[int]]


def kinds(page: Gray) -> list[list[str]]:
    """What each mark of each line is."""
    return [[mark.kind for mark in lattice.candidates] for lattice in lattices(clean(page))]


@pytest.fixture
def counts(glyphs: Marks) -> Counts:
    """How many glyphs of each line are read."""
    return lambda *page, **how: [len(line) for line in glyphs(*page, **how)]


@pytest.mark.parametrize("name", "0123457")
@pytest.mark.parametrize("side", [20, 28, 60, 250, 1000, 3000])
def test_one_digit_is_one_glyph(draw: SimpleNamespace, glyphs: Marks, name: str, side: int) -> None:
    """A digit alone on a page, from 20 to 3000 px, is one glyph, and its box is where it was drawn."""
    ((cut,),) = glyphs(draw.digit(name, side))
    x, y, width, height = cut.box
    assert abs(y - side * 0.2) <= max(3, side * 0.06)
    assert abs(height - side * 0.6) <= max(5, side * 0.12)
    assert 0 <= x < x + width <= side


@pytest.mark.parametrize("width", [1, 3, 30, 60])
def test_thin_and_thick_pens_give_one_glyph(draw: SimpleNamespace, counts: Counts, width: int) -> None:
    """A digit of 300 px in strokes of 1 to 60 px is one glyph."""
    assert counts(draw.digit("2", 300, width)) == [1]


def test_a_row_is_read_from_left_to_right(draw: SimpleNamespace, glyphs: Marks) -> None:
    """Digits in a row are one line, in order."""
    (line,) = glyphs(draw.number("41025"))
    assert len(line) == 5
    assert [cut.box[0] for cut in line] == sorted(cut.box[0] for cut in line)


def test_lines_come_from_top_to_bottom(draw: SimpleNamespace, glyphs: Marks) -> None:
    """Several rows, of unequal lengths and heights, are lines in order."""
    page = draw.paper(400, 500)
    for index in range(4):
        draw.stroke(page, "2", (40 + 70 * index, 40, 40, 55), 5)
    for index in range(2):
        draw.stroke(page, "5", (60 + 90 * index, 180, 40, 70), 6)
    for index in range(3):
        draw.stroke(page, "3", (70 + 80 * index, 300, 40, 60), 5)
    lines = glyphs(page)
    assert [len(line) for line in lines] == [4, 2, 3]
    assert [line[0].box[1] for line in lines] == sorted(line[0].box[1] for line in lines)


@pytest.mark.parametrize("slope", [-0.25, 0.1, 0.3])
def test_a_sloping_line_is_one_line(draw: SimpleNamespace, counts: Counts, slope: float) -> None:
    """A row that rises or falls is one line."""
    page = draw.paper(500, 620)
    for index, name in enumerate("234570"):
        draw.stroke(page, name, (40 + index * 90, round(210 + slope * 90 * (index - 2.5)), 45, 70), 6)
    assert counts(page) == [6]


def test_a_fives_bar_apart_belongs_to_it(draw: SimpleNamespace, glyphs: Marks) -> None:
    """A 5 whose bar does not touch its body is one glyph, bar included."""
    page = draw.stroke(draw.paper(200, 200), "5", (70, 50, 60, 100), 8)
    whole = glyphs(page)[0][0].box
    page[44:58, 88:94] = 255
    page[50:62, 80:94] = 255
    ((cut,),) = glyphs(page)
    assert cut.box[0] + cut.box[2] >= whole[0] + whole[2] - 1
    assert cut.box[1] <= whole[1] + 2


def test_a_broken_stroke_is_one_glyph(draw: SimpleNamespace, counts: Counts) -> None:
    """A digit with a gap across it is one glyph."""
    page = draw.digit("3", 200, 12)
    page[98:103] = 255
    assert counts(page) == [1]


def test_specks_are_dropped(draw: SimpleNamespace, marks: Marks) -> None:
    """Dust on a page changes neither the count nor the box."""
    page = draw.digit("4", 300, 16)
    clear = marks(page)[0][0].box
    for y, x in ((20, 30), (40, 250), (270, 150), (150, 20), (280, 280)):
        page[y : y + 3, x : x + 3] = 0
    ((cut,),) = marks(page)
    assert cut.box == clear


def test_touching_digits_are_cut(draw: SimpleNamespace, marks: Marks, counts: Counts) -> None:
    """Two digits that touch, in a row with others, are two glyphs."""
    page = draw.number("3205", 60, 25)
    page[95:102, 40 + 64 : 40 + 64 * 2 + 18] = 0
    assert [len(line) for line in marks(page)] == [3]
    assert counts(page) == [4]


def test_two_loops_beside_each_other_are_two_digits(draw: SimpleNamespace, marks: Marks, counts: Counts) -> None:
    """Two zeros that overlap by a stroke, too narrow to stand out as wide, are two glyphs; an 8 is one."""
    page = draw.paper(160, 260)
    draw.stroke(page, "0", (30, 40, 40, 80), 7)
    draw.stroke(page, "0", (62, 40, 40, 80), 7)
    draw.stroke(page, "2", (140, 40, 50, 80), 7)
    assert [len(line) for line in marks(page)] == [2]
    assert counts(page) == [3]
    eight = draw.paper(160, 140)
    draw.stroke(eight, "0", (35, 20, 60, 60), 7)
    draw.stroke(eight, "0", (30, 76, 70, 64), 7)
    assert counts(eight) == [1]


def test_shape_alone_would_cut_between_two_loops(draw: SimpleNamespace) -> None:
    """Whatever the network says, the cut between two zeros is among the candidates; an 8 is not cut for its loops."""
    page = draw.paper(160, 260)
    draw.stroke(page, "0", (30, 40, 40, 80), 7)
    draw.stroke(page, "0", (62, 40, 40, 80), 7)
    draw.stroke(page, "2", (140, 40, 50, 80), 7)
    (line,) = lines_in(clean(page), "auto", None)
    (between,), none = own_cuts(line, False)
    assert abs(min(part.left for part in line[0]) + between - 66) <= 4
    assert none == []
    eight = draw.paper(160, 220)
    draw.stroke(eight, "0", (35, 20, 60, 60), 7)
    draw.stroke(eight, "0", (30, 76, 70, 64), 7)
    draw.stroke(eight, "2", (140, 40, 50, 80), 7)
    (line,) = lines_in(clean(eight), "auto", None)
    assert own_cuts(line, False) == [[], []]


def test_the_number_of_digits_helps(draw: SimpleNamespace, marks: Marks, counts: Counts) -> None:
    """Where two digits are expected, two that touch are cut even where nothing else speaks for it."""
    page = draw.stroke(draw.paper(160, 180), "0", (30, 40, 50, 80), 8)
    draw.stroke(page, "0", (72, 40, 50, 80), 8)
    assert [len(line) for line in marks(page)] == [1]
    assert counts(page, digits=2) == [2]
    assert counts(page, digits=1) == [1]


@pytest.mark.parametrize("dark_paper", [False, True])
@pytest.mark.parametrize("edges", ["all", "left", "corner"])
def test_frames_and_table_edges_are_dropped(draw: SimpleNamespace, marks: Marks, edges: str, dark_paper: bool) -> None:
    """A black border around the page, or a dark table along it, is no glyph."""
    page = draw.digit("2", 300, 16, 40, 230)
    if edges == "all":
        page[:9] = page[-9:] = page[:, :9] = page[:, -9:] = 10
    elif edges == "left":
        page[:, :25] = 50
    else:
        for row in range(60):
            page[row, : 60 - row] = 45
    if dark_paper:
        page = 255 - page
    ((cut,),) = marks(page)
    assert cut.box[0] > 60


@pytest.mark.parametrize("side", ["left", "top", "right", "bottom"])
def test_a_digit_that_touches_the_edge_is_kept(draw: SimpleNamespace, counts: Counts, side: str) -> None:
    """A digit that runs out of the picture a little is not taken for a border."""
    page = draw.digit("2", 200, 12)
    cut = {"left": page[:, 62:], "top": page[42:], "right": page[:, :138], "bottom": page[:158]}[side]
    assert counts(np.ascontiguousarray(cut)) == [1]


def test_dots_and_dashes_are_separators(draw: SimpleNamespace, counts: Counts) -> None:
    """A decimal point and a dash in a number are separators, and no glyphs."""
    page = draw.number("20452", 60, 44)
    step = round(60 * 0.65) + 44
    page[92:101, 40 + step * 2 - 26 : 40 + step * 2 - 17] = 0
    page[68:73, 40 + step * 4 - 31 : 40 + step * 4 - 13] = 0
    assert kinds(page) == [["digit"] * 2 + ["separator"] + ["digit"] * 2 + ["separator"] + ["digit"]]
    assert counts(page) == [5]


def test_a_slash_is_a_separator(draw: SimpleNamespace, counts: Counts) -> None:
    """A tall leaning stroke between digits is a slash."""
    page = draw.number("2045", 60, 40)
    line = np.linspace(0, 1, 400)
    for t in line:
        x, y = round(40 + 79 * 2 - 8 - 24 * t), round(25 + 95 * t)
        page[y : y + 4, x : x + 4] = 0
    assert [kind for row in kinds(page) for kind in row].count("separator") == 1
    assert counts(page) == [4]


def test_each_glyph_has_its_own_ink_only(draw: SimpleNamespace) -> None:
    """Where boxes overlap, neither glyph has the other's ink."""
    page = draw.paper(120, 200)
    draw.stroke(page, "7", (40, 20, 50, 80), 6)
    draw.stroke(page, "4", (78, 30, 50, 80), 6)
    ink = clean(page)
    (line,) = lines_in(ink, "auto", None)
    marks = [mark_of(ink, group) for group in line]
    assert len(marks) == 2
    total = sum(int(np.count_nonzero(mark.ink > 127)) for mark in marks)
    assert abs(total - np.count_nonzero(page < 128)) < 0.1 * total


def test_the_layout_single_takes_all_for_one(draw: SimpleNamespace, counts: Counts) -> None:
    """With layout single, two digits are one glyph."""
    assert counts(draw.number("23"), "single") == [1]
    assert counts(draw.number("23"), "line") == [2]
    assert counts(draw.number("23"), "page") == [2]


def test_the_settings_have_the_layouts_that_there_are() -> None:
    """`recognition.layout` takes what imaging knows; neither may import the other."""
    assert get_args(LayoutSetting) == get_args(Layout)


def test_a_blank_page_has_no_marks() -> None:
    """Noise is no mark."""
    noise = np.random.default_rng(1).normal(200, 8, (300, 400))
    assert candidates(np.clip(noise, 0, 255).astype(np.uint8)) == []


def test_mnists_form_passes_through_unchanged(mnist: tuple[Gray, Gray], glyphs: Marks) -> None:
    """A page in MNIST's form reaches the network as it is."""
    for image in mnist[0]:
        ((cut,),) = glyphs(image)
        assert cut.pixels is not None
        assert np.array_equal(cut.pixels, image)
        assert cut.box == (0, 0, 28, 28)


def test_inverted_mnist_comes_back(mnist: tuple[Gray, Gray], glyphs: Marks) -> None:
    """Black on white, MNIST's digits are one glyph each, and nearly what they were."""
    changes = []
    for image in mnist[0]:
        ((cut,),) = glyphs(255 - image)
        assert cut.pixels is not None
        changes.append(np.abs(cut.pixels.astype(int) - image).mean())
    assert np.median(changes) < 6


@settings(max_examples=120, deadline=None)
@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 90), st.integers(1, 90))),
    st.sampled_from(["auto", "single", "line", "page"]),
    st.one_of(st.none(), st.integers(1, 12)),
)
def test_any_page_gives_glyphs_within_it(reader: Reader, page: Gray, layout: str, digits: int | None) -> None:
    """Whatever the page and the settings, glyphs are 28x28 and their boxes lie within the page."""
    for line in reader.look(page, Options(layout, digits)).judged.lines:
        assert line
        for cut in (read.candidate for read in line):
            assert cut.pixels is not None
            x, y, width, height = cut.box
            assert cut.pixels.shape == (28, 28)
            assert 0 <= x < x + width <= page.shape[1]
            assert 0 <= y < y + height <= page.shape[0]
