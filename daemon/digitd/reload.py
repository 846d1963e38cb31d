"""Taking a new configuration in: what it changes, what it needs is made ready beside the one in use, and how to ask."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitd.errors import AlreadyRunningError, BundleError, ConfigError, DigitdError, FolderError, UsageError
from digitd.lock import Answer, answer_of, holder_of
from digitd.marks import Marks
from digitd.pool.interface import Pool
from digitd.preflight import check_folders
from digitd.recognition.bundle import Bundle, shipped
from digitd.settings import Settings
from digitd.workers import OnLoss, pool_of

NEED_RESTART = frozenset({"inbox.path", "outbox.path", "state.path", "workers.on", "workers.address"})
"""Keys that only a start can change: what is in hand, and what the journal knows, counts from these folders."""
ANSWER_SECONDS = 0.05
ASK_SECONDS = 170.0
"""Within TimeoutStartSec, which holds for a reload too: then systemd shows a sentence, and not a signal."""
_REFUSALS: tuple[type[DigitdError], ...] = (ConfigError, FolderError, BundleError, AlreadyRunningError)


@dataclass(frozen=True)
class Change:
    """SETTINGS are those wanted, but for the keys that need a restart; VALUES has each other key that changed."""

    settings: Settings
    values: dict[str, Any]
    restart: tuple[str, ...]

    def touches(self, *sections: str) -> bool:
        """Whether a key of one of these sections changed."""
        return any(key.split(".")[0] in sections for key in self.values)


def compare(used: Settings, wanted: Settings) -> Change:
    """What changes if WANTED takes the place of what is USED."""
    before, after = _flat(used), _flat(wanted)
    differing = [key for key in after if after[key] != before[key]]
    settings = wanted
    for key in NEED_RESTART:
        section, name = key.split(".")
        kept = getattr(settings, section).model_copy(update={name: getattr(getattr(used, section), name)})
        settings = settings.model_copy(update={section: kept})
    return Change(
        settings,
        {key: after[key] for key in differing if key not in NEED_RESTART},
        tuple(key for key in differing if key in NEED_RESTART),
    )


def _flat(settings: Settings) -> dict[str, Any]:
    """Every key with dots; profiles are one."""
    flat: dict[str, Any] = {}
    for section, value in settings.effective().items():
        if section == "profiles":
            flat[section] = value
        else:
            flat |= {f"{section}.{key}": inner for key, inner in value.items()}
    return flat


class Renewal:
    """A new configuration that is being made ready: folders, bundle and workers, while the daemon works on."""

    def __init__(self, used: Settings, bundle: Bundle, wanted: Settings, on_loss: OnLoss) -> None:
        """BUNDLE is the one in use. DigitdError if it cannot be used."""
        self.change = compare(used, wanted)
        settings = self.change.settings
        self.marks = Marks(settings)
        check_folders(settings, make=True, before_making=self.marks.refuse_others)
        self.bundle = Bundle.load(settings.model.bundle or shipped())
        self.pool: Pool | None = None
        """Workers of its own; None if those that there are will do."""
        # Not its hash alone: workers take the temperature from bundle.json, too.
        if self.change.touches("workers", "limits", "model") or self.bundle.manifest != bundle.manifest:
            self.pool = pool_of(settings, self.bundle.sha256, on_loss)
            self.pool.start()

    def ready(self) -> bool:
        """Whether it can be used. DigitdError if it turns out that it cannot."""
        if self.pool is None:
            return True
        self.pool.poll(0.0)
        return self.pool.ready

    def drop(self) -> None:
        """Give it up."""
        if self.pool is not None:
            self.pool.stop()


def ask(state: Path) -> Answer:
    """Ask the digitd that holds STATE to reload, and wait for what comes of it. UsageError if it cannot be asked."""
    holder = holder_of(state)
    before = None if holder is None else answer_of(state)
    if holder is None or not holder.pid:
        raise UsageError(
            f"no digitd works with the state folder {state}",
            "Start it; if state.path is what was changed, restart it, for a reload cannot change that",
        )
    if before is None:
        raise UsageError(f"the digitd that runs (process {holder.pid}) is too old to reload", "Restart it")
    if not before.reachable:
        raise UsageError(
            f"digitd (process {holder.pid}) was started on a terminal or with --once, and does not reload",
            "Restart it; as a service, or with its log in a file, it does",
        )
    try:
        os.kill(holder.pid, signal.SIGHUP)
    except OSError as error:
        raise UsageError(
            f"digitd (process {holder.pid}) cannot be asked to reload ({error.strerror})",
            "Run this as the user that digitd runs as, or as root",
        ) from error
    deadline = time.monotonic() + ASK_SECONDS
    while time.monotonic() < deadline:
        now = holder_of(state)
        if now is None or now.pid != holder.pid:
            raise DigitdError(f"digitd (process {holder.pid}) ended before it had reloaded", "Its log says why")
        answer = answer_of(state)
        if answer is not None and answer.ended > before.begun:
            return answer
        time.sleep(ANSWER_SECONDS)
    raise DigitdError(
        f"digitd (process {holder.pid}) has not reloaded within {ASK_SECONDS:.0f} s",
        "It goes on trying; its log and `digitd status` say what it waits for",
    )


def refusal(answer: Answer) -> DigitdError | None:
    """Why the reload was refused, with its exit code; None if it was not."""
    if answer.cause is None:
        return None
    kind = next((each for each in _REFUSALS if each.exit_code == answer.exit_code), DigitdError)
    return kind(answer.cause, answer.remedy)
