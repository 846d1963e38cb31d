"""The journal's native protocol, against a real socket; and what an event looks like there."""

import io
import json
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from digitd import journald, log
from digitd.journald import Journald, encoded

Fields = dict[str, str]


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket of a journal."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        address = os.fspath(tmp_path / "journal")
        listening.bind(address)
        listening.settimeout(10)
        monkeypatch.setattr(journald, "SOCKET", address)
        yield listening


def received(listening: socket.socket) -> Fields:
    """The next event, as the journal takes it apart: from a datagram, or from the file that came with one."""
    data, files, _, _ = socket.recv_fds(listening, 1 << 20, 1)
    if files:
        with open(files[0], "rb") as file:
            assert os.readlink(f"/proc/self/fd/{files[0]}").startswith("/memfd:")
            file.seek(0)
            data = file.read()
    fields: Fields = {}
    while data:
        line, _, data = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (length,) = struct.unpack_from("<Q", data)
            value, data = data[8 : 8 + length], data[8 + length + 1 :]
        fields[name.decode()] = value.decode()
    return fields


@pytest.mark.parametrize("value", ["plain", "a=b", "two\nlines", "", "größe \u2028", "x" * 1_000_000])
def test_any_value_arrives_as_it_is(journal: socket.socket, value: str) -> None:
    """With line breaks, and too long for a datagram, too."""
    there = Journald(journal.getsockname())
    there.send(encoded({"MESSAGE": "before", "digitd_scan": value}))
    assert received(journal) == {"MESSAGE": "before", "DIGITD_SCAN": value}
    there.close()


def test_names_are_such_as_the_journal_takes() -> None:
    """Capitals, digits and underscores, no more than 64, and none of those that only the journal itself may set."""
    assert encoded({"_pid": "1", "a b-c": "2", "x" * 100: "3"}).splitlines() == [
        b"PID=1",
        b"A_B_C=2",
        b"X" * 64 + b"=3",
    ]


def test_a_journal_that_is_away_or_stuck_is_an_error_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full queue holds one event up for a moment, and the next ones not at all."""
    monkeypatch.setattr(journald, "SEND_SECONDS", 0.05)
    away = Journald(os.fspath(tmp_path / "nobody"))
    with pytest.raises(FileNotFoundError):
        away.send(b"MESSAGE=x\n")
    away.close()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(os.fspath(tmp_path / "stuck"))
        stuck = Journald(os.fspath(tmp_path / "stuck"))

        def fill() -> None:
            while True:
                stuck.send(b"MESSAGE=x\n")

        with pytest.raises(OSError, match="timed out"):
            fill()
        with pytest.raises(BlockingIOError):
            stuck.send(b"MESSAGE=x\n")
        stuck.close()


class Connected(io.StringIO):
    """A stream that systemd has connected with its journal."""

    def __init__(self, file: int) -> None:
        super().__init__()
        self._file = file

    def fileno(self) -> int:
        return self._file


@pytest.fixture
def connected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connected]:
    """Logging as it was before, and standard error as under systemd."""
    with open(tmp_path / "stderr", "w") as file:
        status = os.fstat(file.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        yield Connected(file.fileno())
    log.configure("info", "json", io.StringIO())
    structlog.reset_defaults()


def test_an_event_has_a_line_a_priority_and_fields(journal: socket.socket, connected: Connected) -> None:
    """The line is for people, without what is long; the fields for programs: each alone, lists and mappings as JSON."""
    log.configure("info", "auto", connected)
    log.get().warning(
        "worker_lost",
        worker=7,
        cause="timeout",
        scans=2,
        none=None,
        message="mine",
        parts={"a": [1]},
        long={"a": "x" * log.PARTS_MOST},
    )
    fields = received(journal)
    assert fields.pop("MESSAGE") == 'worker_lost worker=7 cause=timeout scans=2 none=null message=mine parts={"a":[1]}'
    assert json.loads(fields.pop("DIGITD_PARTS")) == {"a": [1]}
    assert json.loads(fields.pop("DIGITD_LONG")) == {"a": "x" * log.PARTS_MOST}
    assert fields == {
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "digitd",
        "DIGITD_EVENT": "worker_lost",
        "DIGITD_WORKER": "7",
        "DIGITD_CAUSE": "timeout",
        "DIGITD_SCANS": "2",
        "DIGITD_MESSAGE": "mine",
    }
    assert connected.getvalue() == ""


def test_hostile_values_make_no_second_line_and_no_second_field(journal: socket.socket, connected: Connected) -> None:
    """Neither in the line nor in the field can a name say more than a name."""
    log.configure("info", "auto", connected)
    log.get().info("scan_ignored", scan="x\nPRIORITY=0\n\x1b[2J", path=os.fsdecode(b"\xff"))
    fields = received(journal)
    assert fields["PRIORITY"] == "6"
    assert fields["DIGITD_SCAN"] == "x\nPRIORITY=0\n\x1b[2J"
    assert fields["MESSAGE"].isprintable()


def test_a_refusal_is_one_sentence_for_people_everywhere(journal: socket.socket, connected: Connected) -> None:
    """In the journal, on a terminal: cause and remedy; for programs they are fields."""
    told = {"code": "folders", "cause": "inbox.path: /x\ny does not exist", "remedy": "Make it", "exit_code": 4}
    log.configure("info", "auto", connected)
    log.get().error("refused", **told)
    fields = received(journal)
    assert fields["MESSAGE"] == "inbox.path: /x\\ny does not exist. Make it."
    assert (fields["PRIORITY"], fields["DIGITD_CODE"], fields["DIGITD_EXIT_CODE"]) == ("3", "folders", "4")
    plain = io.StringIO()
    log.configure("info", "console", plain)
    log.get().error("refused", **told)
    assert plain.getvalue() == "digitd: inbox.path: /x\\ny does not exist. Make it.\n"


def test_a_traceback_follows_the_line(journal: socket.socket, connected: Connected) -> None:
    """So that who looks at a crash sees where it was."""
    log.configure("info", "auto", connected)
    try:
        raise ValueError("of this test")
    except ValueError:
        log.get().exception("crashed", exit_code=1)
    fields = received(journal)
    first, *rest = fields["MESSAGE"].splitlines()
    assert first == "crashed exit_code=1"
    assert rest[-1] == "ValueError: of this test"
    assert "ValueError" in fields["DIGITD_EXCEPTION"]


def test_elsewhere_it_is_json_as_ever(journal: socket.socket, connected: Connected) -> None:
    """Where standard error was redirected, and where `json` was asked for."""
    redirected = Connected(journal.fileno())
    for form, stream in (("json", connected), ("auto", redirected)):
        log.configure("info", form, stream)  # type: ignore[arg-type]
        log.get().info("ready")
        assert json.loads(stream.getvalue())["event"] == "ready"


def test_loggers_that_exist_follow_a_new_configuration() -> None:
    """Level and form of those that were made, and used, before."""
    first, second = io.StringIO(), io.StringIO()
    log.configure("warning", "json", first)
    logger = log.get()
    logger.info("left out")
    logger.warning("in")
    log.configure("debug", "console", second)
    logger.debug("in as well")
    assert [json.loads(line)["event"] for line in first.getvalue().splitlines()] == ["in"]
    assert "in as well" in second.getvalue()
