"""A batch of scans' bytes to outcomes: decode, cut, one network call for all glyphs, judge."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitd.errors import DamagedScanError, ScanError
from digitd.imaging import pipeline
from digitd.imaging.candidates import Lattice
from digitd.imaging.complaints import damage
from digitd.imaging.decode import Limits, pages
from digitd.recognition.bundle import NO_DIGIT, Bundle
from digitd.recognition.confidence import Probabilities, probabilities, rounded, together
from digitd.recognition.engine import Engine, open_engine
from digitd.recognition.judge import Judged, Read, judge
from digitd.results import PAGE_BREAK, Glyph, Outcome, Reading, Reason, Status, failed

Listen = Callable[[], AbstractContextManager[list[str]]]


def nobody_listens() -> AbstractContextManager[list[str]]:
    """Hears nothing."""
    return nullcontext([])


CHUNK = 4096
"""Glyphs that go through the network in one call: 3 MB of pixels, 13 MB as its input."""


@dataclass(frozen=True)
class Options:
    """How a scan is read: its layout, how many digits it has (None: unknown), and when a reading is accepted."""

    layout: str = "auto"
    digits: int | None = None
    accept: float = 0.9
    margin: float = 0.5


@dataclass(frozen=True)
class ScanInput:
    """One scan: its name (for messages alone), its file's bytes, and how it is to be read."""

    name: str
    data: bytes
    options: Options = Options()


@dataclass(frozen=True)
class _Page:
    """What is kept of a page until the network has spoken: its size, its candidates, and their numbers in the batch."""

    width: int
    height: int
    lattices: list[Lattice]
    first: int
    after: int


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
        pixels: list[npt.NDArray[np.uint8]] = []
        cut = [self._cut(scan, pixels, on_page) for scan in scans]
        rows = self._probabilities(pixels)
        return [self._outcome(one, rows) for one in cut]

    def look(self, page: npt.NDArray[np.uint8], options: Options) -> Look:
        """Read one page (H, W) uint8 as `read` does, and show how: every candidate, what is said of it, the choice."""
        lattices = pipeline.candidates(page, options.layout, options.digits, self._limits.marks)
        rows = self._probabilities(_pixels(lattices))
        remaining = iter(rows)
        said = [[None if one.pixels is None else next(remaining) for one in each.candidates] for each in lattices]
        return Look(lattices, said, judge(lattices, rows, self._bundle.manifest.classes, options.digits))

    def warm(self) -> None:
        """Prepare the network, so that the first scan waits for nothing."""
        self._engine.logits(np.zeros((1, 28, 28), np.uint8))

    def _cut(self, scan: ScanInput, pixels: list[npt.NDArray[np.uint8]], on_page: Callable[[], None]) -> _Cut:
        """A scan's pages; its glyphs are added to `pixels`, unless it fails: then none of them."""
        before = len(pixels)
        cut = []
        try:
            for image in self._pages(scan.data):
                lattices = pipeline.candidates(image, scan.options.layout, scan.options.digits, self._limits.marks)
                first = len(pixels)
                pixels += _pixels(lattices)
                cut.append(_Page(image.shape[1], image.shape[0], lattices, first, len(pixels)))
                on_page()
        except ScanError as error:
            del pixels[before:]
            # Without its traceback, whose frames hold the scan's bytes.
            return _Cut(scan.name, scan.options, [], error.with_traceback(None))
        return _Cut(scan.name, scan.options, cut, None)

    def _pages(self, data: bytes) -> Iterator[npt.NDArray[np.uint8]]:
        """The pages of a scan. DamagedScanError where a library says that one is not whole."""
        decoding = pages(data, self._limits)
        while True:
            with self._listen() as heard:
                image = next(decoding, None)
            if (said := damage("".join(heard))) is not None:
                raise DamagedScanError(f"its image data are damaged ({said})", "Scan or copy it again")
            if image is None:
                return
            yield image

    def _probabilities(self, pixels: list[npt.NDArray[np.uint8]]) -> list[Probabilities]:
        temperature = self._bundle.manifest.temperature
        rows: list[Probabilities] = []
        for start in range(0, len(pixels), CHUNK):
            rows += list(probabilities(self._engine.logits(np.stack(pixels[start : start + CHUNK])), temperature))
        return rows

    def _outcome(self, scan: _Cut, rows: list[Probabilities]) -> Outcome:
        """The readings of a scan's pages, and whether they are sure enough together."""
        if scan.error is not None:
            return failed(Reason(scan.error.code, f"{scan.name}: {scan.error}"))
        classes, expected = self._bundle.manifest.classes, scan.options.digits
        judged = [judge(page.lattices, rows[page.first : page.after], classes, expected) for page in scan.pages]
        readings = tuple(
            _reading(number, page, made) for number, (page, made) in enumerate(zip(scan.pages, judged, strict=True), 1)
        )
        sure = [made.confidence for made in judged if made.confidence is not None]
        if not sure:
            return Outcome(Status.BLANK, pages=readings)
        confidence = rounded(together(sure))
        reason = _doubt(scan, judged, confidence)
        return Outcome(
            status=Status.ACCEPTED if reason is None else Status.REVIEW,
            reason=reason,
            text=PAGE_BREAK.join(reading.text for reading in readings) if any(made.text for made in judged) else "",
            confidence=confidence,
            pages=readings,
        )


