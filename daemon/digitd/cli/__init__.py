"""The command line: thin, one function a command. Libraries are imported where they are used: `--help` is quick."""

import os
import sys
from typing import Annotated

import typer

from digitd import __version__, names
from digitd.cli import corrections, evaluate, explain, read, reload_, review, run_, status, train
from digitd.cli.common import Commands, Config
from digitd.errors import DigitdError, ExitCode, UsageError
from digitd.journald import is_listening_to
from digitd.systemd import tell_refused

app = typer.Typer(
    name="digitd",
    cls=Commands,
    help="Watch a folder for scans of handwritten digits, read them in batches, publish JSON and CSV.",
    epilog="Try `digitd read FILE` first, then `digitd check`, then `digitd run`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (run_, reload_, read, review, explain, status, corrections, train, evaluate):
    module.register(app)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"digitd {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config: Config = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that stand before the command."""
    context.obj = config


def run(arguments: list[str] | None = None) -> int:
    """Run a command; gives the exit code. A DigitdError is one line on standard error."""
    try:
        app(args=arguments, standalone_mode=True)
    except DigitdError as error:
        sentence = names.printable(str(error))
        # In the journal it is an error, and the name is there already.
        print(("<3>" if is_listening_to(sys.stderr) else "digitd: ") + sentence, file=sys.stderr)
        if isinstance(error, UsageError):
            # A unit whose command line is wrong has no daemon yet that could tell systemd so.
            tell_refused(sentence, error)
        return error.exit_code
    except OSError as error:
        # Nothing more can be printed there; at the exit Python would try once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        print(f"digitd: {names.printable(str(error))}. Make room, or give the rights, and try again.", file=sys.stderr)
        return ExitCode.BUG
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.DONE
    return ExitCode.DONE
