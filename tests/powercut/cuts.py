"""Which states a power cut may leave, of all that a record of operations allows: some by rule, some by chance. Pure."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from powercut.disk import Disk, Tree
from powercut.operations import Committed, File, Named, Taken, Torn, Written

SHAPES = [Torn.EMPTY, Torn.ZEROS, Torn.HALF, Torn.HOLE]
SAMPLES = 20
"""Subsets by chance at each operation."""


class Kind(StrEnum):
    """How a state comes from the operations before the cut."""

    PREFIX = "all kept"
    SYNCED = "what was synced, and nothing else"
    TORN = "all names, and bytes torn"
    DROPPED = "one operation lost"
    ALONE = "one operation kept beside what was synced"
    SAMPLE = "any operations kept"


@dataclass(frozen=True)
class Cut:
    """A choice: before operation AT, of KIND, for the operation, shape or seed that NUMBER says."""

    kind: Kind
    at: int
    number: int


@dataclass(frozen=True)
class State:
    """What the next start finds: the disk, the journal's number; GIVEN and TAKEN until then: scans, and results."""

    tree: Tree
    files: dict[int, File]
    journal: int
    given: tuple[str, ...]
    taken: tuple[Taken, ...]

    def key(self) -> object:
        """Equal for states between which the next start cannot tell."""
        contents = tuple(sorted((path, self.files[number]) for path, number in self.tree.names.items()))
        return (*contents, *sorted(self.tree.folders)), self.journal, self.given, self.taken


class Cuts:
    """Every cut of what DISK was told since the state BEFORE, and the states that it leaves."""

    def __init__(self, disk: Disk, before: State | None = None) -> None:
        self._disk, self._before = disk, before
        self._durable = disk.durable()

    def choices(self, kind: Kind) -> Iterator[Cut]:
        """All cuts of a kind."""
        for at in range(1, len(self._disk.log) + 1):
            yield from (Cut(kind, at, number) for number in self._numbers(kind, at))

    def _numbers(self, kind: Kind, at: int) -> Iterable[int]:
        match kind:
            case Kind.PREFIX:
                return range(1)
            case Kind.SYNCED:
                return range(1 + len(SHAPES))
            case Kind.TORN:
                return range(len(SHAPES) * (1 + len(self._unsynced(at))))
            case Kind.DROPPED | Kind.ALONE:
                return sorted(self._done(at) - self._durable[at][0])
            case Kind.SAMPLE:
                return range(SAMPLES)

    def states(self, cut: Cut) -> Iterator[State]:
        """The states of a cut: one for each that the journal may be in, or one by chance where cuts are many."""
        chance = random.Random(f"{cut.kind} {cut.at} {cut.number}")
        durable, contents = self._durable[cut.at]
        unsynced = self._unsynced(cut.at)
        torn: dict[int, Torn] = {}
        names: set[int] = self._done(cut.at)
        match cut.kind:
            case Kind.SYNCED:
                names = set(durable)
                torn = dict.fromkeys(unsynced, [Torn.NOT, *SHAPES][cut.number])
            case Kind.TORN:
                which, shape = divmod(cut.number, len(SHAPES))
                torn = dict.fromkeys(unsynced if which == 0 else [unsynced[which - 1]], SHAPES[shape])
            case Kind.DROPPED:
                names = self._disk.without(names, cut.number) | durable
            case Kind.ALONE:
                names = self._disk.closed([cut.number]) | durable
            case Kind.SAMPLE:
                left = sorted(names - durable)
                names = self._disk.closed(chance.sample(left, chance.randint(0, len(left)))) | durable
        if cut.kind in {Kind.DROPPED, Kind.ALONE, Kind.SAMPLE} and chance.random() < 0.5:
            torn = {file: chance.choice([Torn.NOT, *SHAPES]) for file in unsynced}
        tree = self._disk.tree(names)
        files = {
            file: self._disk.content(file, cut.at, contents, torn.get(file, Torn.NOT)) for file in tree.names.values()
        }
        taken = (
            *(self._before.taken if self._before else ()),
            *(done for done in self._disk.log[: cut.at] if isinstance(done, Taken)),
        )
        journals = self._journals(cut.at)
        if cut.kind not in {Kind.PREFIX, Kind.SYNCED}:
            journals = [chance.choice(journals)]
        for journal in journals:
            yield State(tree, files, journal, self._given(cut.at), taken)

    def _done(self, at: int) -> set[int]:
        return {number for number, done in enumerate(self._disk.log[:at]) if isinstance(done, Named)}

    def _unsynced(self, at: int) -> list[int]:
        contents = self._durable[at][1]
        return sorted(
            {
                done.file
                for number, done in enumerate(self._disk.log[:at])
                if isinstance(done, Written) and number not in contents
            }
        )

    def _given(self, at: int) -> tuple[str, ...]:
        numbers = {*self._disk.start.names.values()} | {
            done.file for done in self._disk.log[:at] if isinstance(done, Named)
        }
        files = [self._disk.files[number].given for number in sorted(numbers) if number in self._disk.files]
        earlier = self._before.given if self._before else ()
        return tuple(dict.fromkeys([*earlier, *(given for given in files if given is not None)]))

    def _journals(self, at: int) -> list[int]:
        """From the last durable commit to the last one: SQLite loses commits from the end, and tears none."""
        found: list[int] = []
        for done in self._disk.log[:at]:
            if isinstance(done, Committed):
                found = [done.number] if done.durable else [*found, done.number]
        return found


def sampled(cuts: Cuts, most: int | None, chance: random.Random) -> Iterator[tuple[Kind, State]]:
    """Different states of every kind, of at most MOST cuts a kind; None: of all."""
    seen: set[object] = set()
    for kind in Kind:
        choices = list(cuts.choices(kind))
        for cut in choices if most is None else chance.sample(choices, min(most, len(choices))):
            for state in cuts.states(cut):
                key = state.key()
                if key not in seen:
                    seen.add(key)
                    yield kind, state
