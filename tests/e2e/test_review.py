"""`digitd review` as a process: where it listens, what it prints and opens, how it ends, what it takes."""

import json
import os
import signal
import socket
import stat
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

import numpy as np
import psutil
import pytest

from digitd.errors import ExitCode
from digitd.results import Status
from digitd.review.tokens import FILE_NAME
from e2e import scans
from e2e.harness import Daemon, House, wait_for
from reviewing import QUICK, Reviewing, Wanted, numbers, one, stock, verified_in, wait_verified

pytest.importorskip("uvicorn", reason="the review page's libraries are not installed")

WHO = "e" * 32
MEMORY_MOST = 120 << 20
"""Bytes that the process may hold; its painter is another one, and has as many."""


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Folders whose verdicts are due at once."""
    return House(tmp_path / "house", *QUICK)


class Client:
    """A page's script, without a browser."""

    def __init__(self, served: Reviewing) -> None:
        self._served, self._opener = served, served.opened()

    def post(self, path: str, **body: Any) -> Any:
        data = json.dumps({"who": WHO, **body}).encode()
        headers = {"Origin": self._served.origin, "Content-Type": "application/json"}
        with self._opener.open(Request(self._served.origin + path, data=data, headers=headers)) as answer:
            return json.loads(answer.read() or b"null")

    def get(self, path: str) -> bytes:
        with self._opener.open(self._served.origin + path) as answer:
            found: bytes = answer.read()
        return found

    def items(self, count: int = 16) -> list[Any]:
        found: list[Any] = self.post("/desk/next", count=count)["items"]
        return found

    def decide(self, card: Any, text: str) -> None:
        self.post("/desk/decide", key=card["key"], kind="text", texts=[text])


def wait_ended(family: list[psutil.Process]) -> None:
    """Wait until none of these processes is left."""
    wait_for(lambda: not any(each.is_running() for each in family), "the painter's end")


def test_it_listens_on_this_machine_alone(house: House) -> None:
    """By default at 127.0.0.1 and at no other address; what is said of it is an event."""
    with Reviewing(house) as served:
        listening = [each for each in psutil.Process(served.process.pid).net_connections() if each.status == "LISTEN"]
        assert [(each.laddr.ip, each.laddr.port) for each in listening] == [("127.0.0.1", served.port)]
        assert served.named("review_exposed") == []
        for address in ("127.0.0.2", "::1"):
            with pytest.raises(OSError, match="refused"), socket.create_connection((address, served.port), 10):
                pass
        assert served.terminate() == 0


def test_another_address_is_configured_and_warned_of(house: House) -> None:
    """All addresses, where somebody wants that: then a warning is in the log. Names are still refused."""
    house.configure({"review": {"host": "0.0.0.0"}})
    with Reviewing(house) as served:
        (event,) = wait_for(lambda: served.named("review_exposed"), "the warning")
        assert (event["level"], event["address"]) == ("warning", "0.0.0.0")
        assert served.address.startswith("http://127.0.0.1:")
        connection = HTTPConnection("127.0.0.2", served.port, timeout=10)
        for host, status in (("evil.example", 403), ("127.0.0.2", 303)):
            connection.request("GET", f"/?token={served.token}", headers={"Host": host})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status
        connection.close()


def test_every_way_in_but_the_right_one_is_refused(house: House) -> None:
    """Through the real server: an unknown host, origin or token gets 403 and a line in the log, with the headers."""
    with Reviewing(house) as served:
        connection = HTTPConnection("127.0.0.1", served.port, timeout=10)
        ours = f"127.0.0.1:{served.port}"
        cookie = f"digitd-review-{served.port}={served.token}"
        tries: list[tuple[str, str, dict[str, str]]] = [
            ("host", "GET", {"Host": "evil.example", "Cookie": cookie}),
            ("origin", "POST", {"Host": ours, "Origin": "http://evil.example", "Cookie": cookie}),
            ("token", "GET", {"Host": ours}),
        ]
        for why, method, headers in tries:
            connection.request(method, "/", headers=headers, body=b"" if method == "POST" else None)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 403, why
            assert answer.getheader("content-security-policy", "").startswith("default-src 'none'")
            assert answer.getheader("server") is None
        connection.close()
        wait_for(lambda: len(served.named("review_refused")) == len(tries), "a line for each")
        assert [event["why"] for event in served.named("review_refused")] == [why for why, *_ in tries]
        assert served.token not in json.dumps(served.events)


def test_headers_and_lines_are_bounded(house: House) -> None:
    """A request whose head does not end is hung up on, and the next one is answered."""
    with Reviewing(house) as served:
        with socket.create_connection(("127.0.0.1", served.port), 10) as hostile:
            hostile.settimeout(10)
            sent = 0
            try:
                while sent < 1 << 22:
                    sent += hostile.send(b"GET /" + b"a" * 65536 if not sent else b"a" * 65536)
            except OSError:
                pass
            assert sent < 1 << 22 or b"400" in hostile.recv(4096)
        assert Client(served).items() == []


