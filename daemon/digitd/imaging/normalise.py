"""A glyph's ink to the 28x28 form the network was trained on: MNIST's, by QMNIST's recipe.

Tight box, area-weighted resampling to 20 px, peak 255, placed by centre of mass.
"""

import math

import cv2
import numpy as np

from digitd.imaging.gray import Gray, as_gray

SIDE = 28
"""Width and height of the output, px."""
INNER = 20
"""The longer side of the ink in the output, px."""
CENTRE = 14
"""Index of the row and column that the centre of mass is put at."""

FAINTEST = 24
"""Ink below this share (of 255, of the peak) is a halo of the resampling or of JPEG, and does not widen the box."""
THIN, WIDENED = 1.9, 2.2
"""MNIST's strokes are 1.75 to 3.9 px wide (5th to 95th percentile): thinner ones are widened."""
THICK, THINNED = 4.6, 4.0
"""Strokes thicker than MNIST's 99th percentile are thinned, so that the loops of 6, 8 and 9 stay open."""
MAX_THINNING = 0.4
"""The share of a stroke's width that thinning may take: more would tear its thin parts."""
MAX_ON_FRAME = 8
"""As many pixels of the outermost rows and columns have ink in MNIST, where a glyph is far off its centre of mass."""
WORKING = 160
"""Larger glyphs are first reduced to about this, px."""


def normalise(ink: Gray) -> Gray:
    """Bring one glyph to MNIST's form.

    `ink` is (H, W) uint8 of any size from 1x1, 0 for paper and 255 for full ink, cropped tightly or loosely.
    Returns (28, 28) uint8: the ink's longer side 20 px, its peak 255, its centre of mass within 13.5..14.5 in both
    axes unless that would push ink over the edge. Ink that is all zero gives zeros.
    Source: the reconstruction of MNIST's preprocessing in facebookresearch/qmnist; stroke widths were measured
    on MNIST's images.
    """
    out = np.zeros((SIDE, SIDE), np.uint8)
    glyph = _tight(ink)
    if glyph is None:
        return out
    glyph = _with_usual_strokes(_reduced(glyph))
    height, width = glyph.shape
    scale = INNER / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if scale < 1:
        glyph = as_gray(cv2.resize(glyph, size, interpolation=cv2.INTER_AREA))
    elif scale > 1:
        glyph = _enlarged(glyph, size)
    if not glyph.any():
        return out
    glyph = _full_contrast(glyph)
    moments = cv2.moments(glyph)
    total = moments["m00"]
    height, width = glyph.shape
    left = _placed(moments["m10"] / total, width)
    top = _placed(moments["m01"] / total, height)
    out[top : top + height, left : left + width] = glyph
    return out


def is_mnist_like(page: Gray) -> bool:
    """Whether a page (H, W) uint8 is in MNIST's form already, and so must reach the network unchanged.

    That is 28x28, light ink on black, a black frame, a full peak, and the longer side and the centre of mass as in
    MNIST's test set (FIELD-NOTES, section 5).
    """
    if page.shape != (SIDE, SIDE) or page.max() < 250:
        return False
    frame = (page[0], page[-1], page[:, 0], page[:, -1])
    if sum(np.count_nonzero(side) for side in frame) > MAX_ON_FRAME or page[::27, ::27].any():
        return False
    _, _, width, height = cv2.boundingRect(page)
    if not INNER - 1 <= max(width, height) <= INNER:
        return False
    moments = cv2.moments(page)
    x, y = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    return bool(abs(x - CENTRE) <= 0.6 and abs(y - CENTRE) <= 0.6 and cv2.countNonZero(page) < INNER * INNER * 0.8)


