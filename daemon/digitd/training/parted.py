"""Digits cut from a neighbour that they touched, and what a cut through the midst of two leaves, which is no digit.

A cut follows the gap where there is one. Where the strokes run into each other it may lie a stroke too far: then the
digit keeps a stub of its neighbour, or loses a little of its own. The placing is that of digits written in a row:
each as far left as its ink just meets the last one's, and a stroke farther.
"""

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.normalise import normalise
from digitd.training import augment, spoiled, strokes

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint8]
Real = npt.NDArray[np.float64]

DRAWN = 0.25
"""Share of rows of digits that code draws with a pen; the others are MNIST's."""
SIZES = (32, 97)
"""Heights of a row, px: a scan's small digits, and what larger ones are about reduced to."""
INK = 96
"""Pixels from this on are ink: two digits touch where these do."""
TOO_FAR = 0.2
"""A cut runs at most this share of the height into the neighbour: about two strokes of a usual pen."""
TOO_NEAR = 0.1
"""And at most this share into the digit itself: about one stroke."""
LEAST_OWN = 0.88
"""Of the digit's ink, that a piece keeps: with less it might be read as another one."""
FRAGILE = (*spoiled.LOOPED, 4)
LEAST_OF_FRAGILE = 0.95
"""The same for what has loops, and for 4: a 6 whose loop is open is a 5, an 8 a 3, a 0 a bracket, half a 4 a 6."""
MOST_FOREIGN = 0.15
"""Ink of neighbours that a piece may have, by the digit's own, for the same reason."""
PLAIN = (1, 7)
MOST_BESIDE_PLAIN = 0.08
"""The same for 1 and 7: they have little ink, and with a longer stub a 1 is a 7 or a 4, and a 7 a 2."""
TRIES = 4
"""Cuts that are tried before the digit is given without any fault."""
HALF = (0.45, 0.75)
"""Of a digit's width, what a wrong cut leaves of it: about a half, and now and then the better part."""
DOTS = (2, 3, 7)
"""The left half of these is some dots or a bar, and the digit before it readable."""
SLASH = 7
"""The right half of this is a 1, and with the left of the next it may make a 4."""
ENOUGH = 0.42
"""The smaller part of a wrong cut's piece has at least this share of the larger's ink: less is a dash or a dot."""
ROWS = 6
"""Rows that are drawn before one is taken in which a digit is narrow or faint."""
WIDE = 1.2
"""Width by height of two digits, at least, that a wrong cut is made in: of narrower ones it leaves too little."""
LIKE_PENS = 0.5
"""Of the larger digit's ink, that the smaller of two has where a wrong cut is made."""
LYING = 0.95
"""Width by height, at least, of a wrong cut's piece: a person may take a narrower one for a clumsy digit."""

SOLID = 0.6
"""The most that a wrong cut's piece has of its box in ink: strokes so thick that they run together might be a 0."""


def parted(digits: Images, labels: Labels, rng: np.random.Generator) -> tuple[Gray, int]:
    """A digit cut from the neighbours that it touched, uint8 (28, 28) as `normalise` hands it over, and its label.

    `digits` uint8 (N, 28, 28) and `labels` (N,) are MNIST's. The same generator state gives the same image.
    """
    inks, written = _row(digits, labels, 3 if rng.random() < 0.15 else 2, rng)
    at = int(rng.integers(len(inks)))
    own, everything = inks[at], as_gray(inks.max(axis=0))
    total = float(own.sum(dtype=np.int64))
    least = LEAST_OF_FRAGILE if written[at] in FRAGILE else LEAST_OWN
    most = MOST_BESIDE_PLAIN if written[at] in PLAIN else MOST_FOREIGN
    columns = np.arange(own.shape[1])
    for _ in range(TRIES):
        keep = np.ones(own.shape, np.bool_)
        if at > 0:
            keep &= columns >= _border(inks[at - 1], own, -_fault(rng), rng)[:, None]
        if at + 1 < len(inks):
            keep &= columns < _border(own, inks[at + 1], _fault(rng), rng)[:, None]
        kept = float(own[keep].sum(dtype=np.int64))
        piece = _without_halo(as_gray(everything * keep))
        foreign = float(piece.sum(dtype=np.int64)) - kept
        if kept >= least * total and foreign <= most * total:
            break
    else:
        piece = own
    return normalise(augment.seen(_tight(piece), rng)), written[at]


