"""Large PNGs of 16 bits, decoded by strips: OpenCV alone takes twice their pixels' memory, 1.6 GB for 100 million."""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.errors import DamagedScanError
from digitd.imaging.colour import depth, from_depth
from digitd.imaging.gray import Gray
from digitd.imaging.remedies import SEND_AGAIN

MOST_AT_ONCE = 400_000_000
"""Bytes of pixels that OpenCV may decode at once; twice that fits a worker's usual gigabyte."""
STRIP = 8_000_000
"""Bytes of a strip."""
PIECE = 1 << 16
"""Bytes that are decompressed at once."""
SAMPLES = {2: 3, 4: 2, 6: 4}
"""Samples a pixel by PNG's colour type, where there is more than one: RGB, gray and alpha, RGB and alpha."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def is_deep(data: bytes) -> bool:
    """Whether a PNG has 16 bits, colour or alpha, no interlacing, and too many pixels to be decoded at once."""
    if data[12:16] != b"IHDR":
        return False
    width, height, bits, colours, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    # OpenCV makes four channels of gray and alpha.
    decoded = width * height * (6 if colours == 2 else 8)
    return bits == 16 and colours in SAMPLES and not interlaced and decoded > MOST_AT_ONCE


def decode(data: bytes) -> Gray:
    """A deep PNG as (H, W, 3) BGR or (H, W, 4) BGRA, 8 bits by its own range. DamagedScanError."""
    image, highest = _scaled(data, 16)
    bits = depth(highest)
    return image if bits == 16 else _scaled(data, bits)[0]


def _scaled(data: bytes, bits: int) -> tuple[Gray, int]:
    """The image whose samples have that many bits, and its highest sample."""
    width, height, _, colours = struct.unpack_from(">IIBB", data, 16)
    image = np.empty((height, width, 3 if colours == 2 else 4), np.uint8)
    at = highest = 0
    for strip in _strips(data):
        image[at : at + len(strip)] = from_depth(strip, bits)
        at, highest = at + len(strip), max(highest, int(strip.max()))
    return image, highest


def _strips(data: bytes) -> Iterator[NDArray[np.uint16]]:
    """Each strip as a PNG of its own, whose first row is the last one before it: filters look no farther back."""
    width, height, _, colours = struct.unpack_from(">IIBB", data, 16)
    line = 1 + width * SAMPLES[colours] * 2
    inflated, waiting, left = zlib.decompressobj(), b"", height
    # A row of zeros is what filters see above the first one.
    above = bytes(line)
    for piece in _pixels(data):
        while piece and left:
            waiting += inflated.decompress(piece, STRIP)
            piece = inflated.unconsumed_tail
            rows = min(len(waiting) // line, left)
            if rows and (len(waiting) >= STRIP or rows == left):
                strip = _decoded(data, width, above + waiting[: rows * line])
                yield strip
                waiting, left = waiting[rows * line :], left - rows
                above = b"\x00" + _stored(strip[-1], colours)
    if left:
        raise DamagedScanError("the PNG has fewer rows than it says", SEND_AGAIN)


def _pixels(data: bytes) -> Iterator[bytes]:
    """The compressed pixels in small pieces, each chunk checked."""
    whole, at = memoryview(data), 8
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IDAT":
            body = whole[at + 8 : at + 8 + length]
            if struct.unpack_from(">I", data, at + 8 + length)[0] != zlib.crc32(body, zlib.crc32(kind)):
                raise DamagedScanError("the PNG's pixels are damaged", SEND_AGAIN)
            yield from (bytes(body[start : start + PIECE]) for start in range(0, length, PIECE))
        at += 12 + length


def _decoded(data: bytes, width: int, lines: bytes) -> NDArray[Any]:
    """Filtered lines as pixels, without the first."""
    height = len(lines) // (1 + width * SAMPLES[data[25]] * 2)
    header = struct.pack(">II", width, height) + data[24:29]
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 0)), (b"IEND", b""))
    file = SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))
        for kind, body in parts
    )
    strip = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)
    if strip is None or len(strip) != height:
        raise DamagedScanError("the PNG cannot be decoded", SEND_AGAIN)
    return strip[1:]


def _stored(row: NDArray[np.uint16], colours: int) -> bytes:
    """A decoded row (W, channels) in the order of the file."""
    order = {2: [2, 1, 0], 4: [0, 3], 6: [2, 1, 0, 3]}[colours]
    return row[:, order].astype(">u2").tobytes()
