"""On one's own terms: what may not be written to, what is shared, whose files are, where they lie, what time it is."""

import json
import os
import shutil
import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from digitd.marks import MARK_NAME
from e2e import scans
from e2e.harness import STATUSES, Daemon, House, in_namespaces, wait_for

KEEP = {"sources": dict.fromkeys(STATUSES, "keep")}
READ_ONLY = "mount --bind inbox inbox && mount -o remount,bind,ro inbox"
GROUP = 54_321
"""A group that nobody has, to be told from all others by its number."""
AUTUMN = datetime(2026, 11, 1, 4, 30, tzinfo=UTC)
"""Half past one in St. John's, half an hour before the clocks are set back; an hour later it is half past one again."""


# ---- an inbox that must not be touched


def test_a_read_only_inbox_is_read_and_kept(house: House) -> None:
    """On a file system mounted read-only every scan is read once, across restarts too, and nothing there changes."""
    house.configure(KEEP)
    for name in ("old.png", "sub/old.png"):
        house.drop(name, scans.scan(4))
    wrapper = in_namespaces("--mount", first=f"cd '{house.root}' && {READ_ONLY}")
    with Daemon(house, wrapper=wrapper) as daemon:
        for name in ("old.png.json", "sub/old.png.json"):
            assert house.result(name)["text"] == "4"
        # From outside, where it can be written, as on the server that exports it.
        house.drop("new.png", scans.scan(7))
        house.drop("bad.png", b"no image")
        assert house.result("new.png.json")["text"] == "7"
        assert house.result("bad.png.json")["status"] == "failed"
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    with Daemon(house, "--once", wrapper=wrapper) as again:
        assert again.wait_end() == 0
    assert not again.named("scan_published")
    assert sorted(path.name for path in house.inbox.rglob("*")) == ["bad.png", "new.png", "old.png", "old.png", "sub"]
    assert not house.archive.exists()


def test_a_read_only_inbox_is_refused_where_scans_are_to_leave_it(house: House) -> None:
    """Before anything is read: exit code 4, and the remedy names `keep`."""
    house.drop("scan.png", scans.scan(4))
    with Daemon(house, wrapper=in_namespaces("--mount", first=f"cd '{house.root}' && {READ_ONLY}")) as daemon:
        assert daemon.wait_end() == 4
    [event] = daemon.named("refused")
    assert "inbox.path" in event["cause"] and "Read-only file system" in event["cause"]
    assert "keep" in event["remedy"]
    assert house.files(house.outbox) == set()


# ---- several of them


def two(tmp_path: Path, first: dict[str, Any], second: dict[str, Any]) -> tuple[House, House]:
    """Two houses with a worker each."""
    small = {"workers": {"count": 1}}
    return House(tmp_path / "lab", small, first), House(tmp_path / "post", small, second)


def test_two_instances_side_by_side(tmp_path: Path) -> None:
    """Each has its folders, state and settings, reads what is its own, and neither hears of the other."""
    lab, post = two(tmp_path, {"recognition": {"digits": 2}}, {"profiles": {"cards": {"digits": 3}}})
    with Daemon(lab) as first, Daemon(post) as second:
        first.wait_ready(), second.wait_ready()
        for house in (lab, post):
            house.drop("scan.png", scans.scan("47"))
            house.drop("cards/scan.png", scans.scan("47"))
            for name in ("scan.png.json", "cards/scan.png.json"):
                assert house.result(name)["text"] == "47"
            house.filed("scan.png"), house.filed("cards/scan.png")
        assert first.terminate() == 0
        post.drop("after.png", scans.scan(8))
        assert post.result("after.png.json")["text"] == "8"
        assert json.loads(lab.run("status", "--json").stdout)["read_today"] == 2
        told = json.loads(post.run("status", "--json").stdout)
        assert (told["running"], told["pid"], told["read_today"]) == (True, second.process.pid, 3)
        assert second.terminate() == 0
    for daemon in (first, second):
        daemon.assert_only_events()
    assert {result["source"]["path"]: result["status"] for result in lab.results()} == {
        "scan.png": "accepted",
        "cards/scan.png": "accepted",
    }
    assert {result["source"]["path"]: result["status"] for result in post.results()} == {
        "scan.png": "accepted",
        "cards/scan.png": "review",
        "after.png": "accepted",
    }


