"""How dark a page's ink is, and what is no more than its paper's noise."""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.gray import Gray, as_gray

FAINTEST = 8
"""Ink must be darker than paper by this (of 255), however clean the page: pastel on white is 10."""
NOISE = 6.0
"""Ink must be darker than paper by this many standard deviations of the paper's noise."""
OVERSHOOT = 2.2
"""Ink must differ from the paper by this much more than the paper's own lighter spots do."""
CLIPPED, AVERAGED = 0.25, 0.42
"""Where so many pixels are darker than the paper and none lighter, ink keeps this share of its contrast in a blur."""
CORE_SHARE = 5e-4
CORE_PIXELS = 8
"""The darkest ink is that of so many pixels, as few as the smallest digit has."""
NOISY = 0.02
"""Paper has noise where more of its pixels than this differ from it."""
SOME = 0.25
"""The share of the darkest ink's contrast from which pixels are looked at for the usual ink's."""


def contrast_of(darker: Gray, lighter: Gray) -> tuple[float, float] | None:
    """The ink's contrast, and the least that is not noise; None where nothing stands out of the noise.

    Noise makes the paper lighter as often as darker, and ink never makes it lighter: so the lighter side tells
    what the darker side would be without ink.
    """
    core = max(CORE_PIXELS, round(darker.size * CORE_SHARE))
    dark, light = _histogram(darker), _histogram(lighter)
    ink, spots = _top(dark, core), _top(light, core)
    sigma = _deviation(light)
    if sigma == 0 and dark[1:].sum() > CLIPPED * darker.size:
        # White paper has its noise clipped on the lighter side; but what a small blur averages away is no stroke.
        blurred = as_gray(cv2.blur(darker, (3, 3)))
        if _top(_histogram(blurred), core) < AVERAGED * ink:
            return None
    floor = least_of(sigma)
    if ink < max(FAINTEST, NOISE * sigma, OVERSHOOT * min(spots, 40)):
        return None
    # A pen's pressure varies, and a pencil's more: the usual ink counts, not the darkest.
    least = round(max(floor, SOME * ink))
    some = np.cumsum(dark[least:])
    usual = least + int(np.searchsorted(some, some[-1] / 2))
    return float(usual), float(floor)


def least_of(sigma: float) -> float:
    """The least contrast of ink's edges on paper with noise of that deviation."""
    return max(FAINTEST, NOISE / 2 * sigma)


def noise_of(side: Gray) -> int:
    """The deviation of the noise that makes paper differ so much, to one side, (H, W) uint8; 0 where it is clean."""
    return _deviation(_histogram(side))


def top(image: Gray, count: int) -> int:
    """The value that `count` pixels of an image reach or exceed."""
    return _top(_histogram(image), count)


def _histogram(image: Gray) -> NDArray[np.float32]:
    return np.asarray(cv2.calcHist([image], [0], None, [256], [0, 256]), np.float32).ravel()


def _deviation(histogram: NDArray[np.float32]) -> int:
    """That of the noise, of which one side is seen; 0 where few pixels have any."""
    return _typical(histogram) if histogram[1:].sum() > NOISY * histogram.sum() else 0


def _typical(histogram: NDArray[np.float32]) -> int:
    """One standard deviation, were what is above zero the half of a normal distribution."""
    above = np.cumsum(histogram[1:])
    return 1 + int(np.searchsorted(above, above[-1] * 0.68))


def _top(histogram: NDArray[np.float32], count: int) -> int:
    """The value that `count` pixels reach or exceed."""
    reached = np.cumsum(histogram[::-1])
    return 255 - int(np.searchsorted(reached, count))
