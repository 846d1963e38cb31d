"""A watcher that cannot be started again, as long as there is a file. Put there as sitecustomize.py."""

import os
import sys

FLAG = "/var/lib/digitd/no-watcher"

if "run" in sys.orig_argv:
    from digitd import heartbeat
    from digitd.intake.watcher import Watcher

    # Else a minute is waited for it.
    heartbeat.WATCHER_LOST_SECONDS = 1.0
    _alive, _start = Watcher.alive, Watcher.start

    def _is_alive(self: Watcher) -> bool:
        return not os.path.exists(FLAG) and _alive(self)

    def _try_to_start(self: Watcher) -> None:
        if os.path.exists(FLAG):
            raise OSError(5, "the watcher is dead")
        _start(self)

    Watcher.alive, Watcher.start = _is_alive, _try_to_start  # type: ignore[method-assign]