@pytest.mark.parametrize("key", ["inbox", "outbox"])
def test_a_folder_that_another_instance_works_with_is_refused(tmp_path: Path, key: str) -> None:
    """While it runs, and after it was killed, for then its results are still to be published: exit code 6, the
    other's state folder, and the same from `check`. Once it has ended in order the folder is free."""
    lab, post = two(tmp_path, {}, {key: {"path": str(tmp_path / "lab" / key)}})

    def refused() -> None:
        with Daemon(post) as other:
            assert other.wait_end() == 6
        other.assert_only_events()
        [event] = [each for each in other.events if each["level"] != "debug"]
        assert (event["event"], event["code"], event["exit_code"]) == ("refused", "already_running", 6)
        assert f"{key}.path" in event["cause"] and str(lab.state) in event["cause"]
        checked = post.run("check")
        assert checked.returncode == 6
        assert event["cause"] in checked.stderr.decode()

    with Daemon(lab) as first:
        first.wait_ready()
        refused()
        lab.drop("scan.png", scans.scan(4))
        assert lab.result("scan.png.json")["text"] == "4"
        first.kill()
    refused()
    assert lab.once().process.returncode == 0
    assert not (tmp_path / "lab" / key / MARK_NAME).exists()
    with Daemon(post) as second:
        second.wait_ready()
        assert second.terminate() == 0


def test_what_is_still_to_be_published_keeps_the_outbox_for_its_owner(tmp_path: Path) -> None:
    """An instance that ended with a source it could not file comes back to an outbox that nobody else has swept."""
    lab, post = two(tmp_path, {}, {"outbox": {"path": str(tmp_path / "lab/outbox")}})
    lab.drop("scan.png", scans.scan(4))
    lab.drop("other.png", scans.scan(7))
    lab.once()
    # The first goes: a file stands where its archive should be made.
    shutil.rmtree(lab.archive)
    lab.archive.mkdir()
    with Daemon(lab) as first:
        first.wait_ready()
        (lab.archive / "accepted").rmdir()
        (lab.archive / "accepted").touch()
        lab.drop("stuck.png", scans.scan(8))
        first.wait_event("delivery_paused")
        assert first.terminate() == 0
    with Daemon(post) as other:
        assert other.wait_end() == 6
    (lab.archive / "accepted").unlink()
    assert lab.once().process.returncode == 0
    assert lab.result("stuck.png.json")["text"] == "8"
    assert post.once().process.returncode == 0


def test_an_inbox_where_all_scans_stay_may_have_several_readers(tmp_path: Path) -> None:
    """Each instance has its own results of all of it, by its own settings."""
    lab, post = two(
        tmp_path, KEEP, {**KEEP, "inbox": {"path": str(tmp_path / "lab/inbox")}, "recognition": {"digits": 3}}
    )
    with Daemon(lab) as first, Daemon(post) as second:
        first.wait_ready(), second.wait_ready()
        for number in range(5):
            lab.drop(f"{number}.png", scans.scan(f"4{number}"))
        for house, status in ((lab, "accepted"), (post, "review")):
            for number in range(5):
                result = house.result(f"{number}.png.json")
                assert (result["text"], result["status"]) == (f"4{number}", status)
        assert first.terminate() == second.terminate() == 0
    assert lab.files(lab.inbox) == {f"{number}.png" for number in range(5)}


def test_an_archive_may_be_shared(tmp_path: Path) -> None:
    """Names are taken in one step there too: of scans called alike by two instances none is overwritten."""
    shared = {status: str(tmp_path / "archive" / status) for status in STATUSES}
    lab, post = two(tmp_path, {"sources": shared}, {"sources": shared})
    for house, digit in ((lab, 4), (post, 7)):
        for number in range(20):
            house.drop(f"sub/{number}.png", scans.scan(digit))
    with Daemon(lab, "--once") as first, Daemon(post, "--once") as second:
        assert first.wait_end() == second.wait_end() == 0
    filed = [path.read_bytes() for path in (tmp_path / "archive").rglob("*.png")]
    assert sorted(filed) == sorted([scans.scan(4)] * 20 + [scans.scan(7)] * 20)


# ---- whose files are


def with_umask(umask: str) -> list[str]:
    """A command to run a daemon under."""
    return ["sh", "-c", f'umask {umask} && exec "$@"', "sh"]


def mode_and_group(path: Path) -> tuple[str, int]:
    """Of a file or folder."""
    found = path.lstat()
    return f"{stat.S_IMODE(found.st_mode):o}", found.st_gid


