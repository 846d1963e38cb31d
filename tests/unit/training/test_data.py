"""MNIST is read from idx files as they are published, and what is wrong with them is said."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digitd.errors import DigitdError
from digitd.training import data
from digitd.training.errors import DataError

WriteMnist = Callable[..., Path]


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("form", ["{}-{}-idx{}-ubyte", "{}-{}.idx{}-ubyte"])
def test_all_published_names_are_read(write_mnist: WriteMnist, tmp_path: Path, form: str, zipped: bool) -> None:
    """With a dash or a dot, gzipped or not: the same arrays, and the same hash."""
    plain = data.load(write_mnist(tmp_path / "plain"))
    found = data.load(write_mnist(tmp_path / "other", form, zipped))
    assert found.train_images.shape == (150, 28, 28)
    assert found.test_labels.shape == (50,)
    assert np.array_equal(found.train_images, plain.train_images)
    assert found.sha256 == plain.sha256


def test_other_data_have_another_hash(mnist: Path) -> None:
    """One changed pixel, or one label, changes the hash."""
    loaded = data.load(mnist)
    images, labels = loaded.test_images.copy(), loaded.test_labels.copy()
    images[0, 14, 14] ^= 1
    labels[0] = (labels[0] + 1) % 10
    whole = (loaded.train_images, loaded.train_labels)
    hashes = {
        loaded.sha256,
        data.Mnist(*whole, images, loaded.test_labels).sha256,
        data.Mnist(*whole, loaded.test_images, labels).sha256,
    }
    assert len(hashes) == 3


def _refused(folder: Path, *words: str) -> None:
    with pytest.raises(DataError) as caught:
        data.load(folder)
    for word in words:
        assert word in caught.value.cause
    assert caught.value.remedy
    assert isinstance(caught.value, DigitdError)


def test_a_missing_folder_or_file_is_named(write_mnist: WriteMnist, tmp_path: Path) -> None:
    """What is not there is named."""
    _refused(tmp_path / "none", "none", "is not a folder")
    folder = write_mnist(tmp_path / "mnist")
    (folder / "t10k-labels-idx1-ubyte").unlink()
    _refused(folder, "t10k-labels-idx1-ubyte")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not an idx file"),
        (b"<html>404 not found</html>", "is not an idx file"),
        (struct.pack(">IIII", 0x0D03, 1, 28, 28) + bytes(4 * 784), "is not an idx file"),
        (struct.pack(">IIII", 0x0803, 150, 28, 28) + bytes(783), "has 783 bytes of data where its header says 117600"),
        (struct.pack(">IIII", 0x0803, 150, 32, 28) + bytes(150 * 32 * 28), "has images of 28x32 pixels"),
        (struct.pack(">IIII", 0x0803, 149, 28, 28) + bytes(149 * 784), "has 149 images"),
        (struct.pack(">IIII", 0x0803, 2**31, 2**31, 2**31), "has 0 bytes of data"),
        (gzip.compress(bytes(1000))[:-9], "cannot be read"),
    ],
)
def test_a_damaged_file_is_refused(write_mnist: WriteMnist, tmp_path: Path, content: bytes, words: str) -> None:
    """No idx file, cut short, of another size or count: the file is named with the defect."""
    folder = write_mnist(tmp_path / "mnist")
    (folder / "train-images-idx3-ubyte").write_bytes(content)
    _refused(folder, "train-images-idx3-ubyte", words)


def test_empty_data_and_letters_are_refused(write_mnist: WriteMnist, tmp_path: Path) -> None:
    """Files without images, or with labels above 9 (as EMNIST has), are no digits to train on."""
    folder = write_mnist(tmp_path / "letters")
    (folder / "train-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x0801, 150) + bytes([12] * 150))
    _refused(folder, "has the label 12")
    (folder / "train-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x0801, 0))
    (folder / "train-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x0803, 0, 28, 28))
    _refused(folder, "has no images")


@pytest.mark.filterwarnings("ignore")
def test_a_download_that_fails_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network, `--data` is the way, and the error says so."""
    keras = pytest.importorskip("keras")

    def fails() -> None:
        raise Exception("URL fetch failure: [Errno -3] Temporary failure in name resolution")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", fails)
    with pytest.raises(DataError) as caught:
        data.load(None)
    assert "name resolution" in caught.value.cause
    assert "--data" in caught.value.remedy
