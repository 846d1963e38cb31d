"""Logging: events with fields; coloured on a terminal, the journal's own fields under systemd, else lines of JSON."""

import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import msgspec
import structlog

from digitd import names
from digitd.errors import sentence
from digitd.journald import Journald, encoded, is_listening_to

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
PRIORITIES = {"debug": "7", "info": "6", "warning": "4", "error": "3", "critical": "2"}
"""What syslog and the journal call them."""
REFUSALS = {"refused": "", "reload_refused": "the configuration in use stays: "}
"""Events that are one sentence for a person, cause and remedy, wherever a person reads them; and how it begins."""
IDENTIFIER = "digitd"
GATHERED_MOST = 256
"""Lines that are written together at most: some 80 KB."""

Logger = structlog.typing.FilteringBoundLogger

_least = logging.NOTSET
# Loggers keep this very list: what is changed in it holds for those too that exist already.
_processors: list[Any] = []


def configure(
    level: str,
    form: Literal["auto", "json", "console"],
    stream: TextIO = sys.stderr,
    *,
    clock: Literal["utc", "local"] = "utc",
) -> None:
    """Send every event of LEVEL and above to STREAM. Python's own warnings and logging become events too.

    Their time is RFC 3339: of CLOCK utc with `Z`, of local that of the machine's zone with its offset.
    It may be called again: loggers that were made before follow.
    """
    global _least
    _least = LEVELS[level]
    to_journal = form == "auto" and is_listening_to(stream)
    as_json = form == "json" or (form == "auto" and not stream.isatty())
    chain: list[Any] = [
        _drop_below,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time") if clock == "utc" else _local_time,
    ]
    if to_journal:
        chain += [structlog.processors.format_exc_info, _datagram]
    elif as_json:
        chain += [structlog.processors.format_exc_info, _json]
    else:
        chain.append(_Console(stream.isatty()))
    _sink.lead(stream, to_journal=to_journal)
    _processors[:] = chain
    structlog.configure(
        processors=_processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        logger_factory=lambda *_: _sink,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Forward()], level=LEVELS[level], force=True)
    logging.captureWarnings(True)
    warnings.simplefilter("default")


def is_in_journal() -> bool:
    """Whether events go to systemd's journal."""
    return _sink.to_journal


def get(**fields: Any) -> Logger:
    """A logger whose events all have FIELDS."""
    logger: Logger = structlog.get_logger(**fields)
    return logger


def says(level: str) -> bool:
    """Whether events of this level are sent on, or dropped."""
    return LEVELS[level] >= _least


def together() -> AbstractContextManager[None]:
    """While the block lasts, this thread's lines gather, and are written in a few pieces: a batch tells of each scan.

    A stream alone can do that; the journal takes events one by one. What is a warning, or worse, is not kept back.
    """
    return _sink.together()


def _local_time(_: Any, __: str, event: Any) -> Any:
    # structlog's own gives no offset: an hour that the clocks are set back by would be there twice.
    event["time"] = datetime.now(UTC).astimezone().isoformat(timespec="microseconds")
    return event


def _drop_below(_: Any, method: str, event: Any) -> Any:
    if LEVELS.get(method, logging.CRITICAL) < _least:
        raise structlog.DropEvent
    return event


def _json(_: Any, __: str, event: Any) -> str:
    first = {key: event.pop(key) for key in ("time", "level", "event")}
    return _text(first | event)


def _text(value: Any) -> str:
    try:
        return _encoder.encode(value).decode()
    except UnicodeEncodeError:
        # A path of the configuration that is no UTF-8; names of scans never get here raw.
        return json.dumps(value, default=str)


PARTS_MOST = 200
"""Characters of a field with parts that a line for people still has: a few keys, not a whole configuration."""

_encoder = msgspec.json.Encoder(enc_hook=str)


