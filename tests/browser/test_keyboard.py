"""The desk by keyboard alone: every answer, every key, and two hundred scans in a row."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from browser import desk
from browser.conftest import Open
from digitd.results import Status
from e2e import scans
from reviewing import Wanted, numbers, one, verified_in, wait_verified

if TYPE_CHECKING:
    from collections.abc import Callable

    from reviewing import Reviewing

    Serving = Callable[..., Reviewing]

pytestmark = pytest.mark.timeout(180)
MANY = 200


def test_two_hundred_scans_without_a_pointer(serving: "Serving", visit: Open) -> None:
    """Enter where it was read rightly, the right digits where not: each scan has its verified result, once."""
    wanted = numbers(MANY)
    served = serving(*wanted)
    page = visit(served.address)
    # From the first page to the desk, too, by keys.
    page.get_by_role("link", name=f"Review {MANY} scans").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk")
    desk.shown(page)
    truth = {each.name: each.pages[0] for each in wanted}
    seen = []
    for _ in range(MANY):
        # A script is quicker than any person: now and then it has to wait for the next ones.
        desk.until(page, "!!current")
        scan = desk.name(page)
        seen.append(scan)
        assert desk.focused(page) == "text"
        if desk.field(page) != truth[scan]:
            page.keyboard.type(truth[scan])
        page.keyboard.press("Enter")
    assert seen == [each.name for each in wanted]
    desk.wait_done(page, MANY)
    desk.wait_empty(page)
    assert page.evaluate("performance.getEntriesByName('key-to-picture').length") > MANY / 2
    found = wait_verified(served.house, MANY)
    assert len(found) == MANY and desk.texts(found) == truth
    wrong = {each.name for each in wanted if each.read is not None}
    assert {each["source"]["name"] for each in found if each["verified"]["answer"] == "corrected"} == wrong
    assert len({each["supersedes"] for each in found}) == MANY


def test_every_answer_has_its_key(serving: "Serving", visit: Open) -> None:
    """No digits, cannot be read, an alternative, a question mark, two lines; with the name of who says so."""
    wanted = [
        one("0.png", "11"),
        one("1.png", "22"),
        one("2.png", "333", "343"),
        one("3.png", "44"),
        one("4.png", "55"),
    ]
    served = serving(*wanted)
    page = desk.to_desk(visit(served.address), served)
    page.keyboard.press("Shift+Tab")
    while desk.focused(page) != "by":
        page.keyboard.press("Shift+Tab")
    page.keyboard.type("Ada ?")
    page.keyboard.press("Enter")
    assert desk.focused(page) == "text"
    page.keyboard.press("n")
    desk.wait_name(page, "1.png")
    page.keyboard.press("u")
    desk.wait_name(page, "2.png")
    # The digit in the middle is the doubtful one: its first alternative is right.
    assert "Least sure: 4" in page.inner_text("#doubt-words")
    page.keyboard.press("a")
    assert desk.field(page) == "333"
    page.keyboard.press("Enter")
    desk.wait_name(page, "3.png")
    page.keyboard.type("4")
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    desk.wait_name(page, "4.png")
    page.keyboard.type("5")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    desk.wait_done(page, 5)
    found = {each["source"]["name"]: each for each in wait_verified(served.house, 5)}
    answers = [found[each.name]["verified"]["answer"] for each in wanted]
    assert answers == ["no_digits", "unreadable", "corrected", "corrected", "corrected"]
    assert [found[each.name]["text"] for each in wanted] == ["", "", "333", "4?", "5\n5"]
    assert {each["verified"]["by"] for each in found.values()} == {"Ada ?"}


def test_escape_leaves_a_scan_for_the_end(serving: "Serving", visit: Open) -> None:
    """The others come first, then it comes again."""
    served = serving(*(one(f"{place}.png", "7") for place in range(4)))
    page = desk.to_desk(visit(served.address), served)
    page.keyboard.press("Escape")
    order = []
    for _ in range(4):
        desk.until(page, "!document.querySelector('#work').hidden")
        order.append(desk.name(page))
        page.keyboard.press("Enter")
        if len(order) < 4:
            desk.until(page, "before => !!current && current.card.name !== before", order[-1])
    assert order == ["1.png", "2.png", "3.png", "0.png"]
    desk.wait_done(page, 4)


def test_the_last_answer_is_taken_back(serving: "Serving", visit: Open) -> None:
    """Within `review.undo` it never was; what is published already is corrected by another result."""
    served = serving(*(one(f"{place}.png", "7") for place in range(3)), config={"review": {"undo": "1h"}})
    page = desk.to_desk(visit(served.address), served)
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    desk.wait_name(page, "1.png")
    # What was typed is the field's own to undo, first.
    page.keyboard.type("2")
    page.keyboard.press("Control+z")
    assert (desk.name(page), desk.field(page)) == ("1.png", "7")
    page.keyboard.press("Control+z")
    desk.wait_name(page, "0.png")
    assert desk.field(page) == "7"
    for following in ("1.png", "2.png"):
        page.keyboard.press("Enter")
        desk.wait_name(page, following)
    page.keyboard.press("Enter")
    desk.wait_empty(page)
    desk.wait_done(page, 3)
    # One Enter too many does nothing. Nothing is before the person, and the key works all the same.
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    desk.wait_done(page, 3)
    assert page.evaluate("!current")
    page.keyboard.press("Control+z")
    desk.wait_name(page, "2.png")
    assert verified_in(served.house) == []


def test_a_published_answer_is_corrected_by_another(serving: "Serving", visit: Open) -> None:
    """Taken back too late, the verified result itself is shown, and the next answer supersedes it."""
    served = serving(one("a.png", "7"))
    page = desk.to_desk(visit(served.address), served)
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    (first,) = wait_verified(served.house, 1)
    page.keyboard.press("Control+z")
    desk.until(page, "current?.card.status === 'verified'")
    assert desk.field(page) == "1"
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    second = next(each for each in wait_verified(served.house, 2) if each["id"] != first["id"])
    assert (second["text"], second["supersedes"], second["verified"]["answer"]) == ("7", first["id"], "confirmed")


def test_the_field_takes_digits_alone(serving: "Serving", visit: Open) -> None:
    """Letters are keys or nothing, of what is pasted the digits are left; arrows walk over the digits."""
    served = serving(one("a.png", "1234"))
    page = desk.to_desk(visit(served.address), served)
    page.keyboard.type("9q w,8")
    assert desk.field(page) == "98"
    page.keyboard.press("Home")
    page.keyboard.insert_text("a1b 2<")
    assert desk.field(page) == "1298"
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("1234")
    # First to the doubtful one, then to the one before it, which is typed over; then the next is selected.
    page.keyboard.press("ArrowLeft")
    assert "Least sure: 3" in page.inner_text("#doubt-words")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#doubt-words").startswith("2 (2nd of 4")
    page.keyboard.type("77")
    assert desk.field(page) == "1774"


def test_an_input_method_is_let_finish(serving: "Serving", visit: Open) -> None:
    """What it shows meanwhile is its own; full-width digits, as it writes them, are digits in the end."""
    served = serving(one("a.png", "1234"))
    page = desk.to_desk(visit(served.address), served)
    page.keyboard.press("Control+a")
    method = page.context.new_cdp_session(page)
    method.send("Input.imeSetComposition", {"text": "\uff14k", "selectionStart": 2, "selectionEnd": 2})
    assert desk.field(page) == "\uff14k"
    method.send("Input.insertText", {"text": "\uff14\uff12"})
    desk.until(page, "document.querySelector('#text').value === '42'")


def test_a_scan_of_many_pages_is_one_answer(serving: "Serving", visit: Open) -> None:
    """Enter goes through its pages, PageUp back; the last Enter gives all of them at once."""
    served = serving(Wanted("a.tif", ("12", "34", "56"), ("12", "33", "56")), one("b.png", "7"))
    page = desk.to_desk(visit(served.address), served)
    assert page.inner_text("#which") == "page 1 of 3"
    page.keyboard.press("Enter")
    assert page.inner_text("#which") == "page 2 of 3" and desk.name(page) == "a.tif"
    page.keyboard.press("PageUp")
    assert desk.field(page) == "12"
    page.keyboard.press("PageDown")
    page.keyboard.type("34")
    page.keyboard.press("Enter")
    page.keyboard.press("n")
    desk.wait_name(page, "b.png")
    (found,) = wait_verified(served.house, 1)
    assert [each["text"] for each in found["pages"]] == ["12", "34", ""]


def test_what_failed_can_be_answered_too(serving: "Serving", visit: Open) -> None:
    """Where it can be decoded its picture is there, with further pages to be looked for; where not, words are."""
    tiff = Wanted("a.tif", ("12", "34"), status=Status.FAILED)
    broken = Wanted("b.png", ("5",), status=Status.FAILED, data=scans.scan(5)[:-200])
    served = serving(tiff, broken, config={"review": {"undo": 0, "failed": True}})
    page = desk.to_desk(visit(served.address), served)
    page.keyboard.type("12")
    page.keyboard.press("PageDown")
    desk.until(page, "current.page === 1")
    page.keyboard.type("34")
    page.keyboard.press("PageDown")
    desk.until(page, "document.querySelector('#note').textContent !== ''")
    page.keyboard.press("Enter")
    desk.wait_name(page, "b.png")
    page.wait_for_selector("#gone:not([hidden])")
    page.keyboard.press("u")
    found = {each["source"]["name"]: each for each in wait_verified(served.house, 2)}
    assert found["a.tif"]["text"] == "12\f34"
    assert found["b.png"]["verified"]["answer"] == "unreadable"


def test_the_picture_is_moved_by_keys(serving: "Serving", visit: Open) -> None:
    """Larger, smaller, whole or digits, turned, moved, boxes off, light and dark exchanged; and the list of keys."""
    served = serving(one("a.png", "1234"))
    page = desk.to_desk(visit(served.address), served)

    def view() -> dict[str, float]:
        found: dict[str, float] = page.evaluate("({...view})")
        return found

    fitted = view()
    page.keyboard.press("+")
    assert view()["scale"] > fitted["scale"] * 1.3
    page.keyboard.press("Shift+ArrowRight")
    assert view()["x"] > fitted["x"]
    page.wait_for_selector("#map:not([hidden])", state="attached")
    page.keyboard.press("-")
    assert abs(view()["scale"] - fitted["scale"]) < 1e-6
    page.keyboard.press("f")
    assert view()["scale"] > fitted["scale"]
    page.keyboard.press("r")
    page.keyboard.press("r")
    page.keyboard.press("Shift+R")
    assert view()["turn"] == 90
    page.keyboard.press("b")
    assert page.evaluate("getComputedStyle(document.querySelector('#paper svg')).display") == "none"
    page.keyboard.press("i")
    assert "invert" in page.evaluate("getComputedStyle(document.querySelector('#paper img')).filter")
    assert desk.field(page) == "1234"
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    page.keyboard.press("Escape")
    page.wait_for_selector("#keys", state="hidden")
    assert (desk.focused(page), desk.name(page)) == ("text", "a.png")


def test_a_large_page_is_shown_by_its_digits(serving: "Serving", visit: Open) -> None:
    """Where they would be too small to read on the whole page; a small map shows what part it is."""
    paper = np.full((3508, 2480), 255, np.uint8)
    line = scans.page("4711")
    paper[2000 : 2000 + line.shape[0], 300 : 300 + line.shape[1]] = line
    served = serving(Wanted("a4.png", ("4711",), data=scans.encode(paper)))
    page = visit(served.address)
    # The boxes are those of the line alone; on the sheet they lie elsewhere.
    page.route("**/desk/next", lambda route: _on_sheet(route, 300, 2000, 2480, 3508))
    desk.to_desk(page, served)
    assert page.evaluate("view.region")
    assert page.evaluate("sheet().marks[0].box[3] * view.scale") > 100
    assert page.locator("#map").is_visible()
    page.keyboard.press("f")
    assert page.evaluate("sheet().height * view.scale <= stage.clientHeight")
    assert not page.locator("#map").is_visible()
    for _ in range(8):
        page.keyboard.press("+")
    # Far into it, its picture in full takes the place of the reduced one.
    desk.until(page, "document.querySelector('#paper img').naturalWidth === 2480")


def _on_sheet(route: "object", left: int, top: int, width: int, height: int) -> None:
    response = route.fetch()  # type: ignore[attr-defined]
    given = response.json()
    for card in given["items"]:
        for sheet in card["sheets"]:
            sheet["width"], sheet["height"] = width, height
            for mark in sheet["marks"]:
                mark["box"][0] += left
                mark["box"][1] += top
    route.fulfill(response=response, json=given)  # type: ignore[attr-defined]


def test_a_question_mark_is_asked_about_once(serving: "Serving", visit: Open) -> None:
    """What digitd could not read is selected by the first Enter; the second one accepts it, a digit takes its place."""
    served = serving(one("a.png", "123", "1?3"), one("b.png", "123", "1?3"), one("c.png", "7"))
    page = desk.to_desk(visit(served.address), served)
    page.keyboard.press("Enter")
    assert desk.name(page) == "a.png" and "“?”" in page.inner_text("#note")
    page.keyboard.press("2")
    assert desk.field(page) == "123"
    page.keyboard.press("Enter")
    desk.wait_name(page, "b.png")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    desk.wait_name(page, "c.png")
    assert desk.texts(wait_verified(served.house, 2)) == {"a.png": "123", "b.png": "1?3"}


def test_keys_work_wherever_the_focus_was_lost(serving: "Serving", visit: Open) -> None:
    """After a click beside everything, and with the capitals locked."""
    served = serving(*(one(f"{place}.png", "7") for place in range(4)))
    page = desk.to_desk(visit(served.address), served)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("N")
    desk.wait_name(page, "1.png")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Enter")
    desk.wait_name(page, "2.png")
    page.locator("#stage").click()
    page.keyboard.press("U")
    desk.wait_name(page, "3.png")
    answers = [each["verified"]["answer"] for each in wait_verified(served.house, 3)]
    assert sorted(answers) == ["confirmed", "no_digits", "unreadable"]


def test_a_pointer_does_it_too(serving: "Serving", visit: Open) -> None:
    """Each button is what its key is, and the field has the focus again afterwards."""
    served = serving(one("a.png", "12", "13"), *(one(f"{place}.png", "7") for place in range(3)))
    page = desk.to_desk(visit(served.address), served)
    page.get_by_role("group", name="Alternatives").get_by_role("button").first.click()
    assert (desk.field(page), desk.focused(page)) == ("12", "text")
    page.get_by_role("button", name="Accept").click()
    desk.wait_name(page, "0.png")
    for button in ("Larger", "Smaller", "Fit", "Rotate"):
        page.get_by_role("button", name=button).click()
        assert desk.focused(page) == "text"
    box = page.locator("#stage").bounding_box()
    assert box is not None
    before = page.evaluate("view.x")
    page.mouse.move(box["x"] + 300, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 100)
    page.mouse.up()
    assert page.evaluate("view.x") != before or page.evaluate("view.y") > 0
    page.get_by_role("button", name="Skip").click()
    desk.wait_name(page, "1.png")
    page.get_by_role("button", name="No digits here").click()
    desk.wait_name(page, "2.png")
    page.get_by_role("button", name="Keys").click()
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Cannot be read").click()
    desk.until(page, "done === 3")
