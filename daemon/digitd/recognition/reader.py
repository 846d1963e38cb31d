"""A batch of scans' bytes to outcomes: decode, cut, one network call for all glyphs, judge."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitd.errors import DamagedScanError, ScanError
from digitd.imaging import pipeline
from digitd.imaging.complaints import damage
from digitd.imaging.decode import Limits, pages
from digitd.recognition.bundle import Bundle
from digitd.recognition.confidence import Guess, guess, probabilities, rounded, together
from digitd.recognition.engine import Engine, open_engine
from digitd.results import PAGE_BREAK, Glyph, Outcome, Reading, Reason, Status, failed

Box = tuple[int, int, int, int]

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
    """What is kept of a page until the network has spoken: its size, and each line's boxes and glyphs' numbers."""

    width: int
    height: int
    lines: list[list[tuple[Box, int]]]

    @property
    def indexes(self) -> list[int]:
        """Its glyphs' numbers in the batch, in the order of reading."""
        return [index for line in self.lines for _, index in line]


@dataclass(frozen=True)
class _Cut:
    """What is kept of a scan: never its bytes, since a batch's may be many megabytes together."""

    name: str
    options: Options
    pages: list[_Page]
    error: ScanError | None


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
        guesses = self._guess(pixels)
        return [_outcome(one, guesses) for one in cut]

    def warm(self) -> None:
        """Prepare the network, so that the first scan waits for nothing."""
        self._engine.logits(np.zeros((1, 28, 28), np.uint8))

    def _cut(self, scan: ScanInput, pixels: list[npt.NDArray[np.uint8]], on_page: Callable[[], None]) -> _Cut:
        """A scan's pages; its glyphs are added to `pixels`, unless it fails: then none of them."""
        before = len(pixels)
        cut = []
        try:
            for image in self._pages(scan.data):
                lines: list[list[tuple[Box, int]]] = []
                for line in pipeline.glyphs(image, scan.options.layout, scan.options.digits):
                    lines.append([])
                    for glyph in line:
                        lines[-1].append((glyph.box, len(pixels)))
                        # A copy: a view would keep the whole page in memory.
                        pixels.append(np.array(glyph.pixels, np.uint8))
                cut.append(_Page(image.shape[1], image.shape[0], lines))
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

    def _guess(self, pixels: list[npt.NDArray[np.uint8]]) -> list[Guess]:
        classes, temperature = self._bundle.manifest.classes, self._bundle.manifest.temperature
        out = []
        for start in range(0, len(pixels), CHUNK):
            logits = self._engine.logits(np.stack(pixels[start : start + CHUNK]))
            out += [guess(row, classes) for row in probabilities(logits, temperature)]
        return out


def _outcome(scan: _Cut, guesses: list[Guess]) -> Outcome:
    """The readings of a scan's pages, and whether they are sure enough together."""
    if scan.error is not None:
        return failed(Reason(scan.error.code, f"{scan.name}: {scan.error}"))
    readings = tuple(_reading(number, page, guesses) for number, page in enumerate(scan.pages, 1))
    used = [guesses[index] for page in scan.pages for index in page.indexes]
    if not used:
        return Outcome(Status.BLANK, pages=readings)
    confidence = rounded(together(one.confidence for one in used))
    reason = _doubt(scan, used, confidence)
    return Outcome(
        status=Status.ACCEPTED if reason is None else Status.REVIEW,
        reason=reason,
        text=PAGE_BREAK.join(reading.text for reading in readings),
        confidence=confidence,
        pages=readings,
    )


def _reading(number: int, page: _Page, guesses: list[Guess]) -> Reading:
    """One page. A blank one has the text "" and no confidence."""
    glyphs = tuple(
        Glyph(guesses[index].digit, rounded(guesses[index].confidence), box, guesses[index].alternatives)
        for line in page.lines
        for box, index in line
    )
    confidences = [guesses[index].confidence for index in page.indexes]
    return Reading(
        page=number,
        width=page.width,
        height=page.height,
        text="\n".join("".join(guesses[index].digit for _, index in line) for line in page.lines),
        confidence=rounded(together(confidences)) if confidences else None,
        glyphs=glyphs,
    )


def _doubt(scan: _Cut, used: list[Guess], confidence: float) -> Reason | None:
    """Why a reading needs a person, the gravest reason first; None if it does not."""
    options = scan.options
    if options.digits is not None:
        for number, page in enumerate(scan.pages, 1):
            found = len(page.indexes)
            if found and found != options.digits:
                return Reason(
                    "digits_expected",
                    f"{scan.name}: page {number} has {_count(found)}, and recognition.digits expects "
                    f"{options.digits}. Compare the reading with the scan.",
                )
    if confidence < options.accept:
        least = min(used, key=lambda one: one.confidence)
        return Reason(
            "low_confidence",
            f"{scan.name}: the confidence {confidence:.4f} is below recognition.accept ({options.accept:g}); least "
            f"sure is a {least.digit} with {rounded(least.confidence):.4f}. Compare the reading with the scan.",
        )
    closest = min(used, key=lambda one: one.margin)
    if closest.margin < options.margin:
        return Reason(
            "low_margin",
            f"{scan.name}: a {closest.digit} may be a {closest.runner_up}: they are only {closest.margin:.4f} apart, "
            f"and recognition.margin asks for {options.margin:g}. Compare the reading with the scan.",
        )
    return None


def _count(digits: int) -> str:
    return "1 digit" if digits == 1 else f"{digits} digits"
