"""Files that no scanner writes, made by code: each with what digitd may make of it."""

import io
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from e2e import scans

READ = "read"
"""Not a failure: it is read, or blank, or goes to review."""
TEXT = "47"
SPOILED = frozenset({"truncated", "damaged", "not_an_image", "empty"})
TOO_LARGE = frozenset({"too_many_pixels", "damaged", "truncated"})


@dataclass(frozen=True)
class Case:
    """A file's name and bytes, and the codes of which it may fail; READ among them where it need not fail."""

    name: str
    data: bytes
    may: frozenset[str]


@cache
def whole() -> dict[str, bytes]:
    """A good scan of TEXT in each format, by ending."""
    page = scans.page(TEXT)
    found = {ending: scans.encode(page, f".{ending}") for ending in ("png", "jpg", "bmp", "webp", "pgm", "tif")}
    rows = cv2.threshold(page, 128, 255, cv2.THRESH_BINARY)[1]
    height, width = rows.shape
    found["pbm"] = b"P4\n%d %d\n" % (width, height) + np.packbits(rows < 128, axis=1).tobytes()
    found["pdf"] = scans.pdf(page)
    return found


def cases() -> Iterator[Case]:
    """Every case but the cut and the flipped ones."""
    for make in (_disguised, _bombs, _headers, _pngs, _tiffs, _pdfs):
        yield from make()


