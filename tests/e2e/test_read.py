"""`digitd read`: files and folders to standard output."""

import csv
import io
import json
import os
import subprocess
import sys

import pytest

from e2e import scans
from e2e.harness import PATIENCE, House, digitd, environment


def folder_of(house: House) -> None:
    """Scans in a folder and below it, with things that are none."""
    for name, data in {
        "scan_10.png": scans.scan(0),
        "scan_9.png": scans.scan(9),
        "sub/one.png": scans.scan(1),
        "bad.png": b"no image",
        "pages.tif": scans.tiff([scans.page("4"), scans.page("7")]),
        "notes.txt": b"no scan",
        ".hidden.png": scans.scan(1),
    }.items():
        path = house.root / "scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


ORDER = ["bad.png", "pages.tif", "scan_9.png", "scan_10.png", "sub/one.png"]


def test_json_is_one_line_a_scan(house: House) -> None:
    """--format json prints JSON Lines alone, by name as people sort it; a scan that fails is a result."""
    folder_of(house)
    read = house.run("read", "--format", "json", "scans")
    assert (read.returncode, read.stderr) == (0, b"")
    results = [json.loads(line) for line in read.stdout.splitlines()]
    assert [result["source"]["path"] for result in results] == ORDER
    assert [result["text"] for result in results] == ["", "4\f7", "9", "0", "1"]
    assert results[0]["reason"]["code"] == "not_an_image"
    assert (house.root / "scans" / "bad.png").exists()


def test_csv_has_a_row_a_page(house: House) -> None:
    """--format csv prints one header and a row a page."""
    folder_of(house)
    read = house.run("read", "--format", "csv", "scans")
    assert (read.returncode, read.stderr) == (0, b"")
    rows = list(csv.DictReader(io.StringIO(read.stdout.decode(), newline="")))
    assert [(row["source_path"], row["text"]) for row in rows] == [
        ("bad.png", ""),
        ("pages.tif", "4"),
        ("pages.tif", "7"),
        ("scan_9.png", "9"),
        ("scan_10.png", "0"),
        ("sub/one.png", "1"),
    ]


def test_table(house: House) -> None:
    """Without a format a table is printed, with the reason of what failed."""
    folder_of(house)
    read = house.run("read", "scans")
    assert (read.returncode, read.stderr) == (0, b"")
    shown = read.stdout.decode()
    for words in ("sub/one.png", "4 | 7", "failed", "bad.png: "):
        assert words in shown
    assert "notes.txt" not in shown


def test_missing_paths_are_named_and_the_rest_is_read(house: House) -> None:
    """A path that cannot be opened is named on standard error with exit code 2; all others are read."""
    folder_of(house)
    read = house.run("read", "--format", "json", "scans/scan_9.png", "missing.png", "scans/sub")
    assert read.returncode == 2
    assert read.stderr.decode() == "digitd: missing.png cannot be opened: No such file or directory\n"
    results = [json.loads(line) for line in read.stdout.splitlines()]
    assert [(result["source"]["path"], result["text"]) for result in results] == [("scan_9.png", "9"), ("one.png", "1")]


def test_named_files_are_always_tried(house: House) -> None:
    """A file that is named explicitly is read whatever its name, and by what it is; a link is followed."""
    (house.root / "scan.dat").write_bytes(scans.scan(4))
    (house.root / ".hidden").write_bytes(scans.scan(7))
    (house.root / "link").symlink_to("scan.dat")
    read = house.run("read", "--format", "json", "scan.dat", ".hidden", "link")
    assert read.returncode == 0
    assert [json.loads(line)["text"] for line in read.stdout.splitlines()] == ["4", "7", "4"]


def test_cut_short_does_not_wait(house: House) -> None:
    """`read` waits for no writer: a torn file fails at once."""
    (house.root / "torn.png").write_bytes(scans.scan()[:-60])
    (house.root / "empty.png").touch()
    read = house.run("read", "--format", "json", "torn.png", "empty.png")
    assert read.returncode == 0
    codes = [json.loads(line)["reason"]["code"] for line in read.stdout.splitlines()]
    assert codes == ["truncated", "empty"]


def test_no_path_but_an_empty_folder(house: House) -> None:
    """An empty folder has no results; that is said, and is no error."""
    (house.root / "nothing").mkdir()
    read = house.run("read", "--format", "json", "nothing")
    assert (read.returncode, read.stdout, read.stderr) == (0, b"", b"digitd: nothing has no scans in it\n")


def test_fifo_is_refused(house: House) -> None:
    """A FIFO that is named is never opened."""
    os.mkfifo(house.root / "fifo.png")
    read = house.run("read", "fifo.png")
    assert read.returncode == 2
    assert b"no regular file" in read.stderr


def test_a_reader_that_has_enough(house: House) -> None:
    """`digitd read ... | head -1` ends quietly."""
    folder = house.root / "many"
    folder.mkdir()
    for number in range(600):
        (folder / f"{number}.png").write_bytes(scans.numbered(number))
    for form in ("json", "csv"):
        with subprocess.Popen(
            [sys.executable, "-m", "digitd", "read", "--format", form, "many"],
            cwd=house.root,
            env=environment(house.root),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline()
            process.stdout.close()
            said = process.stderr.read()
            assert process.wait(PATIENCE) == 0
            assert said == b""


@pytest.mark.parametrize("command", [("evaluate", "labelled"), ("read", "labelled"), ("check",)])
def test_every_command_ends_quietly_where_nobody_reads(house: House, command: tuple[str, ...]) -> None:
    """With its output closed before it says a word it ends with 0, and says nothing of it."""
    (house.root / "labelled").mkdir()
    (house.root / "labelled" / "a-label7.png").write_bytes(scans.scan(7))
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = digitd(*command, cwd=house.root, stdout=closed)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_a_full_disk_is_said_and_ends_it(house: House, form: str) -> None:
    """Where the results cannot be written, `read` says so in a line, ends, and leaves no worker behind."""
    (house.root / "scan.png").write_bytes(scans.numbered(7))
    with open("/dev/full", "wb") as full:
        done = digitd("read", "--format", form, "scan.png", cwd=house.root, stdout=full)
    assert done.returncode == 1
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr
