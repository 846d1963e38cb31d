"""What users of watched folders suffer from elsewhere, each held here once, by name, with the real daemon.

Where it was reported: paperless-ngx, OCRmyPDF, watchdog, Teedy, Mayan and Keras issues, as each test says.
"""

import json
import os
import time

import psutil

from e2e import scans
from e2e.harness import STATUSES, Daemon, House, wait_for

FLOOD = 3_000


def test_pain_01_a_half_written_scan_is_read(house: House) -> None:
    """A scanner closes a TIFF after each page and goes on a moment later (paperless-ngx #1279, OCRmyPDF #552)."""
    house.configure({"inbox": {"reopen": 2}})
    path = house.inbox / "scanner.tif"
    with Daemon(house) as daemon:
        daemon.wait_ready()
        for pages in (["4"], ["4", "7"], ["4", "7", "8"]):
            path.write_bytes(scans.tiff([scans.page(text) for text in pages]))
            wait_for(lambda: time.time() - path.stat().st_mtime > 0.5, "the scanner's pause")
        assert house.result("scanner.tif.json")["text"] == "4\f7\f8"
        assert daemon.terminate() == 0
    assert len(house.results()) == 1


def test_pain_02_nothing_happens_on_a_network_mount_and_no_error(house: House) -> None:
    """Where no event comes, the folder is looked at, and the log says which way it is watched (paperless-ngx #1975)."""
    house.configure({"inbox": {"watch": "polling"}})
    with Daemon(house) as daemon:
        daemon.wait_ready()
        assert daemon.wait_event("watching")["mode"] == "polling"
        house.drop("share/scan.png", scans.scan(7))
        assert house.result("share/scan.png.json")["text"] == "7"
        assert daemon.terminate() == 0


def test_pain_03_one_bad_file_kills_the_watcher(house: House) -> None:
    """Bad files fail alone, and the same daemon reads on (OCRmyPDF #1715, watchdog #427)."""
    bad = {
        "empty.pdf": b"%PDF-1.7\n",
        "bad.png": b"\x89PNG\r\n\x1a\n" + bytes(2000),
        "loop.tif": b"II*\0\x08\0\0\0" * 9,
    }
    with Daemon(house) as daemon:
        daemon.wait_ready()
        for name, data in bad.items():
            path = house.drop(name, data)
            os.utime(path, (10**9, 10**9))
        house.drop("good.png", scans.scan(7))
        assert house.result("good.png.json")["text"] == "7"
        house.drop("later.png", scans.scan(4))
        assert house.result("later.png.json")["text"] == "4"
        assert daemon.terminate() == 0
    daemon.assert_only_events()


def test_pain_04_the_same_file_is_queued_twice(house: House) -> None:
    """Many events for one file make one result, and no `not found` (paperless-ngx #13511)."""
    with Daemon(house) as daemon:
        daemon.wait_ready()
        for number in range(30):
            data = scans.numbered(number)
            if number % 2:
                # Created, written, closed: three events.
                (house.inbox / f"{number}.png").write_bytes(data)
            else:
                part = house.inbox / f"{number}.png.part"
                part.write_bytes(data)
                part.rename(house.inbox / f"{number}.png")
        wait_for(lambda: len(house.archived()) == 30, "thirty scans filed")
        assert daemon.terminate() == 0
    assert sorted(house.files(house.outbox) - {p.name for p in house.outbox.glob("*.csv")}) == sorted(
        f"{number}.png.json" for number in range(30)
    )
    assert not daemon.named("scan_gone")
    assert len(house.rows()) == 30


def test_pain_05_a_file_is_stranded_for_ever(house: House) -> None:
    """A folder moved in gives no event for what is in it, and a burst overflows queues: all is read (watchdog #654)."""
    outside = house.root / "outside"
    outside.mkdir()
    for number in range(FLOOD):
        (outside / f"{number}.png").write_bytes(scans.numbered(number))
    with Daemon(house) as daemon:
        daemon.wait_ready()
        outside.rename(house.inbox / "moved-in")
        wait_for(lambda: len(house.archived()) == FLOOD, "every scan filed")
        assert daemon.terminate() == 0
    assert house.files(house.inbox) == set()
    assert len(house.results()) == FLOOD


def test_pain_06_the_daemon_gave_up_until_a_restart(house: House) -> None:
    """While results cannot be written it waits, and goes on by itself (paperless-ngx #9698, #8329)."""
    with Daemon(house) as daemon:
        daemon.wait_ready()
        house.block_outbox()
        house.drop("scan.png", scans.scan(7))
        daemon.wait_event("delivery_paused")
        wait_for(lambda: b"waits for" in house.run("status").stdout, "`digitd status` to say so")
        house.unblock_outbox()
        assert house.result("scan.png.json")["text"] == "7"
        assert daemon.terminate() == 0