@pytest.mark.skipif(os.geteuid() != 0, reason="to give folders to a group that one is not in takes root")
@pytest.mark.parametrize(("umask", "file", "folder"), [("007", "660", "2770"), ("027", "640", "2750")])
def test_what_is_published_and_filed_is_the_folders_groups(house: House, umask: str, file: str, folder: str) -> None:
    """Below setgid folders results, tickets, CSV and new subfolders are of the group, with the umask's rights; a scan
    that is moved keeps the owner, group and rights that its writer gave it."""
    house.configure({"outbox": {"every": "200ms"}})
    house.archive.mkdir()
    for each in (house.inbox, house.outbox, house.archive):
        os.chown(each, -1, GROUP)
        each.chmod(0o2770)
    with Daemon(house, wrapper=with_umask(umask)) as daemon:
        daemon.wait_ready()
        mine = house.drop("sub/scan.png", scans.scan(4))
        mine.chmod(0o604)
        house.drop("sub/bad.png", b"no image")
        house.filed("sub/scan.png"), house.filed("sub/bad.png")
        wait_for(lambda: list(house.outbox.glob("*.csv")), "a CSV file")
        assert daemon.terminate() == 0
    for path in (*house.outbox.rglob("*"), *house.archive.rglob("*.json")):
        assert mode_and_group(path) == (folder if path.is_dir() else file, GROUP), path
    assert {path.name for path in house.archive.rglob("*.json")} == {"bad.png.json"}
    for path in (path for path in house.archive.rglob("*") if path.is_dir()):
        assert mode_and_group(path) == (folder, GROUP), path
    assert mode_and_group(house.filed("sub/scan.png"))[0] == "604"
    assert mode_and_group(house.state / "journal.sqlite3")[0][-1] == "0"


