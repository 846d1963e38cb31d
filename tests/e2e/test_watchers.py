"""Lost events and sick watchers: whatever happens to the watching, everything is found, and it goes on."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from e2e import scans
from e2e.harness import Daemon, House, in_namespaces, wait_for

NO_RESCAN = {"inbox": {"rescan": "1h"}}
"""No test lasts so long: what is found is found because the loss was noticed."""
BURST = 3_000
FLOOD_MOST = 200_000
"""Events; a longer queue takes too long to be filled."""

POISON = """
import sys
from digitd.intake import watch

hear = watch.Inotify.on_event

def on_event(self, event):
    if event.name == b"poison.png":
        raise RuntimeError("a mistake in the observer")
    hear(self, event)

watch.Inotify.on_event = on_event
"""


def inside(daemon: Daemon, script: str) -> None:
    """Run a shell script in a daemon's namespaces, in its house."""
    enter = ["nsenter", f"--target={daemon.process.pid}", "--user", "--preserve-credentials", "--mount"]
    done = subprocess.run(
        [*enter, "sh", "-ec", f"cd '{daemon.house.root}'\n{script}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def put_inside(daemon: Daemon, name: str, data: bytes) -> None:
    """Rename a scan into an inbox as the daemon's namespaces have it."""
    spare = daemon.house.root / "spare.png"
    spare.write_bytes(data)
    inside(daemon, f"cp spare.png 'inbox/.{name}'\nmv 'inbox/.{name}' 'inbox/{name}'")


def test_an_overflow_of_the_queue_loses_none_of_three_thousand(house: House) -> None:
    """While the daemon stands still the kernel drops the events of a burst; it says so, and finds every scan."""
    room = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if room > FLOOD_MOST:
        pytest.skip("the queue of this machine is too long to be filled")
    house.configure(NO_RESCAN, {"log": {"level": "info"}})
    outside = house.root / "outside"
    (outside / "moved").mkdir(parents=True)
    for number in range(BURST):
        (outside / f"{number}.png").write_bytes(scans.numbered(number))
    (outside / "moved" / "within.png").write_bytes(scans.numbered(BURST))
    with Daemon(house) as daemon:
        daemon.wait_ready()
        daemon.process.send_signal(signal.SIGSTOP)
        noise = house.inbox / ".noise"
        for _ in range(room // 2 + 1):
            os.close(os.open(noise, os.O_CREAT | os.O_WRONLY))
            noise.unlink()
        for number in range(BURST):
            (outside / f"{number}.png").rename(house.inbox / f"{number}.png")
        (outside / "moved").rename(house.inbox / "moved")
        daemon.process.send_signal(signal.SIGCONT)
        daemon.wait_event("watcher_trouble", trouble="events_lost")
        wait_for(lambda: len(daemon.named("scan_published")) == BURST + 1, "every scan")
        (house.inbox / "moved" / "later.png").write_bytes(scans.scan(4))
        assert house.result("moved/later.png.json")["text"] == "4"
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    assert len({event["scan"] for event in daemon.named("scan_published")}) == BURST + 2
    assert len(house.results()) == len(house.rows()) == len(house.archived()) == BURST + 2
    assert house.files(house.inbox) == set()


@pytest.mark.parametrize("limit", ["watches", "instances"])
def test_a_reached_limit_at_the_start_is_told_and_polled_around(house: House, limit: str) -> None:
    """Where the kernel gives no more watches, or none at all, the log names the sysctl, and scans are found."""
    house.configure(NO_RESCAN)
    most = 2 if limit == "watches" else 0
    for number in range(5):
        house.drop(f"{number}/early.png", scans.scan(number))
    wrapper = in_namespaces(first=f"echo {most} > /proc/sys/user/max_inotify_{limit}")
    with Daemon(house, wrapper=wrapper) as daemon:
        daemon.wait_ready()
        watching = daemon.wait_event("watching", mode="polling")
        assert f"sysctl fs.inotify.max_user_{limit}=" in watching["reason"]
        trouble = daemon.wait_event("watcher_trouble", trouble="watch_limit")
        assert f"sysctl fs.inotify.max_user_{limit}=" in trouble["message"]
        house.drop("4/late.png", scans.scan(7))
        for number in range(5):
            assert house.result(f"{number}/early.png.json")["text"] == str(number)
        assert house.result("4/late.png.json")["text"] == "7"
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    assert len(daemon.named("watcher_trouble")) == 1


def test_a_limit_that_is_reached_later_is_told_and_polled_around(house: House) -> None:
    """A folder that is moved in and can have no watch turns polling on: what is in it, and what comes, is found."""
    house.configure(NO_RESCAN)
    tree = house.root / "tree"
    for number in range(5):
        (tree / str(number)).mkdir(parents=True)
        (tree / str(number) / "early.png").write_bytes(scans.scan(number))
    with Daemon(house, wrapper=in_namespaces(first="echo 3 > /proc/sys/user/max_inotify_watches")) as daemon:
        daemon.wait_ready()
        daemon.wait_event("watching", mode="native")
        tree.rename(house.inbox / "tree")
        trouble = daemon.wait_event("watcher_trouble", trouble="watch_limit")
        assert "sysctl fs.inotify.max_user_watches=" in trouble["message"]
        for number in range(5):
            assert house.result(f"tree/{number}/early.png.json")["text"] == str(number)
            house.drop(f"tree/{number}/late.png", scans.scan(7))
            assert house.result(f"tree/{number}/late.png.json")["text"] == "7"
        assert daemon.terminate() == 0
    daemon.assert_only_events()


def test_an_observer_thread_that_died_is_replaced(house: House) -> None:
    """A mistake that ends the watching thread ends nothing else: it is told, another begins, and nothing is missed."""
    house.configure(NO_RESCAN)
    with Daemon(house, PYTHONPATH=house.at_start(POISON)) as daemon:
        daemon.wait_ready()
        for time in (1, 2):
            house.drop("poison.png", scans.scan(4))
            wait_for(lambda time=time: len(daemon.named("watcher_restarted")) == time, "another watcher")  # type: ignore[misc]
            assert house.result("poison.png.json" if time == 1 else "poison.png~2.json")["text"] == "4"
            house.drop(f"after{time}.png", scans.scan(7))
            assert house.result(f"after{time}.png.json")["text"] == "7"
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    assert len(daemon.named("watcher_lost")) == 2
    assert all("a mistake in the observer" in event["exception"] for event in daemon.named("thread_failed"))
    assert len(daemon.named("thread_failed")) == 2


def test_an_inbox_that_was_removed_and_made_anew_is_watched(house: House) -> None:
    """Deleted with a scan that was still to be read, and made again with others: those are read, and later ones too."""
    house.configure({"inbox": {"rescan": "1h", "reopen": "1h"}})
    with Daemon(house) as daemon:
        daemon.wait_ready()
        (house.inbox / "waiting.tif").write_bytes(scans.tiff([scans.page("4")]))
        shutil.rmtree(house.inbox)
        daemon.wait_event("watcher_lost")
        (house.root / "new").mkdir()
        (house.root / "new" / "in-it.png").write_bytes(scans.scan(4))
        os.utime(house.root / "new" / "in-it.png", (10**9, 10**9))
        (house.root / "new").rename(house.inbox)
        daemon.wait_event("watcher_restarted")
        assert house.result("in-it.png.json")["text"] == "4"
        house.drop("later.png", scans.scan(7))
        assert house.result("later.png.json")["text"] == "7"
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    assert {result["source"]["name"] for result in house.results()} == {"in-it.png", "later.png"}


def test_an_inbox_that_is_mounted_and_unmounted_is_watched_each_time(house: House) -> None:
    """Whatever is in its place now, a disk or the empty folder below it, is looked through and heard."""
    house.configure(NO_RESCAN)
    with Daemon(house, wrapper=in_namespaces("--mount")) as daemon:
        daemon.wait_ready()
        inside(daemon, "mkdir disk; mount -t tmpfs none disk")
        for time in (1, 2):
            put_inside(daemon, f"below{time}.png", scans.scan(time))
            assert house.result(f"below{time}.png.json")["text"] == str(time)
            (house.root / "spare.png").write_bytes(scans.scan(7))
            inside(daemon, f"cp spare.png disk/on-it{time}.png; mount --bind disk inbox")
            wait_for(lambda time=time: len(daemon.named("watcher_restarted")) == 2 * time - 1, "it mounted")  # type: ignore[misc]
            put_inside(daemon, f"dropped{time}.png", scans.scan(8))
            assert house.result(f"on-it{time}.png.json")["text"] == "7"
            assert house.result(f"dropped{time}.png.json")["text"] == "8"
            house.filed(f"dropped{time}.png")
            inside(daemon, "umount inbox")
            wait_for(lambda time=time: len(daemon.named("watcher_restarted")) == 2 * time, "it unmounted")  # type: ignore[misc]
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    assert len(house.results()) == len(house.archived()) == 6


def test_a_scan_unmounted_before_it_was_filed_is_filed_when_it_is_back(house: House) -> None:
    """Its result is out, and its disk is taken away: it is not taken for gone, nor read into a second result later."""
    away = house.root / "archive-away"
    with Daemon(house, wrapper=in_namespaces("--mount")) as daemon:
        daemon.wait_ready()
        inside(daemon, "mkdir disk; mount -t tmpfs none disk; mount --bind disk inbox")
        daemon.wait_event("watcher_restarted")
        house.archive.rename(away)
        house.archive.touch()
        put_inside(daemon, "a.png", scans.scan(4))
        daemon.wait_event("delivery_paused")
        inside(daemon, "umount inbox")
        house.archive.unlink()
        away.rename(house.archive)
        put_inside(daemon, "b.png", scans.scan(7))
        house.filed("b.png")
        assert not daemon.named("delivery_resumed")
        inside(daemon, "mount --bind disk inbox")
        daemon.wait_event("delivery_resumed")
        inside(daemon, 'test -z "$(ls -A disk)"')
        put_inside(daemon, "c.png", scans.scan(8))
        house.filed("c.png")
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    assert sorted(result["text"] for result in house.results()) == ["4", "7", "8"]
    assert sorted(path.name for path in house.archived()) == ["a.png", "b.png", "c.png"]


def test_a_folder_bound_into_the_inbox_is_read_within_the_rescan(house: House) -> None:
    """A bind mount below the inbox gives no event when it comes; its scans are found, and filed by a copy."""
    house.configure({"inbox": {"rescan": "300ms"}})
    with Daemon(house, wrapper=in_namespaces("--mount")) as daemon:
        daemon.wait_ready()
        elsewhere = house.root / "elsewhere"
        elsewhere.mkdir()
        (house.inbox / "bound").mkdir()
        inside(daemon, "mount --bind elsewhere inbox/bound")
        for name, text in (("early.png", "4"), ("late.png", "7")):
            (elsewhere / name).write_bytes(scans.scan(text))
            assert house.result(f"bound/{name}.json")["text"] == text
            house.filed(f"bound/{name}")
            wait_for(lambda: not any(elsewhere.iterdir()), "the source removed")
        inside(daemon, "umount inbox/bound")
        house.drop("bound/below.png", scans.scan(8))
        assert house.result("bound/below.png.json")["text"] == "8"
        assert daemon.terminate() == 0
    daemon.assert_only_events()
    assert len(house.results()) == len(house.archived()) == 3
