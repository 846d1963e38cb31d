"""Writers of every kind: however a scan is written, moved, rewritten, taken away or dated, it has one result, whole."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Client, Listener
from pathlib import Path

import pytest

from chaos.writers import WRITERS, Writer, downloaded, in_pieces, renamed
from digitd import fs
from e2e import scans
from e2e.harness import Daemon, House, wait_for

DAY = 86_400.0
TIMES = {
    "future": time.time() + 400 * DAY,
    "epoch": 0.0,
    "before-1970": -1e9,
    "after-2262": 1.2e10,
}
VERSIONS = 40
DEEP, WIDE = 1_000, 1_000
COPIERS = {
    "rsync": ["rsync", "-a", "{source}", "{target}"],
    "rsync-in-place": ["rsync", "-a", "--inplace", "{source}", "{target}"],
    "scp": ["scp", "-O", "-q", "-p", "-S", "{shell}", "{source}", "nowhere:{target}"],
    "cp": ["cp", "-p", "{source}", "{target}"],
    "install": ["install", "-m", "600", "{source}", "{target}"],
    "mv": ["mv", "{source}", "{target}"],
    "dd": ["dd", "bs=100", "status=none", "if={source}", "of={target}"],
    "ln": ["ln", "{source}", "{target}"],
}

# A worker may change no file itself: somebody outside is told, and it waits until that is done.
TOLD = """
from multiprocessing.connection import Client

from digitd.pool import worker

load = worker.load

def tell(path):
    with Client({address!r}) as channel:
        channel.send_bytes(path)
        channel.recv_bytes()

def load_and_tell(path, most):
    if {before!r}:
        tell(path)
    found = load(path, most)
    if not {before!r}:
        tell(path)
    return found

worker.load = load_and_tell
"""

CLOCK = """
import time

right = time.time

def wrong():
    with open({offset!r}) as file:
        return right() + float(file.read() or 0)

time.time = wrong
"""


def _over(_: Path, target: Path, data: bytes) -> None:
    target.write_bytes(data)


@contextmanager
def told(house: House, act: Callable[[bytes], None], *, before: bool) -> Iterator[str]:
    """Let ACT on a scan's path just BEFORE a worker reads it, or just after; gives a PYTHONPATH for the daemon."""
    with tempfile.TemporaryDirectory() as folder, Listener(os.path.join(folder, "socket")) as listener:

        def serve() -> None:
            while True:
                with listener.accept() as channel:
                    if not (path := channel.recv_bytes()):
                        return
                    act(path)
                    channel.send_bytes(b"done")

        server = threading.Thread(target=serve)
        server.start()
        try:
            address = str(listener.address)
            yield house.at_start(TOLD.format(address=address, before=before))
        finally:
            with Client(address) as channel:
                channel.send_bytes(b"")
            server.join()


def sha256(data: bytes) -> str:
    """The sum that a result names."""
    return hashlib.sha256(data).hexdigest()


def read_once(daemon: Daemon, name: str, text: str) -> None:
    """The scan has one result, with this text, and was filed."""
    assert daemon.house.result(f"{name}.json")["text"] == text
    daemon.house.filed(name)
    daemon.wait_event("scan_published", scan=name)
    assert len(daemon.named("scan_published", scan=name)) == 1
    assert not (daemon.house.outbox / f"{name}~2.json").exists()


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.__name__)
def test_by_whatever_writer(shared: Daemon, writer: Writer, tmp_path: Path) -> None:
    """One result a scan, however it was written."""
    for number in range(3):
        name = f"{writer.__name__}-{number}.png"
        writer(tmp_path, shared.house.inbox / name, scans.scan(number))
    for number in range(3):
        read_once(shared, f"{writer.__name__}-{number}.png", str(number))


@pytest.mark.parametrize("copier", COPIERS)
def test_by_a_program_of_the_system(shared: Daemon, copier: str, tmp_path: Path) -> None:
    """What people really copy with: the tools themselves, where they are installed."""
    command = COPIERS[copier]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    # scp's other end is started by this instead of ssh: here, and not on another machine.
    shell = tmp_path / "shell"
    shell.write_text('#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n')
    shell.chmod(0o755)
    source = shared.house.root / f"{copier}-source.png"
    source.write_bytes(scans.scan(4))
    os.utime(source, (10**9, 10**9))
    name = f"by-{copier}.png"
    filled = [each.format(source=source, target=shared.house.inbox / name, shell=shell) for each in command]
    subprocess.run(filled, check=True, timeout=60)
    read_once(shared, name, "4")


