"""Results in parts: files of so many scans each, in a folder, of which each appears whole or not at all, and once.

A part is staged and made durable, then noted in the catalogue, then renamed. So a stage that is noted is only to be
renamed, one that is not is from a run that was cut off, and a part that somebody took is not made again.
"""

import csv
import io
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from digitd import fs, names
from digitd.bulk import Target, Unopened
from digitd.catalogue import Catalogue
from digitd.errors import FolderError
from digitd.results import CSV_COLUMNS, Result, csv_rows, to_json

ENDINGS = {"json": ".jsonl", "csv": ".csv"}
"""Of files, by format."""
Reading = Callable[[Iterable[Target]], Iterator[Result | Unopened]]
"""Gives what comes of each file, in their order."""


class Parts:
    """The parts in a folder, of results as JSON Lines (ENDING .jsonl) or as tables (.csv), of ROWS scans each."""

    def __init__(self, folder: Path, catalogue: Catalogue, ending: str, rows: int) -> None:
        self._folder, self._catalogue, self._ending, self._rows = os.fspath(folder), catalogue, ending, rows
        self.begun = 0
        """How many parts this run has made."""

    def recover(self) -> None:
        """See to what a run that was cut off has left."""
        number = self._catalogue.parts
        if number and os.path.lexists(self._stage(number)):
            self._publish(number)
        fs.unlink_if_there(self._stage(number + 1))

    def write(self, reading: Reading) -> Iterator[Result | Unopened]:
        """Read what is left of the catalogue, and give on what was written.

        FolderError if a part's name is somebody else's. OSError, sqlite3.Error where it cannot be written.
        """
        numbers: deque[int] = deque()

        def targets() -> Iterator[Target]:
            for number, target in self._catalogue.waiting():
                numbers.append(number)
                yield target

        found = reading(targets())
        while True:
            unopened: list[int] = []
            last = scans = 0
            self._check_free(part := self._catalogue.parts + 1)
            with open(self._stage(part), "wb") as file:
                if self._ending == ".csv":
                    file.write(_lines([CSV_COLUMNS]))
                while scans < self._rows and (each := next(found, None)) is not None:
                    last = numbers.popleft()
                    if isinstance(each, Unopened):
                        unopened.append(last)
                    else:
                        scans += 1
                        file.write(to_json(each) if self._ending == ".jsonl" else _lines(csv_rows(each)))
                    yield each
                file.flush()
                os.fsync(file.fileno())
            fs.sync_folder(self._folder)
            if last:
                self._catalogue.done(last, unopened, part=scans > 0)
            if not scans:
                fs.unlink_if_there(self._stage(part))
            else:
                self._publish(part)
                self.begun += 1
            if scans < self._rows:
                return

    def _check_free(self, part: int) -> None:
        if os.path.lexists(path := self._path(part)):
            raise FolderError(
                f"{names.printable(path)} is there, and is none of these results",
                "Move it away, or name another folder",
            )

    def _publish(self, part: int) -> None:
        try:
            fs.rename_noreplace(self._stage(part), self._path(part))
        except FileExistsError:
            self._check_free(part)
            raise
        fs.sync_folder(self._folder)

    def _path(self, part: int) -> str:
        return os.path.join(self._folder, f"results-{part:06d}{self._ending}")

    def _stage(self, part: int) -> str:
        return os.path.join(self._folder, names.temporary(f"part-{part:06d}"))


def _lines(rows: Iterable[Iterable[str]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode("utf-8")
