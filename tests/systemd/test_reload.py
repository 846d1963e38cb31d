"""`systemctl reload`."""

from e2e import scans
from systemd.machine import Service, wait_for

ACCEPT = "accept: 0.98"
TURNS, SCANS = 3, 40


def test_a_new_configuration_is_used_when_it_returns(service: Service) -> None:
    """By the next scan, in the same process; systemd and the journal have it."""
    main = service.main.pid
    since = service.cursor()
    service.configure((ACCEPT, "accept: 1.0"))
    service.ctl("reload")
    service.drop("after-reload.png", scans.scan(4))
    assert service.result("after-reload.png")["reason"]["code"] == "low_confidence"
    entry = service.wait_entry("reloaded", since=since)
    assert entry["DIGITD_CHANGED"] == '{"recognition.accept":1.0}'
    assert service.main.pid == main
    assert service.show("ActiveState") == "active"


def test_a_wrong_one_fails_and_changes_nothing(service: Service) -> None:
    """`systemctl reload` fails, the journal has one error that says what to do, and scans are read as before."""
    main = service.main.pid
    for number, (old, new, code, words) in enumerate(
        [
            (ACCEPT, "acept: 1.0", "3", "recognition.accept"),
            ("failed: /srv/digitd/archive/failed", "failed: /srv/digitd/inbox/failed", "4", "sources.failed"),
            ("bundle: null", "bundle: /nowhere", "5", "/nowhere"),
        ]
    ):
        config = service.config.read_text(encoding="utf-8")
        since = service.cursor()
        service.configure((old, new))
        assert service.ctl("reload", check=False).returncode != 0
        (error,) = [
            each for each in service.entries(since=since) if each.get("DIGITD_EVENT") and int(each["PRIORITY"]) < 5
        ]
        assert (error["DIGITD_EVENT"], error["PRIORITY"], error["DIGITD_EXIT_CODE"]) == ("reload_refused", "3", code)
        assert words in error["DIGITD_CAUSE"]
        assert error["MESSAGE"].startswith(f"the configuration in use stays: {error['DIGITD_CAUSE']}. ")
        service.drop(f"still-{number}.png", scans.scan(4))
        assert service.result(f"still-{number}.png")["status"] == "accepted"
        assert service.main.pid == main
        assert service.show("ActiveState") == "active"
        service.config.write_text(config, encoding="utf-8")


def test_under_load_nothing_is_lost(service: Service) -> None:
    """Reloads with other workers while scans are read: each scan has one result."""
    config = service.config.read_text(encoding="utf-8")
    for turn in range(TURNS):
        for number in range(SCANS):
            service.drop(f"load-{turn}-{number}.png", scans.numbered(number))
        assert config.count("count: auto") == 1
        service.config.write_text(config.replace("count: auto", f"count: {turn + 1}"), encoding="utf-8")
        service.ctl("reload")
    wait_for(lambda: len(list(service.outbox.glob("load-*.json"))) == TURNS * SCANS, "every result")
    # The mark of the digitd that works there stays.
    wait_for(lambda: not list(service.inbox.glob("load-*")), "the inbox to be empty")
    assert len(list(service.archive.rglob("load-*.png"))) == TURNS * SCANS
    assert len(service.workers()) == TURNS
