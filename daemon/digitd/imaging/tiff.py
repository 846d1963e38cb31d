"""TIFF's directories, as far as they say whether the file is all there; EXIF is one of them."""

import struct
from collections.abc import Iterator
from typing import TypeAlias

from digitd.errors import DamagedScanError, TooManyPagesError, TruncatedScanError
from digitd.imaging.remedies import SEND_AGAIN

Directory: TypeAlias = dict[int, tuple[int, ...]]

SUBFILE, WIDTH, HEIGHT, STRIPS, ORIENTATION, STRIP_SIZES, TILES, TILE_SIZES = 254, 256, 257, 273, 274, 279, 324, 325
BITS, COLOURS, JPEG_TABLES = 258, 320, 347
USED = frozenset(
    (SUBFILE, WIDTH, HEIGHT, BITS, STRIPS, ORIENTATION, STRIP_SIZES, COLOURS, TILES, TILE_SIZES, JPEG_TABLES)
)
"""The fields that decoding needs: where their values lie behind the file's end, it was cut."""
UNREAD = frozenset((COLOURS, JPEG_TABLES))
"""Those of them that only need to be there."""
INTEGERS = {1: "B", 7: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q", 6: "b", 8: "h", 9: "i", 17: "q"}
"""TIFF's field types of whole numbers, as struct writes them; the signed ones too, for decoders take them."""
REDUCED = 1
"""The bit of SUBFILE that marks a smaller copy of another page, such as a preview."""
PREVIEWS = 8
"""A page has at most so many previews: halved as often, a page of 16 inches is a thumbnail. They are no pages."""
MOST_FIELDS, MOST_VALUES = 4096, 1 << 18
"""A directory has fewer fields than this (TIFF knows a few hundred), and a field fewer values (one a strip)."""


def directories(data: bytes) -> Iterator[Directory]:
    """The chain of image directories, each with its whole-number fields that matter here.

    TruncatedScanError where the chain points behind the file's end; DamagedScanError where it runs in a circle, or
    where directories lie upon each other so that reading them would take longer than their file is long.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\x00", b"\x00+")
    (at,) = _unpack(order + ("Q" if big else "I"), data, 8 if big else 4)
    seen: set[int] = set()
    values = 0
    while at:
        if at in seen:
            raise DamagedScanError("the TIFF's pages point back at each other", SEND_AGAIN)
        seen.add(at)
        (count,) = _unpack(order + ("Q" if big else "H"), data, at)
        if count > MOST_FIELDS:
            raise DamagedScanError("a page of the TIFF has more fields than any can have", SEND_AGAIN)
        at += 8 if big else 2
        entry = 20 if big else 12
        if at + count * entry > len(data):
            raise TruncatedScanError("the TIFF ends within a page's directory", SEND_AGAIN)
        directory: Directory = {}
        for field in range(at, at + count * entry, entry):
            _read_field(data, field, order, big, directory)
        values += sum(map(len, directory.values()))
        if values > len(data):
            raise DamagedScanError("the TIFF's pages lie upon each other", SEND_AGAIN)
        yield directory
        (at,) = _unpack(order + ("Q" if big else "I"), data, at + count * entry)
    if not seen:
        raise TruncatedScanError("the TIFF has no page yet", SEND_AGAIN)


def pages(data: bytes, most: int) -> list[tuple[int, tuple[int, int]]]:
    """The index and (width, height) of each page that is not a preview of another; their pixels lie in the file.

    Previews are no pages, but looking at them takes time: of more than PREVIEWS a page, as of more pages than `most`,
    TooManyPagesError.
    """
    found: list[tuple[int, tuple[int, int]]] = []
    for index, directory in enumerate(directories(data)):
        if index >= most * (1 + PREVIEWS):
            raise _too_many(most)
        if directory.get(SUBFILE, (0,))[0] & REDUCED and index > 0:
            continue
        if WIDTH not in directory or HEIGHT not in directory:
            raise DamagedScanError("a page of the TIFF has no size", SEND_AGAIN)
        _check_pixels(directory, len(data))
        found.append((index, (directory[WIDTH][0], directory[HEIGHT][0])))
        if len(found) > most:
            raise _too_many(most)
    return found


def _too_many(most: int) -> TooManyPagesError:
    return TooManyPagesError(f"the TIFF has more than {most} pages", "Split it, or raise limits.pages")


def orientation(exif: bytes) -> int:
    """EXIF's orientation, 1 to 8; 1 where the block has none or is broken, as viewers do."""
    try:
        value = next(directories(exif)).get(ORIENTATION, (1,))[0]
    except (DamagedScanError, TruncatedScanError, StopIteration, IndexError):
        return 1
    return value if 1 <= value <= 8 else 1


def _check_pixels(directory: Directory, size: int) -> None:
    starts = directory.get(STRIPS) or directory.get(TILES) or ()
    lengths = directory.get(STRIP_SIZES) or directory.get(TILE_SIZES) or (1,) * len(starts)
    if not starts or len(starts) != len(lengths):
        raise DamagedScanError("a page of the TIFF does not say where its pixels are", SEND_AGAIN)
    if any(start + length > size for start, length in zip(starts, lengths, strict=True)):
        raise TruncatedScanError("the TIFF ends before a page's pixels do", SEND_AGAIN)


def _read_field(data: bytes, at: int, order: str, big: bool, directory: Directory) -> None:
    tag, kind, count = _unpack(order + ("HHQ" if big else "HHI"), data, at)
    # Of a field that comes twice decoders take the first.
    if tag not in USED or kind not in INTEGERS or count == 0 or tag in directory:
        return
    letter = INTEGERS[kind]
    room = 8 if big else 4
    where = at + (12 if big else 8)
    if struct.calcsize(letter) * count > room:
        (where,) = _unpack(order + ("Q" if big else "I"), data, where)
    if where + struct.calcsize(letter) * count > len(data):
        raise TruncatedScanError("the TIFF ends within a page's directory", SEND_AGAIN)
    if tag in UNREAD:
        return
    if count > MOST_VALUES:
        raise DamagedScanError("a page of the TIFF has more strips than any can have", SEND_AGAIN)
    directory[tag] = struct.unpack_from(f"{order}{count}{letter}", data, where)


def _unpack(layout: str, data: bytes, at: int) -> tuple[int, ...]:
    if at + struct.calcsize(layout) > len(data):
        raise TruncatedScanError("the TIFF ends within a page's directory", SEND_AGAIN)
    return struct.unpack_from(layout, data, at)
