"""Kills at random instants under load: campaigns of rounds in one house, each checked when all its scans are read.

In every other campaign, with all kinds of sources in turn, nothing is sure enough: two people review meanwhile, and are
killed as well.
"""

import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

from chaos.writers import drop_all
from digitd.config import load
from digitd.review.desk import Desk
from e2e import scans
from e2e.harness import STATUSES, Daemon, House, environment, wait_for
from e2e.promise import broken, broken_reviews
from ways import OUTPUTS, SOURCES

ROUNDS_MOST, SCANS_MOST = 6, 60
"""Rounds of a campaign, and scans that are dropped in one."""
LIFE = 1.2
"""Seconds that a daemon lives at most before it is killed: start-up takes half of it, so that it dies there as well."""
VICTIMS = ("main", "worker", "both")
PEOPLE = ("anna", "ben")
REVIEWER = Path(__file__).with_name("reviewer.py")
UNDO = 0.05
"""Seconds: some verdicts are taken back before they are due, some after."""


@dataclass
class Tally:
    """What came of it: rounds by victim, scans dropped, and promises broken by kind with the scans concerned."""

    rounds: Counter[str] = field(default_factory=Counter)
    scans: int = 0
    verdicts: int = 0
    people_killed: int = 0
    broken: dict[str, list[str]] = field(default_factory=dict)


def campaign(place: Path, elsewhere: Path, number: int, rounds: int, chance: random.Random, tally: Tally) -> None:
    """Rounds of kills in a house of its own below PLACE, with the sources and outputs whose turn it is by NUMBER.

    ELSEWHERE is a folder on another file system, for archives.
    """
    sources, outputs = SOURCES[number % len(SOURCES)], OUTPUTS[number // len(SOURCES) % len(OUTPUTS)]
    reviewed = bool((number + number // len(SOURCES)) % 2)
    house = _house(place / f"house-{number}", elsewhere / f"archive-{number}", sources, outputs, reviewed)
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
        with People(house, chance, tally) if reviewed else ExitStack():
            _round(house, outside, {house.inbox / name: data for name, data in new.items()}, chance, tally)
    last = house.once()
    if reviewed:
        tally.verdicts += _review_the_rest(house, chance)
        last = house.once()
    assert last.process.returncode == 0, last.tail()
    last.assert_only_events()
    tally.scans += len(dropped)
    found = broken(house, dropped, sources, outputs)
    if reviewed:
        for kind, names in broken_reviews(house, outputs, [house.root / f"{who}.diary" for who in PEOPLE]).items():
            found.setdefault(kind, []).extend(names)
    for kind, names in found.items():
        tally.broken.setdefault(kind, []).extend(f"{sources} {outputs}: {name}" for name in names)


class People:
    """Two that review while this is entered; each may be killed at some instant, and another takes the place."""

    def __init__(self, house: House, chance: random.Random, tally: Tally) -> None:
        self._house, self._chance, self._tally = house, chance, tally
        self._there: list[subprocess.Popen[bytes]] = []
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self._there = [self._come(who) for who in PEOPLE]
        seeds = [random.Random(self._chance.random()) for _ in PEOPLE]
        self._killers = [
            threading.Thread(target=self._kill_now_and_then, args=(place, seed)) for place, seed in enumerate(seeds)
        ]
        for killer in self._killers:
            killer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for killer in self._killers:
            killer.join()
        for person in self._there:
            person.terminate()
            # It may not even have come to where it listens.
            assert person.wait(60) in {0, -signal.SIGTERM}

    def _come(self, who: str) -> subprocess.Popen[bytes]:
        diary = self._house.root / f"{who}.diary"
        command = [
            sys.executable,
            *map(str, (REVIEWER, self._house.config, diary, who)),
            str(self._chance.randrange(10**9)),
        ]
        return subprocess.Popen(command, cwd=self._house.root, env=environment(self._house.root))

    def _kill_now_and_then(self, place: int, chance: random.Random) -> None:
        while not self._over.wait(chance.uniform(LIFE / 2, LIFE * 2)):
            self._there[place].kill()
            self._there[place].wait(60)
            self._tally.people_killed += 1
            self._there[place] = self._come(PEOPLE[place])


def _review_the_rest(house: House, chance: random.Random) -> int:
    """No daemon runs, and all that waits is verified. Gives how many verdicts there were, of all rounds."""
    settings = load(house.config)
    with People(house, chance, Tally()), Desk(settings) as desk:

        def done() -> bool:
            counts = desk.counts()
            return counts.left == counts.pending == 0

        wait_for(done, "the end of all that waits for review")
    return sum(diary.read_bytes().count(b'"gave"') for diary in house.root.glob("*.diary"))


def _house(root: Path, archive: Path, sources: str, outputs: tuple[str, bool], reviewed: bool) -> House:
    house = House(root)
    if sources == "across":
        house.archive = archive
    of = sources if sources in {"delete", "keep"} else None
    house.configure(
        {
            "inbox": {"settle": "100ms", "reopen": "300ms", "rescan": "1s"},
            # What is deleted nobody can be shown: there what was verified is.
            "sources": {status: of or str(house.archive / status) for status in STATUSES}
            | ({"review": str(house.archive / "review"), "verified": "delete"} if sources == "delete" else {}),
            "recognition": {"accept": 1.0 if reviewed else 0.98},
            "review": {"undo": UNDO},
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
