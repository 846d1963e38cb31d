"""What `make demo-review` runs: samples that are hard to read go through digitd, and a person decides what they say.

A folder of its own is filled, `digitd review` is started on it and opens the browser where there is one; Ctrl-C ends
it, and what was verified is printed.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitd.imaging.decode import Limits, pages

SAMPLES = Path(__file__).resolve().parent
LIMITS = Limits(10**8, 10**8, 10)
WORN = {
    "line-postcode.png": (0, 1, 5),
    "line-meter.webp": (1, 2),
    "line-order.bmp": (0, 1, 3, 5),
    "line-fax.pgm": (3, 4),
    "line-board.png": (0, 2, 5),
    "line-turned.jpg": (2, 3, 5),
    "line-uneven.jpg": (1, 2, 5),
    "forms/ruled.png": (0,),
    "forms/boxes.png": (4,),
    "forms/squared.png": (0, 5),
    "cards/1.png": (1, 3, 5),
}
"""Samples that are worn, each in so many ways: with these seeds digitd is in doubt of them, and a person seldom is."""
WHOLE = (
    *("mnist-3.png", "SINGLE-9.PNG", "line-fax.pgm", "page-photograph.jpg"),
    *("page-three-lines.png", "stack.tif", "letter.pdf", "blank.png"),
)
"""And some as they are."""
NO_IMAGE = b"Not every file that ends in .png is a picture.\n"
UNDO_SECONDS = 3
CONFIG = f"""\
inbox:
  path: inbox
outbox:
  path: outbox
review:
  undo: {UNDO_SECONDS}               # seconds in which an answer can be taken back before it is published
  sample: 0.25          # of four accepted scans one is verified, too: so you know how far to trust the others
  failed: true          # and what could not be read at all
log:
  level: warning
"""


def worn(page: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """A page (H, W) after years in a folder: rubbed here, scratched there."""
    chance = np.random.default_rng(seed)
    out = page.copy()
    height, width = out.shape
    paper = int(np.median(out))
    for _ in range(chance.integers(3, 7)):
        x, y = chance.uniform(0.1, 0.9) * width, chance.uniform(0.25, 0.75) * height
        angle, length = chance.uniform(0, np.pi), chance.uniform(0.1, 0.35) * height
        across, down = length * np.cos(angle), length * np.sin(angle)
        colour = paper if chance.random() < 0.65 else int(paper * 0.25)
        thick = max(2, round(height * chance.uniform(0.015, 0.04)))
        cv2.line(out, (int(x - across), int(y - down)), (int(x + across), int(y + down)), colour, thick, cv2.LINE_AA)
    return out


def files() -> Iterator[tuple[str, bytes]]:
    """What is dropped into the inbox: paths and bytes."""
    for name in WHOLE:
        yield name, (SAMPLES / name).read_bytes()
    yield "note.png", NO_IMAGE
    for name, seeds in WORN.items():
        path = Path(name)
        (page,) = pages((SAMPLES / name).read_bytes(), LIMITS)
        for seed in seeds:
            done, data = cv2.imencode(".png", worn(page, seed))
            if not done:
                raise ValueError(f"OpenCV cannot encode {name}")
            yield str(path.with_name(f"{path.stem}-{seed + 1}.png")), data.tobytes()


def fill(folder: Path) -> None:
    """Drop them into an inbox below FOLDER, and have them read."""
    (folder / "outbox").mkdir(parents=True)
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    for name, data in files():
        file = folder / "inbox" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    subprocess.run([*digitd("run", folder), "--once"], env=environment(), check=True)


def digitd(command: str, folder: Path) -> list[str]:
    """A command line of digitd."""
    return [sys.executable, "-m", "digitd", command, "-c", str(folder / "config.yaml")]


def environment() -> dict[str, str]:
    """Without variables that would change what is shown."""
    return {name: value for name, value in os.environ.items() if not name.startswith("DIGITD_")}


def serve(folder: Path) -> int:
    """Run the page until Ctrl-C; gives its exit code."""
    process = subprocess.Popen([*digitd("review", folder), "--port", "0"], env=environment())
    # Ctrl-C goes to both: the page ends by itself, and this waits for it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _: process.send_signal(got) if got != signal.SIGINT else None)
    return process.wait()


def verified(folder: Path) -> Iterator[str]:
    """What people said, a line each."""
    for file in sorted((folder / "outbox").rglob("*.json")):
        result = json.loads(file.read_bytes())
        if result["status"] == "verified":
            text = result["text"].replace("\n", " / ").replace("\f", " | ")
            yield f"{result['source']['path']:24} {result['verified']['answer']:11} {text}"


@contextmanager
def place(keep: bool) -> Iterator[Path]:
    """A folder of its own, which is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="digitd-review-"))
    try:
        yield folder
    finally:
        if keep:
            print(f"Kept: {folder}")
        else:
            shutil.rmtree(folder)


def main() -> int:
    """Fill, serve, and print what came of it."""
    arguments = argparse.ArgumentParser(description="Verify samples that digitd is in doubt of.")
    arguments.add_argument("--keep", action="store_true", help="leave the folder there afterwards")
    with place(arguments.parse_args().keep) as folder:
        print("Reading samples that are hard to read ...", flush=True)
        fill(folder)
        print("Open the first address if no browser opens; `?` shows the keys; Ctrl-C ends it.", flush=True)
        code = serve(folder)
        # The last answers could have been taken back until now; the daemon, or who reviews next, publishes them.
        time.sleep(UNDO_SECONDS)
        subprocess.run([*digitd("run", folder), "--once"], env=environment(), check=True)
        said = list(verified(folder))
        print(f"\n{len(said)} verified results are in the outbox{':' if said else '.'}")
        for line in said:
            print(line)
    return code


if __name__ == "__main__":
    sys.exit(main())
