"""What a scan's bytes claim to be: its format and size, read from headers alone, and whether it is all there.

Pure byte parsing: nothing is decoded here, so a decompression bomb costs nothing.
"""

import re
import struct
from dataclasses import dataclass

from digitd.errors import DamagedScanError, NotAnImageError, ScanError, TruncatedScanError
from digitd.imaging import tiff
from digitd.imaging.remedies import CONVERT, SEND_AGAIN

JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""Within entropy-coded data: a marker that is neither a stuffed zero, a fill byte nor a restart."""

PNG_MOVING = (b"acTL", b"fcTL", b"fdAT")

OTHERS = (
    (b"GIF8", 0, "a GIF"),
    (b"ftyphe", 4, "a HEIC photo"),
    (b"ftypmif1", 4, "a HEIC photo"),
    (b"ftypavif", 4, "an AVIF image"),
    (b"\x00\x00\x00\x0cjP  ", 0, "a JPEG 2000 image"),
    (b"8BPS", 0, "a Photoshop document"),
    (b"\x00\x00\x01\x00", 0, "an icon"),
    (b"PK\x03\x04", 0, "a ZIP archive or an office document"),
    (b"\xd0\xcf\x11\xe0", 0, "an office document"),
    (b"%!PS", 0, "a PostScript document"),
    (b"AT&TFORM", 0, "a DjVu document"),
)
"""Formats that people do drop, each named so that the message helps: magic, its offset, its name."""
MAGICS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"BM", b"RIFF", b"%PDF-", b"P")
LONGEST_MAGIC = 18
"""As many bytes tell any format; a shorter file may be the beginning of one."""
MARKUP = (b"<!doctype html", b"<html", b"<svg", b"<?xml")


@dataclass(frozen=True)
class Header:
    """What the headers say: the format, (width, height) in px, EXIF's orientation, of a JPEG how many colours."""

    format: str
    size: tuple[int, int]
    orientation: int = 1
    colours: int = 0


