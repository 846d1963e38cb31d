"""PDF: whether the file is all there, and its pages rendered by PDFium."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from digitd.errors import DamagedScanError, EncryptedScanError, TooManyPagesError, TruncatedScanError
from digitd.imaging.remedies import SEND_AGAIN

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

DPI = 200
"""What scanners use for text: a digit of 4 mm gets 30 px."""
POINTS_PER_INCH = 72
MOST_PIXELS = 16_000_000
"""A page the size of a poster is rendered no larger than this, whatever the limit allows."""
TAIL = 2048
LINEARIZED = re.compile(rb"/Linearized\b.*?/L\s+(\d+)", re.DOTALL)


def check_whole(data: bytes) -> None:
    """TruncatedScanError unless the file ends as a PDF does: a cut one may show some of its pages, or blank ones."""
    tail = data[-TAIL:]
    end = tail.rfind(b"%%EOF")
    # What follows an earlier end marker is the beginning of an update that was cut.
    if end < 0 or b" obj" in tail[end:] or b"startxref" not in data[: len(data) - len(tail) + end][-TAIL:]:
        raise TruncatedScanError("the PDF ends before its end marker", SEND_AGAIN)
    linearized = LINEARIZED.search(data[:TAIL])
    if linearized and int(linearized[1]) > len(data):
        raise TruncatedScanError("the PDF is shorter than it says it is", SEND_AGAIN)


def pages(data: bytes, most_pixels: int, most_pages: int) -> Iterator[NDArray[np.uint8]]:
    """Each page as (H, W, 3) uint8 BGR at 200 dpi, or less where that would exceed `most_pixels`.

    The document is opened at once, so that its errors come with this call: EncryptedScanError, DamagedScanError,
    TooManyPagesError.
    """
    # Loading PDFium takes 90 ms, which a daemon that never sees a PDF should not pay.
    import pypdfium2
    import pypdfium2.raw as pdfium

    # One that is opened and has no page is told by the last error that PDFium had: of this document, not of one before.
    pdfium.FPDF_LoadMemDocument64(b"", 0, None)
    try:
        document = pypdfium2.PdfDocument(data)
        count = len(document)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise EncryptedScanError("the PDF asks for a password", "Save it without one") from error
        raise DamagedScanError("the PDF cannot be opened", SEND_AGAIN) from error
    if count == 0:
        raise DamagedScanError("the PDF has no page", SEND_AGAIN)
    if count > most_pages:
        document.close()
        cause = f"the PDF has {count} pages, and {most_pages} are allowed"
        raise TooManyPagesError(cause, "Split it, or raise limits.pages")
    return _rendered(document, count, min(most_pixels, MOST_PIXELS))


def _rendered(document: "PdfDocument", count: int, most_pixels: int) -> Iterator[NDArray[np.uint8]]:
    try:
        for index in range(count):
            page = document[index]
            try:
                yield _render(page, most_pixels)
            finally:
                page.close()
    finally:
        document.close()


def _render(page: "PdfPage", most_pixels: int) -> NDArray[np.uint8]:
    width, height = page.get_size()
    if not (width > 0 and height > 0):
        raise DamagedScanError("a page of the PDF has no size", SEND_AGAIN)
    scale = DPI / POINTS_PER_INCH
    # PDFium rounds both sides up: one pixel more each.
    while (width * scale + 1) * (height * scale + 1) > most_pixels and scale > 1e-6:
        scale *= min(0.99, (most_pixels / ((width * scale + 1) * (height * scale + 1))) ** 0.5)
    bitmap = page.render(scale=scale)
    try:
        image: NDArray[np.uint8] = bitmap.to_numpy()[..., :3].copy()
    finally:
        bitmap.close()
    return image
