"""What `recognition.accept` does, on generated pages of digits that the training held out, and single ones.

python bench/accept.py --mnist FOLDER [--count 40] [--bundle FOLDER]: a table of thresholds, and the lowest that keeps
the errors among the accepted to 0.3 %. The default was chosen by it; the published table's pages are others.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import nodigits
import numpy as np
import numpy.typing as npt
import pages
import scans
from reading import Item, Seen, opened, read

from digitd import config
from digitd.evaluation.metrics import choose_threshold, needed
from digitd.recognition.bundle import Bundle, shipped
from digitd.training import data
from digitd.training.fit import HELD_OUT

ERROR = 0.003
SEED = 611
"""Of the generated pages: not the published table's."""
ACCEPTS = (0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995)


def held_out(mnist: Path, seed: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """The digits that a training with that seed never saw."""
    published = data.load(mnist)
    order = np.random.default_rng(seed).permutation(len(published.train_images))
    chosen = order[: round(len(order) * HELD_OUT)]
    return published.train_images[chosen], published.train_labels[chosen]


def items(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], count: int) -> Iterator[Item]:
    """Pages of every difficulty, as many single digits, and pictures without a digit."""
    for number, page in enumerate(pages.pages(images, labels, count=count, seed=SEED)):
        yield Item(page.difficulty, f"{page.difficulty}-{number}", page.label, page.data)
    for number, scan in enumerate(scans.rendered(images[: count * len(pages.DIFFICULTIES)])):
        yield Item("single", f"single-{number}", str(labels[number]), scan)
    for number, picture in enumerate(nodigits.pictures(count, seed=SEED)):
        yield Item(picture.kind, f"{picture.kind}-{number}", "", picture.data)


def main() -> int:
    """Read with nothing refused, and try the thresholds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, required=True, help="MNIST's idx files")
    parser.add_argument("--count", type=int, default=40, help="pages of each difficulty, pictures of each kind")
    parser.add_argument("--bundle", type=Path, help="instead of the one that ships")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    bundle = Bundle.load(chosen.bundle or shipped())
    images, labels = held_out(chosen.mnist, bundle.manifest.training.seed)
    settings = config.load(None)
    recognition = settings.recognition.model_copy(update={"accept": 0.0})
    reader, options = opened(bundle, settings.model_copy(update={"recognition": recognition}))
    _print(list(read(reader, options, items(images, labels, chosen.count))))
    return 0


def _print(seen: list[Seen]) -> None:
    """How many are accepted, and wrong of these: of all, and of the pages with several digits, which are harder."""
    parts = {"all": seen, "pages": [one for one in seen if one.kind in pages.DIFFICULTIES]}
    print("| accept | " + " | ".join(f"{name}: accepted | wrong of them" for name in parts) + " |")
    print("| --- |" + " --- | --- |" * len(parts))
    for accept in ACCEPTS:
        cells = [_at(accept, part) for part in parts.values()]
        print(f"| {accept} | " + " | ".join(cells) + " |")
    for name, part in parts.items():
        confidence, right = _scored(part)
        point = choose_threshold(confidence, right, ERROR, len(part))
        if point is not None:
            print(f"{name}: from {point.threshold:.4f} on at most {ERROR:.1%}, {point.wrong} of {point.accepted}")
    print(f"To show {ERROR:.1%} with 95 % confidence takes {needed(ERROR)} accepted without an error.")


def _at(accept: float, seen: list[Seen]) -> str:
    confidence, right = _scored(seen)
    accepted = confidence >= accept
    wrong, count = int((accepted & ~right).sum()), int(accepted.sum())
    return f"{count} of {len(seen)} | {wrong} ({wrong / max(1, count):.2%})"


def _scored(seen: list[Seen]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The confidence (N,) of what could be accepted, and whether it is right (N,)."""
    able = [one for one in seen if one.accepted and one.confidence is not None]
    return np.array([one.confidence for one in able], np.float64), np.array([one.right for one in able], np.bool_)


if __name__ == "__main__":
    sys.exit(main())
