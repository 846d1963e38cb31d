"""Whether a digitd does well, or why it does not: a verdict with a sentence. Pure."""

from enum import StrEnum

from msgspec import Struct

from digitd.errors import ExitCode
from digitd.lock import UNREAD, UNWATCHED, Holder

BEAT_LATE_SECONDS = 60.0
"""A sign of life is due every 5 s; a slow disk may hold one up for a while."""


class Verdict(StrEnum):
    """What `digitd status` finds; documented in docs/errors.md."""

    HEALTHY = "healthy"
    NOT_RUNNING = "not_running"
    STARTING = "starting"
    STUCK = "stuck"
    INBOX_UNWATCHED = "inbox_unwatched"
    DELIVERY_PAUSED = "delivery_paused"
    CLUSTER_AWAY = "cluster_away"
    NO_WORKERS = "no_workers"
    INBOX_UNLISTED = "inbox_unlisted"
    WAITS_TOO_LONG = "waits_too_long"

    @property
    def exit_code(self) -> ExitCode:
        """What `digitd status --check` exits with."""
        codes = {Verdict.HEALTHY: ExitCode.DONE, Verdict.NOT_RUNNING: ExitCode.NOT_RUNNING}
        return codes.get(self, ExitCode.UNHEALTHY)


class Health(Struct, frozen=True):
    """A verdict, and what to tell a person."""

    verdict: Verdict
    sentence: str


def judge(
    holder: Holder | None,
    *,
    now: float,
    unlisted: str | None,
    oldest: float | None,
    patience: float | None,
) -> Health:
    """The first thing that is wrong, the gravest first.

    NOW is monotonic seconds of this machine; UNLISTED why the inbox cannot be listed; OLDEST the seconds that a scan
    has waited, PATIENCE how many it may wait (None: any).
    """
    if holder is None:
        return Health(Verdict.NOT_RUNNING, "no digitd runs with this state folder")
    if not holder.beat:
        return Health(Verdict.STARTING, f"process {holder.pid} is starting: its workers have not loaded yet")
    if (silent := now - holder.beat) > BEAT_LATE_SECONDS:
        said = f"process {holder.pid} has given no sign of life for {silent:,.0f} s"
        return Health(Verdict.STUCK, f"{said}: it hangs, or cannot write to its state folder")
    if holder.trouble == UNWATCHED:
        return Health(Verdict.INBOX_UNWATCHED, f"{UNWATCHED}: what comes is only found by the rescan")
    if holder.trouble is not None and holder.trouble.startswith(UNREAD):
        return Health(Verdict.CLUSTER_AWAY, f"{holder.trouble}; what is in hand waits for it")
    if holder.trouble is not None:
        return Health(Verdict.DELIVERY_PAUSED, f"results cannot be written, and scans wait ({holder.trouble})")
    if not holder.workers:
        return Health(Verdict.NO_WORKERS, f"none of its {holder.wanted} workers is alive and has loaded")
    if unlisted is not None:
        return Health(Verdict.INBOX_UNLISTED, f"the inbox cannot be listed ({unlisted})")
    if patience is not None and oldest is not None and oldest > patience:
        return Health(Verdict.WAITS_TOO_LONG, f"a scan has waited for {oldest:,.0f} s, longer than {patience:,.0f} s")
    return Health(Verdict.HEALTHY, f"process {holder.pid} runs, with {holder.workers} of {holder.wanted} workers")
