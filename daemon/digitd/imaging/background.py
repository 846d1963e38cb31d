"""What a page looks like without its ink: its polarity, and the paper's brightness everywhere."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.gray import Gray, as_gray

Levels = NDArray[np.float32]
"""How many pixels of a page have each gray, (256,)."""

SMALL, SMALLER = 64, 48
"""Longer sides at which the paper and the polarity are looked at, px: light changes slowly, strokes are thin there."""
FLAT_BAND, FLAT_SHARE = 5, 0.4
"""Paper is flat where this share of a page is within so many grays of one level."""
BLOCKS, INKED, SHADED = 8, 90, 0.05
"""Of 8 by 8 blocks, few have their lightest pixel below the paper by less than `INKED`: else the light is uneven."""
IN_SHADOW = 0.35
"""No digit, however thick, fills so many of those blocks: a shadow does, however deep."""
SKEWED, VERY_SKEWED = 1.2, 3.0
"""Skewness (third standardised moment) from which thin strokes alone decide the polarity; the second where the
page's edge and its majority agree that they are paper."""
BARE = 0.88
"""Paper is at least this share as bright as the paper around it."""
BORDERED = 0.9
"""Where less of the page's edge is light, there may be a dark border."""
DARK_BAND, PAPER_AFTER, DEEPEST = 0.15, 0.7, 0.3
"""A border's rows are light in no more than the first share, the paper's next to it in the second or more; and it is
no deeper than the third share of the page."""
EVEN = 0.25
"""Paper's light parts differ from their mean by less than this share of what it differs from a dark table."""
NONE_LIGHTER = 1e-4
"""No ink that is lighter than paper has fewer pixels than this share of a page."""
WIDE = 68
"""Columns from which OpenCV takes medians of nine many pixels at a time."""
CLEAR_MAJORITY = 0.65
"""So much of a page is never ink, not even of a thick digit cut tightly."""


def reduced(page: Gray, side: int) -> Gray:
    """The page with its longer side at `side` px, or less."""
    factor = max(page.shape) / side
    if factor <= 1:
        return page
    size = (max(1, round(page.shape[1] / factor)), max(1, round(page.shape[0] / factor)))
    return as_gray(cv2.resize(page, size, interpolation=cv2.INTER_AREA))


def levels_of(page: Gray) -> Levels:
    """How many pixels of a page have each gray, (256,)."""
    return np.asarray(cv2.calcHist([page], [0], None, [256], [0, 256]), np.float32).ravel()


def dark_on_light(page: Gray) -> tuple[Gray, Levels]:
    """The page, inverted where its ink is lighter than its paper, and its levels."""
    levels = levels_of(page)
    return (as_gray(cv2.bitwise_not(page)), levels[::-1]) if has_light_ink(page, levels) else (page, levels)


