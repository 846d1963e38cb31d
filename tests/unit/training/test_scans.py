"""One's own scans become training images, with the digits of their labels; a part of them is kept aside."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitd.imaging.decode import Limits
from digitd.recognition.bundle import Bundle, shipped
from digitd.recognition.reader import Reader, open_reader
from digitd.training import data, scans, train
from digitd.training.scans import Glyphs, Scan

Array = NDArray[np.uint8]
Digits = tuple[Array, Array]
LIMITS = Limits(10_000_000, 10_000_000, 10)


@pytest.fixture(scope="module")
def reader() -> Reader:
    """A reader with the bundle that ships."""
    return open_reader(Bundle.load(shipped()), "litert", LIMITS)


def drawn(digits: Digits, chosen: list[int], name: str = "one") -> Scan:
    """A scan of MNIST's digits of those numbers in a row, labelled rightly."""
    images, labels = digits
    row = np.hstack([cv2.resize(images[index], (56, 56), interpolation=cv2.INTER_CUBIC) for index in chosen])
    page = 245 - cv2.copyMakeBorder(row, 20, 20, 20, 20, cv2.BORDER_CONSTANT, value=0).astype(np.int16) * 9 // 10
    encoded = cv2.imencode(".png", page.astype(np.uint8))[1].tobytes()
    return Scan(name, encoded, "".join(str(labels[index]) for index in chosen))


def test_every_digit_of_a_scan_is_cut_with_its_label(digits: Digits, reader: Reader) -> None:
    """Single digits and rows give as many images as their labels have digits, in order; each is trained on or kept."""
    chosen = [[number] for number in range(30)] + [[number, number + 1, number + 2] for number in range(30, 60, 3)]
    found = scans.gathered([drawn(digits, each, str(each)) for each in chosen], reader, LIMITS)
    assert len(found.unusable) <= 2
    assert found.used + found.kept_aside + len(found.unusable) == 40
    assert found.used > found.kept_aside > 0
    assert len(found.train.images) == len(found.train.labels) >= found.used
    assert found.train.images.shape[1:] == (28, 28)
    images = np.concatenate((found.train.images, found.aside.images))
    labels = np.concatenate((found.train.labels, found.aside.labels))
    said = reader._engine.logits(images)[:, :10].argmax(1)
    assert np.mean(said == labels) > 0.95


def test_what_is_kept_aside_does_not_depend_on_name_or_order(digits: Digits, reader: Reader) -> None:
    """The same files give the same part and the same hash, in whatever order they are found."""
    each = [drawn(digits, [number], str(number)) for number in range(25)]
    again = [Scan(f"other {scan.name}", scan.data, scan.label) for scan in reversed(each)]
    first, second = (scans.gathered(some, reader, LIMITS) for some in (each, again))
    assert first.sha256 == second.sha256
    assert sorted(first.aside.labels.tolist()) == sorted(second.aside.labels.tolist())
    assert 0 < first.kept_aside < first.used


def test_a_scan_that_does_not_fit_its_label_is_named_and_not_used(digits: Digits, reader: Reader) -> None:
    """Too few digits, too many lines, or no picture: each with its cause."""
    good = drawn(digits, [3])
    bad = [
        Scan("lines", good.data, "1\n2\n3\n4"),
        Scan("pages", good.data, "1\f2"),
        Scan("no picture", b"hello", "1"),
    ]
    found = scans.gathered(bad, reader, LIMITS)
    assert [name for name, _ in found.unusable] == ["lines", "pages", "no picture"]
    assert "label '1\\n2\\n3\\n4'" in found.unusable[0][1]
    assert found.used == found.kept_aside == 0
    assert found.train.images.shape == (0, 28, 28)


def test_few_digits_are_repeated_up_to_a_share() -> None:
    """A hundred digits beside 10,000 of MNIST are repeated to a seventh of all; five are not learnt by heart."""
    hundred, five = (Glyphs(np.zeros((n, 28, 28), np.uint8), np.zeros(n, np.uint8)) for n in (100, 5))
    assert len(scans.repeated(hundred, 10_000).images) == 1800
    assert len(scans.repeated(five, 10_000).labels) == 5 * scans.MOST_REPEATS
    assert len(scans.repeated(scans.Glyphs(hundred.images[:0], hundred.labels[:0]), 10_000).images) == 0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.timeout(300)
def test_training_tells_whether_they_helped(digits: Digits, reader: Reader, mnist: Path, tmp_path: Path) -> None:
    """The bundle records the scans, and the summary compares both networks on the digits kept aside."""
    pytest.importorskip("tensorflow")
    found = scans.gathered([drawn(digits, [number], str(number)) for number in range(40)], reader, LIMITS)
    told = train(
        "tutorial",
        mnist,
        tmp_path / "own",
        1,
        None,
        "digitd train --scans FOLDER",
        lambda *_: None,
        (found, reader._engine),
    )
    assert told.own is not None
    assert (told.own.used, told.own.kept_aside) == (found.used, found.kept_aside)
    assert told.own.new.total == told.own.in_use.total == len(found.aside.images)
    assert told.own.in_use.accuracy > 0.9
    training = Bundle.load(tmp_path / "own").manifest.training
    assert (training.scans, training.scans_sha256) == (found.used, found.sha256)
    assert training.data_sha256 == data.load(mnist).sha256
