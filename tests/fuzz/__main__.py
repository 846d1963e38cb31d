"""`make fuzz MINUTES=10`: mutated files for each decoder in turn, for so long together. Exit code 1 if one broke."""

import argparse
import tempfile
import time

from fuzz.seeds import FORMATS
from fuzz.target import Target

TURN = 20.0
"""Seconds at most until it is the next decoder's turn."""


def main() -> int:
    """Take turns, print what came of them; files that broke a promise are kept."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None, help="by default another one each time; it is printed")
    parser.add_argument("--decoder", action="append", choices=FORMATS, help="only this one; may be given again")
    chosen = parser.parse_args()
    seed = time.time_ns() % 1_000_000 if chosen.seed is None else chosen.seed
    targets = [Target(form) for form in chosen.decoder or FORMATS]
    turn = min(TURN, chosen.minutes * 60 / len(targets))
    broken, end = 0, time.monotonic() + chosen.minutes * 60
    print(f"seed {seed}", flush=True)
    while time.monotonic() < end:
        for target in targets:
            with target:
                found = target.campaign(seed, seconds=min(turn, end - time.monotonic()))
            for trouble, data in found.items():
                with tempfile.NamedTemporaryFile(prefix="digitd-fuzz-", delete=False) as file:
                    file.write(data)
                print(f"{target.form}: {trouble} ({file.name})", flush=True)
            broken, seed = broken + len(found), seed + 1
    for target in targets:
        codes = ", ".join(f"{count:,} {code}" for code, count in target.came.most_common())
        print(f"{target.form}: {target.came.total():,} files: {codes}")
    print(f"{sum(target.came.total() for target in targets):,} files, broken promises: {broken}")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
