"""A damaged journal is set aside, and what can be known is written into a new one: from it, and from the outbox."""

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from digitd import fs, log, names, recalled, results, salvage
from digitd.archive import Archive
from digitd.database import FILE_NAME, SUSPECT, is_damage, read_only
from digitd.errors import FolderError, JournalDamagedError
from digitd.journal import Journal
from digitd.tables import PUBLISHED, RECORDED, SELECT, SETTLED, SYNCING, UNCERTAIN, Part, Row, row_of

CHECKED_BYTES = 256 << 20
"""A journal up to this size is looked through at each start; of a larger one only what is read first,
unless damage was seen in it.

The look took 0.15 s for 235 MiB that were in memory, and 3 s where they came from the disk."""
UNDONE = frozenset({UNCERTAIN, RECORDED})
_TRACES = ("", "-wal", "-shm")
BUILDING, BUILT = f"{FILE_NAME}.building", f"{FILE_NAME}.built"
"""Folders in which a new journal is begun, and waits, whole, for its place."""


def opened(
    state: Path, inbox: Path, outbox: Path, archive: Archive, alive: Callable[[], object] = lambda: None
) -> Journal:
    """The journal in STATE, open; a damaged one is built anew first, and set aside. ALIVE and FolderError as Journal.

    Until the new one is whole the damaged one stays in its place, so that a kill costs no more than another try.
    """
    path = state / FILE_NAME
    building, built = state / BUILDING, state / BUILT
    shutil.rmtree(building, ignore_errors=True)
    if built.exists():
        _put_in_place(built, path, _free_aside(path))
    cause = damage(path)
    if cause is None:
        fs.unlink_if_there(os.fspath(state / SUSPECT))
        return Journal(state, alive)
    aside = _free_aside(path)
    log.get().error(
        "journal_damaged",
        error=cause,
        set_aside=os.fspath(aside),
        remedy="look after the disk; a new journal is built from what is left of it and from the outbox",
    )
    try:
        building.mkdir()
        with Journal(building) as journal:
            saved, found = _build(journal, path, inbox, outbox, archive)
        fs.sync_folder(os.fspath(building))
        building.rename(built)
        _put_in_place(built, path, aside)
    except (OSError, sqlite3.Error) as error:
        raise FolderError(
            f"the journal {path} is damaged, and cannot be built anew ({error})",
            "Make room, or give the user that digitd runs as the right to write there; nothing of it is lost",
        ) from error
    fs.unlink_if_there(os.fspath(state / SUSPECT))
    log.get().warning("journal_rebuilt", saved=saved, from_outbox=found)
    return Journal(state)


def _build(journal: Journal, damaged: Path, inbox: Path, outbox: Path, archive: Archive) -> tuple[int, int]:
    """Write what can be known into a new journal; how many scans are from the damaged one, and from the outbox."""
    parts = _opened_parts(damaged)
    people = recalled.recall(lambda statement: _read(damaged, statement))
    saved = _saved(damaged, outbox, parts, people)
    known = {each.row.id for each in saved}
    found, rolled = salvage.published(outbox, inbox, archive.keeps, known)
    opened_ids = {each.row.id for each in saved if each.part in parts}
    rows = [*(each.row for each in saved), *found]
    numbers: dict[int, int] = {}
    for seq, row in enumerate(rows, journal.next_seq()):
        numbers[row.seq], row.seq = seq, seq
        row.rolled = row.rolled and (row.id not in rolled or row.id in opened_ids)
    journal.record(rows, _names(damaged))
    numbers.pop(0, None)
    recalled.restore(journal.db, people, numbers, rows)
    for part, name in sorted(parts.items()):
        if seqs := [each.row.seq for each in saved if each.part == part]:
            journal.open_part(Part(part, name), max(seqs))
    # Settled ones first: what is only published must not be settled with them.
    journal.published(each.row.seq for each in saved if each.state == SETTLED)
    journal.begin_sync()
    journal.settle()
    journal.published(each.row.seq for each in saved if each.state in (PUBLISHED, SYNCING))
    for row in rows:
        if row.filed_as is None and (folder := archive.folder_of(row.status)) is not None:
            row.filed_as = salvage.copy_of(inbox, folder, row.identity, row.id)
        if row.filed_as is not None:
            journal.plan_filing(row, row.filed_as)
    if _boot(damaged) != fs.boot_id():
        journal.assume_reboot()
    return len(saved), len(found)


def suspect(state: Path, error: sqlite3.Error) -> JournalDamagedError:
    """Have the next start look through the whole journal, however large it is; gives what to end with. OSError."""
    (state / SUSPECT).touch()
    return JournalDamagedError(
        f"the journal {state / FILE_NAME} is damaged ({error})",
        "Start digitd again: it sets the file aside, and builds a new one from it and from the outbox",
    )


