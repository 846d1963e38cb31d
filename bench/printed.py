"""Difficulties that are printed on the paper: rules, squares, boxes, combs. Seeded, pure."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import paper
from fields import page, row
from ink import Digit, Mask
from paper import Colour
from scene import Making, Random, dark, hand, sheet, tilt

PRINTS: dict[str, Colour] = {
    "gray": (150, 150, 150), "blue": (206, 160, 120), "green": (150, 190, 140), "red": (130, 130, 210),
    "black": (60, 60, 60),
}  # fmt: skip
"""Colours that forms and exercise books are printed in."""
PALE = ("gray", "blue", "green", "red")


def ruled(random: Random, digits: Sequence[Digit]) -> Making:
    """On lines 1.3 to 2 digit heights apart; the digits stand on one, more or less."""
    return _on(random, digits, "ruled")


def squared(random: Random, digits: Sequence[Digit]) -> Making:
    """On squares of half a digit's height up to all of it."""
    return _on(random, digits, "squared")


def boxed(random: Random, digits: Sequence[Digit]) -> Making:
    """One printed box for each digit, side by side or apart; now and then a digit meets its frame."""
    return _on(random, digits, "boxed")


def comb(random: Random, digits: Sequence[Digit]) -> Making:
    """A comb field: a line with a short tooth between any two digits, open at the top."""
    return _on(random, digits, "comb")


def _on(random: Random, digits: Sequence[Digit], what: str) -> Making:
    """Digits written over print."""
    own = hand(random)
    if what in ("boxed", "comb"):
        pitch = random.uniform(1.25, 1.7)
        own = replace(own, pitch=pitch, gap=(0.0, 0.0), jitter=0.05, sizes=(0.85, 1.05))
    line = row(random, digits, own)
    degrees = tilt(random)
    layers, bleed = page(random, [line], own.height, degrees)
    # Print is 0.02 to 0.06 of the digits' height wide, as the lines of forms are, and never under a pixel.
    width = max(1.0, own.height * random.uniform(0.02, 0.05))
    left, top = layers.boxes[0][0] - line.boxes[0][0], layers.boxes[0][1] - line.boxes[0][1]
    base = top + line.base
    if what == "ruled":
        _lines(
            layers.print, 0, base + own.height * random.uniform(-0.05, 0.12), own.height * random.uniform(1.3, 2), width
        )
    elif what == "squared":
        # Both ways the same: squares.
        side = own.height * random.uniform(0.5, 1.0)
        for axis in (0, 1):
            _lines(layers.print, axis, random.uniform(0, side), side, min(width, max(1.0, own.height * 0.03)))
    elif what == "boxed":
        _boxes(random, layers.print, [left + cell for cell in line.cells], base, own.height, width)
    else:
        _comb(random, layers.print, [left + cell for cell in line.cells], base, own.height, width)
    layers = paper.turned(layers, degrees, bleed)
    colours = PALE if what in ("ruled", "squared") else tuple(PRINTS)
    colour = PRINTS[colours[int(random.integers(len(colours)))]]
    return layers, paper.photographed(random, paper.blended(layers, sheet(random, layers), dark(random), colour))


def _lines(mask: Mask, axis: int, at: float, step: float, width: float) -> None:
    """Lines across the whole mask, all STEP px along AXIS, one of them at AT."""
    places = np.arange(mask.shape[axis], dtype=np.float32)
    off = np.abs((places - at + step / 2) % step - step / 2)
    profile = np.clip(width / 2 + 0.5 - off, 0, 1)
    np.maximum(mask, profile[:, None] if axis == 0 else profile[None, :], out=mask)


def _stroke(mask: Mask, x0: float, y0: float, x1: float, y1: float, width: float) -> None:
    """An upright or level line from one point to the other."""
    half = width / 2
    ys, xs = np.arange(mask.shape[0], dtype=np.float32), np.arange(mask.shape[1], dtype=np.float32)
    down = np.clip(np.minimum(ys - y0, y1 - ys) + half + 0.5, 0, 1)
    across = np.clip(np.minimum(xs - x0, x1 - xs) + half + 0.5, 0, 1)
    # A line thinner than a pixel is a pale pixel: no stroke is wider than it was asked to be.
    np.maximum(mask, np.minimum(down[:, None], across[None, :]), out=mask)


def _boxes(random: Random, mask: Mask, cells: list[float], base: float, height: float, width: float) -> None:
    apart = height * random.uniform(0.06, 0.15) if random.random() < 0.5 else 0.0
    top, bottom = base - height * random.uniform(1.12, 1.4), base + height * random.uniform(0.12, 0.3)
    for left, right in itertools.pairwise(cells):
        x0, x1 = left + apart / 2, right - apart / 2
        _stroke(mask, x0, top, x1, top, width)
        _stroke(mask, x0, bottom, x1, bottom, width)
        _stroke(mask, x0, top, x0, bottom, width)
        _stroke(mask, x1, top, x1, bottom, width)


def _comb(random: Random, mask: Mask, cells: list[float], base: float, height: float, width: float) -> None:
    bottom = base + height * random.uniform(0.1, 0.3)
    tooth = height * random.uniform(0.25, 0.6)
    _stroke(mask, cells[0], bottom, cells[-1], bottom, width)
    for number, cell in enumerate(cells):
        ends = number in (0, len(cells) - 1)
        _stroke(mask, cell, bottom - tooth * (1.4 if ends else 1), cell, bottom, width)
