"""What labelled scans are labelled with: in a labels.csv beside them, or at the end of the name. Pure."""

import csv
import io
import re

from digitd.results import PAGE_BREAK

LABELS_FILE = "labels.csv"
# `hand12-3-label7.png`, `field01-label12_34.jpg`: `_` separates lines, `__` pages.
_IN_NAME = re.compile(r"label([0-9]+(?:__?[0-9]+)*)$")


def in_name(stem: str) -> str | None:
    """The label at the end of a name without its ending, as a result's text; None if it has none."""
    match = _IN_NAME.search(stem)
    return None if match is None else _text(match[1])


def in_table(text: str) -> dict[str, str]:
    """Path -> text of a labels.csv with the columns `path` (or `name`) and `label`. ValueError where they lack."""
    rows = csv.DictReader(io.StringIO(text))
    columns = set(rows.fieldnames or ())
    key = next((name for name in ("path", "name") if name in columns), None)
    if key is None or "label" not in columns:
        raise ValueError("it needs the columns path (or name) and label")
    found = list(rows)
    for line, row in enumerate(found, 2):
        if row[key] is None or row["label"] is None:
            raise ValueError(f"line {line} has no label")
    return {row[key]: _text(row["label"]) for row in found}


def _text(label: str) -> str:
    return label.replace("__", PAGE_BREAK).replace("_", "\n")
