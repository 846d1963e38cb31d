"""Images of what is no digit, for the class "?": the kinds, and how often each is seen.

A network that knows only ten digits must read one into everything. What it should refuse is what a scan holds
beside single digits, above all two digits in one box. No kind may look like a digit, or the network would refuse
real ones: where in doubt, a form is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitd.imaging.gray import Gray
from digitd.imaging.normalise import normalise
from digitd.training import letters, parted, scrawls, spoiled
from digitd.training.scrawls import Scrawl

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint8]
Make = Callable[[Images, Labels, np.random.Generator], Gray]


@dataclass(frozen=True)
class Kind:
    """One kind of reject: its share of all, and how to make its ink (H, W) uint8 from digits and a generator."""

    share: float
    make: Make


def reject(digits: Images, labels: Labels, rng: np.random.Generator) -> Gray:
    """One image (28, 28) uint8 of no single digit, as `normalise` would hand it over; it has ink.

    `digits` uint8 (N, 28, 28) and `labels` (N,) are MNIST's, some of each digit; ValueError if a digit that a kind
    needs is not among them. The same generator state gives the same image; about 300 microseconds on one core.
    """
    return of_kind(NAMES[int(np.searchsorted(BOUNDS, rng.random(), side="right"))], digits, labels, rng)


def of_kind(name: str, digits: Images, labels: Labels, rng: np.random.Generator) -> Gray:
    """Like `reject`, of the kind of that name in `KINDS`."""
    return normalise(KINDS[name].make(digits, labels, rng))


def _alone(make: Scrawl) -> Make:
    """A kind that needs no digits, as one that is given them."""
    return lambda digits, labels, rng: make(rng)


KINDS: dict[str, Kind] = {
    # What segmentation asks about: whether a box holds one digit or two.
    "beside": Kind(0.25, spoiled.beside),
    "neighbour": Kind(0.10, spoiled.neighbour),
    "stacked": Kind(0.04, spoiled.stacked),
    # What a cut in the wrong place of two that touch leaves.
    "parted": Kind(0.08, parted.wrongly_parted),
    # What a wrong cut through a digit, or a rule taken out of it, leaves.
    "part": Kind(0.06, spoiled.part),
    # A form's words are the most frequent ink that is no digit.
    "sign": Kind(0.10, _alone(letters.sign)),
    "printed": Kind(0.09, _alone(letters.printed)),
    "word": Kind(0.06, _alone(letters.word)),
    # Rare on a form, and of many forms.
    "scribble": Kind(0.05, _alone(scrawls.scribble)),
    "hatching": Kind(0.02, _alone(scrawls.hatching)),
    "struck": Kind(0.03, spoiled.struck),
    "blot": Kind(0.02, _alone(scrawls.blot)),
    # What the taking out of rules and boxes leaves.
    "rules": Kind(0.03, _alone(scrawls.rules)),
    "framed": Kind(0.03, spoiled.framed),
    "marks": Kind(0.02, _alone(scrawls.marks)),
    "dirt": Kind(0.02, _alone(scrawls.dirt)),
}
"""Every kind by name; the shares sum to 1."""
NAMES = tuple(KINDS)
BOUNDS = np.cumsum([kind.share for kind in KINDS.values()])[:-1]
