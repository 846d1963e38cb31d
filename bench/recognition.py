"""Measure how well digitd reads: print the table, and write it into its section of RESULTS.md.

python bench/recognition.py --mnist FOLDER [--scans FOLDER] [--fields FOLDER] [--nodigits FOLDER] [--bundle FOLDER]
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# One thread, as a worker has it: set before any library looks.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import cv2
import nodigits
import pages
import results
import scans
import table
from reading import Item, Seen, of_folder, of_pictures, opened, read
from seedrecipe import Seed
from table import Measured, Row

from digitd import config
from digitd.evaluation.images import cases as image_cases
from digitd.evaluation.images import test_set
from digitd.recognition.bundle import Bundle, shipped
from digitd.recognition.engine import open_engine

PAGES = 40
"""Pages of each difficulty: whole fields are then known to 8 points for one, to 1.5 for all."""
PICTURES = 40
"""Pictures without a digit, of each kind."""
SEED = 20_261
"""Of the generated pictures. Thresholds and training were chosen on others, of MNIST's training digits."""
NAMES = ("mnist", "scans", "fields", "nodigits", "pages", "speed")


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, required=True, help="MNIST's idx files")
    parser.add_argument("--scans", type=Path, help="labelled scans with one digit each")
    parser.add_argument("--fields", type=Path, help="labelled scans with several digits")
    parser.add_argument("--nodigits", type=Path, help="pictures without a digit")
    parser.add_argument("--bundle", type=Path, help="instead of the one that ships")
    parser.add_argument("--only", choices=NAMES, action="append", help="measure only this; RESULTS.md stays as it is")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="write the generated pictures and what was read")
    parser.add_argument("--no-seed", action="store_true", help="leave the seed recipe out; RESULTS.md stays as it is")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    wanted = tuple(chosen.only or NAMES)
    work = Path(tempfile.mkdtemp(prefix="digitd-bench-"))
    try:
        rows = _measured(chosen, wanted, work)
    finally:
        shutil.rmtree(work)
    text = table.markdown(rows)
    print(text)
    if not chosen.only and not chosen.no_seed and chosen.bundle is None:
        results.write(results.RECOGNITION, f"{table.INTRODUCTION}\n\n{results.machine()}\n\n{text}")
    return 0 if all(row.good is not False for row in rows) else 1


def _measured(chosen: argparse.Namespace, wanted: tuple[str, ...], work: Path) -> list[Row]:
    settings = config.load(None)
    bundle = Bundle.load(chosen.bundle or shipped())
    images, labels = test_set(chosen.mnist)
    reader, options = opened(bundle, settings)
    items: dict[str, list[Item]] = {
        "scans": list(of_folder(chosen.scans, settings)) if chosen.scans and "scans" in wanted else [],
        "fields": list(of_folder(chosen.fields, settings)) if chosen.fields and "fields" in wanted else [],
        "nodigits": [],
        "pages": [],
    }
    if "nodigits" in wanted:
        items["nodigits"] = list(of_pictures(chosen.nodigits)) if chosen.nodigits else []
        items["nodigits"] += [
            Item(one.kind, f"{one.kind}-{number % PICTURES:02}{one.ending}", "", one.data)
            for number, one in enumerate(nodigits.pictures(PICTURES, SEED))
        ]
    if "pages" in wanted:
        for number, page in enumerate(pages.pages(images, labels, PAGES, SEED)):
            label = page.label.replace("\n", "_")
            name = f"{page.difficulty}-{number % PAGES:02}-label{label}{page.ending}"
            items["pages"].append(Item(page.difficulty, name, page.label, page.data))
    _say(f"{sum(map(len, items.values())):,} pictures to read")
    product = Measured({what: list(read(reader, options, each)) for what, each in items.items()})
    if chosen.keep:
        _keep(chosen.keep, items, product.seen)
    seed = Measured({})
    if not chosen.no_seed:
        _say("training the seed recipe")
        recipe = Seed.trained(chosen.mnist, work)
        seed.seen = {what: recipe.read(each) for what, each in items.items() if each}
        seed.mnist = (int((recipe.said(images)[0] == labels).sum()), len(labels))
        if "speed" in wanted:
            # The pictures that speed.py has the product read.
            seed.small_a_second = recipe.a_second(scans.distinct())
    if "mnist" in wanted:
        said = image_cases(open_engine(bundle, settings.model.engine), bundle, images, labels, options.margin)
        product.mnist = (sum(case.right for case in said), len(said))
        product.seeds = _seeds(bundle.path)
    if "speed" in wanted:
        _say("speed")
        _speed(product, chosen)
    return table.rows(product, seed)


def _seeds(bundle: Path) -> list[tuple[int, int]] | None:
    """What networks of several seeds read of MNIST's test set: right and total of each; None if nobody measured it."""
    file = bundle / "seeds.json"
    if not file.is_file():
        return None
    return [(each["mnist_correct"], each["mnist_total"]) for each in json.loads(file.read_text(encoding="utf-8"))]


def _speed(product: Measured, chosen: argparse.Namespace) -> None:
    command = [sys.executable, str(Path(__file__).parent / "speed.py"), "--mnist", str(chosen.mnist)]
    command += ["--bundle", str(chosen.bundle)] if chosen.bundle else []
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    found = json.loads(done.stdout)
    product.small_a_second, product.photograph_ms = found["small_a_second"], found["photograph_ms"]
    product.photograph = (
        f"{found['photograph_digits']} digits in {found['photograph_bytes'] / 1e6:.1f} MB of JPEG, "
        + ("all of them right" if found["photograph_right"] else "not all of them right")
    )


def _keep(folder: Path, items: dict[str, list[Item]], seen: dict[str, list[Seen]]) -> None:
    """Write the generated pictures, and a table of what was read of everything."""
    lines = ["set\tkind\tname\tlabel\ttext\tstatus\tconfidence\tright"]
    for what, readings in seen.items():
        for item, one in zip(items[what], readings, strict=True):
            if what == "pages" or one.kind in nodigits.KINDS:
                (folder / what).mkdir(parents=True, exist_ok=True)
                (folder / what / item.name).write_bytes(item.data)
            label, text = (value.replace("\n", "_").replace("\f", "__") for value in (one.label, one.text))
            lines.append(
                f"{what}\t{one.kind}\t{one.name}\t{label}\t{text}\t{one.status}\t{one.confidence}\t{one.right}"
            )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "readings.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _say(what: str) -> None:
    print(f"{what} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
