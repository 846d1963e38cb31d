"""Digits written side by side as one field on a page, and what is printed on the page beneath them. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from ink import Digit, Mask, Pen, drawn
from paper import Box, Layers, bleed_for

NESTED = 0.12
"""Of a digit's height, how far a digit may reach into the box of the one before it."""
USUAL = 0.1
"""The stroke of most MNIST writers, as a share of the height: how much of it a shared stroke may take."""
CLEAR = 2
"""Pixels of paper that stay between neighbours which do not touch: fewer may close once the page is blurred."""
SHARED = 0.2
"""Of a digit's height, how much neighbours may have in common: longer together, two strokes are one, and no person can
tell what was meant."""


@dataclass(frozen=True)
class Hand:
    """How a field is written: digit height in px and shares of it; `touch` is the share of neighbours that meet."""

    height: float
    pen: Pen
    gap: tuple[float, float] = (0.15, 0.6)
    jitter: float = 0.04
    sizes: tuple[float, float] = (0.93, 1.07)
    wave: float = 0.0
    touch: float = 0.0
    dots: float = 0.0
    pitch: float | None = None


@dataclass
class Row:
    """A line of digits: its ink, each digit's box, the height of its baseline, and the pitch's cells if it has one."""

    ink: Mask
    boxes: list[Box]
    base: int
    cells: list[float]


def row(random: np.random.Generator, digits: Sequence[Digit], hand: Hand) -> Row:
    """Write the digits from left to right, on a sheet that just holds them."""
    marks = [drawn(image, hand.height * random.uniform(*hand.sizes), hand.pen) for image, _ in digits]
    phase, period = random.uniform(0, 2 * math.pi), random.uniform(4, 9)
    meet = random.random(len(digits)) < hand.touch
    if hand.touch:
        # A field of touching digits has at least one pair of them.
        meet[random.integers(1, len(digits))] = True
    tall = math.ceil(hand.height * (2.2 + 2 * hand.wave))
    base = math.ceil(hand.height * (1.5 + hand.wave))
    pitch = hand.pitch or 1.6
    ink = np.zeros((tall, math.ceil(hand.height * max(2.0, pitch) * (len(digits) + 1))), np.float32)
    boxes: list[Box] = []
    dots = _dots(random, len(digits), hand)
    cursor = hand.height * 0.2
    for number, mark in enumerate(marks):
        height, width = mark.shape
        lift = hand.height * (
            random.normal(0, hand.jitter) + hand.wave * math.sin(phase + number * 2 * math.pi / period)
        )
        y = min(max(0, round(base - height + lift)), tall - height)
        if hand.pitch is not None:
            x = round(
                (number + 0.5) * hand.height * hand.pitch - width / 2 + random.normal(0, hand.jitter) * hand.height
            )
            x = max(x, round(cursor) if boxes else 0)
        elif boxes and meet[number]:
            x = _meeting(random, ink, mark, y, boxes[-1], hand)
        else:
            x = round(cursor)
        x = max(0, x)
        place = ink[y : y + height, x : x + width]
        np.maximum(place, mark, out=place)
        boxes.append((x, y, width, height))
        cursor = x + width + max(CLEAR, hand.height * random.uniform(*hand.gap))
        if dots[number]:
            cursor = _dotted(random, ink, x + width, base, hand, comma=dots[number] == 2) + hand.height * 0.15
    right = math.ceil(max(cursor, len(digits) * hand.height * hand.pitch if hand.pitch else 0))
    cells = [k * hand.height * hand.pitch for k in range(len(digits) + 1)] if hand.pitch else []
    return Row(ink[:, : right + 1], boxes, base, cells)


