"""What the outbox tells of the sources that still lie in the inbox: which of them were read, and what came of it."""

import contextlib
import csv
import errno
import filecmp
import hashlib
import io
import itertools
import os
import stat
import time
from collections.abc import Callable, Container, Iterator
from pathlib import Path

import msgspec

from digitd import fs, log, names, results
from digitd.tables import Identity, Row

# Taken; a link, a socket; what digitd may not read it has not written.
_NOT_OURS = frozenset({errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.EACCES, errno.EPERM})
LOST_MESSAGE = "{name}: its message was lost with a damaged journal; docs/errors.md has what {code} means"


def published(
    outbox: Path, inbox: Path, keeps: Callable[[str], bool], known: Container[str]
) -> tuple[list[Row], set[str]]:
    """Rows of the results in the OUTBOX whose source still lies in the INBOX and is what was read, but for KNOWN ids;
    and the ids in its rolled files. KEEPS: whether sources of a status stay in the inbox. OSError.
    """
    rolled: set[str] = set()
    found: dict[str, Row] = {}

    def take(result: results.Result, identity: Identity | None, line: bytes, name: str | None) -> None:
        if identity is not None and result.id not in known:
            code = result.reason.code if result.reason else None
            found[result.id] = Row(
                seq=0, id=result.id, identity=identity, status=str(result.status), reason=code, recognised=time.time(),
                published_as=name, kept=keeps(result.status), rolled=name is not None, result=line,
            )  # fmt: skip

    for file in _files(outbox, ".json", ".jsonl"):
        own = file if file.endswith(".json") else None
        for line in _content(outbox / file).splitlines(keepends=True):
            # Else it is somebody else's file.
            with contextlib.suppress(msgspec.MsgspecError):
                result = results.from_json(line)
                take(result, _still_there(inbox, result), line, own)
                if own is None:
                    rolled.add(result.id)
    for file in _files(outbox, ".csv"):
        for key, rows in _scans_of_csv(outbox / file):
            rolled.add(key)
            if key not in found and key not in known and (read := _of_csv(inbox, rows)) is not None:
                result, identity = read
                take(result, identity, results.to_json(result), None)
    return list(found.values()), rolled


def _content(path: Path) -> bytes:
    """What is in a file; nothing where it is none of ours, or was taken meanwhile. OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _NOT_OURS:
            return b""
        raise
    with open(descriptor, "rb") as file:
        return file.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""


def _scans_of_csv(path: Path) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The ids in a CSV file, and the rows of each, up to what is no CSV."""
    text = _content(path).decode("utf-8", "replace")
    try:
        table = csv.DictReader(io.StringIO(text, newline=""))
        for key, rows in itertools.groupby(table, lambda row: row.get("id") or ""):
            yield key, list(rows)
    except csv.Error as error:
        # Somebody else's file.
        log.get().debug("row_not_understood", error=str(error))


def copy_of(inbox: Path, archive: str, source: Identity, key: str) -> str | None:
    """Where in an ARCHIVE on another file system a source that is still in the INBOX was copied to; None if nowhere.

    The last file of that name is looked at, for the same time of change and the same bytes. OSError.
    """
    free = names.first_free(lambda number: os.path.lexists(_numbered(archive, source.path, number)))
    place = _numbered(archive, source.path, free - 1)
    for original in _places(inbox, source.path, key):
        try:
            there, here = os.lstat(place), os.lstat(original)
        except FileNotFoundError:
            continue
        same = fs.is_same_file(there, there.st_ino, source.size, source.mtime_ns)
        if same and there.st_dev != here.st_dev and filecmp.cmp(place, original, shallow=False):
            return place
    return None


def _numbered(archive: str, path: str, number: int) -> str:
    folder, name = os.path.split(path)
    return os.path.join(archive, folder, names.numbered(name, max(1, number)))


def _places(inbox: Path, path: str, key: str) -> tuple[Path, Path]:
    """Where a source may lie: under its name, or under the hidden one that it has while it is removed."""
    folder, name = os.path.split(path)
    return inbox / path, inbox / folder / names.claimed(key, name)


def _identity(path: str, found: os.stat_result) -> Identity:
    return Identity(path, fs.folded(found.st_ino), found.st_size, fs.folded(found.st_mtime_ns))


def _still_there(inbox: Path, result: results.Result) -> Identity | None:
    """The source of a result, as it lies there now; None where it does not, or is another one."""
    path = results.path_of(result.source)
    for place in _places(inbox, path, result.id):
        try:
            found = os.lstat(place)
            when = results.timestamp(found.st_mtime_ns / 1e9)
            if (found.st_size, when) != (result.source.bytes, result.source.modified):
                continue
            sha256 = result.source.sha256
            if sha256 is None or hashlib.sha256(place.read_bytes()).hexdigest() == sha256:
                return _identity(path, found)
        except OSError:
            # Gone, or another thing: then nothing of it can be read twice.
            continue
    return None


def _of_csv(inbox: Path, rows: list[dict[str, str]]) -> tuple[results.Result, Identity] | None:
    """A result as its CSV rows tell of it, and its source; None where that is not in the inbox, or is another one.

    CSV has no size and no time of the source: it is what was read if its bytes are, and if it has not been put there
    since. A source whose name is no UTF-8, or whose bytes could not be read, cannot be told by its row.
    """
    first = rows[0]
    try:
        path, sha256, recognised = (
            results.of_cell(first[key]) for key in ("source_path", "source_sha256", "recognised")
        )
        for place in _places(inbox, path, first["id"]):
            found = os.lstat(place) if os.path.lexists(place) else None
            if found is None or not stat.S_ISREG(found.st_mode):
                continue
            if place == inbox / path and results.timestamp(found.st_ctime) > recognised:
                continue
            if hashlib.sha256(place.read_bytes()).hexdigest() == sha256:
                source = results.source_of(path, sha256, found.st_size, found.st_mtime_ns / 1e9)
                return _result(rows, source), _identity(path, found)
    except (KeyError, TypeError, ValueError, OSError) as error:
        # Somebody else's file, or a source that is going: then nothing of it can be read twice.
        log.get().debug("row_not_understood", error=str(error))
    return None


def _result(rows: list[dict[str, str]], source: results.Source) -> results.Result:
    """All but the pages, and the sentence of a reason, which no CSV has."""
    first = rows[0]
    code = first["reason"]
    message = LOST_MESSAGE.format(name=source.name, code=code)
    return results.Result(
        schema=results.SCHEMA,
        id=first["id"],
        source=source,
        received=first["received"],
        recognised=first["recognised"],
        status=results.Status(first["status"]),
        reason=results.Reason(code, message) if code else None,
        text=results.PAGE_BREAK.join(results.of_cell(row["text"]) for row in rows),
        confidence=float(first["confidence"]) if len(rows) == 1 and first["confidence"] else None,
        pages=(),
        model=results.Model(*(results.of_cell(first[f"model_{part}"]) for part in ("name", "version", "sha256"))),
        supersedes=first.get("supersedes") or msgspec.UNSET,
    )


def _files(outbox: Path, *endings: str) -> Iterator[str]:
    for folder, name in sorted(fs.files_below(os.fspath(outbox))):
        if name.endswith(endings) and not name.startswith("."):
            yield os.path.relpath(os.path.join(folder, name), outbox)
