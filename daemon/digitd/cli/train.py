"""`digitd train`: build, train, evaluate and export a bundle. Needs the extra `train` (TensorFlow)."""

import importlib.util
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitd.cli.common import Config, err, quiet_libraries, settings
from digitd.errors import UsageError

if TYPE_CHECKING:
    from digitd.training.fit import Progress
    from digitd.training.run import Summary

DEFAULT_OUT = Path("bundle")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "train",
        help="Train a network on MNIST and write it as a bundle that `model.bundle` can name.",
        epilog="Example: digitd train --preset default --data mnist/ --out bundle/",
    )(train)


def train(
    context: typer.Context,
    preset: Annotated[str, typer.Option(help="default (a small CNN) or tutorial (the seed recipe).")] = "default",
    data: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="MNIST's idx files, gzipped or not; else they are fetched.")
    ] = None,
    bundle: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the bundle goes.")] = DEFAULT_OUT,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the preset's.", show_default=False)] = None,
    config: Config = None,
) -> None:
    """Train, with progress on a terminal and a summary at the end."""
    from digitd import log

    chosen = settings(context, config)
    log.configure("error", chosen.log.format)
    if importlib.util.find_spec("tensorflow") is None:
        remedy = "Install digitd with its extra: pip install '.[train]' in its clone"
        raise UsageError("TensorFlow is not installed", remedy)
    warnings.simplefilter("ignore")
    from digitd.training.run import train as make

    command = f"digitd train --preset {preset} --data FOLDER --seed {seed}" + (f" --epochs {epochs}" if epochs else "")
    if data is None:
        command = command.replace(" --data FOLDER", "")
    with quiet_libraries(), _Shown() as progress:
        summary = make(preset, data, bundle, seed, epochs, command, progress)
    for line in _sentences(summary):
        print(line)


def _sentences(summary: "Summary") -> list[str]:
    low, high = summary.test.interval
    wrong = summary.test.total - summary.test.correct
    lines = [
        f"bundle      {summary.path}, {summary.bytes:,} bytes, network in {summary.form}",
        f"sha256      {summary.sha256}",
        f"network     preset {summary.preset}, {summary.parameters:,} parameters",
        f"trained     {summary.epochs} epochs in {summary.seconds:,.0f} s; epoch {summary.best_epoch} was kept",
        f"MNIST test  {summary.test.accuracy:.2%} right ({low:.2%} to {high:.2%}), {wrong} of"
        f" {summary.test.total:,} wrong",
        f"use it      model.bundle: {summary.path.absolute()}",
    ]
    if summary.validation is not None:
        lines.insert(4, f"held out    {summary.validation.accuracy:.2%} right of {summary.validation.total:,}")
    return lines


class _Shown:
    """Progress: a bar on a terminal, a line a phase elsewhere."""

    def __enter__(self) -> "Progress":
        if not sys.stderr.isatty():
            self._bar = None
            self._said = ""
            return self._say
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._bar = Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=err())
        self._bar.start()
        self._task = self._bar.add_task("starting", total=None)
        return self._move

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _say(self, done: int, total: int, message: str) -> None:
        if message != self._said:
            self._said = message
            print(message, file=sys.stderr)

    def _move(self, done: int, total: int, message: str) -> None:
        if self._bar is not None:
            self._bar.update(self._task, description=message, completed=done, total=total or None)
