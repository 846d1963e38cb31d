"""`digitd read --output`: an archive into parts of a folder, whatever interrupts it."""

import csv
import io
import json
import os
import random
import subprocess
import sys
from pathlib import Path

from digitd.errors import ExitCode
from e2e import scans
from e2e.harness import House, environment, wait_for

SCANS, MANY = 60, 400
ROWS = 5
SEED = 7
KILLED_AT = """
import os, signal
from digitd import catalogue, fs
left = int(os.environ.get("KILLED_AT", "0"))
def counted(real):
    def step(*arguments, **more):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **more)
    return step
fs.rename_noreplace, fs.sync_folder = counted(fs.rename_noreplace), counted(fs.sync_folder)
catalogue.Catalogue.done = counted(catalogue.Catalogue.done)
"""
"""The process that reads is killed before the n-th step of one that makes, notes or publishes a part."""


def archive(house: House, count: int = SCANS) -> set[str]:
    """Scans in folders; gives their names."""
    names = {f"{number % 7}/{number}.png" for number in range(count)}
    for name in names:
        path = house.root / "scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(scans.numbered(int(path.stem)))
    return names


def small_parts() -> dict[str, dict[str, int]]:
    return {"outbox": {"rows": ROWS}, "batch": {"max_scans": 4}}


def taken(house: House, store: Path) -> None:
    """A consumer moves every part that is there away."""
    store.mkdir(exist_ok=True)
    for part in (house.root / "out").glob("results-*.jsonl"):
        assert not (store / part.name).exists(), f"{part.name} came twice"
        part.rename(store / part.name)


def told(folder: Path) -> list[str]:
    """The names in all parts, each with its digit."""
    found = []
    for part in sorted(folder.glob("results-*.jsonl")):
        for line in part.read_bytes().splitlines():
            result = json.loads(line)
            found.append(result["source"]["path"])
            assert result["text"] == str(int(Path(found[-1]).stem) % 10)
    return found


def ended_or_parts(process: subprocess.Popen[bytes], out: Path, wanted: int) -> None:
    """Wait until a run has ended, or there are so many parts."""
    wait_for(lambda: process.poll() is not None or len(list(out.glob("results-*.jsonl"))) >= wanted, "so many parts")


def test_parts_have_what_is_printed_without_them(house: House) -> None:
    """Each result once, in parts of so many, with one line on what was done; a second run has nothing to read."""
    names = archive(house)
    house.configure(small_parts())
    done = house.run("read", "--output", "out", "scans")
    assert (done.returncode, done.stderr) == (ExitCode.DONE, b"")
    assert done.stdout == b"60 scans were read, into 12 parts in out\n"
    assert sorted(told(house.root / "out")) == sorted(names)
    again = house.run("read", "--output", "out", "scans", "scans/3")
    assert again.stdout == b"0 scans were read, into 0 parts in out\n"
    assert len(told(house.root / "out")) == SCANS


def test_tables(house: House) -> None:
    """--format csv: each part is a whole CSV file."""
    names = archive(house, 12)
    house.configure(small_parts())
    assert house.run("read", "--output", "out", "--format", "csv", "scans").returncode == ExitCode.DONE
    rows = []
    for part in sorted((house.root / "out").glob("results-*.csv")):
        rows += list(csv.DictReader(io.StringIO(part.read_bytes().decode(), newline="")))
    assert sorted(row["source_path"] for row in rows) == sorted(names)
    assert len(list((house.root / "out").glob("results-*.csv"))) == 3


def test_killed_at_every_step(house: House) -> None:
    """Before it makes, notes or publishes a part: the next run goes on, while a consumer takes parts away. No result is
    doubled or missing."""
    names = archive(house, 4 * ROWS)
    house.configure(small_parts())
    store = house.root / "store"
    path = house.at_start(KILLED_AT)
    for step in range(1, 100):
        done = house.run("read", "--output", "out", "scans", PYTHONPATH=path, KILLED_AT=str(step))
        taken(house, store)
        if done.returncode == ExitCode.DONE:
            break
        assert done.returncode == -9, done.stderr
    assert step > 3
    assert sorted(told(store)) == sorted(names)
    assert [each.name for each in (house.root / "out").iterdir()] == [".digitd-read.sqlite3"]


def test_killed_at_random_instants(house: House) -> None:
    """kill -9 while it finds, reads or writes, sooner or later: the next run goes on with what is left."""
    names = archive(house, MANY)
    house.configure(small_parts())
    store, out = house.root / "store", house.root / "out"
    dice = random.Random(SEED)
    kills = 0
    while True:
        process = subprocess.Popen(
            [sys.executable, "-m", "digitd", "read", "-c", str(house.config), "--output", "out", "scans"],
            cwd=house.root,
            env=environment(house.root),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with process:
            wanted = dice.randrange(25)
            ended_or_parts(process, out, wanted)
            process.kill()
        kills += process.returncode == -9
        taken(house, store)
        if process.returncode == 0:
            break
    assert kills > 2
    assert sorted(told(store)) == sorted(names)


def test_what_cannot_be(house: House) -> None:
    """A table is no file; a path that is missing is named, and read by the next run when it is there."""
    archive(house, 3)
    house.configure(small_parts())
    refused = house.run("read", "--output", "out", "--format", "table", "scans")
    assert (refused.returncode, refused.stdout) == (ExitCode.USAGE, b"")
    missing = house.run("read", "--output", "out", "scans", "later.png")
    assert missing.returncode == ExitCode.USAGE
    assert b"later.png cannot be opened" in missing.stderr
    (house.root / "later.png").write_bytes(scans.scan(4))
    assert house.run("read", "--output", "out", "scans", "later.png").stdout.startswith(b"1 scans were read")
    assert os.listdir(house.root / "out").count("results-000002.jsonl") == 1