@pytest.mark.parametrize("when", TIMES)
@pytest.mark.parametrize("writer", ["moved", "linked", "written"])
def test_whatever_its_time_says(shared: Daemon, when: str, writer: str) -> None:
    """A scan from the future, from 1970 and from before it is read as any other, and its time is told."""
    name = f"{writer}-{when}.png"
    target = shared.house.inbox / name
    outside = shared.house.root / f"outside-{name}"
    (target if writer == "written" else outside).write_bytes(scans.scan(8))
    try:
        os.utime(target if writer == "written" else outside, (TIMES[when], TIMES[when]))
    except FileNotFoundError:
        # It was faster, and has filed it already.
        assert writer == "written"
    if writer == "moved":
        outside.rename(target)
    elif writer == "linked":
        os.link(outside, target)
    read_once(shared, name, "8")
    if writer != "written":
        filed = shared.house.filed(name).stat().st_mtime
        told = shared.house.result(f"{name}.json")["source"]["modified"]
        assert told == time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(filed)) + f".{int(filed % 1 * 1000):03}Z"


def test_a_mount_that_tells_nothing(house: House, tmp_path: Path) -> None:
    """On what is mounted as NFS the inbox is polled by itself, and scans of every writer are found without an event."""
    mounts = house.root / "mountinfo"
    mounts.write_text(
        f"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:9 / {house.inbox.resolve()} rw - nfs4 server:/scans rw\n"
    )
    script = f"from pathlib import Path\nfrom digitd.intake import mounts\nmounts.MOUNTINFO = Path({str(mounts)!r})\n"
    house.configure({"inbox": {"rescan": "1h"}})
    with Daemon(house, PYTHONPATH=house.at_start(script)) as daemon:
        daemon.wait_ready()
        watching = daemon.wait_event("watching")
        assert watching["mode"] == "polling" and "nfs4" in watching["reason"]
        for number, writer in enumerate(WRITERS):
            target = house.inbox / f"sub{number % 2}" / f"{writer.__name__}.png"
            target.parent.mkdir(exist_ok=True)
            writer(tmp_path, target, scans.numbered(number))
        for number, writer in enumerate(WRITERS):
            read_once(daemon, f"sub{number % 2}/{writer.__name__}.png", str(number))
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    assert len(house.results()) == len(house.rows()) == len(WRITERS)


@pytest.mark.parametrize("ending", [".tif", ".pdf"])
def test_a_scanner_that_pauses_between_pages(house: House, ending: str) -> None:
    """Closed and opened again after gaps that grow, it is read once, as it was last closed."""
    house.configure({"inbox": {"reopen": 3}})
    pages = [scans.page("4"), scans.page("7"), scans.page("8")]
    path = house.inbox / f"slow{ending}"
    with Daemon(house) as daemon:
        daemon.wait_ready()
        for count, gap in ((1, 0.2), (2, 0.7), (3, 0.0)):
            data = scans.tiff(pages[:count]) if ending == ".tif" else scans.pdf(pages[count - 1])
            begun = time.monotonic()
            with path.open("r+b" if path.exists() else "wb") as file:
                file.write(data)
                file.truncate()
            wait_for(lambda begun=begun, gap=gap: time.monotonic() - begun >= gap, "the scanner's pause")  # type: ignore[misc]
        read_once(daemon, path.name, "4\f7\f8" if ending == ".tif" else "8")
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    assert len(house.results()) == 1


@pytest.fixture
def versions(house: House) -> Iterator[list[bytes]]:
    """Scans, no two alike, that take the same name one after the other."""
    yield [scans.numbered(number) for number in range(VERSIONS)]
    # Whatever happened to it, what is left of a name is one of them, and each of them was read once at most.
    sums = [result["source"]["sha256"] for result in house.results()]
    assert len(set(sums)) == len(sums) == len(house.rows())
    assert {row["source_sha256"] for row in house.rows()} == set(sums)
    assert {sha256(path.read_bytes()) for path in house.archived()} <= set(sums)
    assert len(house.archived()) == len({sha256(path.read_bytes()) for path in house.archived()})
    assert house.files(house.inbox) == set()


