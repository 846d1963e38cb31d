"""PBM, PGM and PPM, ASCII and binary: read here, since OpenCV ignores their maxval."""

import re
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from digitd.errors import DamagedScanError, TruncatedScanError
from digitd.imaging.remedies import SEND_AGAIN

GAP = rb"(?:\s|#[^\n\r]*[\n\r])+"
HEADER = re.compile(rb"P([1-6])" + GAP + rb"(\d{1,9})" + GAP + rb"(\d{1,9})(?:" + GAP + rb"(\d{1,5}))?")
COMMENT = re.compile(rb"#[^\n\r]*")
AT_ONCE = 1 << 20
"""So many samples, or bytes of text, are converted at once."""

Sample = TypeVar("Sample", np.uint8, np.uint16)


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
        return _black_and_white(np.unpackbits(packed, axis=1)[:, :width])
    if kind == 1:
        bits = np.frombuffer(COMMENT.sub(b"", data[start:]), np.uint8)
        bits = _whole(bits[(bits == ord("0")) | (bits == ord("1"))], count)
        return _black_and_white(bits - ord("0")).reshape(shape)
    if kind in (2, 3):
        samples = _numbers(COMMENT.sub(b"", data[start:]), count)
    else:
        samples = np.frombuffer(data, ">u2" if maxval > 255 else np.uint8, count, start)
    image = np.empty(count, np.uint8)
    for at in range(0, count, AT_ONCE):
        some = samples[at : at + AT_ONCE]
        if maxval != 255:
            some = np.minimum(some.astype(np.float32) * (255 / maxval) + 0.5, 255)
        image[at : at + AT_ONCE] = some.astype(np.uint8)
    image = image.reshape(shape)
    return image[..., ::-1] if image.ndim == 3 else image


def _black_and_white(bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.multiply(1 - bits, 255, dtype=np.uint8)


def _numbers(text: bytes, count: int) -> NDArray[np.uint16]:
    """The first `count` numbers of a text, which may be millions: read by pieces."""
    samples, found, at = np.empty(count, np.uint16), 0, 0
    while found < count and at < len(text):
        end = at + AT_ONCE
        while end < len(text) and not text[end : end + 1].isspace():
            end += 1
        numbers = text[at:end].split()[: count - found]
        if any(not number.isdigit() or len(number) > 5 or int(number) > 65535 for number in numbers):
            raise DamagedScanError("the PNM image has something else among its pixels", SEND_AGAIN)
        samples[found : found + len(numbers)] = [int(number) for number in numbers]
        found, at = found + len(numbers), end
    return _whole(samples[:found], count)


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


def _whole(samples: NDArray[Sample], count: int) -> NDArray[Sample]:
    if samples.size < count:
        raise TruncatedScanError("the PNM image ends before its pixels do", SEND_AGAIN)
    return samples[:count]
