"""The networks that digitd trains, one function a preset; each takes (N, 28, 28, 1) float32, 0..1."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
from keras import layers

from digitd.recognition.bundle import NO_DIGIT
from digitd.training.errors import PresetError


@dataclass(frozen=True)
class Preset:
    """How to build a network and how to train it.

    `augment`: on scans' likenesses and on what is no digit, not on MNIST alone; `schedule`: the learning rate rises,
    and falls to nothing; `average`: what is kept is the weights' running mean; `holds_out`: a part of the training
    set is kept for choices.
    """

    build: Callable[[], keras.Sequential]
    epochs: int
    augment: bool
    batch: int
    learning_rate: float
    schedule: bool
    average: bool
    holds_out: bool
    output: str
    classes: tuple[str, ...]


def tutorial() -> keras.Sequential:
    """The seed recipe to the letter: 784-128-128-10, 118,282 parameters, about 97 % on MNIST."""
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="tutorial",
    )


def default() -> keras.Sequential:
    """A small convolutional network: five 3x3 layers at three scales, 237,419 parameters; ten digits and no digit."""
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            # 28x28: the costliest place, so few channels; edges and stroke ends need no more.
            *_block(32),
            layers.MaxPooling2D(),
            # 14x14: two layers see 8 px, the size of a loop or a corner.
            *_block(48),
            *_block(64),
            layers.MaxPooling2D(),
            # 7x7: wide and cheap; the second layer sees the whole digit.
            *_block(96),
            *_block(96),
            layers.MaxPooling2D(),
            # 3x3 places kept apart: where a loop lies is what tells a 6 from a 9.
            layers.Flatten(),
            # Moderate: every epoch's images are others, which does most of the regularising.
            layers.Dropout(0.25),
            layers.Dense(64, activation="relu"),
            # Logits, not probabilities: the temperature is applied to them, and int8 keeps their spread.
            layers.Dense(11),
        ],
        name="default",
    )


def _block(channels: int) -> list[layers.Layer]:
    """A 3x3 convolution; its batch norm, folded into it at export, makes a high learning rate safe."""
    return [
        layers.Conv2D(channels, 3, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=0.95),
        layers.ReLU(),
    ]


DIGITS = tuple("0123456789")

PRESETS = {
    # Keras' defaults (Adam at 0.001, batches of 32) and all 60,000 images, as the recipe has them.
    "tutorial": Preset(
        tutorial,
        epochs=3,
        augment=False,
        batch=32,
        learning_rate=0.001,
        schedule=False,
        average=False,
        holds_out=False,
        output="probabilities",
        classes=DIGITS,
    ),
    # 24 epochs, each of other images: 15 to 20 minutes on two cores.
    "default": Preset(
        default,
        epochs=24,
        augment=True,
        batch=128,
        learning_rate=0.002,
        schedule=True,
        average=True,
        holds_out=True,
        output="logits",
        classes=(*DIGITS, NO_DIGIT),
    ),
}


def preset(name: str) -> Preset:
    """The preset of that name. Raises PresetError, which lists them."""
    try:
        return PRESETS[name]
    except KeyError:
        raise PresetError(f"There is no preset {name!r}", f"Choose one of {', '.join(PRESETS)}") from None
