"""Pages of the documentation as tests read them: their tables, and the messages of docs/errors.md."""

import re
from collections import defaultdict
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"
VARIES = "…"
"""In a message of the page: what differs from case to case."""


def table(page: Path, *columns: str) -> list[list[str]]:
    """The rows of every table of the page whose header begins with these columns."""
    rows: list[list[str]] = []
    wanted = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            wanted = False
            continue
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells[: len(columns)] == list(columns):
            wanted = True
        elif wanted and not set(cells[0]) <= set("-: "):
            rows.append(cells)
    assert rows, f"{page.name} has no table with the columns {columns}"
    return rows


def codes(cell: str) -> list[str]:
    """What stands in back ticks; two of them, with blanks, where what they hold has some of its own."""
    return [double.strip() or single for double, single in re.findall(r"``(.+?)``|`([^`]+)`", cell)]


def messages() -> dict[str, list[str]]:
    """Every message of the page, by reason code or by the name of the refusal."""
    found: dict[str, list[str]] = defaultdict(list)
    for first in ("code", "code of a broken file", "refusal"):
        for code, cell, *_ in table(PAGE, first, "message"):
            # What stands for more of the same is a hint to the reader.
            told = [each for each in codes(cell) if each != "digitd read" and each != "the … ends …"]
            found[codes(code)[0]] += told
    return found


def pattern(form: str) -> str:
    """A regular expression of a message of the page."""
    return ".*?".join(map(re.escape, form.split(VARIES)))


def fits(form: str, message: str) -> bool:
    """Whether a message, without its remedy, is one of this form."""
    return re.fullmatch(pattern(form), message, re.DOTALL) is not None


def fits_whole(form: str, message: str) -> bool:
    """Whether a message and the remedy after it is one of this form."""
    return re.fullmatch(rf"{pattern(form)}\. .+[.?!]", message, re.DOTALL) is not None
