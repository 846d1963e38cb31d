"""What must be true of a house after any power cut and the start that follows."""

import csv
import io
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from digitd import results, tickets
from powercut.house import House, Scan

Entry = tuple[str, str]
"""The checksum of a scan and the id of its result."""


def broken(house: House, scans: Iterable[Scan]) -> list[str]:
    """The promises that are broken, each with what is concerned; SCANS were put into the inbox."""
    return [*_results(house, list(scans)), *_sources(house, list(scans)), *_leftovers(house)]


def _results(house: House, scans: list[Scan]) -> Iterator[str]:
    for ending, wanted in ((".json", house.json == "scan"), (".jsonl", house.json == "lines"), (".csv", house.csv)):
        there: Counter[Entry] = Counter()
        every: defaultdict[str, set[str]] = defaultdict(set)
        for name, data in house.published():
            if not name.endswith(ending):
                continue
            try:
                entries = _entries(ending, data)
            except (ValueError, KeyError) as error:
                yield f"torn: {name}: {error}"
                continue
            if (name, data) not in house.taken:
                there.update(entries)
            for sha256, id_ in entries:
                every[sha256].add(id_)
        for scan in scans if wanted else []:
            ids = every.pop(scan.sha256, set())
            if not ids:
                yield f"lost: no {ending} result of {scan}"
            elif len(ids) > 1 or sum(count for entry, count in there.items() if entry[0] == scan.sha256) > 1:
                yield f"doubled: {ending} results of {scan}"
        yield from (f"made up: {sha256} in {ending}" for sha256 in every)


def _entries(ending: str, data: bytes) -> list[Entry]:
    if ending != ".csv":
        if not data.endswith(b"\n"):
            raise ValueError("it ends too early")
        found = [results.from_json(line) for line in data.splitlines()]
        return [(str(result.source.sha256), result.id) for result in found]
    text = data.decode()
    reader = csv.DictReader(io.StringIO(text, newline=""))
    rows = list(reader)
    if tuple(reader.fieldnames or ()) != results.CSV_COLUMNS or not text.endswith("\r\n") or "\0" in text:
        raise ValueError("it is no CSV of ours")
    return [(row["source_sha256"], row["id"]) for row in rows]


def _sources(house: House, scans: list[Scan]) -> Iterator[str]:
    inbox, archive = _files(house.inbox), _files(house.archive)
    for scan in scans:
        waiting = [path for path, data in inbox.items() if data == scan.data]
        filed = [path for path, data in archive.items() if data == scan.data]
        wanted = {"move": (0, 1), "delete": (0, 0), "keep": (1, 0)}[house.sources]
        if wanted != (len(waiting), len(filed)):
            yield f"{'source lost' if sum(wanted) > len(waiting + filed) else 'misplaced'}: {scan} {waiting} {filed}"
        for path in filed:
            status = "failed" if scan.fails else "accepted"
            folder = os.path.normpath(os.path.join(status, os.path.dirname(scan.path)))
            if os.path.dirname(path) != folder:
                yield f"misplaced: {scan} {path}"
            ticket = os.path.join(os.path.dirname(path), tickets.name_of(os.path.basename(path)))
            if scan.fails and not _is_ticket(archive.pop(ticket, b""), scan):
                yield f"ticket: none that is whole beside {path}"
    others = set(archive.values()) - {scan.data for scan in scans}
    yield from (f"leftover: {path} in the archive" for path, data in archive.items() if data in others)


def _is_ticket(data: bytes, scan: Scan) -> bool:
    try:
        return results.from_json(data).source.sha256 == scan.sha256
    except ValueError:
        return False


def _leftovers(house: House) -> Iterator[str]:
    for folder in (house.inbox, house.outbox, house.archive):
        yield from (f"leftover: {path}" for path in _files(folder) if os.path.basename(path).startswith("."))


def _files(folder: Path) -> dict[str, bytes]:
    return {
        os.fspath(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
