"""A disk that fails at any step, once or for a while: digitd waits, says so once, goes on, and loses nothing."""

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from structlog.testing import capture_logs

from delivery_rig import FILE_STEPS, Killer, two_scans_on_way, workplace
from digitd.delivery import Delivery
from digitd.journal import Journal
from ways import OUTPUTS, SOURCES, Json

ERRORS = [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES, errno.EMFILE, errno.EDQUOT]
_FILES = [*FILE_STEPS, (os, "lstat")]
_JOURNAL = ["record", "published", "plan_filing", "open_part", "part_published", "begin_sync", "settle", "last_number"]
STEPS_MOST = 200
LATER = 3600.0
"""Seconds: beyond any pause between two tries."""


class Failing:
    """Fails at the NUMBERth step, or, LASTING, from there on."""

    def __init__(self, number: int, code: int, *, lasting: bool) -> None:
        self.number, self.code, self.lasting = number, code, lasting
        self.count = 0

    @property
    def struck(self) -> bool:
        return self.count >= self.number

    @contextmanager
    def armed(self) -> Iterator[None]:
        """While this is entered, steps are counted, and fail."""
        with ExitStack() as stack:
            for owner, name in _FILES:
                error = OSError(self.code, os.strerror(self.code))
                stack.enter_context(patch.object(owner, name, self._wrapped(getattr(owner, name), error)))
            for name in _JOURNAL:
                full = sqlite3.OperationalError("database or disk is full")
                stack.enter_context(patch.object(Journal, name, self._wrapped(getattr(Journal, name), full)))
            yield

    def _wrapped(self, step: Callable[..., object], error: Exception) -> Callable[..., object]:
        def run(*args: object, **kwargs: object) -> object:
            self.count += 1
            if self.count == self.number or (self.lasting and self.struck):
                raise error
            return step(*args, **kwargs)

        return run


def tried(delivery: Delivery, times: int) -> None:
    """Let time pass."""
    for number in range(times):
        delivery.tick(time.monotonic() + number * LATER)


@pytest.mark.parametrize("code", ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("sources", SOURCES)
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
def test_a_step_that_fails_holds_up_and_loses_nothing(sources: str, lasting: bool, code: int) -> None:
    """Whichever step it is: when the cause has passed, the same daemon brings all to its end, without a restart; what
    it waits for it says once, and once that it is over."""
    for json, csv in OUTPUTS[::2]:
        for number in range(1, STEPS_MOST):
            failing = Failing(number, code, lasting=lasting)
            with workplace() as base, workplace("other") as other:
                rig = two_scans_on_way(base, other, sources, json, csv)
                with rig.open() as delivery, capture_logs() as logs:
                    delivery.recover()
                    reads = rig.waiting()
                    with failing.armed():
                        delivery.deliver(reads)
                        tried(delivery, 3)
                    tried(delivery, 8)
                    assert delivery.troubled is None
                    delivery.close()
                filed = list(rig.filed)
                # What could not be removed then is hidden, and the next start removes it.
                rig.live()
                assert rig.filed == filed
                rig.check_exactly_once()
            _assert_said_once([each["event"] for each in logs])
            if not failing.struck:
                break
        else:
            pytest.fail("it takes more steps than expected")


@pytest.mark.parametrize("step", ["record", "open_part"])
@pytest.mark.parametrize(("json", "csv"), OUTPUTS)
@pytest.mark.parametrize("sources", SOURCES)
def test_a_commit_that_only_seemed_to_fail_loses_nothing(sources: str, json: Json, csv: bool, step: str) -> None:
    """Its sync fails, and digitd is killed before it has tried again: SQLite then finds that it was one. While a write
    of what is tried again is cut short, too."""
    committed = getattr(Journal, step)
    for killed in range(4):
        with workplace() as base, workplace("other") as other:
            rig = two_scans_on_way(base, other, sources, json, csv)
            found = base / "found"

            def seem_to_fail(_: Journal, *args: object, state: Path = rig.state, found: Path = found) -> None:
                shutil.rmtree(found, ignore_errors=True)
                shutil.copytree(state, found)
                with Journal(found) as journal:
                    committed(journal, *args)
                raise sqlite3.OperationalError("disk I/O error")

            with rig.open() as delivery:
                delivery.recover()
                with patch.object(Journal, step, seem_to_fail):
                    delivery.deliver(rig.waiting())
                    delivery.tick(time.monotonic() + LATER)
                    if killed:
                        with Killer(killed, "within").armed():
                            delivery.tick(time.monotonic() + 2 * LATER)
            if found.exists():
                shutil.rmtree(rig.state)
                found.rename(rig.state)
            rig.live()
            rig.live()
            rig.check_exactly_once()


@pytest.mark.parametrize("sources", SOURCES)
def test_a_disk_that_fails_during_recovery_loses_nothing(sources: str) -> None:
    """What a kill left half done is finished once the disk can be written again, though it failed at the start."""
    for killed in range(1, STEPS_MOST, 2):
        for number in range(1, STEPS_MOST, 3):
            failing = Failing(number, errno.EIO, lasting=True)
            with workplace() as base, workplace("other") as other:
                rig = two_scans_on_way(base, other, sources, "scan", csv=True)
                killer = Killer(killed, "after")
                with killer.armed():
                    rig.live()
                with rig.open() as delivery:
                    with failing.armed():
                        held = set(delivery.recover())
                        tried(delivery, 2)
                    if reads := [read for read in rig.waiting() if read.identity.path not in held]:
                        delivery.deliver(reads)
                    tried(delivery, 8)
                    delivery.close()
                rig.live()
                rig.check_exactly_once()
            if not failing.struck:
                break
        if killer.struck is None:
            break
    else:
        pytest.fail("it takes more steps than expected")


def _assert_said_once(events: list[str]) -> None:
    for kind in ("delivery", "rolling"):
        assert events.count(f"{kind}_paused") <= 1
        assert events.count(f"{kind}_resumed") == events.count(f"{kind}_paused")
