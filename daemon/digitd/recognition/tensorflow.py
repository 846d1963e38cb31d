"""The other engine: TensorFlow runs the same bundle's Keras file, to check LiteRT by, or on a GPU."""

from typing import Any

import numpy as np

from digitd.errors import BundleError
from digitd.recognition.bundle import KERAS_FILE, Bundle
from digitd.recognition.engine import Images, Logits, as_logits, chunks, prepared


class TensorFlowEngine:
    """Runs a bundle's .keras file as a compiled function, at the fixed shapes; never predict()."""

    def __init__(self, bundle: Bundle) -> None:
        """Load the network; BundleError without TensorFlow, or if Keras cannot use the file."""
        path = bundle.file(KERAS_FILE)
        try:
            import keras
            import tensorflow as tf
        except ImportError as error:
            raise BundleError(
                "`model.engine: tensorflow` needs TensorFlow, and it is not installed",
                "Install digitd with its extra (pip install '.[train]' in its clone), or set `model.engine: litert`",
            ) from error
        try:
            model: Any = keras.models.load_model(path, compile=False)
        except (ValueError, OSError, TypeError, KeyError) as error:
            raise BundleError(f"Keras cannot load {path} ({error})", "Train the bundle again") from error
        self._bundle = bundle
        # One trace a shape: a new shape each call would retrace, and grow (keras #13118).
        self._run = tf.function(lambda x: model(x, training=False))

    def logits(self, images: Images) -> Logits:
        """uint8 (N, 28, 28) to float32 (N, classes)."""
        out = np.empty((len(images), len(self._bundle.manifest.classes)), np.float32)
        for start, stop, shape in chunks(len(images)):
            output = self._run(prepared(images[start:stop], self._bundle, shape)).numpy()
            out[start:stop] = as_logits(output[: stop - start], self._bundle)
        return out
