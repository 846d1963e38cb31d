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
    for number in range(count * len(pages.DIFFICULTIES)):
        data = bytes(cv2.imencode(".png", images[number])[1].tobytes())
        yield Item("single", f"single-{number}", str(labels[number]), data)
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
    able = [one for one in seen if one.accepted and one.confidence is not None]
    confidence = np.array([one.confidence for one in able], np.float64)
    right = np.array([one.right for one in able])
    print("| accept | accepted | wrong of them |\n| --- | --- | --- |")
    for accept in ACCEPTS:
        accepted = confidence >= accept
        wrong, count = int((accepted & ~right).sum()), int(accepted.sum())
        print(f"| {accept} | {count} of {len(seen)} | {wrong} ({wrong / max(1, count):.2%}) |")
    point = choose_threshold(confidence, right, ERROR, len(seen))
    if point is not None:
        print(f"| **{point.threshold:.4f}** | {point.accepted} of {len(seen)} | {point.wrong}, at most {ERROR:.1%} |")
    print(f"\nTo show {ERROR:.1%} with 95 % confidence takes {needed(ERROR)} accepted without an error.")


if __name__ == "__main__":
    sys.exit(main())
