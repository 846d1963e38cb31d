"""How quick the review page is in a real browser, and how small: a table, written into its section of RESULTS.md.

python bench/desk.py: two hundred scans, a third of them photographs of a whole sheet, answered by a script at a quick
person's pace. Needs Chromium and playwright (the extra `dev`).
"""

import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import psutil
import results
from results import Row

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from e2e import scans
from e2e.harness import House, wait_for
from reviewing import Reviewing, Wanted, numbers, stock, wait_verified

COUNT = 200
PACE_MS = 350
"""Between two scans: nobody who looks at them is quicker."""
SHEET = (2480, 3508)
"""Pixels of an A4 sheet at 300 dpi, of a photograph of 9 megapixels."""
PICTURE_MOST_MS, MEMORY_MOST_MB = 50.0, 120.0


def wanted() -> list[Wanted]:
    """Small lines, and every third a noisy sheet: a file of 4 MB that takes 100 ms to decode."""
    noise = np.random.default_rng(1).normal(215, 9, SHEET[::-1]).clip(0, 255).astype(np.uint8)
    found = []
    for place, each in enumerate(numbers(COUNT)):
        if place % 3 == 2:
            sheet = np.roll(noise, place * 97, 1)
            line = scans.page(each.pages[0])
            sheet[: line.shape[0], : line.shape[1]] = np.minimum(sheet[: line.shape[0], : line.shape[1]], line)
            found.append(
                Wanted(each.name.replace(".png", ".jpg"), each.pages, each.read, data=scans.encode(sheet, ".jpg"))
            )
        else:
            found.append(each)
    return found


def measured(house: House) -> tuple[list[float], list[float], int]:
    """Milliseconds from a key to the frame with the next picture, of all and of sheets; and the peak, in bytes."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome") or "chromium"
    every = wanted()
    truth = {each.name: each.pages[0] for each in every}
    stock(house.root, every)
    with Reviewing(house) as served, sync_playwright() as driver:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = driver.chromium.launch(executable_path=program, args=flags)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(served.address)
        page.goto(f"{served.origin}/desk")
        wait_for(lambda: page.evaluate("document.querySelector('#paper img')?.naturalWidth > 0"), "the first picture")
        sheets = {each.name for each in every if each.data is not None}
        big = []
        for _ in range(COUNT):
            page.wait_for_timeout(PACE_MS)
            name = page.inner_text("#name")
            big.append(name in sheets)
            if page.input_value("#text") != truth[name]:
                page.keyboard.type(truth[name])
            page.keyboard.press("Enter")
        wait_for(lambda: page.inner_text("#done") == str(COUNT), "the last answer")
        taken = page.evaluate("performance.getEntriesByName('key-to-picture').map((one) => one.duration)")
        wait_verified(house, COUNT)
        status = Path(f"/proc/{psutil.Process(served.process.pid).pid}/status").read_text(encoding="ascii")
        browser.close()
    assert len(taken) == COUNT - 1, len(taken)
    return taken, [one for one, is_big in zip(taken, big[1:], strict=True) if is_big], _peak(status)


def _peak(status: str) -> int:
    return int(status.split("VmHWM:")[1].split()[0]) << 10


def main() -> int:
    """Measure, print, write."""
    with tempfile.TemporaryDirectory(prefix="digitd-bench-") as work:
        taken, sheets, peak = measured(House(Path(work) / "house", {"outbox": {"every": "2s"}}))
    median = statistics.median(taken)
    worst = sorted(taken)[int(len(taken) * 0.99)]
    rows = [
        Row(
            f"key to next picture, median over {COUNT} scans (a frame of the screen is 17 ms)",
            f"{PICTURE_MOST_MS:.0f} ms",
            f"{median:.1f} ms; 99th percentile {worst:.1f} ms",
            median <= PICTURE_MOST_MS,
        ),
        Row(
            "the same, of sheets of 9 megapixels alone",
            f"{PICTURE_MOST_MS:.0f} ms",
            f"{statistics.median(sheets):.1f} ms ({len(sheets)} of them)",
            statistics.median(sheets) <= PICTURE_MOST_MS,
        ),
        Row(
            "peak memory of the review process, over all of it",
            f"{MEMORY_MOST_MB:.0f} MB",
            f"{peak / 1e6:.0f} MB",
            peak < MEMORY_MOST_MB * 1e6,
        ),
    ]
    text = results.table(rows, "at most")
    print(text)
    results.write(results.DESK, f"`make bench-review` wrote this section.\n\n{results.machine()}\n\n{text}\n")
    return 0 if all(row.good is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
