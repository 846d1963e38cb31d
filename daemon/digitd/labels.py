"""What labelled scans are labelled with: in a labels.csv beside them, or at the end of the name. Pure."""

import csv
import io
import re

LABELS_FILE = "labels.csv"
# `hand12-3-label7.png`, `field01-label12_34.jpg`: rows are separated by `_`.
_IN_NAME = re.compile(r"label([0-9]+(?:_[0-9]+)*)$")


def in_name(stem: str) -> str | None:
    """The label at the end of a name without its ending, its rows on lines; None if it has none."""
    match = _IN_NAME.search(stem)
    return None if match is None else match[1].replace("_", "\n")


def in_table(text: str) -> dict[str, str]:
    """Path -> label of a labels.csv with the columns `path` (or `name`) and `label`. ValueError where they lack."""
    rows = csv.DictReader(io.StringIO(text))
    columns = set(rows.fieldnames or ())
    key = next((name for name in ("path", "name") if name in columns), None)
    if key is None or "label" not in columns:
        raise ValueError("it needs the columns path (or name) and label")
    return {row[key]: row["label"].replace("_", "\n") for row in rows}
