"""`digitd train`: build, train, evaluate and export a bundle. Needs the extra `train` (TensorFlow)."""

import importlib.util
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitd import names
from digitd.cli.common import Config, err, quiet_libraries, settings
from digitd.errors import UsageError

if TYPE_CHECKING:
    from digitd.recognition.engine import Engine
    from digitd.settings import Settings
    from digitd.training.fit import Progress
    from digitd.training.run import Summary
    from digitd.training.scans import Gathered, OwnScans

DEFAULT_OUT = Path("bundle")
MOST_CAUSES = 10


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
    scans: Annotated[
        Path | None,
        typer.Option(
            "--scans",
            metavar="FOLDER",
            help="Labelled scans of your own to train on besides MNIST; a fifth is kept aside.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the preset's.", show_default=False)] = None,
    config: Config = None,
) -> None:
    """Train, with progress on a terminal and a summary at the end."""
    from digitd import log

    chosen = settings(context, config)
    log.configure("error", chosen.log.format, clock=chosen.log.time)
    if importlib.util.find_spec("tensorflow") is None:
        remedy = "Install digitd with its extra: pip install '.[train]' in its clone"
        raise UsageError("TensorFlow is not installed", remedy)
    warnings.simplefilter("ignore")
    from digitd.training.run import check
    from digitd.training.run import train as make

    command = f"digitd train --preset {preset} --data FOLDER --seed {seed}" + (f" --epochs {epochs}" if epochs else "")
    if data is None:
        command = command.replace(" --data FOLDER", "")
    if scans is not None:
        command += " --scans FOLDER"
    with quiet_libraries(), _Shown() as progress:
        own, unlabelled = None, 0
        if scans is not None:
            # Cutting them takes a while: what the training would refuse is refused before.
            check(preset, data, bundle, seed, epochs)
            own, unlabelled = _own(scans, chosen, progress)
        summary = make(preset, data, bundle, seed, epochs, command, progress, own)
    for line in _sentences(summary, unlabelled):
        print(line)


def _own(folder: Path, chosen: "Settings", progress: "Progress") -> "tuple[tuple[Gathered, Engine], int]":
    """The digits of one's own scans, cut with the help of the bundle in use, and that bundle's engine.

    And how many scans beside them have no label.
    """
    from digitd.evaluation.limits import limits_of
    from digitd.evaluation.scans import find
    from digitd.recognition.bundle import Bundle, shipped
    from digitd.recognition.engine import open_engine
    from digitd.recognition.reader import Reader
    from digitd.training.scans import Scan, gathered

    of_folder = find(folder, chosen)
    found = of_folder.scans
    progress(0, 0, "cutting your scans")
    bundle = Bundle.load(chosen.model.bundle or shipped())
    engine = open_engine(bundle, chosen.model.engine)
    limits = limits_of(chosen)
    own = gathered(
        (Scan(names.printable(each.target.name), Path(each.target.path).read_bytes(), each.label) for each in found),
        Reader(bundle, engine, limits),
        limits,
    )
    if not len(own.train.images):
        raise UsageError(
            f"None of the {len(found)} labelled scans in {folder} can be trained on",
            f"The first: {': '.join(own.unusable[0])}" if own.unusable else "Label more scans",
        )
    return (own, engine), of_folder.unlabelled


def _sentences(summary: "Summary", unlabelled: int) -> list[str]:
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
    return lines if summary.own is None else [*lines, *_of_own(summary.own, unlabelled)]


def _of_own(own: "OwnScans", unlabelled: int) -> list[str]:
    left_out = f", {unlabelled:,} without a label left out" if unlabelled else ""
    lines = [
        f"your scans  {own.used:,} trained on, {own.kept_aside:,} kept aside, {len(own.unusable):,} unusable{left_out}",
        *(f"            {name}: {cause}" for name, cause in own.unusable[:MOST_CAUSES]),
    ]
    if not own.new.total:
        return [*lines, "            too few to measure by: label more"]
    low, high = own.new.interval
    return [
        *lines,
        f"kept aside  {own.new.accuracy:.2%} of the {own.new.total:,} digits on those right ({low:.2%} to {high:.2%});"
        f" the bundle in use: {own.in_use.accuracy:.2%}",
    ]


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
