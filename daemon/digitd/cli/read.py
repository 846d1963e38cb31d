"""`digitd read`: files and folders to standard output, without a daemon."""

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitd.cli.common import Config, err, settings
from digitd.cli.printing import PRINTERS, Format
from digitd.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from digitd.bulk import Target, Unopened
    from digitd.results import Model, Result
    from digitd.settings import Settings

# Below this many files a progress bar would be gone before it is seen.
LONG = 200


class Where(StrEnum):
    """Where scans are read, as workers.on."""

    LOCAL = "local"
    RAY = "ray"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "read",
        help="Read files, and folders with all below them, to standard output or to --output; JSON is one line a scan.",
        epilog="Example: digitd read --format json scans/ | jq -r '[.source.path, .text] | @tsv'",
    )(read)


def read(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(metavar="FILE|FOLDER...", show_default=False)],
    form: Annotated[
        Format | None,
        typer.Option("--format", help="How to print; a table without it, JSON to --output.", show_choices=True),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FOLDER", help="Write it there, in parts, and go on there after a kill."),
    ] = None,
    workers: Annotated[
        Where | None, typer.Option("--workers", help="Where it is read, whatever workers.on says.", show_choices=True)
    ] = None,
    config: Config = None,
) -> None:
    """Read what is named; exit 2 if a path could not be opened."""
    from digitd import log
    from digitd.recognition.bundle import Bundle, shipped
    from digitd.workers import reading_on

    if output is not None and form is Format.TABLE:
        raise UsageError("--output takes no table", "Choose --format json or csv")
    chosen = settings(context, config)
    if workers is not None:
        chosen = reading_on(chosen, str(workers))
    level = chosen.log.level if chosen.log.level != "info" else "warning"
    log.configure(level, chosen.log.format, clock=chosen.log.time)
    bundle = Bundle.load(chosen.model.bundle or shipped())
    work = _Work(chosen, bundle.model)
    if output is None:
        found = list(work.found(paths, ordered=True))
        PRINTERS[form or Format.TABLE](_with_progress(work.results(work.read(found, len(found))), len(found)))
    else:
        _write_parts(work, paths, output, form or Format.JSON)
    if work.unopened:
        raise typer.Exit(ExitCode.USAGE)


class _Work:
    """What is read, and how many of it could not be opened."""

    def __init__(self, chosen: "Settings", model: "Model") -> None:
        self.settings, self.model = chosen, model
        self.unopened = 0

    def found(self, paths: list[str], *, ordered: bool) -> Iterator["Target"]:
        """The files below PATHS; it is said what could not be opened, or has none."""
        from digitd import bulk, names

        for path in paths:
            some = False
            for target in bulk.targets([path], self.settings, ordered=ordered):
                some = True
                if isinstance(target, bulk.Unopened):
                    self._refuse(target)
                else:
                    yield target
            if not some:
                print(f"digitd: {names.printable(path)} has no scans in it", file=sys.stderr)

    def read(self, targets: Iterable["Target"], total: int) -> Iterator["Result | Unopened"]:
        """What comes of each of TOTAL files."""
        from digitd import bulk
        from digitd.workers import say_output

        return bulk.read(targets, total, self.settings, self.model, say_output)

    def results(self, read: Iterable["Result | Unopened"]) -> Iterator["Result"]:
        """Those that have a result; it is said what has none."""
        from digitd.results import Result

        for each in read:
            if isinstance(each, Result):
                self.unopened += each.reason is not None and each.reason.code == "unreadable"
                yield each
            else:
                self._refuse(each)

    def _refuse(self, path: "Unopened") -> None:
        from digitd import names

        self.unopened += 1
        print(f"digitd: {names.printable(path.path)} cannot be opened: {path.why}", file=sys.stderr)


def _write_parts(work: _Work, paths: list[str], output: Path, form: Format) -> None:
    """Read what OUTPUT has no results of yet, into more parts there."""
    from digitd import names
    from digitd.catalogue import Catalogue
    from digitd.parts import ENDINGS, Parts

    chosen = work.settings.recognition.model_dump()
    same = {"format": str(form), "model": work.model.sha256[:12], **chosen}
    with Catalogue.opened(output, ", ".join(f"{key} {value}" for key, value in same.items())) as catalogue:
        parts = Parts(output, catalogue, ENDINGS[form], work.settings.outbox.rows)
        parts.recover()
        catalogue.add(work.found(paths, ordered=False))
        left = catalogue.left
        scans = sum(1 for _ in _with_progress(work.results(parts.write(lambda found: work.read(found, left))), left))
        print(f"{scans} scans were read, into {parts.begun} parts in {names.printable(str(output))}")


def _with_progress(results: Iterable["Result"], total: int) -> Iterator["Result"]:
    if total < LONG or not sys.stderr.isatty():
        yield from results
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err(), transient=True) as progress:
        yield from progress.track(results, total=total)
