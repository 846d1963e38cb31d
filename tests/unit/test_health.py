"""Whether a digitd does well: one verdict, the gravest first."""

from typing import Any

import pytest

from digitd.errors import ExitCode
from digitd.health import BEAT_LATE_SECONDS, Verdict, judge
from digitd.lock import UNREAD, UNWATCHED, Holder

NOW = 10_000.0
WELL: dict[str, Any] = {"pid": 47, "since": 1.0, "beat": NOW - 4, "workers": 2, "wanted": 2}


def verdict(holder: Holder | None, **changed: Any) -> Verdict:
    """Of an inbox in which a scan has waited for a minute, and may."""
    asked: dict[str, Any] = {"now": NOW, "unlisted": None, "oldest": 60.0, "patience": None}
    found = judge(holder, **asked | changed)
    assert found.sentence
    return found.verdict


def test_one_that_runs_and_beats_is_healthy() -> None:
    """A worker that is being replaced is no matter, nor is a scan that waits, where nobody said how long it may."""
    assert verdict(Holder(**WELL)) is Verdict.HEALTHY
    assert verdict(Holder(**WELL | {"workers": 1})) is Verdict.HEALTHY
    assert verdict(Holder(**WELL), patience=60.0) is Verdict.HEALTHY
    assert verdict(Holder(**WELL), oldest=None, patience=1.0) is Verdict.HEALTHY


@pytest.mark.parametrize(
    ("changed", "asked", "expected"),
    [
        ({"beat": 0.0}, {}, Verdict.STARTING),
        ({"beat": NOW - BEAT_LATE_SECONDS - 1}, {}, Verdict.STUCK),
        ({"trouble": "No space left on device"}, {}, Verdict.DELIVERY_PAUSED),
        ({"trouble": UNWATCHED}, {}, Verdict.INBOX_UNWATCHED),
        ({"trouble": f"{UNREAD}the cluster is off", "workers": 0}, {}, Verdict.CLUSTER_AWAY),
        ({"workers": 0}, {}, Verdict.NO_WORKERS),
        ({}, {"unlisted": "Permission denied"}, Verdict.INBOX_UNLISTED),
        ({}, {"patience": 59.0}, Verdict.WAITS_TOO_LONG),
        # The gravest of several.
        ({"beat": NOW - 1000, "trouble": "full", "workers": 0}, {"unlisted": "x"}, Verdict.STUCK),
        ({"trouble": "full", "workers": 0}, {"unlisted": "x", "patience": 1.0}, Verdict.DELIVERY_PAUSED),
    ],
)
def test_what_is_wrong_has_a_verdict(changed: dict[str, Any], asked: dict[str, Any], expected: Verdict) -> None:
    """And one exit code for all that is wrong while it runs."""
    found = verdict(Holder(**WELL | changed), **asked)
    assert found is expected
    assert found.exit_code is ExitCode.UNHEALTHY


def test_none_that_runs_has_an_exit_code_of_its_own() -> None:
    """For who wants to start it then."""
    assert verdict(None) is Verdict.NOT_RUNNING
    assert Verdict.NOT_RUNNING.exit_code is ExitCode.NOT_RUNNING
    assert Verdict.HEALTHY.exit_code is ExitCode.DONE


def test_a_sign_of_life_from_before_this_start_of_the_machine_is_none_from_the_future() -> None:
    """Monotonic seconds begin anew with the machine, but so does the lock: a beat ahead of now is not late."""
    assert verdict(Holder(**WELL | {"beat": NOW + 5})) is Verdict.HEALTHY
