"""`digitd read`: files and folders to standard output, without a daemon."""

import io
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from digitd.cli.common import Config, err, out, settings
from digitd.errors import ExitCode

if TYPE_CHECKING:
    from digitd.results import Result

# Below this many files a progress bar would be gone before it is seen.
LONG = 200


class Where(StrEnum):
    """Where scans are read, as workers.on."""

    LOCAL = "local"
    RAY = "ray"


class Format(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "read",
        help="Read files, and folders with all below them, to standard output; JSON is one line a scan.",
        epilog="Example: digitd read --format json scans/ | jq -r '[.source.path, .text] | @tsv'",
    )(read)


def read(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(metavar="FILE|FOLDER...", show_default=False)],
    form: Annotated[Format, typer.Option("--format", help="How to print.", show_choices=True)] = Format.TABLE,
    workers: Annotated[
        Where | None, typer.Option("--workers", help="Where it is read, whatever workers.on says.", show_choices=True)
    ] = None,
    config: Config = None,
) -> None:
    """Read what is named; exit 2 if a path could not be opened."""
    from digitd import bulk, log, names
    from digitd.recognition.bundle import Bundle, shipped
    from digitd.results import Result
    from digitd.workers import reading_on, say_output

    chosen = settings(context, config)
    if workers is not None:
        chosen = reading_on(chosen, str(workers))
    level = chosen.log.level if chosen.log.level != "info" else "warning"
    log.configure(level, chosen.log.format, clock=chosen.log.time)
    bundle = Bundle.load(chosen.model.bundle or shipped())
    found: list[bulk.Target] = []
    unopened = 0

    def refuse(path: bulk.Unopened) -> None:
        nonlocal unopened
        unopened += 1
        print(f"digitd: {names.printable(path.path)} cannot be opened: {path.why}", file=sys.stderr)

    for path in paths:
        targets = list(bulk.targets([path], chosen))
        if not targets:
            print(f"digitd: {names.printable(path)} has no scans in it", file=sys.stderr)
        for target in targets:
            if isinstance(target, bulk.Unopened):
                refuse(target)
            else:
                found.append(target)

    def results() -> Iterator[Result]:
        for result in bulk.read(found, chosen, bundle.model, say_output):
            if isinstance(result, bulk.Unopened):
                refuse(result)
            else:
                if result.reason is not None and result.reason.code == "unreadable":
                    unopened_results.append(result)
                yield result

    unopened_results: list[Result] = []
    _PRINTERS[form](_with_progress(results(), len(found)))
    if unopened or unopened_results:
        raise typer.Exit(ExitCode.USAGE)


def _with_progress(results: Iterable["Result"], total: int) -> Iterator["Result"]:
    if total < LONG or not sys.stderr.isatty():
        yield from results
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err(), transient=True) as progress:
        yield from progress.track(results, total=total)


def _print_json(results: Iterable["Result"]) -> None:
    from digitd.results import to_json

    for result in results:
        sys.stdout.buffer.write(to_json(result))
        if sys.stdout.isatty():
            sys.stdout.flush()
    sys.stdout.flush()


def _print_csv(results: Iterable["Result"]) -> None:
    import csv

    from digitd import names
    from digitd.results import CSV_COLUMNS, csv_rows

    stream = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=False)
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    shown = names.printable if sys.stdout.isatty() else str
    for result in results:
        writer.writerows([shown(cell) for cell in row] for row in csv_rows(result))
    stream.flush()
    stream.detach()


def _print_table(results: Iterable["Result"]) -> None:
    from rich.table import Table
    from rich.text import Text

    from digitd import names

    table = Table("scan", "text", "confidence", "status", "reason", box=None, pad_edge=False, header_style="bold")
    for result in results:
        shown = result.text.replace("\f", " | ").replace("\n", " / ")
        table.add_row(
            Text(names.printable(result.source.path)),
            Text(shown),
            "" if result.confidence is None else f"{result.confidence:.4f}",
            Text(str(result.status), style=_STYLES[result.status]),
            Text(result.reason.message if result.reason and result.status == "failed" else _code(result)),
        )
    if table.row_count:
        out().print(table)


def _code(result: "Result") -> str:
    return "" if result.reason is None else result.reason.code


_STYLES = {"accepted": "green", "review": "yellow", "blank": "dim", "failed": "red"}
_PRINTERS = {Format.TABLE: _print_table, Format.JSON: _print_json, Format.CSV: _print_csv}
