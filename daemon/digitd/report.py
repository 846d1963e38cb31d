"""How digitd is doing, read from the journal, the lock, the inbox and the disks without disturbing the daemon."""

import os
import sqlite3
import time
from datetime import datetime

from msgspec import Struct

from digitd import history, names
from digitd.database import reading
from digitd.errors import BundleError
from digitd.health import Health, Verdict, judge
from digitd.history import Failure, Latency, Rates
from digitd.lock import Holder, answer_of, holder_of
from digitd.quality import Quality, Reviewing, knows_reviews, quality, reviewing
from digitd.recognition.bundle import Bundle, shipped
from digitd.results import Status, timestamp
from digitd.room import Room, rooms
from digitd.settings import Settings
from digitd.versions import Versions, versions
from digitd.waiting import Waiting, unlisted, waiting

FAILURES_SHOWN = 5


class Workers(Struct, frozen=True):
    """The processes that read: how many have loaded, and how many there should be."""

    ready: int
    wanted: int


class Model(Struct, frozen=True):
    """The bundle of the configuration, and the engine that runs it."""

    name: str
    version: str
    sha256: str
    engine: str


class Report(Struct, frozen=True):
    """What `digitd status --json` tells; each field is documented in docs/operations.md."""

    healthy: bool
    verdict: Verdict
    sentence: str
    running: bool
    pid: int | None
    since: str | None
    trouble: str | None
    reload_refused: str | None
    workers: Workers | None
    inbox: str
    waiting: int | None
    waiting_more: bool
    oldest_waiting_seconds: float | None
    read_today: int
    by_status: dict[str, int]
    scans_per_second: float
    rates: Rates
    latency: Latency | None
    last_read: str | None
    failures: tuple[Failure, ...]
    unpublished: int
    review: Reviewing | None
    quality: Quality | None
    room: dict[str, Room]
    bundle: Model | None
    versions: Versions


def report(settings: Settings, patience: float | None = None) -> Report:
    """The state of things now. It writes nothing, and works while the daemon runs or not.

    PATIENCE: seconds that a scan may wait; None: any. FolderError where state or journal cannot be read.
    """
    holder = holder_of(settings.state.path)
    with reading(settings.state.path) as journal:
        return _report(settings, holder, journal, patience)


def health(settings: Settings, patience: float | None = None) -> Health:
    """The verdict alone. Scans are looked for only where they may not wait for ever: PATIENCE as above."""
    holder = holder_of(settings.state.path)
    with reading(settings.state.path) as journal:
        found = Waiting(0, False, None, unlisted(settings)) if patience is None else waiting(settings, journal)
        return _judge(holder, found, patience)


def _judge(holder: Holder | None, found: Waiting, patience: float | None) -> Health:
    oldest = _age(found)
    return judge(holder, now=time.monotonic(), unlisted=found.unlisted, oldest=oldest, patience=patience)


def _age(found: Waiting) -> float | None:
    return None if found.oldest is None else round(max(0.0, time.time() - found.oldest), 1)


def _report(
    settings: Settings, holder: Holder | None, journal: sqlite3.Connection | None, patience: float | None
) -> Report:
    now = time.time()
    midnight = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    found = waiting(settings, journal)
    verdict = _judge(holder, found, patience)
    answer = None if holder is None else answer_of(settings.state.path)
    today = None if journal is None else history.first_since(journal, midnight)
    reviewed = journal if knows_reviews(journal) else None
    rates = Rates(0.0, 0.0, 0.0) if journal is None else history.rates(journal, now, settings.state.keep)
    last = None if journal is None else history.last_read(journal)
    return Report(
        healthy=verdict.verdict is Verdict.HEALTHY,
        verdict=verdict.verdict,
        sentence=verdict.sentence,
        running=holder is not None,
        pid=None if holder is None else holder.pid,
        since=None if holder is None else timestamp(holder.since),
        trouble=None if holder is None else holder.trouble,
        reload_refused=None if answer is None else answer.cause,
        workers=None if holder is None else Workers(holder.workers, holder.wanted),
        inbox=names.text(os.fspath(settings.inbox.path)),
        waiting=None if found.unlisted is not None else found.count,
        waiting_more=found.more,
        oldest_waiting_seconds=_age(found),
        read_today=0 if journal is None else history.count_since(journal, midnight),
        by_status=_no_status() if journal is None or today is None else history.by_status(journal, today),
        scans_per_second=round(rates.minute, 2),
        rates=rates,
        latency=None if journal is None else history.latency(journal, history.first_since(journal, now - history.DAY)),
        last_read=None if last is None else timestamp(last),
        failures=() if journal is None or today is None else history.failures(journal, today, FAILURES_SHOWN),
        unpublished=0 if journal is None else history.unpublished(journal),
        review=None if reviewed is None else reviewing(reviewed, settings.review, midnight),
        quality=None if reviewed is None else quality(reviewed, settings.review.sample),
        room=dict(rooms(settings)),
        bundle=_bundle(settings),
        versions=versions(None if journal is None else history.version(journal)),
    )


def _no_status() -> dict[str, int]:
    return dict.fromkeys((str(status) for status in Status), 0)


def _bundle(settings: Settings) -> Model | None:
    """None where it cannot be used: `digitd check` says why."""
    try:
        bundle = Bundle.load(settings.model.bundle or shipped())
    except BundleError:
        return None
    return Model(bundle.name, bundle.version, bundle.sha256, settings.model.engine)