def wrongly_parted(digits: Images, labels: Labels, rng: np.random.Generator) -> Gray:
    """Ink (H, W) uint8 that a cut far from the border leaves: a digit and half of the next, or two halves; no digit.

    `digits` and `labels` as in `parted`; ValueError if there are only ones. No 1 is taken: half of one is a 1 still,
    and beside a bow it makes a 6 or a 0. Where no cut of a few leaves what is surely no digit, the two are given whole.
    """
    if not (labels != 1).any():
        raise ValueError("All the digits are ones: give some of each digit")
    for _ in range(ROWS):
        inks, written = _row(digits, labels, 2, rng, without=1)
        everything = as_gray(inks.max(axis=0))
        whole = [cv2.countNonZero(as_gray(ink)) for ink in inks]
        if everything.shape[1] >= WIDE * len(everything) and min(whole) >= LIKE_PENS * max(whole):
            break
    boxes = [cv2.boundingRect(as_gray(ink)) for ink in inks]
    height, width = everything.shape
    across = np.arange(width) - rng.normal(0, 0.12) * (np.arange(height)[:, None] - height / 2)
    # Of two, the one that is left about whole; or none.
    kept = 1 if written[1] in DOTS else 0 if written[0] == SLASH else int(rng.choice((0, 1, -1)))
    for _ in range(TRIES):
        shares = rng.uniform(*HALF, 2)
        if kept >= 0:
            shares[kept] = rng.uniform(0.8, 1.1)
        start = boxes[0][0] + (1 - shares[0]) * boxes[0][2]
        keep = (across >= start) & (across < boxes[1][0] + shares[1] * boxes[1][2])
        piece = _without_halo(as_gray(everything * keep))
        _, _, wide, high = cv2.boundingRect(piece)
        parts = [int(np.count_nonzero((ink > INK) & keep)) for ink in inks]
        solid = cv2.countNonZero(piece) > SOLID * wide * high
        if 0 < ENOUGH * max(parts) <= min(parts) and wide >= LYING * high and not solid:
            break
    else:
        piece = everything
    return augment.seen(_tight(piece), rng)


def _fault(rng: np.random.Generator) -> float:
    """How far a cut lies into the neighbour, by the height; below 0 into the digit."""
    return float(rng.uniform(0, TOO_FAR) if rng.random() < 0.7 else -rng.uniform(0, TOO_NEAR))


def _row(
    digits: Images, labels: Labels, count: int, rng: np.random.Generator, without: int | None = None
) -> tuple[Images, list[int]]:
    """Digits of one height that touch, each alone on a common ground uint8 (count, H, W), and their labels."""
    height = int(rng.integers(*SIZES))
    drawn = rng.random() < DRAWN
    made = [_digit(digits, labels, height, drawn, without, rng) for _ in range(count)]
    drops = [round(float(np.clip(rng.normal(0, 0.05), -0.15, 0.15)) * height) for _ in made]
    tops = [drop - min(drops) for drop in drops]
    lefts = [0]
    for i in range(1, count):
        # Mostly a stroke or less into each other, now and then two.
        into = rng.uniform(0.0, 0.07) if rng.random() < 0.8 else rng.uniform(0.06, 0.14)
        step = _meeting(made[i - 1][0], tops[i - 1], made[i][0], tops[i])
        lefts.append(lefts[-1] + max(2, step - round(float(into) * height)))
    down = max(top + len(ink) for top, (ink, _) in zip(tops, made, strict=True))
    across = max(left + ink.shape[1] for left, (ink, _) in zip(lefts, made, strict=True))
    inks = np.zeros((count, down, across), np.uint8)
    for layer, top, left, (ink, _) in zip(inks, tops, lefts, made, strict=True):
        layer[top : top + len(ink), left : left + ink.shape[1]] = ink
    return inks, [label for _, label in made]


