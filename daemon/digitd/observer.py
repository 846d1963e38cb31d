"""Looks at how the daemon stands, for its metrics: when they are written, and at no other time."""

import time

import psutil

from digitd.delivery import Delivery
from digitd.journal import Journal
from digitd.pool.interface import Pool
from digitd.reloader import Reloader
from digitd.results import Model
from digitd.room import rooms
from digitd.settings import Settings
from digitd.standing import Standing
from digitd.supply import Supply


class Observer:
    """Looks at the parts of a daemon."""

    def __init__(
        self,
        settings: Settings,
        model: Model,
        journal: Journal,
        pool: Pool,
        supply: Supply,
        delivery: Delivery,
        reloader: Reloader,
    ) -> None:
        self._settings, self._model, self._journal = settings, model, journal
        self._pool, self._supply, self._delivery, self._reloader = pool, supply, delivery, reloader
        self._started = time.time()
        self._process = psutil.Process()

    def watch(self, settings: Settings, model: Model, pool: Pool, supply: Supply) -> None:
        """Look at these from now on: another configuration has come."""
        self._settings, self._model, self._pool, self._supply = settings, model, pool, supply

    def look(self) -> Standing:
        """How it stands now."""
        pool, supply = self._pool, self._supply
        return Standing(
            waiting=supply.known,
            more_waiting=supply.more,
            oldest=supply.oldest,
            in_hand=supply.in_hand,
            undelivered=self._delivery.undelivered,
            reloaded=not self._reloader.refused,
            paused=self._delivery.troubled is not None,
            mode=supply.mode,
            workers={"wanted": pool.wanted, "ready": pool.loaded, "busy": pool.at_work},
            memory={"main": self._process.memory_info().rss, "workers": pool.resident},
            journal_bytes=self._journal.size,
            rooms=dict(rooms(self._settings)),
            model=self._model,
            engine=self._settings.model.engine,
            started=self._started,
            now=time.time(),
        )
