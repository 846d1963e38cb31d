"""Which of the ways to cut a page into glyphs is right: the best path through a lattice, and how sure it is. Pure.

A path's score is the sum over its edges of the logarithm of how probable each is as a digit, of its odds against no
digit, of what it reads as, and of its prior. The last three are fitted together (bench/touching.py), so that longer and
shorter paths are weighed as often as they are right: two halves of a 0 that are read as two ones, even surely, gain by
their odds less than the prior of a cut through a whole digit's strokes takes.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float64]

JUNK = 0.005
"""What is surely no digit is passed over at the price of a digit with this probability, instead of being cut until its
pieces look like digits. A judgement, not a measured rate: crossed-out marks, letters and blots are about as rare among
digits, and several pieces that are each read doubtfully cost more."""
LEAST = 1e-4
"""No glyph counts as less probable than this: a network that is sure and wrong must not decide alone."""
ODDS, MOST_ODDS = 0.5, 9.0
"""What the odds of a digit against no digit add to a score, as a share of their logarithm, which counts up to the
second: that a box holds no piece of a digit and no two of them is known from what it is not, too. Fitted as the priors
are. A network without the class says nothing of it."""
READ_AS = {
    "0": -0.37,
    "1": -1.77,
    "2": -1.6,
    "3": -0.45,
    "4": 0.04,
    "5": -0.6,
    "6": -0.81,
    "7": -1.31,
    "8": -0.16,
    "9": 0.32,
}
"""What a glyph that is read as this digit adds to a score: a piece of a digit may look like a 1, a 2 or a 7, and hardly
like an 8. Fitted as the priors are."""
LEAST_EXPECTED = 0.05
"""Where cuts into the expected number of digits are less probable than this together, the expectation is wrong: the
best reading goes to review, not one with digits made up to please."""
MOST_COUNTED = 1_000_000
"""Borders times digits expected, beyond which nothing is counted: no form has so many.
The tables have 20 bytes for each."""


@dataclass(frozen=True)
class Edge:
    """A candidate between two borders, its score, how many digits it is (1, or 0 for others), and how it reads."""

    start: int
    end: int
    score: float
    digits: int
    text: str = ""


@dataclass(frozen=True)
class Choice:
    """The chosen path: for each line the indices of its edges, from left to right.

    `probability`, 0..1, is the posterior of all paths that read the same: a sliver more or less is no other reading.
    """

    paths: tuple[tuple[int, ...], ...]
    probability: float


def score(digit: float, none: float, prior: float, name: str = "") -> float:
    """The score of a glyph whose best digit, called `name`, has the probability `digit`, and no digit `none`."""
    return math.log(max(digit, JUNK * none, LEAST)) + ODDS * log_odds(digit, none) + READ_AS.get(name, 0.0) + prior


def log_odds(digit: float, none: float) -> float:
    """The logarithm of the odds of a digit against none, within its bounds; 0 where nothing is said of it."""
    if none <= 0:
        return 0.0
    return min(MOST_ODDS, max(-MOST_ODDS, math.log(max(digit, 1e-12) / none)))


def choose(lines: Sequence[tuple[int, Sequence[Edge]]], expected: int | None = None) -> Choice:
    """The best path through a page's lines, and the share of all paths' weight that those have that read as it does.

    A line is the number of its last border and its edges, which together join border 0 to that; each edge ends after
    it starts. With `expected` the best path with exactly so many digits is chosen, among those, if there are any that
    are not all but impossible. Source: Viterbi's algorithm and the forward sum of hidden Markov models, over a segment
    lattice (S. Sarawagi and W. Cohen, "Semi-Markov conditional random fields", NIPS 2004).
    """
    edges, firsts = _chained(lines)
    best, total, path = _through(edges, firsts[-1], None)
    if expected is not None and (firsts[-1] + 1) * (expected + 1) <= MOST_COUNTED:
        counted = _through(edges, firsts[-1], expected)
        if counted[1] - total >= math.log(LEAST_EXPECTED):
            best, total, path = counted
    paths: list[list[int]] = [[] for _ in lines]
    before = [0, *np.cumsum([len(of) for _, of in lines]).tolist()]
    for index in path:
        line = bisect_right(before, index) - 1
        paths[line].append(index - before[line])
    same = sum(
        _weight_of(of_line, length, [of_line[index].text for index in path if of_line[index].text])
        for (length, of_line), path in zip(lines, paths, strict=True)
    )
    return Choice(tuple(map(tuple, paths)), min(1.0, math.exp(max(best, same) - total)))


def _weight_of(edges: Sequence[Edge], last: int, texts: Sequence[str]) -> float:
    """The logarithm of the weight of all paths to the border `last` whose edges read as these, one after another.

    Of each border only the numbers of texts are kept that paths to it may have, and those only until its last edge:
    a line of thousands of marks, each certain, has one number for each border.
    """
    ordered = sorted(edges, key=lambda edge: edge.start)
    least, most = _counts(ordered, last, len(texts))
    codes = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    wanted = np.array([codes[text] for text in texts], np.int64)
    totals: dict[int, Weights] = {0: np.zeros(1)}
    for start, group in groupby(ordered, key=lambda edge: edge.start):
        total = totals.pop(start, None)
        if total is None:
            continue
        reads = wanted[least[start] : most[start] + 1]
        for edge in group:
            if edge.end not in totals:
                totals[edge.end] = np.full(max(0, most[edge.end] + 1 - least[edge.end]), -np.inf)
            target = totals[edge.end]
            # Where the fewest texts of this border, with that of the edge, are among those of the other.
            shift = least[start] + bool(edge.text) - least[edge.end]
            if edge.text:
                fits = np.flatnonzero(reads == codes.get(edge.text, -1))
                target[fits + shift] = np.logaddexp(target[fits + shift], total[fits] + edge.score)
            else:
                place = target[shift : shift + len(total)]
                np.logaddexp(place, total + edge.score, out=place)
    found = totals.get(last)
    return float(found[-1]) if found is not None and most[last] == len(texts) else -math.inf


def _counts(ordered: Sequence[Edge], last: int, limit: int) -> tuple[list[int], list[int]]:
    """The fewest and the most texts that the paths to each border have, no more than `limit`; of edges by start."""
    least, most = [limit + 1] * (last + 1), [-1] * (last + 1)
    least[0] = most[0] = 0
    for edge in ordered:
        if most[edge.start] >= 0:
            one = bool(edge.text)
            least[edge.end] = min(least[edge.end], least[edge.start] + one)
            most[edge.end] = max(most[edge.end], min(limit, most[edge.start] + one))
    return least, most


def _chained(lines: Sequence[tuple[int, Sequence[Edge]]]) -> tuple[list[Edge], list[int]]:
    """The edges of all lines as of one long line, and where each line begins; the last is the end."""
    edges: list[Edge] = []
    firsts = [0]
    for length, of_line in lines:
        first = firsts[-1]
        edges += [Edge(first + edge.start, first + edge.end, edge.score, edge.digits) for edge in of_line]
        firsts.append(first + length)
    return edges, firsts


def _through(edges: Sequence[Edge], last: int, digits: int | None) -> tuple[float, float, list[int]]:
    """The score of the best path to the border `last`, the logarithm of all paths' weight, and the best path's edges.

    With `digits` only paths with so many digits count; -inf, -inf and no edges where there are none.
    """
    counts = 1 if digits is None else digits + 1
    best = np.full((last + 1, counts), -np.inf)
    total = np.full((last + 1, counts), -np.inf)
    back = np.full((last + 1, counts), -1, np.int32)
    best[0, 0] = total[0, 0] = 0.0
    # An edge is used only once all that lead to its start have been.
    for index in sorted(range(len(edges)), key=lambda index: edges[index].start):
        edge = edges[index]
        by = 0 if digits is None else edge.digits
        reached, weight = best[edge.start, : counts - by] + edge.score, total[edge.start, : counts - by] + edge.score
        target = best[edge.end, by:]
        better = reached > target
        target[better] = reached[better]
        back[edge.end, by:][better] = index
        np.logaddexp(total[edge.end, by:], weight, out=total[edge.end, by:])
    path: list[int] = []
    border, count = last, counts - 1
    while border and (index := int(back[border, count])) >= 0:
        path.append(index)
        border, count = edges[index].start, count - (0 if digits is None else edges[index].digits)
    return float(best[last, -1]), float(total[last, -1]), path[::-1]
