"""`digitd run`: the daemon."""

import sys
import threading
from typing import Annotated

import typer

from digitd.cli.common import Config, settings
from digitd.errors import DigitdError, ExitCode


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "run",
        help="Watch the inbox and read what is dropped there, until SIGTERM or Ctrl-C.",
        epilog="Example: digitd run -c config.yaml",
    )(run)


def run(
    context: typer.Context,
    config: Config = None,
    once: Annotated[bool, typer.Option("--once", help="Read what waits in the inbox now, then exit.")] = False,
) -> None:
    """Start the daemon; what it cannot start with is an event of the log, like all it prints."""
    from digitd import log

    log.configure("info", "auto")
    threading.excepthook = _say_thread_failed
    try:
        used = settings(context, config)
        log.configure(used.log.level, used.log.format, clock=used.log.time)
        from digitd import service

        # Of a terminal, and of a drain, a hangup is the end.
        reloads = not once and not sys.stderr.isatty()
        service.run(used, once=once, load=(lambda: settings(context, config)) if reloads else None)
    except DigitdError as error:
        _say_refused(error)
        sys.exit(error.exit_code)
    except Exception:  # noqa: BLE001 - a bug is an event of the log too
        remedy = "Start it again, nothing is lost; please report this with the lines above"
        log.get().error("crashed", remedy=remedy, exit_code=int(ExitCode.BUG), exc_info=True)
        sys.exit(ExitCode.BUG)


def _say_refused(error: DigitdError) -> None:
    """To the log, and to systemd, whose status then has the same sentence."""
    from digitd import log, names
    from digitd.systemd import tell_refused

    code = int(error.exit_code)
    log.get().error("refused", code=error.code, cause=error.cause, remedy=error.remedy, exit_code=code)
    tell_refused(names.printable(str(error)), error)


def _say_thread_failed(failure: threading.ExceptHookArgs) -> None:
    from digitd import log

    name = None if failure.thread is None else failure.thread.name
    cause = None if failure.exc_value is None else (failure.exc_type, failure.exc_value, failure.exc_traceback)
    log.get().error("thread_failed", thread=name, exc_info=cause)
