"""The seed: the tutorial's network with the tutorial's preprocessing, on the pictures that digitd is measured on."""

import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from reading import Item, Seen

from digitd.recognition.bundle import Bundle
from digitd.recognition.confidence import probabilities
from digitd.recognition.engine import Engine, open_engine

SIDE = 28


class Seed:
    """cv2.imread in gray, resized to 28x28, inverted, predicted: one digit a picture, whatever is on it."""

    def __init__(self, engine: Engine, temperature: float) -> None:
        self._engine = engine
        self._temperature = temperature

    @classmethod
    def trained(cls, mnist: Path, work: Path) -> "Seed":
        """Train it as `digitd train --preset tutorial` does."""
        out = work / "seed"
        command = [sys.executable, "-m", "digitd", "train", "--preset", "tutorial", "--seed", "1"]
        subprocess.run([*command, "--data", str(mnist), "--out", str(out)], check=True, stdout=subprocess.DEVNULL)
        bundle = Bundle.load(out)
        return cls(open_engine(bundle, "litert"), bundle.manifest.temperature)

    def said(self, images: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """The digit (N,) and the confidence (N,) for images uint8 (N, 28, 28), light on dark."""
        rows = probabilities(self._engine.logits(np.ascontiguousarray(images)), self._temperature)
        return rows.argmax(1), rows.max(1)

    def read(self, items: Iterable[Item]) -> list[Seen]:
        """What it makes of pictures. It has no way to decline: all that it can open counts as accepted."""
        kept = list(items)
        digits, sure = self.said(np.stack([_prepared(item.data) for item in kept]))
        return [
            Seen(item.kind, item.name, item.label, str(digit), "accepted", float(confidence))
            for item, digit, confidence in zip(kept, digits, sure, strict=True)
        ]

    def a_second(self, data: list[bytes], rounds: int = 5) -> float:
        """Pictures a second, decoding included; the best round."""
        taken = []
        for _ in range(rounds):
            begun = time.process_time()
            self.said(np.stack([_prepared(one) for one in data]))
            taken.append(time.process_time() - begun)
        return len(data) / min(taken)


def _prepared(data: bytes) -> npt.NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None:
        # A format that OpenCV does not know, or a damaged file: the recipe sees nothing.
        return np.zeros((SIDE, SIDE), np.uint8)
    return np.asarray(np.invert(cv2.resize(image, (SIDE, SIDE))), np.uint8)