def _datagram(_: Any, __: str, event: Any) -> bytes:
    """The event for the journal; its own fields begin with DIGITD_, for some names have a meaning there already."""
    level, name = event.pop("level"), event.pop("event")
    del event["time"]
    fields = {"MESSAGE": _line(name, event), "PRIORITY": PRIORITIES[level], "SYSLOG_IDENTIFIER": IDENTIFIER}
    fields["DIGITD_EVENT"] = name
    for key, value in event.items():
        if value is not None:
            fields[f"DIGITD_{key}"] = value if isinstance(value, str) else _text(value)
    return encoded(fields)


def _line(name: str, event: Mapping[str, Any]) -> str:
    """An event as a person reads it; what is long, and has parts of its own, is in the fields."""
    if name in REFUSALS:
        return _refusal(name, event)
    shown = [name]
    for key, value in event.items():
        text = value if isinstance(value, str) and value.isalnum() else _text(value)
        if key != "exception" and not (isinstance(value, Mapping) and len(text) > PARTS_MOST):
            shown.append(f"{key}={text}")
    line = names.printable(" ".join(shown))
    return f"{line}\n{event['exception']}" if "exception" in event else line


def _refusal(name: str, event: Mapping[str, Any]) -> str:
    return names.printable(REFUSALS[name] + sentence(event["cause"], event["remedy"]))


class _Console:
    """Aligned lines; coloured on a terminal."""

    def __init__(self, colours: bool) -> None:
        self._render = structlog.dev.ConsoleRenderer(
            colors=colours, timestamp_key="time", pad_event_to=16, pad_level=False, sort_keys=False
        )

    def __call__(self, logger: Any, method: str, event: Any) -> str:
        if event["event"] in REFUSALS:
            return f"digitd: {_refusal(event['event'], event)}"
        return self._render(logger, method, event)


class _Sink:
    """Where events go. It may fail: a full disk, a reader that left. Nothing of what is logged is worth a scan."""

    def __init__(self) -> None:
        self._stream: TextIO = sys.stderr
        self._journald: Journald | None = None
        self.to_journal = False
        # The thread whose lines gather, and those.
        self._gatherer: int | None = None
        self._gathered: list[str] = []

    def lead(self, stream: TextIO, *, to_journal: bool) -> None:
        """Send on to this stream, or to the journal."""
        self._stream, self.to_journal = stream, to_journal
        if self._journald is not None:
            self._journald.close()
        self._journald = Journald() if to_journal else None

    def msg(self, event: str | bytes) -> None:
        """Send an event on."""
        try:
            if isinstance(event, str):
                self._write(f"{event}\n")
            elif self._journald is not None:
                self._journald.send(event)
        except OSError:
            return

    def urgent(self, event: str | bytes) -> None:
        """Send it on now, after what has gathered: the disk that it tells of may hang at the next scan."""
        self.msg(event)
        if threading.get_ident() == self._gatherer:
            with suppress(OSError):
                self._flush()

    @contextmanager
    def together(self) -> Iterator[None]:
        """As `log.together`."""
        self._gatherer = threading.get_ident()
        try:
            yield
        finally:
            self._gatherer = None
            with suppress(OSError):
                self._flush()

    def _write(self, line: str) -> None:
        if threading.get_ident() == self._gatherer:
            self._gathered.append(line)
            if len(self._gathered) >= GATHERED_MOST:
                self._flush()
        else:
            self._stream.write(line)
            self._stream.flush()

    def _flush(self) -> None:
        # A stream of this kind writes at each newline that it is given: so all of them at once.
        lines, self._gathered = "".join(self._gathered), []
        self._stream.write(lines)
        self._stream.flush()

    log = debug = info = msg
    warning = error = critical = urgent


_sink = _Sink()


class _Forward(logging.Handler):
    """What libraries log by the standard module is an event like any other."""

    def emit(self, record: logging.LogRecord) -> None:
        fields = {"library": record.name, "message": record.getMessage()}
        if record.exc_info:
            fields["exception"] = logging.Formatter().formatException(record.exc_info)
        # structlog knows the five levels, and libraries invent others: take the one below.
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        get().log(level, "library_message", **fields)
