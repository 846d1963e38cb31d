"""The desk as a person at a keyboard uses it."""

from typing import TYPE_CHECKING, Any

from e2e.harness import wait_for
from reviewing import Reviewing

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def to_desk(page: "Page", served: Reviewing) -> "Page":
    """Go there, and wait for a scan with its picture."""
    page.goto(f"{served.origin}/desk")
    shown(page)
    return page


def until(page: "Page", expression: str, arg: Any = None) -> Any:
    """Wait until a JavaScript expression is true, and give it. The page's policy forbids playwright's own way of it."""
    return wait_for(lambda: page.evaluate(expression, arg), expression)


def follow(page: "Page", link: "Locator") -> None:
    """Go where a link leads, and wait until all of it is there: after a click the page before might be looked at."""
    page.goto(str(link.evaluate("link => link.href")))
    page.wait_for_load_state("networkidle")


def shown(page: "Page") -> None:
    """Wait until a picture is to be seen."""
    until(page, "document.querySelector('#paper img')?.naturalWidth > 0")


def name(page: "Page") -> str:
    """The scan that is before the person."""
    return page.inner_text("#name")


def field(page: "Page") -> str:
    """What stands in the field."""
    return page.input_value("#text")


def done(page: "Page") -> int:
    """How many answers the server has, by the page's counter."""
    return int(page.inner_text("#done"))


def wait_name(page: "Page", wanted: str) -> None:
    """Wait until this scan is before the person."""
    until(page, "wanted => document.querySelector('#name').textContent === wanted", wanted)


def wait_done(page: "Page", count: int) -> None:
    """Wait until the server has so many answers."""
    until(page, "count => Number(document.querySelector('#done').textContent) === count", count)


def wait_empty(page: "Page") -> None:
    """Wait until nothing is left."""
    until(page, "document.querySelector('#empty-title').textContent === 'Nothing waits' && !current")


def focused(page: "Page") -> str:
    """What the next key goes to."""
    return str(page.evaluate("document.activeElement.id"))


def texts(results: list[dict[str, Any]]) -> dict[str, str]:
    """Of verified results, what they say, by name."""
    return {result["source"]["name"]: result["text"] for result in results}


__all__ = [
    "done",
    "field",
    "focused",
    "name",
    "shown",
    "texts",
    "to_desk",
    "wait_done",
    "wait_empty",
    "wait_for",
    "wait_name",
]
