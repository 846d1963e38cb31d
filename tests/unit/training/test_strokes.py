"""The shapes that are drawn by code are digits that any reader names, and each is that of its row."""

import numpy as np
import pytest
from numpy.typing import NDArray

from digitd.imaging.normalise import normalise
from digitd.recognition.bundle import Bundle, shipped
from digitd.recognition.engine import Engine, open_engine
from digitd.training import augment, strokes
from digitd.training.shapes import SHAPES

EVERY = [(digit, shape) for digit, shapes in SHAPES.items() for shape in shapes]

HARD = {
    # A slash beyond the ends is unknown to MNIST.
    SHAPES[0][-1],
}
"""Right shapes that the shipped network may fail to read."""


@pytest.fixture(scope="module")
def network() -> Engine:
    """The network that ships."""
    return open_engine(Bundle.load(shipped()), "litert")


def test_every_digit_is_written_in_many_ways() -> None:
    """Each digit has ten shapes or more, none twice, and none is two digits' at once."""
    assert sorted(SHAPES) == list(range(10))
    assert all(len(shapes) >= 10 for shapes in SHAPES.values())
    assert len({shape for _, shape in EVERY}) == len(EVERY)


@pytest.mark.parametrize(("digit", "shape"), EVERY)
def test_a_shape_stands_in_a_box_of_height_one(digit: int, shape: str) -> None:
    """Strokes have two points or more, are about 1 high, and not so wide that they must be a sign."""
    controls = [points for points, _ in strokes.parsed(shape)]
    assert all(len(points) >= 2 for points in controls)
    low, high = np.concatenate(controls).min(0), np.concatenate(controls).max(0)
    assert -0.12 <= low[1] <= 0.1
    assert 0.9 <= high[1] <= 1.05
    assert high[0] - low[0] <= 1.01


@pytest.mark.parametrize("digit", range(10))
def test_most_readers_would_agree(digit: int, network: Engine) -> None:
    """The shipped network reads a clear majority of every shape's drawings as its digit, but for the hard ones."""
    rng = np.random.default_rng(digit)
    for shape in SHAPES[digit]:
        said = _read(shape, rng, network)
        assert np.mean(said == digit) > (0.1 if shape in HARD else 0.7), shape


def test_drawings_as_a_whole_are_read(network: Engine) -> None:
    """Of all shapes alike, nineteen drawings in twenty are read: what is drawn is no riddle."""
    rng = np.random.default_rng(1)
    shares = [np.mean(_read(shape, rng, network, 20) == digit) for digit, shape in EVERY]
    assert np.mean(shares) > 0.95


def _read(shape: str, rng: np.random.Generator, network: Engine, count: int = 60) -> NDArray[np.int64]:
    drawings = [normalise(augment.penned(strokes.jittered(shape, rng), rng)) for _ in range(count)]
    return np.asarray(network.logits(np.stack(drawings))[:, :10].argmax(1), np.int64)


def test_a_curve_goes_through_its_points_and_keeps_its_corners() -> None:
    """A spline passes every control point, ends at the last, and stays on straight lines between corners."""
    controls = np.array(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
    square = strokes.curve(controls, [False, True, True, False])
    for point in controls:
        assert np.abs(square - point).sum(1).min() < 1e-9
    assert np.array_equal(square[-1], controls[-1])
    inside = (square[:, 0] > 1e-9) & (square[:, 0] < 1 - 1e-9) & (square[:, 1] > 1e-9) & (square[:, 1] < 1 - 1e-9)
    assert not inside.any()
    round_one = strokes.curve(controls, [False] * 4)
    assert round_one[:, 0].max() > 1.01


def test_strokes_are_not_joined_to_each_other() -> None:
    """A shape of two strokes has no edge from the one to the other."""
    drawing = strokes.jittered("0,0 100,0 | 0,100 100,100", np.random.default_rng(0))
    ys = drawing.points[:, 1]
    assert all((ys[a] < 0.5) == (ys[b] < 0.5) for a, b in drawing.edges)
    assert {bool(y < 0.5) for y in ys} == {True, False}
