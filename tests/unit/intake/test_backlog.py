"""The backlog: the first of what it was given, in order, whatever was let go, and in little memory."""

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitd.intake import backlog
from digitd.intake.backlog import Backlog
from digitd.intake.order import order_key

Entries = list[tuple[str, int]]


@pytest.fixture(autouse=True)
def _short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "RUN", 7)


def filled(entries: Entries, limit: int) -> tuple[Backlog, bool]:
    """A backlog that was given these, cut when it is time; and whether any were let go."""
    it, let_go = Backlog(limit), False
    for path, mtime_ns in entries:
        if not it.wants(path, mtime_ns):
            let_go = True
            continue
        it.add(path, mtime_ns)
        if it.overfull:
            let_go = True
            for _ in it.cut():
                assert it.pop() is None
    return it, let_go


def taken(it: Backlog) -> list[str]:
    """All of it, in its order."""
    out = []
    while (path := it.pop()) is not None:
        out.append(path)
    return out


def some(count: int, seed: int = 7, seconds: int = 20) -> Entries:
    """Entries in disorder."""
    shuffle = random.Random(seed)
    return [(f"s{number}", shuffle.randrange(seconds * 10**9)) for number in shuffle.sample(range(count), count)]


def in_order(entries: Entries) -> list[str]:
    """The paths as they are due."""
    return [path for path, _ in sorted(entries, key=lambda entry: order_key(*entry))]


def test_the_oldest_come_first_then_by_name() -> None:
    """Whole seconds decide, then names as people sort them."""
    second = 10**9
    entries = [("scan_10", 5 * second + 1), ("scan_9", 5 * second + 9), ("old", 4 * second), ("new", 6 * second)]
    it, _ = filled(entries, 100)
    assert len(it) == 4
    assert taken(it) == ["old", "scan_9", "scan_10", "new"]
    assert len(it) == 0 and it.pop() is None


@pytest.mark.parametrize("limit", [1, 2, 6, 7, 8, 100, 499, 500])
@pytest.mark.parametrize("seconds", [1, 20])
def test_what_is_kept_is_the_head_of_all(limit: int, seconds: int) -> None:
    """However the listing is ordered: between once and twice the limit of it, and it is known whether that is all."""
    entries = some(500, seconds=seconds)
    it, let_go = filled(entries, limit)
    kept = taken(it)
    assert min(500, limit) <= len(kept) <= 2 * limit
    assert kept == in_order(entries)[: len(kept)]
    assert let_go == (len(kept) < 500)


@given(st.lists(st.tuples(st.text("a0159", min_size=1, max_size=4), st.integers(0, 3 * 10**9))), st.data())
def test_taking_between_adding_loses_and_doubles_nothing(entries: Entries, data: st.DataObject) -> None:
    """Each comes out once, and what is taken is the first of what is there."""
    it = Backlog(1000)
    there: Entries = []
    out: list[str] = []
    for entry in entries:
        it.add(*entry)
        there.append(entry)
        if data.draw(st.booleans()):
            there.sort(key=lambda entry: order_key(*entry))
            first = it.pop()
            assert first == there.pop(0)[0]
            out.append(first)
    out += taken(it)
    assert sorted(out) == sorted(path for path, _ in entries)


def test_once_it_is_empty_it_takes_anything_again() -> None:
    """What was let go is for the next walk to bring: it is not turned away then."""
    entries = some(100)
    it, let_go = filled(entries, 10)
    assert let_go
    newest = max(entries, key=lambda entry: order_key(*entry))
    assert not it.wants(*newest)
    taken(it)
    assert it.wants(*newest)


def test_a_million_waiting_files_cost_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds its limit, not the listing, and no sort keys of all that it holds."""
    monkeypatch.setattr(backlog, "RUN", 1000)
    shuffle = random.Random(1)
    it = Backlog(10_000)
    tracemalloc.start()
    for number in range(300_000):
        path, mtime_ns = f"scan_{number}.png", shuffle.randrange(10**13)
        if it.wants(path, mtime_ns):
            it.add(path, mtime_ns)
            if it.overfull:
                for _ in it.cut():
                    pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 10_000 <= len(it) < 20_000
    assert peak < 20_000 * 250 + 1000 * 1500
