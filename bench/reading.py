"""Labelled pictures through the product's own reader with its default settings, as a user has it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from digitd.evaluation.limits import limits_of
from digitd.evaluation.metrics import expected_calibration_error
from digitd.interval import wilson
from digitd.recognition.bundle import Bundle
from digitd.recognition.reader import Options, Reader, ScanInput, open_reader
from digitd.results import PAGE_BREAK
from digitd.settings import Settings

BATCH = 16
"""Scans read together: large pages are let go of soon."""


@dataclass(frozen=True)
class Item:
    """A picture: its kind (a difficulty, or a set's name), its name, what is on it, its file."""

    kind: str
    name: str
    label: str
    data: bytes


@dataclass(frozen=True)
class Seen:
    """What was read of a picture; `text` and `confidence` as in a result."""

    kind: str
    name: str
    label: str
    text: str
    status: str
    confidence: float | None

    @property
    def right(self) -> bool:
        """Whether the text is the label. A label without page breaks leaves open where they are."""
        return self.label in (self.text, self.text.replace(PAGE_BREAK, "\n"))

    @property
    def accepted(self) -> bool:
        """Whether a user would act on it without looking."""
        return self.status == "accepted"


def opened(bundle: Bundle, settings: Settings) -> tuple[Reader, Options]:
    """The reader of a bundle, and how the settings have it read."""
    how = settings.recognition
    reader = open_reader(bundle, settings.model.engine, limits_of(settings))
    return reader, Options(how.layout, how.digits, how.accept, how.margin)


def read(reader: Reader, options: Options, items: Iterable[Item]) -> Iterator[Seen]:
    """Read the pictures, a few at a time."""
    waiting = iter(items)
    while batch := list(islice(waiting, BATCH)):
        outcomes = reader.read(ScanInput(item.name, item.data, options) for item in batch)
        for item, outcome in zip(batch, outcomes, strict=True):
            yield Seen(item.kind, item.name, item.label, outcome.text, str(outcome.status), outcome.confidence)


def of_folder(folder: Path, settings: Settings) -> Iterator[Item]:
    """The labelled scans of a folder, labelled as `digitd evaluate` has them."""
    from digitd.evaluation.scans import find

    for scan in find(folder, settings).scans:
        yield Item(folder.name, scan.target.name, scan.label, Path(scan.target.path).read_bytes())


def of_pictures(folder: Path) -> Iterator[Item]:
    """All files of a folder, none with a digit on it."""
    for file in sorted(folder.iterdir()):
        if file.is_file():
            yield Item(folder.name, file.name, "", file.read_bytes())


def calibration(seen: list[Seen]) -> float:
    """The expected calibration error, 0..1, of the results with a confidence, in ten bins of equal width."""
    sure = [(one.confidence, one.right) for one in seen if one.confidence is not None]
    error = expected_calibration_error(
        np.array([c for c, _ in sure], np.float64), np.array([r for _, r in sure], np.bool_)
    )
    if error is None:
        raise ValueError("no result has a confidence")
    return error


def share(part: int, whole: int) -> str:
    """`98.7 % (530 of 537; 97.4 to 99.4)`: a share, and Wilson's 95 % interval of it."""
    low, high = wilson(part, whole)
    return f"{part / whole if whole else 0:.2%} ({part:,} of {whole:,}; {low:.1%} to {high:.1%})"
