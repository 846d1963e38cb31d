"""Every message of the code is on docs/errors.md, under its code, and every message there is one of the code."""

import ast
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from digitd import service
from digitd.errors import DigitdError, ExitCode
from doctables import PAGE, VARIES, codes, fits, fits_whole, messages, table

SOURCE = Path(service.__file__).parent
LEAST = 5
"""Characters of fixed text that say something; less is punctuation."""


def kinds(kind: type[DigitdError] = DigitdError) -> Iterator[type[DigitdError]]:
    """Every error that digitd can name, but for those of wrong usage, which need no page."""
    for below in kind.__subclasses__():
        if below.exit_code is not ExitCode.USAGE:
            yield below
        yield from kinds(below)


CODES = {kind.__name__: kind.code for kind in kinds()}


def texts(node: ast.expr) -> list[str]:
    """What a text in the code can be, with `…` for what only a run knows; nothing where it is no text."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.IfExp):
        return texts(node.body) + texts(node.orelse)
    if not isinstance(node, ast.JoinedStr):
        return []
    parts = [texts(each) if isinstance(each, ast.Constant) else _varying(each) for each in node.values]
    return ["".join(each) for each in product(*parts)]


def _varying(node: ast.expr) -> list[str]:
    value = node.value if isinstance(node, ast.FormattedValue) else node
    return texts(value) if isinstance(value, ast.IfExp) and texts(value) else [VARIES]


def nodes() -> Iterator[ast.AST]:
    """All of the package's code."""
    for file in SOURCE.rglob("*.py"):
        yield from ast.walk(ast.parse(file.read_text(encoding="utf-8")))


def raised() -> Iterator[tuple[str, str]]:
    """Code and cause of every error that is made with its text in place."""
    for node in nodes():
        if isinstance(node, ast.Call) and node.args and (code := CODES.get(ast.unparse(node.func).split(".")[-1])):
            yield from ((code, text) for text in texts(node.args[0]))


def doubted() -> Iterator[tuple[str, str]]:
    """Code and message of every reason that is made with both in place, without the scan's name.

    One whose cause only a run knows is made for real in e2e/test_errors_page.py.
    """
    for node in nodes():
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Reason" and len(node.args) == 2:
            for code, message in product(texts(node.args[0]), texts(node.args[1])):
                cause = message.removeprefix(f"{VARIES}: ")
                if not cause.startswith(VARIES):
                    yield code, cause


def test_every_error_of_the_code_is_on_the_page() -> None:
    """Whoever searches the page for a message that digitd printed finds it, under the code that came with it."""
    known = messages()
    found = list(raised())
    assert len(found) > 100, "the errors are made in another way than this test looks for"
    assert [(code, text) for code, text in found if not any(fits(form, text) for form in known[code])] == []


def test_every_doubt_of_the_code_is_on_the_page() -> None:
    """The same for why a reading went to review."""
    known = messages()
    found = list(doubted())
    assert len(found) >= 6
    assert [(code, text) for code, text in found if not any(fits_whole(form, text) for form in known[code])] == []


@pytest.mark.parametrize("code", messages())
def test_every_message_of_the_page_is_in_the_code(code: str) -> None:
    """A message that was reworded does not stay on the page: its fixed parts are texts of the code."""
    there = [text for node in nodes() if isinstance(node, ast.Constant | ast.JoinedStr) for text in texts(node)]
    for form in messages()[code]:
        for part in form.split(VARIES):
            assert len(part.strip()) < LEAST or any(part in text for text in there), f"{form}: {part!r}"


def test_every_code_has_a_message() -> None:
    """Each reason code, and each refusal but wrong usage, has at least one; and no other code has any."""
    reasons = {codes(row[0])[0] for row in table(PAGE, "code", "message")}
    assert {code for code, forms in messages().items() if forms} == reasons | (set(CODES.values()) - {"error"})
