"""A tiny MNIST, as idx files."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

DIGITS = Path(__file__).parents[2] / "fixtures" / "mnist-digits.npz"

Array = NDArray[np.uint8]


def idx(array: Array) -> bytes:
    """An idx file of unsigned bytes."""
    header = struct.pack(f">I{array.ndim}I", 0x0800 + array.ndim, *array.shape)
    return header + array.tobytes()


@pytest.fixture(scope="session")
def digits() -> tuple[Array, Array]:
    """Twenty of each of MNIST's test digits: images uint8 (200, 28, 28), labels uint8 (200,)."""
    with np.load(DIGITS) as data:
        return data["images"], data["labels"].astype(np.uint8)


@pytest.fixture(scope="session")
def write_mnist(digits: tuple[Array, Array]) -> Callable[..., Path]:
    """Write the four files into a folder: 150 training digits and 50 test digits."""

    def write(folder: Path, form: str = "{}-{}-idx{}-ubyte", zipped: bool = False) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        order = np.random.default_rng(0).permutation(200)
        images, labels = digits[0][order], digits[1][order]
        for part, chosen in (("train", slice(0, 150)), ("t10k", slice(150, 200))):
            for what, array in (("images", images[chosen]), ("labels", labels[chosen])):
                content = idx(array)
                name = form.format(part, what, array.ndim) + (".gz" if zipped else "")
                (folder / name).write_bytes(gzip.compress(content) if zipped else content)
        return folder

    return write


@pytest.fixture(scope="session")
def mnist(write_mnist: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny MNIST."""
    return write_mnist(tmp_path_factory.mktemp("mnist"))
