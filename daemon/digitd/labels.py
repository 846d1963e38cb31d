"""What labelled scans are labelled with: in a labels.csv beside them, or at the end of the name. Pure."""

import csv
import io
import posixpath
import re
from dataclasses import dataclass

from digitd.results import PAGE_BREAK

LABELS_FILE = "labels.csv"
PATH_COLUMNS = ("path", "name")
DELIMITERS = ",;\t"
"""What parts the cells: Excel writes a semicolon where the decimal mark is a comma, and a tab as "Unicode text"."""
KEPT_ASIDE = 51
"""Of 256: a fifth of the scans is never trained on, so that there is something to measure by."""
# `hand12-3-label7.png`, `field01-label12_34.jpg`: `_` separates lines, `__` pages.
_IN_NAME = re.compile(r"label([0-9]+(?:__?[0-9]+)*)$")
_PAGE = re.compile(r"(?:[0-9]+(?:_[0-9]+)*)?")


@dataclass(frozen=True)
class Entry:
    """A row of a labels.csv: the text that its scan has, and the line that it stands in, from 1."""

    label: str
    line: int


def in_name(stem: str) -> str | None:
    """The label at the end of a name without its ending, as a result's text; None if it has none."""
    match = _IN_NAME.search(stem)
    return None if match is None else _text(match[1])


def in_table(text: str) -> dict[str, Entry]:
    """Path -> entry of a labels.csv with the columns `path` (or `name`) and `label`, in capitals or not.

    Cells are parted by commas, semicolons or tabs; blanks around them do not count. ValueError, with the line, where
    the columns lack, a row has no path or no label, a label is no digits, or one path has two labels.
    """
    first = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=first.count))
    try:
        names = [cell.strip().casefold() for cell in next(rows, [])]
        key = next((names.index(name) for name in PATH_COLUMNS if name in names), None)
        if key is None or "label" not in names:
            raise ValueError("it needs the columns path (or name) and label")
        value = names.index("label")
        found: dict[str, Entry] = {}
        for row in rows:
            if any(cell.strip() for cell in row):
                path, label = _cells(row, key, value, len(names), rows.line_num)
                entry = found.setdefault(path, Entry(label, rows.line_num))
                if entry.label != label:
                    raise ValueError(f"line {rows.line_num} gives {path} another label than line {entry.line}")
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num} is no CSV ({error})") from error
    return found


def _cells(row: list[str], key: int, value: int, columns: int, line: int) -> tuple[str, str]:
    """A row's path and its label as a result's text."""
    if any(cell.strip() for cell in row[columns:]):
        raise ValueError(f"line {line} has more cells than the first line")
    if len(row) <= max(key, value):
        raise ValueError(f"line {line} has no {'label' if len(row) <= value else 'path'}")
    path, label = row[key].strip(), row[value].strip()
    if not path:
        raise ValueError(f"line {line} has no path")
    # A cell may have a line feed in it as well as a sign for one.
    written = re.sub(r"\s*\n\s*", "_", label)
    if not all(_PAGE.fullmatch(page) for page in written.split("__")):
        raise ValueError(f"line {line} has the label {label!r}, which is no digits (12_34: two lines, 1__2: two pages)")
    return posixpath.normpath(path), _text(written)


def written(text: str) -> str:
    """A result's text as a label: what `in_table` makes of it is the text again."""
    return text.replace(PAGE_BREAK, "__").replace("\n", "_")


def is_kept_aside(sha256: str) -> bool:
    """Whether a file with this SHA-256 is of the fifth that is never trained on: whatever its name and place."""
    return bytes.fromhex(sha256)[0] < KEPT_ASIDE


def _text(label: str) -> str:
    return label.replace("__", PAGE_BREAK).replace("_", "\n")
