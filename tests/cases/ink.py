"""MNIST's digits drawn large and smooth, in rows, and the paper they are put on."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
Ink: TypeAlias = NDArray[np.float32]
"""How much of a pixel is ink, 0 to 1."""
Drawn: TypeAlias = tuple[Image | bytes, str]
"""A page, (H, W) or (H, W, 3) BGR or a file's bytes; and its text, lines apart by a line feed."""
Case: TypeAlias = Callable[[Generator], Drawn]

FIXTURE = Path(__file__).parents[1] / "fixtures" / "mnist-digits.npz"
SIDE = 28
PRECISE = 12
"""Digits are drawn this much larger than MNIST's before they are brought to their size: strokes get smooth edges."""


@cache
def digits() -> tuple[Image, list[int]]:
    with np.load(FIXTURE) as stored:
        return stored["images"], stored["labels"].tolist()


@cache
def large_digit(number: int) -> Ink:
    """A digit of the fixture, its box alone, with smooth and crisp edges."""
    side = SIDE * PRECISE
    smooth = cv2.resize(digits()[0][number].astype(np.float32) / 255, (side, side), interpolation=cv2.INTER_CUBIC)
    smooth = cv2.GaussianBlur(smooth, (0, 0), PRECISE * 0.45)
    return tight(np.clip((smooth - 0.3) / 0.25, 0, 1).astype(np.float32))


def tight(ink: Ink) -> Ink:
    left, top, width, height = cv2.boundingRect((ink > 0.3).astype(np.uint8))
    return ink[top : top + height, left : left + width]


def sized(ink: Ink, height: float) -> Ink:
    """A digit at that height, px; a wide one is less tall, as it is beside others."""
    factor = height / max(ink.shape)
    size = (max(1, round(ink.shape[1] * factor)), max(1, round(ink.shape[0] * factor)))
    return np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), np.float32)


def one_digit(rng: Generator, height: float, among: str = "0123456789") -> tuple[Ink, str]:
    labels = digits()[1]
    number = int(rng.choice([at for at, label in enumerate(labels) if str(label) in among]))
    return sized(large_digit(number), height), str(labels[number])


def in_a_row(glyphs: Sequence[Ink], gap: float, height: float, rng: Generator) -> Ink:
    """Digits beside each other, their feet about on a line."""
    width = round(sum(glyph.shape[1] for glyph in glyphs) + gap * (len(glyphs) - 1)) + 2
    row = np.zeros((round(height * 1.12) + 2, width), np.float32)
    x = 0.0
    for glyph in glyphs:
        top = len(row) - glyph.shape[0] - round(rng.uniform(0, 0.1) * height)
        add_ink(row, glyph, round(x), max(0, top))
        x += glyph.shape[1] + gap
    return row


def add_ink(page: Ink, ink: Ink, x: int, y: int) -> None:
    part = page[y : y + ink.shape[0], x : x + ink.shape[1]]
    np.maximum(part, ink[: part.shape[0], : part.shape[1]], out=part)


def number(rng: Generator, height: float = 64, count: int | None = None, gap: float = 0.35) -> tuple[Ink, str]:
    """A number of three to six digits, `gap` (of their height) apart."""
    glyphs = [one_digit(rng, height) for _ in range(count or int(rng.integers(3, 7)))]
    return in_a_row([ink for ink, _ in glyphs], gap * height, height, rng), "".join(text for _, text in glyphs)


def with_margins(ink: Ink, by: int) -> Ink:
    return np.pad(ink, by)


def written(rng: Generator, height: float = 64, margin: int = 48) -> tuple[Ink, str]:
    """A page's ink: a number with room around it."""
    ink, text = number(rng, height)
    return with_margins(ink, margin), text


def paper_of(rng: Generator, shape: tuple[int, ...], level: float = 235, noise: float = 2.5) -> Ink:
    return rng.normal(level, noise, shape).astype(np.float32)


def grain(rng: Generator, shape: tuple[int, ...], size: float) -> Ink:
    """Random values from 0 to 1 that vary over `size` px."""
    small = rng.random((max(2, round(shape[0] / size) + 1), max(2, round(shape[1] / size) + 1))).astype(np.float32)
    return np.asarray(cv2.resize(small, shape[1::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def inked(paper: Ink, ink: Ink, level: float = 45) -> Ink:
    return paper * (1 - ink) + level * ink


def image_of(page: NDArray[Any]) -> Image:
    return np.clip(page + 0.5, 0, 255).astype(np.uint8)


def across(shape: tuple[int, ...], rng: Generator) -> Ink:
    """From 0 to 1 across a page, in some direction."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    way = np.cos(angle) * x + np.sin(angle) * y
    return np.asarray((way - way.min()) / (way.max() - way.min()), np.float32)


def turned(page: Image, degrees: float, beyond: int) -> Image:
    """A page turned about its middle, and large enough for all of it."""
    height, width = page.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    wide = round(height * abs(turn[0, 1]) + width * abs(turn[0, 0]))
    tall = round(height * abs(turn[0, 0]) + width * abs(turn[0, 1]))
    turn[:, 2] += (wide - width) / 2, (tall - height) / 2
    return np.asarray(cv2.warpAffine(page, turn, (wide, tall), flags=cv2.INTER_CUBIC, borderValue=beyond), np.uint8)
