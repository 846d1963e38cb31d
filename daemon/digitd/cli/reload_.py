"""`digitd reload`: the daemon takes its configuration in anew."""

import sys

import typer

from digitd.cli.common import Config, settings
from digitd.errors import DigitdError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "reload",
        help="Have the running daemon take its configuration in anew, and wait until it has; a wrong one is refused.",
        epilog="Example: digitd reload -c config.yaml (under systemd: systemctl reload digitd)",
    )(reload)


def reload(context: typer.Context, config: Config = None) -> None:
    """Print nothing if all is well; what is wrong as a DigitdError, with its exit code."""
    from digitd import log
    from digitd.reload import ask, refusal

    log.configure("info", "auto")
    try:
        refused = refusal(ask(settings(context, config).state.path))
    except DigitdError as error:
        if not log.is_in_journal():
            raise
        # The daemon knows nothing of it, so this is the line that its log has.
        code = int(error.exit_code)
        log.get().error("reload_refused", code=error.code, cause=error.cause, remedy=error.remedy, exit_code=code)
        sys.exit(code)
    if refused is not None:
        if log.is_in_journal():
            # There already, from the daemon itself.
            sys.exit(refused.exit_code)
        raise refused
