"""How a daemon stands is taken from its parts, at the moment of the look."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from delivery_rig import MODEL
from digitd.journal import Journal
from digitd.observer import Observer
from digitd.results import Model
from digitd.settings import Inbox, ModelChoice, Outbox, Settings, Sources, State


def configured(base: Path, engine: Any = "litert") -> Settings:
    """Folders below BASE; failed scans are kept, and the archive is not there yet."""
    targets = {status: str(base / "archive" / status) for status in ("accepted", "review", "blank")}
    return Settings(
        inbox=Inbox(path=base),
        outbox=Outbox(path=base),
        state=State(path=base),
        sources=Sources(**targets, failed="keep"),
        model=ModelChoice(engine=engine),
    )


RELOADER: Any = SimpleNamespace(refused=False)


def pool(loaded: int) -> Any:
    """A pool of four."""
    return SimpleNamespace(wanted=4, loaded=loaded, at_work=2, resident=1000)


def supply(known: int) -> Any:
    """An inbox in which so many scans wait."""
    return SimpleNamespace(known=known, more=True, oldest=5.0, in_hand=2, mode="polling")


def test_each_figure_is_that_of_its_part(tmp_path: Path) -> None:
    """Of the pool, the supply, the delivery, the journal, the disks and the process itself."""
    delivery: Any = SimpleNamespace(undelivered=7, troubled="No space left on device")
    with Journal(tmp_path) as journal:
        look = Observer(configured(tmp_path), MODEL, journal, pool(3), supply(9), delivery, RELOADER).look()
        assert look.journal_bytes == sum(path.stat().st_size for path in tmp_path.glob("journal.sqlite3*"))
    assert look.workers == {"wanted": 4, "ready": 3, "busy": 2}
    assert (look.waiting, look.more_waiting, look.oldest, look.in_hand, look.mode) == (9, True, 5.0, 2, "polling")
    assert (look.undelivered, look.paused) == (7, True)
    assert look.reloaded
    assert look.memory["workers"] == 1000
    assert look.memory["main"] > 10_000_000
    assert look.rooms.keys() == {"inbox", "outbox", "archive", "state"}
    assert look.rooms["archive"] == look.rooms["state"]
    assert 0 < look.rooms["state"].free_bytes <= look.rooms["state"].total_bytes
    assert (look.model, look.engine) == (MODEL, "litert")
    assert look.started <= look.now


def test_after_another_configuration_it_looks_at_the_new_parts(tmp_path: Path) -> None:
    """And has still begun when it did."""
    delivery: Any = SimpleNamespace(undelivered=0, troubled=None)
    with Journal(tmp_path) as journal:
        observer = Observer(configured(tmp_path), MODEL, journal, pool(3), supply(9), delivery, RELOADER)
        before = observer.look()
        observer.watch(configured(tmp_path, "tensorflow"), Model("other", "2", "1" * 64), pool(4), supply(0))
        look = observer.look()
    assert (look.workers["ready"], look.waiting, look.model.name, look.engine) == (4, 0, "other", "tensorflow")
    assert look.started == before.started
