"""Fields of digits that stand apart, near, touch, overlap or are broken: how many are read whole, and the priors.

    python bench/touching.py MNIST-FOLDER [--fields 300] [--bundle FOLDER]  the share of fields read whole
    python bench/touching.py MNIST-FOLDER --fit                  the weights of priors.py and lattice.py, fitted anew

The fields for measuring are drawn from MNIST's test images; those for fitting from what the bundle's training held out
of the others, since of what a network was trained on it is surer than it will be.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from accept import held_out
from segmentations import DIGITS, Field, fit, stretches

from digitd.imaging import pipeline
from digitd.imaging.decode import Limits
from digitd.imaging.priors import Traits
from digitd.recognition.bundle import Bundle, shipped
from digitd.recognition.reader import Options, Reader, open_reader
from digitd.training import data

Gray = npt.NDArray[np.uint8]

KINDS = ("single", "apart", "near", "touching", "overlapping", "broken")
"""One digit; several, their nearest ink so far apart: 15 to 50 % of the height, 2 to 10 %, a stroke or less into each
other, up to 15 % of the height into each other; and digits of which some have a crack."""
SHARES = (0.25, 0.15, 0.2, 0.3, 0.06, 0.04)
"""How often each is drawn for fitting. A lone digit is the common case; digits that touch are rarer than here, but they
are what there is to learn from: two that stand apart are seldom doubtful."""


def field(images: Gray, labels: npt.NDArray[np.uint8], kind: str, random: np.random.Generator) -> Field:
    """One generated field of a kind of KINDS."""
    count = 1 if kind == "single" else int(random.integers(2, 9))
    chosen = random.integers(0, len(images), count)
    height = float(random.uniform(32, 110))
    pen = float(random.uniform(0, 0.75))
    drawn = [_drawn(images[index], height * random.uniform(0.88, 1.12), pen) for index in chosen]
    if kind == "broken":
        drawn = [_cracked(digit, random) if random.random() < 0.5 else digit for digit in drawn]
    lefts, ink, top = [0], drawn[0], [int(random.normal(0, 0.05 * height)) for _ in drawn]
    canvas = np.zeros((round(height * 2), round(height * 1.9 * count + height)), np.uint8)
    for number, digit in enumerate(drawn):
        row = round(height * 0.4) + min(max(top[number], round(-height * 0.2)), round(height * 0.2))
        if number:
            lefts.append(lefts[-1] + _step(drawn[number - 1], top[number - 1], digit, top[number]))
            lefts[-1] += _gap(kind, height, ink, random)
            lefts[-1] = max(lefts[-1], lefts[-2] + 2)
        place = canvas[row : row + digit.shape[0], round(height / 2) + lefts[-1] :][:, : digit.shape[1]]
        np.maximum(place, digit[: place.shape[0], : place.shape[1]], out=place)
    end = round(height) + lefts[-1] + drawn[-1].shape[1]
    canvas = canvas[:, :end]
    page = random.normal(235, 3, canvas.shape) - canvas * random.uniform(0.5, 0.85)
    sides = [
        (round(height / 2) + left, round(height / 2) + left + digit.shape[1])
        for left, digit in zip(lefts, drawn, strict=True)
    ]
    return Field(np.clip(page, 0, 255).astype(np.uint8), "".join(str(labels[at]) for at in chosen), sides, height)


def _drawn(image: Gray, height: float, pen: float) -> Gray:
    """A digit in its tight box; `pen` 0..1 from a thick to a thin one."""
    x, y, w, h = cv2.boundingRect((image > 60).astype(np.uint8))
    large = cv2.resize(image[y : y + h, x : x + w], (w * 8, h * 8), interpolation=cv2.INTER_CUBIC)
    soft = cv2.GaussianBlur(cv2.copyMakeBorder(large, 8, 8, 8, 8, cv2.BORDER_CONSTANT, value=0), (0, 0), 5)
    inside = cv2.distanceTransform((soft > 0.4 * soft.max()).astype(np.uint8), cv2.DIST_L2, 5)
    # Of the half width that most of its strokes have: thin places break, as a thin pen's do.
    mask = (inside > pen * float(np.percentile(inside[inside > 0], 75))).astype(np.uint8) * np.uint8(255)
    x, y, w, h = cv2.boundingRect(mask)
    # A 1 that lies flat is 20 px wide, and so less tall than the others.
    factor = height / max(h, 0.75 * w)
    size = max(2, round(w * factor)), max(2, round(h * factor))
    return np.asarray(cv2.resize(mask[y : y + h, x : x + w], size, interpolation=cv2.INTER_AREA), np.uint8)


def _cracked(digit: Gray, random: np.random.Generator) -> Gray:
    height, width = digit.shape
    angle, crack = random.uniform(0, math.pi), random.uniform(0.03, 0.08) * height
    y, x = np.mgrid[:height, :width]
    across = (x - width * random.uniform(0.3, 0.7)) * math.cos(angle) + (y - height * random.uniform(0.2, 0.8)) * (
        math.sin(angle)
    )
    return np.where(np.abs(across) < crack / 2, 0, digit).astype(np.uint8)


def _step(left: Gray, left_top: int, right: Gray, right_top: int) -> int:
    """How far right the next digit begins so that its ink just meets the last one's on some row."""
    rows = range(max(left_top, right_top), min(left_top + len(left), right_top + len(right)))
    steps = []
    for row in rows:
        own, other = np.flatnonzero(left[row - left_top] > 127), np.flatnonzero(right[row - right_top] > 127)
        if own.size and other.size:
            steps.append(int(own[-1]) + 1 - int(other[0]))
    return max(steps, default=left.shape[1])


