"""Labelled 28x28 images of idx files, read one by one and without pages: MNIST's test set."""

from pathlib import Path

import numpy as np

from digitd.errors import UsageError
from digitd.evaluation.figures import Case
from digitd.recognition.bundle import NO_DIGIT, Bundle
from digitd.recognition.confidence import guess, probabilities, rounded
from digitd.recognition.engine import Engine, Images
from digitd.results import Status
from digitd.training.data import CLASSES, SIDE, STEMS, Labels, read_idx

CHUNK = 4096
"""Images that go through the network in one call."""


def is_idx(folder: Path) -> bool:
    """Whether the folder has idx files of images."""
    return any("idx3-ubyte" in file.name for file in folder.iterdir())


def test_set(folder: Path) -> tuple[Images, Labels]:
    """The test images uint8 (N, 28, 28) and labels uint8 (N,) of a folder; the training files need not be there.

    UsageError where a file is missing or does not fit the other, DataError where one is damaged.
    """
    image_file, label_file = (_file(folder, STEMS[f"test {what}"]) for what in ("images", "labels"))
    images, labels = read_idx(image_file, 3), read_idx(label_file, 1)
    defects = {
        f"has images of {images.shape[2]}x{images.shape[1]} pixels, not {SIDE}x{SIDE}": images.shape[1:]
        != (SIDE, SIDE),
        f"has {len(images)} images, and {label_file.name} has {len(labels)} labels": len(images) != len(labels),
        "has no images": not len(images),
        "has labels that are no digits": len(labels) and labels.max() >= CLASSES,
    }
    for defect, found in defects.items():
        if found:
            raise UsageError(f"{image_file} {defect}", "Fetch both files again, from the same publication")
    return images, labels


def cases(engine: Engine, bundle: Bundle, images: Images, labels: Labels, margin: float) -> list[Case]:
    """What the engine says of images uint8 (N, 28, 28), judged as the reader does with `recognition.accept` 0.

    An image taken for no digit has the text `?`, and is never accepted.
    """
    manifest = bundle.manifest
    out: list[Case] = []
    for start in range(0, len(images), CHUNK):
        logits = engine.logits(np.ascontiguousarray(images[start : start + CHUNK]))
        for row in probabilities(logits, manifest.temperature):
            said, index = guess(row, manifest.classes), len(out)
            reason = "no_digits" if said.digit == NO_DIGIT else "low_margin" if said.margin < margin else None
            out.append(
                Case(
                    name=f"test image {index}",
                    label=str(labels[index]),
                    text=said.digit,
                    status=str(Status.ACCEPTED if reason is None else Status.REVIEW),
                    reason=reason,
                    confidence=rounded(said.confidence),
                    sure_else=reason is None,
                    key=index,
                )
            )
    return out


def _file(folder: Path, stem: str) -> Path:
    """The file of that stem: with a dash or a dot before `idx`, with .gz or without."""
    wanted = [stem.format(mark) + ending for mark in "-." for ending in ("", ".gz")]
    for name in wanted:
        if (folder / name).is_file():
            return folder / name
    raise UsageError(
        f"{folder} has no {wanted[0]} (nor {', '.join(wanted[1:])})", "Name MNIST's test images and labels"
    )
