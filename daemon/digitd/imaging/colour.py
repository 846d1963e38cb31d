"""A decoded image, of any depth and number of channels, to 8-bit gray in which ink and paper differ."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.gray import Gray, as_gray

SAMPLES = 2048
"""How many pixels the paper's colour is judged by."""
COLOURFUL = 28
"""Chroma (of 255) from which ink counts as coloured: above JPEG's colour noise and a photo's tint."""
COLOURED_SHARE = 0.002
"""The share of an image that must be coloured; a thin stroke in a corner of a page is about that."""
HEADROOM = 0.8
"""Balanced paper is put at this share of white, so that its lighter parts keep their differences."""
SMALL = 48
"""Longer side at which ink's colour is told from the light's, px."""
DARK = 110
"""Paper darker than this (of 255) is taken for dark paper with light ink."""


def to_gray(image: NDArray[Any]) -> Gray:
    """`image` is (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA of any depth. Returns (H, W) uint8.

    Alpha is composited onto what makes the opaque part visible. Gray is luminance, except where the ink is
    coloured: then, after the paper is balanced to neutral, it is the channel in which a pixel differs most from the
    paper, so that yellow or pastel ink keeps its contrast.
    """
    image = to_uint8(image)
    if image.ndim == 2:
        return image
    channels = image.shape[2]
    if channels == 1:
        return as_gray(image[..., 0])
    if channels == 2:
        return _composited(image[..., :1], image[..., 1])[..., 0]
    if channels == 4:
        alpha = image[..., 3]
        if alpha.min() == 255:
            return _gray(as_gray(np.ascontiguousarray(image[..., :3])))
        return _gray(_composited(image[..., :3], alpha))
    return _gray(as_gray(image[..., :3]))


def to_uint8(image: NDArray[Any]) -> Gray:
    """Scale to 8 bits by the image's own range: 10, 12, 14 or 16 bits, or floats."""
    if image.dtype == np.uint8:
        return image
    if image.dtype == np.uint16:
        bits = max(8, int(image.max()).bit_length() + 1 & ~1)
        return as_gray((image.astype(np.float32) * (255 / (2**bits - 1)) + 0.5).astype(np.uint8))
    values = np.nan_to_num(image.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    if high <= low:
        return np.full(values.shape, 255, np.uint8)
    return as_gray(((values - low) * (255 / (high - low)) + 0.5).astype(np.uint8))


def _composited(colours: Gray, alpha: Gray) -> Gray:
    """Put the image on a paper of one colour: the opaque part's own, or black or white, whichever shows it."""
    weights = alpha.astype(np.float32)[..., None] / 255
    total = float(weights.sum())
    if total == 0:
        return np.full(colours.shape, 255, np.uint8)
    means = (colours * weights).sum((0, 1)) / total
    opaque = colours[alpha > 127]
    spread = float(opaque.mean(-1).std()) if opaque.size else 0.0
    if total > 0.6 * alpha.size and spread > 20:
        paper = np.median(opaque[:: max(1, len(opaque) // SAMPLES)], axis=0)
    else:
        paper = np.full(colours.shape[2], 0 if means.mean() > 127 else 255)
    return as_gray((colours * weights + paper.astype(np.float32) * (1 - weights) + 0.5).astype(np.uint8))


def _gray(image: Gray) -> Gray:
    """(H, W, 3) BGR to (H, W)."""
    step = max(1, int((image.shape[0] * image.shape[1] / SAMPLES) ** 0.5))
    sample = image[::step, ::step].reshape(-1, 3)
    if np.array_equal(sample[:, 0], sample[:, 1]) and np.array_equal(sample[:, 1], sample[:, 2]):
        return as_gray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
    paper = np.median(sample, axis=0)
    gain = 255 / np.maximum(paper, 1)
    dark = float(paper.mean()) < DARK
    balanced = sample.astype(np.float32) if dark else np.minimum(sample * gain, 255)
    chroma = balanced.max(1) - balanced.min(1)
    if float((chroma > COLOURFUL).mean()) < COLOURED_SHARE or not _has_coloured_ink(image, dark):
        return as_gray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
    if dark:
        return as_gray(image.max(2))
    planes = [cv2.convertScaleAbs(image[..., c], alpha=float(gain[c]) * HEADROOM) for c in range(3)]
    return as_gray(cv2.min(cv2.min(planes[0], planes[1]), planes[2]))


def _has_coloured_ink(image: Gray, dark: bool) -> bool:
    """Whether the colour is the ink's: that of light and paper varies slowly, and is taken out first."""
    factor = max(1.0, max(image.shape[:2]) / SMALL)
    size = (max(1, round(image.shape[1] / factor)), max(1, round(image.shape[0] / factor)))
    small = as_gray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    paper = cv2.medianBlur(small, max(3, min(size) // 4 | 1)).astype(np.float32)
    balanced = small.astype(np.float32) if dark else np.minimum(small * (255 / np.maximum(paper, 1)), 255)
    if dark:
        balanced = np.maximum(balanced - paper, 0)
    chroma = balanced.max(2) - balanced.min(2)
    return float((chroma > COLOURFUL).mean()) >= COLOURED_SHARE
