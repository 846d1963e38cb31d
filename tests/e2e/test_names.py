"""File names are hostile input: they break neither JSON nor CSV nor the log nor a terminal."""

import base64
import csv
import io
import json
import os

import pytest

from e2e import scans
from e2e.harness import Daemon, House, wait_for

NAMES = [
    b"caf\xe9.png",
    "café ☕.png".encode(),
    b"two\nlines.png",
    b"=cmd|' \\C calc'!A0.png",
    b"+1.png",
    b"@sum.png",
    b"-rf.png",
    b"--help.png",
    b"\x1b[31mred\x1b[0m.png",
    b"tab\there\r.png",
    b'quote".png',
    b"back\\slash\\x41.png",
    "\u202egnp.evil.png".encode(),
    b"%s %d {name}.png",
    b"x" * 251 + b".png",
    "ü".encode() * 125 + b".png",
    b" .png",
    b"a.png.json.png",
    b"scan~2.png",
]


def check(results: list[dict[str, object]]) -> None:
    """Each name has its result, with its bytes to be had exactly."""
    seen = set()
    for result in results:
        source = result["source"]
        assert isinstance(source, dict)
        if "name_bytes" in source:
            seen.add(base64.b64decode(source["name_bytes"]))
            assert source["name"] == "caf\\xe9.png"
        else:
            seen.add(source["name"].encode())
        assert result["text"] == "4"
    assert seen == set(NAMES)


def check_rows(table: str) -> None:
    """Every row has its columns, and no cell is a formula to a spreadsheet."""
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    assert len(rows) == len(NAMES)
    for row in rows:
        assert None not in row
        assert None not in row.values()
        assert row["text"] == "4"
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert {row["source_name"] for row in rows} >= {"'-rf.png", "'+1.png", "two\nlines.png", "caf\\xe9.png"}


def test_through_the_daemon(house: House) -> None:
    """Each hostile name has one whole result, one row, one filed source of the very name, and clean log lines."""
    for name in NAMES:
        house.drop(name, scans.scan(4))
    house.configure({"log": {"level": "debug"}})
    with Daemon(house) as daemon:
        wait_for(lambda: len(daemon.named("scan_published")) == len(NAMES), "every result")
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    check(house.results())
    check_rows("".join(path.read_bytes().decode() for path in house.outbox.glob("results-*.csv")))
    filed = {os.fsencode(path.name) for path in (house.archive / "accepted").iterdir()}
    assert filed == set(NAMES)
    for event in daemon.events:
        for value in event.values():
            assert not isinstance(value, str) or value.isprintable() or event["event"] == "library_message"
    for path in house.outbox.iterdir():
        assert len(os.fsencode(path.name)) <= 255


@pytest.mark.parametrize("form", ["json", "csv", "table"])
def test_through_read(house: House, form: str) -> None:
    """`read` prints valid JSON and CSV of them, and a table without a single control character."""
    folder = house.root / "names"
    folder.mkdir()
    for name in NAMES:
        (folder / os.fsdecode(name)).write_bytes(scans.scan(4))
    read = house.run("read", "--format", form, "names")
    assert (read.returncode, read.stderr) == (0, b"")
    if form == "json":
        check([json.loads(line) for line in read.stdout.split(b"\n")[:-1]])
    elif form == "csv":
        check_rows(read.stdout.decode())
    else:
        assert all(line.isprintable() for line in read.stdout.decode().split("\n"))


def test_named_one_by_one(house: House) -> None:
    """Hostile names can be named on the command line, and those that cannot be opened in its messages."""
    folder = house.root / "names"
    folder.mkdir()
    for name in NAMES:
        (folder / os.fsdecode(name)).write_bytes(scans.scan(4))
    read = house.run("read", "--format", "json", *(b"names/" + name for name in NAMES))
    assert (read.returncode, read.stderr) == (0, b"")
    check([json.loads(line) for line in read.stdout.split(b"\n")[:-1]])
    (folder / "-dash.png").write_bytes(scans.scan(4))
    assert house.run("read", "--format", "json", "--", "names/-dash.png").returncode == 0
    missing = house.run("read", b"gone\xff\x1b[31m.png")
    assert missing.returncode == 2
    assert missing.stderr == b"digitd: gone\\xff\\x1b[31m.png cannot be opened: No such file or directory\n"


def test_status_and_retry_show_them(house: House) -> None:
    """`status` and `retry` print hostile names of failed scans harmlessly."""
    for name in NAMES:
        house.drop(name, b"no image")
    house.once()
    for command in ("status", "retry"):
        shown = house.run(command)
        assert shown.returncode == 0
        assert all(line.isprintable() for line in shown.stdout.decode().split("\n"))
    assert {os.fsencode(path.name) for path in house.inbox.iterdir()} == set(NAMES)
    assert json.loads(house.run("status", "--json").stdout)["waiting"] == len(NAMES)
