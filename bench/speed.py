"""How fast one core reads: small scans with one digit, and a photograph of 12 megapixels. Prints JSON.

The time is the processor's on one core, not the clock's: what else the machine does at the same time counts less.

python bench/speed.py --mnist FOLDER [--bundle FOLDER]
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

# Before any library looks at how many processors there are.
os.environ["OMP_NUM_THREADS"] = "1"

import photograph
import scans
from reading import opened

from digitd import config
from digitd.evaluation.images import test_set
from digitd.imaging.pipeline import single_threaded
from digitd.recognition.bundle import Bundle, shipped
from digitd.recognition.reader import ScanInput

SMALL = 64
"""Scans in a batch: one call of the network."""
DISTINCT = 192
ROUNDS = 9
PHOTOGRAPHS = 7


def main() -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, default=None)
    chosen = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    single_threaded()
    reader, options = opened(Bundle.load(chosen.bundle or shipped()), config.load(None))
    small = scans.distinct(DISTINCT)
    taken = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for start in range(0, DISTINCT, SMALL):
            reader.read(ScanInput("small", data, options) for data in small[start : start + SMALL])
        taken.append(time.process_time() - begun)
    images, labels = test_set(chosen.mnist)
    page = photograph.photograph(images, labels)
    lasted = []
    for _ in range(PHOTOGRAPHS):
        begun = time.process_time()
        (outcome,) = reader.read([ScanInput("photograph", page.data, options)])
        lasted.append(time.process_time() - begun)
    result = {
        "small_a_second": DISTINCT / statistics.median(taken),
        "small_a_second_best": DISTINCT / min(taken),
        "photograph_ms": statistics.median(lasted) * 1000,
        "photograph_ms_best": min(lasted) * 1000,
        "photograph_right": outcome.text == page.label,
        "photograph_digits": len(page.boxes),
        "photograph_bytes": len(page.data),
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
