"""What became of one page, stage by stage: the facts that an explanation shows. Needs no picture."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from digitd.imaging.candidates import Candidate
from digitd.imaging.clean import Stages, stages
from digitd.imaging.gray import Gray
from digitd.imaging.normalise import is_mnist_like
from digitd.recognition.bundle import NO_DIGIT
from digitd.recognition.confidence import Guess, Probabilities, guess
from digitd.recognition.reader import Options, Reader


class Fate(StrEnum):
    """What became of a candidate: read, kept as no digit, another cut chosen, or passed over as a sign or dirt."""

    READ = "read"
    UNREAD = "no digit"
    REJECTED = "rejected"
    PASSED = "passed over"


@dataclass(frozen=True)
class Glyph:
    """A candidate, its fate, and what the network says of it; None for what it was not asked about.

    `number` counts from 1 in the order of reading for those that are in the text, and is None for others.
    """

    candidate: Candidate
    fate: Fate
    number: int | None
    row: Probabilities | None
    guess: Guess | None

    @property
    def confidence(self) -> float:
        """How probable what it was read as is; 0 for what was not looked at."""
        return 0.0 if self.guess is None else self.guess.confidence


@dataclass(frozen=True)
class Seen:
    """One page (H, W) uint8, its stages (None where it was in MNIST's form already), and every candidate in it.

    `text` and `confidence` are the page's reading, None where it is blank; `segmentation` how sure the cuts are.
    """

    page: Gray
    stages: Stages | None
    glyphs: list[Glyph]
    classes: tuple[str, ...]
    text: str
    confidence: float | None
    segmentation: float


def see(reader: Reader, classes: tuple[str, ...], page: Gray, options: Options, small: Gray | None = None) -> Seen:
    """Read one page as the daemon does, and keep what it went through. `classes` are those of the reader's bundle.

    SMALL is the page as the daemon decodes it, where that is smaller.
    """
    read, size = page if small is None else small, page.shape[::-1]
    look = reader.look(read, options, size)
    numbers = {id(read.candidate): number for number, read in enumerate(look.judged.glyphs, 1)}

    def glyphs() -> Iterator[Glyph]:
        for lattice, said, path in zip(look.lattices, look.said, look.judged.paths, strict=True):
            for index, (candidate, row) in enumerate(zip(lattice.candidates, said, strict=True)):
                found = None if row is None else guess(row, classes)
                number = numbers.get(id(candidate))
                yield Glyph(candidate, _fate(found, number, index in path), number, row, found)

    return Seen(
        page=page,
        stages=None if is_mnist_like(page) else stages(read, size),
        glyphs=list(glyphs()),
        classes=classes,
        text=look.judged.text,
        confidence=look.judged.confidence,
        segmentation=look.judged.segmentation,
    )


def _fate(found: Guess | None, number: int | None, chosen: bool) -> Fate:
    if not chosen:
        return Fate.REJECTED
    if number is None or found is None:
        return Fate.PASSED
    return Fate.UNREAD if found.digit == NO_DIGIT else Fate.READ
