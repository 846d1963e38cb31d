"""A trained network to a bundle's folder: the LiteRT model, the Keras model, and bundle.json."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digitd.training.data import Images
from digitd.training.fit import scaled

CALIBRATION = 500
"""Images from which the ranges of int8 activations are measured: more change no figure."""


def litert(model: Any, calibration: Images | None) -> bytes:
    """The network as a LiteRT flatbuffer: int8 with float32 input and output, or float32 without images.

    `calibration` is uint8 (N, 28, 28), of which some hundreds are used (Jacob et al., "Quantization and training
    of neural networks for efficient integer-arithmetic-only inference", CVPR 2018).
    """
    import tensorflow as tf

    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    # A fixed batch dimension would be baked into the network's Flatten.
    signature = tf.function(lambda x: model(x, training=False)).get_concrete_function(
        tf.TensorSpec((None, 28, 28, 1), tf.float32)
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([signature], model)
    if calibration is not None:
        images = scaled(calibration[:CALIBRATION])

        def representative() -> Iterator[list[npt.NDArray[np.float32]]]:
            for image in images:
                yield [image[None]]

        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return bytes(converter.convert())


def keras_file(model: Any, path: Path) -> None:
    """The network for TensorFlow, without its optimizer's state."""
    import keras

    bare = keras.models.clone_model(model)
    bare.set_weights(model.get_weights())
    bare.save(path)
