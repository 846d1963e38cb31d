"""A report in sentences: what a person is shown of it."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from delivery_rig import Rig
from digitd.cli import shown
from digitd.health import Health, Verdict
from digitd.history import Failure, Latency, Rates
from digitd.report import Report, Workers, report
from digitd.room import Room
from digitd.settings import Inbox, Outbox, Settings, State


@pytest.fixture
def told(tmp_path: Path) -> Report:
    """Of a digitd that never ran."""
    rig = Rig(tmp_path)
    return report(Settings(inbox=Inbox(path=rig.inbox), outbox=Outbox(path=rig.outbox), state=State(path=rig.state)))


def facts(now: Report, **changed: Any) -> dict[str, str]:
    """The sentences by their names; those of a list joined."""
    found: dict[str, str] = {}
    name = ""
    for sentence in shown.sentences(msgspec.structs.replace(now, **changed)):
        name = sentence[:10].strip() or name
        found[name] = f"{found[name]}; {sentence[11:]}" if name in found else sentence[11:]
    return found


def test_nothing_is_said_of_what_there_is_not(told: Report) -> None:
    """No workers, no latency, no failures, nothing to publish."""
    assert [*facts(told)] == ["digitd", "health", "inbox", "today", "rate", "last read", "room", "bundle", "version"]
    assert facts(told)["last read"] == "never"
    assert facts(told)["today"] == "0 read"


def test_what_is_wrong_is_said_first(told: Report) -> None:
    """The verdict, what it waits for, and the workers that are missing."""
    now = facts(
        told,
        running=True,
        pid=47,
        since="then",
        verdict=Verdict.DELIVERY_PAUSED,
        sentence="it cannot write",
        trouble="full\n",
        reload_refused="a word\x1b",
        workers=Workers(1, 2),
        unpublished=1234,
        bundle=None,
    )
    assert [*now][:5] == ["digitd", "health", "waits for", "reload", "workers"]
    assert now["digitd"] == "running (process 47) since then"
    assert now["health"] == "delivery_paused: it cannot write"
    assert now["waits for"] == r"full\n"
    assert now["reload"].endswith(r"in use: a word\x1b")
    assert now["workers"] == "1 of 2 ready"
    assert now["to publish"] == "1,234 recorded and not yet published"
    assert now["bundle"] == "cannot be used; `digitd check` says why"


def test_what_was_not_counted_to_its_end_says_so(told: Report) -> None:
    """10,000 and more wait; of the day's scans the last ones are told apart."""
    now = facts(
        told,
        waiting=10_000,
        waiting_more=True,
        oldest_waiting_seconds=1234.5,
        read_today=300_000,
        by_status={"accepted": 19_999, "review": 0, "blank": 0, "failed": 1},
    )
    assert now["inbox"].startswith("10,000+ waiting, the oldest of these for 1,234 s in ")
    assert now["today"] == "300,000 read (the last 20,000): 19,999 accepted, 1 failed"
    whole = facts(told, read_today=3, by_status={"accepted": 2, "review": 1})
    assert whole["today"] == "3 read: 2 accepted, 1 review"
    assert facts(told, waiting=None)["inbox"].startswith("what waits cannot be listed in ")


def test_figures_are_short(told: Report) -> None:
    """Rates to three digits, latencies in seconds, and folders that share a disk on one line."""
    here, there = Room(61_597_618_176, 270_553_174_016, 15_907_906), Room(999, 1000, None)
    now = facts(
        told,
        rates=Rates(12.3456, 0.0028, 0.0),
        latency=Latency(1000, 0.1, 0.25, 1.5),
        room={"inbox": here, "outbox": there, "archive": there, "state": here},
        failures=(Failure("a.png", "then", "empty", "it is empty\x1b"), Failure("b.png", "later", "empty", "it too")),
    )
    assert now["rate"] == "12.3 scans a second (last minute), 0.0028 (hour), 0 (day)"
    assert now["latency"] == "half within 0.1 s, 95 % 0.25 s, 99 % 1.5 s (the last 1,000 scans)"
    assert now["room"] == (
        "61.6 GB free, 15,907,906 files (23 %) for inbox, state; 999 bytes free (100 %) for outbox, archive"
    )
    assert now["failures"] == r"then  it is empty\x1b; later  it too"


def test_the_line_of_a_check_names_the_verdict() -> None:
    """And is one line, whatever the cause has in it."""
    assert shown.line(Health(Verdict.HEALTHY, "it runs")) == "digitd is healthy: it runs"
    assert shown.line(Health(Verdict.STUCK, "no\nsign")) == r"digitd is not healthy (stuck): no\nsign"
