"""What a hostile hand changes in a valid file: other bytes in the place of some. Chosen by chance, from a seed."""

import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random

from e2e import scans
from fuzz.spots import Spot, chunks, spots, summed

EDITS_MOST = 6
ONE_MORE = 0.35
"""The share of mutants that get one edit more: nearly every edit is refused, and hides what the others would do."""
LENGTH_MOST = 1 << 16
"""Bytes that a file may grow to: it stays within what a small scan may have."""
EDGES = (0, 1, 2, 3, 4, 7, 8, 16, 23, 25, 32, 33, 48, 64, 127, 128, 255, 256, 257, 700, 1000, 4096, 32767, 32768, 65535,
         65536, 70_000, 2**24 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**64 - 1)  # fmt: skip
"""Numbers at which arithmetic goes wrong, and sizes about those of the picture."""
PARTS = (1, 2, 4, 12, 64, 512, 1 << 14)
"""Bytes that are cut out, or put elsewhere, at once."""
STRUCTURE = 0.5
"""The share of edits that change a number of the structure, where there is one: they tell the most."""
SPLICED = 0.15
"""The share of those that double a part of the structure, such as a segment of a JPEG."""
INSIDE = 0.6
"""The share of a PNG's edits that change what is in a chunk, pixels before they are compressed, and leave it valid."""
SUMMED = 0.9
"""The share of PNGs whose checksums are made right again: without, a decoder looks no farther."""


def mutant(form: str, valid: Sequence[bytes], chance: Random) -> bytes:
    """One of the VALID files with some edits: flipped bits, other numbers, parts cut, doubled, put in from another."""
    data = chance.choice(valid)
    for _ in range(EDITS_MOST):
        data = _edited(form, data, valid, chance)[:LENGTH_MOST]
        if not data or chance.random() >= ONE_MORE:
            break
    return summed(data) if form.endswith("png") and chance.random() < SUMMED else data


def _edited(form: str, data: bytes, valid: Sequence[bytes], chance: Random) -> bytes:
    if form.endswith("png") and chance.random() < INSIDE and (inside := list(chunks(data))):
        return _rechunked(data, chance.choice(inside), valid, chance)
    if chance.random() < STRUCTURE and (found := spots(form, data)):
        if chance.random() < SPLICED:
            return _spliced(data, found, chance)
        return _renumbered(data, chance.choice(found), chance)
    return _changed(data, valid, chance)


def _changed(data: bytes, valid: Sequence[bytes], chance: Random) -> bytes:
    if not data:
        return chance.randbytes(chance.randint(1, 64))
    at, size, way = chance.randrange(len(data)), chance.choice(PARTS), chance.random()
    if way < 0.5:
        return _put(data, at, 1, bytes([data[at] ^ 1 << chance.randrange(8)]))
    if way < 0.6:
        return _put(data, at, 1, bytes([chance.choice((0, 0xFF, 0x7F, 0x80))]))
    if way < 0.7:
        return _put(data, at, size)
    if way < 0.75:
        return data[:at]
    if way < 0.8:
        return _put(data, at, 0, chance.randbytes(chance.randint(1, 8)))
    source = chance.choice(valid) if way < 0.9 else data
    start = chance.randrange(len(source))
    end = start + chance.choice((size, len(source)))
    return _put(data, at, chance.choice((0, size, len(data))), source[start:end])


def _rechunked(data: bytes, place: tuple[int, int], valid: Sequence[bytes], chance: Random) -> bytes:
    at, length = place
    kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
    pack: Callable[[bytes], bytes] = bytes
    if kind == b"IDAT":
        # It raises where an edit before this one has broken it: then it is changed as it is.
        with suppress(zlib.error):
            body, pack = zlib.decompressobj().decompress(body, LENGTH_MOST), zlib.compress
    return data[:at] + scans.chunk(kind, pack(_changed(body, valid, chance))) + data[at + 12 + length :]


def _spliced(data: bytes, places: Sequence[Spot], chance: Random) -> bytes:
    """A part of the structure once more: another's place is taken, or it comes on top."""
    start, end, at = (spot.at for spot in chance.choices(places, k=3))
    part = data[min(start, end) : max(start, end)]
    return _put(data, at, chance.choice((0, len(part))), part)


def _renumbered(data: bytes, spot: Spot, chance: Random) -> bytes:
    edge = chance.choice((chance.choice(EDGES), chance.randrange(1 << 16), max(0, len(data) + chance.randint(-4, 4))))
    if spot.order == "text":
        return _put(data, spot.at, spot.width, b"%d" % edge)
    kept = int.from_bytes(data[spot.at : spot.at + spot.width], spot.order)
    value = chance.choice((edge, kept + chance.choice((-1, 1, 2, 256)))) % (1 << 8 * spot.width)
    return _put(data, spot.at, spot.width, value.to_bytes(spot.width, spot.order))


def _put(data: bytes, at: int, gone: int, put: bytes = b"") -> bytes:
    return data[:at] + put + data[at + gone :]