def _pixels(lattices: list[Lattice]) -> list[npt.NDArray[np.uint8]]:
    """What the network is to see, in the order of the candidates."""
    return [one.pixels for lattice in lattices for one in lattice.candidates if one.pixels is not None]


def _reading(number: int, page: _Page, judged: Judged) -> Reading:
    """One page. A blank one has the text "" and no confidence."""
    glyphs = tuple(
        Glyph(read.guess.digit, rounded(read.guess.confidence), read.candidate.box, read.guess.alternatives)
        for read in judged.glyphs
    )
    confidence = None if judged.confidence is None else rounded(judged.confidence)
    return Reading(number, page.width, page.height, judged.text, confidence, glyphs)


def _doubt(scan: _Cut, judged: list[Judged], confidence: float) -> Reason | None:
    """Why a reading needs a person, the gravest reason first; None if it does not."""
    options = scan.options
    used = [read for made in judged for read in made.glyphs]
    unread = [(number, read) for number, made in enumerate(judged, 1) for read in made.glyphs if _is_unread(read)]
    if len(unread) == len(used):
        return Reason(
            "no_digits",
            f"{scan.name}: there {'is a mark' if len(used) == 1 else f'are {len(used)} marks'}, but no digit. Write "
            "what is there by hand, or keep scans without digits out of the inbox.",
        )
    if unread:
        number, read = unread[0]
        x, y, _, _ = read.candidate.box
        more = f", and {len(unread) - 1} more" if len(unread) > 1 else ""
        return Reason(
            "unread_mark",
            f"{scan.name}: the mark at {x},{y} of page {number}{more} cannot be read as a digit: crossed out, a "
            "letter, or two digits in one another. Compare the reading with the scan, `?` stands for it.",
        )
    if options.digits is not None:
        for number, made in enumerate(judged, 1):
            found = len(made.glyphs)
            if found and found != options.digits:
                return Reason(
                    "digits_expected",
                    f"{scan.name}: page {number} has {_count(found)}, and recognition.digits expects "
                    f"{options.digits}. Compare the reading with the scan.",
                )
    if confidence < options.accept:
        least = min((read.guess for read in used), key=lambda one: one.confidence)
        cut = min(made.segmentation for made in judged)
        why = f"least sure is a {least.digit} with {rounded(least.confidence):.4f}"
        if cut < least.confidence:
            why = f"least sure is where its digits part, with {rounded(cut):.4f}"
        return Reason(
            "low_confidence",
            f"{scan.name}: the confidence {confidence:.4f} is below recognition.accept ({options.accept:g}); {why}. "
            "Compare the reading with the scan.",
        )
    closest = min((read.guess for read in used), key=lambda one: one.margin)
    if closest.margin < options.margin:
        return Reason(
            "low_margin",
            f"{scan.name}: a {closest.digit} may be a {closest.runner_up}: they are only {closest.margin:.4f} apart, "
            f"and recognition.margin asks for {options.margin:g}. Compare the reading with the scan.",
        )
    return None


def _is_unread(read: Read) -> bool:
    return read.guess.digit == NO_DIGIT


def _count(digits: int) -> str:
    return "1 digit" if digits == 1 else f"{digits} digits"
