"""`make demo-review`: it fills an archive with samples, serves the page, and ends with what was verified."""

import json
import re
import signal
import subprocess
import sys
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from e2e.harness import PATIENCE, ROOT, House, environment, wait_for

pytest.importorskip("uvicorn", reason="the review page's libraries are not installed")


def test_it_can_be_gone_through(house: House) -> None:
    """Scans in doubt wait, and what could not be read; an answer is printed at the end; nothing is left behind."""
    env = environment(house.root, PYTHONUNBUFFERED="1") | {"DISPLAY": "", "WAYLAND_DISPLAY": "", "BROWSER": ""}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "samples" / "review.py")], env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        address = next(line.split()[1] for line in process.stdout if line.startswith("review "))
        opener = build_opener(HTTPCookieProcessor())
        opener.open(address, timeout=PATIENCE).close()
        origin = re.sub(r"/\?.*", "", address)

        def post(path: str, **body: object) -> dict[str, list[dict[str, object]]]:
            headers = {"Origin": origin, "Content-Type": "application/json"}
            data = json.dumps({"who": "d" * 32, **body}).encode()
            with opener.open(Request(origin + path, data, headers), timeout=PATIENCE) as answer:
                found: dict[str, list[dict[str, object]]] = json.loads(answer.read())
            return found

        cards: list[dict[str, object]] = []
        while more := post("/desk/next", count=16, after=[card["key"] for card in cards])["items"]:
            cards += more
        assert len(cards) >= 25 and {"review", "failed"} <= {card["status"] for card in cards}
        post("/desk/decide", key=cards[0]["key"], kind="unreadable")
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.communicate()
    assert "1 verified results are in the outbox" in rest and "unreadable" in rest
    wait_for(lambda: not list((house.root / "tmp").glob("digitd-review-*")), "its folder to be gone")
