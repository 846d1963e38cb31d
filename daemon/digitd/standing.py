"""How the daemon stands at one moment, as its metrics tell it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from digitd.results import Model
from digitd.room import Room


@dataclass(frozen=True)
class Standing:
    """How the daemon stands at one moment. Times in seconds since 1970, memory in bytes.

    RELOADED: the last reload, if there was one, was not refused.
    """

    waiting: int
    more_waiting: bool
    oldest: float | None
    in_hand: int
    undelivered: int
    paused: bool
    reloaded: bool
    mode: str | None
    workers: Mapping[str, int]
    memory: Mapping[str, int]
    journal_bytes: int
    rooms: Mapping[str, Room]
    model: Model
    engine: str
    started: float
    now: float
