"""Where the numbers lie that give a file its structure: to change one of them is worth a thousand changes anywhere."""

import re
import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

Order: TypeAlias = Literal["big", "little", "text"]

MARKER = re.compile(rb"\xff[\xc0-\xcf\xda-\xfe]")
FOUR_LETTERS = re.compile(rb"RIFF|VP8[ LX]|ALPH|ANIM|ANMF|EXIF")
NUMBER = re.compile(rb"\d+")
MOST = 200
"""Spots looked for: a text's pixels are numbers as well."""


class Spot(NamedTuple):
    """A whole number in a file: its place, its bytes, their order, or `text` for decimal digits."""

    at: int
    width: int
    order: Order = "big"


def spots(form: str, data: bytes) -> list[Spot]:
    """The numbers of a file's structure, as far as it has one."""
    find = {"png": _png, "deep png": _png, "jpeg": _jpeg, "tiff": _tiff, "bmp": _bmp, "webp": _webp}
    return [spot for spot in islice(find.get(form, _text)(data), MOST) if spot.at + spot.width <= len(data)]


def summed(data: bytes) -> bytes:
    """A PNG whose chunks have the right checksums again."""
    out = bytearray(data)
    for at, length in chunks(data):
        if at + 12 + length <= len(data):
            struct.pack_into(">I", out, at + 8 + length, zlib.crc32(data[at + 4 : at + 8 + length]))
    return bytes(out)


def chunks(data: bytes) -> Iterator[tuple[int, int]]:
    """Where a PNG's chunks begin, and how long their bodies say that they are."""
    at = 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        yield at, length
        at += 12 + length


def _png(data: bytes) -> Iterator[Spot]:
    yield from (Spot(16, 4), Spot(20, 4), *(Spot(at, 1) for at in range(24, 29)))
    yield from (Spot(at + part, 4) for at, _ in chunks(data) for part in (0, 4))


def _jpeg(data: bytes) -> Iterator[Spot]:
    for at in (match.start() for match in MARKER.finditer(data)):
        yield from (Spot(at + 1, 1), Spot(at + 2, 2), Spot(at + 5, 2), Spot(at + 7, 2))
        yield from (Spot(place, 1) for place in range(at + 4, at + 20))


def _tiff(data: bytes) -> Iterator[Spot]:
    order: Order = "little" if data[:2] == b"II" else "big"
    sign = "<" if order == "little" else ">"
    wide, letter, count_of, entry = (8, "Q", "Q", 20) if data[2:4] in (b"+\0", b"\0+") else (4, "I", "H", 12)
    link, seen = wide, set[int]()
    while link + wide <= len(data):
        yield Spot(link, wide, order)
        (at,) = struct.unpack_from(sign + letter, data, link)
        if at in seen or at + 8 > len(data):
            return
        seen.add(at)
        (count,) = struct.unpack_from(sign + count_of, data, at)
        yield Spot(at, struct.calcsize(count_of), order)
        at += struct.calcsize(count_of)
        for field in range(at, at + entry * count, entry):
            value = field + 4 + wide
            yield from (Spot(field, 2, order), Spot(field + 2, 2, order), Spot(field + 4, wide, order))
            yield from (Spot(value, wide, order), Spot(value, 2, order))
        link = at + entry * count


def _bmp(_: bytes) -> Iterator[Spot]:
    yield from (Spot(at, 4, "little") for at in (2, 10, 14, 18, 22, 30, 34, 46, 50, 54, 58, 62))
    yield from (Spot(at, 2, "little") for at in (18, 20, 22, 24, 26, 28))


def _webp(data: bytes) -> Iterator[Spot]:
    yield from (Spot(at, 1) for at in range(20, 31))
    for match in FOUR_LETTERS.finditer(data):
        yield from (Spot(match.start(), 4), Spot(match.end(), 4, "little"))


def _text(data: bytes) -> Iterator[Spot]:
    return (Spot(match.start(), len(match[0]), "text") for match in NUMBER.finditer(data))