def test_a_default_acl_goes_before_the_umask(house: House) -> None:
    """Where the outbox has one, a named group may read and write what appears there, subfolders too, whatever the
    umask would take away."""
    rule = f"g:{GROUP}:rwX"
    set_it = ["setfacl", "-m", rule, "-m", f"d:{rule}", str(house.outbox)]
    if shutil.which("setfacl") is None or subprocess.run(set_it, capture_output=True, check=False).returncode != 0:
        pytest.skip("no setfacl here (Debian package: acl), or a file system without access control lists")
    house.drop("sub/scan.png", scans.scan(4))
    with Daemon(house, "--once", wrapper=with_umask("077")) as daemon:
        assert daemon.wait_end() == 0, daemon.tail()
    for path in house.outbox.rglob("*"):
        told = subprocess.run(["getfacl", "-n", "-c", "-E", path], capture_output=True, text=True, check=True).stdout
        entries = dict(line.rsplit(":", 1) for line in told.splitlines() if line)
        assert entries[f"group:{GROUP}"].startswith("rw"), (path, told)
        assert entries["mask:"].startswith("rw"), (path, told)


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder on another file system than temporary ones: in memory, which any user may use."""
    shm = Path("/dev/shm")
    if not os.access(shm, os.W_OK) or shm.stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev:
        pytest.skip("/dev/shm is no other file system here, or cannot be written")
    folder = Path(tempfile.mkdtemp(prefix="digitd-test-", dir=shm))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="to give folders to a group that one is not in takes root")
def test_a_source_that_is_copied_to_another_file_system_is_the_folders_groups(house: House, memory: Path) -> None:
    """There a copy is a new file: of the folder's group, with its writer's rights as far as the umask lets them."""
    os.chown(memory, -1, GROUP)
    memory.chmod(0o2770)
    house.configure({"sources": {status: str(memory / status) for status in STATUSES}})
    house.drop("scan.png", scans.scan(4)).chmod(0o666)
    with Daemon(house, "--once", wrapper=with_umask("027")) as daemon:
        assert daemon.wait_end() == 0, daemon.tail()
    assert mode_and_group(memory / "accepted" / "scan.png") == ("640", GROUP)


# ---- an outbox elsewhere


def test_an_outbox_on_another_file_system_shows_whole_files_alone(house: House, memory: Path) -> None:
    """Results and CSV are prepared where they appear: whoever looks at any moment sees whole files and no others."""
    outbox = memory / "outbox"
    outbox.mkdir()
    house.configure({"outbox": {"path": str(outbox), "every": "50ms"}, "batch": {"max_scans": 4}})
    torn: list[str] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            for path in outbox.rglob("[!.]*"):
                data = path.read_bytes() if path.is_file() else b"\n"
                if path.suffix not in {".json", ".csv", ""} or not data.endswith(b"\n"):
                    torn.append(path.name)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for number in range(60):
            house.drop(f"sub/{number}.png", scans.scan(number % 10))
        daemon = house.once()
    finally:
        done.set()
        watcher.join()
    assert torn == []
    assert daemon.process.returncode == 0
    daemon.assert_only_events()
    results = [json.loads(path.read_bytes()) for path in outbox.rglob("*.json")]
    assert len(results) == len(house.archived()) == 60
    house.outbox = outbox
    assert sorted(row["id"] for row in house.rows()) == sorted(result["id"] for result in results)
    assert all(not path.name.startswith(".") for path in outbox.rglob("*"))


def test_a_house_that_moves_to_another_machine_goes_on(tmp_path: Path) -> None:
    """Folders and state copied while digitd was stopped: nothing is read or published again, what waited is read, and
    a name that was used is not used again, though its result was taken meanwhile."""
    old = House(tmp_path / "old")
    old.drop("scan.png", scans.scan(4))
    old.once()
    (old.outbox / "scan.png.json").unlink()
    before = old.files(old.outbox)
    old.drop("waits.png", scans.scan(7))
    shutil.copytree(old.root, tmp_path / "new")
    shutil.rmtree(old.root)
    new = House(tmp_path / "new")
    new.drop("scan.png", scans.scan(8))
    daemon = new.once()
    assert daemon.process.returncode == 0
    assert {event["scan"]: event["result"] for event in daemon.named("scan_published")} == {
        "scan.png": "scan.png~2.json",
        "waits.png": "waits.png.json",
    }
    csv = {path.name for path in new.outbox.glob("*.csv")}
    assert {name[-10:] for name in csv} == {"000001.csv", "000002.csv"}
    assert new.files(new.outbox) == before | csv | {"scan.png~2.json", "waits.png.json"}
    assert sorted(path.name for path in new.archived()) == ["scan.png", "scan~2.png", "waits.png"]


# ---- what time it is


def read_in(root: Path, zone: str) -> tuple[House, Daemon]:
    """A house whose daemon lives in this time zone, and read three scans, two of them from about a change of clocks."""
    # A short name: sockets are made below it.
    house = House(root / zone[:3])
    for name, moment in (("before.png", AUTUMN), ("after.png", AUTUMN + timedelta(hours=1)), ("bad.png", AUTUMN)):
        path = house.drop(name, b"no image" if name == "bad.png" else scans.scan(4))
        os.utime(path, (moment.timestamp(), moment.timestamp()))
    with Daemon(house, "--once", TZ=zone) as daemon:
        assert daemon.wait_end() == 0, daemon.tail()
    return house, daemon


def test_results_are_the_same_in_every_time_zone(tmp_path: Path) -> None:
    """Times are in UTC with a Z, of files from a change of clocks and of now, and so are the names of CSV files; two
    zones give the same files but for ids and the moments of reading."""
    begun = datetime.now(UTC).replace(microsecond=0)
    seen = []
    for zone in ("UTC", "America/St_Johns", "Pacific/Kiritimati"):
        house, daemon = read_in(tmp_path, zone)
        assert all(event["time"].endswith("Z") for event in daemon.events)
        [csv] = house.outbox.glob("*.csv")
        named = datetime.strptime(csv.name, "results-%Y%m%dT%H%M%SZ-000001.csv").replace(tzinfo=UTC)
        assert begun <= named <= datetime.now(UTC)
        rows = sorted((row["source_path"], row["text"], row["status"], row["reason"]) for row in house.rows())
        results = {}
        for result in house.results():
            for key in ("received", "recognised"):
                assert result[key].endswith("Z")
                assert begun <= datetime.fromisoformat(result.pop(key)) <= datetime.now(UTC)
            del result["id"]
            results[result["source"]["path"]] = result
        assert results["before.png"]["source"]["modified"] == "2026-11-01T04:30:00.000Z"
        assert results["after.png"]["source"]["modified"] == "2026-11-01T05:30:00.000Z"
        seen.append((results, rows))
    assert seen[0] == seen[1] == seen[2]


def test_the_log_has_local_time_where_that_is_configured(house: House) -> None:
    """With the zone's offset, and in the log alone: results stay in UTC."""
    house.configure({"log": {"time": "local"}})
    house.drop("scan.png", scans.scan(4))
    with Daemon(house, "--once", TZ="Pacific/Kiritimati") as daemon:
        assert daemon.wait_end() == 0, daemon.tail()
    times = [event["time"] for event in daemon.events]
    assert all(each.endswith("+14:00") for each in times)
    moments = [datetime.fromisoformat(each) for each in times]
    assert moments == sorted(moments)
    assert abs(datetime.now(UTC) - moments[-1]) < timedelta(minutes=5)
    [result] = house.results()
    assert result["recognised"].endswith("Z")
    assert moments[0] <= datetime.fromisoformat(result["recognised"]) <= moments[-1]
