"""One run of the daemon: what it holds while it works (signals, lock, bundle, marks), taken in order and let go of."""

import sqlite3
from contextlib import ExitStack

from digitd import __version__, log, rebuild
from digitd.assembly import Assembly
from digitd.daemon import Daemon
from digitd.database import is_damage
from digitd.lock import Lock
from digitd.marks import Marks
from digitd.preflight import check_folders
from digitd.recognition.bundle import Bundle, shipped
from digitd.reloader import Load
from digitd.settings import Settings
from digitd.signals import StopSignals
from digitd.systemd import Notifier
from digitd.wake import Wake


def run(settings: Settings, *, once: bool, load: Load | None = None) -> None:
    """Read the inbox until a signal asks to stop, or, ONCE, until nothing waits.

    LOAD reads the configuration anew, for a reload; without it SIGHUP asks to stop. DigitdError where it cannot start.
    """
    asked: list[str] = []
    reload_asked: list[bool] = []
    daemon: Daemon | None = None

    def ask_to_stop(why: str) -> None:
        asked.append(why)
        if daemon is not None:
            daemon.ask_to_stop(why)

    def ask_to_reload() -> None:
        reload_asked.append(True)
        if daemon is not None:
            daemon.ask_to_reload()

    with ExitStack() as stack:
        # First in, last out: a signal finds it whatever is being set up or put away.
        stack.enter_context(StopSignals(ask_to_stop, None if load is None else ask_to_reload))
        marks = Marks(settings)
        check_folders(settings, make=True, before_making=marks.refuse_others)
        lock = stack.enter_context(Lock(settings.state.path, reachable=load is not None))
        notifier = Notifier()
        stack.callback(notifier.close)
        bundle = Bundle.load(settings.model.bundle or shipped())
        # Last of what may be refused: a start that fails leaves no mark.
        marks.claim()
        try:
            log.get().info("starting", version=__version__, once=once, config=settings.effective())
            wake = stack.enter_context(Wake())
            parts = Assembly(settings, bundle, notifier, lock, marks, stack, once=once, wake=wake.wake, load=load)
            daemon = Daemon(parts, notifier, wake, once=once)
            if asked:
                daemon.ask_to_stop(asked[0])
            if reload_asked:
                daemon.ask_to_reload()
            daemon.run()
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            raise rebuild.suspect(settings.state.path, error) from error
