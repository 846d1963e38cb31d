"""Metrics of a daemon that stands in a way of the test's choice."""

from typing import Any

from digitd.exposition import Page, families
from digitd.results import Model
from digitd.room import Room
from digitd.standing import Standing
from digitd.tally import Tally


def standing(**changed: Any) -> Standing:
    """How a daemon stands."""
    values: dict[str, Any] = {
        "waiting": 7,
        "more_waiting": True,
        "oldest": 900.0,
        "in_hand": 3,
        "undelivered": 2,
        "paused": True,
        "mode": "polling",
        "workers": {"wanted": 2, "ready": 1, "busy": 1},
        "memory": {"main": 50_000_000, "workers": 150_000_000},
        "journal_bytes": 4096,
        "reloaded": True,
        "rooms": {"inbox": Room(10, 100, 5), "state": Room(20, 200, None)},
        "model": Model("digits", "1", "0" * 64),
        "engine": "litert",
        "started": 500.0,
        "now": 1000.0,
    }
    return Standing(**values | changed)


def page(tally: Tally, now: Standing, **labels: str) -> str:
    """The metrics as text."""
    it = Page()
    it.families = families(tally, now, labels)
    return it.text().decode()
