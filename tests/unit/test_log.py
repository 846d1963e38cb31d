"""Logging: events as lines of JSON, that no name and no library can break."""

import errno
import io
import json
import logging
import os
import threading
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from digitd import log

HOSTILE = "x\n\r\x1b[2J\u2028\u202e\"}{'.png"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Logging as it was before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with warnings.catch_warnings():
        yield
    logging.captureWarnings(False)
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The events: every line is one JSON object."""
    text = stream.getvalue()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.removesuffix("\n").split("\n")]


def configured(level: str = "info", stream: io.StringIO | None = None) -> io.StringIO:
    """A stream that is no terminal, with the log on it."""
    stream = stream or io.StringIO()
    log.configure(level, "auto", stream)
    return stream


def test_off_a_terminal_an_event_is_a_line_of_json() -> None:
    """Time, level and event come first, then the fields."""
    stream = configured()
    log.get(worker=7).info("scan_published", scan="x.png", ms=1.5, reason=None)
    (event,) = lines(stream)
    assert list(event) == ["time", "level", "event", "worker", "scan", "ms", "reason"]
    assert (event["level"], event["event"], event["ms"], event["reason"]) == ("info", "scan_published", 1.5, None)
    offset = datetime.fromisoformat(event["time"]).utcoffset()
    assert offset is not None
    assert not offset


def test_local_time_has_its_offset_also_when_the_clocks_are_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the hour that is there twice each event says which it means; no zone moves the instant."""
    monkeypatch.setenv("TZ", "America/St_Johns")
    time.tzset()
    try:
        stream = io.StringIO()
        log.configure("info", "json", stream, clock="local")
        # 2026-11-01 02:00 NDT is 01:00 NST: half past one comes at 04:00 and at 05:00 UTC.
        for hour in (4, 5):
            monkeypatch.setattr(log, "datetime", _clock_at(datetime(2026, 11, 1, hour, 0, 0, 250, tzinfo=UTC)))
            log.get().info("ready")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert [event["time"] for event in lines(stream)] == [
        "2026-11-01T01:30:00.000250-02:30",
        "2026-11-01T01:30:00.000250-03:30",
    ]


def _clock_at(moment: datetime) -> type[datetime]:
    """A datetime whose now() is MOMENT."""

    class Clock(datetime):
        @classmethod
        def now(cls, _: object = None) -> datetime:  # type: ignore[override]
            """The moment."""
            return moment

    return Clock


def test_levels_below_are_left_out() -> None:
    """`warning` shows warnings and errors."""
    stream = configured("warning")
    for level in ("debug", "info", "warning", "error"):
        getattr(log.get(), level)("something")
    assert [event["level"] for event in lines(stream)] == ["warning", "error"]


@pytest.mark.parametrize("value", [HOSTILE, os.fsdecode(b"\xff\xfe"), {"a": os.fsdecode(b"\xff")}, b"\xff", object()])
def test_no_value_breaks_a_line(value: object) -> None:
    """Whatever is logged, the event is one line of valid JSON."""
    stream = configured()
    log.get().info("scan_ignored", scan=value)
    (event,) = lines(stream)
    assert event["event"] == "scan_ignored"
    if isinstance(value, str):
        assert event["scan"] == value


def test_an_exception_is_a_field() -> None:
    """With its traceback, in the same line."""
    stream = configured()
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        log.get().exception("bug")
    (event,) = lines(stream)
    assert "ValueError" in event["exception"]
    assert event["level"] == "error"


def test_warnings_and_logging_of_libraries_become_events() -> None:
    """Python's own warnings, the standard logging, its exceptions, and levels that libraries made up."""
    stream = configured("debug")
    warnings.warn("old\nhabit", stacklevel=1)
    logging.getLogger("other.package").warning("it says %s", HOSTILE)
    logging.getLogger("other.package").log(25, "made up")
    logging.getLogger("other.package").log(55, "very made up")
    try:
        raise OSError("gone")
    except OSError:
        logging.getLogger("other.package").exception("failed")
    events = lines(stream)
    assert {event["event"] for event in events} == {"library_message"}
    assert [event["level"] for event in events] == ["warning", "warning", "info", "critical", "error"]
    assert "old\nhabit" in events[0]["message"]
    assert events[1]["message"] == f"it says {HOSTILE}"
    assert events[1]["library"] == "other.package"
    assert "OSError: gone" in events[4]["exception"]


def test_on_a_terminal_it_is_coloured_and_off_it_can_be_plain() -> None:
    """`auto` looks at the stream; `json` and `console` do not."""
    terminal = Terminal()
    log.configure("info", "auto", terminal)
    log.get().info("ready", workers=2)
    assert "\x1b[" in terminal.getvalue()
    assert "ready" in terminal.getvalue()
    terminal = Terminal()
    log.configure("info", "json", terminal)
    log.get().info("ready", workers=2)
    assert lines(terminal)[0]["workers"] == 2
    plain = io.StringIO()
    log.configure("info", "console", plain)
    log.get().info("ready", text="1\n2")
    assert "\x1b[" not in plain.getvalue()
    assert len(plain.getvalue().splitlines()) == 1


class Broken(io.StringIO):
    """A stream on a full disk."""

    def write(self, _: str) -> int:
        """It fails."""
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        """It fails too."""
        raise OSError(28, "No space left on device")


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    """No line of a log is worth a scan."""
    configured(stream=Broken())
    log.get().error("delivery_paused")
    logging.getLogger("other.package").error("too")


def events(stream: io.StringIO) -> list[str]:
    """The names of the events that are written."""
    return [line["event"] for line in lines(stream)] if stream.getvalue() else []


def test_lines_gather_and_are_written_in_order() -> None:
    """Those of the thread that asked for it alone, and however the block ends."""
    stream = configured()

    def block() -> None:
        with log.together():
            log.get().info("first")
            other = threading.Thread(target=log.get().info, args=("other",))
            other.start()
            other.join()
            assert events(stream) == ["other"]
            log.get().info("second")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        block()
    assert events(stream) == ["other", "first", "second"]
    log.get().info("after")
    assert events(stream) == ["other", "first", "second", "after"]


def test_trouble_is_not_kept_back() -> None:
    """A warning or an error is written at once, and what was gathered comes before it."""
    stream = configured()
    with log.together():
        log.get().info("scan_published")
        log.get().error("delivery_paused")
        assert events(stream) == ["scan_published", "delivery_paused"]
        log.get().info("scan_published")
        log.get().warning("library_message")
        assert events(stream)[2:] == ["scan_published", "library_message"]


def test_what_gathers_is_bounded() -> None:
    """Of a long block the lines are written in pieces, none of them twice."""
    stream = configured()
    with log.together():
        for number in range(2 * log.GATHERED_MOST + 1):
            log.get().info("scan_published", number=number)
        assert len(events(stream)) == 2 * log.GATHERED_MOST
    assert [line["number"] for line in lines(stream)] == list(range(2 * log.GATHERED_MOST + 1))


def test_a_log_that_cannot_be_written_costs_no_scan() -> None:
    """A full disk or a reader that left, in the middle of a block or at its end; what comes after is written."""

    class Full(io.StringIO):
        full = True

        def write(self, text: str) -> int:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(text)

    stream = Full()
    configured(stream=stream)
    with log.together():
        for _ in range(log.GATHERED_MOST + 1):
            log.get().info("lost")
        log.get().error("lost_too")
        log.get().info("lost")
    stream.full = False
    with log.together():
        log.get().info("found")
    assert events(stream) == ["found"]
