"""What the commands share: the configuration option, and how an error ends the program."""

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from digitd.config import load
from digitd.errors import DigitdError
from digitd.settings import Settings

Config = Annotated[
    Path | None,
    typer.Option("-c", "--config", metavar="FILE", help="The configuration; else $DIGITD_CONFIG, else the defaults."),
]


def settings(context: typer.Context, config: Path | None) -> Settings:
    """The settings of a -c after the command, else of one before it."""
    return load(config if config is not None else context.obj)


def out() -> Console:
    """Standard output, as a console; wide enough for whole lines where it is no terminal."""
    return _console(sys.stdout.isatty(), stderr=False)


def err() -> Console:
    """Standard error, as a console."""
    return _console(sys.stderr.isatty(), stderr=True)


def _console(terminal: bool, *, stderr: bool) -> Console:
    return Console(stderr=stderr, width=None if terminal else 160, highlight=False, markup=False)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep what libraries print away from the user, unless something fails that it may explain."""
    ours = sys.stderr
    with (
        tempfile.TemporaryFile() as kept,
        os.fdopen(os.dup(2), "w", buffering=1) as stderr,
        redirect_stdout(io.TextIOWrapper(kept, write_through=True)),
    ):
        os.dup2(kept.fileno(), 2)
        sys.stderr = stderr
        try:
            yield
        except Exception as error:
            if not isinstance(error, DigitdError):
                kept.seek(0)
                stderr.write(kept.read().decode("utf-8", "backslashreplace"))
            raise
        finally:
            os.dup2(stderr.fileno(), 2)
            sys.stderr = ours
