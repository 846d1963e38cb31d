"""How the pages look, on samples that a network has really read: `make pictures-review` keeps them for the README."""

import os
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import pytest

from browser import desk
from browser.conftest import Open
from e2e.harness import ROOT, House
from reviewing import Reviewing

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.timeout(180)
KEPT = "DIGITD_PICTURES"
"""A variable: the folder into which pictures go; without it they are looked at and thrown away."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `make demo-review` fills."""
    folder: Path = tmp_path_factory.mktemp("looks") / "demo"
    runpy.run_path(str(ROOT / "samples" / "review.py"))["fill"](folder)
    return folder


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where they go."""
    folder = Path(os.environ.get(KEPT) or tmp_path)
    folder.mkdir(exist_ok=True)
    return folder


SHOWN = ("line-postcode-2.png", "cards/1-4.png")
"""In the light, and in the dark."""


class Filled(House):
    """A house that is furnished already."""

    def __init__(self, root: Path) -> None:
        self.root, self.config = root, root / "config.yaml"
        self.inbox, self.outbox, self.archive, self.state = (
            root / name for name in ("inbox", "outbox", "archive", "state")
        )


def taken(page: "Page", file: Path, **options: Any) -> None:
    """A picture of the page, which has something on it."""
    page.screenshot(path=file, **options)
    image = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    assert image is not None and image.std() > 8
    # As small as a picture of few colours can be: they lie in a repository.
    shown = cv2.imread(str(file))
    assert shown is not None
    cv2.imwrite(str(file), shown, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def test_how_it_looks(filled: Path, pictures: Path, visit: Open) -> None:
    """Desk, list of keys, overview and result; the desk in the dark, and in a narrow window."""
    with Reviewing(Filled(filled)) as served:
        for theme, ending in (("light", ""), ("dark", "-dark")):
            page = visit(served.address, color_scheme=theme, viewport={"width": 1200, "height": 750})
            # Some are answered, so that there is something to count.
            desk.to_desk(page, served)
            for count in range(1, 4):
                # Which scan comes first, chance decides; those that are to be shown are left.
                while desk.name(page).endswith(SHOWN):
                    before = desk.name(page)
                    page.keyboard.press("Escape")
                    desk.until(
                        page, "before => !!current && document.querySelector('#name').textContent !== before", before
                    )
                # As somebody who had looked at it for a while.
                page.evaluate("began -= 2300")
                page.keyboard.type("1234")
                page.keyboard.press("Enter")
                desk.wait_done(page, count)
            to(page, SHOWN[theme == "dark"])
            taken(page, pictures / f"review-desk{ending}.png")
            if theme == "light":
                page.set_viewport_size({"width": 1200, "height": 950})
                page.goto(served.origin)
                page.wait_for_load_state("networkidle")
                taken(page, pictures / "review-overview.png")
                desk.follow(page, page.locator(".results a", has_text="line-board").first)
                taken(page, pictures / "review-result.png", full_page=True)
            page.context.close()
        page = desk.to_desk(visit(served.address, viewport={"width": 390, "height": 700}), served)
        taken(page, pictures / "review-narrow.png")
        assert served.terminate() == 0


def to(page: "Page", wanted: str) -> None:
    """Skip until a scan whose name ends so is before the person."""
    for _ in range(60):
        desk.until(page, "!!current")
        if desk.name(page).endswith(wanted):
            desk.shown(page)
            return
        page.keyboard.press("Escape")
    raise AssertionError(f"{wanted} does not come")
