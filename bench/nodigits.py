"""Pictures without a digit: letters, words, scribbles, blank paper, print, drawings, table edges. Seeded, pure.

Left out are letters that are a digit's shape, for nobody could say that they are none: O o Q D (0), I i l | (1),
Z z (2), S s (5), G b (6), T (7 in a hurry), B (8), g q y (9), and a, whose bowl is a 9's or a 0's when written loosely.
Within a word of other letters they stand: no word is a number.
"""

import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import glyphs
import numpy as np
import paper
from ink import Mask
from paper import Image
from scene import INKS, WHITE, Random

FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)  # fmt: skip
LETTERS = "ACEFHJKLMNPRUVWXYcdefhkmnprtuvwx"
SIGNS = "&%@#?+=*"
WORDS = (
    "paper", "number", "total", "street", "Name", "Date", "kitchen", "window", "Thursday", "received", "with thanks",
    "farmer", "Mueller", "quickly", "letter", "hand", "from", "Amount", "Ref", "yes", "never", "copy", "VAT", "Page",
)  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """One picture: its kind, its pixels (H, W, 3) uint8, its file."""

    kind: str
    image: Image
    data: bytes
    ending: str


def pictures(count: int, seed: int = 0, only: Sequence[str] = ()) -> Iterator[Picture]:
    """COUNT pictures of each kind (or of those in ONLY)."""
    for kind in only or KINDS:
        for number in range(count):
            random = np.random.default_rng([seed, zlib.crc32(kind.encode()), number])
            image = KINDS[kind](random)
            if random.random() < 0.5:
                yield Picture(kind, image, paper.jpeg(image, int(random.integers(60, 95))), ".jpg")
            else:
                yield Picture(kind, image, paper.png(image), ".png")


def letters(random: Random) -> Image:
    """One to four letters or signs, in a font bent as a hand bends it, or stroke by stroke."""
    height = random.uniform(40, 120)
    marks = []
    for _ in range(int(random.integers(1, 5))):
        if random.random() < 0.5:
            marks.append(glyphs.written(random, _pick(random, tuple(glyphs.STROKES)), height))
        else:
            marks.append(_bent(random, _printed(random, _pick(random, LETTERS + SIGNS), height), 0.04))
    return _shown(random, _line(random, marks, height))


def words(random: Random) -> Image:
    """A word or two in a bent font."""
    height = random.uniform(24, 70)
    marks = [_bent(random, _printed(random, _pick(random, WORDS), height), 0.03) for _ in range(random.integers(1, 3))]
    return _shown(random, _line(random, marks, height))


def scribbles(random: Random) -> Image:
    """A pen moved to and fro: zigzags, tangles, waves, crossings-out."""
    size = int(random.integers(80, 400))
    points = glyphs.scribble(random)
    mask = np.zeros((size, size), np.float32)
    glyphs.stroke(mask, points * size * 0.8 + size * 0.1, max(1.5, size * random.uniform(0.01, 0.03)))
    return _shown(random, mask)


def blank(random: Random) -> Image:
    """Paper, with noise and perhaps a shadow, rules, squares, or empty boxes."""
    shape = (int(random.integers(80, 700)), int(random.integers(80, 900)))
    mask = np.zeros(shape, np.float32)
    what = int(random.integers(5))
    step = random.uniform(0.06, 0.25) * min(shape)
    if what in (1, 2):
        for y in np.arange(step, shape[0], step):
            cv2.line(mask, (0, int(y)), (shape[1], int(y)), 1.0, 1)
    if what == 2:
        for x in np.arange(step, shape[1], step):
            cv2.line(mask, (int(x), 0), (int(x), shape[0]), 1.0, 1)
    if what == 3:
        side = int(max(20, step * 1.5))
        for number in range(int(random.integers(3, 9))):
            x, y = 12 + number * (side + int(step * 0.2)), int(shape[0] * 0.3)
            if x + side < shape[1] - 4 and y + side < shape[0] - 4:
                cv2.rectangle(mask, (x, y), (x + side, y + side), 1.0, int(random.integers(1, 3)))
    return _shown(random, mask, faint=True)


def printed_text(random: Random) -> Image:
    """A printed page: lines of words."""
    height = random.uniform(16, 40)
    lines = []
    for _ in range(int(random.integers(3, 9))):
        text = " ".join(_pick(random, WORDS) for _ in range(int(random.integers(3, 7))))
        lines.append(_printed(random, text, height, font=FONTS[int(random.integers(4))]))
    step = math.ceil(height * 1.7)
    mask = np.zeros((step * (len(lines) + 1), max(line.shape[1] for line in lines) + 2 * step), np.float32)
    for number, line in enumerate(lines):
        y = step // 2 + number * step
        fit = min(line.shape[0], mask.shape[0] - y)
        mask[y : y + fit, step : step + line.shape[1]] = line[:fit]
    return _shown(random, mask)


