"""What the journal has of digitd: lines for people, and fields to select by."""

from e2e import scans
from systemd.machine import Service


def test_events_have_fields(service: Service) -> None:
    """A scan's line can be found by its name and by its status; it is no JSON to the eye."""
    since = service.cursor()
    service.drop("fields.png", scans.scan(4))
    service.drop("broken.png", b"no image")
    good = service.wait_entry("scan_published", since=since, scan="fields.png")
    assert (good["DIGITD_STATUS"], good["DIGITD_TEXT"], good["PRIORITY"]) == ("accepted", "4", "6")
    assert (good["SYSLOG_IDENTIFIER"], good["_SYSTEMD_UNIT"]) == ("digitd", "digitd.service")
    assert float(good["DIGITD_MS"]) > 0
    assert good["MESSAGE"].startswith("scan_published scan=")
    service.wait_entry("scan_published", since=since, scan="broken.png")
    select = ("journalctl", "-q", "-o", "cat", "-u", service.unit, "DIGITD_STATUS=failed", "DIGITD_SCAN=broken.png")
    (line,) = service.machine.run(*select, check=True).stdout.splitlines()
    assert "broken.png" in line
    assert "not_an_image" in line
    service.machine.run("journalctl", "--verify", check=True)


def test_what_a_library_prints_is_an_event_too(service: Service) -> None:
    """Nothing goes to the journal but systemd's own lines about the unit, and events."""
    lines = service.entries()
    assert lines
    strangers = [
        each["MESSAGE"]
        for each in lines
        if "DIGITD_EVENT" not in each and each["SYSLOG_IDENTIFIER"] != "systemd" and "burglar" not in each["MESSAGE"]
    ]
    assert strangers == []
