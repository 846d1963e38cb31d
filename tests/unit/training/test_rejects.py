"""What is no digit: every kind is a normalised glyph, repeatable, and nothing that a person means as a digit."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitd.imaging.normalise import INNER
from digitd.training import letters, rejects, scrawls, spoiled
from digitd.training.rejects import KINDS, NAMES, of_kind, reject

Array = NDArray[np.uint8]
Digits = tuple[Array, Array]

MEANT_AS_DIGITS = "OoQDIil|/\\!()[]Zz}YyutSs$bGJTjr>gqaCUcne0123456789"
EDGE = 24
"""As in `normalise`: fainter ink than this share of the peak is a halo, and not measured."""


def extent(image: Array) -> tuple[int, int]:
    """Width and height of the ink."""
    _, mask = cv2.threshold(image, EDGE, 255, cv2.THRESH_BINARY)
    _, _, width, height = cv2.boundingRect(mask)
    return width, height


def parts(image: Array) -> int:
    """How many pieces of ink stand apart."""
    return cv2.connectedComponents((image > 96).astype(np.uint8))[0] - 1


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_has_the_form_of_a_normalised_glyph(name: str, digits: Digits) -> None:
    """A reject is 28x28 uint8, has ink in full contrast, and its longer side is the 20 px of every glyph."""
    rng = np.random.default_rng(1)
    for _ in range(60):
        image = of_kind(name, *digits, rng)
        assert image.shape == (28, 28)
        assert image.dtype == np.uint8
        assert image.max() >= 250
        assert INNER - 2 <= max(extent(image)) <= INNER


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_depends_on_nothing_but_its_generator(name: str, digits: Digits) -> None:
    """The same generator state gives the same images, another one others, and the digits stay as they were."""
    before = digits[0].copy()
    first, second, other = (
        [of_kind(name, *digits, rng) for _ in range(8)] for rng in map(np.random.default_rng, (5, 5, 6))
    )
    assert np.array_equal(first, second)
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    assert len({image.tobytes() for image in first}) == 8
    assert np.array_equal(digits[0], before)


def test_the_mix_follows_the_shares(digits: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shares sum to one, and rejects are of every kind, as often as its share says."""
    assert sum(kind.share for kind in KINDS.values()) == pytest.approx(1.0)
    asked: list[str] = []
    blank = np.zeros((28, 28), np.uint8)

    def noted(name: str, *_: object) -> Array:
        asked.append(name)
        return blank

    monkeypatch.setattr(rejects, "of_kind", noted)
    rng = np.random.default_rng(2)
    for _ in range(5000):
        reject(*digits, rng)
    for name, kind in KINDS.items():
        assert asked.count(name) / 5000 == pytest.approx(kind.share, abs=0.025), name
        assert name in asked


def test_kinds_look_unlike_each_other(digits: Digits) -> None:
    """The mean images of any two kinds differ: no kind is another one under a second name."""
    rng = np.random.default_rng(3)
    means = [np.mean([of_kind(name, *digits, rng) for _ in range(80)], axis=0) for name in NAMES]
    for i, one in enumerate(means):
        for j, other in enumerate(means[:i]):
            assert np.abs(one - other).mean() > 2.5, (NAMES[i], NAMES[j])


def test_no_letter_is_taught_that_a_hurried_pen_means_as_a_digit() -> None:
    """O and 0, l and 1, S and 5 are one to a reader: none of them is among the single letters, of pen or font."""
    taught = set(letters.SIGNS) | set(letters.PRINTED) | set(letters.SCRIPT)
    assert not taught & set(MEANT_AS_DIGITS)
    assert "B" not in letters.PRINTED + letters.SCRIPT
    assert {"A", "E", "H", "K", "M", "R", "W", "?", "%", "#", "π"} <= taught


def test_no_part_of_a_digit_stands_upright(digits: Digits) -> None:
    """A short steep stroke is a 1: what is left of a digit's top or bottom lies, and of 1 4 6 8 9 nothing is used."""
    assert not {1, 4, 6, 8, 9} & set(spoiled.PARTS)
    images, labels = (array[digits[1] == 7] for array in digits)
    rng = np.random.default_rng(4)
    for _ in range(60):
        width, height = extent(of_kind("part", images, labels, rng))
        assert width > height


def test_a_missing_digit_is_said(digits: Digits) -> None:
    """Where the digits have none that a kind can be made of, that is an error and not another kind's image."""
    ones = digits[1] == 1
    with pytest.raises(ValueError, match="give some of each digit"):
        of_kind("stacked", digits[0][ones], digits[1][ones], np.random.default_rng(0))


def test_two_digits_are_wider_than_one_and_more_than_one_piece(digits: Digits) -> None:
    """Digits beside each other lie, and mostly stand apart; now and then they touch."""
    rng = np.random.default_rng(5)
    images = [of_kind("beside", *digits, rng) for _ in range(200)]
    assert np.mean([extent(image)[0] > extent(image)[1] for image in images]) > 0.75
    apart = np.mean([parts(image) > 1 for image in images])
    assert 0.35 < apart < 0.97


def test_digits_above_each_other_are_apart_and_never_two_loops(digits: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rings one above the other are an 8, and two ones a 1: no such pair is made."""
    seen: list[int] = []
    made = spoiled._digit

    def noted(*args: object, **kwargs: object) -> tuple[Array, int]:
        ink, label = made(*args, **kwargs)  # type: ignore[arg-type]
        seen.append(label)
        return ink, label

    monkeypatch.setattr(spoiled, "_digit", noted)
    rng = np.random.default_rng(6)
    images = [of_kind("stacked", *digits, rng) for _ in range(200)]
    assert np.mean([extent(image)[1] > extent(image)[0] for image in images]) > 0.95
    pairs = list(zip(seen[::2], seen[1::2], strict=True))
    assert len(pairs) == 200
    assert 1 not in seen
    assert not [pair for pair in pairs if set(pair) <= {0, 6, 8, 9}]


def test_a_frame_goes_around_its_digit(digits: Digits) -> None:
    """What is left of a framed digit has the frame's ink on all four sides, even where thick strokes are thinned."""
    rng = np.random.default_rng(7)
    for _ in range(100):
        image = of_kind("framed", *digits, rng)
        ys, xs = np.nonzero(image > EDGE)
        inside = image[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1] > EDGE
        assert inside.any(axis=0).all()
        assert inside.any(axis=1).all()


@pytest.mark.parametrize("make", [scrawls.blot, scrawls.rules])
def test_blots_and_rules_are_never_an_upright_bar(make: scrawls.Scrawl) -> None:
    """A narrow upright form is a 1: filled forms and rules are wider than a third of their height."""
    rng = np.random.default_rng(8)
    for _ in range(200):
        width, height = extent(make(rng))
        assert width > height * 0.5
