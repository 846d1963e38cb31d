"""What happens to a digit's ink on its way from the pen to a file, one small function for each thing.

"Ink" is (H, W) uint8, 0 for nothing and 255 for full; a "page" is (H, W) uint8, brightness. Every function takes
the generator last, and what it returns depends on nothing else.
"""

from bisect import bisect
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from digitd.imaging.gray import as_gray

Image = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float32]
Rng = np.random.Generator

BANK = 512
"""Side of the stored noise, px: making fresh noise would take longer than all the rest."""
GRAIN = 1.1
"""Fibres of paper are about 2 px wide at 100 dpi: standard deviation of the blur that makes grain of noise, px."""
TILT, MOST_TILT, LEAN = 4.0, 10.0, 0.05
"""Degrees, typical and largest, and how far a corner moves, as a share of the sheet, where a camera looks askew."""
FIELD = 12
"""Side of the grid that light is worked out on: it changes slowly."""
JPEG = 25, 91


def felt(ink: Image, size: int, rng: Rng) -> Image:
    """A felt pen on soft paper: the ink creeps, its edge is soft."""
    sigma = float(rng.uniform(0.008, 0.025)) * size
    return as_gray(cv2.convertScaleAbs(cv2.GaussianBlur(ink, (0, 0), sigma), alpha=rng.uniform(1.0, 1.8)))


def pencil(ink: Image, size: int, rng: Rng) -> Image:
    """Graphite stays on the paper's hills: the ink is grainy, more so in the middle of its range of pressure."""
    strength = float(rng.uniform(40, 150))
    grain = _piece(ink.shape, coarse=True, rng=rng)
    return as_gray(cv2.subtract(ink, cv2.convertScaleAbs(np.maximum(grain, 0), alpha=strength)))


def ballpoint(ink: Image, size: int, rng: Rng) -> Image:
    """A ball that skips: the pressure wanders along the strokes, and at times nothing is left for a moment."""
    pressure = _pressed(ink, 0.4, rng)
    if rng.random() < 0.4:
        points = cv2.findNonZero(ink)
        if points is not None:
            for _ in range(int(rng.integers(1, 3))):
                x, y = points.reshape(-1, 2)[int(rng.integers(len(points)))].tolist()
                angle, length = rng.uniform(0, np.pi), size * rng.uniform(0.03, 0.08)
                dx, dy = round(length * np.cos(angle)), round(length * np.sin(angle))
                cv2.line(pressure, (x - dx, y - dy), (x + dx, y + dy), 0, max(1, round(size * rng.uniform(0, 0.03))))
    return pressure


def fading(ink: Image, size: int, rng: Rng) -> Image:
    """A pen that runs dry or is hardly pressed: a part of the digit is much fainter."""
    return _pressed(ink, 0.22, rng)


def _pressed(ink: Image, least: float, rng: Rng) -> Image:
    weights = rng.uniform(least, 1.0, (3, 3)).astype(np.float32)
    pressure = cv2.resize(weights, ink.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return as_gray(cv2.multiply(ink, pressure, dtype=cv2.CV_8U))


def ruled(ink: Image, size: int, rng: Rng) -> None:
    """Print ruled or squared lines, in place: fainter or darker than the pen, one or two pixels wide."""
    spacing = size * float(rng.uniform(0.35, 1.3))
    gray, width = int(rng.integers(60, 256)), int(rng.integers(1, 3))
    layer = np.zeros_like(ink)
    height, across = ink.shape
    for y in np.arange(rng.uniform(0, spacing), height, spacing):
        cv2.line(layer, (0, int(y)), (across, int(y)), gray, width)
    if rng.random() < 0.5:
        for x in np.arange(rng.uniform(0, spacing), across, spacing):
            cv2.line(layer, (int(x), 0), (int(x), height), gray, width)
    np.maximum(ink, layer, out=ink)


def boxed(ink: Image, size: int, rng: Rng) -> None:
    """Print the box of a form around the digit, in place; now and then a side is touched."""
    x, y, width, height = cv2.boundingRect(ink)
    left, top, right, bottom = (rng.uniform(0, 0.35, 4) * size).astype(int).tolist()
    layer = np.zeros_like(ink)
    corners = (x - left, y - top), (x + width + right, y + height + bottom)
    cv2.rectangle(layer, *corners, int(rng.integers(80, 256)), int(rng.integers(1, 3)))
    np.maximum(ink, layer, out=ink)


def tilted(layers: Sequence[Image], rng: Rng) -> tuple[Image, ...]:
    """The layers laid askew by up to 10 degrees, and seen a little from the side."""
    height, width = layers[0].shape
    angle = np.deg2rad(np.clip(rng.normal(0, TILT), -MOST_TILT, MOST_TILT))
    corners = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    centre = np.array((width / 2, height / 2))
    turn = np.array(((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))))
    moved = (corners - centre) @ turn + centre + rng.uniform(-LEAN, LEAN, (4, 2)) * (width, height)
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    return tuple(as_gray(cv2.warpPerspective(layer, matrix, (width, height))) for layer in layers)


