"""The short form of `make fuzz`: each decoder holds what is promised of it, whatever it is given."""

import signal
from collections.abc import Iterator
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from digitd.errors import DamagedScanError
from fuzz import child
from fuzz.mutants import mutant
from fuzz.seeds import FORMATS, seeds
from fuzz.target import PATIENCE, Target

TRIES = 3000
EXAMPLES = 100
HABITS = settings(
    max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
ANY = np.full((4, 4), 255, np.uint8)


@pytest.fixture(scope="module", params=FORMATS)
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """The decoder of a format, in a process of its own."""
    with Target(request.param) as running:
        yield running


def test_valid_files_are_decoded(target: Target) -> None:
    """What is mutated is valid before: else little of a decoder would be seen. One PDF is locked."""
    target.came.clear()
    for data in seeds(target.form):
        target.holds(data)
    locked = {"encrypted": 1} if target.form == "pdf" else {}
    assert target.came == locked | {"decoded": len(seeds(target.form)) - len(locked)}


def test_mutated_files_break_no_promise(target: Target) -> None:
    """Pages as promised or a documented failure: no other error, no crash, no hanging, no memory beyond bounds."""
    target.came.clear()
    assert target.campaign(1, TRIES) == {}
    # Neither all of them refused nor all of them read, and not all for one reason: something was tried.
    assert target.came.total() == TRIES
    assert TRIES // 5 < target.came["decoded"] < TRIES * 4 // 5
    assert len([code for code, count in target.came.items() if count >= 5]) >= 4


def test_edits_that_hypothesis_chooses_break_no_promise(target: Target) -> None:
    """The same, where what breaks a promise is made smaller."""
    valid = seeds(target.form)

    @HABITS
    @given(st.randoms(use_true_random=False))
    def holds(chance: Random) -> None:
        tried = mutant(target.form, valid, chance)
        note(f"the file: {tried!r}")
        target.holds(tried)

    holds()


@pytest.mark.parametrize(
    ("number", "patience", "words"),
    [(signal.SIGSEGV, PATIENCE, "died of it, with -11"), (signal.SIGSTOP, 0.1, "longer")],
)
def test_a_crash_and_a_hang_are_noticed(number: int, patience: float, words: str) -> None:
    """A decoder that ends or stops its process breaks the promise: its file is kept, the next has another process."""
    with Target("png") as target:
        target.signal(number)
        target.patience = patience
        [(trouble, data)] = target.campaign(1, tries=1).items()
        assert words in trouble
        assert data == mutant("png", seeds("png"), Random(1))
        target.patience = PATIENCE
        target.holds(data)
        assert target.came.total() == 1


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (ANY.astype(np.float32), "no gray picture"),
        (np.dstack([ANY] * 3), "no gray picture"),
        (ANY[:0], "no gray picture"),
        (np.broadcast_to(ANY[0, 0], (1000, 1000)), "larger than allowed"),
        (DamagedScanError("cut\x1b[31m", "again"), "is no text"),
        (DamagedScanError("", "again"), "too little"),
        (DamagedScanError("Failed to allocate 9 bytes", "again"), "memory ran out"),
        (MemoryError(), "memory ran out"),
        (None, "no page"),
    ],
)
def test_a_broken_promise_is_noticed(monkeypatch: pytest.MonkeyPatch, page: object, words: str) -> None:
    """Other pages than promised, messages that tell nothing and memory that ran out are not taken for documented."""

    def pages(*_: object) -> Iterator[object]:
        if isinstance(page, Exception):
            raise page
        return iter([] if page is None else [page])

    monkeypatch.setattr(child, "pages", pages)
    assert words in child.judged(b"any", child.memory("VmRSS"))


@pytest.mark.parametrize("kept", [False, True])
def test_memory_is_noticed(monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    """What a file takes at its worst counts, though it be freed again; and what many files leave behind, together."""
    left = []

    def pages(*_: object) -> Iterator[object]:
        left.append(np.ones(child.GROWTH_MOST // (3 if kept else 1) + (1 << 24), np.uint8))
        if not kept:
            left.clear()
        return iter([ANY])

    idle = child.memory("VmRSS")
    monkeypatch.setattr(child, "pages", pages)
    verdicts = [child.judged(b"any", idle) for _ in range(3 if kept else 1)]
    assert "of memory" in verdicts[-1]
    assert set(verdicts[:-1]) <= {"decoded"}
