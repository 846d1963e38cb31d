"""Pages with one field of 3 to 10 digits each, as scans look; every difficulty is a function to look at alone.

Deterministic by seed. The digits may be any 28x28 images with labels: MNIST's test digits to measure, others to choose.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import exposed
import numpy as np
import numpy.typing as npt
import paper
import printed
import written
from ink import Digit
from paper import Box, Image
from scene import Difficulty, middle

FEWEST, MOST = 3, 10

DIFFICULTIES: dict[str, Difficulty] = {
    making.__name__: making
    for making in (
        written.plain, printed.ruled, printed.squared, printed.boxed, printed.comb,
        exposed.shadowed, exposed.vignette, written.skewed, written.touching, exposed.pencil,
        written.thin, written.thick, written.small, written.large, exposed.noisy,
        exposed.coloured, exposed.yellowed, exposed.inverted, written.uneven, exposed.bordered,
        exposed.specks, written.dotted, written.rows,
    )
}  # fmt: skip
"""Every difficulty by its name; its function takes a numpy Generator and the digits."""


@dataclass(frozen=True)
class Page:
    """One page: its picture (H, W, 3) uint8, its file, what is written on it (rows by newlines), each digit's box."""

    difficulty: str
    label: str
    image: Image
    data: bytes
    ending: str
    boxes: tuple[Box, ...]


def pages(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.uint8],
    count: int,
    seed: int = 0,
    only: Sequence[str] = (),
) -> Iterator[Page]:
    """COUNT pages of each difficulty (or of those in ONLY) from images uint8 (N, 28, 28) with labels (N,)."""
    for name in only or DIFFICULTIES:
        for number in range(count):
            yield one(name, images, labels, seed, number)


def one(
    name: str, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], seed: int = 0, number: int = 0
) -> Page:
    """Page NUMBER of the difficulty NAME: the same in whatever order pages are made."""
    random = np.random.default_rng([seed, zlib.crc32(name.encode()), number])
    chosen = random.integers(0, len(labels), random.integers(FEWEST, MOST + 1))
    digits: list[Digit] = [(images[index], int(labels[index])) for index in chosen]
    text = "".join(str(digit) for _, digit in digits)
    if name == "rows":
        text = f"{text[: middle(digits)]}\n{text[middle(digits) :]}"
    layers, image = DIFFICULTIES[name](random, digits)
    if name == "noisy":
        data, ending = paper.jpeg(image, int(random.integers(15, 40))), ".jpg"
    elif random.random() < 0.4:
        data, ending = paper.jpeg(image, int(random.integers(75, 95))), ".jpg"
    else:
        data, ending = paper.png(image), ".png"
    return Page(name, text, image, data, ending, tuple(layers.boxes))
