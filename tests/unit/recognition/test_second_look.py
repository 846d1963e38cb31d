"""What is not sure at a first look is looked at again, moved; what is sure is not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from digitd.recognition.bundle import Bundle
from digitd.recognition.engine import Images, Logits, open_engine
from digitd.recognition.litert import LiteRtEngine
from digitd.recognition.second_look import MOVES, SecondLook, moved

Digits = tuple[NDArray[np.uint8], NDArray[np.int64]]


class _Seen:
    """An engine whose logits are (the first pixel of row 1, 0, of column 1), and that keeps what it was shown."""

    def __init__(self) -> None:
        self.batches: list[Images] = []

    def logits(self, images: Images) -> Logits:
        self.batches.append(images.copy())
        return np.stack([images[:, 1, 1], np.zeros(len(images)), images[:, 2, 2]], 1).astype(np.float32)


def test_a_sure_image_is_seen_once() -> None:
    """Where the first look is sure, its logits stand, and the network is not called again."""
    images = np.zeros((3, 28, 28), np.uint8)
    images[:, 1, 1] = 20
    engine = _Seen()
    assert SecondLook(engine).logits(images).tolist() == [[20, 0, 0]] * 3
    assert len(engine.batches) == 1


def test_an_unsure_image_gets_the_mean_of_its_looks() -> None:
    """One unsure image among sure ones: it alone is seen again, moved both ways, and its logits are the mean."""
    images = np.zeros((3, 28, 28), np.uint8)
    images[[0, 2], 1, 1] = 20
    images[1, 1, 1], images[1, 2, 2] = 6, 6
    engine = _Seen()
    said = SecondLook(engine).logits(images)
    assert [batch.shape[0] for batch in engine.batches] == [3, len(MOVES)]
    # Down and right the 6 of (1, 1) lies at (2, 2); up and left that of (2, 2) at (1, 1).
    assert said.tolist() == [[20, 0, 0], [4, 0, 4], [20, 0, 0]]


def test_no_image_is_no_look() -> None:
    """An empty batch gives an empty answer."""
    assert SecondLook(_Seen()).logits(np.zeros((0, 28, 28), np.uint8)).shape == (0, 3)


@pytest.mark.parametrize(("down", "right"), [(1, 1), (-1, -1), (0, 2), (-3, 0), (0, 0)])
def test_moving_keeps_what_stays_inside(down: int, right: int) -> None:
    """Each pixel lies where it was moved to, paper comes in, and nothing comes in on the other side."""
    image = np.arange(1, 17, dtype=np.uint8).reshape(1, 4, 4)
    out = moved(image, down, right)[0]
    for y in range(4):
        for x in range(4):
            inside = 0 <= y - down < 4 and 0 <= x - right < 4
            assert out[y, x] == (image[0, y - down, x - right] if inside else 0)


def test_a_bundle_says_whether_it_is_looked_at_again(bundle: Bundle) -> None:
    """The shipped bundle is; one that says nothing of it is read with one look."""
    assert isinstance(open_engine(bundle, "litert"), SecondLook)


def test_few_digits_need_a_second_look(bundle: Bundle, digits: Digits) -> None:
    """It must not cost much: of MNIST's digits fewer than one in ten is seen again, and none is read worse for it."""
    engine = LiteRtEngine(bundle)
    first, both = engine.logits(digits[0]), SecondLook(engine).logits(digits[0])
    again = (first != both).any(1)
    assert 0 < np.count_nonzero(again) < len(again) / 10
    right = [np.count_nonzero(said.argmax(1) == digits[1]) for said in (first, both)]
    assert right[1] >= right[0]