def drawings(random: Random) -> Image:
    """A face, an arrow, a star, a house, a heart, a tick, a flower."""
    size = int(random.integers(100, 400))
    mask = np.zeros((size, size), np.float32)
    width = max(1.5, size * random.uniform(0.012, 0.035))
    for points in glyphs.drawing(random):
        glyphs.stroke(mask, points * size * 0.7 + size * 0.15, width)
    return _shown(random, mask)


def edges(random: Random) -> Image:
    """Paper that ends before the picture does: a dark table beside or below it, or a corner of a frame."""
    height, width = int(random.integers(150, 700)), int(random.integers(150, 700))
    picture = paper.sheet(random, (height, width), WHITE, 1.5)
    table = np.array([random.uniform(20, 110) for _ in range(3)], np.float32)
    angle = math.radians(random.uniform(-8, 8))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    for _ in range(int(random.integers(1, 3))):
        across, along, length = (x, y, width) if random.random() < 0.5 else (y, x, height)
        at = length * random.uniform(0.75, 0.95)
        beyond = np.clip((across - at) * math.cos(angle) + along * math.sin(angle), 0, 1)[..., None]
        picture = picture * (1 - beyond) + table * beyond
    return paper.photographed(random, np.asarray(picture, np.float32))


KINDS: dict[str, Callable[[Random], Image]] = {
    making.__name__: making for making in (letters, words, scribbles, blank, printed_text, drawings, edges)
}
"""Every kind of picture by its name."""


def _pick(random: Random, of: Sequence[str]) -> str:
    return of[int(random.integers(len(of)))]


def _printed(random: Random, text: str, height: float, font: int | None = None) -> Mask:
    """Text in one of OpenCV's fonts, capitals HEIGHT px high."""
    chosen = FONTS[int(random.integers(len(FONTS)))] if font is None else font
    scale = height / 22
    thickness = max(1, round(height * random.uniform(0.02, 0.06)))
    (width, tall), below = cv2.getTextSize(text, chosen, scale, thickness)
    mask = np.zeros((tall + below + 4 * thickness + 8, width + 4 * thickness + 8), np.uint8)
    cv2.putText(mask, text, (2 * thickness + 4, tall + 2 * thickness + 2), chosen, scale, 255, thickness, cv2.LINE_AA)
    return np.asarray(mask / np.float32(255), np.float32)


def _bent(random: Random, mask: Mask, amount: float) -> Mask:
    """Slanted, turned, and pulled about by up to AMOUNT of its height, as handwriting differs from print."""
    height, width = mask.shape
    side = round(height * 0.35)
    mask = np.pad(mask, side)
    grid = (mask.shape[0] // max(8, height // 3) + 2, mask.shape[1] // max(8, height // 3) + 2)
    shifts = [
        cv2.resize(
            random.normal(0, amount * height, grid).astype(np.float32), mask.shape[::-1], interpolation=cv2.INTER_CUBIC
        )
        for _ in range(2)
    ]
    y, x = np.mgrid[0 : mask.shape[0], 0 : mask.shape[1]].astype(np.float32)
    slant = random.uniform(-0.1, 0.3)
    x = x + slant * (y - mask.shape[0] / 2) + shifts[0]
    y = y + random.uniform(-0.06, 0.06) * (x - width / 2) + shifts[1]
    return np.asarray(cv2.remap(mask, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR), np.float32)


def _line(random: Random, marks: Sequence[Mask], height: float) -> Mask:
    """Marks side by side on a page with margins."""
    gap = round(height * 0.2)
    edge = [round(height * share) for share in random.uniform(0.3, 1.5, 4)]
    tall = max(mark.shape[0] for mark in marks)
    mask = np.zeros((tall + edge[0] + edge[1], sum(m.shape[1] + gap for m in marks) + edge[2] + edge[3]), np.float32)
    x = edge[2]
    for mark in marks:
        y = edge[0] + (tall - mark.shape[0]) // 2
        mask[y : y + mark.shape[0], x : x + mark.shape[1]] = mark
        x += mark.shape[1] + gap
    return mask


def _shown(random: Random, mask: Mask, faint: bool = False) -> Image:
    """The ink on paper, as a scanner or a camera sees it."""
    tone = random.uniform(0.85, 1)
    under = paper.sheet(random, (mask.shape[0], mask.shape[1]), (WHITE[0] * tone, WHITE[1] * tone, WHITE[2] * tone))
    ink = np.array((random.uniform(120, 190),) * 3 if faint else INKS[_pick(random, tuple(INKS))], np.float32)
    alpha = np.clip(mask, 0, 1)[..., None]
    picture = np.asarray(under * (1 - alpha) + ink * alpha, np.float32)
    if random.random() < 0.25:
        picture *= paper.shadow(random, (mask.shape[0], mask.shape[1]))[..., None]
    return paper.photographed(random, picture, noise=random.uniform(0.5, 5))
