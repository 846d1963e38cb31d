"""The type that images have everywhere in imaging: (H, W) uint8."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Gray: TypeAlias = NDArray[np.uint8]


def as_gray(image: NDArray[Any]) -> Gray:
    """What OpenCV returns, whose stubs leave the dtype open, as the uint8 it is (no copy)."""
    return np.asarray(image, np.uint8)
