"""The engine of the daemon: LiteRT (TensorFlow Lite's runtime) on one thread, at fixed shapes."""

from typing import Any

import numpy as np

from digitd.errors import BundleError
from digitd.recognition.bundle import LITERT_FILE, Bundle
from digitd.recognition.engine import Images, Logits, as_logits, chunks, prepared


class LiteRtEngine:
    """Runs a bundle's .tflite file. Not safe for threads: a worker has its own."""

    def __init__(self, bundle: Bundle) -> None:
        """Load the network; BundleError if LiteRT cannot use it."""
        self._bundle = bundle
        self._content = bundle.file(LITERT_FILE).read_bytes()
        self._interpreters: dict[int, tuple[Any, int, int]] = {}
        self._interpreter(1)

    def logits(self, images: Images) -> Logits:
        """uint8 (N, 28, 28) to float32 (N, classes)."""
        out = np.empty((len(images), len(self._bundle.manifest.classes)), np.float32)
        for start, stop, shape in chunks(len(images)):
            interpreter, given, taken = self._interpreter(shape)
            interpreter.set_tensor(given, prepared(images[start:stop], self._bundle, shape))
            interpreter.invoke()
            out[start:stop] = as_logits(interpreter.get_tensor(taken)[: stop - start], self._bundle)
        return out

    def _interpreter(self, shape: int) -> tuple[Any, int, int]:
        """The interpreter for batches of `shape`, made when first needed, and its input's and output's index."""
        if shape not in self._interpreters:
            # Imported here: 0.1 s that a command without recognition need not wait for.
            from ai_edge_litert.interpreter import Interpreter

            form = self._bundle.manifest.input
            try:
                interpreter = Interpreter(model_content=self._content, num_threads=1)
                given = interpreter.get_input_details()[0]["index"]
                interpreter.resize_tensor_input(given, (shape, form.height, form.width, 1))
                interpreter.allocate_tensors()
                taken = interpreter.get_output_details()[0]
            except (ValueError, RuntimeError) as error:
                raise BundleError(
                    f"LiteRT cannot load {self._bundle.file(LITERT_FILE)} ({error})",
                    "Install the ai-edge-litert that digitd asks for, or train the bundle again",
                ) from error
            if tuple(taken["shape"]) != (shape, len(self._bundle.manifest.classes)):
                raise BundleError(
                    f"The network {self._bundle.file(LITERT_FILE)} has outputs of shape {tuple(taken['shape'])}, and "
                    f"bundle.json names {len(self._bundle.manifest.classes)} classes",
                    "Train the bundle again",
                )
            self._interpreters[shape] = (interpreter, given, taken["index"])
        return self._interpreters[shape]
