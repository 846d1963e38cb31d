"""The bare work: the product's reader in a plain loop over the files of a folder, on every processor; nothing kept.

No folders are watched, nothing is recorded, published or moved: what `digitd run` adds to this is what it costs.

python bench/bare.py FOLDER [--processes N]: prints nothing; a process for each processor reads every Nth file.
"""

import argparse
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

PROCESSES = len(os.sched_getaffinity(0))


def read(folder: Path, number: int, of: int) -> None:
    """Read every OFth file, from the NUMBERth."""
    from reading import opened

    from digitd import config
    from digitd.imaging.pipeline import single_threaded
    from digitd.recognition.bundle import Bundle, shipped
    from digitd.recognition.reader import ScanInput

    single_threaded()
    settings = config.load(None)
    reader, options = opened(Bundle.load(shipped()), settings)
    names = iter(sorted(os.listdir(folder))[number::of])
    while batch := list(islice(names, settings.batch.max_scans)):
        reader.read(ScanInput(name, (folder / name).read_bytes(), options) for name in batch)


def main() -> int:
    """Start the processes, or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--share", type=int, help="be the process that reads this share")
    chosen = parser.parse_args()
    if chosen.share is not None:
        read(chosen.folder, chosen.share, chosen.processes)
        return 0
    command = [sys.executable, __file__, str(chosen.folder), "--processes", str(chosen.processes), "--share"]
    started = [subprocess.Popen([*command, str(number)]) for number in range(chosen.processes)]
    return max(process.wait() for process in started)


if __name__ == "__main__":
    sys.exit(main())
