"""However a scan comes into the inbox of a running daemon, it is read once it is whole, and once."""

import os
import shutil
import time
from pathlib import Path

import pytest

from e2e import scans
from e2e.harness import Daemon, House, wait_for


def read_once(daemon: Daemon, name: str, text: str = "7") -> None:
    """The scan was accepted with this text, filed, and has no second result."""
    result = daemon.house.result(f"{name}.json")
    assert (result["status"], result["text"]) == ("accepted", text), result
    assert result["source"]["path"] == name
    assert not (daemon.house.inbox / name).exists() or daemon.house.filed(name)
    daemon.house.filed(name)
    daemon.wait_event("scan_published", scan=name)
    assert len(daemon.named("scan_published", scan=name)) == 1


def test_renamed_in(shared: Daemon) -> None:
    """A scan renamed into the inbox is read at once."""
    dropped = time.time()
    shared.house.drop("renamed.png", scans.scan())
    read_once(shared, "renamed.png")
    [event] = shared.named("scan_published", scan="renamed.png")
    assert (event["status"], event["text"], event["result"]) == ("accepted", "7", "renamed.png.json")
    assert (shared.house.outbox / "renamed.png.json").stat().st_mtime - dropped < 30


def test_written_in_place_in_pieces(shared: Daemon) -> None:
    """A scan written in place is read when its writer has closed it, however small the pieces."""
    data = scans.scan()
    with open(shared.house.inbox / "pieces.png", "wb", buffering=0) as file:
        for start in range(0, len(data), 200):
            file.write(data[start : start + 200])
    read_once(shared, "pieces.png")