def _tight(ink: Gray) -> Gray | None:
    """The part of the crop that has ink, or None."""
    peak = int(ink.max()) if ink.size else 0
    if peak == 0:
        return None
    _, mask = cv2.threshold(ink, peak * FAINTEST // 255, 255, cv2.THRESH_BINARY)
    x, y, width, height = cv2.boundingRect(mask)
    tight = ink[y : y + height, x : x + width]
    # Faint ink must not be rounded to nothing on the way.
    return tight if peak > 127 else as_gray(cv2.convertScaleAbs(tight, alpha=255 / peak))


def _reduced(glyph: Gray) -> Gray:
    """A large glyph at a working size; hairlines are spread first, since averaging would make them vanish."""
    factor = max(glyph.shape) / WORKING
    if factor < 2:
        return glyph
    reach = math.ceil(factor)
    if stroke_width(glyph) < 2 * factor:
        padded = cv2.copyMakeBorder(glyph, reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=0)
        glyph = as_gray(cv2.dilate(padded, np.ones((reach, reach), np.uint8)))
    size = (max(1, round(glyph.shape[1] / factor)), max(1, round(glyph.shape[0] / factor)))
    small = _tight(as_gray(cv2.resize(glyph, size, interpolation=cv2.INTER_AREA)))
    return glyph if small is None else small


def stroke_width(glyph: Gray) -> float:
    """The mean width of the strokes, px: twice the area by the outline's length.

    The outline's length is the total variation; 4/pi corrects its taxicab metric for strokes of all directions.
    """
    variation = cv2.norm(glyph[1:], glyph[:-1], cv2.NORM_L1) if glyph.shape[0] > 1 else 0.0
    variation += cv2.norm(glyph[:, 1:], glyph[:, :-1], cv2.NORM_L1) if glyph.shape[1] > 1 else 0.0
    # The crop is tight: what touches its edge ends there, and has an outline there.
    edges = (glyph[0], glyph[-1], glyph[:, 0], glyph[:, -1])
    variation += sum(int(edge.sum(dtype=np.int64)) for edge in edges)
    return 8 / math.pi * float(cv2.sumElems(glyph)[0]) / max(variation, 1.0)


def _with_usual_strokes(glyph: Gray) -> Gray:
    """Widen hair strokes, or thin very thick ones, to what MNIST has once the glyph is 20 px."""
    unit = max(glyph.shape) / INNER
    width = stroke_width(glyph)
    if width < THIN * unit:
        # Widening also makes the glyph larger, and so the later reduction stronger.
        excess = (WIDENED * unit - width) / (1 - WIDENED / INNER)
        return _widened(glyph, round(excess))
    if width > THICK * unit:
        thinned = _thinned(glyph, round(min(width - THINNED * unit, MAX_THINNING * width)))
        return glyph if thinned is None else thinned
    return glyph


def _widened(glyph: Gray, by: int) -> Gray:
    if by < 1:
        return glyph
    padded = cv2.copyMakeBorder(glyph, by, by, by, by, cv2.BORDER_CONSTANT, value=0)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (by + 1, by + 1))
    wide = _tight(as_gray(cv2.dilate(padded, kernel)))
    return glyph if wide is None else wide


def _thinned(glyph: Gray, by: int) -> Gray | None:
    if by < 1:
        return None
    padded = cv2.copyMakeBorder(glyph, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (by + 1, by + 1))
    thin = _tight(as_gray(cv2.erode(padded, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)))
    # A solid blob has no stroke that could be thinned: leave it what it is.
    if thin is None or max(thin.shape) < max(glyph.shape) // 2:
        return None
    return thin


def _enlarged(glyph: Gray, size: tuple[int, int]) -> Gray:
    """Scale up smoothly; at large factors the steps of the pixels are rounded off."""
    factor = max(size) / max(glyph.shape)
    large = cv2.resize(glyph, size, interpolation=cv2.INTER_CUBIC)
    if factor >= 1.8:
        large = cv2.GaussianBlur(large, (0, 0), factor / 4, borderType=cv2.BORDER_REPLICATE)
    return as_gray(large)


def _full_contrast(glyph: Gray) -> Gray:
    """Stretch so that the core of the strokes, not just the darkest pixel, is at 255."""
    values = np.sort(glyph, axis=None)
    values = values[np.searchsorted(values, 1) :]
    core = int(values[len(values) * 9 // 10])
    if core >= 250:
        if values[-1] == 255:
            return glyph
        core = int(values[-1])
    return as_gray(cv2.convertScaleAbs(glyph, alpha=255 / core))


def _placed(centre: float, length: int) -> int:
    """Where to begin, so that the centre of mass lies at 14 and nothing over the edge."""
    return min(max(round(CENTRE - centre), 0), SIDE - length)
