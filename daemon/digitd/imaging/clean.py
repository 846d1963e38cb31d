"""A gray page to its ink: dark on light or light on dark, light uneven, paper coloured, noisy or ruled."""

from dataclasses import dataclass

import cv2
import numpy as np

from digitd.imaging.background import Levels, dark_on_light, flat_paper, levels_of, paper_of
from digitd.imaging.contrast import contrast_of
from digitd.imaging.edges import without_walls
from digitd.imaging.evidence import coherent, lone_contrast
from digitd.imaging.forms import without_forms
from digitd.imaging.frames import without_frames
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.labels import Labels, labelled
from digitd.imaging.mending import with_strokes
from digitd.imaging.rings import without_rings
from digitd.imaging.rules import without_rules
from digitd.imaging.underlines import without_underlines

LARGEST = 1600
"""Longer side of the working size, px: a digit of 2 % of the page still has 32 px."""
PEN = 1.2
"""What lies in noise is looked for in means over a pen's width: a Gaussian's of this deviation, px, have a quarter of
the noise (1 / (2 sqrt(pi) times this)), and strokes of 3 px keep four fifths of their contrast."""
WEAK, FULL = 0.22, 0.7
"""Below and above these shares of the ink's contrast a pixel is all paper and all ink."""
INK = 0.36
"""The share of the ink's contrast from which a pixel counts as ink."""


@dataclass(frozen=True)
class Ink:
    """What is written on a page.

    `ink` is (H', W') uint8, 0 for paper and 255 for full ink; `mask` is (H', W') uint8, 1 where there is ink; `scale`
    is the page's pixels per pixel of these, 1.0 or more; `page` the page's own (width, height); `labels` the mask's
    parts, where they are known already.
    """

    ink: Gray
    mask: Gray
    scale: float
    page: tuple[int, int]
    labels: Labels | None = None


@dataclass(frozen=True)
class Stages:
    """A page on its way to its ink, each (H', W') uint8 at the working size.

    `page` is dark on light; `flattened` and `lighter` are how much darker and lighter than the paper each pixel is;
    `found` the mask of all that stands out of the paper, frames and ruled lines with it; `ink` what is left without
    those.
    """

    page: Gray
    flattened: Gray
    lighter: Gray
    found: Gray
    ink: Ink


def clean(page: Gray) -> Ink:
    """Find the ink of a page (H, W) uint8 from 1x1. A page with nothing on it has no ink: its `mask` is all zero.

    The illumination is flattened by dividing by the paper's, estimated at small scale where there is no ink; what
    counts as ink is judged against the paper's noise; ruled lines are removed.
    """
    return stages(page).ink


