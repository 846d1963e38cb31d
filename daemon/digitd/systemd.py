"""Telling systemd how it goes: the sd_notify protocol, one datagram a message."""

import os
import socket
import time

START_SECONDS = 120
"""How long a start that is on its way may be silent; a slow disk writes 16 MB in a second."""


class Notifier:
    """Sends to $NOTIFY_SOCKET; does nothing where there is none."""

    def __init__(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        usec = os.environ.get("WATCHDOG_USEC", "")
        mine = os.environ.get("WATCHDOG_PID", "") in {"", str(os.getpid())}
        self.watchdog_seconds: float | None = int(usec) / 2e6 if usec.isdigit() and mine and int(usec) else None
        """Seconds between two pings: half of what systemd waits for; None where it does not watch."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) if address else None
        if self._socket is not None:
            # A full queue must not hold the daemon up; the next ping follows.
            self._socket.setblocking(False)

    def ready(self) -> None:
        """The daemon watches, and its workers have loaded."""
        self._send("READY=1")

    def starting(self, sentence: str) -> None:
        """It takes longer than usual, and why: from now on it may take START_SECONDS more, until this is said again."""
        self._send(f"EXTEND_TIMEOUT_USEC={START_SECONDS * 1_000_000}\nSTATUS={sentence}")

    def reloading(self) -> None:
        """The daemon takes a new configuration in; `ready` follows, whatever comes of it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def refused(self, sentence: str, number: int | None) -> None:
        """The daemon does not start: why, and the errno of the cause, if there is one."""
        self.status(sentence)
        if number is not None:
            self._send(f"ERRNO={number}")

    def stopping(self) -> None:
        """The daemon finishes what is in hand."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Ping the watchdog."""
        self._send("WATCHDOG=1")

    def status(self, sentence: str) -> None:
        """What `systemctl status` shows."""
        self._send(f"STATUS={' '.join(sentence.splitlines())}")

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()

    def _send(self, message: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(message.encode(errors="backslashreplace"), self._address)
        except OSError:
            # systemd being away or busy is no reason to stop reading scans; its watchdog notices what matters.
            return


def tell_refused(sentence: str, error: BaseException) -> None:
    """Tell systemd, if it started this process, why there will be no daemon."""
    notifier = Notifier()
    notifier.refused(sentence, error.__cause__.errno if isinstance(error.__cause__, OSError) else None)
    notifier.close()