def cut(ending: str) -> Iterator[Case]:
    """A good scan that ends at every hundredth of its length."""
    data = whole()[ending]
    for part in range(100):
        yield Case(f"cut-{part:02}.{ending}", data[: len(data) * part // 100], SPOILED | {READ})


def flipped(ending: str, count: int = 30) -> Iterator[Case]:
    """A good scan with a few bits changed, anywhere."""
    chance = random.Random(ending)
    for number in range(count):
        data = bytearray(whole()[ending])
        for _ in range(chance.randrange(1, 9)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        may = SPOILED | TOO_LARGE | {READ, "encrypted", "too_many_marks", "too_many_pages"}
        yield Case(f"flipped-{number:02}.{ending}", bytes(data), may)


def _disguised() -> Iterator[Case]:
    no_image = frozenset({"not_an_image"})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb.bin", bytes(10 << 20))
    tarred = io.BytesIO()
    with tarfile.open(fileobj=tarred, mode="w") as tar:
        tar.add(__file__, "corpus.py")
    contents = {
        "zip": archive.getvalue(),
        "tar": tarred.getvalue(),
        "gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\3" + bytes(100),
        "html": b"<!DOCTYPE html><script>alert(1)</script>",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        "xml-entities": b'<!DOCTYPE a [<!ENTITY b "bb">' + b'<!ENTITY c "&b;&b;&b;">' * 100 + b"]><a>&c;</a>",
        "elf": b"\x7fELF\2\1\1" + bytes(500),
        "exe": b"MZ" + bytes(500),
        "script": b"#!/bin/sh\nrm -rf /\n",
        "python": b"import os\nos.abort()\n",
        "pickle": b"\x80\4cos\nsystem\n(S'true'\ntR.",
        "gif": b"GIF89a\xff\xff\xff\xff\xf7\0\0" + bytes(800),
        "ico": b"\0\0\1\0\1\0" + bytes(40),
        "psd": b"8BPS\0\1" + bytes(100),
        "jpeg-2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100),
        "exr": b"\x76\x2f\x31\x01" + bytes(100),
        "hdr": b"#?RADIANCE\n\n-Y 99999 +X 99999\n",
        "mp4": b"\0\0\0\x18ftypmp42" + bytes(100),
        "heic": b"\0\0\0\x18ftypheic" + bytes(100),
        "postscript": b"%!PS-Adobe-3.0\n(/etc/passwd) (r) file\n",
        "one-byte": b"\x89",
        "zeros": bytes(5000),
        "ones": b"\xff" * 5000,
        "newlines": b"\n" * 5000,
        "escapes": b"\x1b]0;owned\x07\x1b[2J" * 50,
        "utf-16": "=cmd|' /C calc'!A0".encode("utf-16"),
    }
    for name, data in contents.items():
        for ending in ("png", "tif"):
            yield Case(f"{name}.{ending}", data, no_image | SPOILED)
    yield Case("empty.png", b"", frozenset({"empty"}))


def _bombs() -> Iterator[Case]:
    """Little that says that it is much."""
    for side in (20_000, 60_000, 2**31 - 1, 0):
        yield Case(f"bomb-{side}.png", _png(side, side, zlib.compress(bytes(1 << 20), 9)), TOO_LARGE)
        yield Case(f"bomb-{side}.bmp", _bmp(side, side), TOO_LARGE)
        yield Case(f"bomb-{side}.pgm", b"P5\n%d %d\n255\n" % (side, side) + bytes(1000), TOO_LARGE)
        yield Case(f"bomb-{side}.tif", _tiff(_dimensions(side, side)), TOO_LARGE)
    for side in (65_500, 0):
        yield Case(f"bomb-{side}.jpg", _jpeg(side, side), TOO_LARGE)
    yield Case("bomb.webp", _webp(16_383, 16_383), TOO_LARGE)
    yield Case("long.png", _png(1, 2**31 - 1, zlib.compress(bytes(1 << 20), 9)), TOO_LARGE)
    yield Case("wide.pgm", b"P5\n99999999 1\n255\n" + bytes(1000), TOO_LARGE)
    yield Case("ascii.pgm", b"P2\n9999 9999\n255\n" + b"0 " * 1000, TOO_LARGE)
    yield Case("more-than-a-page.png", _png(100, 100, zlib.compress(bytes(50 << 20), 9)), SPOILED | {READ})
    text = zlib.compress(bytes(50 << 20), 9)
    chunk = scans.chunk(b"zTXt", b"Comment\0\0" + text)
    yield Case("bomb-in-text.png", scans.scan(TEXT)[:33] + chunk + scans.scan(TEXT)[33:], SPOILED | {READ})
    chunks = scans.chunk(b"tEXt", b"a\0b") * 50_000
    yield Case("many-chunks.png", scans.scan(TEXT)[:33] + chunks + scans.scan(TEXT)[33:], SPOILED | {READ})


def _headers() -> Iterator[Case]:
    """A format's first bytes, and then something else."""
    starts = {
        "png": b"\x89PNG\r\n\x1a\n", "jpg": b"\xff\xd8\xff\xe0", "bmp": b"BM", "webp": b"RIFF\xff\xff\xff\xffWEBPVP8 ",
        "pgm": b"P5", "tif": b"II*\0", "pdf": b"%PDF-1.7\n",
    }  # fmt: skip
    chance = random.Random(5)
    for ending, start in starts.items():
        for kind, rest in (("nothing", b""), ("zeros", bytes(3000)), ("ones", b"\xff" * 3000),
                           ("noise", chance.randbytes(3000))):  # fmt: skip
            yield Case(f"{kind}-after.{ending}", start + rest, SPOILED | TOO_LARGE)
    yield Case("no-maxval.pgm", b"P5\n10 10\n0\n" + bytes(100), SPOILED)
    yield Case("negative.pgm", b"P5\n-10 10\n255\n" + bytes(100), SPOILED)
    yield Case("comment-for-ever.pgm", b"P5\n#" + b"x" * 100_000, SPOILED)


def _pngs() -> Iterator[Case]:
    """Chunks that contradict themselves or each other."""
    good = scans.scan(TEXT)
    rows = zlib.compress(bytes(11 * 10))
    # Bits a sample, colour type, compression, filter, interlace.
    odd = {
        "colour-7": (8, 7, 0, 0, 0),
        "bits-5": (5, 0, 0, 0, 0),
        "bits-0": (0, 0, 0, 0, 0),
        "bits-16-palette": (16, 3, 0, 0, 0),
        "no-palette": (8, 3, 0, 0, 0),
        "compression-1": (8, 0, 1, 0, 0),
        "filter-1": (8, 0, 0, 1, 0),
        "interlace-2": (8, 0, 0, 0, 2),
    }
    for name, five in odd.items():
        header = scans.chunk(b"IHDR", struct.pack(">IIBBBBB", 10, 10, *five))
        yield Case(f"{name}.png", good[:8] + header + scans.chunk(b"IDAT", rows) + scans.chunk(b"IEND", b""), SPOILED)
    yield Case("filter-byte-9.png", _png(10, 10, zlib.compress(b"\x09" * 110)), SPOILED)
    yield Case("no-pixels.png", good[:33] + scans.chunk(b"IEND", b""), SPOILED)
    yield Case("too-few-rows.png", _png(10, 10, zlib.compress(bytes(30))), SPOILED)
    yield Case("no-zlib.png", _png(10, 10, b"this is not compressed"), SPOILED)
    yield Case("two-headers.png", good[:33] + good[8:], SPOILED | {READ})
    profile = scans.chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(50 << 20), 9))
    yield Case("profile-bomb.png", good[:33] + profile + good[33:], SPOILED | {READ})
    yield Case("wrong-sum.png", good[:29] + bytes(4) + good[33:], SPOILED)
    yield Case("chunk-of-4-gb.png", good[:33] + b"\xff\xff\xff\xffIDAT" + good[33:], SPOILED)


def _tiffs() -> Iterator[Case]:
    good = whole()["tif"]
    spoiled = SPOILED | TOO_LARGE | {"too_many_pages"}
    yield Case("loop-to-itself.tif", _tiff(_dimensions(10, 10), following=8), spoiled | {READ})
    yield Case("loop-of-two.tif", _tiff([], following=14) + struct.pack("<HI", 0, 8), spoiled)
    chain = b"".join(struct.pack("<HI", 0, 8 + 6 * number) for number in range(1, 200_000))
    yield Case("two-hundred-thousand-pages.tif", b"II*\0" + struct.pack("<I", 8) + chain, spoiled)
    yield Case("directory-beyond-the-end.tif", b"II*\0" + struct.pack("<I", 2**31), spoiled)
    yield Case("directory-in-the-header.tif", b"II*\0" + struct.pack("<I", 0), spoiled)
    yield Case("no-strips.tif", _tiff(_dimensions(10, 10)[:2]), spoiled)
    yield Case(
        "strip-beyond-the-end.tif", _tiff([*_dimensions(10, 10)[:-2], (273, 4, 1, 2**31), (279, 4, 1, 100)]), spoiled
    )
    yield Case("strip-of-4-gb.tif", _tiff([*_dimensions(10, 10)[:-2], (273, 4, 1, 8), (279, 4, 1, 2**32 - 1)]), spoiled)
    yield Case(
        "a-billion-strips.tif", _tiff([*_dimensions(10, 10)[:-2], (273, 4, 2**30, 8), (279, 4, 2**30, 8)]), spoiled
    )
    yield Case("tags-without-end.tif", b"II*\0" + struct.pack("<IH", 8, 0xFFFF) + bytes(100), spoiled)
    yield Case("unknown-compression.tif", _tiff([*_dimensions(10, 10), (259, 3, 1, 9999)]), spoiled)
    yield Case("a-thousand-samples.tif", _tiff([*_dimensions(10, 10), (277, 3, 1, 1000)]), spoiled)
    yield Case("bits-64.tif", _tiff([*_dimensions(10, 10), (258, 3, 1, 64)]), spoiled | {READ})
    yield Case("big-tiff.tif", b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) + bytes(100), spoiled)
    yield Case("motorola-and-intel.tif", b"MM" + good[2:], spoiled)


