"""A page's candidates, and what the network says of them, to the glyphs that were chosen. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from digitd.imaging.candidates import Candidate, Lattice
from digitd.recognition.bundle import NO_DIGIT
from digitd.recognition.confidence import Guess, Probabilities, guess, together
from digitd.recognition.doubts import Said
from digitd.recognition.lattice import Edge, choose, score

SMALL = 0.5
"""A mark that is no digit, and smaller than this share of the page's digits both ways, is dirt or a sign beside them,
as an unread separator is: a piece of a digit that matters is larger."""


LONE = 0.8
"""How often a mark that is all there is on a page, and no digit as a whole, is the digits that it can be cut into: it
may as well be a tick, a star or a letter. A judgement, not a measured share: less than any usual `accept`, so that a
person looks. Where the number of digits is known, nothing is in doubt."""


@dataclass(frozen=True)
class Read:
    """A glyph that was chosen, and what it is."""

    candidate: Candidate
    guess: Guess


@dataclass(frozen=True)
class Judged:
    """What was made of a page: each line's glyphs, from left to right, and how sure it is that they part so, 0..1.

    `paths` are the chosen candidates of each lattice, by number, separators and dropped marks among them.
    """

    lines: tuple[tuple[Read, ...], ...]
    segmentation: float
    paths: tuple[tuple[int, ...], ...]

    @property
    def glyphs(self) -> list[Read]:
        """All of them in the order of reading."""
        return [read for line in self.lines for read in line]

    @property
    def has_digits(self) -> bool:
        """Whether any of its marks can be read."""
        return any(read.guess.digit != NO_DIGIT for read in self.glyphs)

    @property
    def text(self) -> str:
        """Its lines; empty where there are marks, but no digit."""
        if not self.has_digits:
            return ""
        return "\n".join("".join(read.guess.digit for read in line) for line in self.lines)

    @property
    def confidence(self) -> float | None:
        """How probable it is that all of the text is right: its glyphs and their segmentation. None where blank."""
        if not self.lines:
            return None
        return together([*(read.guess.confidence for read in self.glyphs), self.segmentation])


def judge(lattices: Sequence[Lattice], said: Sequence[Said], classes: Sequence[str], expected: int | None) -> Judged:
    """Choose among a page's candidates.

    `said` are for each lattice the calibrated probabilities, each (classes,), of its candidates, None for those without
    pixels; `classes` may have NO_DIGIT among them. `expected` is how many digits the page has, if known.
    """
    if all(lattice.certain for lattice in lattices):
        paths, probability = tuple(tuple(range(lattice.length)) for lattice in lattices), 1.0
    else:
        graph = [
            (lattice.length, [_edge(one, row, classes) for one, row in zip(lattice.candidates, of_line, strict=True)])
            for lattice, of_line in zip(lattices, said, strict=True)
        ]
        choice = choose(graph, expected)
        paths, probability = choice.paths, choice.probability
        if expected is None and _is_lone_mark_cut(lattices, paths):
            probability *= LONE
    chosen = []
    for lattice, of_line, path in zip(lattices, said, paths, strict=True):
        line = []
        for index in path:
            row = of_line[index]
            if row is not None:
                line.append(Read(lattice.candidates[index], guess(row, classes)))
        chosen.append(line)
    return Judged(_without_dirt(chosen), probability, paths)


def _is_lone_mark_cut(lattices: Sequence[Lattice], paths: Sequence[Sequence[int]]) -> bool:
    return any(
        lattice.line is not None and lattice.line.alone and len(path) > 1
        for lattice, path in zip(lattices, paths, strict=True)
    )


def _edge(candidate: Candidate, row: Probabilities | None, classes: Sequence[str]) -> Edge:
    """A candidate as an edge: its best digit, or no digit where that is more probable."""
    if row is None:
        # A sign reads as nothing, and yet otherwise than a separator does.
        return Edge(candidate.start, candidate.end, candidate.prior, 0, "-" if candidate.kind == "sign" else "")
    best, chance, nothing = likeliest(row, classes)
    is_digit = chance >= nothing
    weight = score(chance, nothing, candidate.prior, best)
    return Edge(candidate.start, candidate.end, weight, int(is_digit), best if is_digit else NO_DIGIT)


def likeliest(row: Probabilities, classes: Sequence[str]) -> tuple[str, float, float]:
    """The likeliest digit of probabilities (classes,), its probability, and that of no digit."""
    chances = dict(zip(classes, row.tolist(), strict=True))
    nothing = chances.pop(NO_DIGIT, 0.0)
    best = max(chances, key=chances.__getitem__)
    return best, chances[best], nothing


def _without_dirt(lines: list[list[Read]]) -> tuple[tuple[Read, ...], ...]:
    """The lines without small marks that are no digits, where there are digits; and without lines of those alone."""
    if any(read.guess.digit == NO_DIGIT for line in lines for read in line):
        usual = _height_of([read for line in lines for read in line])
        # A row that is written smaller has its own measure.
        leasts = [SMALL * (_height_of(line) or usual or 0) for line in lines]
        lines = [
            [read for read in line if read.guess.digit != NO_DIGIT or max(read.candidate.box[2:]) >= least]
            for line, least in zip(lines, leasts, strict=True)
        ]
    return tuple(tuple(line) for line in lines if line)


def _height_of(reads: Sequence[Read]) -> float | None:
    """The median height of the digits among them; None where there are none."""
    heights = [read.candidate.box[3] for read in reads if read.guess.digit != NO_DIGIT]
    return median(heights) if heights else None
