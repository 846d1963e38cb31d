"""The examples of docs/results.md, run as they stand there over an outbox that a real daemon filled."""

import importlib.util
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from e2e.harness import ROOT, wait_for
from e2e.outboxes import CORRECTED, DROPPED, of_every_status, verified

EXAMPLES = ROOT / "docs" / "examples"
LIMIT = 60
"""Seconds; each takes less than one."""


def needs(*tools: str) -> None:
    """Skip where one of these programs is missing."""
    if missing := [tool for tool in tools if shutil.which(tool) is None]:
        pytest.skip(f"this machine has no {', '.join(missing)}")


@pytest.fixture(scope="module", params=["scan", "lines"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An outbox with a result of every status, as JSON files or JSON Lines, and as CSV."""
    return of_every_status(tmp_path_factory.mktemp("filled") / "house", request.param).outbox


@pytest.fixture
def outbox(filled: Path, tmp_path: Path) -> Path:
    """A copy of it, to be emptied."""
    return Path(shutil.copytree(filled, tmp_path / "outbox"))


def visible(outbox: Path, *endings: str) -> list[Path]:
    """The published files with these endings."""
    found = (file for file in outbox.rglob("*") if file.is_file() and not file.name.startswith("."))
    return sorted(file for file in found if file.suffix in endings)


def published(outbox: Path) -> dict[str, dict[str, object]]:
    """Its results by id."""
    lines = (line for file in visible(outbox, ".json", ".jsonl") for line in file.read_bytes().splitlines())
    found = {result["id"]: result for result in map(json.loads, lines)}
    assert len(found) == len(DROPPED)
    return found


def run(*command: str | Path, cwd: Path) -> str:
    """Run an example to its end; gives what it printed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, timeout=LIMIT, check=False, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def stored(database: Path, statement: str) -> list[tuple[object, ...]]:
    """What a query gives."""
    with closing(sqlite3.connect(database)) as db:
        return db.execute(statement).fetchall()


def test_python_moves_results_into_a_database(outbox: Path, tmp_path: Path) -> None:
    """Each is there once, though it is delivered again, and its file is gone; CSV and what is hidden stay."""
    expected = published(outbox)
    again = shutil.copytree(outbox, tmp_path / "again")
    (outbox / ".digitd-hidden.json").write_text("not yet published")
    database = tmp_path / "results.sqlite3"
    for folder in (outbox, again):
        run(sys.executable, EXAMPLES / "to_sqlite.py", database, folder, cwd=tmp_path)
        assert visible(folder, ".json", ".jsonl") == []
        assert len(visible(folder, ".csv")) == 1
    assert (outbox / ".digitd-hidden.json").exists()
    found = stored(database, "SELECT id, status, reason, text, confidence, path, result FROM results")
    assert len(found) == len(expected)
    for id_, status, reason, text, confidence, path, line in found:
        result = expected[str(id_)]
        assert isinstance(line, str) and json.loads(line) == result
        assert (status, text, confidence) == (result["status"], result["text"], result["confidence"])
        assert isinstance(result["source"], dict) and path == result["source"]["path"]
        assert reason == (result["reason"]["code"] if isinstance(result["reason"], dict) else None)


def test_python_loses_nothing_when_it_is_killed(outbox: Path, tmp_path: Path) -> None:
    """Where it ends between its commit and the removal of the file, the next run passes over what it has."""
    expected = published(outbox)
    database = tmp_path / "results.sqlite3"
    script = (
        "import os, pathlib, runpy, sys; pathlib.Path.unlink = lambda self: os.kill(os.getpid(), 9);"
        f" runpy.run_path({str(EXAMPLES / 'to_sqlite.py')!r}, run_name='__main__')"
    )
    killed = subprocess.run([sys.executable, "-c", script, database, outbox], cwd=tmp_path, timeout=LIMIT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert stored(database, "SELECT count(*) FROM results")[0][0] != 0
    run(sys.executable, EXAMPLES / "to_sqlite.py", database, outbox, cwd=tmp_path)
    assert {id_ for (id_,) in stored(database, "SELECT id FROM results")} == set(expected)


def test_sqlite_moves_csv_into_a_database(outbox: Path, tmp_path: Path) -> None:
    """Each row is there once, though its file comes again under another name; texts keep their zeros."""
    needs("sqlite3")
    expected = published(outbox)
    [file] = visible(outbox, ".csv")
    again = shutil.copy(file, outbox / "results again.csv")
    database = tmp_path / "results.sqlite3"
    run(EXAMPLES / "to_sqlite.sh", database, file, again, cwd=tmp_path)
    assert visible(outbox, ".csv") == []
    found = stored(database, "SELECT id, page, status, reason, text, confidence FROM pages")
    assert {str(row[0]) for row in found} == set(expected)
    assert len(found) == len(DROPPED)
    assert {(row[2], row[1], row[3], row[5]) for row in found if row[2] in ("failed", "blank")} == {
        ("failed", 0, "not_an_image", None),
        ("blank", 1, None, None),
    }
    assert "0042" in {row[4] for row in found}
    assert stored(database, "SELECT typeof(confidence) FROM pages WHERE text = '0042'") == [("real",)]


def test_sqlite_takes_columns_by_name(outbox: Path, tmp_path: Path) -> None:
    """A minor version may add some."""
    needs("sqlite3")
    [file] = visible(outbox, ".csv")
    header, _, rest = file.read_bytes().partition(b"\r\n")
    rows = rest.replace(b"\r\n", b",new\r\n")
    file.write_bytes(b"%b,note\r\n%b" % (header, rows))
    run(EXAMPLES / "to_sqlite.sh", tmp_path / "results.sqlite3", file, cwd=tmp_path)
    assert stored(tmp_path / "results.sqlite3", "SELECT count(*) FROM pages") == [(len(DROPPED),)]


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An outbox in which a person corrected a result."""
    return verified(of_every_status(tmp_path_factory.mktemp("corrected") / "house", "scan")).outbox


def test_sql_tells_what_stands(corrected: Path, tmp_path: Path) -> None:
    """In the place of what was corrected stands the correction, and all else as it was read."""
    needs("sqlite3")
    outbox = Path(shutil.copytree(corrected, tmp_path / "outbox"))
    database = tmp_path / "results.sqlite3"
    run(sys.executable, EXAMPLES / "to_sqlite.py", database, outbox, cwd=tmp_path)
    printed = run("sqlite3", database, f".read {EXAMPLES / 'standing.sql'}", cwd=tmp_path)
    assert f"sub/review.png|verified|{CORRECTED}" in printed.splitlines()
    assert "|review|" not in printed
    assert "accepted.png|accepted|0042" in printed.splitlines()


def test_pandas_tells_what_stands(corrected: Path, tmp_path: Path) -> None:
    """Likewise, from the CSV."""
    if importlib.util.find_spec("pandas") is None:
        pytest.skip("this Python has no pandas")
    printed = run(sys.executable, EXAMPLES / "standing.py", corrected, cwd=tmp_path)
    assert f"sub/review.png\t1\tverified\t{CORRECTED}" in printed
    assert "\treview\t" not in printed
    assert "accepted.png\t1\taccepted\t0042" in printed


def test_jq_makes_a_table(outbox: Path, tmp_path: Path) -> None:
    """A line a result with six cells, whatever is in its name."""
    needs("jq")
    expected = published(outbox)
    printed = run("jq", "-r", "-f", EXAMPLES / "table.jq", *visible(outbox, ".json", ".jsonl"), cwd=tmp_path)
    rows = [line.split("\t") for line in printed.splitlines()]
    assert {len(row) for row in rows} == {6}
    assert {row[0]: row[1] for row in rows} == {id_: result["status"] for id_, result in expected.items()}
    assert {row[3] for row in rows if row[1] == "accepted"} == {"0042", "7", "4"}
    assert {row[2] for row in rows if row[1] == "failed"} == {"not_an_image"}


@pytest.mark.parametrize("filled", ["scan"], indirect=True)
def test_the_short_commands_of_the_page_work(outbox: Path, tmp_path: Path) -> None:
    """Those of jq that stand in the text."""
    needs("jq")
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    review, unsure = re.findall(r"`(jq -[cr] '[^`]*)`", page)
    shutil.copy(outbox / "sub" / "review.png.json", outbox)
    assert run("/bin/sh", "-c", review, cwd=tmp_path) == "sub/review.png\n"
    assert run("/bin/sh", "-c", unsure, cwd=tmp_path) == ""
    assert run("/bin/sh", "-c", unsure.replace("< 0.9", "> 0.9"), cwd=tmp_path).count("\n") >= 7


def test_pandas_counts(outbox: Path, tmp_path: Path) -> None:
    """Folders by status, from CSV files one of which was delivered twice."""
    if importlib.util.find_spec("pandas") is None:
        pytest.skip("this Python has no pandas")
    [file] = visible(outbox, ".csv")
    shutil.copy(file, outbox / "results-again.csv")
    printed = run(sys.executable, EXAMPLES / "shares.py", outbox, cwd=tmp_path)
    table = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line.startswith(("sub", "caf"))}
    assert printed.splitlines()[0].split() == ["status", "accepted", "blank", "failed", "review"]
    assert table == {"sub": ["0", "0", "0", "1"], r"caf\xe9": ["1", "0", "0", "0"]}
    assert f"{len(DROPPED)} rows, median confidence 0.99" in printed
    assert " UTC" in printed


def members(session: int) -> list[int]:
    """The processes of a session that have not ended."""
    alive = []
    for each in psutil.process_iter(["pid", "status"]):
        with suppress(ProcessLookupError):
            if os.getsid(each.pid) == session and each.info["status"] != psutil.STATUS_ZOMBIE:
                alive.append(each.pid)
    return alive


@contextmanager
def running(command: Sequence[str], cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An example that runs until it is stopped; with it ends all that it started."""
    with subprocess.Popen(command, cwd=cwd, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(LIMIT)
            wait_for(lambda: not members(process.pid), "the end of all that it started")


@pytest.fixture
def handler(tmp_path: Path) -> Path:
    """A command that notes which results it got; it fails where there is a file `broken` beside it."""
    script = tmp_path / "handler"
    script.write_text(
        f'#!/bin/sh\nset -e\n[ ! -e {tmp_path}/broken ]\njq -r .id "$2" >> {tmp_path}/got\ntest "$1" = \'an option\'\n'
    )
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("filled", ["scan"], indirect=True)
def test_a_shell_hands_every_result_to_a_command(outbox: Path, tmp_path: Path, handler: Path) -> None:
    """What was there before and what comes later, in a new folder too, each once though it is delivered again."""
    needs("jq", "inotifywait")
    results = visible(outbox, ".json")
    later, nested, again = results[0], outbox / "sub" / "review.png.json", results[1]
    kept = {file: file.read_bytes() for file in (later, nested, again)}
    ids = {json.loads(file.read_bytes())["id"] for file in results}
    later.unlink()
    nested.unlink()
    nested.parent.rmdir()
    work, got = tmp_path / "work", tmp_path / "got"

    command = [str(EXAMPLES / "take.sh"), str(outbox), str(work), str(handler), "an option"]

    def publish(file: Path) -> None:
        """As digitd does: under a hidden name, then renamed."""
        hidden = file.with_name(f".digitd-{file.name}")
        hidden.write_bytes(kept[file])
        hidden.rename(file)

    def so_far() -> list[str]:
        return got.read_text().split() if got.exists() else []

    with running(command, tmp_path) as process:
        wait_for(lambda: len(so_far()) == len(ids) - 2, "what was there before")
        publish(again)
        nested.parent.mkdir()
        publish(nested)
        publish(later)
        wait_for(lambda: {file.stem for file in (work / "done").iterdir()} == ids, "what came later")
        wait_for(lambda: not any((work / "taken").iterdir()), "nothing under way")
        assert process.poll() is None
    assert sorted(so_far()) == sorted(ids)
    assert visible(outbox, ".json") == []


@pytest.mark.parametrize("filled", ["scan"], indirect=True)
def test_a_shell_keeps_what_its_command_could_not_take(outbox: Path, tmp_path: Path, handler: Path) -> None:
    """The command fails: the shell ends with an error, the result stays in taken/, and the next start hands it over."""
    needs("jq", "inotifywait")
    ids = set(published(outbox))
    work, got = tmp_path / "work", tmp_path / "got"
    (tmp_path / "broken").touch()
    command = [str(EXAMPLES / "take.sh"), str(outbox), str(work), str(handler), "an option"]
    with running(command, tmp_path) as process:
        wait_for(lambda: len(list((work / "taken").glob("*"))) == len(ids), "all taken")
        assert process.wait(LIMIT) != 0
    assert not got.exists()
    (tmp_path / "broken").unlink()
    with running(command, tmp_path):
        wait_for(lambda: len(list((work / "done").glob("*"))) == len(ids), "all handed over")
    assert sorted(got.read_text().split()) == sorted(ids)


def test_the_path_unit_is_good(tmp_path: Path) -> None:
    """systemd itself has nothing to say against it, and has against one with a mistake in its service."""
    needs("systemd-analyze")

    def complaints() -> str:
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", tmp_path / "digitd-import.path"],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        return "".join(line for line in done.stderr.splitlines() if "digitd-import" in line)

    for unit in ("digitd-import.path", "digitd-import.service"):
        shutil.copy(EXAMPLES / unit, tmp_path)
    assert complaints() == ""
    service = tmp_path / "digitd-import.service"
    service.write_text(service.read_text(encoding="utf-8").replace("DynamicUser", "DynamicUsr"), encoding="utf-8")
    assert "DynamicUsr" in complaints()


def test_the_job_of_the_path_unit_works(outbox: Path, tmp_path: Path) -> None:
    """Its command line, with the paths of this machine, empties the outbox of what the path unit looks for."""
    needs("sqlite3")
    service = (EXAMPLES / "digitd-import.service").read_text(encoding="utf-8")
    [command] = [line.removeprefix("ExecStart=") for line in service.splitlines() if line.startswith("ExecStart=")]
    for there, here in (
        ("/usr/local/bin", EXAMPLES),
        ("/var/lib/digitd-import", tmp_path),
        ("/srv/digitd/outbox", outbox),
    ):
        assert there in command
        command = command.replace(there, str(here))
    run("/bin/sh", "-c", command, cwd=tmp_path)
    assert visible(outbox, ".csv") == []
    assert stored(tmp_path / "results.sqlite3", "SELECT count(*) FROM pages") == [(len(DROPPED),)]
    path = (EXAMPLES / "digitd-import.path").read_text(encoding="utf-8")
    assert "PathExistsGlob=/srv/digitd/outbox/results-*.csv" in path
