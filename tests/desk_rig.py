"""Scans of every status, published and filed as a daemon does it, for desks to verify."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from delivery_rig import Rig
from digitd.results import Status
from digitd.review.desk import Desk
from digitd.settings import Inbox, Outbox, Review, Settings, Sources, State

ALL = (Status.ACCEPTED, Status.REVIEW, Status.BLANK, Status.FAILED)


def settings_of(rig: Rig, **review: Any) -> Settings:
    """The configuration that the rig's daemon would have."""
    return Settings(
        inbox=Inbox(path=rig.inbox),
        outbox=Outbox(path=rig.outbox, json=rig.json, csv=rig.csv),
        sources=Sources(**rig.targets()),
        state=State(path=rig.state),
        review=Review(**review),
    )


def fill(rig: Rig, *names: str, status: Status = Status.REVIEW) -> None:
    """Have scans of these names read, with that status."""
    for name in names:
        rig.drop(name, b"a scan called " + os.fsencode(name))
    with rig.open() as delivery:
        delivery.recover()
        delivery.deliver([rig.read(name, status) for name in names])
        delivery.close()


@contextmanager
def desk_of(base: Path, *names: str, clock: Callable[[], float] | None = None, **review: Any) -> Iterator[Desk]:
    """A desk before which scans of these names wait for review."""
    rig = Rig(base)
    if names:
        fill(rig, *names)
    chosen = settings_of(rig, **review)
    with Desk(chosen) if clock is None else Desk(chosen, clock) as desk:
        yield desk


__all__ = ["ALL", "Rig", "desk_of", "fill", "settings_of"]