@pytest.mark.parametrize("how", ["in_place", "renamed"])
def test_a_name_that_is_taken_again_while_it_is_read(house: House, versions: list[bytes], how: str) -> None:
    """Each time that it was read there is another in its place: each was whole, each is read, the last one is filed."""
    few = versions[:6]
    left = deque(few[1:])

    def replace(path: bytes) -> None:
        if left:
            write = _over if how == "in_place" else renamed
            write(house.root, Path(os.fsdecode(path)), left.popleft())

    with told(house, replace, before=False) as start, Daemon(house, PYTHONPATH=start) as daemon:
        daemon.wait_ready()
        house.drop("same.png", few[0])
        last = sha256(few[-1])
        wait_for(lambda: last in {each["source"]["sha256"] for each in house.results()}, "the last of them")
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    by_sum = {each["source"]["sha256"]: each["text"] for each in house.results()}
    assert by_sum == {sha256(data): str(number) for number, data in enumerate(few)}
    assert [path.read_bytes() for path in house.archived()] == [few[-1]]


def test_a_name_that_is_rewritten_again_and_again(house: House, versions: list[bytes], tmp_path: Path) -> None:
    """By writers of several kinds, at any moment: no result is doubled or torn, and what stood has come out."""
    chance = random.Random(5)
    target = house.inbox / "same.png"
    stood: set[str] = set()

    def out() -> set[str]:
        return {result["source"]["sha256"] for result in house.results()}

    with Daemon(house) as daemon:
        daemon.wait_ready()
        for number, data in enumerate(versions):
            chance.choice([renamed, in_pieces, downloaded])(tmp_path, target, data)
            if number % 10 == 9:
                stood.add(sha256(data))
                wait_for(lambda: stood <= out(), "what stood")
            else:
                until = time.monotonic() + chance.uniform(0, 0.1)
                wait_for(lambda until=until: time.monotonic() >= until, "the writer's pause")  # type: ignore[misc]
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    texts = {sha256(data): str(number % 10) for number, data in enumerate(versions)}
    assert {each["source"]["sha256"]: each["text"] for each in house.results()}.items() <= texts.items()


def test_a_scan_that_is_deleted_between_ready_and_read(house: House) -> None:
    """It has no result, not even a failed one; the log says so; its neighbours are read; its name may come again."""

    def vanish(path: bytes) -> None:
        if b"vanishing" in path:
            os.unlink(path)

    with told(house, vanish, before=True) as start, Daemon(house, PYTHONPATH=start) as daemon:
        daemon.wait_ready()
        house.drop("before.png", scans.scan(4))
        house.drop("vanishing.png", scans.scan(8))
        house.drop("after.png", scans.scan(7))
        event = daemon.wait_event("scan_gone", scan="vanishing.png")
        assert event["level"] == "info" and event["reason"]
        read_once(daemon, "before.png", "4")
        read_once(daemon, "after.png", "7")
        house.drop("vanishing.png", scans.scan(8))
        wait_for(lambda: len(daemon.named("scan_gone")) == 2, "the second one gone")
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    assert {row["source_name"] for row in house.rows()} == {"before.png", "after.png"}
    assert len(house.results()) == 2 and not daemon.named("worker_lost")


@pytest.fixture
def deep_house(tmp_path: Path) -> Iterator[House]:
    """A house that may get too deep for shutil.rmtree, which calls itself for each folder."""
    yield House(tmp_path / "house")
    subprocess.run(["rm", "-rf", tmp_path / "house"], check=True)