def test_a_writer_that_pauses(shared: Daemon) -> None:
    """A scan that is cut short while it is young is tried again, and read once its writer has completed it."""
    data = scans.scan()
    with open(shared.house.inbox / "paused.png", "wb", buffering=0) as file:
        file.write(data[: len(data) // 2])
        shared.wait_event("scan_not_ready", scan="paused.png")
        assert not (shared.house.outbox / "paused.png.json").exists()
        file.write(data[len(data) // 2 :])
    read_once(shared, "paused.png")


def test_touched_first_and_filled_later(shared: Daemon) -> None:
    """An empty file is waited for: its writer has yet to come."""
    path = shared.house.inbox / "touched.png"
    path.touch()
    shared.wait_event("scan_not_ready", scan="touched.png")
    path.write_bytes(scans.scan())
    read_once(shared, "touched.png")


def test_copied_with_its_times(shared: Daemon, tmp_path: Path) -> None:
    """A copy that sets the original's old times (cp -p, shutil.copy2) is read."""
    original = tmp_path / "original.png"
    original.write_bytes(scans.scan())
    os.utime(original, (10**9, 10**9))
    shutil.copy2(original, shared.house.inbox / "copied.png")
    read_once(shared, "copied.png")
    assert shared.house.result("copied.png.json")["source"]["modified"] == "2001-09-09T01:46:40.000Z"


def test_hard_linked(shared: Daemon) -> None:
    """A scan that is linked in from outside gives one event alone, and is read; the other name stays."""
    original = shared.house.root / "elsewhere.png"
    original.write_bytes(scans.scan())
    os.link(original, shared.house.inbox / "linked.png")
    read_once(shared, "linked.png")
    assert original.read_bytes() == scans.scan()


def test_part_renamed(shared: Daemon) -> None:
    """A download under a temporary name is left alone until it gets its own."""
    part = shared.house.inbox / "download.png.part"
    part.write_bytes(scans.scan())
    shared.wait_event("scan_ignored", scan="download.png.part", reason="temporary")
    part.rename(shared.house.inbox / "download.png")
    read_once(shared, "download.png")


def test_subfolder_made_with_scans_in_it(shared: Daemon) -> None:
    """Scans written into a folder that was just made are read, in however deep a folder, and filed likewise."""
    folder = shared.house.inbox / "new" / "deep" / "deeper"
    folder.mkdir(parents=True)
    for number in range(5):
        (folder / f"{number}.png").write_bytes(scans.scan(number))
    for number in range(5):
        read_once(shared, f"new/deep/deeper/{number}.png", str(number))


def test_folder_moved_in(shared: Daemon) -> None:
    """A whole tree moved into the inbox is read, and so is what comes into it later."""
    tree = shared.house.root / "tree"
    (tree / "below").mkdir(parents=True)
    (tree / "1.png").write_bytes(scans.scan(1))
    (tree / "below" / "2.png").write_bytes(scans.scan(2))
    tree.rename(shared.house.inbox / "tree")
    read_once(shared, "tree/1.png", "1")
    read_once(shared, "tree/below/2.png", "2")
    (shared.house.inbox / "tree" / "below" / "4.png").write_bytes(scans.scan(4))
    read_once(shared, "tree/below/4.png", "4")


def test_folder_renamed_within(shared: Daemon) -> None:
    """A folder renamed within the inbox goes on to be watched, under its new name."""
    before = shared.house.inbox / "before"
    before.mkdir()
    (before / "1.png").write_bytes(scans.scan(1))
    read_once(shared, "before/1.png", "1")
    before.rename(shared.house.inbox / "after")
    (shared.house.inbox / "after" / "2.png").write_bytes(scans.scan(2))
    read_once(shared, "after/2.png", "2")


def test_name_used_again(shared: Daemon) -> None:
    """A name that comes again gets a result and an archived source of its own: ~2, then ~3."""
    for number, text in ((1, "1"), (2, "2"), (3, "4")):
        suffix = "" if number == 1 else f"~{number}"
        shared.house.drop("again.png", scans.scan(text))
        result = shared.house.result(f"again.png{suffix}.json")
        assert (result["source"]["name"], result["text"]) == ("again.png", text)
        assert shared.house.filed(f"again{suffix}.png").read_bytes() == scans.scan(text)


def test_capital_endings(shared: Daemon) -> None:
    """Endings count in any case."""
    shared.house.drop("SCAN.PNG", scans.scan(8))
    shared.house.drop("Scan.Jpeg", scans.scan(8, ".jpg"))
    read_once(shared, "SCAN.PNG", "8")
    read_once(shared, "Scan.Jpeg", "8")


@pytest.mark.parametrize("ending", [".jpg", ".bmp", ".webp", ".pgm", ".tiff"])
def test_content_decides_the_format(shared: Daemon, ending: str) -> None:
    """A file of any format that is called .png is read as what it is."""
    name = f"really{ending}.png"
    shared.house.drop(name, scans.scan(4, ending))
    read_once(shared, name, "4")


def test_pdf_and_tiff(shared: Daemon) -> None:
    """A PDF is rendered, and each page of a TIFF is read."""
    shared.house.drop("letter.pdf", scans.pdf(scans.page("4")))
    shared.house.drop("pages.TIF", scans.tiff([scans.page("4"), scans.page("7"), scans.page("8")]))
    read_once(shared, "letter.pdf", "4")
    read_once(shared, "pages.TIF", "4\f7\f8")
    assert [page["page"] for page in shared.house.result("pages.TIF.json")["pages"]] == [1, 2, 3]


def test_removed_before_it_was_whole(shared: Daemon) -> None:
    """A file that goes before it was read has no result, and nothing waits for it."""
    path = shared.house.inbox / "gone.png"
    path.write_bytes(scans.scan()[:100])
    shared.wait_event("scan_not_ready", scan="gone.png")
    path.unlink()
    shared.house.drop("after-gone.png", scans.scan())
    read_once(shared, "after-gone.png")
    assert not (shared.house.outbox / "gone.png.json").exists()


def test_blank_goes_its_own_way(shared: Daemon) -> None:
    """Paper with nothing on it is `blank`, with neither text nor confidence."""
    shared.house.drop("blank.png", scans.blank())
    result = shared.house.result("blank.png.json")
    assert (result["status"], result["text"], result["confidence"]) == ("blank", "", None)
    wait_for((shared.house.archive / "blank" / "blank.png").exists, "the blank scan filed")


def test_outbox_holds_only_whole_files(shared: Daemon) -> None:
    """All that is visible in the outbox is results and CSV files, and no temporary file stays."""
    shared.house.drop("last.png", scans.scan())
    read_once(shared, "last.png")
    wait_for(lambda: list(shared.house.outbox.glob("results-*.csv")), "a rolled CSV")
    for name in shared.house.files(shared.house.outbox):
        assert name.endswith((".json", ".csv")), name
        assert not Path(name).name.startswith(".")


def test_tiff_waits_for_its_next_page(house: House) -> None:
    """A TIFF that is closed and reopened between pages is read once, with all its pages, `reopen` after the last."""
    house.configure({"inbox": {"reopen": 2}})
    path = house.inbox / "slow.tif"
    with Daemon(house) as daemon:
        daemon.wait_ready()
        path.write_bytes(scans.tiff([scans.page("4")]))
        wait_for(lambda: time.time() - path.stat().st_mtime > 1, "the scanner's pause")
        assert not house.results()
        path.write_bytes(scans.tiff([scans.page("4"), scans.page("7")]))
        closed = path.stat().st_mtime
        result = house.result("slow.tif.json")
        assert result["text"] == "4\f7"
        assert (house.outbox / "slow.tif.json").stat().st_mtime - closed >= 1.9
        assert daemon.terminate() == 0
    assert len(house.results()) == 1
    daemon.assert_only_events()


def test_polling_finds_everything_too(house: House) -> None:
    """Where no event comes (polling), scans are found by looking: in the inbox, in folders, renamed in."""
    house.configure({"inbox": {"watch": "polling"}})
    house.drop("backlog.png", scans.scan(4))
    with Daemon(house) as daemon:
        daemon.wait_ready()
        assert daemon.wait_event("watching")["mode"] == "polling"
        house.drop("dropped.png", scans.scan(7))
        house.drop("folder/below.png", scans.scan(8))
        for name, text in (("backlog.png", "4"), ("dropped.png", "7"), ("folder/below.png", "8")):
            assert house.result(f"{name}.json")["text"] == text
        assert daemon.terminate() == 0
    daemon.assert_only_events()


def test_backlog_at_start(house: House) -> None:
    """What lay in the inbox before the start is read, oldest first, subfolders too."""
    for number in range(20):
        path = house.drop(f"{'sub/' if number % 2 else ''}{number}.png", scans.scan(number % 10))
        os.utime(path, (1_700_000_000 - number * 10, 1_700_000_000 - number * 10))
    house.configure({"workers": {"count": 1}, "batch": {"max_scans": 1}})
    with Daemon(house) as daemon:
        wait_for(lambda: len(daemon.named("scan_published")) == 20, "20 results")
        assert daemon.terminate() == 0
    order = [int(Path(event["scan"]).stem) for event in daemon.named("scan_published")]
    assert order == sorted(order, reverse=True)
    assert house.files(house.inbox) == set()
    daemon.assert_only_events()


def test_without_recursion_subfolders_are_left(house: House) -> None:
    """With inbox.recursive: false, scans in subfolders stay where they are."""
    house.configure({"inbox": {"recursive": False}})
    house.drop("sub/below.png", scans.scan())
    house.drop("top.png", scans.scan())
    daemon = house.once()
    assert daemon.process.returncode == 0
    assert house.files(house.inbox) == {"sub/below.png"}
    assert [result["source"]["path"] for result in house.results()] == ["top.png"]


def test_a_scan_that_is_taken_away_unread_is_told(house: House) -> None:
    """It has no result, and the log says so; one that was read and filed is not called gone."""
    house.configure({"inbox": {"reopen": 20}})
    with Daemon(house) as daemon:
        daemon.wait_ready()
        waiting = house.inbox / "waiting.tif"
        waiting.write_bytes(scans.tiff([scans.page("4")]))
        house.drop("read.png", scans.scan(7))
        assert house.result("read.png.json")["text"] == "7"
        waiting.unlink()
        # Its time comes only after `reopen`; a write and a removal while the daemon looks is told at once.
        gone = house.inbox / "gone.png"
        gone.write_bytes(b"")
        gone.unlink()
        daemon.wait_event("scan_gone", scan="waiting.tif")
        assert not daemon.named("scan_gone", scan="read.png")
        assert daemon.terminate() == 0
    assert house.files(house.outbox) == {"read.png.json", *(path.name for path in house.outbox.glob("*.csv"))}


def test_a_reserved_place_is_not_a_scan_yet(house: House) -> None:
    """A writer that reserves the whole size first, and stalls, is waited for: zeros at the end may be still to come."""
    house.configure({"inbox": {"settle": 0.1, "reopen": 0.2}})
    data = scans.scan(4, ".bmp")
    with Daemon(house) as daemon:
        daemon.wait_ready()
        with (house.inbox / "zeros.bmp").open("wb") as zeros, (house.inbox / "half.bmp").open("wb") as half:
            for file, written in ((zeros, b""), (half, data[: len(data) // 4])):
                file.write(written)
                file.truncate(len(data))
                file.flush()
            wait_for(lambda: len({e["scan"] for e in daemon.named("scan_not_ready")}) == 2, "both to be put off")
            assert not house.files(house.outbox)
            for file in (zeros, half):
                file.seek(0)
                file.write(data)
        for name in ("zeros.bmp.json", "half.bmp.json"):
            assert house.result(name)["text"] == "4"
        assert daemon.terminate() == 0
