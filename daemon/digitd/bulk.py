"""Reading files that are named, with the daemon's workers and without its folders: `digitd read` and `evaluate`."""

import itertools
import math
import os
import stat
import time
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from digitd import fs, log, names, results
from digitd.intake.ignore import Rules, Verdict
from digitd.intake.order import name_key
from digitd.intake.rescan import walk
from digitd.pool.messages import Finding, Job, Seen
from digitd.results import Model, Outcome, Reason, Result
from digitd.settings import Settings
from digitd.workers import OnOutput, pool_of, say_loss

# Batches per worker that are read or wait to be handed out in order.
AHEAD = 4


@dataclass(frozen=True)
class Target:
    """A file to read: where it is, and its path relative to the argument under which it was found."""

    path: str
    name: str


@dataclass(frozen=True)
class Unopened:
    """A path that could not be opened, and why."""

    path: str
    why: str


def targets(arguments: Iterable[str], settings: Settings, *, ordered: bool = True) -> Iterator[Target | Unopened]:
    """The files of files and folders: in folders by the inbox's rules, named files always.

    ORDERED: those of a folder in order of name, for which all of them are held in memory.
    """
    for argument in arguments:
        try:
            status = os.stat(argument)
        except OSError as error:
            yield Unopened(argument, os.strerror(error.errno or 0))
            continue
        if stat.S_ISDIR(status.st_mode):
            yield from _below(argument, settings, ordered=ordered)
        elif stat.S_ISREG(status.st_mode):
            # A link that is named on purpose is followed; a worker opens no link.
            yield Target(os.path.realpath(argument), os.path.basename(argument))
        else:
            yield Unopened(argument, "it is no regular file")


def _below(folder: str, settings: Settings, *, ordered: bool) -> Iterator[Target | Unopened]:
    unopened: list[Unopened] = []
    logger = log.get()

    def on_ignored(path: str, verdict: Verdict) -> None:
        logger.debug("scan_ignored", scan=names.printable(path), reason=str(verdict))

    def on_error(path: str, error: OSError) -> None:
        unopened.append(Unopened(os.path.join(folder, path), os.strerror(error.errno or 0)))

    rules = Rules(settings.inbox.include, settings.inbox.ignore)
    entries = walk(folder, rules, recursive=True, on_ignored=on_ignored, on_error=on_error)
    paths = (entry.path for entry in entries)
    for path in sorted(paths, key=name_key) if ordered else paths:
        yield Target(os.path.join(folder, path), path)
    yield from unopened


def read(
    found: Iterable[Target],
    total: int,
    settings: Settings,
    model: Model,
    on_output: OnOutput,
) -> Iterator[Result | Unopened]:
    """The results of the TOTAL files, in their order. DigitdError where the workers cannot start."""
    most = settings.batch.max_scans
    count = max(1, min(settings.workers.number, math.ceil(total / most)))
    if total <= most * count:
        most = max(1, math.ceil(total / count))
    pool = pool_of(settings, model.sha256, say_loss, on_output, most=count)
    ready: dict[int, tuple[Finding, ...]] = {}
    begun = time.time()
    source = iter(found)
    # What is with the workers, or waits until those before it are read.
    ahead: deque[tuple[int, list[Target]]] = deque()
    keys = itertools.count()
    try:
        pool.start()
        while True:
            while len(ahead) < AHEAD * max(count, pool.wanted) and (batch := list(itertools.islice(source, most))):
                ahead.append((key := next(keys), batch))
                pool.submit(key, [_job(target, settings) for target in batch])
            if not ahead:
                return
            for done in pool.poll(None):
                ready[done.key] = done.findings
            while ahead and ahead[0][0] in ready:
                key, batch = ahead.popleft()
                for target, finding in zip(batch, ready.pop(key), strict=True):
                    yield _result(target, finding, model, begun)
    finally:
        pool.stop()


def _job(target: Target, settings: Settings) -> Job:
    chosen = settings.recognition
    name = names.printable(target.name)
    return Job(os.fsencode(target.path), name, chosen.layout, chosen.digits, chosen.accept, chosen.margin)


def _result(target: Target, finding: Finding, model: Model, received: float) -> Result | Unopened:
    if finding.seen is Seen.GONE:
        return Unopened(target.path, "it is no longer there")
    outcome = finding.outcome
    if outcome is None:
        outcome = _unread(target, finding.seen)
    size, modified = _size_and_time(target, finding)
    return Result(
        schema=results.SCHEMA,
        id=str(uuid.uuid4()),
        source=results.source_of(target.name, finding.sha256, size, modified),
        received=results.timestamp(received),
        recognised=results.timestamp(time.time()),
        status=outcome.status,
        reason=outcome.reason,
        text=outcome.text,
        confidence=outcome.confidence,
        pages=outcome.pages,
        model=model,
    )


def _size_and_time(target: Target, finding: Finding) -> tuple[int, float]:
    """Bytes, and seconds since 1970, of what was read; of what lies there where no worker lived to tell."""
    if finding.identity is not None:
        return finding.identity.size, fs.seconds_of(finding.identity.mtime_ns)
    try:
        status = os.stat(target.path)
    except OSError:
        return 0, 0.0
    return status.st_size, status.st_mtime


def _unread(target: Target, seen: Seen) -> Outcome:
    cause = "it changed while it was read" if seen is Seen.CHANGING else "the system could not give its bytes just now"
    return results.failed(Reason("unreadable", f"{names.printable(target.name)}: {cause}. Read it again."))
