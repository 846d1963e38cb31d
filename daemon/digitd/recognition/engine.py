"""What runs a network: the protocol of the engines, and how they cut any number of images to fixed shapes."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from digitd.recognition.bundle import Bundle

Images = npt.NDArray[np.uint8]
Logits = npt.NDArray[np.float32]

SHAPES = (1, 8, 64, 256)
"""The batches a network is prepared for: a lone digit, a line, a page, a batch of pages."""
LEAST_PROBABILITY = 1e-7
"""Below this a float32 softmax has no digits left; its logarithm stays finite."""


class Engine(Protocol):
    """Runs the network of a bundle."""

    def logits(self, images: Images) -> Logits:
        """One row of log-odds per image: uint8 (N, 28, 28) to float32 (N, classes); N may be 0."""
        ...


def open_engine(bundle: Bundle, name: str) -> Engine:
    """The engine `litert` or `tensorflow` with the bundle's network loaded, and its second look where it has one.

    TensorFlow is imported only where it is asked for; BundleError if it is not installed.
    """
    engine: Engine
    if name == "tensorflow":
        from digitd.recognition.tensorflow import TensorFlowEngine

        engine = TensorFlowEngine(bundle)
    else:
        from digitd.recognition.litert import LiteRtEngine

        engine = LiteRtEngine(bundle)
    if not bundle.manifest.second_look:
        return engine
    from digitd.recognition.second_look import SecondLook

    return SecondLook(engine)


def chunks(count: int) -> Iterator[tuple[int, int, int]]:
    """(start, stop, shape) that cover `count` images: the largest shapes that are full, or nearly so at the end.

    An image costs the network the same in every shape, one of padding too; a call more costs as much as an image.
    """
    start = 0
    while start < count:
        left = count - start
        full = max(shape for shape in SHAPES if shape <= left)
        larger = next((shape for shape in SHAPES if shape >= left), full)
        shape = larger if larger - left <= left // full else full
        stop = min(count, start + shape)
        yield start, stop, shape
        start = stop


def prepared(images: Images, bundle: Bundle, shape: int) -> npt.NDArray[np.float32]:
    """uint8 (n, 28, 28) to the network's input float32 (shape, 28, 28, 1), padded with paper."""
    form = bundle.manifest.input
    out = np.zeros((shape, form.height, form.width, 1), np.float32)
    np.multiply(images[..., None], np.float32(form.scale), out=out[: len(images)])
    return out


def as_logits(output: npt.NDArray[np.float32], bundle: Bundle) -> Logits:
    """The network's output as logits; the logarithm of probabilities is one up to a constant a row."""
    if bundle.manifest.output == "probabilities":
        return np.log(np.maximum(output, np.float32(LEAST_PROBABILITY)))
    return output
