"""`make chaos ROUNDS=300`: kills at random instants, until so many rounds are done. Exit code 1 if a promise broke."""

import argparse
import random
import shutil
import tempfile
import time
from pathlib import Path

from chaos.campaign import ROUNDS_MOST, Tally, campaign
from delivery_rig import workplace


def main() -> int:
    """Run campaigns, print what came of them."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=None, help="by default another one each time; it is printed")
    chosen = parser.parse_args()
    seed = time.time_ns() % 1_000_000 if chosen.seed is None else chosen.seed
    chance, tally, number = random.Random(seed), Tally(), 0
    print(f"seed {seed}", flush=True)
    while (left := chosen.rounds - tally.rounds.total()) > 0:
        place = Path(tempfile.mkdtemp(prefix="digitd-chaos-"))
        before = sum(map(len, tally.broken.values()))
        with workplace() as elsewhere:
            campaign(place, elsewhere, number, min(left, ROUNDS_MOST), chance, tally)
        if sum(map(len, tally.broken.values())) > before:
            print(f"broken in {place}, which is kept", flush=True)
        else:
            shutil.rmtree(place)
        number += 1
        print(f"{tally.rounds.total()} rounds, {tally.scans:,} scans, broken: {tally.broken or 'nothing'}", flush=True)
    kinds = ", ".join(f"{kind} {len(tally.broken.get(kind, []))}" for kind in ("lost", "doubled", "torn", "stranded"))
    killed = ", ".join(f"{count} of {victim}" for victim, count in sorted(tally.rounds.items()))
    people = f"{tally.verdicts:,} verdicts of people who were killed {tally.people_killed} times"
    print(f"{tally.rounds.total()} rounds (kills: {killed}), {tally.scans:,} scans, {people}: {kinds}")
    return 1 if tally.broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
