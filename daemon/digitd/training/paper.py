"""A digit on a synthetic sheet, seen by a scanner or a camera, and cleaned by the product's own imaging.

What `clean` leaves of real pictures has halos, holes, grain and lost hairlines; the network must have seen them.
A sheet is drawn on a screen, scanned or photographed, and each of these has its own paper, light and lens.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from digitd.imaging.clean import Ink, clean
from digitd.imaging.gray import as_gray
from digitd.training import sheet as steps
from digitd.training.sheet import Image, Rng


@dataclass(frozen=True)
class Source:
    """How one kind of sheet becomes a picture; all but `share`, `paper` and `noise` are probabilities."""

    share: float
    paper: tuple[int, int]
    """Brightness where the light is full; yellowed and tinted paper are darker in gray."""
    light: float
    """Uneven light, a vignette or a shadow."""
    grain: float
    noise: float
    """Largest standard deviation of the noise, gray levels."""
    blur: float
    tilt: float
    """Laid askew, or seen from the side."""
    specks: float


SCREEN = Source(0.34, (240, 256), light=0, grain=0.04, noise=2, blur=0.25, tilt=0, specks=0.02)
"""Drawn with a mouse or a stylus: paper of one level, most often white; what happens to it is resampling and JPEG."""
SCANNER = Source(0.28, (205, 256), light=0.15, grain=0.7, noise=4, blur=0.4, tilt=0.3, specks=0.12)
"""An even lamp and a still sheet."""
CAMERA = Source(0.38, (80, 235), light=0.75, grain=0.85, noise=6, blur=0.6, tilt=0.6, specks=0.06)
"""The light of a room, on any paper, from any side."""
SOURCES = (SCREEN, SCANNER, CAMERA)
SHARES = [source.share for source in SOURCES]
WHITE = 0.7
"""Share of the screens whose paper is white to the last pixel."""

PENS = (None, steps.felt, steps.pencil, steps.ballpoint, steps.fading)
PEN_SHARES = 0.42, 0.12, 0.18, 0.18, 0.1
"""Most pens leave an even line."""
RULED, BOXED = 0.035, 0.045
"""Few, since at this size little of the lines is found and taken out: no digit should look as if it had a line."""
MARGIN = 0.1, 0.8
"""Paper beside the digit, in its longer sides; small margins are likelier: sheets are cut near, and small is quick."""
FAINT, FAINT_SHARE = (12, 40), 0.13
"""Gray levels between ink and paper for pastel and hard pencils; 12 is what an eye just reads."""
LEAST_CONTRAST = 40
"""Usual ink stands out of its paper by at least so many gray levels."""
READABLE = 9
"""The noise is so many times less than the ink's contrast: what nobody can read teaches nothing."""
INVERTED = 0.18
"""Chalk, white pens and drawing programs with a black page."""
SMALL, SMALL_SHARE = (20, 60), 0.55
"""Heights that thumbnails and low resolutions leave a digit, px, and how often: much of what people scan is small."""
JPEG_SHARE, ENLARGED_SHARE = 0.5, 0.25
"""Files with losses; and reduced pictures that somebody has enlarged again."""
KEPT = 0.8
"""Less of the drawn ink than this after cleaning is a fragment that nobody could name."""
OWN = 0.85
"""So much of what is left must be near where the digit was drawn: else it is a line or a stain with a digit on it."""
NEAR = 0.1
"""Near is this share of the digit's longer side."""


def on_paper(ink: Image, rng: Rng) -> Image | None:
    """A digit as a pen leaves it, after paper, lens, file and `clean`: a crop for `normalise`.

    `ink` is (h, w) uint8 of 20 to 130 px, 0 for nothing and 255 for full ink. Returns (h', w') uint8, 0 for paper and
    255 for full ink; None where cleaning leaves too little of the digit, or more of other things. The same generator
    state gives the same picture.
    """
    if not ink.any():
        return None
    page, drawn = sheet(ink, rng)
    return found(clean(page), drawn)