def test_it_ends_with_every_signal_and_leaves_nothing(house: House) -> None:
    """Exit code 0, no process left, and what people said shortly before is published all the same."""
    house.configure({"review": {"undo": 0}})  # without a daemon, verdicts gather for seconds
    wanted = numbers(3)
    stock(house.root, wanted)
    for number, signal_ in enumerate((signal.SIGTERM, signal.SIGINT, signal.SIGHUP), 1):
        with Reviewing(house) as served:
            client = Client(served)
            client.decide(client.items(1)[0], "12")
            family = served.family()
            assert len(family) == 1
            assert served.terminate(signal_) == 0
            wait_ended(family)
            assert served.named("review_stopped") and served.garbage == []
        assert len(verified_in(house)) == number


def test_a_painter_does_not_outlive_it(house: House) -> None:
    """Not even where it is killed."""
    with Reviewing(house) as served:
        family = served.family()
        served.process.kill()
        wait_ended(family)


def test_a_port_that_is_taken_is_told(house: House) -> None:
    """With what to do, as every refusal."""
    with Reviewing(house) as served:
        refused = house.run("review", "--no-browser", "--port", str(served.port))
    assert refused.returncode == ExitCode.USAGE
    assert f"port {served.port} of 127.0.0.1 cannot be had (Address already in use)" in refused.stderr.decode()
    assert b"--port" in refused.stderr


def test_addresses_go_on_after_a_restart(house: House) -> None:
    """The token is kept in the state folder, for its owner alone, until it is to be made anew."""
    with Reviewing(house) as served:
        first = served.token
    file = house.state / FILE_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with Reviewing(house) as served:
        assert served.token == first
    with Reviewing(house, "--new-token") as served:
        assert served.token != first
        connection = HTTPConnection("127.0.0.1", served.port, timeout=10)
        connection.request("GET", f"/?token={first}")
        assert connection.getresponse().status == 403
        connection.close()


def test_the_browser_is_opened_without_the_token(house: House) -> None:
    """With a ticket that is good once: everybody on the machine can see how a program is started."""
    said = house.root / "said"
    program = house.root / "browser"
    program.write_text(f'#!/bin/sh\nprintf %s "$1" > {said}.new && mv {said}.new {said}\n', encoding="utf-8")
    program.chmod(0o755)
    served = Reviewing(house, BROWSER=str(program))
    served._command.remove("--no-browser")
    with served:
        address = wait_for(lambda: said.exists() and said.read_text(encoding="utf-8"), "the browser")
        assert address.startswith(f"{served.origin}/?token=")
        assert served.token not in address
        connection = HTTPConnection("127.0.0.1", served.port, timeout=10)
        for status in (303, 403):
            connection.request("GET", address.removeprefix(served.origin))
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status
        connection.close()


def test_who_looks_can_read_and_not_change(house: House) -> None:
    """The second address is for looking."""
    stock(house.root, [one("a.png", "7")])
    with Reviewing(house) as served:
        served.address, verify = served.looking, served.address
        client = Client(served)
        assert b"a.png" in client.get("/")
        with pytest.raises(HTTPError, match="403"):
            client.items()
        served.address = verify
        assert len(Client(served).items()) == 1


def test_it_works_beside_the_daemon_and_without_it(house: House) -> None:
    """What the daemon reads comes to the desk, what is said goes to the outbox: by the daemon, or else by itself."""
    house.configure(*QUICK, {"recognition": {"accept": 1.0}})
    with Reviewing(house) as served:
        client = Client(served)
        with Daemon(house) as daemon:
            daemon.wait_ready()
            house.drop("first.png", scans.scan("47"))
            house.drop("second.png", scans.scan("11"))
            cards = wait_for(lambda: items if len(items := client.items()) == 2 else None, "both on the desk")
            client.decide(cards[0], "47")
            (found,) = wait_verified(house, 1)
            wait_for(lambda: b">Healthy<" in client.get("/"), "the overview to say so")
            assert daemon.terminate() == 0
        client.decide(cards[1], "12")
        both = wait_verified(house, 2)
        wait_for(lambda: b"The daemon does not run." in client.get("/"), "the overview to say so")
    assert found["text"] == "47" and sorted(each["text"] for each in both) == ["12", "47"]
    assert {path.name for path in (house.archive / "verified").iterdir()} == {"first.png", "second.png"}
    assert list((house.archive / "review").iterdir()) == []


def test_it_is_small(house: House) -> None:
    """After a hundred scans with their pictures, among them large ones, and every page: below 120 MB."""
    large = np.random.default_rng(0).integers(100, 255, (3508, 2480)).astype(np.uint8)
    heavy = [Wanted(f"large-{number}.png", ("7",), data=scans.encode(large + number)) for number in range(3)]
    accepted = [one(f"accepted-{number}.png", str(number), status=Status.ACCEPTED) for number in range(20)]
    stock(house.root, [*heavy, *numbers(80), *accepted])
    with Reviewing(house) as served:
        client = Client(served)
        seen = 0
        while cards := client.items():
            for card in cards:
                for view in ("picture", "full"):
                    client.get(card["sheets"][0][view])
                client.get(card["sheets"][0]["picture"].removesuffix("page") + "ink")
                client.get(f"/results/{card['key']}")
                client.decide(card, "12")
                seen += 1
            client.get("/")
        assert seen == 83
        main = psutil.Process(served.process.pid)
        peak = int(Path(f"/proc/{main.pid}/status").read_text(encoding="ascii").split("VmHWM:")[1].split()[0]) << 10
        assert main.memory_info().rss <= peak < MEMORY_MOST, peak
        assert os.path.exists(f"/proc/{served.family()[0].pid}")
