"""Scans for tests, rendered from digits that the shipped network reads without doubt."""

import struct
import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "mnist-digits.npz"


@cache
def digits() -> tuple[Image, tuple[int, ...]]:
    """MNIST digits, (n, 28, 28) with ink 255 on 0, and their labels."""
    with np.load(FIXTURE) as data:
        return data["images"], tuple(int(label) for label in data["labels"])


def ink(value: int, nth: int = 0) -> Image:
    """The nth digit of this value, (28, 28), ink 255 on 0."""
    images, labels = digits()
    found: Image = images[[place for place, label in enumerate(labels) if label == value][nth]]
    return found


def paper(image: Image, scale: int = 2, margin: int = 20) -> Image:
    """Dark ink on white paper."""
    height, width = image.shape
    larger = cv2.resize(image, (width * scale, height * scale), interpolation=cv2.INTER_CUBIC)
    return np.pad(255 - larger, margin, constant_values=255).astype(np.uint8)


def page(text: Iterable[int | str], nth: int = 0, scale: int = 2) -> Image:
    """A page with one line of digits."""
    return paper(np.hstack([ink(int(each), nth) for each in text]), scale)


def encode(image: npt.NDArray[Any], ending: str = ".png", *options: int) -> bytes:
    """The image as a file's bytes, with OpenCV's options."""
    done, data = cv2.imencode(ending, image, options)
    assert done
    return data.tobytes()


@cache
def scan(text: int | str = 7, ending: str = ".png", nth: int = 0) -> bytes:
    """A scan of digits as a file's bytes."""
    return encode(page(str(text), nth), ending)


def numbered(number: int) -> bytes:
    """A small PNG that differs from that of any other number in its bytes."""
    body = scan(number % 10)
    extra = chunk(b"tEXt", b"Comment\0" + str(number).encode())
    end = body.rindex(b"IEND") - 4
    return body[:end] + extra + body[end:]


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def exif(orientation: int) -> bytes:
    """An EXIF block that says how the page is turned."""
    return b"II*\x00" + struct.pack("<IHHHIHHI", 8, 1, 274, 3, 1, orientation, 0, 0)


def blank() -> bytes:
    """Paper with nothing on it."""
    return encode(np.full((120, 120), 255, np.uint8))


def tiff(pages: Sequence[Image]) -> bytes:
    """A TIFF of many pages."""
    done, data = cv2.imencodemulti(".tiff", list(pages))
    assert done
    return bytes(data.tobytes())


def pdf(image: Image) -> bytes:
    """A PDF of one page that shows the image."""
    height, width = image.shape
    jpeg = encode(image, ".jpg")
    drawing = f"q {width} 0 0 {height} 0 0 cm /I Do Q".encode()
    return pdf_of(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width} {height}]/Contents 4 0 R"
            "/Resources<</XObject<</I 5 0 R>>>>>>".encode(),
            stream(b"", drawing),
            stream(
                f"/Type/XObject/Subtype/Image/Width {width}/Height {height}/ColorSpace/DeviceGray"
                "/BitsPerComponent 8/Filter/DCTDecode".encode(),
                jpeg,
            ),
        ]
    )


def stream(entries: bytes, body: bytes) -> bytes:
    """A PDF's object with a body."""
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(body), body)


def encrypted_pdf() -> bytes:
    """A PDF that asks for a password."""
    return pdf_of(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]>>",
            b"<</Filter/Standard/V 1/R 2/O<" + b"ab" * 32 + b">/U<" + b"cd" * 32 + b">/P -4>>",
        ],
        b"/Encrypt 4 0 R/ID[<00112233445566778899aabbccddeeff><00112233445566778899aabbccddeeff>]",
    )


def pdf_of(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """A PDF of these objects, the first of which is its catalogue."""
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return bytes(out)