def sheet(ink: Image, rng: Rng) -> tuple[Image, Image]:
    """A picture (H, W) uint8 of a sheet with the digit on it, and the digit as it lies there, (H, W) uint8, 0..255."""
    source = SOURCES[steps.pick(SHARES, rng)]
    x, y, width, height = cv2.boundingRect(ink)
    ink, size = ink[y : y + height, x : x + width], max(width, height)
    left, top, right, bottom = ((MARGIN[0] + (MARGIN[1] - MARGIN[0]) * rng.beta(1, 2.5, 4)) * size).astype(int).tolist()
    drawn = as_gray(cv2.copyMakeBorder(ink, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0))
    pen = PENS[steps.pick(PEN_SHARES, rng)]
    written = drawn.copy() if pen is None else pen(drawn, size, rng)
    printed = rng.random()
    if printed < RULED:
        steps.ruled(written, size, rng)
    elif printed < RULED + BOXED:
        steps.boxed(written, size, rng)
    if rng.random() < source.tilt:
        written, drawn = steps.tilted((written, drawn), rng)
    if rng.random() < source.blur:
        written = steps.blurred(written, size, rng)
    scale = rng.uniform(*SMALL) / size if rng.random() < SMALL_SHARE else 1.0
    if scale < 1:
        written, drawn = steps.reduced(written, scale, rng), steps.resized(drawn, scale, cv2.INTER_AREA)
    page = _lit(written, source, rng)
    if rng.random() < source.specks:
        steps.specked(page, rng)
    if rng.random() < JPEG_SHARE:
        page = steps.compressed(page, rng)
    if scale < 1 and rng.random() < ENLARGED_SHARE:
        page, drawn = steps.enlarged((page, drawn), rng)
    return as_gray(cv2.bitwise_not(page)) if rng.random() < INVERTED else page, drawn


def _lit(written: Image, source: Source, rng: Rng) -> Image:
    """Ink (H, W) on its paper, in its light, as a sensor sees it: brightness (H, W) uint8."""
    paper = int(rng.integers(*source.paper))
    if source is SCREEN and rng.random() < WHITE:
        paper = 255
    usual = rng.uniform(max(LEAST_CONTRAST, 0.3 * paper), paper)
    contrast = float(rng.uniform(*FAINT) if rng.random() < FAINT_SHARE else usual)
    levels = (paper - contrast / 255 * np.arange(256)).astype(np.float32)
    page = np.asarray(cv2.LUT(written, levels), np.float32)
    if rng.random() < source.light:
        page *= steps.light(page.shape, rng)
    if rng.random() < source.grain:
        page += steps.noise(page.shape, min(rng.uniform(0.3, source.noise), contrast / READABLE), rng)
    return np.clip(np.rint(page), 0, 255).astype(np.uint8)


def found(cleaned: Ink, drawn: Image) -> Image | None:
    """The connected parts of the cleaned ink that lie where the digit was drawn; None if that is not the digit."""
    where = as_gray(cv2.threshold(drawn, 100, 1, cv2.THRESH_BINARY)[1])
    kept = cv2.countNonZero(cv2.bitwise_and(where, cleaned.mask))
    if not kept or kept < KEPT * cv2.countNonZero(where):
        return None
    count, labels = cv2.connectedComponents(cleaned.mask, connectivity=8)
    ink, mask = cleaned.ink, cleaned.mask
    if count > 2:
        own = np.zeros(count, np.uint8)
        own[labels[where > 0]] = 1
        own[0] = 0
        mask = own[labels]
        others = cv2.subtract(cleaned.mask, mask)
        ink = as_gray(ink * cv2.subtract(cv2.dilate(mask, np.ones((3, 3), np.uint8)), others))
    reach = 2 * max(1, round(NEAR * max(cv2.boundingRect(where)[2:]))) + 1
    near = cv2.dilate(where, np.ones((reach, reach), np.uint8))
    if cv2.countNonZero(cv2.bitwise_and(near, mask)) < OWN * cv2.countNonZero(mask):
        return None
    x, y, width, height = cv2.boundingRect(ink)
    return ink[y : y + height, x : x + width]
