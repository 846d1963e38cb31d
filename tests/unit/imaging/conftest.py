"""Drawn digits and crafted files that the tests of imaging share."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitd.imaging.candidates import Candidate
from digitd.imaging.decode import Limits, pages
from digitd.imaging.pipeline import candidates
from digitd.recognition.bundle import Bundle, shipped
from digitd.recognition.reader import Options, Reader, open_reader
from e2e import scans

Image = NDArray[np.uint8]

STROKES: dict[str, list[list[tuple[float, float]]]] = {
    "0": [[(0.5, 0.0), (0.1, 0.25), (0.1, 0.75), (0.5, 1.0), (0.9, 0.75), (0.9, 0.25), (0.5, 0.0)]],
    "1": [[(0.5, 0.0), (0.5, 1.0)]],
    "2": [[(0.05, 0.25), (0.3, 0.0), (0.75, 0.05), (0.9, 0.3), (0.05, 1.0), (0.95, 1.0)]],
    "3": [[(0.1, 0.0), (0.9, 0.0), (0.45, 0.42), (0.9, 0.65), (0.7, 1.0), (0.1, 0.95)]],
    "4": [[(0.6, 0.0), (0.05, 0.65), (0.95, 0.65)], [(0.7, 0.4), (0.7, 1.0)]],
    "5": [[(0.9, 0.0), (0.2, 0.0), (0.15, 0.45), (0.7, 0.45), (0.9, 0.7), (0.6, 1.0), (0.1, 0.95)]],
    "7": [[(0.05, 0.0), (0.95, 0.0), (0.4, 1.0)]],
}
"""Digits as polylines in a unit box, x right and y down."""


def stroke(page: Image, digit: str, box: tuple[int, int, int, int], width: int, value: int = 0) -> Image:
    """Draw a digit into box (x, y, width, height) of a page, in place."""
    x, y, w, h = box
    for line in STROKES[digit]:
        points = np.array([(x + u * (w - 1), y + v * (h - 1)) for u, v in line])
        cv2.polylines(page, [np.round(points).astype(np.int32)], False, value, width, cv2.LINE_AA)
    return page


def paper(height: int, width: int, value: int = 255) -> Image:
    """An empty page."""
    return np.full((height, width), value, np.uint8)


def digit(name: str, side: int = 100, width: int | None = None, ink: int = 0, paper_value: int = 255) -> Image:
    """One digit in the middle of a square page."""
    page = paper(side, side, paper_value)
    box = (round(side * 0.3), round(side * 0.2), max(3, round(side * 0.4)), max(4, round(side * 0.6)))
    return stroke(page, name, box, width or max(1, side // 14), ink)


def number(text: str, height: int = 60, gap: int = 25, width: int = 5, margin: int = 40) -> Image:
    """Several digits in a row."""
    step = round(height * 0.65) + gap
    page = paper(height + 2 * margin, 2 * margin + step * len(text) - gap)
    for index, name in enumerate(text):
        stroke(page, name, (margin + index * step, margin, step - gap, height), width)
    return page


def png(chunks: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A PNG of these chunks."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(scans.chunk(kind, body) for kind, body in chunks)


def tiff(images: Sequence[Image], orientation: int = 1, order: str = "<", previews: bool = False) -> bytes:
    """An uncompressed gray TIFF with these pages, written by hand: pixels first, as scanners do.

    With `previews`, all but the first are marked as smaller copies.
    """
    out = bytearray((b"II*\x00" if order == "<" else b"MM\x00*") + b"\x00" * 4)
    link = 4
    for number, image in enumerate(images):
        start = len(out)
        out += np.ascontiguousarray(image).tobytes()
        out += b"\x00" * (len(out) % 2)
        fields = [(256, image.shape[1]), (257, image.shape[0]), (258, image.itemsize * 8), (259, 1), (262, 1)]
        if previews:
            fields.insert(0, (254, min(number, 1)))
        fields += [(273, start), (274, orientation), (277, 1), (278, image.shape[0]), (279, image.nbytes)]
        struct.pack_into(order + "I", out, link, len(out))
        out += struct.pack(order + "H", len(fields))
        for tag, value in fields:
            kind, body = (4, struct.pack(order + "I", value)) if tag in (254, 273, 279) else (3, b"")
            out += struct.pack(order + "HHI", tag, kind, 1) + (body or struct.pack(order + "HH", value, 0))
        link = len(out)
        out += b"\x00" * 4
    return bytes(out)


def pdf(count: int = 1, encrypted: bool = False) -> bytes:
    """A PDF whose pages (144 x 72 points) each have a black box, with right offsets."""
    content = b"0 g 20 20 40 30 re f"
    kids = b" ".join(b"%d 0 R" % (4 + index) for index in range(count))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (count, kids),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    objects += [b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 144 72] /Contents 3 0 R >>"] * count
    trailer = b"/Root 1 0 R"
    if encrypted:
        key = b"<" + b"41" * 32 + b">"
        objects.append(b"<< /Filter /Standard /V 1 /R 2 /O %s /U %s /P -4 >>" % (key, key))
        trailer += b" /Encrypt %d 0 R /ID [<41> <41>]" % len(objects)
    out = b"%PDF-1.4\n"
    offsets = []
    for number_, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number_, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + b"trailer << /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)


def with_exif(jpeg: bytes, orientation: int, thumbnail: bytes = b"") -> bytes:
    """A JPEG with an EXIF segment, and a thumbnail in it."""
    body = b"Exif\x00\x00" + scans.exif(orientation) + thumbnail
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


@pytest.fixture
def draw() -> SimpleNamespace:
    """The functions that draw: stroke, paper, digit, number."""
    return SimpleNamespace(stroke=stroke, paper=paper, digit=digit, number=number)


@pytest.fixture
def craft() -> SimpleNamespace:
    """The functions that write files: png, tiff, pdf, encoded, with_exif."""
    return SimpleNamespace(png=png, tiff=tiff, pdf=pdf, encoded=scans.encode, with_exif=with_exif)


@pytest.fixture
def read() -> Callable[..., list[Image]]:
    """Decode all pages, within generous limits unless told otherwise."""

    def decoded(data: bytes, **limits: int) -> list[Image]:
        return list(pages(data, Limits(**{"bytes": 1 << 26, "pixels": 1 << 26, "pages": 20, **limits})))

    return decoded


@pytest.fixture
def marks() -> Callable[..., list[list[Candidate]]]:
    """The marks of a page that are taken for digits, as the network first sees them: none of them cut yet."""

    def found(page: Image, layout: str = "auto", digits: int | None = None) -> list[list[Candidate]]:
        lines = [lattice.candidates for lattice in candidates(page, layout, digits)]
        return [digits for digits in ([one for one in line if one.kind == "digit"] for line in lines) if digits]

    return found


@pytest.fixture(scope="session")
def reader() -> Reader:
    """The product with the bundle that ships."""
    return open_reader(Bundle.load(shipped()), "litert", Limits(10**8, 10**8, 10))


@pytest.fixture
def glyphs(reader: Reader) -> Callable[..., list[list[Candidate]]]:
    """The glyphs that the product reads on a page, a list a line: what it cuts and joins is cut and joined."""

    def found(page: Image, layout: str = "auto", digits: int | None = None) -> list[list[Candidate]]:
        judged = reader.look(page, Options(layout, digits)).judged
        return [[read.candidate for read in line] for line in judged.lines]

    return found


@pytest.fixture(scope="session")
def mnist() -> tuple[Image, Image]:
    """200 of MNIST's test images (200, 28, 28), and their labels."""
    path = Path(__file__).parents[2] / "fixtures" / "mnist-digits.npz"
    with np.load(path) as stored:
        return stored["images"], stored["labels"]