def _digit(
    digits: Images, labels: Labels, height: int, drawn: bool, without: int | None, rng: np.random.Generator
) -> tuple[Gray, int]:
    """A digit's ink in its tight box, about `height` px high, and its label."""
    index = int(rng.integers(len(digits)))
    while labels[index] == without:
        # The next that is allowed: to look for all of them would cost more than all the rest.
        index = (index + 1) % len(digits)
    label = int(labels[index])
    ink = augment.penned(strokes.draw(label, rng), rng) if drawn else augment.enlarged(digits[index], rng)
    # By its peak: a thinned stroke may be faint.
    x, y, w, h = cv2.boundingRect(as_gray(cv2.threshold(ink, int(ink.max()) // 5, 255, cv2.THRESH_BINARY)[1]))
    # A 1 that lies almost flat is less tall than the others.
    factor = height * float(rng.uniform(0.88, 1.12)) / max(h, 0.75 * w)
    size = (max(2, round(w * factor)), max(2, round(h * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    sized = as_gray(cv2.resize(ink[y : y + h, x : x + w], size, interpolation=how))
    # In full contrast, or a hairline would be a ghost beside its neighbour.
    return as_gray(cv2.convertScaleAbs(sized, alpha=255 / max(int(sized.max()), 1))), label


def _sides(ink: Gray) -> tuple[Real, Real]:
    """Of each row, the first column with ink, and the one behind the last; where a row has none, inf and -inf."""
    mask = ink > INK
    some = mask.any(axis=1)
    first = np.where(some, mask.argmax(axis=1), np.inf)
    return first, np.where(some, ink.shape[1] - mask[:, ::-1].argmax(axis=1), -np.inf)


def _meeting(left: Gray, left_top: int, right: Gray, right_top: int) -> int:
    """How far right of the left digit the right one begins so that their ink just meets on some row."""
    top = max(left_top, right_top)
    # A lying 1 may have no row in common with the next.
    bottom = max(top, min(left_top + len(left), right_top + len(right)))
    ends = _sides(left[top - left_top : bottom - left_top])[1]
    steps = ends - _sides(right[top - right_top : bottom - right_top])[0]
    nearest = float(steps.max(initial=-np.inf))
    return round(nearest) if np.isfinite(nearest) else left.shape[1]


def _border(left: Gray, right: Gray, fault: float, rng: np.random.Generator) -> Real:
    """Of each row, the column where a cut runs between two digits on a common ground.

    In the gap where there is one; where they touch, `fault` times the height too far right, and a little slanted.
    """
    height = len(left)
    ends, starts = _sides(left)[1], _sides(right)[0]
    both = np.isfinite(ends) & np.isfinite(starts)
    rows = np.arange(height)
    middle = np.full(height, left.shape[1] / 2)
    if both.any():
        middle = np.interp(rows, rows[both], (ends[both] + starts[both]) / 2)
    touching = (both & (starts <= ends + 1)).astype(np.uint8)
    # Of a stroke that touches with its tip, the cut goes through all of it.
    reach = 2 * round(float(rng.uniform(0, 0.07)) * height) + 1
    touching = cast(Images, cv2.dilate(touching, np.ones((reach, 1), np.uint8))).ravel()
    wrong = middle + fault * height
    where = np.flatnonzero(touching)
    if where.size:
        wrong = wrong + float(rng.normal(0, 0.25)) * (rows - where.mean())
    clean = np.clip(wrong, ends, np.maximum(starts, ends))
    border: Real = np.where(touching > 0, wrong, clean)
    return border


def _without_halo(ink: Gray) -> Gray:
    """Ink without what is farther than a pixel from any that is more than faint, as a segmenter crops it."""
    core = cv2.threshold(ink, INK, 1, cv2.THRESH_BINARY)[1]
    return as_gray(ink * cv2.dilate(core, np.ones((3, 3), np.uint8)))


def _tight(ink: Gray) -> Gray:
    x, y, width, height = cv2.boundingRect(ink)
    return ink[y : y + height, x : x + width]
