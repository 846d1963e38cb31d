"""Events to systemd's journal with fields of their own: its native protocol, one datagram an event.

The format is https://systemd.io/JOURNAL_NATIVE_PROTOCOL/; a few lines, where the libraries for it need libsystemd.
"""

import array
import errno
import fcntl
import os
import re
import socket
import struct
from collections.abc import Mapping
from typing import TextIO

SOCKET = "/run/systemd/journal/socket"
SEND_SECONDS = 2.0
"""For so long a full queue holds an event up, once; until the journal listens again what does not fit is dropped."""
NAME_MOST = 64
TOO_LONG = frozenset({errno.EMSGSIZE, errno.ENOBUFS})
_MANY = 1 << 22
"""Bytes of a sending queue: the kernel gives what it allows."""


def is_listening_to(stream: TextIO) -> bool:
    """Whether STREAM is the one that systemd connected with its journal, and not redirected since."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}" and os.path.exists(SOCKET)


def encoded(fields: Mapping[str, str]) -> bytes:
    """One event: names in capitals, as the journal wants them; a value may have any characters."""
    return b"".join(_field(_name(name), value.encode(errors="backslashreplace")) for name, value in fields.items())


def _name(name: str) -> str:
    return re.sub("[^A-Z0-9_]", "_", name.upper()).lstrip("_0123456789")[:NAME_MOST]


def _field(name: str, value: bytes) -> bytes:
    if b"\n" in value:
        return b"%s\n%s%s\n" % (name.encode(), struct.pack("<Q", len(value)), value)
    return b"%s=%s\n" % (name.encode(), value)


class Journald:
    """The journal's socket."""

    def __init__(self, address: str | None = None) -> None:
        self._address = address or SOCKET
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MANY)
        self._socket.settimeout(SEND_SECONDS)

    def send(self, event: bytes) -> None:
        """Send what `encoded` made. OSError if the journal is away, or does not listen."""
        try:
            try:
                self._socket.sendto(event, self._address)
            except OSError as error:
                if error.errno not in TOO_LONG:
                    raise
                self._send_file(event)
        except OSError:
            self._socket.settimeout(0)
            raise
        self._socket.settimeout(SEND_SECONDS)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _send_file(self, event: bytes) -> None:
        """What is too long for a datagram goes as a sealed file in memory."""
        file = os.memfd_create("digitd-event", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            with open(file, "wb", closefd=False) as written:
                written.write(event)
            seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
            right = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))
            self._socket.sendmsg([], [right], 0, self._address)
        finally:
            os.close(file)
