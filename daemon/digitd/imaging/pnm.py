"""PBM, PGM and PPM, ASCII and binary: read here, since OpenCV ignores their maxval."""

import re

import numpy as np
from numpy.typing import NDArray

from digitd.errors import DamagedScanError, TruncatedScanError
from digitd.imaging.remedies import SEND_AGAIN

GAP = rb"(?:\s|#[^\n\r]*[\n\r])+"
HEADER = re.compile(rb"P([1-6])" + GAP + rb"(\d{1,9})" + GAP + rb"(\d{1,9})(?:" + GAP + rb"(\d{1,5}))?")
COMMENT = re.compile(rb"#[^\n\r]*")


def size(data: bytes) -> tuple[int, int]:
    """(width, height) in px. TruncatedScanError where the file has fewer pixels than that."""
    kind, width, height, maxval, start = _header(data)
    samples = width * height * (3 if kind in (3, 6) else 1)
    if kind == 4:
        needed = (width + 7) // 8 * height
    elif kind == 1:
        needed = samples
    elif kind in (2, 3):
        needed = 2 * samples - 1
    else:
        needed = samples * (2 if maxval > 255 else 1)
    if len(data) - start < needed:
        raise TruncatedScanError("the PNM image ends before its pixels do", SEND_AGAIN)
    return width, height


def decode(data: bytes) -> NDArray[np.uint8]:
    """The first image, (H, W) or (H, W, 3) in OpenCV's order of colours, uint8 with maxval at 255."""
    kind, width, height, maxval, start = _header(data)
    shape = (height, width, 3) if kind in (3, 6) else (height, width)
    count = int(np.prod(shape))
    if kind == 4:
        stride = (width + 7) // 8
        packed = np.frombuffer(data, np.uint8, stride * height, start).reshape(height, stride)
        return np.where(np.unpackbits(packed, axis=1)[:, :width], 0, 255).astype(np.uint8)
    if kind == 1:
        bits = np.frombuffer(COMMENT.sub(b"", data[start:]), np.uint8)
        bits = bits[(bits == ord("0")) | (bits == ord("1"))]
        return np.where(_whole(bits, count) == ord("1"), 0, 255).astype(np.uint8).reshape(shape)
    if kind in (2, 3):
        numbers = COMMENT.sub(b"", data[start:]).split(None, count)[:count]
        if any(not number.isdigit() or len(number) > 5 for number in numbers):
            raise DamagedScanError("the PNM image has something else among its pixels", SEND_AGAIN)
        samples = _whole(np.array([int(number) for number in numbers], np.float32), count)
    else:
        samples = np.frombuffer(data, ">u2" if maxval > 255 else np.uint8, count, start)
    if maxval != 255:
        samples = np.minimum(samples.astype(np.float32) * (255 / maxval) + 0.5, 255)
    image = samples.astype(np.uint8).reshape(shape)
    return image[..., ::-1] if image.ndim == 3 else image


def _header(data: bytes) -> tuple[int, int, int, int, int]:
    """Kind, width, height, maxval, and where the pixels start."""
    match = HEADER.match(data)
    if match is None or (int(match[1]) not in (1, 4) and match[4] is None):
        if len(data) < 64:
            raise TruncatedScanError("the PNM image ends within its header", SEND_AGAIN)
        raise DamagedScanError("the PNM image's header makes no sense", SEND_AGAIN)
    kind, width, height = int(match[1]), int(match[2]), int(match[3])
    bitmap = kind in (1, 4)
    maxval = 1 if bitmap else int(match[4])
    if not 0 < maxval < 65536:
        raise DamagedScanError("the PNM image's header makes no sense", SEND_AGAIN)
    return kind, width, height, maxval, (match.end(3) if bitmap else match.end(4)) + 1


def _whole(samples: NDArray[np.float32] | NDArray[np.uint8], count: int) -> NDArray[np.float32]:
    if samples.size < count:
        raise TruncatedScanError("the PNM image ends before its pixels do", SEND_AGAIN)
    return samples[:count].astype(np.float32)