def _pdfs() -> Iterator[Case]:
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]>>"
    pages = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    spoiled = SPOILED | TOO_LARGE | {READ, "too_many_pages", "encrypted"}

    catalog = b"<</Type/Catalog/Pages 2 0 R>>"

    def case(name: str, *objects: bytes) -> Case:
        return Case(name, scans.pdf_of(objects), spoiled)

    script = b"<</S/JavaScript/JS(app.alert\\(1\\);this.submitForm\\('http://127.0.0.1/'\\))>>"
    yield case("script.pdf", b"<</Type/Catalog/Pages 2 0 R/OpenAction 4 0 R>>", pages, page, script)
    yield case("launch.pdf", b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/Launch/F(/bin/sh)>>>>", pages, page)
    yield case("pages-in-a-circle.pdf", catalog, b"<</Type/Pages/Kids[2 0 R]/Count 1>>")
    yield case("a-lie-about-pages.pdf", catalog, b"<</Type/Pages/Kids[3 0 R]/Count 99999999>>", page)
    yield case("no-pages.pdf", b"<</Type/Catalog>>")
    yield case("nested.pdf", b"<</Type/Catalog/Pages 2 0 R/A " + b"[" * 5000 + b"]" * 5000 + b">>", pages, page)
    yield case("huge-paper.pdf", catalog, pages, page.replace(b"100 100", b"9999999 9999999"))
    yield case("no-paper.pdf", catalog, pages, page.replace(b"100 100", b"0 0"))
    yield case("negative-paper.pdf", catalog, pages, page.replace(b"0 0 100 100", b"9 9 -9e9 1e30"))
    kids = b" ".join(b"%d 0 R" % number for number in range(3, 403))
    yield case("four-hundred-pages.pdf", catalog,
               b"<</Type/Pages/Kids[" + kids + b"]/Count 400>>", *[page] * 400)  # fmt: skip
    bomb = zlib.compress(zlib.compress(bytes(100 << 20), 9), 9)
    yield case("bomb.pdf", catalog, pages, page[:-2] + b"/Contents 4 0 R>>",
               b"<</Filter[/FlateDecode/FlateDecode]/Length %d>>stream\n%b\nendstream" % (len(bomb), bomb))  # fmt: skip
    resources = b"/Resources<</XObject<</I 5 0 R>>>>"
    form = b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]" + resources + b"/Length 5>>stream\n/I Do\nendstream"
    yield case("form-in-itself.pdf", catalog, pages,
               page[:-2] + b"/Contents 4 0 R" + resources + b">>",
               b"<</Length 5>>stream\n/I Do\nendstream", form)  # fmt: skip
    yield Case("encrypted.pdf", scans.encrypted_pdf(), frozenset({"encrypted"}))
    loop = b"%PDF-1.4\nxref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 1/Prev 9>>\nstartxref\n9\n%%EOF\n"
    yield Case("xref-to-itself.pdf", loop, spoiled)


def _png(width: int, height: int, pixels: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + scans.chunk(b"IHDR", header) + scans.chunk(b"IDAT", pixels) + scans.chunk(b"IEND", b"")
    )


def _bmp(width: int, height: int) -> bytes:
    return (
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(999)
    )


def _jpeg(width: int, height: int) -> bytes:
    good = bytearray(whole()["jpg"])
    place = good.index(b"\xff\xc0")
    good[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return bytes(good)


def _webp(width: int, height: int) -> bytes:
    body = b"WEBPVP8L" + struct.pack("<IBI", 300, 0x2F, (width - 1) | (height - 1) << 14) + bytes(295)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _dimensions(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Tags of a gray picture: tag, type, count, value."""
    return [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 8), (279, 4, 1, 100)]


def _tiff(tags: list[tuple[int, int, int, int]], following: int = 0) -> bytes:
    directory = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + directory + struct.pack("<I", following) + bytes(200)
