"""Kills at random instants under load: campaigns of rounds in one house, each checked when all its scans are read."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from chaos.writers import drop_all
from e2e import scans
from e2e.harness import STATUSES, Daemon, House
from e2e.promise import broken
from ways import OUTPUTS, SOURCES

ROUNDS_MOST, SCANS_MOST = 6, 60
"""Rounds of a campaign, and scans that are dropped in one."""
LIFE = 1.2
"""Seconds that a daemon lives at most before it is killed: start-up takes half of it, so that it dies there as well."""
VICTIMS = ("main", "worker", "both")


@dataclass
class Tally:
    """What came of it: rounds by victim, scans dropped, and promises broken by kind with the scans concerned."""

    rounds: Counter[str] = field(default_factory=Counter)
    scans: int = 0
    broken: dict[str, list[str]] = field(default_factory=dict)


def campaign(place: Path, elsewhere: Path, number: int, rounds: int, chance: random.Random, tally: Tally) -> None:
    """Rounds of kills in a house of its own below PLACE, with the sources and outputs whose turn it is by NUMBER.

    ELSEWHERE is a folder on another file system, for archives.
    """
    sources, outputs = SOURCES[number % len(SOURCES)], OUTPUTS[number // len(SOURCES) % len(OUTPUTS)]
    house = _house(place / f"house-{number}", elsewhere / f"archive-{number}", sources, outputs)
    outside = house.root / "outside"
    outside.mkdir()
    dropped: dict[str, bytes] = {}
    for turn in range(rounds):
        first = number * 1_000_000 + turn * 1_000
        new = {
            f"{chance.choice(('', 'sub/', 'deep/er/'))}{count}.png": scans.numbered(count)
            for count in range(first, first + chance.randrange(1, SCANS_MOST))
        }
        dropped |= new
        _round(house, outside, {house.inbox / name: data for name, data in new.items()}, chance, tally)
    last = house.once()
    assert last.process.returncode == 0, last.tail()
    last.assert_only_events()
    tally.scans += len(dropped)
    for kind, names in broken(house, dropped, sources, outputs).items():
        tally.broken.setdefault(kind, []).extend(f"{sources} {outputs}: {name}" for name in names)


def _house(root: Path, archive: Path, sources: str, outputs: tuple[str, bool]) -> House:
    house = House(root)
    if sources == "across":
        house.archive = archive
    of = sources if sources in {"delete", "keep"} else None
    house.configure(
        {
            "inbox": {"settle": "100ms", "reopen": "300ms", "rescan": "1s"},
            "sources": {status: of or str(house.archive / status) for status in STATUSES},
            "outbox": {"json": outputs[0], "csv": outputs[1], "every": "100ms", "rows": 20},
            "batch": {"max_scans": 4},
        }
    )
    return house


def _round(house: House, outside: Path, new: dict[Path, bytes], chance: random.Random, tally: Tally) -> None:
    """A life of the daemon that ends, or loses its workers, at some instant while scans are dropped."""
    victim = chance.choice(VICTIMS)
    tally.rounds[victim] += 1
    writer = threading.Thread(target=drop_all, args=(outside, new, random.Random(chance.random())))
    writer.start()
    with Daemon(house) as daemon:
        if victim == "main":
            time.sleep(chance.uniform(0, LIFE))
        else:
            daemon.wait_ready()
            for _ in range(chance.randrange(1, 3)):
                time.sleep(chance.uniform(0, LIFE / 4))
                _kill_another(daemon, chance)
            time.sleep(chance.uniform(0, LIFE / 4))
        if victim == "worker":
            assert daemon.terminate() == 0, daemon.tail()
        else:
            daemon.kill()
        daemon.wait_nobody()
        writer.join()
    # The line that it was writing when it was killed may be torn.
    assert daemon.garbage[:-1] == []


def _kill_another(daemon: Daemon, chance: random.Random) -> None:
    """Kill a process of the daemon's other than the main one: a worker, or the server that they are forked from."""
    others = [each for each in daemon.survivors() if each.pid != daemon.process.pid]
    if others:
        try:
            chance.choice(others).kill()
        except psutil.NoSuchProcess:
            return
