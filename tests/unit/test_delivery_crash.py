"""Killed at every step, with every kind of sources and outputs: each scan has one result, whole, and is filed once."""

import errno
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from delivery_rig import Killer, Rig, two_scans_on_way, workplace
from digitd import fs
from digitd.results import Status
from ways import OUTPUTS, SOURCES, Json

When = Literal["before", "within", "after"]
STEPS_MOST = 120


@pytest.fixture(scope="module")
def another_file_system() -> Iterator[Path]:
    """A folder on another file system than the rigs' (where the machine has only one, renames say so)."""
    with workplace("other") as folder:
        yield folder


@pytest.fixture
def across(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the machine has one file system alone, a rename into the archive says that it is another."""
    with workplace() as fast, workplace("other") as other:
        if fast.stat().st_dev != other.stat().st_dev:
            return
    real = fs.rename_noreplace

    def rename(old: str, new: str) -> None:
        if "/inbox/" in old and "/archive/" in new:
            raise OSError(errno.EXDEV, "Invalid cross-device link", old, None, new)
        real(old, new)

    monkeypatch.setattr(fs, "rename_noreplace", rename)


@pytest.mark.usefixtures("across")
@pytest.mark.parametrize("when", ["before", "within", "after"])
@pytest.mark.parametrize(("json", "csv"), OUTPUTS)
@pytest.mark.parametrize("sources", SOURCES)
def test_a_kill_at_any_step_loses_and_doubles_nothing(
    sources: str, json: Json, csv: bool, when: When, another_file_system: Path
) -> None:
    """Whatever step it dies at, the next start leaves one whole result a scan, and each source filed once."""
    for number in range(1, STEPS_MOST):
        with workplace() as base:
            made = two_scans_on_way(base, another_file_system / f"{json}-{csv}-{when}-{number}", sources, json, csv)
            killer = Killer(number, when)
            with killer.armed():
                made.live()
            if number % 2:
                made.take()
            made.live()
            made.check_exactly_once()
        if killer.struck is None:
            return
    pytest.fail("it takes more steps than expected")


@pytest.mark.usefixtures("across")
@pytest.mark.parametrize("sources", ["move", "across"])
def test_a_kill_during_recovery_loses_and_doubles_nothing(sources: str, another_file_system: Path) -> None:
    """A second kill while the first is being recovered from changes nothing about the promise."""
    for first, second in itertools.product(range(1, STEPS_MOST, 2), range(1, STEPS_MOST, 3)):
        with workplace() as base:
            made = two_scans_on_way(base, another_file_system / f"twice-{first}-{second}", sources, "scan", True)
            killers = Killer(first, "after"), Killer(second, "after")
            for killer in killers:
                with killer.armed():
                    made.live()
            made.take()
            made.live()
            made.check_exactly_once()
        if killers[0].struck is None:
            return
    pytest.fail("it takes more steps than expected")


@pytest.mark.parametrize("when", ["before", "within", "after"])
def test_a_kill_during_the_recovery_from_a_power_cut_still_restores_every_file(
    when: When, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the power cut tore is written again even if digitd is killed while it does so, with the machine up."""
    for number in range(1, STEPS_MOST):
        with workplace() as base, monkeypatch.context() as boot:
            made = Rig(base)
            made.drop("a.png")
            made.drop("b.png")
            with made.open() as delivery:
                delivery.deliver(made.waiting())
                delivery._roller.roll_all()
            whole = made.files()
            for name in whole:
                (made.outbox / name).write_bytes(b"")
            boot.setattr(fs, "boot_id", lambda: "another start")
            boot.setattr(fs, "booted_at", lambda: time.time() + 60)
            killer = Killer(number, when)
            with killer.armed():
                made.live()
            made.live()
            assert made.files() == whole
            made.check_exactly_once()
        if killer.struck is None:
            return
    pytest.fail("it takes more steps than expected")


def test_it_is_the_same_status_that_files_after_a_crash() -> None:
    """A recorded scan is filed by the status it was recorded with, though it was never read again."""
    with workplace() as base:
        made = Rig(base)
        made.drop("odd.png")
        killer = Killer(3, "before")
        with made.open() as delivery, killer.armed():
            delivery.deliver([made.read("odd.png", Status.BLANK)])
        assert killer.struck == "rename_noreplace"
        with made.open() as delivery:
            delivery.recover()
        assert (made.archive / "blank" / "odd.png").exists()
