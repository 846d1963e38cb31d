"""A page, or one of its stages, made anew as a small picture for a screen: nothing of the scan's own bytes is in it."""

from enum import StrEnum

import cv2
import numpy as np

from digitd.imaging.clean import stages
from digitd.imaging.gray import Gray, as_gray
from digitd.imaging.normalise import is_mnist_like

JPEG_FROM = 256 * 256
"""Pixels from which a picture of a page is a JPEG: smaller ones, and stages, are PNG, where each pixel can matter."""
JPEG_QUALITY = 88
PNG_LEVEL = 4
"""zlib's: 6 takes twice as long for 3 % fewer bytes."""


class View(StrEnum):
    """What is shown of a page: whole at one of three sizes, or what a stage leaves of it."""

    THUMB = "thumb"
    PAGE = "page"
    FULL = "full"
    FLATTENED = "flattened"
    FOUND = "found"
    INK = "ink"


LONGEST = {View.THUMB: 240, View.PAGE: 2000, View.FULL: 5000}
"""The longer side of a picture, px, at most: FULL is for zooming, and takes 25 MB while it is shown."""
LONGEST_STAGE = 1600
STAGES = frozenset({View.FLATTENED, View.FOUND, View.INK})


def rendered(page: Gray, view: View) -> tuple[str, bytes]:
    """Media type and bytes of a picture of a page (H, W) uint8; dark on light, as people write, if it is a stage.

    A page in MNIST's form goes through no stages: each of them is the page itself.
    """
    if view in STAGES:
        return "image/png", _encoded(_reduced(_stage(page, view), LONGEST_STAGE), ".png")
    image = _reduced(page, LONGEST[view])
    if image.size < JPEG_FROM:
        return "image/png", _encoded(image, ".png")
    return "image/jpeg", _encoded(image, ".jpg")


def _stage(page: Gray, view: View) -> Gray:
    if is_mnist_like(page):
        return page
    found = stages(page)
    match view:
        case View.FLATTENED:
            dark = found.flattened
        case View.FOUND:
            dark = as_gray(found.found * 255)
        case _:
            dark = found.ink.ink
    return as_gray(255 - dark)


def _reduced(image: Gray, longest: int) -> Gray:
    scale = longest / max(image.shape)
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return as_gray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _encoded(image: Gray, ending: str) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if ending == ".jpg" else [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL]
    done, data = cv2.imencode(ending, np.ascontiguousarray(image), options)
    if not done:
        raise ValueError("OpenCV cannot encode the picture")
    return data.tobytes()
