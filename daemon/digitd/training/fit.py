"""Fitting a network: seeded, with a held-out part of the training set to choose the epoch by."""

from dataclasses import dataclass
from typing import Protocol

import keras
import numpy as np
import numpy.typing as npt

from digitd.training.data import CLASSES, Images, Labels
from digitd.training.epochs import size, stream
from digitd.training.errors import DataError
from digitd.training.networks import Preset

HELD_OUT = 1 / 12
"""Share of the training set for validation: 5,000 of MNIST's 60,000."""
AUGMENTATION_SEED = 1_000_003
"""Added to the seed for the validation's images: never those of an epoch."""
AVERAGED_EVERY, AVERAGED_OVER = 10, 1000
"""The weights' running mean takes them in so often and forgets them over so many, steps: two epochs of MNIST."""


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


def fit(
    preset: Preset,
    images: Images,
    labels: Labels,
    seed: int,
    epochs: int | None,
    progress: Progress,
    extra: tuple[Images, Labels] | None = None,
) -> Fitted:
    """Train the preset's network on MNIST's training set; keep the epoch with the least validation loss.

    `extra` are images and labels to train on besides; none of them is held out. A preset that holds nothing out keeps
    the last epoch. Nothing here ever sees the test set.
    """
    if preset.augment and (missing := set(range(CLASSES)) - set(labels.tolist())):
        raise DataError(
            f"The training set has no image of the digit {min(missing)}", "Train this preset on all ten digits"
        )
    keras.utils.set_random_seed(seed % 2**32)
    epochs = preset.epochs if epochs is None else epochs
    order = np.random.default_rng(seed).permutation(len(images))
    held, rest = np.split(order, [max(1, round(len(order) * HELD_OUT)) if preset.holds_out else 0])
    validation = _validation(images[held], labels[held], seed, preset.augment) if preset.holds_out else None
    train_images, train_labels = images[rest], labels[rest]
    if extra is not None:
        train_images, train_labels = np.concatenate((train_images, extra[0])), np.concatenate((train_labels, extra[1]))
    batches = -(-(size(len(train_images)) if preset.augment else len(train_images)) // preset.batch)
    model = preset.build()
    mean = _RunningMean() if preset.average else None
    model.compile(
        optimizer=keras.optimizers.Adam(_rate(preset, batches * epochs)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=preset.output == "logits"),
        metrics=["accuracy"],
    )
    if preset.augment:
        source = stream(train_images, train_labels, epochs, seed)
    else:
        source = iter([(train_images, train_labels)] * epochs)
    best_loss, best_epoch, best_weights = np.inf, epochs, None
    for epoch, (x, y) in enumerate(source):
        steps = _Steps(progress, epoch * batches, batches * epochs, f"epoch {epoch + 1} of {epochs}")
        model.fit(scaled(x), y, batch_size=preset.batch, verbose=0, callbacks=[steps, *([mean] if mean else [])])
        if validation is None:
            continue
        latest = model.get_weights()
        if mean is not None:
            model.set_weights(mean.weights)
        loss, accuracy = model.evaluate(scaled(validation.images), validation.labels, batch_size=500, verbose=0)
        steps.found(accuracy)
        if loss < best_loss:
            best_loss, best_epoch, best_weights = loss, epoch + 1, model.get_weights()
        model.set_weights(latest)
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


class _RunningMean(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """The exponential mean of the weights along the way: flatter and better than where the way ends.

    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992); Izmailov et al., "Averaging
    weights leads to wider optima and better generalization" (UAI 2018). The batch norms' statistics are averaged too.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weights: list[npt.NDArray[np.float32]] = []
        self._steps = 0

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._steps += 1
        if self._steps % AVERAGED_EVERY and self.weights:
            return
        # At first a plain mean: the beginning must not weigh for ever.
        share = max(AVERAGED_EVERY / AVERAGED_OVER, AVERAGED_EVERY / (AVERAGED_EVERY + self._steps))
        latest = self.model.get_weights()
        if not self.weights:
            self.weights = latest
            return
        self.weights = [mean + np.float32(share) * (now - mean) for mean, now in zip(self.weights, latest, strict=True)]


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
