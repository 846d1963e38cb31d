"""A scan's bytes to gray pages, by content and within limits; every way to fail is a ScanError."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.errors import (
    DamagedScanError,
    EmptyScanError,
    ScanError,
    TooManyBytesError,
    TooManyPixelsError,
)
from digitd.imaging import deep, formats, pdf, pnm, tiff
from digitd.imaging.colour import to_gray
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.remedies import CONVERT, SEND_AGAIN


@dataclass(frozen=True)
class Limits:
    """How large a scan may be: bytes of the file, pixels of a page, pages; and how many marks a page may have."""

    bytes: int
    pixels: int
    pages: int
    marks: int = 5000


@dataclass(frozen=True)
class Sheet:
    """A page as it was decoded, (H, W) uint8, perhaps smaller than it is; and its own (width, height), px."""

    image: Gray
    size: tuple[int, int]


REDUCTIONS = (
    (8, cv2.IMREAD_REDUCED_GRAYSCALE_8, cv2.IMREAD_REDUCED_COLOR_8),
    (4, cv2.IMREAD_REDUCED_GRAYSCALE_4, cv2.IMREAD_REDUCED_COLOR_4),
    (2, cv2.IMREAD_REDUCED_GRAYSCALE_2, cv2.IMREAD_REDUCED_COLOR_2),
)
"""By what a JPEG is made smaller while it is decoded, from its blocks' coefficients; for one and for three colours."""


def pages(data: bytes, limits: Limits) -> Iterator[Gray]:
    """The pages of a scan, each (H, W) uint8 and as large as it is; else as `sheets`."""
    return (sheet.image for sheet in sheets(data, limits))


def sheets(data: bytes, limits: Limits, enough: int | None = None) -> Iterator[Sheet]:
    """The pages of a scan, decoded one at a time as they are asked for.

    A JPEG is decoded at a half, a quarter or an eighth of its size where its longer side still has ENOUGH px then.

    PNG, JPEG, TIFF, BMP, WebP, PBM/PGM/PPM and PDF; of an animation the first image. EXIF's orientation and alpha
    are applied. All that headers tell is checked at once, before any pixel is decoded: EmptyScanError,
    NotAnImageError, TruncatedScanError, EncryptedScanError, DamagedScanError, TooManyBytesError, TooManyPixelsError,
    TooManyPagesError. Iterating may raise DamagedScanError. Nothing else escapes, except MemoryError.
    """
    return _guarded(lambda: _opened(data, limits, enough))


def _whole(page: Gray) -> Sheet:
    return Sheet(page, (page.shape[1], page.shape[0]))


def _opened(data: bytes, limits: Limits, enough: int | None) -> Iterator[Sheet]:
    if not data:
        raise EmptyScanError("the file is empty", SEND_AGAIN)
    if len(data) > limits.bytes:
        cause = f"the file has {len(data):,} bytes, and {limits.bytes:,} are allowed"
        raise TooManyBytesError(cause, "Scan at a lower resolution, or raise limits.bytes")
    match formats.sniff(data):
        case "pdf":
            pdf.check_whole(data)
            return map(_whole, map(to_gray, pdf.pages(data, limits.pixels, limits.pages)))
        case "tiff":
            return map(_whole, _tiff(data, limits))
        case "pnm":
            _check_size(pnm.size(data), limits)
            return iter(map(_whole, map(to_gray, map(pnm.decode, [data]))))
        case "png":
            return _single(data, formats.png(data), limits)
        case "jpeg":
            return _single(data, formats.jpeg(data), limits, enough)
        case "webp":
            return _single(data, formats.webp(data), limits)
        case _:
            return _single(data, formats.bmp(data), limits)


def _tiff(data: bytes, limits: Limits) -> Iterator[Gray]:
    found = tiff.pages(data, limits.pages)
    for _, size in found:
        _check_size(size, limits)
    return (_tiff_page(data, index) for index, _ in found)


