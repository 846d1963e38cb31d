"""Broken scans: each is `failed` with its reason, a ticket lies beside it, and its neighbours are read."""

import json
import time

from e2e import scans
from e2e.harness import Daemon, House, wait_for

BROKEN = {
    "text.png": (b"this is no image at all, whatever its name says\n" * 20, "not_an_image"),
    "locked.pdf": (scans.encrypted_pdf(), "encrypted"),
    "large.png": (scans.scan() + b"\0" * 60_000, "too_many_bytes"),
    "many.tif": (scans.tiff([scans.page("4")] * 4), "too_many_pages"),
    "wide.png": (scans.encode(scans.paper(scans.ink(4), 14)), "too_many_pixels"),
}
LIMITS = {"limits": {"bytes": "50KB", "pages": 3, "pixels": 100_000}}


def test_broken_scans_among_good_ones(house: House) -> None:
    """What is no image, encrypted or over a limit fails alone; ticket and result are the same JSON and say why."""
    house.configure(LIMITS)
    with Daemon(house) as daemon:
        daemon.wait_ready()
        for number, (name, (data, _)) in enumerate(BROKEN.items()):
            house.drop(f"sub/good{number}.png", scans.scan(number))
            house.drop(f"sub/{name}", data)
        for number in range(len(BROKEN)):
            assert house.result(f"sub/good{number}.png.json")["text"] == str(number)
        for name, (data, code) in BROKEN.items():
            result = house.result(f"sub/{name}.json")
            assert (result["status"], result["text"], result["confidence"]) == ("failed", "", None)
            assert result["reason"]["code"] == code
            # The file, the cause, and what to do about it.
            assert result["reason"]["message"].startswith(f"sub/{name}: ")
            assert result["reason"]["message"].count(". ") >= 1
            filed = house.archive / "failed" / "sub" / name
            wait_for(filed.exists, f"{name} filed")
            assert filed.read_bytes() == data
            ticket = filed.with_name(f"{name}.json")
            assert json.loads(ticket.read_bytes()) == result
            assert daemon.wait_event("scan_published", scan=f"sub/{name}")["reason"] == code
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    rows = {row["source_name"]: row for row in house.rows()}
    assert {name: rows[name]["reason"] for name in BROKEN} == {name: code for name, (_, code) in BROKEN.items()}
    assert not daemon.named("worker_lost")


def test_a_failed_name_used_again_keeps_both_tickets(house: House) -> None:
    """The second failure of a name has a file and a ticket of its own."""
    for number in (1, 2):
        house.drop("bad.png", b"no image %d" % number)
        house.once()
    assert house.files(house.archive / "failed") == {"bad.png", "bad.png.json", "bad~2.png", "bad~2.png.json"}
    for name, result in (("bad.png.json", "bad.png.json"), ("bad~2.png.json", "bad.png~2.json")):
        ticket = json.loads((house.archive / "failed" / name).read_bytes())
        assert ticket == json.loads((house.outbox / result).read_bytes())


def test_replaced_while_it_is_bad(house: House) -> None:
    """A scan that is cut short and then replaced by a whole one of the same name is read as the whole one."""
    with Daemon(house) as daemon:
        daemon.wait_ready()
        house.drop("scan.png", scans.scan()[:-60])
        daemon.wait_event("scan_not_ready", scan="scan.png")
        dropped = time.time()
        house.drop("scan.png", scans.scan(4))
        result = house.result("scan.png.json")
        assert (result["status"], result["text"]) == ("accepted", "4")
        assert (house.outbox / "scan.png.json").stat().st_mtime - dropped < 20
        assert daemon.terminate() == 0
    assert len(house.results()) == 1
    daemon.assert_only_events()


def test_a_damaged_image_is_never_half_read(house: House) -> None:
    """Where a decoder fills up what is lacking, the scan fails: a made-up rest would be read as sure digits."""
    whole = scans.encode(scans.page("60318", scale=4), ".jpg")
    middle = len(whole) // 2
    house.drop("holed.jpg", whole[:middle] + b"\0" * 200 + whole[-2:])
    house.drop("whole.jpg", whole)
    house.once()
    said = {result["source"]["name"]: result for result in house.results()}
    assert said["whole.jpg"]["text"] == "60318"
    assert (said["holed.jpg"]["status"], said["holed.jpg"]["reason"]["code"]) == ("failed", "damaged")
    assert "Corrupt JPEG data" in said["holed.jpg"]["reason"]["message"]