def stages(page: Gray, size: tuple[int, int] | None = None) -> Stages:
    """What `clean` does, step by step, to a page whose own (width, height) is SIZE: it may be decoded smaller, but not
    smaller than the working size."""
    width, height = size or page.shape[::-1]
    scale = max(1.0, max(height, width) / LARGEST)
    if scale > 1:
        size = (max(1, round(width / scale)), max(1, round(height / scale)))
        page = as_gray(cv2.resize(page, size, interpolation=cv2.INTER_AREA))
    page, levels = dark_on_light(page)
    flattened, lighter = _flattened(page, levels)
    judged, lone = contrast_of(flattened, lighter), False
    if judged is None and min(page.shape) >= MIN_RULED:
        # A stroke is more than a pixel: the mean around each has less noise, and nearly as much ink.
        blurred = as_gray(cv2.GaussianBlur(page, (0, 0), PEN))
        smooth, smooth_lighter = _flattened(blurred, levels_of(blurred))
        judged = contrast_of(smooth, smooth_lighter)
        if judged is None:
            judged, lone = lone_contrast(flattened, lighter), True
            if judged is None:
                judged = lone_contrast(smooth, smooth_lighter)
                flattened = flattened if judged is None else smooth
        else:
            flattened = smooth
    if judged is None:
        nothing = np.zeros(page.shape, np.uint8)
        return Stages(page, flattened, lighter, nothing, Ink(nothing, nothing, scale, (width, height)))
    contrast, floor = judged
    found = mask = _mask(flattened, contrast, floor)
    darker, parts = flattened, labelled(mask)
    if lone:
        found = mask = coherent(mask, parts, flattened)
        parts = labelled(mask)
    labels = parts
    written = without_walls(mask, parts)
    if min(mask.shape) >= MIN_RULED:
        written = without_rings(written, parts)
        faint: Gray | None = None
        if len(parts.boxes) >= MIN_PARTS:
            faint = as_gray(cv2.threshold(flattened, max(floor, FAINT * contrast) - 0.5, 1, cv2.THRESH_BINARY)[1])
            written = without_forms(written, faint)
        written = without_frames(written, parts if written is mask else labelled(written))
        if faint is not None and written is not mask:
            faint = as_gray(cv2.subtract(faint, cv2.subtract(mask, written)))
        written = without_rules(written, faint)
        written = without_underlines(written, parts if written is mask else labelled(written))
    if written is not mask:
        written = with_strokes(written, mask, darker)
        darker = as_gray(np.where(mask > written, 0, darker))
        labels = labelled(written)
        mask = as_gray(np.zeros_like(written)) if _is_dust(labels, written.shape) else written
        labels = labels if mask is written else labelled(mask)
    ink = Ink(_soft(darker, mask, contrast, floor), mask, scale, (width, height), labels)
    return Stages(page, flattened, lighter, found, ink)


DUST, DUST_SHARE = 4, 0.012
"""What print leaves is crumbs and dust where all of it is smaller than so many px, or than this share of the page's
shorter side: a digit of 2 % of a sheet's height is twice as tall."""
DARKEST = 48
"""Unevenly lit paper is not brightened as if it were darker than this (of 255)."""
MIN_RULED = 50
"""Nobody photographs ruled paper at fewer pixels than this."""
MIN_PARTS = 3
"""A row of boxes or a comb with digits in it, or pale rules in pieces, are at least so many parts."""
FAINT = 0.18
"""Pale print is whole from half of the share of the ink's contrast from which a pixel counts as ink."""


def _is_dust(found: Labels, shape: tuple[int, ...]) -> bool:
    """Whether all parts of a page of that shape are crumbs."""
    least = max(DUST, DUST_SHARE * min(shape))
    return bool((found.boxes[:, 2:4] < least).all())


def _flattened(page: Gray, levels: Levels) -> tuple[Gray, Gray]:
    """How much darker, and how much lighter, than the paper each pixel is, of 255 where the
    paper is flat, of 200 elsewhere."""
    level = flat_paper(page, levels)
    if level is not None:
        gain = 255 / max(level, 1)
        difference = (level - np.arange(256)) * gain
        tables = [np.clip(table, 0, 255).astype(np.uint8) for table in (difference, -difference)]
        return as_gray(cv2.LUT(page, tables[0])), as_gray(cv2.LUT(page, tables[1]))
    paper = paper_of(page)
    # Where paper is nearly black, dividing by it would make ink of its noise.
    least = np.maximum(paper, DARKEST).astype(np.uint8)
    darker = cv2.divide(cv2.subtract(paper, page), least, scale=200)
    return as_gray(darker), as_gray(cv2.divide(cv2.subtract(page, paper), least, scale=200))


def _mask(darker: Gray, contrast: float, floor: float) -> Gray:
    threshold = max(floor, INK * contrast)
    return as_gray(cv2.threshold(darker, threshold - 0.5, 1, cv2.THRESH_BINARY)[1])


def _soft(darker: Gray, mask: Gray, contrast: float, floor: float) -> Gray:
    """The ink with its soft edges, stretched to 0..255, and nothing away from the mask."""
    low = max(floor / 2, WEAK * contrast)
    high = max(low + 1, FULL * contrast)
    table = np.clip((np.arange(256) - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    near = cv2.dilate(mask, np.ones((3, 3), np.uint8))
    return as_gray(cv2.LUT(darker, table) * near)
