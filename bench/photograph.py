"""A photograph of a page: 12 megapixels, rows of digits, uneven light, JPEG. Pure, seeded."""

import numpy as np
import numpy.typing as npt
import paper
from fields import Hand, row
from ink import Pen
from pages import Page
from scene import INKS, WHITE

WIDTH, HEIGHT = 4000, 3000
ROWS, COLUMNS = 6, 9
DIGIT = 190.0
"""Height of the digits, px: a hand's 8 mm on an A5 page that fills the picture."""
QUALITY = 90


def photograph(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], seed: int = 0) -> Page:
    """ROWS rows of COLUMNS digits from images uint8 (N, 28, 28) with labels (N,), 4000x3000."""
    random = np.random.default_rng([seed, WIDTH, HEIGHT])
    layers = paper.Layers(np.zeros((HEIGHT, WIDTH), np.float32), np.zeros((HEIGHT, WIDTH), np.float32))
    lines = []
    for number in range(ROWS):
        chosen = random.integers(0, len(labels), COLUMNS)
        line = row(random, [(images[k], int(labels[k])) for k in chosen], Hand(DIGIT, Pen(stroke=0.07), gap=(0.4, 0.8)))
        x, y = 350, 130 + number * (HEIGHT - 260) // ROWS
        inside = layers.ink[y : y + line.ink.shape[0], x : x + line.ink.shape[1]]
        np.maximum(inside, line.ink[: inside.shape[0], : inside.shape[1]], out=inside)
        layers.boxes += [(x + bx, y + by, w, h) for bx, by, w, h in line.boxes]
        lines.append("".join(str(labels[k]) for k in chosen))
    picture = paper.blended(layers, paper.sheet(random, layers.shape, WHITE), INKS["navy"], WHITE)
    picture *= paper.vignette(random, layers.shape)[..., None]
    image = paper.photographed(random, picture, noise=3)
    return Page("photograph", "\n".join(lines), image, paper.jpeg(image, QUALITY), ".jpg", tuple(layers.boxes))
