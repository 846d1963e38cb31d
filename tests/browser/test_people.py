"""Two people at once, a daemon that is killed, a connection that is lost: no answer is lost, none is doubled."""

import signal
from typing import TYPE_CHECKING

import pytest

from browser import desk
from browser.conftest import Open
from e2e.harness import Daemon, House
from reviewing import numbers, one, verified_in, wait_verified

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from reviewing import Reviewing

    Serving = Callable[..., Reviewing]

pytestmark = pytest.mark.timeout(180)


def step(page: "Page", truth: dict[str, str], seen: list[str]) -> bool:
    """Answer the scan that is before a person, if there is one."""
    if not page.evaluate("!!current"):
        return False
    scan = desk.name(page)
    seen.append(scan)
    if desk.field(page) != truth[scan]:
        page.keyboard.type(truth[scan])
    page.keyboard.press("Enter")
    return True


def check(house: House, truth: dict[str, str]) -> None:
    """Each scan has one verified result, with what is right, in JSON and in the CSV; its file is filed as verified."""
    found = wait_verified(house, len(truth))
    assert sorted(each["source"]["name"] for each in found) == sorted(truth)
    assert desk.texts(found) == truth

    def rows() -> list[dict[str, str]]:
        return [row for row in house.rows() if row["supersedes"]]

    desk.wait_for(lambda: len(rows()) >= len(truth), "their rows")
    assert sorted(row["id"] for row in rows()) == sorted(each["id"] for each in found)
    assert {path.name for path in (house.archive / "verified").iterdir()} == set(truth)


def test_two_people_never_have_the_same_scan(serving: "Serving", visit: Open) -> None:
    """One after the other takes from one queue, until nothing is left: together they have seen each scan once."""
    wanted = numbers(40)
    served = serving(*wanted)
    truth = {each.name: each.pages[0] for each in wanted}
    pages = [desk.to_desk(visit(served.address), served) for _ in range(2)]
    seen: list[list[str]] = [[], []]
    while len(seen[0]) + len(seen[1]) < len(wanted):
        for page, theirs in zip(pages, seen, strict=True):
            step(page, truth, theirs)
    for page, theirs in zip(pages, seen, strict=True):
        desk.wait_done(page, len(theirs))
        desk.wait_empty(page)
    assert sorted(seen[0] + seen[1]) == sorted(truth) and min(map(len, seen)) > 5
    check(served.house, truth)


def test_two_tabs_of_one_browser_are_two_people(serving: "Serving", visit: Open) -> None:
    """Also a tab that was made as a copy of the other, with all that it had stored."""
    served = serving(*numbers(30))
    first = desk.to_desk(visit(served.address), served)
    with first.context.expect_page() as opened:
        first.evaluate("window.open('/desk', '_blank', 'opener')")
    second = opened.value
    desk.shown(second)
    assert first.evaluate("who") != second.evaluate("who")
    held = [set(page.evaluate("held()")) for page in (first, second)]
    assert held[0] and held[1] and not held[0] & held[1]


def test_a_page_that_is_loaded_again_goes_on(serving: "Serving", visit: Open) -> None:
    """It is the same person with the same scans before it; one that is closed lets go of them at once."""
    served = serving(*numbers(12))
    first = desk.to_desk(visit(served.address), served)
    who, name = first.evaluate("who"), desk.name(first)
    first.reload()
    desk.shown(first)
    assert (first.evaluate("who"), desk.name(first)) == (who, name)
    first.goto(served.origin)
    second = desk.to_desk(visit(served.address), served)
    assert desk.name(second) == name


def test_the_daemon_dies_in_between(serving: "Serving", visit: Open) -> None:
    """Killed and started again while people answer: they notice nothing, and every answer is published once."""
    wanted = numbers(36)
    served = serving(*wanted)
    truth = {each.name: each.pages[0] for each in wanted}
    page = desk.to_desk(visit(served.address), served)
    seen: list[str] = []

    def answer(upto: int) -> None:
        while len(seen) < upto:
            step(page, truth, seen)

    answer(6)
    for upto in (16, 26):
        with Daemon(served.house) as daemon:
            daemon.wait_ready()
            answer(upto - 5)
            desk.wait_for(lambda: verified_in(served.house), "the first of them")
            daemon.kill()
            answer(upto)
    answer(len(wanted))
    desk.wait_done(page, len(wanted))
    check(served.house, truth)
    assert served.named("review_failed") == []


def test_what_was_answered_without_a_connection_is_sent_later(serving: "Serving", visit: Open) -> None:
    """The person goes on with what the page holds; it says what is not sent yet, and leaves nothing behind."""
    wanted = numbers(6)
    served = serving(*wanted)
    truth = {each.name: each.pages[0] for each in wanted}
    page = desk.to_desk(visit(served.address), served)
    desk.until(page, "queue.length === 5")
    served.process.send_signal(signal.SIGSTOP)
    page.context.set_offline(True)
    seen: list[str] = []
    for _ in wanted:
        assert step(page, truth, seen)
    desk.until(page, "document.querySelector('#unsent').textContent.includes('6 answers kept here')")
    # Closing it now would ask first.
    assert page.evaluate("!dispatchEvent(new Event('beforeunload', {cancelable: true}))")
    served.process.send_signal(signal.SIGCONT)
    page.context.set_offline(False)
    desk.wait_done(page, len(wanted))
    assert page.evaluate("document.querySelector('#unsent').hidden")
    check(served.house, truth)


def test_what_somebody_else_verified_meanwhile_stays_theirs(serving: "Serving", visit: Open) -> None:
    """Whose lease ran out is told so, and goes on with the next scan."""
    served = serving(one("a.png", "7"), one("b.png", "8"), config={"review": {"lease": "300ms", "undo": 0}})
    sleeper = visit(served.address)
    # Asleep, a machine renews nothing.
    sleeper.route("**/desk/renew", lambda route: route.abort())
    desk.to_desk(sleeper, served)
    other = visit(served.address)
    other.goto(f"{served.origin}/desk")
    desk.wait_for(lambda: other.evaluate("current?.card.name") == "a.png", "the lease to end")
    other.keyboard.type("1")
    other.keyboard.press("Enter")
    desk.wait_done(other, 1)
    sleeper.keyboard.type("2")
    sleeper.keyboard.press("Enter")
    desk.until(sleeper, "document.querySelector('#note').textContent.startsWith('a.png: ')")
    assert "1" in desk.texts(wait_verified(served.house, 1))["a.png"]
