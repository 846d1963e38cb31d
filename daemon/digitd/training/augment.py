"""The pens: MNIST's images moved or enlarged and given another stroke, and pen paths written anew.

The method is that of Simard et al., "Best practices for convolutional neural networks applied to visual document
analysis" (ICDAR 2003), with pens and pixels added.
"""

from collections.abc import Callable
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from digitd.imaging.gray import as_gray
from digitd.imaging.normalise import SIDE
from digitd.training.strokes import Drawing

Image = npt.NDArray[np.uint8]

ROTATION = 15.0
"""Degrees to either side: more turns a 7 into a 1 and a 4 into a 9."""
SHEAR = 0.25
ASPECT = 0.22
"""Width against height, as the spread of a log-uniform factor."""
BEND = 0.045
"""Greatest elastic displacement, in heights of the digit."""
UNMOVED = 0.15
"""Share of MNIST's images that stay as they are: all of them would soon be learnt by heart."""
BLOCKY = 0.4
"""Share of written digits that are drawn in whole pixels on a small canvas, as in paint programs."""


def moved(image: Image, rng: np.random.Generator) -> Image:
    """MNIST's image (28, 28) turned, stretched, shifted and bent by little, without another normalising."""
    if rng.random() < UNMOVED:
        return image
    matrix = affine(rng, 0.8)
    matrix[:, :2] *= np.exp(rng.uniform(-0.08, 0.08))
    matrix[:, 2] = 13.5 - matrix[:, :2] @ (13.5, 13.5) + rng.normal(0, 0.5, 2)
    out = cast(Image, cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC))
    if rng.random() < 0.5:
        out = bent(out, rng)
    # Resampling blurs, and MNIST's peak is full.
    return as_gray(cv2.convertScaleAbs(out, alpha=255 / max(1, int(out.max()))))


def repenned(image: Image, rng: np.random.Generator) -> Image:
    """MNIST's image (28, 28) with another pen, as cleaning leaves it."""
    return seen(enlarged(image, rng), rng)


def enlarged(image: Image, rng: np.random.Generator) -> Image:
    """MNIST's image (28, 28) enlarged to 28..96 px, turned, bent, with thicker or thinner strokes."""
    size = int(rng.integers(28, 97))
    scale = size / SIDE
    matrix = affine(rng, 1.0) * scale
    matrix[:, 2] = size / 2 - matrix[:, :2] @ (13.5, 13.5)
    ink = as_gray(cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_CUBIC))
    if rng.random() < 0.5:
        ink = bent(ink, rng)
    change = rng.uniform(-0.9, 2.6) * scale  # of a stroke of 2 to 4 px, in pixels of MNIST
    width = round(abs(change))
    if width >= 1:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width + 1, width + 1))
        if change > 0:
            padded = cv2.copyMakeBorder(ink, width, width, width, width, cv2.BORDER_CONSTANT, value=0)
            ink = as_gray(cv2.dilate(padded, kernel))
        else:
            thin = as_gray(cv2.erode(ink, kernel))
            ink = thin if cv2.countNonZero(thin) > cv2.countNonZero(ink) * 0.3 else ink
    return ink


def written(path: Drawing, rng: np.random.Generator) -> Image:
    """A pen's path as ink (H, W), turned and bent, as cleaning leaves it; some drawn by a mouse in whole pixels."""
    if rng.random() < BLOCKY:
        points = _shaped(path, rng)
        size = int(rng.integers(9, 27))
        thickness = int(rng.choice((1, 2, 3), p=(0.6, 0.25, 0.15))) if size > 14 else 1
        ink = _lines(points * size, path, size, thickness, cv2.LINE_8)
        return ink if rng.random() < 0.6 else seen(ink, rng)
    ink = penned(path, rng)
    if rng.random() < 0.4:
        longest = max(ink.shape)
        small = max(8, round(longest * rng.uniform(0.2, 0.7)))
        height = max(1, round(ink.shape[0] * small / longest))
        width = max(1, round(ink.shape[1] * small / longest))
        ink = as_gray(cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA))
    return seen(ink, rng)


def penned(path: Drawing, rng: np.random.Generator) -> Image:
    """A pen's path as ink (H, W) of 32..110 px, turned and bent, before anything has seen it."""
    points = _shaped(path, rng)
    size = int(rng.integers(32, 110))
    # From a hairline to a marker of a quarter of the height; most pens are thin.
    thickness = max(1, round(size * 0.02 * 12 ** float(rng.beta(1.2, 1.6))))
    ink = _lines(points * size, path, size, thickness, cv2.LINE_AA)
    if rng.random() < 0.15:
        _broken(ink, thickness, rng)
    return ink


