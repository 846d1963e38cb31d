"""What comes of kills, power cuts and hostile files; prints tables and writes them into RELIABILITY.md.

python bench/proofs.py [chaos] [powercut] [hostile]: all of them by default, a quarter of an hour.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import processes
import results
from results import Row

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from e2e import scans  # noqa: E402  # what follows lies below tests/
from hostile import corpus  # noqa: E402

ROUNDS, GOOD = 300, 500
PEAK_MOST = 1.2 * 2**30
OLD = 10**9
Table = tuple[str, list[Row]]
"""A heading of RELIABILITY.md, and what stands below it."""


def chaos(_: Path) -> Table:
    """Kills at random instants, as `make chaos` has them."""
    last = _told("chaos", "--rounds", str(ROUNDS))
    found = re.fullmatch(r"(\d+ rounds \(kills: .*\), [\d,]+ scans, [\d,]+ verdicts[^:]*): (.*)", last)
    if found is None:
        raise RuntimeError(f"chaos says: {last}")
    what = f"{ROUNDS} rounds, mixed writers, kills of main, workers and both, and of people who review"
    nothing = "lost 0, doubled 0, torn 0, stranded 0"
    return results.CHAOS, [
        Row(what, nothing, f"{found[2]} ({found[1]})", found[2] == nothing),
    ]


def powercut(_: Path) -> Table:
    """Starts from every state that a power cut may leave, as `make powercut` has them."""
    last = _told("powercut")
    return results.POWERCUT, [
        Row("every way of a scan, cut after every operation", "0 with a broken promise", last, ": 0 with" in last)
    ]


def hostile(work: Path) -> Table:
    """The corpus and good scans among it, through the daemon; each shared page of memory counted once."""
    cases = list(corpus.cases())
    names = {f"good-{number}.png": scans.numbered(number) for number in range(GOOD)}
    file = processes.config(work, workers="{count: 2}")
    everything = {case.name: case.data for case in cases} | names
    with processes.daemon(file) as process, processes.sampled(process.pid) as peak:
        begun = time.monotonic()
        for name, data in everything.items():
            aside = work / "aside"
            aside.write_bytes(data)
            # What is cut short is waited for while it is young.
            os.utime(aside, (OLD, OLD))
            os.rename(aside, work / "inbox" / name)
        while len(found := _results(work / "outbox")) < len(everything) and time.monotonic() < begun + 600:
            time.sleep(0.5)
        lasted, alive = time.monotonic() - begun, process.poll() is None
    good = sum(found.get(name, ("", ""))[1] == str(number % 10) for number, name in enumerate(names))
    bad = sum(found.get(case.name, ("", ""))[0] in case.may for case in cases)
    return results.HOSTILE, [
        Row("good scans among them read right", f"{GOOD}", f"{good}", good == GOOD),
        Row("hostile ones with a reason that they may have", f"{len(cases)}", f"{bad}", bad == len(cases)),
        Row("the daemon at the end", "alive", "alive" if alive else "dead", alive),
        Row("memory of main and workers at the most", f"{PEAK_MOST / 2**30} GiB",
            f"{peak.proportional / 2**30:.2f} GiB", peak.proportional < PEAK_MOST),
        Row("time for all of them", "-", f"{lasted:.0f} s", None),
    ]  # fmt: skip


def _results(outbox: Path) -> dict[str, tuple[str, str]]:
    """Of each scan the reason of its failure, or that it was read; and its text."""
    found = {}
    for path in outbox.rglob("*.json"):
        if not path.name.startswith("."):
            result = json.loads(path.read_bytes())
            code = result["reason"]["code"] if result["status"] == "failed" else corpus.READ
            found[result["source"]["path"]] = code, result["text"]
    return found


def _told(*module: str) -> str:
    """The last line that a proof of tests/ prints."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "daemon"), str(ROOT / "tests")))}
    command = [sys.executable, "-m", *module]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        last = ""
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line.strip()
    return last


PROOFS: dict[str, Callable[[Path], Table]] = {"chaos": chaos, "powercut": powercut, "hostile": hostile}


def main() -> int:
    """Try what was asked for."""
    parser = argparse.ArgumentParser(prog="make proofs", description=__doc__)
    parser.add_argument("proofs", nargs="*", choices=[[], *PROOFS], help="by default all of them")
    good = True
    for name in parser.parse_args().proofs or PROOFS:
        with tempfile.TemporaryDirectory(prefix=f"digitd-{name}-") as work:
            heading, rows = PROOFS[name](Path(work))
        good = results.keep(heading, rows, f"make proofs PROOFS={name}") and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
