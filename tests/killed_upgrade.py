"""Kills digitd by SIGKILL at each line that runs while a journal is brought up to date, and looks at what is left.

A program of its own, for it forks: `python killed_upgrade.py OLD_JOURNAL FOLDER` prints how often the old and how often
the new journal was left, as JSON.
"""

import json
import os
import shutil
import signal
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

from digitd import migrate
from digitd.database import FILE_NAME
from digitd.journal import Journal

TABLES = ("scans", "parts", "names", "meta")
MOST = 1000
"""Lines; it takes some ninety."""


def content(path: Path) -> tuple[int, dict[str, list[tuple[Any, ...]]]]:
    """The version and all rows of a journal that is whole; an AssertionError if it is not."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)], path
        (version,) = db.execute("PRAGMA user_version").fetchone()
        return version, {table: db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in TABLES}


def open_and_die(folder: Path, line: int) -> None:
    """Open the journal, and be killed before the LINEth line of migrate.py that is run."""
    left = line

    def on_line(_: FrameType, event: str, __: object) -> Any:
        nonlocal left
        if event == "line":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return on_line

    def on_call(frame: FrameType, _: str, __: object) -> Any:
        return on_line if frame.f_code.co_filename == migrate.__file__ else None

    sys.settrace(on_call)
    Journal(folder)
    sys.settrace(None)


def look(folder: Path, old: tuple[int, dict[str, list[tuple[Any, ...]]]]) -> str:
    """Whether the OLD or the new journal is there, whole; of the new one a whole copy of the old one is, too."""
    before, rows = old
    version, found = content(folder / FILE_NAME)
    assert found == rows
    if version == before:
        return "old"
    assert version == migrate.VERSION
    assert content(folder / f"{FILE_NAME}.v{before}") == old
    return "new"


def main(journal: Path, folder: Path) -> None:
    """Kill at one line after the other, until there is none left."""
    migrate.COPY_PAGES = 1
    left: Counter[str] = Counter()
    place = folder / "state"
    for line in count(1):
        assert line < MOST
        place.mkdir()
        shutil.copy(journal, place / FILE_NAME)
        old = content(place / FILE_NAME)
        pid = os.fork()
        if pid == 0:
            try:
                open_and_die(place, line)
            finally:
                os._exit(0 if sys.exc_info()[0] is None else 1)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            shutil.rmtree(place)
            break
        left[look(place, old)] += 1
        Journal(place).close()
        assert look(place, old) == "new"
        traces = {file.name for file in place.iterdir()}
        assert traces == {FILE_NAME, f"{FILE_NAME}.v{old[0]}"}, traces
        shutil.rmtree(place)
    print(json.dumps(left))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
