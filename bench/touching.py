"""Fields of digits that stand apart, near, touch, overlap or are broken: how many are read whole, and the priors.

    python bench/touching.py MNIST-FOLDER [--fields 300] [--bundle FOLDER]     the share of fields read whole
    python bench/touching.py MNIST-FOLDER --fit                              imaging/priors.py's weights, fitted anew

The fields for measuring are drawn from MNIST's test images, those for fitting from its training images.
"""

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from digitd.imaging import pipeline
from digitd.imaging.candidates import Candidate, Lattice
from digitd.imaging.decode import Limits
from digitd.imaging.priors import WEIGHTS, Traits
from digitd.recognition.bundle import NO_DIGIT, Bundle, shipped
from digitd.recognition.lattice import ODDS, log_odds, score
from digitd.recognition.reader import Options, Reader, open_reader
from digitd.training import data

Gray = npt.NDArray[np.uint8]
Real = npt.NDArray[np.float64]

KINDS = ("single", "apart", "near", "touching", "overlapping", "broken")
"""One digit; several, their nearest ink so far apart: 15 to 50 % of the height, 2 to 10 %, a stroke or less into each
other, up to 15 % of the height into each other; and digits of which some have a crack."""
SHARES = (0.3, 0.25, 0.2, 0.15, 0.06, 0.04)
"""How often each is drawn for fitting: a lone digit is the common case, most digits of a number do not touch, and few
break."""
NEAR = 0.15
"""A candidate is a digit where its sides are no farther from the digit's than this share of the height."""
MOST_PATHS = 80
"""So many of a stretch's best paths, and of its right ones, are fitted."""


@dataclass(frozen=True)
class Field:
    """A page with digits, their text, and each one's left and right side, px."""

    page: Gray
    text: str
    sides: list[tuple[int, int]]
    height: float


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


@dataclass(frozen=True)
class Stretch:
    """A stretch of a line that has several paths: each path's traits and the network's score, and which are right."""

    traits: Real
    said: Real
    right: npt.NDArray[np.bool_]


def stretches(reader: Reader, each: Field, classes: Sequence[str]) -> Iterator[Stretch]:
    """The doubtful stretches of a field that have a right path."""
    look = reader.look(each.page, Options())
    if len(look.lattices) != 1:
        return
    lattice, rows = look.lattices[0], look.said[0]
    digits = [index for index, name in enumerate(classes) if name != NO_DIGIT]
    none = classes.index(NO_DIGIT) if NO_DIGIT in classes else None
    pairs = [
        (1.0, 0.0) if row is None else (float(row[digits].max()), 0.0 if none is None else float(row[none]))
        for row in rows
    ]
    odds = [log_odds(*pair) for pair in pairs]
    said = [score(*pair, -ODDS * own) for pair, own in zip(pairs, odds, strict=True)]
    for start, end in _stretches(lattice):
        inside = [one for one in lattice.candidates if start <= one.start and one.end <= end]
        if len(inside) == 1:
            continue
        first, last = min(one.box[0] for one in inside), max(one.box[0] + one.box[2] for one in inside)
        sides = [own for own in each.sides if first <= sum(own) / 2 <= last]
        whole = [one + own for one, own in zip(said, (own.prior for own in lattice.candidates), strict=True)]
        fitting = {i for i, one in enumerate(lattice.candidates) if any(_fit(one, own, each.height) for own in sides)}
        # The best, and the best of those that may be right: all of them would be too many.
        best = [
            *_best(lattice.candidates, whole, start, end, None),
            *_best(lattice.candidates, whole, start, end, fitting),
        ]
        paths = list(dict.fromkeys(best))
        right = np.array([_fits([lattice.candidates[i] for i in path], sides, each.height) for path in paths], np.bool_)
        if right.any():
            yield Stretch(
                np.array([np.sum([(*lattice.candidates[i].traits, odds[i]) for i in path], 0) for path in paths]),
                np.array([sum(said[i] for i in path) for path in paths]),
                right,
            )
        else:
            yield Stretch(np.zeros((0, len(WEIGHTS) + 1)), np.zeros(0), right)