def test_folders_a_thousand_deep(deep_house: House) -> None:
    """Scans at any depth are read and filed likewise, before and after a start; one that is too deep is left alone."""
    house = deep_house
    inbox = os.fspath(house.inbox)
    places = ["/".join(["d"] * depth) for depth in (1, DEEP // 2, DEEP)]

    def drop(place: str, name: str) -> None:
        fs.make_folders(os.path.join(inbox, place))
        spare = house.root / "spare.png"
        spare.write_bytes(scans.scan(4))
        spare.rename(os.path.join(inbox, place, name))

    def read(place: str, name: str) -> None:
        # Not House.result: what it says of an outbox goes through its folders by a function that calls itself.
        path = house.outbox / place / f"{name}.json"
        wait_for(lambda: os.path.exists(path), f"the result of {name}")
        assert json.loads(path.read_bytes())["text"] == "4"
        wait_for(lambda: os.path.exists(house.archive / "accepted" / place / name), "it filed")

    # In the inbox its path is as long as one may be; in the archive, whose own is longer, it would be too long.
    room = 4095 - len(inbox) - len("//too-deep.png")
    too_deep = ("e" * 254 + "/") * 20
    too_deep = too_deep[: room - 1] + "e"
    drop(places[2], "early.png")
    drop(too_deep, "too-deep.png")
    with Daemon(house) as daemon:
        daemon.wait_ready()
        read(places[2], "early.png")
        for place in places:
            drop(place, "late.png")
        for place in places:
            read(place, "late.png")
        ignored = wait_for(lambda: daemon.named("scan_ignored", reason="path_too_long"), "a word on the one too deep")
        assert {event["level"] for event in ignored} == {"warning"}
        daemon.kill()
    drop(places[2], "again.png")
    assert house.once().process.returncode == 0
    read(places[2], "again.png")
    assert os.path.exists(os.path.join(inbox, too_deep, "too-deep.png"))


def test_folders_a_thousand_wide(house: House) -> None:
    """A thousand folders, each with a scan written into it as soon as it is made, while the daemon looks."""
    house.configure({"inbox": {"rescan": "1h"}, "log": {"level": "info"}})
    with Daemon(house) as daemon:
        daemon.wait_ready()
        for number in range(WIDE):
            (house.inbox / f"{number}").mkdir()
            (house.inbox / f"{number}" / "scan.png").write_bytes(scans.numbered(number))
        wait_for(lambda: len(daemon.named("scan_published")) == WIDE, "every scan")
        (house.inbox / f"{WIDE - 1}" / "later.png").write_bytes(scans.scan(4))
        read_once(daemon, f"{WIDE - 1}/later.png", "4")
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    assert len({event["scan"] for event in daemon.named("scan_published")}) == WIDE + 1
    assert len(house.results()) == len(house.archived()) == WIDE + 1
    assert house.files(house.inbox) == set()


def test_a_clock_that_jumps(house: House, tmp_path: Path) -> None:
    """Set forward and back by days, also while a scan is being written: each is read once, and no row appears twice."""
    offset = house.root / "offset"
    offset.write_text("0")
    house.configure({"inbox": {"rescan": "500ms"}, "outbox": {"every": "300ms"}})
    dropped: dict[str, str] = {}
    with Daemon(house, PYTHONPATH=house.at_start(CLOCK.format(offset=str(offset)))) as daemon:
        daemon.wait_ready()
        for turn, jump in enumerate((3 * DAY, -3 * DAY, -20_000 * DAY, 0.0)):
            half = house.inbox / f"half{turn}.png"
            data = scans.numbered(10 * turn)
            with half.open("wb", buffering=0) as file:
                file.write(data[: len(data) // 2])
                other = house.root / "offset.new"
                other.write_text(str(jump))
                other.rename(offset)
                for number, writer in enumerate(WRITERS, 1):
                    writer(tmp_path, house.inbox / f"{writer.__name__}{turn}.png", scans.numbered(10 * turn + number))
                    dropped[f"{writer.__name__}{turn}.png"] = str(number)
                file.write(data[len(data) // 2 :])
            dropped[half.name] = "0"
            wait_for(lambda: len(house.results()) == len(dropped), "every scan of this turn")
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    assert {each["source"]["name"]: each["text"] for each in house.results()} == dropped
    assert sorted(row["source_name"] for row in house.rows()) == sorted(dropped)
    assert house.files(house.inbox) == set()


def test_many_writers_at_once(house: House, tmp_path: Path) -> None:
    """Writers of every kind beside each other, into the same folders: one result, one row, one source a scan."""
    dropped = {f"{number % 3}/{number}.png": scans.numbered(number) for number in range(180)}
    for folder in range(3):
        (house.inbox / f"{folder}").mkdir()

    def write(writer: Writer, names: list[str]) -> None:
        for name in names:
            writer(tmp_path, house.inbox / name, dropped[name])

    with Daemon(house) as daemon:
        daemon.wait_ready()
        names = list(dropped)
        threads = [
            threading.Thread(target=write, args=(writer, names[number :: len(WRITERS)]))
            for number, writer in enumerate(WRITERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_for(lambda: len(house.results()) == len(dropped), "every scan")
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    sums = sorted(map(sha256, dropped.values()))
    assert sorted(row["source_sha256"] for row in house.rows()) == sums
    assert sorted(each["source"]["sha256"] for each in house.results()) == sums
    assert sorted(sha256(path.read_bytes()) for path in house.archived()) == sums
    assert house.files(house.inbox) == set()
