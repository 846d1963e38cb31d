"""Each stage takes anything: any colours, any size from one pixel, any depth; and gives what it promises."""

from typing import Any

import cv2
import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from digitd.imaging import clean
from digitd.imaging.candidates import Line, lattices
from digitd.imaging.colour import to_gray
from digitd.imaging.components import parts_of
from digitd.imaging.cuts import seams
from digitd.imaging.edges import without_walls
from digitd.imaging.forms import without_forms
from digitd.imaging.frames import without_frames
from digitd.imaging.gray import Gray
from digitd.imaging.labels import labelled
from digitd.imaging.normalise import normalise
from digitd.imaging.opened import opened
from digitd.imaging.rings import without_rings
from digitd.imaging.rules import without_rules
from digitd.imaging.spans import spans_of
from digitd.imaging.tilt import STEEPEST, levelled, slope_of, unlevelled
from digitd.imaging.touching import piece_of
from digitd.imaging.underlines import without_underlines

SIDES = st.tuples(st.integers(1, 70), st.integers(1, 70))
quick = settings(max_examples=60, deadline=None)


@st.composite
def images(draw: st.DrawFn) -> NDArray[Any]:
    """What decoders give: gray, gray and alpha, BGR or BGRA, of 8 or 16 bits, floats or booleans."""
    height, width = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    channels = draw(st.sampled_from([None, 1, 2, 3, 4]))
    dtype = draw(st.sampled_from([np.uint8, np.uint16, np.float32, np.bool_]))
    shape = (height, width) if channels is None else (height, width, channels)
    return draw(arrays.arrays(dtype, shape))