def _stretches(lattice: Lattice) -> Iterator[tuple[int, int]]:
    """Between the borders that every path goes through."""
    crossed = {border for one in lattice.candidates for border in range(one.start + 1, one.end)}
    borders = [border for border in range(lattice.length + 1) if border not in crossed]
    yield from pairwise(borders)


def _best(
    candidates: Sequence[Candidate], scores: Sequence[float], start: int, end: int, among: set[int] | None
) -> list[tuple[int, ...]]:
    """The paths from a border to another with the largest scores, each its candidates' numbers; of those in `among`."""
    reached: dict[int, list[tuple[float, tuple[int, ...]]]] = {start: [(0.0, ())]}
    for border in range(start, end):
        reached[border] = sorted(reached.get(border, []), reverse=True)[:MOST_PATHS]
        for index, one in enumerate(candidates):
            if one.start == border and one.end <= end and (among is None or index in among or one.kind != "digit"):
                more = [(score + scores[index], (*path, index)) for score, path in reached[border]]
                reached[one.end] = reached.get(one.end, []) + more
    return [path for _, path in sorted(reached.get(end, []), reverse=True)[:MOST_PATHS]]


def _fit(one: Candidate, sides: tuple[int, int], height: float) -> bool:
    x, _, width, _ = one.box
    return max(abs(x - sides[0]), abs(x + width - sides[1])) < NEAR * height


def _fits(path: Sequence[Candidate], sides: Sequence[tuple[int, int]], height: float) -> bool:
    glyphs = [one for one in path if one.kind == "digit"]
    return len(glyphs) == len(sides) and all(_fit(*pair, height) for pair in zip(glyphs, sides, strict=True))


def fit(found: Sequence[Stretch], steps: int = 3000, decay: float = 1e-3) -> tuple[Real, float]:
    """The weights under which the right paths are likeliest (by gradient ascent on the mean log-likelihood, with a
    little decay), and the mean posterior of the right paths."""
    used = [each for each in found if each.right.any()]
    traits, said = np.concatenate([each.traits for each in used]), np.concatenate([each.said for each in used])
    right = np.concatenate([each.right for each in used])
    starts = np.cumsum([0, *(len(each.right) for each in used)])[:-1]
    sizes = np.array([len(each.right) for each in used])
    weights = np.array((*WEIGHTS, ODDS), np.float64)
    momentum, squares = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, steps + 1):
        logits = traits @ weights + said
        odds = np.exp(logits - np.repeat(np.maximum.reduceat(logits, starts), sizes))
        rights = odds * right
        shares = odds / np.repeat(np.add.reduceat(odds, starts), sizes)
        wanted = rights / np.repeat(np.maximum(np.add.reduceat(rights, starts), 1e-300), sizes)
        gradient = traits.T @ (wanted - shares) / len(used) - decay * weights
        momentum, squares = 0.9 * momentum + 0.1 * gradient, 0.999 * squares + 0.001 * gradient**2
        weights += 0.02 * (momentum / (1 - 0.9**step)) / (np.sqrt(squares / (1 - 0.999**step)) + 1e-9)
    return weights, float(np.add.reduceat(shares * right, starts).mean())


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
    images, labels = published.train_images, published.train_labels
    found = [
        stretch
        for kind in random.choice(KINDS, given.fields, p=SHARES)
        for stretch in stretches(reader, field(images, labels, str(kind), random), bundle.manifest.classes)
    ]
    weights, right = fit(found)
    print(f"{len(found)} doubtful stretches, {sum(not each.right.any() for each in found)} without a right path")
    print(f"mean posterior of the right paths {right:.3f}")
    print(Traits(*(round(float(weight), 2) for weight in weights[:-1])))
    print(f"ODDS {weights[-1]:.2f}")


if __name__ == "__main__":
    main()
