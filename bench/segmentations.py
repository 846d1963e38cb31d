"""The ways to cut generated fields, which of them read right, and the weights under which those are likeliest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from digitd.imaging.candidates import Candidate, Lattice
from digitd.imaging.priors import WEIGHTS
from digitd.recognition.bundle import NO_DIGIT
from digitd.recognition.confidence import Probabilities
from digitd.recognition.judge import likeliest
from digitd.recognition.lattice import ODDS, READ_AS, log_odds, score
from digitd.recognition.reader import Options, Reader

Gray = npt.NDArray[np.uint8]
Real = npt.NDArray[np.float64]

DIGITS = tuple(READ_AS)
NEAR = 0.15
"""A candidate is a digit where its sides are no farther from the digit's than this share of the height."""
MOST_PATHS = 80
"""So many of a stretch's best paths, and of its right ones, are fitted."""


@dataclass(frozen=True)
class Field:
    """A page with digits in a row, their text, each one's left and right side, and their height, px."""

    page: Gray
    text: str
    sides: list[tuple[int, int]]
    height: float


@dataclass(frozen=True)
class Glyph:
    """A candidate as the network reads it: the best digit and its probability, and that of no digit."""

    candidate: Candidate
    name: str
    digit: float
    none: float

    @property
    def said(self) -> float:
        """The part of its score that is not fitted."""
        return score(self.digit, self.none, 0.0) - ODDS * log_odds(self.digit, self.none)

    @property
    def traits(self) -> list[float]:
        """What the fitted weights are for, in the order of `weights`."""
        named = [float(self.name == name) for name in DIGITS]
        return [*self.candidate.traits, log_odds(self.digit, self.none), *named]

    @property
    def text(self) -> str:
        """How it reads; nothing where it is a separator."""
        return self.name if self.digit >= self.none else NO_DIGIT


@dataclass(frozen=True)
class Stretch:
    """A stretch of a line that has several paths: each path's traits and the network's score, and which are right."""

    traits: Real
    said: Real
    right: npt.NDArray[np.bool_]


def weights() -> Real:
    """Those that are in use: of the traits, of the odds, and of each digit."""
    return np.array((*WEIGHTS, ODDS, *READ_AS.values()), np.float64)


def stretches(reader: Reader, each: Field, classes: Sequence[str]) -> Iterator[Stretch]:
    """The doubtful stretches of a field. A path is right where each of its glyphs lies where a digit does, and reads
    as that: a cut at the right place that opens a 9's loop is a wrong one."""
    look = reader.look(each.page, Options())
    if len(look.lattices) != 1:
        return
    lattice, now = look.lattices[0], weights()
    glyphs = [_glyph(*pair, classes) for pair in zip(lattice.candidates, look.said[0], strict=True)]
    traits = np.array([one.traits for one in glyphs])
    said = np.array([one.said for one in glyphs])
    scores = (traits @ now + said).tolist()
    for start, end in _stretches(lattice):
        inside = [one for one in lattice.candidates if start <= one.start and one.end <= end]
        if len(inside) == 1:
            continue
        first, last = min(one.box[0] for one in inside), max(one.box[0] + one.box[2] for one in inside)
        digits = [digit for digit in zip(each.sides, each.text, strict=True) if first <= sum(digit[0]) / 2 <= last]
        fitting = {i for i, one in enumerate(glyphs) if any(_fit(one, *digit, each.height) for digit in digits)}
        # The best, and the best of those that may be right: all of them would be too many.
        best = [
            *_best(lattice.candidates, scores, start, end, None),
            *_best(lattice.candidates, scores, start, end, fitting),
        ]
        paths = [list(path) for path in dict.fromkeys(best)]
        yield Stretch(
            np.array([traits[path].sum(0) for path in paths]),
            np.array([said[path].sum() for path in paths]),
            np.array([_fits([glyphs[i] for i in path], digits, each.height) for path in paths], np.bool_),
        )


def _glyph(candidate: Candidate, row: Probabilities | None, classes: Sequence[str]) -> Glyph:
    if row is None:
        return Glyph(candidate, "", 1.0, 0.0)
    return Glyph(candidate, *likeliest(row, classes))


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


def _fit(one: Glyph, sides: tuple[int, int], name: str, height: float) -> bool:
    x, _, width, _ = one.candidate.box
    return one.text == name and max(abs(x - sides[0]), abs(x + width - sides[1])) < NEAR * height


def _fits(path: Sequence[Glyph], digits: Sequence[tuple[tuple[int, int], str]], height: float) -> bool:
    glyphs = [one for one in path if one.candidate.kind == "digit"]
    return len(glyphs) == len(digits) and all(
        _fit(one, *digit, height) for one, digit in zip(glyphs, digits, strict=True)
    )


def fit(found: Sequence[Stretch], steps: int = 3000, decay: float = 1e-3) -> tuple[Real, float]:
    """The weights under which the right paths are likeliest (by gradient ascent on the mean log-likelihood, with a
    little decay), and the mean posterior of the right paths."""
    used = [each for each in found if each.right.any()]
    traits, said = np.concatenate([each.traits for each in used]), np.concatenate([each.said for each in used])
    right = np.concatenate([each.right for each in used])
    starts = np.cumsum([0, *(len(each.right) for each in used)])[:-1]
    sizes = np.array([len(each.right) for each in used])
    chosen = weights()
    momentum, squares = np.zeros_like(chosen), np.zeros_like(chosen)
    for step in range(1, steps + 1):
        logits = traits @ chosen + said
        odds = np.exp(logits - np.repeat(np.maximum.reduceat(logits, starts), sizes))
        rights = odds * right
        shares = odds / np.repeat(np.add.reduceat(odds, starts), sizes)
        wanted = rights / np.repeat(np.maximum(np.add.reduceat(rights, starts), 1e-300), sizes)
        gradient = traits.T @ (wanted - shares) / len(used) - decay * chosen
        momentum, squares = 0.9 * momentum + 0.1 * gradient, 0.999 * squares + 0.001 * gradient**2
        chosen += 0.02 * (momentum / (1 - 0.9**step)) / (np.sqrt(squares / (1 - 0.999**step)) + 1e-9)
    return chosen, float(np.add.reduceat(shares * right, starts).mean())
