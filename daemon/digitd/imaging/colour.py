"""A decoded image, of any depth and number of channels, to 8-bit gray in which ink and paper differ."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.gray import Gray, as_gray

FLOAT_MOST = 3.4e38
"""Samples beyond what 32 bits can hold are taken for this."""
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
STRIP = 1 << 18
"""Pixels that are converted at once: a page of 100 million has no copy in floats."""
WHOLE = 1 << 25
"""As many pixels are held in 8-bit colours at once."""

Convert: TypeAlias = Callable[[NDArray[Any]], Gray]
"""Rows of an image, or any of its pixels in rows, to what they become."""


def to_gray(image: NDArray[Any]) -> Gray:
    """`image` is (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA of any depth. Returns (H, W) uint8.

    Alpha is composited onto what makes the opaque part visible. Gray is luminance, except where the ink is
    coloured: then, after the paper is balanced to neutral, it is the channel in which a pixel differs most from the
    paper, so that yellow or pastel ink keeps its contrast. Beyond the image and the result this takes a few megabytes.
    """
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    if image.ndim == 2 and image.dtype == np.uint8:
        return image
    shown = _eight_bits(image)
    if image.ndim == 3:
        if image.shape[2] in (2, 4):
            shown = _composited(image, shown)
        shown = _first(shown) if image.shape[2] == 2 else _gray(image, shown)
    gray = np.empty(image.shape[:2], np.uint8)
    at = 0
    for rows in _strips(image):
        gray[at : at + len(rows)] = shown(rows)
        at += len(rows)
    return gray


def _strips(image: NDArray[Any]) -> Iterator[NDArray[Any]]:
    rows = max(1, STRIP // max(1, image.shape[1]))
    return (image[top : top + rows] for top in range(0, len(image), rows))


def _first(shown: Convert) -> Convert:
    return lambda rows: as_gray(shown(rows)[..., 0])


def depth(highest: int) -> int:
    """Of how many bits samples are of which this is the highest: 8, 10, 12, 14 or 16."""
    return max(8, highest.bit_length() + 1 & ~1)


def from_depth(rows: NDArray[np.uint16], bits: int) -> Gray:
    """Samples of that many bits, of any shape, as 8 bits."""
    return as_gray(cv2.convertScaleAbs(rows, alpha=255 / (2**bits - 1)))


def _eight_bits(image: NDArray[Any]) -> Convert:
    """Scale to 8 bits by the image's own range: 10, 12, 14 or 16 bits, or floats."""
    if image.dtype == np.uint8:
        return as_gray
    if image.dtype == np.uint16:
        bits = depth(int(image.max()))
        return lambda rows: from_depth(rows, bits)
    ranges = [(float(values.min()), float(values.max())) for values in map(_finite, _strips(image))]
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    if high <= low:
        return lambda rows: np.full(rows.shape, 255, np.uint8)
    return lambda rows: as_gray(((_finite(rows) - low) * (255 / (high - low)) + 0.5).astype(np.uint8))


def _finite(rows: NDArray[Any]) -> NDArray[np.float64]:
    # A signalling NaN, which is one like others here, would be warned of.
    with np.errstate(invalid="ignore"):
        # Twice the width that samples have, so that the difference of any two is a number as well.
        finite = np.nan_to_num(rows.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(finite, -FLOAT_MOST, FLOAT_MOST)


def _composited(image: NDArray[Any], shown: Convert) -> Convert:
    """Put the image on a paper of one colour: the opaque part's own, or black or white, whichever shows it."""
    least, total, opaque, channels = 255, 0, 0, image.shape[2] - 1
    sums = np.zeros(channels)
    brightness = squares = 0.0
    for rows in _strips(image):
        colours, alpha = _apart(shown(rows))
        least, total = min(least, int(alpha.min())), total + int(alpha.sum(dtype=np.int64))
        sums += alpha.ravel().astype(np.float32) @ colours.reshape(-1, channels).astype(np.float32)
        mean = colours[alpha > 127].mean(-1)
        opaque, brightness, squares = opaque + mean.size, brightness + mean.sum(), squares + np.square(mean).sum()
    if least == 255:
        return lambda rows: as_gray(shown(rows)[..., :-1])
    if total == 0:
        return lambda rows: np.full((*rows.shape[:2], channels), 255, np.uint8)
    spread = max(0.0, squares / opaque - (brightness / opaque) ** 2) ** 0.5 if opaque else 0.0
    if total > 0.6 * 255 * image.shape[0] * image.shape[1] and spread > 20:
        paper = np.median(_every(image, shown, max(1, opaque // SAMPLES)), axis=0)
    else:
        paper = np.full(channels, 0 if sums.mean() / total > 127 else 255)
    paper = paper.astype(np.float32)

    def composite(rows: NDArray[Any]) -> Gray:
        colours, alpha = _apart(shown(rows))
        weights = alpha.astype(np.float32)[..., None] / 255
        return as_gray((colours * weights + paper * (1 - weights) + 0.5).astype(np.uint8))

    return composite


def _apart(rows: Gray) -> tuple[Gray, Gray]:
    """Colours and alpha."""
    return as_gray(rows[..., :-1]), as_gray(np.ascontiguousarray(rows[..., -1]))


def _every(image: NDArray[Any], shown: Convert, step: int) -> Gray:
    """The colours (N, channels) of every `step`th opaque pixel."""
    samples, skip = [], 0
    for rows in _strips(image):
        colours, alpha = _apart(shown(rows))
        opaque = colours[alpha > 127]
        # A copy: a view would keep the whole strip.
        samples.append(opaque[skip::step].copy())
        skip = (skip - len(opaque)) % step
    return as_gray(np.concatenate(samples))


def _gray(image: NDArray[Any], shown: Convert) -> Convert:
    """Colours (H, W, 3) BGR to (H, W)."""
    step = max(1, int((image.shape[0] * image.shape[1] / SAMPLES) ** 0.5))
    sample = shown(image[::step, ::step]).reshape(-1, 3)
    if np.array_equal(sample[:, 0], sample[:, 1]) and np.array_equal(sample[:, 1], sample[:, 2]):
        return lambda rows: as_gray(cv2.cvtColor(shown(rows), cv2.COLOR_BGR2GRAY))
    paper = np.median(sample, axis=0)
    gain = 255 / np.maximum(paper, 1)
    dark = float(paper.mean()) < DARK
    balanced = sample.astype(np.float32) if dark else np.minimum(sample * gain, 255)
    chroma = balanced.max(1) - balanced.min(1)
    if float((chroma > COLOURFUL).mean()) < COLOURED_SHARE or not _has_coloured_ink(_thumbnail(image, shown), dark):
        return lambda rows: as_gray(cv2.cvtColor(shown(rows), cv2.COLOR_BGR2GRAY))
    if dark:
        return lambda rows: as_gray(shown(rows).max(2))

    def least(rows: NDArray[Any]) -> Gray:
        colours = shown(rows)
        planes = [cv2.convertScaleAbs(colours[..., c], alpha=float(gain[c]) * HEADROOM) for c in range(3)]
        return as_gray(cv2.min(cv2.min(planes[0], planes[1]), planes[2]))

    return least


def _thumbnail(image: NDArray[Any], shown: Convert) -> Gray:
    factor = max(1.0, max(image.shape[:2]) / SMALL)
    width, height = max(1, round(image.shape[1] / factor)), max(1, round(image.shape[0] / factor))
    if image.shape[2] == 3 and image.dtype == np.uint8:
        colours = as_gray(image)
    elif image.shape[0] * image.shape[1] <= WHOLE:
        colours = as_gray(np.concatenate([shown(rows) for rows in _strips(image)]))
    else:
        narrow = [cv2.resize(shown(rows), (width, len(rows)), interpolation=cv2.INTER_AREA) for rows in _strips(image)]
        colours = as_gray(np.concatenate(narrow))
    return as_gray(cv2.resize(colours, (width, height), interpolation=cv2.INTER_AREA))


def _has_coloured_ink(small: Gray, dark: bool) -> bool:
    """Whether the colour is the ink's: that of light and paper varies slowly, and is taken out first."""
    paper = cv2.medianBlur(small, max(3, min(small.shape[:2]) // 4 | 1)).astype(np.float32)
    balanced = small.astype(np.float32) if dark else np.minimum(small * (255 / np.maximum(paper, 1)), 255)
    if dark:
        balanced = np.maximum(balanced - paper, 0)
    chroma = balanced.max(2) - balanced.min(2)
    return float((chroma > COLOURFUL).mean()) >= COLOURED_SHARE
