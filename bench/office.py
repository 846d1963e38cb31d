"""An office at work: a scanner that drops numbered scans at a steady rate, and a consumer that takes what comes out."""

import csv
import io
import json
import os
import threading
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import scans

PAGED_EVERY, SPOILED_EVERY = 50, 97
"""Of so many scans one is a TIFF of three pages, and one is no image."""
TICK = 0.05
"""Seconds between two handfuls of scans."""


def workload() -> tuple[list[bytes], bytes, bytes]:
    """Small PNG scans, a TIFF of three pages, and something that is no image."""
    small = scans.distinct()
    pages = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) for data in small[:3]]
    done, paged = cv2.imencodemulti(".tiff", [page for page in pages if page is not None])
    if not done:
        raise RuntimeError("OpenCV cannot write a TIFF")
    return small, paged.tobytes(), b"this is no image, whatever its name says\n" * 20


class Scanner:
    """Drops scans into INBOX, RATE a second, each whole and under a number of its own."""

    def __init__(self, inbox: Path, rate: float) -> None:
        self._inbox, self._rate = inbox, rate
        self._aside = inbox.parent / "scanner"
        self._aside.mkdir()
        self._small, self._paged, self._spoiled = workload()
        self.dropped = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Scanner":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        begun = time.monotonic()
        while not self._end.wait(TICK):
            while self.dropped < (time.monotonic() - begun) * self._rate:
                self._drop(self.dropped)
                self.dropped += 1

    def _drop(self, number: int) -> None:
        name, data = f"{number:07d}.png", self._small[number % len(self._small)]
        if number % SPOILED_EVERY == 0:
            data = self._spoiled
        elif number % PAGED_EVERY == 0:
            name, data = f"{number:07d}.tiff", self._paged
        (self._aside / name).write_bytes(data)
        (self._aside / name).rename(self._inbox / name)


class Consumer:
    """Takes every result out of the outbox and every filed source out of the archive, and counts them by number."""

    def __init__(self, house: Path) -> None:
        self._outbox, self._archive = house / "outbox", house / "archive"
        self.json: Counter[int] = Counter()
        self.rows: Counter[int] = Counter()
        self.filed: Counter[int] = Counter()
        self.by_status: Counter[str] = Counter()

    def take(self) -> None:
        """Everything that is there now."""
        for path in sorted(self._outbox.iterdir()):
            if path.suffix == ".json":
                result = json.loads(path.read_bytes())
                self.json[int(result["source"]["name"].split(".")[0])] += 1
                self.by_status[result["status"]] += 1
                path.unlink()
            elif path.suffix == ".csv" and not path.name.startswith("."):
                rows = csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8"), newline=""))
                # A row is a page; a scan that failed has one row, of no page.
                first = (row["source_name"] for row in rows if row["page"] in ("", "1"))
                self.rows.update(int(name.split(".")[0]) for name in first)
                path.unlink()
        for folder, _, files in os.walk(self._archive):
            for name in files:
                if name.startswith("."):
                    continue
                if not name.endswith(".json"):
                    self.filed[int(name.split(".")[0])] += 1
                os.unlink(os.path.join(folder, name))

    def verdict(self, dropped: int) -> str:
        """In words what became of DROPPED scans: each must have come exactly once in each way."""
        found = []
        for kind, count in (("JSON results", self.json), ("CSV rows", self.rows), ("filed sources", self.filed)):
            lost = sum(not count[number] for number in range(dropped))
            found.append(f"{kind}: {lost} lost, {sum(times > 1 for times in count.values())} doubled")
        return "; ".join(found)

    def is_exact(self, dropped: int) -> bool:
        """Whether each of DROPPED scans came exactly once in each way."""
        once = dict.fromkeys(range(dropped), 1)
        return once == self.json == self.rows == self.filed