def _gap(kind: str, height: float, digit: Gray, random: np.random.Generator) -> int:
    touches = random.random() < 0.5
    if kind == "touching" and touches:
        return -round(random.uniform(0.2, 1) * 0.07 * height)
    if kind == "overlapping" and touches:
        return -round(random.uniform(0.06, 0.15) * height)
    near = kind in ("near", "touching")
    return max(2, round(random.uniform(*((0.03, 0.1) if near else (0.15, 0.5))) * height))


def whole(reader: Reader, fields: Sequence[Field]) -> list[bool]:
    """Which fields are read whole."""
    return [reader.look(each.page, Options()).judged.text == each.text for each in fields]


def main() -> None:
    """Measure, or fit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("--fields", type=int, default=300, help="so many of each kind; in all for --fit")
    parser.add_argument("--bundle", type=Path, default=shipped())
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    pipeline.single_threaded()
    published, random = data.load(given.mnist), np.random.default_rng(given.seed)
    bundle = Bundle.load(given.bundle)
    reader = open_reader(bundle, "litert", Limits(10**7, 10**7, 10))
    if not given.fit:
        for kind in KINDS:
            read = whole(
                reader,
                [field(published.test_images, published.test_labels, kind, random) for _ in range(given.fields)],
            )
            print(f"{kind:12} {sum(read) / len(read):.1%} whole")
        return
    images, labels = held_out(given.mnist, bundle.manifest.training.seed)
    found = [
        stretch
        for kind in random.choice(KINDS, given.fields, p=SHARES)
        for stretch in stretches(reader, field(images, labels, str(kind), random), bundle.manifest.classes)
    ]
    weights, right = fit(found)
    rounded = [round(weight, 2) for weight in weights.tolist()]
    count = len(Traits._fields)
    print(f"{len(found)} doubtful stretches, {sum(not each.right.any() for each in found)} without a right path")
    print(f"mean posterior of the right paths {right:.3f}")
    print(Traits(*rounded[:count]))
    print(f"ODDS {rounded[count]}")
    print("READ_AS", dict(zip(DIGITS, rounded[count + 1 :], strict=True)))


if __name__ == "__main__":
    main()
