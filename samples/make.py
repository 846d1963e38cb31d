"""Render the samples: `python samples/make.py --mnist FOLDER`, FOLDER holding MNIST's idx files.

The ink is digits of MNIST's test set; paper, light, rules and file formats are made here. The same files come out
each time (one seed), up to the encoders of the OpenCV at hand. samples/labels.csv is written with them.
"""

import argparse
import csv
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.training.data import from_folder

Gray = NDArray[np.uint8]
Ink = NDArray[np.float32]
"""How much of a pixel is ink, 0 to 1."""
Encode = Callable[[NDArray[Any]], bytes]

SEED = 28
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Sample:
    """A file, the lines of each of its pages (None: it cannot be read), and what is in the picture."""

    path: str
    pages: list[list[str]] | None
    what: str
    data: bytes


class Pen:
    """Writes with MNIST's test digits, each chosen at random."""

    def __init__(self, images: Gray, labels: Gray) -> None:
        self._images, self._labels = images, labels
        self.chance = np.random.default_rng(SEED)

    def as_published(self, digit: str) -> Gray:
        """One digit, (28, 28), light on black."""
        return np.array(self._images[self.chance.choice(np.flatnonzero(self._labels == int(digit)))])

    def digit(self, digit: str, height: int) -> Ink:
        """One digit's ink, cut to its edges, about HEIGHT pixels high."""
        small = self.as_published(digit)
        rows, columns = (np.flatnonzero(small.max(axis=axis) > 60) for axis in (1, 0))
        small = small[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        scale = height / small.shape[0] * self.chance.uniform(0.9, 1.05)
        size = (max(2, round(small.shape[1] * scale)), max(2, round(small.shape[0] * scale)))
        large = cv2.resize(np.pad(small, 1), size, interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
        # Enlarged edges are soft; a pen's are not.
        sharp: Ink = np.clip((large - 0.5) * max(1.0, scale * 0.5) + 0.5, 0, 1)
        return sharp

    def line(self, digits: str, height: int, gap: float = 0.35) -> Ink:
        """Digits side by side on a slightly uneven base line."""
        glyphs = [self.digit(digit, height) for digit in digits]
        tall = max(len(glyph) for glyph in glyphs) + height // 8
        step = round(height * gap)
        ink = np.zeros((tall, sum(glyph.shape[1] + step for glyph in glyphs) - step), np.float32)
        x = 0
        for glyph in glyphs:
            y = tall - len(glyph) - int(self.chance.integers(0, height // 10 + 1))
            ink[y : y + len(glyph), x : x + glyph.shape[1]] = glyph
            x += glyph.shape[1] + step
        return ink

    def lines(self, texts: list[str], height: int, leading: float = 1.9) -> Ink:
        """Lines below each other, each beginning somewhere near the left."""
        written = [self.line(text, height) for text in texts]
        step = round(height * leading)
        starts = [int(self.chance.integers(0, height // 2)) for _ in written]
        width = max(start + line.shape[1] for start, line in zip(starts, written, strict=True))
        ink = np.zeros((step * (len(written) - 1) + max(len(line) for line in written), width), np.float32)
        for row, (start, line) in enumerate(zip(starts, written, strict=True)):
            ink[row * step : row * step + len(line), start : start + line.shape[1]] = line
        return ink


def on(paper: NDArray[Any], ink: Ink, at: tuple[int, int], tone: float = 40) -> NDArray[np.float32]:
    """PAPER (H, W), 0 to 255, with INK of a gray TONE at (x, y)."""
    page = paper.astype(np.float32)
    x, y = at
    part = page[y : y + ink.shape[0], x : x + ink.shape[1]]
    part[:] = part * (1 - ink) + tone * ink
    return page


def sheet(ink: Ink, margin: int, paper: float = 255, tone: float = 30) -> Gray:
    """INK in the middle of plain paper."""
    height, width = ink.shape
    plain = np.full((height + 2 * margin, width + 2 * margin), paper)
    return whole(on(plain, ink, (margin, margin), tone))


def whole(page: NDArray[Any]) -> Gray:
    """Rounded to 0..255."""
    return np.clip(np.round(page), 0, 255).astype(np.uint8)


def light(height: int, width: int, dark: float, angle: float) -> NDArray[np.float32]:
    """Light that falls off from 1 to DARK across the page, (H, W)."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    along = (x * np.cos(angle) / width + y * np.sin(angle) / height).astype(np.float32)
    along = (along - along.min()) / (along.max() - along.min())
    return np.asarray(1 - (1 - dark) * along, np.float32)


def png(image: NDArray[Any]) -> bytes:
    """A PNG of whatever depth and channels the image has."""
    return _encoded(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def jpeg(image: NDArray[Any]) -> bytes:
    """A JPEG."""
    return _encoded(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])


def plain(ending: str) -> Encode:
    """OpenCV's encoder for that ending."""
    return lambda image: _encoded(ending, image, [])


def _encoded(ending: str, image: NDArray[Any], options: list[int]) -> bytes:
    done, data = cv2.imencode(ending, image, options)
    if not done:
        raise RuntimeError(f"OpenCV cannot write {ending}")
    return bytes(data.tobytes())


def with_orientation(data: bytes, orientation: int) -> bytes:
    """A JPEG whose EXIF says how it is to be turned."""
    exif = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]


def tiff(images: list[Gray]) -> bytes:
    """A TIFF of several pages."""
    done, data = cv2.imencodemulti(".tiff", images, [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    if not done:
        raise RuntimeError("OpenCV cannot write a TIFF of several pages")
    return bytes(data.tobytes())


def pdf(images: list[Gray], dpi: int) -> bytes:
    """A PDF with a picture a page, as scanners write it."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{3 + 3 * number} 0 R" for number in range(len(images)))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(images)} >>".encode())
    for number, image in enumerate(images):
        height, width = image.shape
        page = 3 + 3 * number
        points = (width * 72 / dpi, height * 72 / dpi)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {points[0]:.2f} {points[1]:.2f}] "
            f"/Resources << /XObject << /Scan {page + 2} 0 R >> >> /Contents {page + 1} 0 R >>".encode()
        )
        objects.append(_stream("", f"{points[0]:.2f} 0 0 {points[1]:.2f} 0 0 cm /Scan Do".encode()))
        picture = (
            f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceGray "
            "/BitsPerComponent 8 /Filter /FlateDecode "
        )
        objects.append(_stream(picture, zlib.compress(image.tobytes(), 9)))
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size + table
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
    return bytes(out)


def _stream(keys: str, data: bytes) -> bytes:
    return f"<< {keys}/Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"


def singles(pen: Pen) -> list[Sample]:
    """One digit a picture."""
    coloured = sheet(pen.digit("4", 120), 60)[..., None]
    # A blue pen on yellowish paper.
    blue = whole(255 - (255 - coloured) / 255 * np.array([70.0, 170, 215]) - np.array([40.0, 12, 0]) * (coloured > 128))
    ink = sheet(pen.digit("6", 90), 40, paper=0, tone=255)
    clear = np.dstack([np.zeros((*ink.shape, 3), np.uint8), ink])
    deep = (sheet(pen.digit("2", 100), 50).astype(np.uint16) * 200) + 3000
    return [
        Sample("mnist-3.png", [["3"]], "a digit as MNIST has it: 28x28, light on black", png(pen.as_published("3"))),
        Sample("mnist-8.png", [["8"]], "another one", png(pen.as_published("8"))),
        Sample("single-5.png", [["5"]], "black on white, 400 px high", png(sheet(pen.digit("5", 240), 80))),
        Sample("single-4-blue.jpg", [["4"]], "a blue pen on yellowish paper", jpeg(blue)),
        Sample("single-6-clear.png", [["6"]], "black on nothing: the paper is transparent", png(clear)),
        Sample("single-2-deep.png", [["2"]], "16 bits a pixel, and neither black nor white in them", png(deep)),
        Sample("SINGLE-9.PNG", [["9"]], "an ending in capitals", png(sheet(pen.digit("9", 64), 30))),
        Sample("scan.png", [["7"]], "a name that the demonstration uses again", png(sheet(pen.digit("7", 80), 40))),
    ]


def ruled(pen: Pen, text: str) -> Gray:
    """Digits on ruled paper."""
    ink = pen.line(text, 52)
    paper = np.full((260, ink.shape[1] + 120), 250.0)
    paper[34::64] = paper[35::64] = 176
    return whole(on(paper, ink, (60, 162 - ink.shape[0] - 4), 30))


def squared(pen: Pen, text: str) -> Gray:
    """Digits on squared paper."""
    ink = pen.line(text, 50, 0.5)
    paper = np.full((220, ink.shape[1] + 120), 252.0)
    paper[10::24] = 196
    paper[:, 14::24] = 196
    return whole(on(paper, ink, (58, 84), 25))


def boxes(pen: Pen, text: str) -> Gray:
    """A form: a printed box for each digit."""
    side = 74
    paper: NDArray[Any] = np.full((side + 80, side * len(text) + 80), 255.0)
    for number, digit in enumerate(text):
        x = 40 + side * number
        cv2.rectangle(paper, (x, 40), (x + side, 40 + side), 90.0, 2)
        glyph = pen.digit(digit, 44)
        paper = on(paper, glyph, (x + (side - glyph.shape[1]) // 2, 40 + (side - glyph.shape[0]) // 2), 30)
    return whole(paper)


def uneven(pen: Pen, text: str) -> Gray:
    """A copy on grey paper that is darker to one side, with the grain of a cheap sensor."""
    ink = pen.line(text, 60)
    page = on(np.full((ink.shape[0] + 130, ink.shape[1] + 150), 205.0), ink, (75, 65), 62)
    height, width = page.shape
    page *= light(height, width, dark=0.5, angle=0.5)
    return whole(page + pen.chance.normal(0, 3, page.shape))


def photograph(pen: Pen, texts: list[str]) -> NDArray[np.uint8]:
    """A note photographed askew in warm light, with a shadow over one half."""
    ink = pen.lines(texts, 62)
    page: NDArray[Any] = on(np.full((ink.shape[0] + 190, ink.shape[1] + 200), 236.0), ink, (100, 95), 48)
    height, width = page.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    askew = corners + np.array([[-8, 3], [22, -14], [-4, 16], [14, -6]], np.float32)
    warp = cv2.getPerspectiveTransform(corners, askew)
    page = cv2.warpPerspective(page, warp, (width, height), borderMode=cv2.BORDER_REPLICATE)
    shadow = np.ones_like(page)
    edge = np.array([[0, 0], [width * 0.46, 0], [width * 0.3, height], [0, height]], np.int32)
    cv2.fillPoly(shadow, [edge], 0.62)
    page = page * cv2.GaussianBlur(shadow, (0, 0), 14) * light(height, width, dark=0.8, angle=1.1)
    warm = page[..., None] * np.array([0.86, 0.95, 1.0]) + pen.chance.normal(0, 2.5, (height, width, 1))
    return whole(cv2.GaussianBlur(warm, (0, 0), 0.8))


def lines(pen: Pen) -> list[Sample]:
    """One line of digits a picture."""
    turned = cv2.rotate(sheet(pen.line("60318", 56), 50), cv2.ROTATE_90_COUNTERCLOCKWISE)
    board = sheet(pen.line("4096", 64), 55, paper=38, tone=236)
    return [
        Sample("line-postcode.png", [["10115"]], "a line of five", png(sheet(pen.line("10115", 60), 50))),
        Sample("line-meter.webp", [["0027418"]], "WebP", plain(".webp")(sheet(pen.line("0027418", 50), 40))),
        Sample("line-order.bmp", [["58302"]], "BMP", plain(".bmp")(sheet(pen.line("58302", 40), 24))),
        Sample("line-fax.pgm", [["7731"]], "PGM", plain(".pgm")(sheet(pen.line("7731", 40), 24))),
        Sample("line-board.png", [["4096"]], "chalk on a board: light on dark", png(board)),
        Sample("line-turned.jpg", [["60318"]], "lies on its side; EXIF says so", with_orientation(jpeg(turned), 6)),
        Sample("line-uneven.jpg", [["83926"]], "grey paper, uneven light", jpeg(uneven(pen, "83926"))),
        Sample("forms/ruled.png", [["29475"]], "ruled paper", png(ruled(pen, "29475"))),
        Sample("forms/squared.png", [["6180"]], "squared paper", png(squared(pen, "6180"))),
        Sample("forms/boxes.png", [["314159"]], "a box for each digit", png(boxes(pen, "314159"))),
    ]


def pages(pen: Pen) -> list[Sample]:
    """Several lines, several pages, and what has no digit."""
    three = ["2718", "281828", "459"]
    note = ["5930", "1846", "72"]
    stack = [["1001"], ["2052"], ["3873"]]
    fed = [sheet(pen.line(page[0], 56), 50) for page in stack]
    letter = [["19460", "833"], ["77102"]]
    typed = [sheet(pen.lines(page, 56), 70) for page in letter]
    paper = np.full((280, 420), 247.0) + pen.chance.normal(0, 1.5, (280, 420))
    cut = png(sheet(pen.line("481516", 70), 50))
    return [
        Sample("page-three-lines.png", [three], "three lines", png(sheet(pen.lines(three, 50), 60))),
        Sample("page-photograph.jpg", [note], "a note, photographed askew in warm light", jpeg(photograph(pen, note))),
        Sample("stack.tif", stack, "a TIFF of three pages", tiff(fed)),
        Sample("letter.pdf", letter, "a PDF of two pages", pdf(typed, 150)),
        Sample("evening/scan.png", [["1"]], "the same name in a subfolder", png(sheet(pen.digit("1", 80), 40))),
        Sample("blank.png", [[]], "paper, and nothing on it", png(whole(paper))),
        Sample("cut-short.png", None, "a line of digits, whose file ends in the middle", cut[: len(cut) // 2]),
        Sample("cards/1.png", [["48151623"]], "a number of eight digits", png(sheet(pen.line("48151623", 48), 40))),
        Sample("cards/2.png", [["481516234"]], "one digit too many", png(sheet(pen.line("481516234", 48), 40))),
    ]


def main() -> None:
    """Write the samples and their labels."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--mnist", type=Path, required=True, metavar="FOLDER", help="MNIST's idx files")
    arguments.add_argument("--out", type=Path, default=HERE, metavar="FOLDER", help="where the samples go")
    chosen = arguments.parse_args()
    mnist = from_folder(chosen.mnist)
    pen = Pen(mnist.test_images, mnist.test_labels)
    made = [*singles(pen), *lines(pen), *pages(pen)]
    for sample in made:
        file = chosen.out / sample.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(sample.data)
    with open(chosen.out / "labels.csv", "w", encoding="utf-8", newline="") as table:
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["path", "label", "what"])
        for sample in made:
            if sample.pages is not None:
                label = "__".join("_".join(page) for page in sample.pages)
                writer.writerow([sample.path, label, sample.what])
    print(f"{len(made)} samples, {sum(len(sample.data) for sample in made):,} bytes")


if __name__ == "__main__":
    main()
