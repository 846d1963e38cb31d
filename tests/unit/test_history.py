"""What the journal tells of the scans that were read, by values, and at what cost."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from delivery_rig import MODEL, OUTCOMES
from digitd import history, results
from digitd.database import reading
from digitd.history import Rates, percentile
from digitd.journal import Journal
from digitd.results import Reason, Result, Status
from digitd.tables import Identity, Row

NOW = 1_790_000_000.0
FOREVER = 1e9


def recorded(folder: Path, moments: list[float], waits: list[float], status: Status = Status.ACCEPTED) -> None:
    """A journal with a row recognised at each of MOMENTS, each after it had waited so long."""
    outcome = OUTCOMES[status]
    with Journal(folder) as journal:
        rows = [
            Row(
                seq=seq,
                id=str(seq),
                identity=Identity(f"{seq}.png", seq, 1, 1),
                status=str(status),
                reason=None,
                recognised=moment,
                published_as=f"{seq}.png.json",
                kept=False,
                rolled=True,
                result=results.to_json(
                    Result(
                        schema=results.SCHEMA,
                        id=str(seq),
                        source=results.source_of(f"{seq}.png", None, 1, moment),
                        received=results.timestamp(moment - wait),
                        recognised=results.timestamp(moment),
                        status=status,
                        reason=Reason("empty", "it is empty") if status is Status.FAILED else None,
                        text=outcome.text,
                        confidence=outcome.confidence,
                        pages=outcome.pages,
                        model=MODEL,
                    )
                ),
            )
            for seq, (moment, wait) in enumerate(zip(moments, waits, strict=True), journal.next_seq())
        ]
        journal.record(rows, {})


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Two days: a scan an hour, and in the last minute six; they waited from 10 ms to 540 ms."""
    hourly = [NOW - 3600 * hours for hours in range(48, 0, -1)]
    recorded(tmp_path, [*hourly, *(NOW - 10 * tens for tens in range(6, 0, -1))], [0.01 * n for n in range(1, 55)])
    with reading(tmp_path) as it:
        assert it is not None
        yield it


def test_what_was_read_since_a_moment_is_counted(journal: sqlite3.Connection) -> None:
    """At the moment itself, between two rows, before all of them and after all of them."""
    assert history.count_since(journal, NOW - 60) == 6
    assert history.count_since(journal, NOW - 55) == 5
    assert history.count_since(journal, 0.0) == 54
    assert history.count_since(journal, NOW) == 0


def test_rates_are_averages_over_a_minute_an_hour_and_a_day(journal: sqlite3.Connection) -> None:
    """Over no more than is remembered."""
    assert history.rates(journal, NOW, FOREVER) == Rates(0.1, round(7 / 3600, 4), round(30 / 86400, 4))
    assert history.rates(journal, NOW, 60.0) == Rates(0.1, 0.1, 0.1)


def test_latencies_are_of_the_last_scans(journal: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """By nearest rank; of so many at most, and no more than so many bytes of results."""
    found = history.latency(journal, 0)
    assert found is not None
    assert (found.scans, found.p50, found.p95, found.p99) == (54, 0.27, 0.52, 0.54)
    since = history.first_since(journal, NOW - 60)
    assert history.latency(journal, since) == history.Latency(6, 0.51, 0.54, 0.54)
    assert history.latency(journal, since + 6) is None
    monkeypatch.setattr(history, "TIMED_MOST", 2)
    assert history.latency(journal, 0) == history.Latency(2, 0.53, 0.54, 0.54)
    monkeypatch.setattr(history, "TIMED_BYTES", 1)
    assert history.latency(journal, 0) == history.Latency(1, 0.54, 0.54, 0.54)


def test_a_percentile_is_a_value_that_was_seen() -> None:
    """The smallest that so many do not exceed."""
    assert [percentile([1.0, 2.0, 3.0, 4.0], share) for share in (0.25, 0.5, 0.51, 0.99)] == [1.0, 2.0, 3.0, 4.0]
    assert percentile([7.0], 0.5) == percentile([7.0], 0.99) == 7.0


def test_an_empty_journal_tells_of_nothing(tmp_path: Path) -> None:
    """And one from which all was forgotten, whose rows go on from where they were."""
    with Journal(tmp_path), reading(tmp_path) as journal:
        assert journal is not None
        assert history.count_since(journal, 0.0) == history.unpublished(journal) == 0
        assert history.rates(journal, NOW, FOREVER) == Rates(0.0, 0.0, 0.0)
        assert history.latency(journal, 0) is None
        assert history.last_read(journal) is None
        assert history.by_status(journal, 0) == {"accepted": 0, "review": 0, "blank": 0, "failed": 0, "verified": 0}
        assert history.failures(journal, 0, 5) == ()


def test_forgotten_rows_do_not_count(tmp_path: Path) -> None:
    """Old ones are forgotten from the beginning; those after them are still counted one by one."""
    recorded(tmp_path, [NOW - 100 + n for n in range(100)], [0.1] * 100)
    with sqlite3.connect(tmp_path / "journal.sqlite3") as forgetting:
        forgetting.execute("DELETE FROM scans WHERE seq <= 40")
    forgetting.close()
    with reading(tmp_path) as journal:
        assert journal is not None
        assert history.count_since(journal, 0.0) == 60
        assert history.count_since(journal, NOW - 10) == 10


def test_only_the_last_rows_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By status, and failures: an old one among millions is not searched for."""
    recorded(tmp_path, [NOW - 9], [0.1], Status.FAILED)
    recorded(tmp_path, [NOW - 8 + n for n in range(5)], [0.1] * 5)
    recorded(tmp_path, [NOW - 1], [0.1], Status.FAILED)
    with reading(tmp_path) as journal:
        assert journal is not None
        assert history.by_status(journal, 0)["failed"] == len(history.failures(journal, 0, 5)) == 2
        monkeypatch.setattr(history, "LOOKED_AT_MOST", 4)
        assert history.by_status(journal, 0) == {"accepted": 3, "review": 0, "blank": 0, "failed": 1, "verified": 0}
        assert [failure.scan for failure in history.failures(journal, 0, 5)] == ["7.png"]


def test_counting_costs_no_more_in_a_long_journal(tmp_path: Path) -> None:
    """Steps of SQLite's machine: eight times the rows take a few halvings more, and never a walk over them."""

    def steps(folder: Path) -> int:
        taken = 0

        def step() -> int:
            nonlocal taken
            taken += 1
            return 0

        with reading(folder) as journal:
            assert journal is not None
            journal.set_progress_handler(step, 1)
            history.rates(journal, NOW, FOREVER)
            history.last_read(journal)
            history.unpublished(journal)
            journal.set_progress_handler(None, 1)
        return taken

    counts = []
    for rows in (500, 4000):
        folder = tmp_path / str(rows)
        folder.mkdir()
        recorded(folder, [NOW - rows + n for n in range(rows)], [0.1] * rows)
        with sqlite3.connect(folder / "journal.sqlite3") as settling:
            settling.execute("UPDATE scans SET state = 2, part = 0")
        settling.close()
        counts.append(steps(folder))
    assert counts[1] < 1.6 * counts[0]
    assert counts[1] < 4000
