"""Pictures put together of pictures and words, with OpenCV alone."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""(H, W, 3) uint8, blue, green, red."""
Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
INK: Colour = (40, 36, 32)
QUIET: Colour = (120, 112, 104)
GOOD: Colour = (70, 140, 20)
DOUBT: Colour = (10, 120, 220)
BAD: Colour = (50, 40, 200)
FRAME: Colour = (208, 202, 196)

FONT = cv2.FONT_HERSHEY_SIMPLEX
HEIGHT = 22
"""Pixels of a capital letter at scale 1 in this font."""


def blank(height: int, width: int, colour: Colour = WHITE) -> Picture:
    """An empty picture."""
    return np.full((height, width, 3), colour, np.uint8)


def coloured(gray: NDArray[np.uint8]) -> Picture:
    """A gray image (H, W) as a picture."""
    return np.repeat(gray[:, :, None], 3, axis=2)


def fitted(image: Picture, height: int, width: int, most: float = 8.0) -> Picture:
    """The whole image, as large as fits into height x width, enlarged `most` times at most; its shape is kept."""
    scale = min(height / image.shape[0], width / image.shape[1], most)
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    if size == (image.shape[1], image.shape[0]):
        return image
    # What is enlarged keeps its pixels: they are what one wants to see.
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


def write(picture: Picture, text: str, at: tuple[int, int], size: int, colour: Colour = INK) -> None:
    """Write one line, its letters `size` px high, the lower left corner at (x, y). What the font lacks becomes `?`."""
    shown = "".join(char if " " <= char <= "~" else "?" for char in text)
    cv2.putText(picture, shown, at, FONT, size / HEIGHT, colour, 1, cv2.LINE_AA)


def width_of(text: str, size: int) -> int:
    """How many pixels wide a line is."""
    return int(cv2.getTextSize(text, FONT, size / HEIGHT, 1)[0][0])


def shortened(text: str, size: int, width: int, keep: Literal["begin", "end"] = "begin") -> str:
    """The text, or as much of its beginning or its end as fits, and dots."""
    if width_of(text, size) <= width:
        return text
    while text and width_of(f"{text}...", size) > width:
        text = text[:-1] if keep == "begin" else text[1:]
    return f"{text}..." if keep == "begin" else f"...{text}"


def wrapped(text: str, size: int, width: int) -> list[str]:
    """The text in lines that fit, broken between words where that is possible."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and width_of(longer, size) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [shortened(each, size, width) for each in [*lines, line] if each]


def paste(picture: Picture, image: Picture, at: tuple[int, int]) -> None:
    """Put an image into a picture, its upper left corner at (x, y); it must fit."""
    x, y = at
    picture[y : y + image.shape[0], x : x + image.shape[1]] = image


def png(picture: Picture) -> bytes:
    """The picture as a PNG file's bytes."""
    done, data = cv2.imencode(".png", picture)
    if not done:
        raise ValueError("OpenCV cannot encode the picture")
    return data.tobytes()
