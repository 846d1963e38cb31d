"""The shipped bundle, MNIST's digits, and an engine that says what a test wants."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from digitd.imaging.decode import Limits
from digitd.recognition.bundle import Bundle, shipped

DIGITS = Path(__file__).parents[2] / "fixtures" / "mnist-digits.npz"

Digits = tuple[NDArray[np.uint8], NDArray[np.int64]]


class ScriptedEngine:
    """Says the given rows of probabilities in turn, the last one for ever, and remembers its calls."""

    def __init__(self, temperature: float, *rows: dict[int, float], classes: int = 11) -> None:
        self.calls: list[int] = []
        self._classes = classes
        self._rows = list(rows)
        self._temperature = temperature

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits that calibration turns into the scripted probabilities."""
        self.calls.append(len(images))
        out = np.full((len(images), self._classes), 1e-9)
        for row in out:
            script = self._rows.pop(0) if len(self._rows) > 1 else self._rows[0]
            for digit, probability in script.items():
                row[digit] = probability
        logits: NDArray[np.float32] = (np.log(out) * self._temperature).astype(np.float32)
        return logits


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """The bundle that ships."""
    return Bundle.load(shipped())


@pytest.fixture(scope="session")
def digits() -> Digits:
    """Twenty of each of MNIST's test digits: images uint8 (200, 28, 28), labels (200,)."""
    with np.load(DIGITS) as data:
        return data["images"], data["labels"].astype(np.int64)


@pytest.fixture
def limits() -> Limits:
    """Limits that no test's scan reaches."""
    return Limits(10**7, 10**7, 20)


@pytest.fixture
def scripted(bundle: Bundle) -> Callable[..., ScriptedEngine]:
    """Make an engine that says what it is told to."""
    return lambda *rows, **more: ScriptedEngine(bundle.manifest.temperature, *rows, **more)


@pytest.fixture(scope="session")
def ten(bundle: Bundle) -> Bundle:
    """The bundle as if its network had no class for what is no digit, as the tutorial's has none."""
    return replace(bundle, manifest=msgspec.structs.replace(bundle.manifest, classes=tuple("0123456789")))


@pytest.fixture(scope="session")
def png() -> Callable[[NDArray[np.uint8]], bytes]:
    """An image's PNG file."""
    return lambda image: cv2.imencode(".png", image)[1].tobytes()
