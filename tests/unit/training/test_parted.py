"""A digit cut from a neighbour is that digit still, and what a cut in the wrong place leaves is two digits' ink."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitd.imaging.normalise import INNER, normalise
from digitd.recognition.bundle import Bundle, shipped
from digitd.recognition.engine import open_engine
from digitd.training import parted
from digitd.training.parted import wrongly_parted

Array = NDArray[np.uint8]
Digits = tuple[Array, Array]

EDGE = 24
"""As in `normalise`: fainter ink than this share of the peak is a halo, and not measured."""


def extent(image: Array) -> tuple[int, int]:
    """Width and height of the ink."""
    _, mask = cv2.threshold(image, EDGE, 255, cv2.THRESH_BINARY)
    _, _, width, height = cv2.boundingRect(mask)
    return width, height


def test_a_cut_digit_has_the_form_of_a_normalised_glyph(digits: Digits) -> None:
    """It is 28x28 uint8 in full contrast, its longer side is 20 px, its label is a digit, and all ten turn up."""
    rng = np.random.default_rng(1)
    labels = set()
    for _ in range(200):
        image, label = parted.parted(*digits, rng)
        assert image.shape == (28, 28)
        assert image.dtype == np.uint8
        assert image.max() >= 250
        assert INNER - 2 <= max(extent(image)) <= INNER
        labels.add(label)
    assert labels == set(range(10))


def test_a_cut_depends_on_nothing_but_its_generator(digits: Digits) -> None:
    """The same generator state gives the same images and labels, another others; the digits stay as they were."""
    before = digits[0].copy()
    first, second, other = (
        [parted.parted(*digits, rng) for _ in range(8)] for rng in map(np.random.default_rng, (5, 5, 6))
    )
    assert [label for _, label in first] == [label for _, label in second]
    assert np.array_equal([image for image, _ in first], [image for image, _ in second])
    assert not any(np.array_equal(a, b) for (a, _), (b, _) in zip(first, other, strict=True))
    assert np.array_equal(digits[0], before)


def test_a_cut_digit_is_read_as_its_label(digits: Digits) -> None:
    """The shipped network reads nine in ten as the label, and most of every digit: labels stay true."""
    rng = np.random.default_rng(2)
    made = [parted.parted(*digits, rng) for _ in range(600)]
    engine = open_engine(Bundle.load(shipped()), "litert")
    said = engine.logits(np.stack([image for image, _ in made]))[:, :10].argmax(1)
    labels = np.array([label for _, label in made])
    assert np.mean(said == labels) > 0.9
    for digit in range(10):
        assert np.mean(said[labels == digit] == digit) > 0.75, digit


def test_cuts_leave_stubs_and_take_little(digits: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most pieces have a stub of a neighbour or have lost ink, none its most, and some are cut without a fault."""
    rows: list[Array] = []
    pieces: list[Array] = []
    row, tight = parted._row, parted._tight

    def noted_row(*args: Any, **kwargs: Any) -> tuple[Array, list[int]]:
        inks, labels = row(*args, **kwargs)
        rows.append(inks)
        return inks, labels

    def noted_piece(ink: Array) -> Array:
        pieces.append(ink)
        return tight(ink)

    monkeypatch.setattr(parted, "_row", noted_row)
    monkeypatch.setattr(parted, "_tight", noted_piece)
    rng = np.random.default_rng(3)
    for _ in range(200):
        parted.parted(*digits, rng)
    faults = []
    for piece, inks in zip(pieces, rows, strict=True):
        seen, alone = piece > parted.INK, inks > parted.INK
        assert max((seen & own).sum() / own.sum() for own in alone) > parted.LEAST_OWN - 0.05
        faults.append(not any(np.array_equal(seen, own) for own in alone))
    assert 0.5 < np.mean(faults) < 1


def test_a_border_stays_in_the_gap_and_strays_only_where_digits_touch() -> None:
    """Beside a gap the cut takes nothing and leaves nothing; where ink runs together it lies as far off as is said."""
    left, right = np.zeros((40, 60), np.uint8), np.zeros((40, 60), np.uint8)
    left[:, 10:20] = 255
    right[:, 36:46] = 255
    left[30:34, 10:30] = 255
    right[30:34, 30:46] = 255
    border = parted._border(left, right, 0.1, np.random.default_rng(4))
    apart = np.r_[0:26, 38:40]
    assert ((border[apart] >= 20) & (border[apart] <= 36)).all()
    assert border[30:34].mean() == pytest.approx(30 + 0.1 * 40, abs=2)


def test_a_wrong_cut_leaves_ink_of_two_digits(digits: Digits) -> None:
    """What is left is wide and mostly lies, and has the form of a glyph once it is normalised; it is repeatable."""
    rng, again = np.random.default_rng(5), np.random.default_rng(5)
    wider = []
    for _ in range(200):
        ink = wrongly_parted(*digits, rng)
        assert np.array_equal(ink, wrongly_parted(*digits, again))
        image = normalise(ink)
        width, height = extent(image)
        assert INNER - 2 <= max(width, height) <= INNER
        assert width > 0.75 * height
        wider.append(width > height)
    assert np.mean(wider) > 0.7


def test_a_wrong_cut_needs_more_than_ones(digits: Digits) -> None:
    """Half a 1 is a 1: where there is nothing else, that is an error and not a 1 among what is no digit."""
    ones = digits[1] == 1
    with pytest.raises(ValueError, match="give some of each digit"):
        wrongly_parted(digits[0][ones], digits[1][ones], np.random.default_rng(0))
