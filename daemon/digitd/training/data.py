"""MNIST, from a folder of idx files (gzipped or not) or from Keras' download; validated."""

import gzip
import hashlib
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digitd.training.errors import DataError

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint8]

SIDE = 28
CLASSES = 10
# The idx format: two zero bytes, 0x08 for unsigned bytes, and the number of dimensions.
MAGIC_UBYTE = 0x0800
STEMS = {
    "train images": "train-images{}idx3-ubyte",
    "train labels": "train-labels{}idx1-ubyte",
    "test images": "t10k-images{}idx3-ubyte",
    "test labels": "t10k-labels{}idx1-ubyte",
}


@dataclass(frozen=True)
class Mnist:
    """The data as it was published: images uint8 (N, 28, 28), 0 paper to 255 ink; labels uint8 (N,)."""

    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels

    @property
    def sha256(self) -> str:
        """The hash of all four arrays' bytes: the same data, however they were packed."""
        digest = hashlib.sha256()
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def load(folder: Path | None) -> Mnist:
    """MNIST from `folder`, or without one from Keras' cache and download.

    Raises DataError, with the file and the remedy, where a file is missing, damaged, or does
    not fit the others, or where the download fails.
    """
    return from_keras() if folder is None else from_folder(folder)


def from_folder(folder: Path) -> Mnist:
    """MNIST from the four idx files as they are published, e.g. train-images-idx3-ubyte.gz."""
    if not folder.is_dir():
        raise DataError(
            f"{folder} is not a folder",
            "Name the folder that holds MNIST's four idx files, or leave --data out to download them",
        )
    paths = {what: _find(folder, stem) for what, stem in STEMS.items()}
    pairs = []
    for part in ("train", "test"):
        image_path, label_path = paths[f"{part} images"], paths[f"{part} labels"]
        images, labels = read_idx(image_path, 3), read_idx(label_path, 1)
        _validate(images, labels, image_path, label_path)
        pairs.append((images, labels))
    (train_images, train_labels), (test_images, test_labels) = pairs
    return Mnist(train_images, train_labels, test_images, test_labels)


def from_keras() -> Mnist:
    """MNIST from `tf.keras.datasets.mnist`, which downloads it once into ~/.keras/datasets."""
    import keras

    try:
        (train_images, train_labels), (test_images, test_labels) = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception for every failure of its download
        raise DataError(
            f"MNIST could not be downloaded ({error})",
            "Check the network, or fetch the four idx files and name their folder with --data",
        ) from error
    return Mnist(train_images, train_labels, test_images, test_labels)


def read_idx(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """The uint8 array of one idx file, gzipped or not. Raises DataError if it is none, or cut short."""
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error})", "Fetch the file again") from error
    header = 4 + 4 * dimensions
    if len(raw) < header or struct.unpack(">I", raw[:4])[0] != MAGIC_UBYTE + dimensions:
        raise DataError(
            f"{path} is not an idx file of unsigned bytes in {dimensions} dimensions",
            "Fetch MNIST's original file again; a web page saved under its name is a common cause",
        )
    shape = struct.unpack(f">{dimensions}I", raw[4:header])
    expected = math.prod(shape)
    if len(raw) - header != expected:
        raise DataError(
            f"{path} has {len(raw) - header} bytes of data where its header says {expected}",
            "Fetch the file again: it was cut short or changed",
        )
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)


def _find(folder: Path, stem: str) -> Path:
    """The file of that stem: with a dash or a dot before `idx`, with .gz or without."""
    names = [stem.format(mark) + ending for mark in "-." for ending in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DataError(
        f"{folder} has no {names[0]} (nor {', '.join(names[1:])})",
        "MNIST is four files: train-images, train-labels, t10k-images, t10k-labels",
    )


def _validate(images: Images, labels: Labels, image_path: Path, label_path: Path) -> None:
    if images.shape[1:] != (SIDE, SIDE):
        raise DataError(
            f"{image_path} has images of {images.shape[2]}x{images.shape[1]} pixels",
            f"digitd trains on {SIDE}x{SIDE}",
        )
    if len(images) != len(labels):
        raise DataError(
            f"{image_path} has {len(images)} images, {label_path} has {len(labels)} labels",
            "Take both from the same publication",
        )
    if not len(images):
        raise DataError(f"{image_path} has no images", "Fetch the file again")
    if int(labels.max()) >= CLASSES:
        raise DataError(f"{label_path} has the label {labels.max()}", "digitd trains on the digits 0 to 9")
