"""Difficulties that lie in how digits were written: pens, sizes, touching, skew, dots, rows. Seeded, pure."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import paper
from fields import Hand, page, row
from ink import Digit, Pen
from paper import Layers
from scene import WHITE, Making, Random, dark, hand, laid, middle, pen, sheet, simple, tilt


def plain(random: Random, digits: Sequence[Digit]) -> Making:
    """Dark ink on light paper."""
    return simple(random, digits, hand(random))


def skewed(random: Random, digits: Sequence[Digit]) -> Making:
    """Turned by 4 to 10 degrees either way."""
    return simple(random, digits, hand(random), float(random.uniform(4, 10) * random.choice([-1, 1])))


def touching(random: Random, digits: Sequence[Digit]) -> Making:
    """Neighbours overlap by 1 to 3 px, or share a stroke."""
    return simple(random, digits, replace(hand(random), touch=0.5, gap=(0.1, 0.35)))


def thin(random: Random, digits: Sequence[Digit]) -> Making:
    """Strokes of about one pixel."""
    height = random.uniform(36, 90)
    layers = laid(random, digits, Hand(height, Pen(stroke=random.uniform(1.0, 2.0) / height)), tilt(random))
    picture = paper.blended(layers, sheet(random, layers), dark(random), WHITE)
    # A sharper scan than the others: softer, and nothing of such a stroke is left.
    return layers, paper.photographed(random, picture, blur=(0.2, 0.5))


def thick(random: Random, digits: Sequence[Digit]) -> Making:
    """Strokes up to a quarter of the digit's height: as thick as leaves each digit its loops."""
    own = Hand(random.uniform(48, 120), Pen(stroke=random.uniform(0.16, 0.25)), gap=(0.2, 0.6))
    return simple(random, digits, own)


def small(random: Random, digits: Sequence[Digit]) -> Making:
    """Digits of 17 to 24 px."""
    height = random.uniform(17, 24)
    layers = laid(random, digits, Hand(height, pen(random), gap=(0.25, 0.6)), tilt(random))
    picture = paper.blended(layers, sheet(random, layers), dark(random), WHITE)
    return layers, paper.photographed(random, picture, noise=1.0, blur=(0.2, 0.5))


def large(random: Random, digits: Sequence[Digit]) -> Making:
    """A page 3,000 px wide, with a field that fills a third of it or all."""
    height = 3000 * random.uniform(0.4, 0.95) / (1.2 * len(digits) + 6)
    inner, _ = page(random, [row(random, digits, Hand(height, pen(random)))], height)
    tall, wide = max(inner.shape[0], int(random.integers(900, 1800))), 3000
    y, x = int(random.integers(0, tall - inner.shape[0] + 1)), int(random.integers(0, wide - inner.shape[1] + 1))
    layers = Layers(np.zeros((tall, wide), np.float32), np.zeros((tall, wide), np.float32))
    layers.ink[y : y + inner.shape[0], x : x + inner.shape[1]] = inner.ink
    layers.boxes = [(x + bx, y + by, bw, bh) for bx, by, bw, bh in inner.boxes]
    layers = paper.turned(layers, tilt(random) / 3, 0)
    picture = paper.blended(layers, sheet(random, layers), dark(random), WHITE)
    return layers, paper.photographed(random, picture)


def uneven(random: Random, digits: Sequence[Digit]) -> Making:
    """A baseline that waves, and digits of 0.7 to 1.4 of the usual size."""
    return simple(random, digits, replace(hand(random), sizes=(0.7, 1.4), wave=random.uniform(0.1, 0.3)))


def dotted(random: Random, digits: Sequence[Digit]) -> Making:
    """Dots and commas between the digits; the label has the digits alone."""
    return simple(random, digits, replace(hand(random), dots=0.35))


def rows(random: Random, digits: Sequence[Digit]) -> Making:
    """Two rows, one of 0.5 to 0.75 of the other's height."""
    own = replace(hand(random), height=random.uniform(50, 110))
    other = replace(own, height=own.height * random.uniform(0.5, 0.75))
    first, second = (own, other) if random.random() < 0.5 else (other, own)
    cut = middle(digits)
    both = [row(random, digits[:cut], first), row(random, digits[cut:], second)]
    degrees = tilt(random)
    layers, bleed = page(random, both, own.height, degrees)
    layers = paper.turned(layers, degrees, bleed)
    return layers, paper.photographed(random, paper.blended(layers, sheet(random, layers), dark(random), WHITE))
