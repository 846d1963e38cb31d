"""Which of a page's marks are not surely one digit each, once the network has seen them whole. Pure."""

from collections.abc import Sequence

from digitd.imaging.candidates import Lattice
from digitd.recognition.bundle import NO_DIGIT
from digitd.recognition.confidence import Probabilities

SURE = 0.99
"""A mark that is read as a digit with this probability or more is one digit: nothing competes with it, whatever its
shape. A network that was shown two digits in one says so: of 1,000 marks of generated fields that it read as surely,
2 were two digits, and more than a hundred were wider than tall (bench/pages.py)."""

Said = Sequence[Probabilities | None]
"""What the network says of a lattice's candidates, in their order; None for separators."""


def doubtful(lattice: Lattice, said: Said, classes: Sequence[str]) -> frozenset[int]:
    """The numbers of the candidates of a lattice of whole marks that are not surely one digit, as `opened` takes them.

    Separators are among them: a bar may be a piece of the digit beside it. A network without the class of what is no
    digit was never shown two digits in one, and may read them surely as one: with such, a mark's width is doubt enough.
    """
    if not lattice.uncut:
        return frozenset()
    digits = [index for index, name in enumerate(classes) if name != NO_DIGIT]
    shown = len(digits) < len(classes)
    return frozenset(
        number for number, mark in lattice.uncut if (mark.several and not shown) or not _is_sure(said[number], digits)
    )


def _is_sure(row: Probabilities | None, digits: Sequence[int]) -> bool:
    return row is not None and float(row[digits].max()) >= SURE
