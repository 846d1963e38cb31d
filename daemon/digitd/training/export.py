"""A trained network to a bundle's folder: the LiteRT model, the Keras model, and bundle.json."""

import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from digitd.training.data import Images
from digitd.training.fit import scaled

if TYPE_CHECKING:
    import keras

CALIBRATION = 500
"""Images from which the ranges of int8 activations are measured: more change no figure."""


def litert(model: "keras.Sequential", calibration: Images | None) -> bytes:
    """The network as a LiteRT flatbuffer: int8 with float32 input and output, or float32 without images.

    `calibration` is uint8 (N, 28, 28), of which some hundreds are used (Jacob et al., "Quantization and training
    of neural networks for efficient integer-arithmetic-only inference", CVPR 2018).
    """
    import tensorflow as tf

    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    converter = tf.lite.TFLiteConverter.from_keras_model(_of_fixed_rank(model))
    if calibration is not None:
        images = scaled(calibration[:CALIBRATION])

        def representative() -> Iterator[list[npt.NDArray[np.float32]]]:
            for image in images:
                yield [image[None]]

        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return bytes(converter.convert())


def keras_file(model: "keras.Sequential", path: Path) -> None:
    """The network for TensorFlow, without its optimizer's state."""
    # Saving a compiled model saves Adam's two moments of each weight too: three times the size.
    bare = type(model).from_config(model.get_config())
    bare.set_weights(model.get_weights())
    bare.save(path)


def _of_fixed_rank(model: "keras.Sequential") -> "keras.Sequential":
    """The same layers, with a Flatten whose sizes are constants.

    Keras' own asks for the batch size at run time; LiteRT then plans no memory for what follows, and runs it slowly.
    """
    import keras
    import tensorflow as tf

    class Flat(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        def call(self, x: tf.Tensor) -> tf.Tensor:
            return tf.reshape(x, (-1, math.prod(x.shape[1:])))

    flatten = keras.layers.Flatten
    layers = [Flat() if isinstance(layer, flatten) else layer for layer in model.layers]
    return keras.Sequential([keras.layers.Input(model.input_shape[1:]), *layers])
