"""How likely a way to cut or join ink is by its shape alone: a log-linear prior over a line's segmentations. Pure."""

from typing import NamedTuple


class Traits(NamedTuple):
    """What speaks for and against one candidate by its shape. All are 0 for a mark that nothing else competes with.

    The cut that a candidate begins with counts, not the one that it ends with: so each cut of a path counts once.
    Lengths are shares of the height of the line's digits.
    """

    cut: float = 0.0
    """1 where it begins with a cut through a part."""
    ruled: float = 0.0
    """1 where the shape alone asks for that cut (touching.py)."""
    extent: float = 0.0
    """The part's extent at the cut, of its height: little in a valley between two digits."""
    runs: float = 0.0
    """How many more strokes than one it goes through: digits that touch share one, a whole digit has more."""
    slim: float = 0.0
    """By how much the part that is cut is narrower than `ROOM_FOR_TWO`."""
    short: float = 0.0
    """By how much it is less tall than `TALL_ENOUGH`."""
    wide: float = 0.0
    """By how much it is wider than `WIDE_ENOUGH`."""
    narrow: float = 0.0
    """By how much it is narrower than `BROAD_ENOUGH`."""
    bays: float = 0.0
    """1 where that cut leads from a bay of paper above to one below, half where there is but one of them (bays.py)."""
    opened: float = 0.0
    """How many loops that cut goes through."""
    joined: float = 0.0
    """1 where it joins two marks that stand side by side."""


PLAIN = Traits()

TALL_ENOUGH = 0.85
"""A whole digit is seldom less tall, of its line's digits; a piece of one often."""
WIDE_ENOUGH = 0.85
"""A whole digit is seldom wider, of its line's digits' height; two of them often."""

ROOM_FOR_TWO = 1.3
"""Two digits seldom have less width, together."""
BROAD_ENOUGH = 0.35
"""A whole digit that is no 1 is seldom narrower."""

WEIGHTS = Traits(
    cut=-5.22,
    ruled=0.07,
    extent=-0.38,
    runs=0.13,
    slim=-0.49,
    short=-5.08,
    wide=-1.71,
    narrow=0.61,
    bays=1.29,
    opened=-0.67,
    joined=1.5,
)
"""The log-odds that each trait adds. Fitted by bench/touching.py (`--fit --fields 4500 --seed 8`) on generated
lines of digits that the training held out, single, apart, near, touching, overlapping and broken, together with what
the network says of the pieces: so that the posterior of a segmentation is right as often as it says, where one of its
ways is right."""


def by_size(extent: tuple[int, int], tall: float) -> dict[str, float]:
    """The traits of a candidate's width and height, px, in a line whose digits have the height `tall`."""
    width, height = extent[0] / tall, extent[1] / tall
    return {
        "short": max(0.0, TALL_ENOUGH - height),
        "wide": max(0.0, width - WIDE_ENOUGH),
        "narrow": max(0.0, BROAD_ENOUGH - width),
    }


def log_prior(traits: Traits) -> float:
    """The log-odds of a candidate, against one of which nothing is known."""
    return sum(weight * trait for weight, trait in zip(WEIGHTS, traits, strict=True))
