"""The picture that the fuzzers' files hold, in the depths and colours that formats have."""

from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from e2e import scans

Samples: TypeAlias = npt.NDArray[Any]

SIDE = 24
"""Pixels: small, for a fuzzer lives by the number of its tries."""
PAGE = np.pad(255 - cv2.resize(scans.ink(4), (SIDE - 4, SIDE - 4)), 2, constant_values=255).astype(np.uint8)
"""A digit on paper, (SIDE, SIDE)."""
BITS = np.packbits(PAGE > 128, axis=1)
"""The same in black and white."""
COLOUR = np.dstack([PAGE, PAGE // 2, np.full_like(PAGE, 200)])
ALPHA = np.dstack([COLOUR, 255 - PAGE])


def wide(image: Samples) -> Samples:
    """With 16 bits a sample."""
    return image.astype(np.uint16) * np.uint16(257)
