"""What sources, outbox and profiles in config.yaml change."""

import json
import os

from e2e import scans
from e2e.harness import STATUSES, Daemon, House, wait_for


def sources(what: str) -> dict[str, dict[str, str]]:
    """The same for every status."""
    return {"sources": dict.fromkeys(STATUSES, what)}


def test_keep_leaves_the_inbox_untouched(house: House) -> None:
    """Kept scans stay, are not read again, neither while it runs nor after a restart; one that is touched is."""
    house.configure(sources("keep"), {"inbox": {"rescan": "200ms"}})
    house.drop("a.png", scans.scan(4))
    house.drop("sub/b.png", scans.scan(7))
    house.drop("bad.png", b"no image")
    with Daemon(house) as daemon:
        wait_for(lambda: len(daemon.named("scan_published")) == 3, "three results")
        before = len(daemon.named("rescanned"))
        wait_for(lambda: len(daemon.named("rescanned")) > before + 3, "three more rescans")
        assert len(daemon.named("scan_published")) == 3
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    assert house.files(house.inbox) == {"a.png", "sub/b.png", "bad.png"}
    assert house.files(house.archive) == set()
    assert json.loads(house.run("status", "--json").stdout)["waiting"] == 0
    assert not house.once().named("scan_published")
    os.utime(house.inbox / "a.png", (10**9, 10**9))
    again = house.once()
    [event] = again.named("scan_published")
    assert (event["scan"], event["result"]) == ("a.png", "a.png~2.json")
    assert house.files(house.inbox) == {"a.png", "sub/b.png", "bad.png"}


def test_kept_scan_that_is_replaced_while_it_runs(house: House) -> None:
    """A kept scan that is written anew is a new scan."""
    house.configure(sources("keep"))
    with Daemon(house) as daemon:
        daemon.wait_ready()
        for number, text in enumerate(("4", "7", "8"), 1):
            house.drop("a.png", scans.scan(text))
            suffix = "" if number == 1 else f"~{number}"
            assert house.result(f"a.png{suffix}.json")["text"] == text
        assert daemon.terminate() == 0
    daemon.assert_only_events()


def test_delete(house: House) -> None:
    """Deleted sources are gone once their result is there."""
    house.configure(sources("delete"))
    house.drop("a.png", scans.scan(4))
    house.drop("sub/bad.png", b"no image")
    assert house.once().process.returncode == 0
    assert house.files(house.inbox) == set()
    assert house.files(house.archive) == set()
    assert len(house.results()) == 2


def test_each_status_its_own_way(house: House) -> None:
    """Every status has a target of its own."""
    house.configure({"sources": {"accepted": "delete", "blank": "keep", "failed": "elsewhere/failed"}})
    for name, data in (("a.png", scans.scan(4)), ("blank.png", scans.blank()), ("bad.png", b"no image")):
        house.drop(name, data)
    house.once()
    assert house.files(house.inbox) == {"blank.png"}
    assert house.files(house.root / "elsewhere") == {"failed/bad.png", "failed/bad.png.json"}
    assert house.files(house.archive) == set()


def test_json_lines(house: House) -> None:
    """json: lines publishes rolled JSON Lines files beside the CSV, and no file a scan."""
    house.configure({"outbox": {"json": "lines", "every": "200ms"}})
    with Daemon(house) as daemon:
        daemon.wait_ready()
        for number in range(3):
            house.drop(f"{number}.png", scans.scan(number))
        wait_for(lambda: list(house.outbox.glob("results-*.jsonl")), "a rolled file")
        house.drop("last.png", scans.scan(4))
        daemon.wait_event("scan_published", scan="last.png")
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    lines = [
        json.loads(line)
        for path in sorted(house.outbox.glob("results-*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]
    assert sorted(result["source"]["name"] for result in lines) == ["0.png", "1.png", "2.png", "last.png"]
    assert [row["id"] for row in house.rows()] == [result["id"] for result in lines]
    assert {path.suffix for path in house.outbox.iterdir()} == {".csv", ".jsonl"}


def test_json_off(house: House) -> None:
    """json: off publishes the CSV alone."""
    house.configure({"outbox": {"json": "off"}})
    house.drop("a.png", scans.scan(4))
    house.once()
    assert {path.suffix for path in house.outbox.iterdir()} == {".csv"}
    assert [row["text"] for row in house.rows()] == ["4"]


def test_no_csv(house: House) -> None:
    """csv: false publishes JSON alone."""
    house.configure({"outbox": {"csv": False}})
    house.drop("a.png", scans.scan(4))
    house.once()
    assert house.files(house.outbox) == {"a.png.json"}


def test_rows_limit_a_rolled_file(house: House) -> None:
    """outbox.rows closes a rolled file, and every row is in exactly one."""
    house.configure({"outbox": {"rows": 4}})
    for number in range(10):
        house.drop(f"{number}.png", scans.scan(number))
    house.once()
    assert len(list(house.outbox.glob("results-*.csv"))) == 3
    assert sorted(row["id"] for row in house.rows()) == sorted(result["id"] for result in house.results())


def test_profiles(house: House) -> None:
    """A profile changes how the scans of its folders, and of those below, are read; others are not affected."""
    house.configure({"profiles": {"forms/*": {"digits": 3}, "sure": {"accept": 1.0}}})
    for folder in ("", "forms/", "forms/tax/", "forms/tax/deep/", "sure/"):
        house.drop(f"{folder}scan.png", scans.scan("47"))
    house.once()
    said = {
        result["source"]["path"]: (result["status"], result["reason"] and result["reason"]["code"])
        for result in house.results()
    }
    assert said == {
        "scan.png": ("accepted", None),
        "forms/scan.png": ("review", "digits_expected"),
        "forms/tax/scan.png": ("review", "digits_expected"),
        "forms/tax/deep/scan.png": ("review", "digits_expected"),
        "sure/scan.png": ("review", "low_confidence"),
    }
    assert (house.archive / "review" / "forms" / "tax" / "scan.png").exists()


def test_kept_scans_stay_known_when_sources_move_from_now_on(house: House) -> None:
    """A kept scan has its result: a configuration that files sources reads only what is new."""
    house.configure(sources("keep"))
    house.drop("old.png", scans.scan(4))
    house.once()
    house.configure()
    house.drop("new.png", scans.scan(7))
    assert [event["scan"] for event in house.once().named("scan_published")] == ["new.png"]
    assert house.files(house.inbox) == {"old.png"}
