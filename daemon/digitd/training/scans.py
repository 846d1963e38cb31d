"""A user's own labelled scans as training images: cut by the product's own imaging, a part of them kept aside."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitd import labels
from digitd.errors import ScanError
from digitd.imaging.decode import Limits, pages
from digitd.recognition.bundle import Figures
from digitd.recognition.engine import Engine
from digitd.recognition.reader import Options, Reader
from digitd.results import PAGE_BREAK
from digitd.training.data import SIDE, Images, Labels
from digitd.training.evaluate import evaluate

SHARE, MOST_REPEATS = 0.15, 30
"""An epoch's share of a user's digits; of few, each is repeated at most so often: more would be learnt by heart."""


@dataclass(frozen=True)
class Scan:
    """A labelled scan: its name for messages, its file's bytes, and its text as a result has it."""

    name: str
    data: bytes
    label: str


@dataclass(frozen=True)
class Glyphs:
    """Digits cut out of scans: images uint8 (N, 28, 28), labels uint8 (N,)."""

    images: Images
    labels: Labels


@dataclass(frozen=True)
class Gathered:
    """What labelled scans give: digits to train on, digits kept aside, and why some scans give none.

    `sha256` is that of all files' hashes; `unusable` has (name, cause).
    """

    train: Glyphs
    aside: Glyphs
    used: int
    kept_aside: int
    unusable: tuple[tuple[str, str], ...]
    sha256: str


@dataclass(frozen=True)
class OwnScans:
    """What came of one's own scans: how many were used, kept aside and unusable (name, cause).

    `new` and `in_use` say how the new network reads the digits kept aside, and how the one in use does.
    """

    used: int
    kept_aside: int
    unusable: tuple[tuple[str, str], ...]
    new: Figures
    in_use: Figures


def is_kept_aside(data: bytes) -> bool:
    """Whether a file is of the fifth that is never trained on: by its content, whatever its name and place."""
    return labels.is_kept_aside(hashlib.sha256(data).hexdigest())


def gathered(scans: Iterable[Scan], reader: Reader, limits: Limits) -> Gathered:
    """Cut the scans' digits; one whose page cannot be cut into as many digits as its label has is not used."""
    parts: dict[bool, list[tuple[npt.NDArray[np.uint8], int]]] = {False: [], True: []}
    counts = {False: 0, True: 0}
    unusable: list[tuple[str, str]] = []
    digests = []
    for scan in scans:
        digests.append(hashlib.sha256(scan.data).hexdigest())
        try:
            digits = _digits(scan, reader, limits)
        except ScanError as error:
            unusable.append((scan.name, str(error)))
            continue
        if digits is None:
            unusable.append((scan.name, f"it cannot be cut into the digits of its label {scan.label!r}"))
            continue
        aside = is_kept_aside(scan.data)
        counts[aside] += 1
        parts[aside] += digits
    listed = "\n".join(sorted(digests)).encode()
    return Gathered(
        train=_stacked(parts[False]),
        aside=_stacked(parts[True]),
        used=counts[False],
        kept_aside=counts[True],
        unusable=tuple(unusable),
        sha256=hashlib.sha256(listed).hexdigest(),
    )


def repeated(glyphs: Glyphs, others: int) -> Glyphs:
    """The digits as often as gives them their share beside `others` images."""
    if not len(glyphs.images):
        return glyphs
    times = min(MOST_REPEATS, max(1, round(SHARE / (1 - SHARE) * others / len(glyphs.images))))
    return Glyphs(np.tile(glyphs.images, (times, 1, 1)), np.tile(glyphs.labels, times))


def compared(own: Gathered, new: Engine, in_use: Engine) -> OwnScans:
    """How two networks read the digits that were kept aside."""
    new_figures, old_figures = (
        evaluate(engine, own.aside.images, own.aside.labels).figures() for engine in (new, in_use)
    )
    return OwnScans(own.used, own.kept_aside, own.unusable, new_figures, old_figures)


def _digits(scan: Scan, reader: Reader, limits: Limits) -> list[tuple[npt.NDArray[np.uint8], int]] | None:
    """Each digit's image (28, 28) and label; None where the scan cannot be cut as its label says."""
    found: list[tuple[npt.NDArray[np.uint8], int]] = []
    images, labels = list(pages(scan.data, limits)), scan.label.split(PAGE_BREAK)
    if len(images) != len(labels):
        return None
    for image, label in zip(images, labels, strict=True):
        lines = label.split("\n")
        judged = reader.look(image, Options(digits=sum(map(len, lines)))).judged
        if [len(line) for line in judged.lines] != [len(line) for line in lines]:
            return None
        pixels = [read.candidate.pixels for read in judged.glyphs]
        found += [(one, int(digit)) for one, digit in zip(pixels, "".join(lines), strict=True) if one is not None]
    return found


def _stacked(digits: Sequence[tuple[npt.NDArray[np.uint8], int]]) -> Glyphs:
    images = np.array([image for image, _ in digits], np.uint8).reshape(-1, SIDE, SIDE)
    return Glyphs(images, np.array([label for _, label in digits], np.uint8))
