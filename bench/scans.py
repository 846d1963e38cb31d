"""The scans that the benchmarks read: rendered from MNIST digits, the same in every run."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

FIXTURE = Path(__file__).parent.parent / "tests" / "fixtures" / "mnist-digits.npz"
SIDE = 100
SEED = 7


def small(folder: Path, count: int) -> None:
    """COUNT dark digits on light, slightly noisy paper, 100x100 PNG."""
    folder.mkdir(parents=True)
    # Two hundred distinct pictures; encoding more would only cost the benchmark's own time.
    encoded = distinct()
    for number in range(count):
        (folder / f"scan_{number:06d}.png").write_bytes(encoded[number % len(encoded)])


def distinct(count: int | None = None) -> list[bytes]:
    """The first COUNT of two hundred distinct small scans, or all of them."""
    return rendered(np.load(FIXTURE)["images"][:count])


def labels(count: int) -> list[str]:
    """What is on the first COUNT scans that `small` writes."""
    known = np.load(FIXTURE)["labels"]
    return [str(known[number % len(known)]) for number in range(count)]


def rendered(images: npt.NDArray[np.uint8]) -> list[bytes]:
    """Each of images uint8 (N, 28, 28) as a dark digit on light, slightly noisy paper, 100x100 PNG."""
    random = np.random.default_rng(SEED)
    return [_png(_on_paper(image, random)) for image in images]


def mnist(folder: Path, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> None:
    """MNIST images as they are, 28x28 PNG, labelled in the name."""
    folder.mkdir(parents=True)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / f"{number:05d}-label{label}.png").write_bytes(_png(image))


def _on_paper(image: npt.NDArray[np.uint8], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    digit = cv2.resize(image, (64, 64), interpolation=cv2.INTER_CUBIC)
    paper = random.normal(235, 3, (SIDE, SIDE))
    left, top = random.integers(8, SIDE - 72, 2)
    paper[top : top + 64, left : left + 64] -= digit * 0.75
    return np.clip(paper, 0, 255).astype(np.uint8)


def _png(image: npt.NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".png", image)[1].tobytes())
