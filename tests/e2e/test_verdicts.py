"""Reviews beside a real daemon, and without one: what people say is published, once, and filed."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from digitd.alone import Alone
from digitd.config import load
from digitd.review.desk import Answer, Desk, Item, Kind
from e2e import scans
from e2e.harness import Daemon, House, digitd, wait_for

UNSURE = {"recognition": {"accept": 1.0}, "review": {"undo": 0.05}, "outbox": {"every": "200ms"}}
"""Nothing is sure enough; verdicts are due soon."""


@pytest.fixture
def unsure(tmp_path: Path) -> House:
    """A house in which all goes to review."""
    return House(tmp_path / "house", UNSURE)


@pytest.fixture
def running(unsure: House) -> Iterator[Daemon]:
    """Its daemon, ready."""
    with Daemon(unsure) as daemon:
        yield daemon.wait_ready()


def next_of(desk: Desk, who: str = "anna") -> Item:
    """The next item, once there is one."""
    items: list[Item] = wait_for(lambda: desk.next(who), "something to review")
    return items[0]


def test_beside_the_daemon_a_verdict_is_published_and_filed(unsure: House, running: Daemon) -> None:
    """Within a moment: JSON, the next CSV, the archive; and the log has its line."""
    unsure.drop("sub/scan.png", scans.scan("42"))
    with Desk(load(unsure.config)) as desk:
        item = next_of(desk)
        assert desk.source(item) == unsure.archive / "review" / "sub" / "scan.png"
        given = desk.decide("anna", item.key, Answer(texts=("43",), by="Anna"))
        result = unsure.result("sub/scan.png~2.json")
        assert (result["id"], result["supersedes"], result["text"]) == (given, item.id, "43")
        assert result["verified"]["by"] == "Anna"
        assert unsure.result("sub/scan.png.json")["status"] == "review"
        wait_for(lambda: [row for row in unsure.rows() if row["supersedes"] == item.id], "its row in a CSV")
        wait_for((unsure.archive / "verified" / "sub" / "scan.png").exists, "its file among the verified")
        assert not (unsure.archive / "review" / "sub" / "scan.png").exists()
        running.wait_event("scan_published", status="verified", id=given)
        wait_for(lambda: desk.counts().done_today == 1 and desk.counts().pending == 0, "the count of the day")


def test_the_daemon_is_killed_in_between(unsure: House) -> None:
    """Whatever was said while none ran is published by the next one, once."""
    with Daemon(unsure) as daemon:
        daemon.wait_ready()
        for number in range(4):
            unsure.drop(f"{number}.png", scans.numbered(number))
        wait_for(lambda: len(unsure.results()) == 4, "all read")
        daemon.kill()
    given = []
    with Desk(load(unsure.config)) as desk:
        for _ in range(4):
            item = next_of(desk)
            given.append(desk.decide("anna", item.key, Answer(Kind.NO_DIGITS)))
        assert desk.next("anna") == []
    with Daemon(unsure) as daemon:
        wait_for(lambda: len(unsure.results()) == 8, "all published")
        assert daemon.terminate() == 0
    found = [result["id"] for result in unsure.results() if result["status"] == "verified"]
    assert sorted(found) == sorted(given)
    assert sorted(row["id"] for row in unsure.rows() if row["status"] == "verified") == sorted(given)
    assert unsure.files(unsure.archive / "verified") == {f"{number}.png" for number in range(4)}


def test_a_drain_delivers_what_people_said_though_nothing_waits(unsure: House) -> None:
    """`run --once` with an empty inbox."""
    unsure.drop("a.png", scans.scan(7))
    assert unsure.once().process.returncode == 0
    with Desk(load(unsure.config)) as desk:
        desk.decide("anna", next_of(desk).key, Answer(Kind.UNREADABLE))
        due = desk.next_due()
        assert due is not None
        wait_for(lambda: time.time() > due, "the time in which it could be taken back")
    last = unsure.once()
    assert last.process.returncode == 0
    last.assert_only_events()
    assert unsure.result("a.png~2.json")["verified"]["answer"] == "unreadable"
    assert len(unsure.rows()) == 2


def test_without_a_daemon_it_is_published_and_a_daemon_can_start_any_time(unsure: House) -> None:
    """A page that delivers by itself lets go at once; then the daemon does it."""
    for number in range(6):
        unsure.drop(f"{number}.png", scans.numbered(number))
    assert unsure.once().process.returncode == 0
    settings = load(unsure.config)
    with Desk(settings) as desk:
        alone = Alone(settings, desk.next_due)
        for count in range(1, 4):
            desk.decide("anna", next_of(desk).key, Answer(Kind.NO_DIGITS))
            wait_for(alone.tick, "its delivery")
            assert len(unsure.results()) == 6 + count
        with Daemon(unsure) as daemon:
            while desk.next("anna"):
                desk.decide("anna", next_of(desk).key, Answer(Kind.NO_DIGITS))
                alone.tick()
            wait_for(lambda: len(unsure.results()) == 12, "the rest")
            daemon.wait_ready()
            assert daemon.terminate() == 0
    verified = [result["supersedes"] for result in unsure.results() if result["status"] == "verified"]
    assert len(verified) == len(set(verified)) == 6


def test_a_reload_sends_what_is_verified_elsewhere(unsure: House, running: Daemon) -> None:
    """`sources.verified` may change while it runs."""
    unsure.drop("a.png", scans.scan(7))
    with Desk(load(unsure.config)) as desk:
        item = next_of(desk)
        unsure.configure(UNSURE, {"sources": {"verified": "elsewhere"}})
        assert unsure.run("reload").returncode == 0
        desk.decide("anna", item.key, Answer(texts=("7",)))
        wait_for((unsure.root / "elsewhere" / "a.png").exists, "its file elsewhere")


def test_a_scan_that_takes_the_name_meanwhile_is_read(unsure: House, running: Daemon) -> None:
    """The next scan of the same name has nothing to do with the review of the first."""
    unsure.drop("a.png", scans.numbered(1))
    with Desk(load(unsure.config)) as desk:
        first = next_of(desk)
        desk.decide("anna", first.key, Answer(texts=("1",)))
        unsure.drop("a.png", scans.numbered(2))
        second = next_of(desk)
        assert second.result.source.sha256 != first.result.source.sha256
        wait_for(lambda: len(unsure.results()) == 3, "both read, and one verified")


def test_what_people_said_is_what_is_evaluated(unsure: House) -> None:
    """From the inbox to labels: exported, and measured by `digitd evaluate` as any labelled scans."""
    texts = {f"{number}.png": str(number) * 2 for number in range(6)}
    for name, text in texts.items():
        unsure.drop(name, scans.scan(text))
    assert unsure.once().process.returncode == 0
    settings = load(unsure.config)
    with Desk(settings) as desk:
        for item in desk.next("anna", count=9):
            # Of the first somebody says what is not there: then digitd is wrong about it.
            text = "99" if item.result.source.name == "0.png" else texts[item.result.source.name]
            desk.decide("anna", item.key, Answer(texts=(text,)))
        wait_for(Alone(settings, desk.next_due).close, "their delivery")
        wait_for(lambda: Alone(settings, desk.next_due).close() == 0 and desk.counts().pending == 0, "all of it")
    done = digitd("corrections", "export", "own", "-c", str(unsure.config), cwd=unsure.root)
    assert (done.returncode, done.stdout) == (0, b"6 labelled scans in own\n"), done.stderr
    told = json.loads(unsure.run("evaluate", str(unsure.root / "own"), "--json").stdout)
    assert (told["scans"], told["right"]) == (6, 5)
    assert [(error["label"], error["text"]) for error in told["errors"]] == [("99", "00")]
