"""A batch of scans' bytes to outcomes: decode, cut, a network call for all marks, another for doubtful ones, judge."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitd.errors import DamagedScanError, ScanError
from digitd.imaging import pipeline
from digitd.imaging.candidates import Lattice
from digitd.imaging.complaints import damage
from digitd.imaging.decode import Limits, Sheet, sheets
from digitd.imaging.opened import opened
from digitd.recognition.bundle import Bundle
from digitd.recognition.confidence import Probabilities, probabilities
from digitd.recognition.doubts import doubtful
from digitd.recognition.engine import Engine, open_engine
from digitd.recognition.judge import Judged, judge
from digitd.recognition.outcomes import Options as Options
from digitd.recognition.outcomes import Page, outcome_of
from digitd.results import Outcome, Reason, failed

Listen = Callable[[], AbstractContextManager[list[str]]]


def nobody_listens() -> AbstractContextManager[list[str]]:
    """Hears nothing."""
    return nullcontext([])


CHUNK = 4096
"""Glyphs that go through the network in one call: 3 MB of pixels, 13 MB as its input."""


USUAL = Options()


@dataclass(frozen=True)
class ScanInput:
    """One scan: its name (for messages alone), its file's bytes, and how it is to be read."""

    name: str
    data: bytes
    options: Options = USUAL


@dataclass(frozen=True)
class _Page:
    """What is kept of a page until the network has spoken: its size, its marks, and whether all of those were lost."""

    width: int
    height: int
    lattices: list[Lattice]
    lost: bool


@dataclass(frozen=True)
class _Cut:
    """What is kept of a scan: never its bytes, since a batch's may be many megabytes together."""

    name: str
    options: Options
    pages: list[_Page]
    error: ScanError | None


@dataclass(frozen=True)
class Look:
    """How one page was read: its lattices, the probabilities (classes,) of each of their candidates, in the same
    order (None for separators), and what was chosen."""

    lattices: list[Lattice]
    said: list[list[Probabilities | None]]
    judged: Judged


def open_reader(bundle: Bundle, engine: str, limits: Limits, listen: Listen = nobody_listens) -> "Reader":
    """A reader with the bundle's network loaded in `engine` (litert or tensorflow), and warm.

    Raises BundleError if the engine cannot use the bundle.
    """
    reader = Reader(bundle, open_engine(bundle, engine), limits, listen)
    reader.warm()
    return reader


class Reader:
    """Reads batches with one bundle's network. Not safe for threads: a worker has its own."""

    def __init__(self, bundle: Bundle, engine: Engine, limits: Limits, listen: Listen = nobody_listens) -> None:
        """LISTEN gives what libraries print while a page is decoded: they say so when they make up what is lacking."""
        self._listen = listen
        self._bundle = bundle
        self._engine = engine
        self._limits = limits

    def read(self, scans: Iterable[ScanInput], on_page: Callable[[], None] = lambda: None) -> list[Outcome]:
        """One outcome a scan, in order. A scan that cannot be read is `failed`, and harms none beside it.

        The scans are taken one at a time, and each is let go of before the next. `on_page` is called after each page:
        a scan of many pages takes long, but gets on.
        """
        cut = [self._cut(scan, on_page) for scan in scans]
        looks = iter(self._looks([(page.lattices, one.options.digits) for one in cut for page in one.pages]))
        return [_outcome(one, looks) for one in cut]

    def look(self, page: npt.NDArray[np.uint8], options: Options, size: tuple[int, int] | None = None) -> Look:
        """Read one page (H, W) uint8 as `read` does, and show how: every candidate, what is said of it, the choice.

        SIZE is its own (width, height), px, where it was decoded smaller.
        """
        lattices = pipeline.candidates(page, options.layout, options.digits, self._limits.marks, size)
        (look,) = self._looks([(lattices, options.digits)])
        return look

    def warm(self) -> None:
        """Prepare the network, so that the first scan waits for nothing."""
        self._engine.logits(np.zeros((1, 28, 28), np.uint8))

    def _cut(self, scan: ScanInput, on_page: Callable[[], None]) -> _Cut:
        """A scan's pages and their marks; none of them where it fails."""
        cut = []
        try:
            for page in self._pages(scan.data):
                seen = pipeline.seen(
                    page.image, scan.options.layout, scan.options.digits, self._limits.marks, page.size
                )
                cut.append(_Page(*page.size, seen.lattices, seen.lost))
                on_page()
        except ScanError as error:
            # Without its traceback, whose frames hold the scan's bytes.
            return _Cut(scan.name, scan.options, [], error.with_traceback(None))
        return _Cut(scan.name, scan.options, cut, None)

    def _pages(self, data: bytes) -> Iterator[Sheet]:
        """The pages of a scan. DamagedScanError where a library says that one is not whole."""
        decoding = sheets(data, self._limits, pipeline.ENOUGH)
        while True:
            with self._listen() as heard:
                page = next(decoding, None)
            if (said := damage("".join(heard))) is not None:
                raise DamagedScanError(f"its image data are damaged ({said})", "Scan or copy it again")
            if page is None:
                return
            yield page

    def _looks(self, pages: Sequence[tuple[list[Lattice], int | None]]) -> list[Look]:
        """What is made of pages, each its lattices of whole marks and how many digits are expected on it.

        The network sees all marks whole in one call, and in a second one what those may be cut or joined to that are
        not surely one digit.
        """
        classes = self._bundle.manifest.classes
        whole = self._said([lattice for lattices, _ in pages for lattice in lattices])
        opening = iter(whole)
        ways = [
            opened(lattices, [doubtful(lattice, next(opening), classes) for lattice in lattices])
            for lattices, _ in pages
        ]
        every = [lattice for lattices in ways for lattice in lattices]
        more = self._said(every, [len(said) for said in whole])
        said = iter([[*before, *after] for before, after in zip(whole, more, strict=True)])
        looks = []
        for lattices, (_, expected) in zip(ways, pages, strict=True):
            own = [next(said) for _ in lattices]
            looks.append(Look(lattices, own, judge(lattices, own, classes, expected)))
        return looks

    def _said(self, lattices: Sequence[Lattice], seen: Sequence[int] | None = None) -> list[list[Probabilities | None]]:
        """What the network says of each lattice's candidates, but for so many of the first that it has `seen`."""
        fresh = [
            lattice.candidates[first:] for lattice, first in zip(lattices, seen or [0] * len(lattices), strict=True)
        ]
        rows = self._probabilities([one.pixels for of_line in fresh for one in of_line if one.pixels is not None])
        return [[None if one.pixels is None else next(rows) for one in of_line] for of_line in fresh]

    def _probabilities(self, pixels: list[npt.NDArray[np.uint8]]) -> Iterator[Probabilities]:
        temperature = self._bundle.manifest.temperature
        for start in range(0, len(pixels), CHUNK):
            yield from probabilities(self._engine.logits(np.stack(pixels[start : start + CHUNK])), temperature)


def _outcome(cut: _Cut, looks: Iterator[Look]) -> Outcome:
    """What was made of a scan; `looks` gives what was made of its pages next."""
    if cut.error is not None:
        return failed(Reason(cut.error.code, f"{cut.name}: {cut.error}"))
    pages = [Page(page.width, page.height, next(looks).judged, page.lost) for page in cut.pages]
    return outcome_of(cut.name, cut.options, pages)