def has_light_ink(page: Gray, levels: Levels) -> bool:
    """Whether the ink is lighter than the paper; `levels` are the page's.

    Strokes are narrow, so against a median over a third of the page they stand out to their own side, and skewness
    says which. Where strokes are too thick for that, paper is what most of the page's edge is, unless a clear
    majority of the page disagrees (then the edge is a dark border or a table). Where most of a page has one level and
    nothing is lighter, that is paper, however many strokes there are: reduced, they would be one gray.
    """
    if _is_mostly_lightest(levels):
        return False
    small = reduced(page, SMALLER)
    side = max(3, min(small.shape) // 3 | 1)
    deviation = small.astype(np.float64) - cv2.medianBlur(small, side)
    # Without the margins, where borders and tables are.
    rows, columns = (length // 10 for length in small.shape)
    inner = deviation[rows : small.shape[0] - rows, columns : small.shape[1] - columns].ravel()
    squares = inner * inner
    spread = math.sqrt(max(0.0, float(squares.sum()) / inner.size - (float(inner.sum()) / inner.size) ** 2))
    if spread < 0.5:
        return bool(small.mean() < 128)
    skewness = float(squares @ inner) / inner.size / spread**3
    _, light = cv2.threshold(small, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    light_edge = _light_edge(as_gray(light))
    if light_edge < BORDERED:
        light = _without_borders(as_gray(light))
        light_edge = _light_edge(light)
    light_page = cv2.countNonZero(light) / light.size
    agreed = abs(light_edge - 0.5) > 0.4 and (light_edge < 0.5) == (light_page < 0.5)
    if abs(skewness) > (VERY_SKEWED if agreed else SKEWED):
        return skewness > 0 and not (light_page >= CLEAR_MAJORITY and _is_even(small))
    if max(light_page, 1 - light_page) >= CLEAR_MAJORITY:
        return light_page < 0.5
    return light_edge < 0.5


def _is_mostly_lightest(levels: Levels) -> bool:
    """Whether a clear majority of the page is of one level, next to nothing lighter, and most of the rest far darker:
    light ink is no majority, and noise is near to its paper."""
    level, size = int(levels.argmax()), levels.sum()
    darker, lighter = levels[: max(0, level - FLAT_BAND)].sum(), levels[level + FLAT_BAND + 1 :].sum()
    if lighter > NONE_LIGHTER * size or darker > (1 - CLEAR_MAJORITY) * size:
        return False
    return bool(levels[: max(0, level - INKED)].sum() > darker / 2)


def _is_even(small: Gray) -> bool:
    """Whether a page has but two levels, with nothing much lighter than its light part: that part is no unevenly lit
    paper with light ink on it."""
    threshold, _ = cv2.threshold(small, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    light, dark = small[small > threshold], small[small <= threshold]
    if not light.size or not dark.size:
        return False
    level = float(light.mean())
    return float(light.max()) - level < EVEN * (level - float(dark.mean()))


def _light_edge(light: Gray) -> float:
    """The share of a page's outermost pixels that are light."""
    edge = sum(map(cv2.countNonZero, (light[0], light[-1], light[:, 0], light[:, -1])))
    return edge / (2 * sum(light.shape))


def _without_borders(light: Gray) -> Gray:
    """The page (H, W), 1 where it is light, without dark bands along its edges that end at light paper."""
    for _ in range(2):
        for turn in range(4):
            side = np.rot90(light, turn)
            rows = side.mean(1)
            deep = int(np.argmax(rows >= DARK_BAND))
            if 0 < deep <= DEEPEST * len(rows) and rows[deep : deep + 2].max() >= PAPER_AFTER:
                light = as_gray(np.rot90(side[deep:], -turn))
    return light


def flat_paper(page: Gray, levels: Levels) -> int | None:
    """The paper's level where it is the same all over the page, as in drawings and good scans; or None. `levels` are
    the page's."""
    level = int(levels.argmax())
    near = levels[max(0, level - FLAT_BAND) : level + FLAT_BAND + 1].sum()
    lighter = levels[level + FLAT_BAND + 1 :].sum()
    if near < FLAT_SHARE * page.size or lighter > 0.02 * page.size:
        return None
    rows, columns = (max(1, side // BLOCKS) for side in page.shape)
    whole = page[: page.shape[0] // rows * rows, : page.shape[1] // columns * columns]
    blocks = whole.reshape(whole.shape[0] // rows, rows, -1, columns).max((1, 3)).astype(np.int64)
    darker = blocks < level - FLAT_BAND - 2
    shaded = darker & (blocks > level - INKED)
    uneven = shaded.sum() > SHADED * blocks.size or darker.sum() > IN_SHADOW * blocks.size
    return None if uneven else level


def median_of_nine(image: Gray) -> Gray:
    """Each pixel's median with its eight neighbours, as cv2.medianBlur(image, 3) has it.

    OpenCV is twenty times slower where an image is narrow, so such a one is made wider by its own last column: the
    border that it would be given anyway.
    """
    lacking = WIDE - image.shape[1]
    if lacking <= 0:
        return as_gray(cv2.medianBlur(image, 3))
    wide = cv2.copyMakeBorder(image, 0, 0, 0, lacking, cv2.BORDER_REPLICATE)
    return as_gray(cv2.medianBlur(wide, 3)[:, : image.shape[1]])


def paper_of(page: Gray) -> Gray:
    """The paper's brightness, (H, W) uint8 like the page, at least 1; the page's ink is dark.

    A morphological closing removes what is darker and narrower than a quarter of the page; what stays below it is
    taken for ink, and the paper is then the mean of what is not ink around each point, so that it follows slopes of
    light to the corners, which a closing does not.
    """
    small = reduced(page, SMALL)
    reach = max(3, min(small.shape) // 4 | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (reach, reach))
    smooth = median_of_nine(small)
    closed = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, kernel).astype(np.float32)
    brightness = small.astype(np.float32)
    sigma = max(small.shape) / 24
    paper = closed
    bare = np.empty((*small.shape, 2), np.float32)
    for _ in range(2):
        np.greater(brightness, paper * np.float32(BARE) - 2, out=bare[..., 0])
        np.multiply(bare[..., 0], brightness, out=bare[..., 1])
        weight, weighted = cv2.split(cv2.GaussianBlur(bare, (0, 0), sigma))
        paper = np.where(weight > 0.05, weighted / np.maximum(weight, 1e-3), closed)
    whole = np.clip(paper, 1, 255).astype(np.uint8)
    return as_gray(cv2.resize(whole, page.shape[::-1], interpolation=cv2.INTER_LINEAR))
