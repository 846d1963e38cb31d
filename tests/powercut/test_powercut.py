"""Power cuts: what a file system may keep of a delivery is started again. The short form of `make powercut`."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from delivery_rig import workplace
from powercut.campaign import AGAIN, campaign
from powercut.cuts import Cuts, Kind
from powercut.disk import Disk, Tree
from powercut.house import House
from powercut.operations import BLOCK, Committed, Synced, Written
from powercut.recorder import Deaf
from ways import OUTPUTS, SOURCES, Json

MOST = 12
"""Cuts of a kind on each way."""


@pytest.fixture
def folders() -> Iterator[tuple[Path, Path]]:
    """One for a house, and one on another file system."""
    with workplace() as place, workplace("other") as elsewhere:
        yield place, elsewhere


@pytest.mark.parametrize(("json", "csv"), OUTPUTS)
@pytest.mark.parametrize("sources", SOURCES)
def test_a_power_cut_loses_doubles_and_tears_nothing(
    sources: str, json: Json, csv: bool, folders: tuple[Path, Path]
) -> None:
    """Whatever is kept of what was not synced, the next start leaves one whole result a scan and output, each source
    and each ticket in its place, and nothing else; so does the one after a second cut, during that start."""
    if sources == "across" and folders[0].stat().st_dev == folders[1].stat().st_dev:
        pytest.skip("the machine has one writable file system alone")
    tally = campaign(*folders, (sources, json, csv), MOST, random.Random(f"{sources} {json} {csv}"))
    assert tally.broken == {}
    assert min(tally.states[kind] for kind in Kind) > 0
    assert tally.twice > tally.states.total() // AGAIN


@pytest.mark.parametrize(
    ("deaf", "way", "promise"),
    [
        (Deaf.SYNCFS, ("delete", "scan", True), "lost"),
        (Deaf.SYNCFS, ("move", "scan", False), "ticket"),
        (Deaf.FSYNC, ("across", "off", True), "source lost"),
        (Deaf.FSYNC_FOLDER, ("across", "off", True), "source lost"),
        (Deaf.COMMIT, ("move", "lines", True), "lost"),
        (Deaf.COMMIT, ("keep", "scan", False), "doubled"),
    ],
)
def test_a_sync_that_is_left_out_is_found_out(
    deaf: Deaf, way: tuple[str, Json, bool], promise: str, folders: tuple[Path, Path]
) -> None:
    """Each of the syncs is needed: with a disk that does not do it the promise breaks, and the replay sees that."""
    if way[0] == "across" and folders[0].stat().st_dev == folders[1].stat().st_dev:
        pytest.skip("the machine has one writable file system alone")
    tally = campaign(*folders, way, 2 * MOST, random.Random(0), frozenset({deaf}))
    assert any(found.startswith(f"{promise}:") for broken in tally.broken.values() for found in broken)


def test_no_operation_escapes_the_record(folders: tuple[Path, Path]) -> None:
    """What was done to the files in a way that the recorder does not know, it finds out by looking."""
    house = House(*folders, "move", "scan", True)
    recorder = house.work()
    (house.outbox / "more.json").write_bytes(b"unseen")
    with pytest.raises(AssertionError):
        recorder.check()


@pytest.fixture
def disk() -> Disk:
    """One with two empty folders, and a journal that says nothing."""
    disk = Disk(Tree({"/fs/a", "/fs/b"}), {})
    disk.log.append(Committed(0, durable=True))
    return disk


def left(disk: Disk, kind: Kind) -> list[dict[str, bytes]]:
    """The different files of every state that a cut of this kind may leave after the last operation."""
    cuts = Cuts(disk)
    found: list[dict[str, bytes]] = []
    for cut in cuts.choices(kind):
        for state in cuts.states(cut) if cut.at == len(disk.log) else ():
            files = {path: state.files[number].data for path, number in state.tree.names.items()}
            if files not in found:
                found.append(files)
    return found


def test_names_are_lost_in_any_order_until_their_folder_is_synced(disk: Disk) -> None:
    """Of two new files either alone may be kept; after a sync of the one's folder only the other can be lost."""
    disk.new_file("/fs/a/1", "/fs")
    disk.new_file("/fs/b/2", "/fs")
    assert left(disk, Kind.ALONE) == [{"/fs/a/1": b""}, {"/fs/b/2": b""}]
    assert left(disk, Kind.SYNCED) == [{}]
    disk.log.append(Synced(len(disk.log), folder="/fs/b"))
    assert left(disk, Kind.SYNCED) == [{"/fs/b/2": b""}]
    assert left(disk, Kind.DROPPED) == [{"/fs/b/2": b""}]
    disk.log.append(Synced(len(disk.log), root="/fs"))
    assert left(disk, Kind.SYNCED) == [{"/fs/a/1": b"", "/fs/b/2": b""}]


def test_a_rename_is_kept_whole_or_not_at_all_and_not_without_what_was_before(disk: Disk) -> None:
    """It never leaves two names or none, and whoever has the name later was not there first."""
    disk.new_file("/fs/a/1", "/fs")
    disk.name("rename", "/fs/a/1", "/fs/b/2")
    disk.new_file("/fs/a/1", "/fs")
    assert left(disk, Kind.DROPPED) == [{}, {"/fs/a/1": b""}, {"/fs/b/2": b""}]
    assert left(disk, Kind.ALONE) == [{"/fs/a/1": b""}, {"/fs/b/2": b""}, {"/fs/a/1": b"", "/fs/b/2": b""}]


def test_a_new_folder_is_lost_with_all_in_it_until_the_one_above_is_synced(disk: Disk) -> None:
    """A sync of the folder itself is not enough."""
    disk.name("mkdir", "/fs/a/new")
    disk.new_file("/fs/a/new/1", "/fs")
    disk.log.append(Synced(len(disk.log), folder="/fs/a/new"))
    assert left(disk, Kind.SYNCED) == [{}]
    disk.log.append(Synced(len(disk.log), folder="/fs/a"))
    assert left(disk, Kind.SYNCED) == [{"/fs/a/new/1": b""}]


def test_bytes_are_torn_until_they_are_synced(disk: Disk) -> None:
    """Empty, in zeros, half, or with a hole; of what was synced nothing is."""
    data = b"x" * BLOCK + b"the rest"
    file = disk.new_file("/fs/a/1", "/fs")
    disk.log.append(Written(file, data))
    torn = [b"", bytes(len(data)), data[: len(data) // 2], bytes(BLOCK) + b"the rest"]
    assert left(disk, Kind.TORN) == [{"/fs/a/1": kept} for kept in torn]
    disk.log.append(Synced(len(disk.log), file=file))
    assert left(disk, Kind.PREFIX) == [{"/fs/a/1": data}]
    assert left(disk, Kind.TORN) == [{"/fs/a/1": data}]
    assert left(disk, Kind.SYNCED) == [{}]


def test_commits_are_lost_from_the_end_back_to_the_last_durable_one(disk: Disk) -> None:
    """A durable commit keeps those before it; none is lost from the middle."""
    for number, durable in enumerate((False, True, False, False), 1):
        disk.log.append(Committed(number, durable))
    cuts = Cuts(disk)
    found = [[state.journal for state in cuts.states(cut)] for cut in cuts.choices(Kind.PREFIX)]
    assert found == [[0], [0, 1], [2], [2, 3], [2, 3, 4]]
