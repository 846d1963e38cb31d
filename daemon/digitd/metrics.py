"""Figures for Prometheus: written to a file now and then, and served on a port where one is configured.

Nothing here may harm the daemon: what cannot be written or served is said once, and tried again.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from digitd import fs, log
from digitd.settings import Settings
from digitd.standing import Standing
from digitd.tally import Tally

if TYPE_CHECKING:
    from digitd.exposition import Page
    from digitd.scraping import Server

MODE = 0o644
"""node_exporter has a user of its own, and nothing in these figures is secret."""


ROOM = 16_384
"""Bytes that the file takes, or a multiple: twice what there is to tell, so that it never grows."""


class Metrics:
    """Tells the tally, and how the daemon stands, every `metrics.every` seconds."""

    def __init__(self, settings: Settings, tally: Tally, standing: Callable[[], Standing]) -> None:
        self._tally, self._standing = tally, standing
        self._page: Page | None = None
        self._server: Server | None = None
        self._file: Path | None = None
        self._log = log.get()
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Take this configuration from now on; what was counted stays."""
        chosen = settings.metrics
        if self._file is not None and self._file != settings.textfile:
            # Its figures would grow old there, and tell that nobody runs.
            _take_away(self._file)
        self._file, self._every, self._labels = settings.textfile, chosen.every, chosen.labels
        self._wanted = None if chosen.port is None else (chosen.address, chosen.port)
        self._next = 0.0 if self._file or self._wanted else float("inf")
        self._unwritten = self._unserved = False
        if self._server is not None and self._server.address != self._wanted:
            self._server.stop()
            self._server = None

    def next_due(self) -> float:
        """When `tick` has something to do (monotonic seconds)."""
        return self._next

    def tick(self, now: float) -> None:
        """Tell, if it is time."""
        if now >= self._next:
            self._next = now + self._every
            self._tell()

    def close(self) -> None:
        """Write the last figures, and end."""
        if self._file is not None:
            self._tell()
        if self._server is not None:
            self._server.stop()

    def _tell(self) -> None:
        # Here, for who wants no metrics shall not load their library.
        from digitd.exposition import Page, families

        page = self._page = self._page or Page()
        try:
            page.families = families(self._tally, self._standing(), self._labels)
            if self._file is not None:
                _replace(self._file, page.text())
        except OSError as error:
            if not self._unwritten:
                remedy = "make room, or give the right to write there; it is tried again"
                self._log.warning("metrics_not_written", file=str(self._file), error=str(error), remedy=remedy)
            self._unwritten = True
        else:
            self._unwritten = False
        if self._wanted is not None and self._server is None:
            self._serve(*self._wanted, page)

    def _serve(self, address: str, port: int, page: "Page") -> None:
        from digitd.scraping import Server

        where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        try:
            self._server = Server(address, port, page.registry)
        except OSError as error:
            if not self._unserved:
                remedy = (
                    "stop what uses the port, choose another metrics.port, or let the unit have a network"
                    " (docs/operations.md, Metrics); it is tried again"
                )
                self._log.warning("metrics_not_served", address=where, error=str(error), remedy=remedy)
            self._unserved = True
        else:
            self._unserved = False
            self._log.info("metrics_served", address=where)


def _replace(file: Path, text: bytes) -> None:
    """Put TEXT in the file's place, whole or not at all.

    Two files change places: on a disk that is full there is room for it all the same, and that it is full is told.
    """
    other = _other(file)
    # Empty lines mean nothing in this format.
    fs.overwrite(other, text.ljust(-(-len(text) // ROOM) * ROOM, b"\n"), MODE)
    fs.put_in_place(other, os.fspath(file))


def _take_away(file: Path) -> None:
    for each in (os.fspath(file), _other(file)):
        try:
            fs.unlink_if_there(each)
        except OSError as error:
            log.get().debug("metrics_not_removed", file=each, error=str(error))


def _other(file: Path) -> str:
    """The one that it changes places with. Not *.prom: node_exporter reads whatever ends so."""
    return os.fspath(file.with_name(f".{file.name}.tmp"))
