"""Digits on synthetic sheets come back through the product's own cleaning as digits, and as themselves."""

import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitd.imaging.clean import clean
from digitd.imaging.normalise import normalise
from digitd.recognition.bundle import Bundle, shipped
from digitd.recognition.engine import open_engine
from digitd.training import paper, sheet

Array = NDArray[np.uint8]
Digits = tuple[Array, Array]
Pen = Callable[[Array, int, np.random.Generator], Array]


def large(digit: Array, side: int = 80) -> Array:
    """One of MNIST's digits at so many pixels, as a pen leaves it."""
    smooth = cv2.resize(digit, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.threshold(smooth, 110, 255, cv2.THRESH_BINARY)[1], np.uint8)


def test_most_digits_come_back_and_are_read_as_what_they_are(digits: Digits) -> None:
    """Nearly all digits survive paper, and the shipped network reads nearly all of those: labels stay true."""
    rng = np.random.default_rng(1)
    inks = [paper.on_paper(large(digit), rng) for digit in np.tile(digits[0], (2, 1, 1))]
    kept = [(normalise(ink), label) for ink, label in zip(inks, np.tile(digits[1], 2), strict=True) if ink is not None]
    assert len(kept) > 320
    images, labels = np.stack([image for image, _ in kept]), np.array([label for _, label in kept])
    said = open_engine(Bundle.load(shipped()), "litert").logits(images)[:, :10].argmax(1)
    assert np.mean(said == labels) > 0.93


def test_what_comes_back_is_ink_cropped_tightly(digits: Digits) -> None:
    """A crop is uint8 with ink in its outermost rows and columns, as `normalise` takes it."""
    rng = np.random.default_rng(2)
    for digit in digits[0][::5]:
        ink = paper.on_paper(large(digit, 50), rng)
        if ink is not None:
            assert ink.dtype == np.uint8
            assert all(side.any() for side in (ink[0], ink[-1], ink[:, 0], ink[:, -1]))


def test_the_same_seed_gives_the_same_sheet(digits: Digits) -> None:
    """A sheet depends on nothing but its digit and its generator."""
    ink = large(digits[0][0])
    for seed in range(20):
        first, again = (paper.sheet(ink, np.random.default_rng(seed)) for _ in range(2))
        assert np.array_equal(first[0], again[0])
        assert np.array_equal(first[1], again[1])
    assert not np.array_equal(paper.sheet(ink, np.random.default_rng(1))[0], first[0])


@pytest.mark.parametrize("shape", [(1, 1), (20, 3), (4, 130), (130, 130)])
def test_any_size_of_ink_makes_a_sheet(shape: tuple[int, int]) -> None:
    """The smallest and largest inks, and very long ones, are put on sheets; the digit's place has the page's size."""
    for seed in range(30):
        page, drawn = paper.sheet(np.full(shape, 255, np.uint8), np.random.default_rng(seed))
        assert page.dtype == np.uint8
        assert page.shape == drawn.shape


def test_no_ink_gives_nothing() -> None:
    """Where there is no digit there is nothing to find."""
    assert paper.on_paper(np.zeros((40, 30), np.uint8), np.random.default_rng(0)) is None


def test_neither_fragments_nor_other_things_are_taken_for_the_digit() -> None:
    """A digit of which half is gone, and a page whose ink is elsewhere, give None; ink apart from the digit is left."""
    page = np.full((80, 80), 250, np.uint8)
    drawn = np.zeros((80, 80), np.uint8)
    cv2.rectangle(drawn, (30, 20), (40, 60), 255, -1)
    half = page.copy()
    half[20:38, 30:41] = 30
    assert paper.found(clean(half), drawn) is None
    elsewhere = page.copy()
    elsewhere[5:15, 50:70] = 30
    assert paper.found(clean(elsewhere), drawn) is None
    both = elsewhere.copy()
    both[20:61, 30:41] = 30
    ink = paper.found(clean(both), drawn)
    assert ink is not None
    assert abs(ink.shape[0] - 41) <= 2
    assert abs(ink.shape[1] - 11) <= 2


@pytest.mark.parametrize("pen", [pen for pen in paper.PENS if pen is not None])
def test_pens_change_ink_and_make_none_from_nothing(pen: Pen, digits: Digits) -> None:
    """Every pen leaves its own trace of the digit, and nothing away from it."""
    ink = np.pad(large(digits[0][3]), 20)
    traces = [pen(ink, 80, np.random.default_rng(seed)) for seed in range(10)]
    near = cv2.dilate(ink, np.ones((13, 13), np.uint8))
    for trace in traces:
        assert not np.array_equal(trace, ink)
        assert trace[ink > 0].mean() > 40
        assert trace[near == 0].max() == 0


def test_few_sheets_leave_a_line_with_the_digit(digits: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where every sheet has a form's box, next to no crop is the whole box."""
    monkeypatch.setattr(paper, "RULED", 0.0)
    monkeypatch.setattr(paper, "BOXED", 1.0)
    rng = np.random.default_rng(4)
    ones = digits[0][digits[1] == 1]
    inks = [ink for _ in range(8) for one in ones if (ink := paper.on_paper(large(one), rng)) is not None]
    assert len(inks) > 40
    framed = [all((side > 100).mean() > 0.8 for side in (ink[:2].max(0), ink[:, :2].max(1))) for ink in inks]
    assert np.mean(framed) < 0.1


def test_shadows_and_slopes_leave_enough_light() -> None:
    """Light is at most 1, somewhere 1, and nowhere less than a quarter."""
    for seed in range(50):
        field = sheet.light((40, 60), np.random.default_rng(seed))
        assert field.shape == (40, 60)
        assert field.min() >= 0.25
        assert 0.9 < field.max() <= 1.0


def test_shares_are_kept() -> None:
    """`pick` takes each index as often as its share says."""
    rng = np.random.default_rng(0)
    counts = np.bincount([sheet.pick((0.1, 0.0, 0.6, 0.3), rng) for _ in range(4000)], minlength=4)
    assert counts[1] == 0
    assert np.abs(counts / 4000 - (0.1, 0, 0.6, 0.3)).max() < 0.03


def test_paper_keeps_up_with_training(digits: Digits) -> None:
    """A digit takes less than three milliseconds on paper even on a busy machine (a quarter of that on an idle one)."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(1)
    inks = [large(digit) for digit in digits[0]]
    begun = time.process_time()
    for ink in inks:
        paper.on_paper(ink, rng)
    taken = time.process_time() - begun
    cv2.setNumThreads(threads)
    assert taken / len(inks) < 0.003
