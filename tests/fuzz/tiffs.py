"""Valid TIFFs, of as many kinds as its library has branches."""

import struct
from typing import TypeAlias

import cv2
import numpy as np

from e2e import scans
from fuzz.pictures import ALPHA, BITS, COLOUR, PAGE, SIDE, wide

Tags: TypeAlias = dict[int, tuple[int, ...]]

COMPRESSIONS = (1, 5, 7, 8, 32773, 32946)
"""None, LZW, JPEG, Deflate, PackBits, the older Deflate."""
LONG = (256, 257, 273, 279, 324, 325)
"""Tags whose values are written with 32 bits: sizes and places. The others have 16."""


def tiff(tags: Tags, pixels: bytes, order: str = "<", big: bool = False) -> bytes:
    """A TIFF of one page: its pixels follow the header, which has 8 bytes, or 16 if it is a BigTIFF."""
    where, count, room = ("Q", "Q", 8) if big else ("I", "H", 4)
    pixels += bytes(-len(pixels) % 8)
    directory = room * 2 + len(pixels)
    behind = directory + struct.calcsize(f"={count}{where}") + (4 + 2 * room) * len(tags)
    fields = extra = b""
    for tag, values in sorted(tags.items()):
        kind, letter = (4, "I") if tag in LONG else (3, "H")
        body = struct.pack(f"{order}{len(values)}{letter}", *values)
        if len(body) > room:
            body, extra = struct.pack(order + where, behind + len(extra)), extra + body
        fields += struct.pack(f"{order}HH{where}", tag, kind, len(values)) + body.ljust(room, b"\0")
    start = struct.pack(f"{order}HHHQ", 43, 8, 0, directory) if big else struct.pack(f"{order}HI", 42, directory)
    mark, entries, end = (b"II" if order == "<" else b"MM"), struct.pack(order + count, len(tags)), bytes(room)
    return mark + start + pixels + entries + fields + end + extra


def _tags(size: int, bits: int = 8, compression: int = 1) -> Tags:
    shape: Tags = {256: (SIDE,), 257: (SIDE,), 258: (bits,), 259: (compression,), 262: (1,), 277: (1,)}
    return shape | {273: (8,), 278: (SIDE,), 279: (size,)}


def tiffs() -> list[bytes]:
    """Pages and stacks of them: every compression, depth and layout."""
    gray, rows = PAGE.tobytes(), BITS.tobytes()
    kinds = [(image, kind) for image in (PAGE, COLOUR) for kind in COMPRESSIONS]
    floats = PAGE.astype(np.float32) / 255
    # In Group 4 a row like the one above is a single bit, and an end of block is twice 000000000001.
    white = b"\xff" * (SIDE // 8) + b"\x00\x10\x01"
    tile = np.pad(PAGE, ((0, 32 - SIDE), (0, 32 - SIDE))).tobytes()
    tiles = {322: (32,), 323: (32,), 324: (8,), 325: (len(tile),)}
    strips = {273: (8, 8 + 8 * SIDE, 8 + 16 * SIDE), 278: (8,), 279: (8 * SIDE,) * 3}
    return [
        *(scans.encode(image, ".tiff", cv2.IMWRITE_TIFF_COMPRESSION, kind) for image, kind in kinds),
        *(scans.encode(image, ".tiff") for image in (ALPHA, wide(PAGE), floats, floats.astype(np.float64))),
        scans.tiff([PAGE, PAGE, COLOUR]),
        tiff(_tags(len(rows), 1), rows),
        tiff(_tags(len(white), 1, 4) | {262: (0,)}, white),
        tiff(_tags(len(rows), 1, 3) | {262: (0,), 292: (0,)}, rows),
        tiff(_tags(len(rows), 1, 2), rows),
        tiff(_tags(len(gray)) | {262: (3,), 320: tuple(range(0, 65536, 256)) * 3}, gray),
        tiff(_tags(len(gray)) | {274: (6,)}, gray, ">"),
        tiff(_tags(len(gray)) | {273: (16,)}, gray, big=True),
        tiff({tag: value for tag, value in _tags(0).items() if tag not in strips} | tiles, tile),
        tiff(_tags(0) | strips, gray),
    ]