def _tiff_page(data: bytes, index: int) -> Gray:
    buffer = np.frombuffer(data, np.uint8)
    _, images = cv2.imdecodemulti(buffer, cv2.IMREAD_UNCHANGED, range=(index, index + 1))
    if not images:
        raise DamagedScanError(f"page {index + 1} of the TIFF cannot be decoded", CONVERT)
    # Of a TIFF, and only of a TIFF, OpenCV has applied the orientation already.
    return to_gray(images[0])


def _single(data: bytes, header: formats.Header, limits: Limits, enough: int | None = None) -> Iterator[Sheet]:
    _check_size(header.size, limits)
    flags = cv2.IMREAD_UNCHANGED if enough is None else _reduction(header, enough)
    width, height = header.size
    size = (height, width) if header.orientation in ASIDE else (width, height)
    if flags == cv2.IMREAD_UNCHANGED:
        return (_whole(_decoded(data, header, flags)) for _ in range(1))
    return (Sheet(_decoded(data, header, flags), size) for _ in range(1))


def _reduction(header: formats.Header, enough: int) -> int:
    """How OpenCV is to decode a JPEG of which the longer side must have ENOUGH px."""
    # Of four colours OpenCV makes three in ways of its own.
    if header.colours not in (1, 3):
        return cv2.IMREAD_UNCHANGED
    for by, gray, colour in REDUCTIONS:
        if max(header.size) >= enough * by:
            return (gray if header.colours == 1 else colour) | cv2.IMREAD_IGNORE_ORIENTATION
    return cv2.IMREAD_UNCHANGED


def _decoded(data: bytes, header: formats.Header, flags: int) -> Gray:
    image: NDArray[Any] | None
    if header.format == "png" and deep.is_deep(data):
        image = deep.decode(data)
    else:
        file = formats.still(data) if header.format == "png" else data
        image = cv2.imdecode(np.frombuffer(file, np.uint8), flags)
    if image is None or image.size == 0:
        raise DamagedScanError(f"the {header.format.upper()} cannot be decoded", SEND_AGAIN)
    if header.format == "bmp" and image.ndim == 3 and image.shape[2] == 4 and not image[..., 3].any():
        # Many programs leave a BMP's fourth byte unused: zeros there are no transparency.
        image = image[..., :3]
    page = to_gray(image)
    # Turning takes a copy of the page, and the colours are not needed for it.
    del image
    return oriented(page, header.orientation)


ASIDE = (5, 6, 7, 8)
"""EXIF's orientations of pages that lie on their side."""


def oriented(page: Gray, orientation: int) -> Gray:
    """Turn a page upright by EXIF's orientation (1 to 8; anything else counts as 1)."""
    if orientation in ASIDE:
        page = as_gray(page.T)
    if orientation in (2, 3, 6, 7):
        page = page[:, ::-1]
    if orientation in (3, 4, 7, 8):
        page = page[::-1]
    return np.ascontiguousarray(page)


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width <= 0 or height <= 0:
        raise DamagedScanError("the image has no width or no height", SEND_AGAIN)
    if width * height > limits.pixels:
        cause = f"the image has {width} x {height} pixels, and {limits.pixels:,} are allowed"
        raise TooManyPixelsError(cause, "Scan at a lower resolution, or raise limits.pixels")


def _guarded(opening: Callable[[], Iterator[Sheet]]) -> Iterator[Sheet]:
    """What `opening` gives, its surprises turned into DamagedScanError, both at once and while iterating."""
    try:
        opened = opening()
    except (ScanError, MemoryError):
        raise
    except Exception as error:
        raise _damaged(error) from error
    return _iterated(opened)


def _iterated(opened: Iterator[Sheet]) -> Iterator[Sheet]:
    try:
        yield from opened
    except (ScanError, MemoryError):
        raise
    except Exception as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> DamagedScanError:
    reason = " ".join(str(error).split())[:200]
    return DamagedScanError(f"the image cannot be decoded ({reason or type(error).__name__})", SEND_AGAIN)