def _shaped(path: Drawing, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """The path's points, turned and bent, in a box whose longer side is 1."""
    points = path.points - path.points.mean(0)
    points = points / max(float(np.ptp(points, axis=0).max()), 1e-3)
    points = _wavy(points @ affine(rng, 1.0)[:, :2].T, rng)
    extent = np.ptp(points, axis=0)
    return np.asarray((points - points.min(0)) / max(float(extent.max()), 1e-3), np.float32)


def _lines(points: npt.NDArray[np.float32], path: Drawing, size: int, thickness: int, kind: int) -> Image:
    margin = thickness + 2
    ink = np.zeros((size + 2 * margin, size + 2 * margin), np.uint8)
    shift = 0 if kind == cv2.LINE_8 else 4
    whole = np.round((points + margin) * (1 << shift)).astype(np.int32)
    # OpenCV takes the first axis as the list of lines: each edge is one.
    lines = cast(list[npt.NDArray[np.int32]], whole[path.edges])
    cv2.polylines(ink, lines, False, 255, thickness, kind, shift)
    return ink


def affine(rng: np.random.Generator, strength: float) -> npt.NDArray[np.float64]:
    """A (2, 3) matrix that turns, shears and stretches, without a shift."""
    angle = np.deg2rad(np.clip(rng.normal(0, ROTATION / 2), -ROTATION, ROTATION)) * strength
    shear = rng.uniform(-SHEAR, SHEAR) * strength
    stretch = np.exp(rng.uniform(-ASPECT, ASPECT) * strength / 2)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array(((cos, -sin), (sin, cos)))
    shape = np.array(((stretch, shear), (0.0, 1 / stretch)))
    return np.hstack((turn @ shape, np.zeros((2, 1))))


def _wavy(points: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Displace points (n, 2) by a smooth field: three waves of random direction and phase."""
    out = points.copy()
    for _ in range(3):
        wave = rng.normal(0, 4.0, 2)
        push = rng.normal(0, BEND / 2, 2)
        out += np.sin(points @ wave + rng.uniform(0, 2 * np.pi))[:, None] * push
    return out.astype(np.float32)


def bent(ink: Image, rng: np.random.Generator) -> Image:
    """The image under a smooth displacement: 4x4 random vectors, interpolated (Simard's elastic distortion)."""
    size = ink.shape[0]
    coarse = rng.normal(0, BEND * size * 0.6, (2, 4, 4)).astype(np.float32)
    across, down = (cv2.resize(part, (size, size), interpolation=cv2.INTER_CUBIC) for part in coarse)
    axis = np.arange(size, dtype=np.float32)
    return cast(Image, cv2.remap(ink, across + axis[None, :], down + axis[:, None], cv2.INTER_LINEAR))


def _broken(ink: Image, thickness: int, rng: np.random.Generator) -> None:
    """A gap in a stroke, in place: where a ballpoint skips, or a 5's bar is apart."""
    ys, xs = np.nonzero(ink)
    at = int(rng.integers(len(ys)))
    gap = max(1, round(max(ink.shape) * rng.uniform(0.02, 0.06)))
    cv2.circle(ink, (int(xs[at]), int(ys[at])), gap // 2 + thickness // 2, 0, -1)


def seen(ink: Image, rng: np.random.Generator) -> Image:
    """What cleaning leaves of ink that a lens has seen: blur, uneven contrast, noise, a threshold."""
    steps: list[Callable[[Image], Image]] = []
    size = max(ink.shape)
    if rng.random() < 0.5:
        sigma = float(rng.uniform(0.3, max(0.5, size * 0.02)))
        steps.append(lambda image: as_gray(cv2.GaussianBlur(image, (0, 0), sigma)))
    if rng.random() < 0.3:
        # Pencil and fading ink: the strokes' darkness wanders along them.
        weights = rng.uniform(0.45, 1.0, (3, 3)).astype(np.float32)
        steps.append(
            lambda image: np.minimum(
                image * cv2.resize(weights, image.shape[::-1], interpolation=cv2.INTER_LINEAR), 255
            ).astype(np.uint8)
        )
    if rng.random() < 0.2:
        sigma_noise = float(rng.uniform(5, 30))
        steps.append(
            lambda image: np.where(
                image > 8, np.clip(image + rng.normal(0, sigma_noise, image.shape), 0, 255), 0
            ).astype(np.uint8)
        )
    if rng.random() < 0.35:
        level = float(rng.uniform(0.2, 0.5))
        steps.append(lambda image: as_gray(cv2.threshold(image, int(image.max()) * level, 255, cv2.THRESH_BINARY)[1]))
    for step in steps:
        ink = step(ink)
    return ink if ink.any() else np.full((3, 3), 255, np.uint8)