def _meeting(random: np.random.Generator, ink: Mask, mark: Mask, y: int, last: Box, hand: Hand) -> int:
    """Where MARK must stand so that it overlaps the ink before it by 1 to 3 px, or shares a stroke with it."""
    before = ink[y : y + mark.shape[0], : last[0] + last[2]] > 0.5
    after = mark > 0.5
    rows = np.flatnonzero(before.any(1) & after.any(1))
    if not len(rows):
        return last[0] + last[2] - 1
    ends = before.shape[1] - before[rows, ::-1].argmax(1)
    reach = int((ends - after[rows].argmax(1)).max())
    stroke = hand.pen.stroke or USUAL
    deep = max(1, round(stroke * hand.height * 0.6)) if random.random() < 0.25 else int(random.integers(1, 4))
    # One digit may stand under the other's flag, but not in it.
    least = max(0, last[0] + last[2] - round(NESTED * hand.height))
    while deep > 0 and _shared(before, after, max(reach - deep, least)) > SHARED * hand.height:
        deep = deep - 1 if deep > 1 else -CLEAR
    return max(reach - deep, least)


def _shared(before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_], x: int) -> int:
    """In how many rows ink of both lies when AFTER begins at X."""
    over = before[:, x:]
    return int((over & after[:, : over.shape[1]]).any(1).sum())


def _dots(random: np.random.Generator, count: int, hand: Hand) -> list[int]:
    """After which digits a dot (1) or a comma (2) stands; never after the last."""
    if not hand.dots:
        return [0] * count
    out = [int(random.integers(1, 3)) if random.random() < hand.dots else 0 for _ in range(count - 1)] + [0]
    if not any(out):
        out[int(random.integers(0, count - 1))] = 1
    return out


def _dotted(random: np.random.Generator, ink: Mask, left: int, base: int, hand: Hand, comma: bool) -> float:
    """Put a dot or a comma on the baseline right of LEFT; gives where it ends."""
    radius = max(1.0, hand.height * random.uniform(0.045, 0.075))
    cx = left + hand.height * random.uniform(0.12, 0.3) + radius
    cy = base - radius
    y, x = np.mgrid[0 : ink.shape[0], 0 : ink.shape[1]].astype(np.float32)
    np.maximum(ink, np.clip(radius + 0.5 - np.hypot(y - cy, x - cx), 0, 1), out=ink)
    if comma:
        # The tail: a short stroke down to the left.
        length = hand.height * random.uniform(0.12, 0.22)
        along = np.clip(((y - cy) * 0.9 - (x - cx) * 0.43) / length, 0, 1)
        off = np.hypot(y - cy - along * length * 0.9, x - cx + along * length * 0.43)
        np.maximum(ink, np.clip(radius * (1 - 0.6 * along) + 0.5 - off, 0, 1), out=ink)
    return float(cx + radius)


def page(random: np.random.Generator, rows: Sequence[Row], height: float, degrees: float = 0.0) -> tuple[Layers, int]:
    """The rows under each other on an empty page, with margins of 0.4 to 2.5 digit heights and room to turn.

    Gives the layers with the bleed that `turned` cuts off again, and its width in px.
    """
    wide = max(one.ink.shape[1] for one in rows)
    gaps = [round(height * random.uniform(0.15, 0.5)) for _ in rows]
    tall = sum(one.ink.shape[0] for one in rows) + sum(gaps)
    left, right, top, bottom = (round(height * edge) for edge in random.uniform(0.4, 2.5, 4))
    swing = math.ceil(abs(math.sin(math.radians(degrees))) * wide / 2)
    sideways = math.ceil(abs(math.sin(math.radians(degrees))) * (tall + top + bottom) / 2)
    width, high = wide + left + right + 2 * sideways, tall + top + bottom + 2 * swing
    bleed = bleed_for(width, high, degrees) if degrees else 0
    shape = (high + 2 * bleed, width + 2 * bleed)
    layers = Layers(np.zeros(shape, np.float32), np.zeros(shape, np.float32))
    y = bleed + top + swing
    for one, gap in zip(rows, gaps, strict=True):
        x = bleed + left + sideways
        if len(rows) > 1:
            x += int(random.integers(0, max(1, min(wide - one.ink.shape[1] + 1, round(height)))))
        layers.ink[y : y + one.ink.shape[0], x : x + one.ink.shape[1]] = one.ink
        layers.boxes += [(x + bx, y + by, bw, bh) for bx, by, bw, bh in one.boxes]
        y += one.ink.shape[0] + gap
    return layers, bleed