def sniff(data: bytes) -> str:
    """The format by content: png, jpeg, tiff, bmp, webp, pnm or pdf. NotAnImageError names what else it may be."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return "tiff"
    if data.startswith(b"BM") and data[14:18] in BMP_HEADER_SIZES:
        return "bmp"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    if re.match(rb"P[1-6][\s#]", data):
        return "pnm"
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if any(magic.startswith(data[: len(magic)]) for magic in MAGICS) and len(data) < LONGEST_MAGIC:
        raise TruncatedScanError("the file ends within its first bytes", SEND_AGAIN)
    raise _not_an_image(data)


def png(data: bytes) -> Header:
    """Walk the chunks to IEND."""
    orientation, at, size = 1, 8, None
    while True:
        if at + 12 > len(data):
            raise TruncatedScanError("the PNG ends before its last chunk", SEND_AGAIN)
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            raise TruncatedScanError("the PNG ends in the middle of a chunk", SEND_AGAIN)
        if kind == b"IHDR" and length >= 8:
            size = struct.unpack_from(">II", data, at + 8)
        elif kind == b"eXIf":
            orientation = tiff.orientation(data[at + 8 : at + 8 + length])
        elif kind == b"IEND":
            break
        at += 12 + length
    if size is None:
        raise DamagedScanError("the PNG has no header chunk", SEND_AGAIN)
    return Header("png", (size[0], size[1]), orientation)


def still(data: bytes) -> bytes:
    """A whole PNG without the chunks that make it move: OpenCV crashes of broken ones, and only the picture counts."""
    kept, at, kind, moves = [memoryview(data)[:8]], 8, b"", False
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind in PNG_MOVING:
            moves = True
        else:
            kept.append(memoryview(data)[at : at + 12 + length])
        at += 12 + length
    return b"".join(kept) if moves else data


def jpeg(data: bytes) -> Header:
    """Walk the segments and scans to EOI; thumbnails lie inside segments, and are skipped with them."""
    orientation, at, size, colours = 1, 2, None, 0
    while True:
        while data[at : at + 2] == b"\xff\xff":
            at += 1
        if at + 4 > len(data) and data[at : at + 2] != b"\xff\xd9":
            raise TruncatedScanError("the JPEG ends before its image does", SEND_AGAIN)
        if data[at] != 0xFF:
            raise DamagedScanError("the JPEG has stray bytes between its segments", SEND_AGAIN)
        marker = data[at + 1]
        if marker == 0xD9:
            break
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if at + 2 + length > len(data):
            raise TruncatedScanError("the JPEG ends in the middle of a segment", SEND_AGAIN)
        # Of several frames the first is decoded, and the rest never looked at.
        if size is None and 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and length >= 8:
            height, width, colours = struct.unpack_from(">HHB", data, at + 5)
            size = (width, height)
        elif marker == 0xE1 and data.startswith(b"Exif\x00\x00", at + 4):
            orientation = tiff.orientation(data[at + 10 : at + 2 + length])
        at += 2 + length
        if marker == 0xDA:
            found = JPEG_MARKER.search(data, at)
            if found is None:
                raise TruncatedScanError("the JPEG ends before its image does", SEND_AGAIN)
            at = found.start()
    if size is None:
        raise DamagedScanError("the JPEG has no frame header", SEND_AGAIN)
    return Header("jpeg", size, orientation, colours)


BMP_HEADER_SIZES = frozenset(struct.pack("<I", size) for size in (12, 40, 52, 56, 64, 108, 124))
BMP_COMPRESSED = (1, 2)


def bmp(data: bytes) -> Header:
    """Compare the pixels' offset and size with the file's end."""
    start, header = struct.unpack_from("<II", data, 10)
    if len(data) < 14 + header:
        raise TruncatedScanError("the BMP ends within its header", SEND_AGAIN)
    compression = stored = 0
    if header == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
    else:
        width, height, _, bits, compression, stored = struct.unpack_from("<iiHHII", data, 18)
    height = abs(height)
    if width <= 0 or height == 0 or bits not in (1, 2, 4, 8, 16, 24, 32):
        raise DamagedScanError("the BMP's header makes no sense", SEND_AGAIN)
    needed = stored if compression in BMP_COMPRESSED else (width * bits + 31) // 32 * 4 * height
    if start + needed > len(data):
        raise TruncatedScanError("the BMP ends before its pixels do", SEND_AGAIN)
    return Header("bmp", (width, height))


def webp(data: bytes) -> Header:
    """Compare the container's size with the file's, and read the first chunk that has dimensions."""
    if len(data) < 30 or struct.unpack_from("<I", data, 4)[0] + 8 > len(data):
        raise TruncatedScanError("the WebP ends before its container does", SEND_AGAIN)
    kind, orientation = data[12:16], 1
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
        exif = data.find(b"EXIF", 30) if data[20] & 0x08 else -1
        if exif >= 0:
            orientation = tiff.orientation(data[exif + 8 :].removeprefix(b"Exif\x00\x00"))
    elif kind == b"VP8L" and data[20] == 0x2F:
        packed = int.from_bytes(data[21:25], "little")
        width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    else:
        raise DamagedScanError("the WebP's first chunk makes no sense", SEND_AGAIN)
    return Header("webp", (width, height), orientation)


def _not_an_image(data: bytes) -> ScanError:
    for magic, offset, name in OTHERS:
        if data.startswith(magic, offset):
            return NotAnImageError(f"the file is {name}, which digitd does not read", CONVERT)
    start = data[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(MARKUP):
        return NotAnImageError("the file is a web page or other markup, not an image", CONVERT)
    if not any(data[:4096]):
        # Its writer may have reserved the place, and be still to come: that counts as cut short.
        return TruncatedScanError("the file has nothing but zero bytes where its image should begin", SEND_AGAIN)
    return NotAnImageError("the file is no image that digitd knows", CONVERT)
