"""What the difficulties of generated pages have in common: hands, pens, inks, papers, and a field made a picture."""

from collections.abc import Callable, Sequence

import numpy as np
import paper
from fields import Hand, page, row
from ink import Digit, Pen
from paper import Colour, Image, Layers, Light

Random = np.random.Generator
Making = tuple[Layers, Image]
"""What a difficulty gives: the layers with the digits' boxes, and the picture (H, W, 3) uint8."""
Difficulty = Callable[[Random, Sequence[Digit]], Making]

WHITE: Colour = (244, 246, 247)
INKS: dict[str, Colour] = {
    "black": (38, 34, 34), "blue": (150, 60, 32), "navy": (92, 40, 30), "green": (50, 96, 30), "red": (40, 36, 176),
}  # fmt: skip
"""Blue, green, red. Each is dark enough on paper that a person reads it at once."""
PAPERS: dict[str, Colour] = {
    "yellowed": (178, 218, 232), "yellow": (140, 232, 246), "pink": (208, 196, 240), "sky": (240, 222, 190),
    "mint": (206, 234, 204), "kraft": (142, 176, 204),
}  # fmt: skip


def middle(digits: Sequence[Digit]) -> int:
    return max(1, len(digits) // 2)


def pen(random: Random) -> Pen:
    """Half the fields keep their writers' strokes, half are redrawn with a pen of 5 to 12 % of the height."""
    return Pen(bolder=random.uniform(-0.02, 0.0)) if random.random() < 0.5 else Pen(stroke=random.uniform(0.05, 0.12))


def hand(random: Random) -> Hand:
    return Hand(height=random.uniform(36, 110), pen=pen(random))


def tilt(random: Random) -> float:
    return float(random.uniform(-1.5, 1.5))


def dark(random: Random) -> Colour:
    return INKS[("black", "black", "navy", "blue")[int(random.integers(4))]]


def sheet(random: Random, layers: Layers, colour: Colour | None = None) -> Light:
    tone = random.uniform(0.88, 1.0)
    blue, green, red = colour or WHITE
    return paper.sheet(random, layers.shape, (blue * tone, green * tone, red * tone), random.uniform(0.5, 2))


def laid(random: Random, digits: Sequence[Digit], hand: Hand, degrees: float) -> Layers:
    layers, bleed = page(random, [row(random, digits, hand)], hand.height, degrees)
    return paper.turned(layers, degrees, bleed)


def simple(random: Random, digits: Sequence[Digit], hand: Hand, degrees: float | None = None) -> Making:
    """Ink on white paper, with nothing else to it."""
    layers = laid(random, digits, hand, tilt(random) if degrees is None else degrees)
    picture = paper.blended(layers, sheet(random, layers), dark(random), dark(random))
    return layers, paper.photographed(random, picture)
