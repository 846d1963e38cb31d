"""A report as one HTML page: pictures in it, nothing from elsewhere, readable in light and in dark. Pure."""

import base64
from collections.abc import Iterable, Mapping
from html import escape

from digitd.evaluation import words
from digitd.evaluation.figures import Figures

STYLE = """
:root { color-scheme: light dark; --ground: #fff; --text: #20242c; --quiet: #5d6673; --line: #dfe3e8; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #16191e; --text: #e4e7eb; --quiet: #9aa3ae; --line: #353b44; --bad: #ff8a80; }
}
body { background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto;
  max-width: 80rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
table { border-collapse: collapse; } td, th { border-bottom: 1px solid var(--line); padding: .3rem 1.2rem .3rem 0;
  text-align: left; vertical-align: top; }
th { font-weight: 600; } td.name { overflow-wrap: anywhere; max-width: 28rem; } .quiet { color: var(--quiet); }
.accepted { color: var(--bad); font-weight: 600; }
.scroll { overflow-x: auto; }
pre { background: color-mix(in srgb, var(--text) 7%, transparent); padding: .8rem; width: fit-content; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
img { background: #fff; border: 1px solid var(--line); border-radius: 6px; height: auto; max-width: 100%; }
.plots img { flex: 1 1 22rem; max-width: 38rem; min-width: 0; }
"""
LISTED = 500
"""Errors that are listed: a page with 10,000 opens in no browser at once."""
PLOTS = {
    "risk-coverage.png": "Risk over coverage: how many of the accepted are wrong, over how many are accepted.",
    "reliability.png": "Reliability: the share that is right of the readings given a confidence.",
    "confusion.png": "Confusion: which digits were read as which.",
}
SHEET = "errors.png"
PAGE = "index.html"
FILES = (PAGE, SHEET, *PLOTS)
"""What a report's folder has."""


def page(found: Figures, pictures: Mapping[str, bytes]) -> str:
    """The page; `pictures` are PNG files' bytes by their names, those of PLOTS and SHEET."""
    choice = [] if found.choice is None else list(words.threshold(found.choice, found))
    # After the empty line stands what is to be copied.
    sentences, lines = choice, []
    if "recognition:" in choice:
        place = choice.index("recognition:")
        sentences, lines = [each for each in choice[:place] if each], choice[place:]
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>digitd evaluate: {found.total:,} {found.of}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
            f"<h1>How good the reading is on {found.total:,} {found.of}</h1>\n",
            _table((), [(first, second, ("quiet", third)) for first, second, third in words.rows(found)]),
            "<h2>A threshold</h2>\n" if choice else "",
            *(f"<p>{escape(each)}</p>\n" for each in sentences),
            f"<pre>{escape(chr(10).join(lines))}</pre>\n" if lines else "",
            "<h2>What a threshold gives</h2>\n",
            _table(("accepted", "from a confidence of", "wrong of them"), words.risks(found)),
            '<h2>Pictures</h2>\n<div class="plots">\n',
            *(_image(pictures[name], text) for name, text in PLOTS.items()),
            f"</div>\n<h2>The worst errors</h2>\n{_image(pictures[SHEET], 'Each error with its picture.')}",
            _errors(found),
            "</body>\n</html>\n",
        ]
    )


def _errors(found: Figures) -> str:
    if not found.errors:
        return ""
    rows = [
        (
            ("name", case.name),
            words.one_line(case.label),
            words.one_line(case.text),
            "" if case.confidence is None else f"{case.confidence:.4f}",
            (case.status, case.status),
            case.reason or "",
        )
        for case in found.errors[:LISTED]
    ]
    more = len(found.errors) - len(rows)
    rest = f'<p class="quiet">... and {more:,} more: digitd evaluate --json has all.</p>\n' if more else ""
    return (
        _table(("scan" if found.of == "scans" else "image", "is", "read as", "confidence", "status", "reason"), rows)
        + rest
    )


def _table(header: Iterable[str], rows: Iterable[Iterable[str | tuple[str, str]]]) -> str:
    """A table; a cell that is a pair has a class."""
    head = "".join(f"<th>{escape(each)}</th>" for each in header)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in rows)
    return f'<div class="scroll"><table>\n{f"<tr>{head}</tr>" if head else ""}\n{body}</table></div>\n'


def _cell(cell: str | tuple[str, str]) -> str:
    if isinstance(cell, str):
        return f"<td>{escape(cell)}</td>"
    return f'<td class="{cell[0]}">{escape(cell[1])}</td>'


def _image(data: bytes, text: str) -> str:
    return f'<img alt="{escape(text)}" src="data:image/png;base64,{base64.b64encode(data).decode("ascii")}">\n'
