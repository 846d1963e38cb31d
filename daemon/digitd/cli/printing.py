"""How `digitd read` prints results: as a table, as JSON Lines, as CSV."""

import io
import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING

from digitd.cli.common import out

if TYPE_CHECKING:
    from digitd.results import Result


class Format(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


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
PRINTERS = {Format.TABLE: _print_table, Format.JSON: _print_json, Format.CSV: _print_csv}
