"""normalise: MNIST's form, from glyphs of any size and stroke."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from digitd.imaging.gray import Gray
from digitd.imaging.normalise import is_mnist_like, normalise, stroke_width


def centre(image: Gray) -> tuple[float, float]:
    """The centre of mass, as indexes of column and row."""
    moments = cv2.moments(image)
    return moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]


def longer_side(image: Gray) -> int:
    """The longer side of the ink, px."""
    return max(cv2.boundingRect(image)[2:])


def test_mnist_like_pages_are_recognised(mnist: tuple[Gray, Gray]) -> None:
    """All of MNIST's images are seen to be in MNIST's form."""
    assert all(is_mnist_like(image) for image in mnist[0])


def test_mnist_images_hardly_change(mnist: tuple[Gray, Gray]) -> None:
    """Normalising what is in MNIST's form already changes little: the recipe is MNIST's own."""
    changes = [np.abs(normalise(image).astype(int) - image).mean() for image in mnist[0]]
    assert np.median(changes) < 1


@pytest.mark.parametrize("change", ["inverted", "shifted", "small", "large", "dark"])
def test_other_pages_are_not_mnist_like(mnist: tuple[Gray, Gray], change: str) -> None:
    """A page that is inverted, off centre, of another size or faint is not in MNIST's form."""
    image = mnist[0][3]
    other = {
        "inverted": 255 - image,
        "shifted": np.roll(image, 4, axis=1),
        "small": image[2:-2, 2:-2],
        "large": cv2.resize(image, (56, 56)),
        "dark": image // 3,
    }[change]
    assert not is_mnist_like(other)


@pytest.mark.parametrize("side", [6, 13, 40, 90, 333, 1200])
def test_scaled_glyphs_come_out_in_mnists_form(mnist: tuple[Gray, Gray], side: int) -> None:
    """A glyph at any scale has its longer side at 20 px, its peak at 255, its centre of mass at 13.5..14.5."""
    for image in mnist[0][::7]:
        page = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA if side < 28 else cv2.INTER_CUBIC)
        made = normalise(page)
        assert longer_side(made) == 20
        assert made.max() == 255
        assert all(13.49 <= value <= 14.51 for value in centre(made))


def test_loose_and_tight_crops_give_the_same(mnist: tuple[Gray, Gray]) -> None:
    """Paper around a glyph makes no difference."""
    for image in mnist[0][::11]:
        loose = np.pad(image, ((30, 5), (0, 60)))
        assert np.array_equal(normalise(loose), normalise(image))


@pytest.mark.parametrize("width", [1, 2, 4, 12, 40])
@pytest.mark.parametrize("side", [60, 400, 1500])
def test_hairlines_do_not_vanish(side: int, width: int) -> None:
    """A circle drawn with a hairline of 1 px comes out as clear as MNIST's thinner strokes, at any size."""
    page = np.zeros((side, side), np.uint8)
    cv2.circle(page, (side // 2, side // 2), side * 2 // 5, 255, min(width, side // 8))
    made = normalise(page)
    assert stroke_width(made) > 1.4
    assert np.count_nonzero(made > 200) > 50
    assert made[12:16, 12:16].max() == 0


def test_very_thick_strokes_keep_their_loop(draw: SimpleNamespace) -> None:
    """A 0 drawn so thick that its hole is a slit still has a hole at 28 px."""
    page = 255 - draw.stroke(draw.paper(200, 200), "0", (40, 30, 110, 140), 40)
    made = normalise(page)
    assert made[14, 11:18].min() < 100


def test_no_ink_gives_zeros() -> None:
    """An empty crop gives an empty glyph."""
    assert not normalise(np.zeros((40, 30), np.uint8)).any()


def test_aspect_is_kept() -> None:
    """A tall bar stays tall: 5 times as high as wide."""
    page = np.zeros((150, 120), np.uint8)
    page[20:120, 50:70] = 255
    _, _, width, height = cv2.boundingRect(normalise(page))
    assert (width, height) == (4, 20)


def test_the_input_is_left_alone(mnist: tuple[Gray, Gray]) -> None:
    """Normalising writes nothing into what it was given."""
    page = mnist[0][5].copy()
    before = page.copy()
    normalise(page)
    assert np.array_equal(page, before)


@settings(max_examples=150, deadline=None)
@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 70), st.integers(1, 70))))
def test_any_ink_gives_a_glyph(ink: Gray) -> None:
    """Whatever the ink, the result is (28, 28) uint8, and has ink if and only if there was some."""
    made = normalise(ink)
    assert made.shape == (28, 28)
    assert made.dtype == np.uint8
    assert made.any() == ink.any()
    assert isinstance(is_mnist_like(ink), bool)