@st.composite
def pages_of(draw: st.DrawFn) -> Gray:
    """Pages: of random pixels, of few levels, or of blocks and lines, which look more like scans."""
    height, width = draw(SIDES)
    kind = draw(st.sampled_from(["pixels", "levels", "lines"]))
    if kind == "pixels":
        return draw(arrays.arrays(np.uint8, (height, width)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if kind == "levels":
        levels = rng.integers(0, 256, draw(st.integers(1, 3)))
        return levels[rng.integers(0, len(levels), (height, width))].astype(np.uint8)
    page = np.full((height, width), rng.integers(256), np.uint8)
    for _ in range(draw(st.integers(0, 12))):
        top, left = int(rng.integers(height)), int(rng.integers(width))
        tall, wide = (1, width) if rng.random() < 0.5 else (height, int(rng.integers(1, 3)))
        page[top : top + tall, left : left + wide] = rng.integers(256)
    return page


def masks() -> st.SearchStrategy[Gray]:
    """Masks: 0 and 1."""
    return pages_of().map(lambda page: (page > 127).astype(np.uint8))


@quick
@given(images())
@example(np.array([[-2.2538828e35, 3.4005697e38]], np.float32))
@example(np.array([[-1.7e308, 1.7e308, np.inf]], np.float64))
def test_any_image_becomes_gray(image: NDArray[Any]) -> None:
    """Of whatever depth and number of channels, with infinities and without numbers, an image becomes 8-bit gray."""
    gray = to_gray(image)
    assert gray.shape == image.shape[:2]
    assert gray.dtype == np.uint8


@quick
@given(pages_of())
def test_any_page_has_its_stages(page: Gray) -> None:
    """Every stage of a page is uint8 and of its size, and what is left as ink stood out of the paper."""
    stages = clean.stages(page)
    for image in (stages.page, stages.flattened, stages.found, stages.ink.ink, stages.ink.mask):
        assert image.dtype == np.uint8
        assert image.shape == page.shape
    assert not np.any(stages.ink.mask > stages.found)


@quick
@given(masks())
def test_any_mask_loses_its_lines_and_gains_none(mask: Gray) -> None:
    """Walls, frames and rules are taken out of any mask; nothing is added, and the mask itself is left as it was."""
    before = mask.copy()
    found = labelled(mask)
    for stage in (without_walls, without_frames, without_underlines):
        rest = stage(mask, found)
        assert rest.shape == mask.shape
        assert rest.dtype == np.uint8
        assert not np.any(rest > mask)
    for unruled in (without_rules(mask), without_rules(mask, mask), without_forms(mask, mask)):
        assert unruled.shape == mask.shape
        assert unruled.dtype == np.uint8
        assert not np.any(unruled > mask)
    assert np.array_equal(mask, before)


@quick
@given(masks(), st.floats(-STEEPEST, STEEPEST))
def test_a_mask_that_is_levelled_comes_back_whole(mask: Gray, slope: float) -> None:
    """Levelling moves pixels and loses none: undone, it gives the mask again."""
    level = levelled(mask, slope)
    assert np.count_nonzero(level) == np.count_nonzero(mask)
    assert np.array_equal(unlevelled(level, slope, mask.shape), mask)
    assert -STEEPEST <= slope_of(mask) <= STEEPEST


@quick
@given(masks())
def test_the_parts_of_any_mask_are_its_pixels(mask: Gray) -> None:
    """Every pixel of a mask belongs to one part, and the parts' areas and boxes are theirs."""
    found = labelled(mask)
    assert int(found.boxes[:, 4].sum()) == np.count_nonzero(mask)
    assert np.count_nonzero(found.labels) == np.count_nonzero(mask)
    for left, top, width, height, area in found.boxes.tolist():
        assert width * height >= area > 0
        assert left + width <= found.labels.shape[1] and top + height <= found.labels.shape[0]


@quick
@given(pages_of())
def test_any_page_has_marks_that_lie_on_it(page: Gray) -> None:
    """Parts and marks lie within the page, and each has ink."""
    ink = clean.clean(page)
    for part in parts_of(ink):
        assert part.mask.shape == (part.height, part.width) and part.mask.any()
        assert part.right <= page.shape[1] and part.bottom <= page.shape[0]
    for lattice in lattices(ink):
        for mark in lattice.candidates:
            x, y, width, height = mark.box
            assert 0 <= x < x + width <= page.shape[1] and 0 <= y < y + height <= page.shape[0]


@quick
@given(pages_of())
def test_any_ink_is_brought_to_28_by_28(ink: Gray) -> None:
    """A glyph of any size and any ink becomes (28, 28) uint8; one without ink stays empty."""
    glyph = normalise(ink)
    assert glyph.shape == (28, 28)
    assert glyph.dtype == np.uint8
    assert glyph.any() == ink.any()


@quick
@given(masks(), st.floats(0.3, 2.0))
def test_any_mark_is_opened_into_pieces_of_itself(mask: Gray, tall: float) -> None:
    """Whatever the ink, and whatever the height of its line, each cut has one column a row, and each piece is some of
    the mark's ink between two borders that a path leads through."""
    part = piece_of(mask, 3, 5)
    if part is None:
        return
    for seam in seams(part.mask, 20):
        assert seam.path.shape == (part.height,)
        assert seam.path.min() >= 1 and seam.path.max() < part.width
    ways = spans_of([part], [], Line(max(1.0, tall * part.height), True, 1.0, (200, 200)))
    for span in ways.spans:
        x, y = span.part.left - part.left, span.part.top - part.top
        place = part.mask[y : y + span.part.height, x : x + span.part.width]
        assert 0 <= span.start < span.end <= ways.pieces
        assert span.part.mask.any() and not np.any(span.part.mask > place)


@quick
@given(pages_of())
def test_any_page_is_opened(page: Gray) -> None:
    """All marks opened, each line still has its marks, and more candidates, between its borders."""
    whole = lattices(clean.clean(page))
    more = opened(whole, [{number for number, _ in lattice.uncut} for lattice in whole])
    for before, after in zip(whole, more, strict=True):
        assert [one.box for one in after.candidates[: len(before.candidates)]] == [one.box for one in before.candidates]
        assert all(0 <= one.start < one.end <= after.length for one in after.candidates)


@settings(max_examples=30, deadline=None)
@given(st.integers(20, 400), st.integers(20, 400), st.integers(0, 2**32 - 1))
def test_a_large_page_loses_rings_and_frames_alone(height: int, width: int, seed: int) -> None:
    """Of a page with rings and boxes anywhere on it, within each other or cut by its edges, nothing is added to."""
    random = np.random.default_rng(seed)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(random.integers(1, 20))):
        x, y, size, pen = (int(random.integers(low, high)) for low, high in ((0, width), (0, height), (2, 200), (1, 6)))
        if random.random() < 0.5:
            cv2.circle(mask, (x, y), size // 2, 1, pen)
        else:
            cv2.rectangle(mask, (x, y), (x + size, y + int(random.integers(2, 200))), 1, pen)
    before = mask.copy()
    for stage in (without_rings, without_frames):
        rest = stage(mask, labelled(mask))
        assert rest.shape == mask.shape
        assert not np.any(rest > mask)
    assert np.array_equal(mask, before)
