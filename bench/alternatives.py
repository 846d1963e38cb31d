"""What a user would take instead: the seed tutorial's way, and the text recognition that installs in a minute.

Each is a process of its own that reads the same small scans one by one, as its own documentation has it. Those that
are not installed are left out: `tesseract` on the PATH, and the Python package `rapidocr_onnxruntime`.
"""

import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import processes
import scans
from results import Row

COUNT, WARM = 60, 5
ROUNDS = 5
DRAINED = 20_000


def tutorial(files: list[Path]) -> Callable[[Path], str]:
    """cv2.imread, resize, invert, model.predict: the network is as large as the tutorial's, and untrained."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import cv2
    import keras
    import numpy as np

    model = keras.Sequential(
        [
            keras.layers.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )

    def read(file: Path) -> str:
        image = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        if image is None:
            raise RuntimeError(f"OpenCV cannot read {file}")
        image = cv2.resize(image, (28, 28))
        return str(int(np.argmax(model.predict(np.invert(image)[None] / 255.0, verbose=0))))

    return read


def tesseract(files: list[Path]) -> Callable[[Path], str]:
    """Its command line, told that there is one character, and that it is a digit: as most wrappers call it."""

    def read(file: Path) -> str:
        command = ["tesseract", str(file), "-", "--psm", "10", "-c", "tessedit_char_whitelist=0123456789"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return read


def rapidocr(files: list[Path]) -> Callable[[Path], str]:
    """Its own engine on ONNX Runtime, loaded once."""
    from rapidocr_onnxruntime import RapidOCR

    engine = RapidOCR()

    def read(file: Path) -> str:
        found, _ = engine(str(file))
        return "".join(text for _, text, _ in found or [])

    return read


READERS = {"tutorial": tutorial, "tesseract": tesseract, "rapidocr": rapidocr}


def installed(name: str) -> bool:
    """Whether this machine has it."""
    if name == "tesseract":
        return shutil.which("tesseract") is not None
    return importlib.util.find_spec({"tutorial": "tensorflow", "rapidocr": "rapidocr_onnxruntime"}[name]) is not None


def rates(work: Path) -> Iterator[Row]:
    """digitd's drain of small scans against each of them."""
    scans.small(work / "alternatives", COUNT + WARM)
    ratios: dict[str, list[tuple[float, float, int]]] = {name: [] for name in READERS if installed(name)}
    drains = []
    for number in range(ROUNDS):
        place = work / f"drained{number}"
        file = processes.config(place)
        (place / "inbox").rmdir()
        scans.small(place / "inbox", DRAINED)
        taken, _ = processes.timed("run", "--once", "-c", str(file))
        processes.expect_results(place / "outbox", DRAINED)
        drains.append(DRAINED / taken)
        for name, found in ratios.items():
            command = [sys.executable, __file__, name, str(work / "alternatives")]
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            a_second, right = map(float, said.split()[-2:])
            found.append((drains[-1] / a_second, a_second, round(right)))
    titles = {
        "tutorial": "the seed tutorial's way, `model.predict` one by one",
        "tesseract": "Tesseract's command line, one by one",
        "rapidocr": "RapidOCR, one by one",
    }
    for name, found in ratios.items():
        times, rate = statistics.median(each[0] for each in found), statistics.median(each[1] for each in found)
        asked = name == "tutorial"
        # The tutorial's network is not trained here: what it says means nothing.
        score = "" if asked else f"; it had {found[0][2]} of {COUNT} right"
        yield Row(
            f"`run --once` over {titles[name]}, 100x100 PNG",
            "80 times (aim 200)" if asked else "-",
            f"{times:,.0f} times ({statistics.median(drains):,.0f} to {rate:,.1f} a second{score})",
            times >= 80 if asked else None,
        )


def main() -> int:
    """Print the scans a second of one of them, and how many it had right."""
    name, folder = sys.argv[1:]
    files = sorted(Path(folder).iterdir())
    read = READERS[name](files)
    labels = scans.labels(len(files))
    for file in files[:WARM]:
        read(file)
    begun = time.monotonic()
    said = [read(file) for file in files[WARM:]]
    taken = time.monotonic() - begun
    right = sum(text == label for text, label in zip(said, labels[WARM:], strict=True))
    print((len(files) - WARM) / taken, right)
    return 0


if __name__ == "__main__":
    sys.exit(main())
