"""Power cuts of one house: a life is recorded, and what a cut may leave of it is started again and checked."""

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from powercut.cuts import Cuts, Kind, State, sampled
from powercut.house import House
from powercut.promises import broken
from powercut.recorder import Deaf
from ways import Json

AGAIN = 10
"""After one state in so many the recovery is cut too."""


@dataclass
class Tally:
    """What came of it: states started by kind, those of cuts during a recovery, and the broken promises by state."""

    states: Counter[Kind] = field(default_factory=Counter)
    twice: int = 0
    broken: dict[str, list[str]] = field(default_factory=dict)


def campaign(
    place: Path,
    elsewhere: Path,
    way: tuple[str, Json, bool],
    most: int | None,
    chance: random.Random,
    deaf: frozenset[Deaf] = frozenset(),
) -> Tally:
    """Cut one life of a house that works this WAY (sources, outbox.json, CSV): at most MOST cuts a kind; None: all.

    The disk may be DEAF.
    """
    house = House(place, elsewhere, *way)
    record = house.work(deaf)
    tally = Tally()
    for kind, state in sampled(Cuts(record.disk), most, chance):
        tally.states[kind] += 1
        house.lay_out(state, record.journals[state.journal])
        recovery = house.start_again(2, state)
        _note(tally, house, state, f"{kind} {tally.states[kind]}")
        if sum(tally.states.values()) % AGAIN == 0:
            for again, second in sampled(Cuts(recovery.disk, state), 1, chance):
                tally.twice += 1
                house.lay_out(second, recovery.journals[second.journal])
                house.start_again(3, second)
                _note(tally, house, second, f"{kind} {tally.states[kind]}, then {again}")
    return tally


def _note(tally: Tally, house: House, state: State, name: str) -> None:
    found = broken(house, [house.scans[kept_as] for kept_as in state.given])
    if found:
        tally.broken[name] = found
