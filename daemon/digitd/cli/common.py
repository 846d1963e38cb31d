"""What the commands share: the configuration option, and how an error ends the program."""

import errno
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from digitd.config import load
from digitd.errors import DigitdError, UsageError
from digitd.settings import Settings

Config = Annotated[
    Path | None,
    typer.Option("-c", "--config", metavar="FILE", help="The configuration; else $DIGITD_CONFIG, else the defaults."),
]


def settings(context: typer.Context, config: Path | None) -> Settings:
    """The settings of a -c after the command, else of one before it."""
    return load(config if config is not None else context.obj)


WIDE = 160
"""Columns where there is no terminal: enough for whole lines."""


class _Console(Console):
    """A console that lets who calls it hear of a closed pipe, and whose lines in a file end in no blanks."""

    def on_broken_pipe(self) -> None:
        """Pass it on: all commands end alike (`Commands`)."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as rich does; the last column of a table is filled up with blanks on a terminal alone."""
        if self.is_terminal:
            super().print(*objects, **options)
            return
        with self.capture() as kept:
            super().print(*objects, **options)
        self.file.writelines(f"{line.rstrip(' ')}\n" for line in kept.get().removesuffix("\n").split("\n"))


def out() -> Console:
    """Standard output, as a console; wide enough for whole lines where it is no terminal."""
    return _console(sys.stdout.isatty(), stderr=False)


def err() -> Console:
    """Standard error, as a console."""
    return _console(sys.stderr.isatty(), stderr=True)


def _console(terminal: bool, *, stderr: bool) -> Console:
    return _Console(stderr=stderr, width=None if terminal else WIDE, highlight=False, markup=False)


_WrongUsage: type[Exception] = typer.BadParameter.__mro__[1]
"""What a command line that cannot be understood raises; where it is defined depends on typer's version."""


class Commands(TyperGroup):
    """The commands, each ended alike when whoever reads its output (`| head`) has enough: quietly, with 0.

    What cannot be understood is one line with a remedy, as every refusal: systemd and scripts show no more than that.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is named."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except BrokenPipeError:
            # What is left in the buffer goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None
        except _WrongUsage as error:
            raise wrong_usage(error) from error

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Understand what stands before the command."""
        try:
            return super().make_context(*arguments, **options)
        except _WrongUsage as error:
            raise wrong_usage(error) from error


def wrong_usage(error: Any) -> UsageError:
    """In one line: what is wrong, and where to look."""
    command = "digitd" if error.ctx is None else f"digitd {error.ctx.info_name}"
    if error.ctx is None or error.ctx.parent is None:
        command = "digitd"
    return UsageError(" ".join(error.format_message().split()).rstrip("."), f"See {command} --help")


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
