"""What is read when speed is measured: small scans, pages, photographs, stacks. The same bytes in every run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import paper
import photograph
import scans
from fields import Hand, row
from ink import Pen
from scene import INKS, WHITE

PAGE_WIDTH, PAGE_HEIGHT = 1000, 700
DIGITS = 8
"""Digits in a page's line."""
QUALITY = 90
STACK = 20
"""Pages of a TIFF."""


@dataclass(frozen=True)
class Workload:
    """Files of one kind: a few DISTINCT ones, of which COUNT copies make a run long enough to be timed."""

    name: str
    ending: str
    count: int
    distinct: Callable[[], list[bytes]]

    def write(self, folder: Path, count: int | None = None) -> int:
        """Write COUNT of them (by default the usual number) into a new folder; gives how many."""
        folder.mkdir(parents=True)
        content, count = self.distinct(), count or self.count
        for number in range(count):
            (folder / f"scan_{number:06d}{self.ending}").write_bytes(content[number % len(content)])
        return count


def _digits() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    found = np.load(scans.FIXTURE)
    return found["images"], found["labels"]


def line(random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A page (PAGE_HEIGHT, PAGE_WIDTH, 3) uint8 with a line of digits in blue on white paper."""
    images, labels = _digits()
    layers = paper.Layers(
        np.zeros((PAGE_HEIGHT, PAGE_WIDTH), np.float32), np.zeros((PAGE_HEIGHT, PAGE_WIDTH), np.float32)
    )
    chosen = random.integers(0, len(labels), DIGITS)
    written = row(random, [(images[k], int(labels[k])) for k in chosen], Hand(70.0, Pen(stroke=0.08), gap=(0.3, 0.6)))
    x, y = 60, int(random.integers(150, 350))
    inside = layers.ink[y : y + written.ink.shape[0], x : x + written.ink.shape[1]]
    np.maximum(inside, written.ink[: inside.shape[0], : inside.shape[1]], out=inside)
    picture = paper.blended(layers, paper.sheet(random, layers.shape, WHITE), INKS["navy"], WHITE)
    return paper.photographed(random, picture, noise=2)


def _pages() -> list[bytes]:
    return [paper.jpeg(line(np.random.default_rng([scans.SEED, number])), QUALITY) for number in range(12)]


def _photographs() -> list[bytes]:
    images, labels = _digits()
    return [photograph.photograph(images, labels, seed).data for seed in range(3)]


def _stacks() -> list[bytes]:
    made = []
    for number in range(2):
        random = np.random.default_rng([scans.SEED, STACK, number])
        pages = [cv2.cvtColor(line(random), cv2.COLOR_BGR2GRAY) for _ in range(STACK)]
        encoded, data = cv2.imencodemulti(".tiff", pages)
        if not encoded:
            raise RuntimeError("OpenCV cannot write a TIFF of several pages")
        made.append(bytes(data.tobytes()))
    return made


SMALL = Workload("100x100 PNG, one digit", ".png", 20_000, scans.distinct)
PAGE = Workload(f"{PAGE_WIDTH}x{PAGE_HEIGHT} JPEG, a line of {DIGITS} digits", ".jpg", 1_200, _pages)
PHOTOGRAPH = Workload("12-megapixel JPEG, six rows of digits", ".jpg", 120, _photographs)
STACKED = Workload(f"TIFF of {STACK} pages, a line of {DIGITS} digits on each", ".tif", 60, _stacks)
ALL = (SMALL, PAGE, PHOTOGRAPH, STACKED)
