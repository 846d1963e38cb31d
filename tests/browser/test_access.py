"""The pages for everybody: axe-core finds nothing, in light and dark; narrow windows; hostile names; the policy."""

import hashlib
import http.server
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from browser import desk
from browser.conftest import Open
from digitd.results import Status
from hostile.names import NAMES
from reviewing import Wanted, numbers, one

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from reviewing import Reviewing

    Serving = Callable[..., Reviewing]

pytestmark = pytest.mark.timeout(180)
AXE_SHA256 = "84494fec757e4710dc751c8d7a636e457f4532f08f85c86dc9070133fbff53bc"
"""Of axe-core's own file: which rules judge the pages."""
NARROW = {"width": 320, "height": 640}
"""What 1280 pixels are at 400 %: WCAG 2.2, 1.4.10."""
MANY = [
    *numbers(4),
    one("accepted.png", "5", status=Status.ACCEPTED),
    Wanted("failed.png", ("6",), status=Status.FAILED),
    Wanted("pages.tif", ("12", "34")),
    one("folder/inner/b.png", "3141592653", "3141592658"),
]


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core, as a test dependency brings it."""
    found = find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("axe-core is not installed (the extra `dev`)")
    script = (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")
    assert hashlib.sha256(script.encode()).hexdigest() == AXE_SHA256
    return script


def violations(page: "Page", axe: str) -> list[str]:
    """What axe-core says is wrong with a page: every rule of WCAG 2.2 A and AA, and what it calls best practice."""
    page.evaluate(axe)
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert "color-contrast" in {each["id"] for each in found["passes"]}
    return [
        f"{each['id']}: {node['html']} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 320)])
def test_axe_finds_nothing(serving: "Serving", visit: Open, axe: str, theme: str, width: int) -> None:
    """The overview, a result, the desk with a scan, with its keys, with a message, with nothing left; and a refusal."""
    served = serving(*MANY)
    page = visit(served.address, color_scheme=theme, viewport={"width": width, "height": 720})
    assert violations(page, axe) == []
    for summary in page.locator("summary").all():
        summary.click()
    assert violations(page, axe) == []
    desk.follow(page, page.get_by_role("link", name="3141592658"))
    assert violations(page, axe) == []
    page.goto(f"{served.origin}/results/1-none")
    assert violations(page, axe) == []
    desk.to_desk(page, served)
    assert violations(page, axe) == []
    page.evaluate("note('A remark.', true)")
    assert violations(page, axe) == []
    page.keyboard.press("?")
    assert violations(page, axe) == []
    page.keyboard.press("Escape")
    page.evaluate("queue = []; exhausted = true; fetching = true; next()")
    page.wait_for_selector("#empty:not([hidden])")
    assert violations(page, axe) == []


def test_every_control_is_reached_by_tab_and_has_a_name(serving: "Serving", visit: Open) -> None:
    """In the order in which they stand, and round again to the first: nothing keeps the focus."""
    served = serving(one("a.png", "123", "143"))
    page = desk.to_desk(visit(served.address), served)
    names = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.innerText || document.activeElement.id")
        if name in names:
            break
        names.append(" ".join(name.split()))
    said = " ".join(names)
    for wanted in (
        "Accept",
        "No digits here",
        "Cannot be read",
        "Skip",
        "Take back",
        "Larger",
        "Rotate",
        "Keys",
        "by",
        "Overview",
    ):
        assert wanted in said, names
    tree = page.locator("body").aria_snapshot()
    for wanted in (
        'textbox "Digits on the scan"',
        'textbox "Name"',
        'img "Scan a.png, page 1"',
        'group "Alternatives"',
    ):
        assert wanted in tree


def test_what_is_shown_is_said(serving: "Serving", visit: Open) -> None:
    """A screen reader hears the scan, its digits one by one, and the doubt, each time another one comes."""
    served = serving(one("a.png", "12", "13"), one("b.png", "45"))
    page = desk.to_desk(visit(served.address), served)
    said = page.locator("#said")
    assert said.get_attribute("role") == "status"
    assert said.inner_text() == "a.png. Read: 1 3. Least sure: 3 (2nd of 2, 61.3 %), may be"
    page.keyboard.press("Enter")
    desk.until(page, "document.querySelector('#said').textContent.startsWith('b.png. Read: 4 5.')")


def test_a_narrow_window_needs_no_scrolling_across(serving: "Serving", visit: Open) -> None:
    """Everything is to be seen in 320 pixels, the field and the picture together, long texts and names too."""
    long = one("a" * 200 + ".png", "3141592653589793238462643", None)
    served = serving(long, *MANY)
    page = visit(served.address, viewport=NARROW)
    for path in ("/", "/results/", "/desk"):
        if path == "/results/":
            desk.follow(page, page.locator(".results a").last)
        else:
            page.goto(f"{served.origin}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], path
    desk.shown(page)
    for part in ("#text", "#accept", "#paper img"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["x"] >= 0 and box["x"] + box["width"] <= NARROW["width"], part
        assert box["y"] >= 0 and box["y"] + box["height"] <= NARROW["height"], part
    assert page.evaluate("stage.clientHeight") >= 110


def test_dark_is_dark(serving: "Serving", visit: Open) -> None:
    """By what the system asks for: the ground is dark, the writing light, and a white scan does not dazzle."""
    served = serving(one("a.png", "7"))
    looks = {}
    for theme in ("light", "dark"):
        page = desk.to_desk(visit(served.address, color_scheme=theme), served)
        looks[theme] = page.evaluate(
            """[document.body, field, $('panel')].map(
                (one) => Number(getComputedStyle(one).backgroundColor.match(/[0-9]+/)[0]))"""
        )
        bright = page.evaluate("getComputedStyle(document.querySelector('#paper img')).filter")
        assert (bright == "brightness(0.88)") is (theme == "dark")
        page.goto(served.origin)
    assert min(looks["light"]) > 200 and max(looks["dark"]) < 60


def test_hostile_names_do_nothing(serving: "Serving", visit: Open) -> None:
    """Scripts, controls, formulas, no UTF-8: each is text, on the desk, in lists and in a result of its own."""
    names = sorted({name.decode("utf-8", "surrogateescape") for name in NAMES if len(name) < 200})
    served = serving(*(one(name, "7") for name in names))
    page = visit(served.address)
    ran: list[str] = []
    page.on("dialog", lambda dialog: ran.append(dialog.message))
    older = page.get_by_role("link", name="Older")
    seen = set()
    while True:
        seen |= set(page.locator(".results a").evaluate_all("links => links.map((one) => one.getAttribute('href'))"))
        if older.count() == 0:
            break
        desk.follow(page, older)
    assert len(seen) == len(names)
    shown = []
    desk.to_desk(page, served)
    for _ in names:
        desk.until(page, "!!current")
        shown.append(page.evaluate("document.querySelector('#name').textContent"))
        page.keyboard.press("Enter")
    assert len(set(shown)) == len(names)
    assert any("<img src=x onerror=alert(1)>" in name for name in shown)
    assert all(name.isprintable() for name in shown)
    assert page.evaluate("document.querySelectorAll('#about img, #about script').length") == 0
    assert ran == []
    desk.wait_done(page, len(names))


def test_the_policy_holds(serving: "Serving", visit: Open) -> None:
    """No script within the page, none from elsewhere, no style, no frame, no request to another host is let through."""
    served = serving(one("a.png", "7"))
    page = desk.to_desk(visit(served.address, forgiven=True), served)
    page.evaluate(
        """() => {
        window.violated = [];
        document.addEventListener('securitypolicyviolation', (event) => violated.push(event.effectiveDirective));
        const add = (tag, set) => { const one = document.createElement(tag); set(one); document.body.append(one); };
        try { document.body.insertAdjacentHTML('beforeend', '<b>x</b>'); } catch { violated.push('thrown'); }
        add('img', (one) => { one.src = 'http://192.0.2.1/x.png'; });
        add('iframe', (one) => { one.src = '/'; });
        add('b', (one) => { one.setAttribute('style', 'color: red'); });
        fetch('http://192.0.2.1/').catch(() => {});
    }"""
    )
    wanted = {"thrown", "img-src", "frame-src", "style-src-attr", "connect-src"}
    desk.wait_for(lambda: wanted <= set(page.evaluate("violated")), f"{wanted}")


def test_another_page_cannot_use_it(serving: "Serving", visit: Open, browser: Any) -> None:
    """A page of another origin in the same browser, logged in or not: no picture, no frame, no form gets through."""
    served = serving(one("a.png", "7"))
    page = desk.to_desk(visit(served.address), served)
    picture = served.origin + page.evaluate("current.card.sheets[0].picture")
    body = f"""<img id=i src="{picture}"><iframe id=f src="{served.origin}/"></iframe>
        <form id=p method=post action="{served.origin}/desk/release" enctype=text/plain>
        <input name='{{"who":"' value='x"}}'></form>"""

    class Elsewhere(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            evil = page.context.new_page()
            evil.goto(f"http://127.0.0.1:{server.server_address[1]}/")
            desk.wait_for(lambda: evil.evaluate("i.complete"), "the picture's end")
            assert evil.evaluate("i.naturalWidth") == 0
            ask = f"fetch('{served.origin}/desk/next', {{method: 'POST', body: '{{}}', credentials: 'include'}})"
            assert evil.evaluate(f"{ask}.then(() => 'read', () => 'refused')") == "refused"
            with evil.expect_navigation() as gone:
                evil.evaluate("p.submit()")
            assert gone.value is not None and gone.value.status == 403
            evil.close()
        finally:
            server.shutdown()
    assert {event["why"] for event in served.named("review_refused")} == {"origin"}
