"""The batches in hand: ready scans go to the workers, and what these find to the delivery, or back to the supply."""

import math
import os
import time
from collections import Counter

from digitd import failpoints, log, names
from digitd.archive import Archive
from digitd.delivery import Delivery, Read
from digitd.failpoints import Point
from digitd.findings import Taken, Unread, judge
from digitd.pool.interface import Done, Pool
from digitd.pool.messages import Job
from digitd.profiles import chooser
from digitd.results import Model
from digitd.settings import Settings
from digitd.supply import Supply
from digitd.tally import Tally


class Dispatcher:
    """Hands batches out, and takes them in again. Each scan in hand is in one of them."""

    def __init__(
        self,
        settings: Settings,
        model: Model,
        pool: Pool,
        supply: Supply,
        delivery: Delivery,
        archive: Archive,
        tally: Tally,
    ) -> None:
        self._delivery, self._archive, self._tally = delivery, archive, tally
        self._in_hand: dict[int, list[Taken]] = {}
        self._batches = 0
        self.read: Counter[str] = Counter()
        """How many scans were read since the start, by status."""
        self._log = log.get()
        self.configure(settings, model, pool, supply)

    def configure(self, settings: Settings, model: Model, pool: Pool, supply: Supply) -> None:
        """Work with these from now on; what is in hand stays so."""
        self._settings, self._model, self._pool, self._supply = settings, model, pool, supply
        self._root = os.fspath(settings.inbox.path)
        self._recognition = chooser(settings.recognition, settings.profiles)

    def feed(self) -> None:
        """An idle worker gets whatever is ready; while all are busy, only whole batches queue up for them."""
        if self._delivery.held_up:
            return
        most = self._settings.batch.max_scans
        while self._supply.waiting and (idle := self._pool.idle):
            self._submit(min(most, math.ceil(self._supply.waiting / idle)))
        while self._supply.waiting >= most and self._pool.queued < self._pool.wanted:
            self._submit(most)

    def take_in(self, done: Done) -> None:
        """See to what the workers found in a batch."""
        batch = self._in_hand.pop(done.key)
        failpoints.reached(Point.TAKEN_IN)
        now = time.time()
        reads = []
        for taken, finding in zip(batch, done.findings, strict=True):
            found = judge(taken, finding, now, self._model, self._supply.young)
            if isinstance(found, Read):
                reads.append(found)
            else:
                self._put_back(taken.ready.path, found)
        self._log.info("batch_read", scans=len(batch), results=len(reads), ms=round(done.seconds * 1000, 1))
        self._tally.batches.observe(done.seconds)
        if reads:
            self.read.update(str(read.outcome.status) for read in reads)
            self._delivery.deliver(reads)

    def give_up(self) -> None:
        """Wait for nothing that is in hand any more: other workers begin it anew."""
        for batch in self._in_hand.values():
            for taken in batch:
                self._supply.retry(taken.ready.path)
        self._in_hand.clear()

    def _submit(self, most: int) -> None:
        self._batches += 1
        taken = self._supply.take(most)
        devices = {folder: self._device_of(folder) for folder in {os.path.dirname(ready.path) for ready, _ in taken}}
        self._in_hand[self._batches] = [
            Taken(ready, since, devices[os.path.dirname(ready.path)]) for ready, since in taken
        ]
        self._pool.submit(self._batches, [self._job(ready.path) for ready, _ in taken])
        failpoints.reached(Point.HANDED_OUT)

    def _device_of(self, folder: str) -> int | None:
        try:
            return self._archive.device_of(folder)
        except OSError:
            # A server that does not answer: the worker finds that out, too.
            return None

    def _job(self, path: str) -> Job:
        chosen = self._recognition(os.path.dirname(path))
        return Job(
            os.fsencode(f"{self._root}/{path}"),
            names.printable(path),
            chosen.layout,
            chosen.digits,
            chosen.accept,
            chosen.margin,
        )

    def _put_back(self, path: str, unread: Unread) -> None:
        if unread.gone:
            self._log.info("scan_gone", scan=names.printable(path), reason=unread.reason)
        else:
            self._log.debug("scan_not_ready", scan=names.printable(path), reason=unread.reason)
        self._supply.retry(path)
