"""What lies between ink and file: paper, printed rules, light, skew, noise, compression. Pure, seeded by its caller."""

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt
from ink import Mask

Box = tuple[int, int, int, int]
Image = npt.NDArray[np.uint8]
Light = npt.NDArray[np.float32]
"""An image while it is made: (H, W, 3) float32, blue, green, red, 0..255."""
Colour = tuple[float, float, float]


@dataclass
class Layers:
    """What is on a page before it is a picture: ink and print (H, W) float32 0..1, the digits' boxes (x, y, w, h)."""

    ink: Mask
    print: Mask
    boxes: list[Box] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, px."""
        return self.ink.shape[0], self.ink.shape[1]


def turned(layers: Layers, degrees: float, bleed: int) -> Layers:
    """The layers turned about their middle, and the BLEED px round them cut off."""
    height, width = layers.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    matrix[:, 2] -= bleed
    size = (width - 2 * bleed, height - 2 * bleed)
    ink, printed = (cv2.warpAffine(one, matrix, size, flags=cv2.INTER_LINEAR) for one in (layers.ink, layers.print))
    boxes = []
    for x, y, w, h in layers.boxes:
        corners = np.array([[x, y, 1], [x + w, y, 1], [x, y + h, 1], [x + w, y + h, 1]]) @ matrix.T
        low, high = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int)
        boxes.append((int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])))
    return Layers(np.asarray(ink, np.float32), np.asarray(printed, np.float32), boxes)


def bleed_for(width: int, height: int, degrees: float) -> int:
    """How much a page must be larger on each side, so that no empty corner is turned into it."""
    return math.ceil(max(width, height) * abs(math.sin(math.radians(degrees)))) + 2


def blended(layers: Layers, sheet: Light, ink: Colour, print_: Colour) -> Light:
    """The sheet (H, W, 3) with the print and then the ink on it."""
    out = sheet
    for mask, colour in ((layers.print, print_), (layers.ink, ink)):
        alpha = mask[..., None]
        out = out * (1 - alpha) + np.array(colour, np.float32) * alpha
    return np.asarray(out, np.float32)


def sheet(random: np.random.Generator, shape: tuple[int, int], colour: Colour, grain: float = 2.0) -> Light:
    """Paper: its colour, with coarse and fine unevenness of GRAIN gray levels."""
    height, width = shape
    coarse = random.normal(0, grain, (height // 24 + 2, width // 24 + 2)).astype(np.float32)
    clouds = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.array(colour, np.float32) + clouds[..., None], np.float32)


def shadow(random: np.random.Generator, shape: tuple[int, int]) -> Mask:
    """Light under a hand or a phone: a slanting edge, softer or harder, behind which 40 to 70 % is left."""
    across, along = _slope(random, shape)
    softness = random.uniform(0.01, 0.15) * math.hypot(*shape)
    edge = random.uniform(0.25, 0.75) * along
    dark = random.uniform(0.4, 0.7)
    return np.asarray(dark + (1 - dark) / (1 + np.exp(np.clip((edge - across) / softness, -40, 40))), np.float32)


def _slope(random: np.random.Generator, shape: tuple[int, int]) -> tuple[Mask, float]:
    """Each point's way along a random direction, px from 0, and the longest."""
    angle = random.uniform(0, 2 * math.pi)
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    way = x * math.cos(angle) + y * math.sin(angle)
    way -= way.min()
    return np.asarray(way, np.float32), float(way.max())


def vignette(random: np.random.Generator, shape: tuple[int, int]) -> Mask:
    """A lens's or a lamp's fall of light: 35 to 60 % is left in the darkest corner."""
    height, width = shape
    cy, cx = random.uniform(0.35, 0.65) * height, random.uniform(0.35, 0.65) * width
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    far = np.hypot((x - cx) / width, (y - cy) / height)
    far /= far.max()
    return np.asarray(1 - random.uniform(0.4, 0.65) * far**2, np.float32)


def photographed(
    random: np.random.Generator, picture: Light, noise: float = 2.0, blur: tuple[float, float] = (0.3, 0.8)
) -> Image:
    """The picture as a sensor has it: a little soft, a little noisy, uint8."""
    soft = cv2.GaussianBlur(picture, (0, 0), random.uniform(*blur))
    grain = random.normal(0, noise, soft.shape[:2]).astype(np.float32)
    return np.asarray(np.clip(soft + grain[..., None], 0, 255), np.uint8)


def png(image: Image) -> bytes:
    """As a PNG file."""
    return bytes(cv2.imencode(".png", image)[1].tobytes())


def jpeg(image: Image, quality: int) -> bytes:
    """As a JPEG file."""
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())
