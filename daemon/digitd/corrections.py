"""What people verified, as labelled scans to train and evaluate on: copies of the files, and a labels.csv."""

import csv
import io
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from digitd import fs, labels, lying, names, results
from digitd.errors import UsageError
from digitd.intake.ignore import Rules
from digitd.results import Answer, Result
from digitd.settings import MOVE_NOWHERE, Settings
from digitd.tables import SELECT, Row, row_of

COLUMNS = ("path", "label", "source", "read_as", "answer")
"""Of the labels.csv: the first two are what trains; the others say what it was, for people."""
NAME_DIGITS = 32
"""Of the SHA-256 that a copy is named by: the same bytes are there once, and no name of a scan can do any harm."""


@dataclass
class Exported:
    """What came of it: how many labelled scans are in the folder, and in that kept aside; why others are in neither."""

    written: int = 0
    aside: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def export(journal: sqlite3.Connection, settings: Settings, folder: Path, aside: Path | None = None) -> Exported:
    """Write what stands verified to FOLDER; the fifth that `train` never sees to ASIDE, where that is wanted.

    What an earlier export wrote there stays, with the label that is right now. UsageError for a folder that has
    something else in it; OSError.
    """
    tables = {place: _table(place) for place in (folder, aside) if place is not None}
    rules = Rules(settings.inbox.include, settings.inbox.ignore)
    done = Exported()
    for row, result, read in _standing(journal):
        sha256, label = result.source.sha256, _label(result)
        name = "" if sha256 is None else sha256[:NAME_DIGITS] + os.path.splitext(result.source.name)[1].lower()
        if sha256 is None or label is None:
            _withdraw(tables, name)
            done.left_out["nobody can say what is on them"] += 1
        elif not names.is_text(name) or rules.file(name) is not None:
            done.left_out["inbox.include takes only other names than copies have"] += 1
        elif not _copied(settings, row, sha256, place := _place(folder, aside, sha256), name):
            done.left_out["their files are gone"] += 1
        else:
            _withdraw({each: table for each, table in tables.items() if each != place}, name)
            answer = "" if not isinstance(result.verified, results.Verified) else str(result.verified.answer)
            tables[place][name] = (name, label, names.printable(result.source.path), read, answer)
    for place, table in tables.items():
        _write(place, table)
    done.written, done.aside = len(tables[folder]), 0 if aside is None else len(tables[aside])
    return done


def _standing(journal: sqlite3.Connection) -> Iterator[tuple[Row, Result, str]]:
    """Verified rows that nothing supersedes, in order, with what digitd had read."""
    standing = f"{SELECT} WHERE seq IN (SELECT seq FROM reviews) AND seq NOT IN (SELECT of FROM reviews) ORDER BY seq"
    for found in journal.execute(standing):
        row = row_of(found)
        first = journal.execute(
            "SELECT result FROM scans WHERE seq = (SELECT first FROM reviews WHERE seq = ?)", (row.seq,)
        ).fetchone()
        yield row, results.from_json(row.result), "" if first is None else results.from_json(first[0]).text


def _label(result: Result) -> str | None:
    """As labels.csv has it; None where there is none that could be learnt."""
    if not isinstance(result.verified, results.Verified) or result.verified.answer == Answer.UNREADABLE:
        return None
    return None if "?" in result.text else labels.written(result.text)


def _place(folder: Path, aside: Path | None, sha256: str) -> Path:
    return aside if aside is not None and labels.is_kept_aside(sha256) else folder


def _withdraw(tables: dict[Path, dict[str, tuple[str, ...]]], name: str) -> None:
    """Take out what an earlier export wrote: somebody took their word back, or it belongs to the other folder now."""
    for place, table in tables.items():
        if table.pop(name, None) is not None:
            fs.unlink_if_there(os.fspath(place / name))


def _copied(settings: Settings, row: Row, sha256: str, place: Path, name: str) -> bool:
    """Whether a copy of the source is there, now or from before."""
    target = place / name
    if target.exists():
        return True
    folders = [place for place in dict.fromkeys(settings.sources.model_dump().values()) if place not in MOVE_NOWHERE]
    path = lying.found(folders, row.identity, sha256, row.filed_as) or lying.in_inbox(
        os.fspath(settings.inbox.path), row.identity, sha256
    )
    if path is None:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    fs.copy_durably(path, os.fspath(part))
    os.replace(part, target)
    return True


def _table(folder: Path) -> dict[str, tuple[str, ...]]:
    """What an earlier export wrote of the folder; nothing for one that is empty, or not there."""
    file = folder / labels.LABELS_FILE
    if not file.exists():
        if folder.exists() and any(folder.iterdir()):
            raise UsageError(f"{folder} has other things in it", "Name a new folder, or one of an earlier export")
        return {}
    rows = csv.reader(io.StringIO(file.read_text(encoding="utf-8"), newline=""))
    if next(rows, None) != list(COLUMNS):
        raise UsageError(f"{file} is not of an earlier export", "Name a new folder, or one of an earlier export")
    return {row[0]: tuple(map(results.of_cell, row)) for row in rows if len(row) == len(COLUMNS)}


def _write(folder: Path, table: dict[str, tuple[str, ...]]) -> None:
    """The labels.csv: the old one or the new one, whole."""
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([results.cell(value) for value in row] for row in table.values())
    part = folder / f".{labels.LABELS_FILE}.part"
    fs.write_new(os.fspath(part), buffer.getvalue().encode("utf-8"))
    os.replace(part, folder / labels.LABELS_FILE)
