"""Logging: events with fields, one JSON object a line off a terminal, coloured on one."""

import json
import logging
import sys
import warnings
from datetime import UTC, datetime
from typing import Any, Literal, TextIO, cast

import msgspec
import structlog

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

Logger = structlog.typing.FilteringBoundLogger

_least = logging.NOTSET


def configure(
    level: str,
    form: Literal["auto", "json", "console"],
    stream: TextIO = sys.stderr,
    *,
    clock: Literal["utc", "local"] = "utc",
) -> None:
    """Send every event of LEVEL and above to STREAM. Python's own warnings and logging become events too.

    Their time is RFC 3339: of CLOCK utc with `Z`, of local that of the machine's zone with its offset.
    """
    global _least
    _least = LEVELS[level]
    as_json = form == "json" or (form == "auto" and not stream.isatty())
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time") if clock == "utc" else _local_time,
    ]
    if as_json:
        shared += [structlog.processors.format_exc_info, _json]
    else:
        shared.append(
            structlog.dev.ConsoleRenderer(
                colors=stream.isatty(), timestamp_key="time", pad_event_to=16, pad_level=False, sort_keys=False
            )
        )
    structlog.configure(
        processors=shared,
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _Stream(stream))),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Forward()], level=LEVELS[level], force=True)
    logging.captureWarnings(True)
    warnings.simplefilter("default")


def get(**fields: Any) -> Logger:
    """A logger whose events all have FIELDS."""
    logger: Logger = structlog.get_logger(**fields)
    return logger


def says(level: str) -> bool:
    """Whether events of this level are sent on, or dropped."""
    return LEVELS[level] >= _least


def _local_time(_: Any, __: str, event: Any) -> Any:
    # structlog's own gives no offset: an hour that the clocks are set back by would be there twice.
    event["time"] = datetime.now(UTC).astimezone().isoformat(timespec="microseconds")
    return event


def _json(_: Any, __: str, event: Any) -> str:
    first = {key: event.pop(key) for key in ("time", "level", "event")}
    try:
        return _encoder.encode(first | event).decode()
    except UnicodeEncodeError:
        # A path of the configuration that is no UTF-8; names of scans never get here raw.
        return json.dumps(first | event, default=str)


_encoder = msgspec.json.Encoder(enc_hook=str)


class _Stream:
    """A stream that may fail: a full disk, a reader that left. Nothing of what is logged is worth a scan."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        try:
            self._stream.write(line)
        except OSError:
            return

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            return


class _Forward(logging.Handler):
    """What libraries log by the standard module is an event like any other."""

    def emit(self, record: logging.LogRecord) -> None:
        fields = {"library": record.name, "message": record.getMessage()}
        if record.exc_info:
            fields["exception"] = logging.Formatter().formatException(record.exc_info)
        # structlog knows the five levels, and libraries invent others: take the one below.
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        get().log(level, "library_message", **fields)
