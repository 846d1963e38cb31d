"""Fitting a network: seeded, with a held-out part of the training set to choose the epoch by."""

from dataclasses import dataclass
from typing import Protocol

import keras
import numpy as np
import numpy.typing as npt

from digitd.training.data import Images, Labels
from digitd.training.epochs import stream
from digitd.training.networks import Preset

HELD_OUT = 1 / 12
"""Share of the training set for validation: 5,000 of MNIST's 60,000."""
AUGMENTATION_SEED = 1_000_003
"""Added to the seed for the validation's images: never those of an epoch."""


class Progress(Protocol):
    """What is told of the work: `done` of `total` steps, and a phrase such as 'epoch 3 of 20'."""

    def __call__(self, done: int, total: int, message: str) -> None:
        """A `total` of 0 means that nobody knows how long this phase takes."""


@dataclass(frozen=True)
class Validation:
    """Held-out images uint8 (N, 28, 28) and labels (N,): half as MNIST has them, half as scans."""

    images: Images
    labels: Labels


@dataclass(frozen=True)
class Fitted:
    """A trained network, what was held out from it (None: nothing), and the epoch that was kept."""

    model: keras.Sequential
    validation: Validation | None
    epochs: int
    best_epoch: int


def scaled(images: Images) -> npt.NDArray[np.float32]:
    """uint8 (N, 28, 28) to float32 (N, 28, 28, 1), 0..1: the input of every preset."""
    return (images.astype(np.float32) / np.float32(255))[..., None]


def fit(preset: Preset, images: Images, labels: Labels, seed: int, epochs: int | None, progress: Progress) -> Fitted:
    """Train the preset's network on MNIST's training set; keep the epoch with the least validation loss.

    A preset that holds nothing out keeps the last epoch. Nothing here ever sees the test set.
    """
    keras.utils.set_random_seed(seed % 2**32)
    epochs = preset.epochs if epochs is None else epochs
    order = np.random.default_rng(seed).permutation(len(images))
    held, rest = np.split(order, [max(1, round(len(order) * HELD_OUT)) if preset.holds_out else 0])
    validation = _validation(images[held], labels[held], seed, preset.augment) if preset.holds_out else None
    batches = -(-len(rest) // preset.batch)
    model = preset.build()
    model.compile(
        optimizer=keras.optimizers.Adam(_rate(preset, batches * epochs)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=preset.output == "logits"),
        metrics=["accuracy"],
    )
    if preset.augment:
        source = stream(images[rest], labels[rest], epochs, seed)
    else:
        source = iter([(images[rest], labels[rest])] * epochs)
    best_loss, best_epoch, best_weights = np.inf, epochs, None
    for epoch, (x, y) in enumerate(source):
        steps = _Steps(progress, epoch * batches, batches * epochs, f"epoch {epoch + 1} of {epochs}")
        model.fit(scaled(x), y, batch_size=preset.batch, verbose=0, callbacks=[steps])
        if validation is None:
            continue
        loss, accuracy = model.evaluate(scaled(validation.images), validation.labels, batch_size=500, verbose=0)
        steps.found(accuracy)
        if loss < best_loss:
            best_loss, best_epoch, best_weights = loss, epoch + 1, model.get_weights()
    if best_weights is not None:
        model.set_weights(best_weights)
    return Fitted(model, validation, epochs, best_epoch)


def _rate(preset: Preset, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate, or its cosine schedule (Loshchilov and Hutter, SGDR, ICLR 2017) with a short warm-up."""
    if not preset.schedule:
        return preset.learning_rate
    warm_up = max(1, steps // 20)
    return keras.optimizers.schedules.CosineDecay(
        preset.learning_rate / 20,
        max(1, steps - warm_up),
        alpha=0.005,
        warmup_target=preset.learning_rate,
        warmup_steps=warm_up,
    )


def _validation(images: Images, labels: Labels, seed: int, augment: bool) -> Validation:
    if not augment:
        return Validation(images, labels)
    scans, scan_labels = next(stream(images, labels, 1, seed + AUGMENTATION_SEED))
    return Validation(np.concatenate((images, scans)), np.concatenate((labels, scan_labels)))


class _Steps(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Hands Keras' batches on to `progress`."""

    def __init__(self, progress: Progress, before: int, total: int, message: str) -> None:
        super().__init__()
        self._progress, self._before, self._total, self._message = progress, before, total, message
        self._done = before

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._done = self._before + batch + 1
        self._progress(self._done, self._total, self._message)

    def found(self, accuracy: float) -> None:
        self._progress(self._done, self._total, f"{self._message}: {accuracy:.2%} of the held-out right")