def _put_in_place(built: Path, path: Path, aside: Path) -> None:
    """Give a new journal the damaged one's name; safe to repeat, with another ASIDE, after a kill at any point."""
    fs.sync_folder(os.fspath(path.parent))
    if (built / FILE_NAME).exists():
        for trace in _TRACES:
            with contextlib.suppress(FileNotFoundError):
                os.rename(f"{path}{trace}", f"{aside}{trace}")
        fs.sync_folder(os.fspath(path.parent))
        os.rename(built / FILE_NAME, path)
        fs.sync_folder(os.fspath(path.parent))
    shutil.rmtree(built)


def damage(path: Path) -> str | None:
    """What is wrong with a journal, in words; None where nothing is, or where it is not the file that is at fault."""
    try:
        size = path.stat().st_size
        if size == 0:
            return None
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
            if size <= CHECKED_BYTES or path.with_name(SUSPECT).exists():
                found = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
                return None if found == "ok" else found
            for look in ("max(seq) FROM scans", "max(part) FROM parts", "max(name) FROM names", "count(*) FROM meta"):
                db.execute(f"SELECT {look}").fetchone()
    except FileNotFoundError:
        return None
    except sqlite3.Error as error:
        return str(error) if is_damage(error) else None
    return None


def _free_aside(path: Path) -> Path:
    """Where a journal, and what belongs to it, can be set aside."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    number = names.first_free(lambda number: os.path.lexists(_aside(path, stamp, number)))
    return _aside(path, stamp, number)


def _aside(path: Path, stamp: str, number: int) -> Path:
    return path.with_name(f"{path.name}.damaged-{stamp}{'' if number == 1 else f'~{number}'}")


def _read(damaged: Path, statement: str) -> Iterator[tuple[Any, ...]]:
    """What a damaged file gives of a query, up to where it is damaged."""
    try:
        with contextlib.closing(sqlite3.connect(read_only(damaged), uri=True)) as db:
            yield from db.execute(statement)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        log.get().debug("journal_unreadable", error=str(error))


def _read_from_both_ends(damaged: Path, select: str, order: str) -> Iterator[tuple[Any, ...]]:
    """What it gives in order and in reverse, for what is damaged may lie between; a row that is whole comes twice."""
    yield from _read(damaged, f"{select} ORDER BY {order}")
    yield from _read(damaged, f"{select} ORDER BY {order} DESC")


@dataclass(frozen=True)
class _Saved:
    row: Row
    state: int
    part: int | None


def _saved(damaged: Path, outbox: Path, opened_parts: Mapping[int, str], people: recalled.Recalled) -> list[_Saved]:
    """The rows that matter still: not settled, in no rolled file that is out, of a source that stays, or for PEOPLE."""
    wanted = f"state < {SETTLED} OR part IS NULL OR kept = 1 OR {people.rows}"
    if opened_parts:
        wanted += f" OR part IN ({', '.join(map(str, opened_parts))})"
    out = {part for part, state in _read(damaged, "SELECT part, state FROM parts") if state not in UNDONE}
    staged = {name for _, name in fs.files_below(os.fspath(outbox)) if name.startswith(names.TEMPORARY_PREFIX)}
    rows: dict[int, _Saved] = {}
    for found in _read_from_both_ends(damaged, f"{SELECT} WHERE {wanted}", "seq"):
        try:
            row, part, state = row_of(found), found[12], int(found[13])
            if results.from_json(row.result).id != row.id:
                continue
            matters = state < SETTLED or part is None or row.kept or part in opened_parts
            if not matters and not people.wants(row):
                continue
        except (msgspec.MsgspecError, TypeError, ValueError) as error:
            log.get().debug("journal_unreadable", error=str(error))
            continue
        if part and part not in opened_parts:
            # Where nothing tells of the part, its stage does: of one that is still there the rows are rolled anew.
            prefix = names.temporary(names.part_key(part)).removesuffix(names.TEMPORARY_SUFFIX)
            row.rolled = part not in out and any(name.startswith(prefix) for name in staged)
        rows[row.seq] = _Saved(row, state, part)
    return [rows[seq] for seq in sorted(rows)]


def _opened_parts(damaged: Path) -> dict[int, str]:
    """The rolled files that may not be out, by number."""
    return {
        part: name for part, name, state in _read(damaged, "SELECT part, name, state FROM parts") if state in UNDONE
    }


def _names(damaged: Path) -> dict[str, int]:
    """How often names were used."""
    used: dict[str, int] = {}
    for name, last in _read_from_both_ends(damaged, "SELECT name, last FROM names", "name"):
        if isinstance(name, bytes) and isinstance(last, int):
            used[os.fsdecode(name)] = last
    return used


def _boot(damaged: Path) -> str | None:
    return next((value for (value,) in _read(damaged, "SELECT value FROM meta WHERE key = 'boot'")), None)
