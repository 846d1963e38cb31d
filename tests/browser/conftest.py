"""A real browser: Debian's Chromium, driven by playwright. Where one of them is missing, these tests are skipped."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import House
from reviewing import QUICK, Reviewing, Wanted, stock

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 30_000
"""An upper limit that a loaded machine does not reach."""
Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Chromium, for the tests of a file. As long as its driver lives, no other test could have an event loop."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (the extra `dev`)")
    program = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium is installed (Debian package: chromium)")
    # Root's Chromium has no sandbox; a container's /dev/shm may be too small for it.
    flags = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Folders whose verdicts are due at once."""
    return House(tmp_path / "house", *QUICK)


@pytest.fixture
def serving(house: House) -> Iterator[Callable[..., Reviewing]]:
    """Fills the folders with scans, and starts `digitd review` on them."""
    started: list[Reviewing] = []

    def serve(*wanted: Wanted, config: dict[str, Any] | None = None) -> Reviewing:
        if config is not None:
            house.configure(*QUICK, config)
        stock(house.root, wanted)
        started.append(Reviewing(house).__enter__())
        return started[-1]

    yield serve
    for each in started:
        each.__exit__()
        assert each.garbage == []


@pytest.fixture
def visit(browser: "Browser") -> Iterator[Open]:
    """Opens pages, each in a browser of its own; afterwards none may have had an error, but for FORGIVEN ones."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def open_page(at: str, *, forgiven: bool = False, **options: Any) -> "Page":
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB"} | options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        if not forgiven:
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", lambda said: wrong.append(said.text) if _is_wrong(said.type, said.text) else None)
        page.goto(at)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def _is_wrong(kind: str, text: str) -> bool:
    """Errors of ours and whatever a policy refused; not that the server was away, which tests bring about."""
    return kind == "error" and "net::ERR" not in text and "Failed to load resource" not in text