def test_pain_07_failures_are_invisible(house: House) -> None:
    """A failed scan lies in failed/ with a file that says why, and log and status name it (paperless-ngx #11755)."""
    house.drop("sub/report.png", b"this is a letter\n")
    daemon = house.once()
    assert house.filed("sub/report.png") == house.archive / "failed" / "sub" / "report.png"
    ticket = json.loads((house.archive / "failed" / "sub" / "report.png.json").read_bytes())
    assert ticket["reason"]["code"] == "not_an_image"
    assert "report.png" in ticket["reason"]["message"]
    assert daemon.named("scan_published", scan="sub/report.png", reason="not_an_image")
    assert b"report.png" in house.run("status").stdout


def test_pain_08_a_backlog_at_the_start_is_ignored(house: House) -> None:
    """What lay there before the start is read (OCRmyPDF #485)."""
    for number in range(5):
        house.drop(f"old/{number}.png", scans.numbered(number))
    with Daemon(house) as daemon:
        wait_for(lambda: len(house.results()) == 5, "five results")
        assert daemon.terminate() == 0


def test_pain_09_endless_loops(house: House) -> None:
    """An outbox or archive in the inbox is refused, and its own reading is no event to it (OCRmyPDF #484)."""
    house.configure({"outbox": {"path": str(house.inbox / "results")}})
    refused = house.run("run", "--once")
    assert refused.returncode != 0
    assert b"inside the inbox" in refused.stderr
    house.configure({"sources": dict.fromkeys(STATUSES, "keep"), "inbox": {"rescan": "100ms"}})
    house.drop("scan.png", scans.scan(7))
    with Daemon(house) as daemon:
        house.result("scan.png.json")
        before = len(daemon.named("rescanned"))
        wait_for(lambda: len(daemon.named("rescanned")) > before + 5, "more looks at the inbox")
        assert len(daemon.named("batch_read")) == 1
        assert daemon.terminate() == 0


def test_pain_10_do_not_move_or_delete_my_originals(house: House) -> None:
    """With `keep` an inbox that nobody may write to is read, once each (paperless-ng #1508, Teedy #362)."""
    house.configure({"sources": dict.fromkeys(STATUSES, "keep")})
    path = house.drop("scan.png", scans.scan(7))
    before = (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino)
    house.inbox.chmod(0o555)
    try:
        house.once()
        house.once()
        assert len(house.results()) == 1
        assert (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) == before
        assert house.files(house.inbox) == {"scan.png"}
    finally:
        house.inbox.chmod(0o755)


def test_pain_11_a_second_result_overwrites_the_first(house: House) -> None:
    """A name that is used again has a number, in the outbox and in the archive (bernmic/ocrmypdf-watchdog #1)."""
    for text in (4, 7, 8):
        house.drop("scan.png", scans.scan(text))
        house.once()
    said = {path.name: json.loads(path.read_bytes())["text"] for path in house.outbox.glob("*.json")}
    assert said == {"scan.png.json": "4", "scan.png~2.json": "7", "scan.png~3.json": "8"}
    assert {path.name for path in house.archived()} == {"scan.png", "scan~2.png", "scan~3.png"}


def test_pain_12_capitals_are_not_matched_and_nothing_says_so(house: House) -> None:
    """`.PNG` is read, and what matches no pattern is named in the log (OCRmyPDF #669)."""
    house.drop("SCAN.PNG", scans.scan(7))
    house.drop("notes.docx", b"words")
    daemon = house.once()
    assert house.result("SCAN.PNG.json")["text"] == "7"
    assert daemon.named("scan_ignored", scan="notes.docx", reason="no_include_matches")


def test_pain_13_settings_for_each_folder(house: House) -> None:
    """A profile holds for a folder and those below it (paperless-ngx PR 4190, Mayan #298)."""
    house.configure({"profiles": {"forms": {"digits": 3}}})
    house.drop("scan.png", scans.scan("47"))
    house.drop("forms/scan.png", scans.scan("47"))
    house.once()
    assert house.result("scan.png.json")["status"] == "accepted"
    assert house.result("forms/scan.png.json")["reason"]["code"] == "digits_expected"


def test_pain_14_predicting_in_a_loop_grows_memory(house: House) -> None:
    """Batches of every size and pages of every shape leave the workers as large as they were (keras #13118)."""
    house.configure({"workers": {"count": 1}})

    def drop_and_wait(first: int, count: int) -> int:
        for number in range(first, first + count):
            text = str(number)[: 1 + number % 4]
            house.drop(f"{number}.png", scans.encode(scans.page(text, scale=1 + number % 3)))
            if number % 20 == 0:
                wait_for((house.outbox / f"{number}.png.json").exists, "a result")
        wait_for(lambda: len(house.results()) == first - 1000 + count, "every result")
        return int(psutil.Process(daemon.workers()[0]).memory_info().rss)

    with Daemon(house) as daemon:
        daemon.wait_ready()
        warm = drop_and_wait(1000, 200)
        later = drop_and_wait(1200, 400)
        assert daemon.terminate() == 0
    assert later - warm < 8_000_000
