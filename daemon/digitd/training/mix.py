"""An epoch's images: MNIST's digits and drawn ones in the likeness of scans, and what is no digit."""

import numpy as np
import numpy.typing as npt

from digitd.imaging.normalise import normalise
from digitd.training import augment, skeleton, strokes
from digitd.training.data import Images, Labels
from digitd.training.paper import on_paper
from digitd.training.parted import parted
from digitd.training.rejects import reject

NO_DIGIT_LABEL = 10
"""The class after the ten digits."""
SOURCES = {
    # MNIST itself is the largest: a page in MNIST's form passes unchanged, and its strokes are real hands'.
    "moved": 0.46,
    "repenned": 0.14,
    # MNIST's hands with other pens: thin, thick, broken, on few pixels.
    "rewritten": 0.10,
    # Shapes that MNIST has few of.
    "drawn": 0.11,
    # The three latter on paper, through the product's own cleaning: the costliest.
    "paper": 0.12,
    # Cut from a neighbour that it touched: with a stub of its, or without a little of its own.
    "parted": 0.07,
}
"""Shares of an epoch's digits."""
ON_PAPER = {"repenned": 0.35, "rewritten": 0.3, "drawn": 0.35}
"""Shares of what is put on paper."""
REJECTS = 0.12
"""As many images of no digit, for each digit's: about as many as of one digit."""


def rejects_for(count: int) -> int:
    """How many images of no digit come with `count` digits."""
    return round(REJECTS * count)


def mixed(images: Images, labels: Labels, rng: np.random.Generator) -> tuple[Images, Labels]:
    """An epoch's images uint8 (N + `rejects_for(N)`, 28, 28) and labels uint8, from N of MNIST's, in random order.

    Every image is as the product's own `normalise` would hand it over. The same generator state gives the same images.
    """
    count = len(images)
    total = count + rejects_for(count)
    places = rng.permutation(total)
    sources = rng.choice(list(SOURCES), count, p=list(SOURCES.values()))
    pens = rng.choice(list(ON_PAPER), count, p=list(ON_PAPER.values()))
    made = np.where(sources == "paper", pens, sources)
    out_labels = np.full(total, NO_DIGIT_LABEL, np.uint8)
    out_labels[places[:count]] = np.where(made == "drawn", rng.integers(0, 10, count), labels)
    rewritten = np.flatnonzero(made == "rewritten")
    paths = skeleton.drawings(images[rewritten], labels[rewritten])
    written = dict(zip(rewritten.tolist(), paths, strict=True))
    out = np.empty((total, *images.shape[1:]), np.uint8)
    for number in np.flatnonzero(sources == "parted"):
        out[places[number]], out_labels[places[number]] = parted(images, labels, rng)
    for number in np.flatnonzero(sources != "parted"):
        path = (
            strokes.draw(int(out_labels[places[number]]), rng) if made[number] == "drawn" else written.get(int(number))
        )
        out[places[number]] = _digit(images[number], path, str(sources[number]), rng)
    for place in places[count:]:
        out[place] = reject(images, labels, rng)
    return out, out_labels


def _digit(
    image: npt.NDArray[np.uint8], path: strokes.Drawing | None, source: str, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """One digit (28, 28), from MNIST's image or, where there is one, from a pen's path."""
    if source == "moved":
        return augment.moved(image, rng)
    if source == "paper":
        ink = on_paper(augment.enlarged(image, rng) if path is None else augment.penned(path, rng), rng)
        if ink is not None:
            return normalise(ink)
    return normalise(augment.repenned(image, rng) if path is None else augment.written(path, rng))