def blurred(ink: Image, size: int, rng: Rng) -> Image:
    """Out of focus, or moved while the shutter was open."""
    if rng.random() < 0.75:
        return as_gray(cv2.GaussianBlur(ink, (0, 0), float(rng.uniform(0.4, max(0.7, size * 0.025)))))
    length = max(3, round(size * rng.uniform(0.03, 0.09)))
    kernel = np.zeros((length, length), np.float32)
    x, y = int(rng.integers(length)), int(rng.integers(2)) * (length - 1)
    ends = (
        ((x, y), (length - 1 - x, length - 1 - y)) if rng.random() < 0.5 else ((y, x), (length - 1 - y, length - 1 - x))
    )
    cv2.line(kernel, *ends, 1.0)
    return as_gray(cv2.filter2D(ink, -1, kernel / float(kernel.sum())))


def reduced(ink: Image, scale: float, rng: Rng) -> Image:
    """The picture at a lower resolution: averaged by good programs, and by others picked or interpolated."""
    method = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_NEAREST)[pick((0.7, 0.18, 0.12), rng)]
    # Picking pixels at a third and less leaves nothing of thin strokes.
    return resized(ink, scale, method if scale > 0.45 else cv2.INTER_AREA)


def resized(image: Image, scale: float, method: int) -> Image:
    """The image (H, W) at another scale, one pixel at least."""
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return as_gray(cv2.resize(image, size, interpolation=method))


def light(shape: tuple[int, ...], rng: Rng) -> Field:
    """How much light falls on each pixel, 0.25 to 1: a slope or a vignette, and at times a shadow's edge."""
    axis = np.linspace(-1, 1, FIELD, dtype=np.float32)
    x, y = axis[None, :], axis[:, None]
    angle = rng.uniform(0, 2 * np.pi)
    slope = rng.uniform(0, 0.25) * (x * np.cos(angle) + y * np.sin(angle))
    field = 1 - slope - rng.uniform(0, 0.2) * (x * x + y * y)
    if rng.random() < 0.35:
        angle, softness = rng.uniform(0, 2 * np.pi), rng.uniform(0.08, 0.5)
        beyond = (x * np.cos(angle) + y * np.sin(angle) - rng.uniform(-0.7, 0.7)) / softness
        field *= 1 - rng.uniform(0.1, 0.5) / (1 + np.exp(-4 * beyond))
    field = np.clip(field / field.max(), 0.25, 1).astype(np.float32)
    return cast(Field, cv2.resize(field, shape[::-1], interpolation=cv2.INTER_LINEAR))


def noise(shape: tuple[int, ...], sigma: float, rng: Rng) -> Field:
    """A sensor's noise, or the coarser grain of paper and of noise that a camera has smoothed."""
    return cast(Field, _piece(shape, coarse=rng.random() < 0.5, rng=rng) * np.float32(sigma))


def specked(page: Image, rng: Rng) -> None:
    """Dust and hairs on the glass, in place."""
    height, width = page.shape
    for _ in range(int(rng.integers(1, 5))):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        dark = int(page[y, x] * rng.uniform(0.1, 0.8))
        cv2.circle(page, (x, y), int(rng.random() < 0.3), dark, -1)


def compressed(page: Image, rng: Rng) -> Image:
    """What a JPEG file of quality 25 to 90 gives back."""
    _, data = cv2.imencode(".jpg", page, (cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*JPEG))))
    return as_gray(cast(Image, cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)))


def enlarged(layers: Sequence[Image], rng: Rng) -> tuple[Image, ...]:
    """A small picture shown larger: in blocks, or smoothly."""
    scale = float(rng.uniform(1.3, 2.6))
    method = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(rng.integers(3))]
    return tuple(resized(layer, scale, method) for layer in layers)


def pick(shares: Sequence[float], rng: Rng) -> int:
    """An index, each as likely as its share; `Generator.choice` takes ten times as long for that."""
    return bisect(list(accumulate(shares)), rng.random() * sum(shares))


def _piece(shape: tuple[int, ...], coarse: bool, rng: Rng) -> Field:
    """A piece of the stored noise (H, W) float32, mean 0 and standard deviation 1, from a random place."""
    bank: Field = _bank(coarse)
    height, width = shape
    if height > BANK or width > BANK:
        bank = np.tile(bank, (-(-height // BANK), -(-width // BANK)))
    y, x = int(rng.integers(bank.shape[0] - height + 1)), int(rng.integers(bank.shape[1] - width + 1))
    return bank[y : y + height, x : x + width]


@cache
def _bank(coarse: bool) -> Field:
    fine = np.random.default_rng(0).normal(0, 1, (BANK, BANK)).astype(np.float32)
    if not coarse:
        return fine
    grain = cv2.GaussianBlur(fine, (0, 0), GRAIN)
    return np.asarray(grain / grain.std(), np.float32)
