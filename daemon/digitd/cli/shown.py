"""What `digitd status` prints: a report in sentences, a verdict in one line."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from digitd import names

if TYPE_CHECKING:
    from digitd.health import Health
    from digitd.quality import Quality, Reviewing
    from digitd.report import Report
    from digitd.room import Room


def line(health: "Health") -> str:
    """The verdict, for a monitoring plugin."""
    from digitd.health import Verdict

    sentence = names.printable(health.sentence)
    if health.verdict is Verdict.HEALTHY:
        return f"digitd is healthy: {sentence}"
    return f"digitd is not healthy ({health.verdict}): {sentence}"


def print_json(report: "Report") -> None:
    """One object on a line of its own, at once."""
    import msgspec

    sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    sys.stdout.buffer.flush()


def sentences(now: "Report") -> Iterator[str]:
    """The report for a person, a fact a line."""
    running = f"running (process {now.pid}) since {now.since}" if now.running else "not running"
    yield _fact("digitd", running)
    yield _fact("health", "healthy" if now.healthy else f"{now.verdict}: {names.printable(now.sentence)}")
    if now.trouble:
        yield _fact("waits for", names.printable(now.trouble))
    if now.reload_refused is not None:
        yield _fact("reload", f"refused, the configuration before it is in use: {names.printable(now.reload_refused)}")
    if now.workers is not None:
        yield _fact("workers", f"{now.workers.ready} of {now.workers.wanted} ready")
    yield _fact("inbox", f"{_waiting(now)} in {names.printable(now.inbox)}")
    yield _fact("today", f"{now.read_today:,} read{_by_status(now)}")
    rates = now.rates
    yield _fact(
        "rate", f"{rates.minute:.3g} scans a second (last minute), {rates.hour:.3g} (hour), {rates.day:.3g} (day)"
    )
    if (latency := now.latency) is not None:
        of = f"{latency.scans:,} scans" if latency.scans > 1 else "scan"
        yield _fact(
            "latency", f"half within {latency.p50:,} s, 95 % {latency.p95:,} s, 99 % {latency.p99:,} s (the last {of})"
        )
    yield _fact("last read", now.last_read or "never")
    if now.unpublished:
        yield _fact("to publish", f"{now.unpublished:,} recorded and not yet published")
    if now.review is not None and (told := _review(now.review)):
        yield _fact("review", told)
    if now.quality is not None:
        yield _fact("quality", quality(now.quality))
    yield from _listed("room", _rooms(now))
    yield _fact("bundle", _bundle(now))
    versions = now.versions
    journal = "" if versions.journal is None else f", journal {versions.journal}"
    yield _fact("version", f"{versions.digitd}, results {versions.results}{journal}, Python {versions.python}")
    yield from _listed("failures", (f"{each.when}  {names.printable(each.message)}" for each in now.failures))


def quality(found: "Quality") -> str:
    """What the verified sample says of the accepted."""
    of = f"of the accepted, one in {1 / found.sample:.3g} is drawn"
    if not found.verified:
        return f"nobody has verified any of the sample yet ({of}): {found.waiting:,} wait"
    waiting = f"; {found.waiting:,} of the sample wait" if found.waiting else ""
    return (
        f"{found.wrong:,} wrong of {found.verified:,} accepted that people verified ({of}): with 95 % confidence"
        f" {100 * found.low:.2f} % to {100 * found.high:.2f} % of all accepted are wrong{waiting}"
    )


def _review(now: "Reviewing") -> str:
    waiting = ", ".join(f"{count:,} {kind}" for kind, count in now.waiting.items() if count)
    told = [
        f"{waiting} wait" if waiting else "",
        f"{now.verified_today:,} verified today" if now.verified_today else "",
    ]
    told.append(f"{now.unpublished:,} verdicts not yet published" if now.unpublished else "")
    return ", ".join(filter(None, told))


def _fact(name: str, fact: str) -> str:
    return f"{name:10} {fact}"


def _listed(name: str, facts: Iterator[str]) -> Iterator[str]:
    for place, fact in enumerate(facts):
        yield _fact("" if place else name, fact)


def _waiting(now: "Report") -> str:
    if now.waiting is None:
        return "what waits cannot be listed"
    waiting = f"{now.waiting:,}{'+' if now.waiting_more else ''} waiting"
    if now.waiting and now.oldest_waiting_seconds is not None:
        waiting += f", the oldest {'of these ' if now.waiting_more else ''}for {now.oldest_waiting_seconds:,.0f} s"
    return waiting


def _by_status(now: "Report") -> str:
    counted = sum(now.by_status.values())
    if not counted:
        return ""
    of = "" if counted == now.read_today else f" (the last {counted:,})"
    return f"{of}: " + ", ".join(f"{count:,} {status}" for status, count in now.by_status.items() if count)


def _rooms(now: "Report") -> Iterator[str]:
    """Folders that share a disk on one line."""
    shared: dict[Room, list[str]] = {}
    for name, room in now.room.items():
        shared.setdefault(room, []).append(name)
    for room, folders in shared.items():
        files = "" if room.free_inodes is None else f", {room.free_inodes:,} files"
        share = 100 * room.free_bytes / room.total_bytes if room.total_bytes else 0.0
        yield f"{_size(room.free_bytes)} free{files} ({share:.0f} %) for {', '.join(folders)}"


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def _bundle(now: "Report") -> str:
    if now.bundle is None:
        return "cannot be used; `digitd check` says why"
    bundle = now.bundle
    shown = f"{names.printable(bundle.name)} {names.printable(bundle.version)}"
    return f"{shown}, sha256 {bundle.sha256[:16]}..., engine {bundle.engine}"
