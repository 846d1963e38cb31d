"""Draw docs/pictures/: the stages of one page, and each named case of tests/cases: `python docs/pictures.py`.

The same pictures come out each time, up to the OpenCV and the bundle at hand.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.clean import stages
from digitd.imaging.decode import Limits, pages
from digitd.imaging.normalise import normalise
from digitd.recognition.bundle import Bundle, shipped
from digitd.recognition.reader import Reader, ScanInput, open_reader
from digitd.results import Glyph

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))
from cases import CASES, drawn, file_of  # noqa: E402 - the cases are no part of the installed package

Image = NDArray[np.uint8]

FOLDER = Path(__file__).parent / "pictures"
LIMITS = Limits(10**8, 10**8, 10)
SEED = 0
WIDTH, HEIGHT = 250, 96
"""A panel of a case's picture, px."""
GROUND, BOX, TEXT = (246, 246, 246), (40, 40, 220), (60, 60, 60)


def main() -> None:
    """Write every picture anew."""
    FOLDER.mkdir(exist_ok=True)
    reader = open_reader(Bundle.load(shipped()), "litert", LIMITS)
    for name, picture in stage_pictures(reader).items():
        save(FOLDER / f"stage-{name}.png", picture)
    for name in CASES:
        save(FOLDER / f"{name}.jpg", case_picture(name, reader))


def stage_pictures(reader: Reader) -> dict[str, Image]:
    """One page on ruled paper, askew and in a shadow, as each stage leaves it."""
    page, _ = drawn("ruled_paper_askew", SEED)
    assert not isinstance(page, bytes)
    x = np.linspace(0, 1, page.shape[1])
    page = np.clip(page * (1 - 0.5 / (1 + np.exp((0.6 - x) * 60))), 0, 255).astype(np.uint8)
    (decoded,) = pages(file_of(page), LIMITS)
    done = stages(decoded)
    glyphs = read(reader, file_of(page))
    ink = 255 - done.ink.ink
    crops = [done.ink.ink[y : y + height, x : x + width] for x, y, width, height in (one.box for one in glyphs)]
    return {
        "decoded": decoded,
        "flattened": 255 - done.flattened,
        "found": 255 - 255 * done.found,
        "ink": ink,
        "marks": boxed(ink, glyphs),
        "28x28": in_a_row([cv2.resize(255 - normalise(crop), None, fx=3, fy=3, interpolation=0) for crop in crops]),
        "confidence": in_a_row([bars(glyph, max(len(one.alternatives) for one in glyphs)) for glyph in glyphs]),
    }


def case_picture(name: str, reader: Reader) -> Image:
    """A case's page, and beside it the ink that is found, with a box around each digit that is read."""
    page, _ = drawn(name, SEED)
    (decoded,) = pages(file_of(page), LIMITS)
    done = stages(decoded)
    ink = 255 - done.ink.ink
    scale = done.ink.scale
    return in_a_row([panel(shown(page)), panel(boxed(ink, read(reader, file_of(page)), scale))])


def read(reader: Reader, data: bytes) -> Sequence[Glyph]:
    """The digits of a page."""
    (outcome,) = reader.read([ScanInput("page", data)])
    return [glyph for reading in outcome.pages for glyph in reading.glyphs]


def shown(page: Image | bytes) -> Image:
    """A page as it is stored: not turned, and on squares where it is transparent."""
    if not isinstance(page, bytes):
        return page
    image: Any = cv2.imdecode(np.frombuffer(page, np.uint8), cv2.IMREAD_UNCHANGED)
    if image.ndim == 3 and image.shape[2] == 4:
        y, x = np.mgrid[: image.shape[0], : image.shape[1]] // 8
        squares = np.where((x + y) % 2, 210, 245)[..., None]
        alpha = image[..., 3:] / 255
        image = image[..., :3] * alpha + squares * (1 - alpha)
    return np.asarray(image, np.uint8)


def boxed(ink: Image, glyphs: Sequence[Glyph], scale: float = 1) -> Image:
    """Ink with a box around each digit."""
    picture = coloured(ink)
    thick = max(1, round(max(ink.shape) / 500))
    for glyph in glyphs:
        x, y, width, height = (round(value / scale) for value in glyph.box)
        cv2.rectangle(picture, (x - 1, y - 1), (x + width, y + height), BOX, thick)
    return picture


def bars(glyph: Glyph, others: int) -> Image:
    """How probable the digit that is read is, and below it those that it may be instead."""
    picture = np.full((30 + 24 * others, 84, 3), 255, np.uint8)
    known = [(glyph.digit, glyph.confidence), *((one.digit, one.confidence) for one in glyph.alternatives)]
    for row, (digit, probability) in enumerate(known):
        y = 20 + 24 * row
        cv2.putText(picture, digit, (4, y), cv2.FONT_HERSHEY_SIMPLEX, 0.55, TEXT, 1, cv2.LINE_AA)
        cv2.rectangle(picture, (22, y - 11), (22 + round(56 * probability), y), BOX if row == 0 else TEXT, -1)
    return picture


def panel(image: Image) -> Image:
    """An image brought to a panel's size: small ones grow by whole steps, so that their pixels can be seen."""
    factor = min(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    factor = float(int(factor)) if factor >= 2 else min(factor, 1.0)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST
    small = coloured(np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=how), np.uint8))
    picture = np.full((HEIGHT, WIDTH, 3), GROUND, np.uint8)
    y, x = (HEIGHT - small.shape[0]) // 2, (WIDTH - small.shape[1]) // 2
    picture[y : y + small.shape[0], x : x + small.shape[1]] = small
    return picture


def in_a_row(images: Sequence[Any]) -> Image:
    """Images of one height beside each other."""
    gap = np.full((images[0].shape[0], 6, 3), GROUND, np.uint8)
    row = [part for image in images for part in (coloured(image), gap)]
    return np.asarray(np.concatenate(row[:-1], 1), np.uint8)


def coloured(image: NDArray[Any]) -> Image:
    """A copy with three channels."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image.copy(), np.uint8)


def save(path: Path, picture: Image) -> None:
    """Write a picture, small."""
    options = [cv2.IMWRITE_JPEG_QUALITY, 72] if path.suffix == ".jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 9]
    path.write_bytes(cv2.imencode(path.suffix, picture, options)[1].tobytes())


if __name__ == "__main__":
    main()
