"""How good an engine is on labelled 28x28 images: accuracy with its interval, and the confusions. Pure."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitd.interval import wilson
from digitd.recognition.bundle import Figures
from digitd.recognition.engine import Engine, Logits
from digitd.training.data import Images, Labels


@dataclass(frozen=True)
class Evaluation:
    """What an engine said of labelled images: `confusion[true, said]` is int64 (classes, classes)."""

    correct: int
    total: int
    confusion: npt.NDArray[np.int64]
    wrong: npt.NDArray[np.int64]

    @property
    def accuracy(self) -> float:
        """Share that is right, 0..1."""
        return self.correct / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy."""
        return wilson(self.correct, self.total)

    def figures(self) -> Figures:
        """The figures as bundle.json keeps them."""
        low, high = self.interval
        return Figures(self.correct, self.total, self.accuracy, (low, high))


def evaluate(engine: Engine, images: Images, labels: Labels) -> Evaluation:
    """Read images uint8 (N, 28, 28), and compare with labels (N,); `wrong` has the indices of the errors."""
    return compared(engine.logits(images), labels)


def compared(logits: Logits, labels: Labels) -> Evaluation:
    """What the logits (N, classes) say, compared with the truth (N,)."""
    said = logits.argmax(1)
    confusion = np.zeros((logits.shape[1], logits.shape[1]), np.int64)
    np.add.at(confusion, (labels, said), 1)
    wrong = np.flatnonzero(said != labels)
    return Evaluation(len(labels) - len(wrong), len(labels), confusion, wrong)
