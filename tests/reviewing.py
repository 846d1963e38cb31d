"""Scans with real pictures that wait for review, read by no network; and `digitd review` as a process."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import numpy as np
import psutil

from delivery_rig import Rig
from digitd import names
from digitd.results import Alternative, Glyph, Outcome, Reading, Reason, Status
from e2e import scans
from e2e.harness import PATIENCE, House, environment, wait_for

CELL, MARGIN = 56, 20
"""Pixels of a digit's square, and of the paper around the line, in scans.page at its scale of 2."""
SURE, UNSURE = 0.9987, 0.6134


@dataclass(frozen=True)
class Wanted:
    """A scan below NAME: its PAGES have these digits, which were READ as those (None: rightly)."""

    name: str
    pages: tuple[str, ...]
    read: tuple[str, ...] | None = None
    status: Status = Status.REVIEW
    data: bytes | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """What was read."""
        return self.pages if self.read is None else self.read


def one(name: str, text: str, read: str | None = None, status: Status = Status.REVIEW) -> Wanted:
    """A scan of one page."""
    return Wanted(name, (text,), None if read is None else (read,), status)


def file_of(wanted: Wanted) -> bytes:
    """Its picture: a PNG, or a TIFF of many pages. Those with the same digits differ in their bytes."""
    if wanted.data is not None:
        return wanted.data
    if len(wanted.pages) > 1:
        return scans.tiff([scans.page(text) for text in wanted.pages])
    body = scans.scan(wanted.pages[0])
    end = body.rindex(b"IEND") - 4
    return body[:end] + scans.chunk(b"tEXt", b"Comment\0" + os.fsencode(wanted.name)) + body[end:]


def outcome_of(wanted: Wanted) -> Outcome:
    """What a worker would have made of it: boxes where the digits are, the middle one in doubt."""
    name = names.printable(wanted.name)
    if wanted.status is Status.FAILED:
        return Outcome(Status.FAILED, Reason("damaged", f"{name}: the PNG is damaged. Scan it again."))
    pages = tuple(
        _reading(number, *both) for number, both in enumerate(zip(wanted.pages, wanted.texts, strict=True), 1)
    )
    sure = wanted.status is Status.ACCEPTED
    reason = None if sure else Reason("low_confidence", f"{name}: the confidence is low. Compare it.")
    return Outcome(wanted.status, reason, "\f".join(wanted.texts), SURE if sure else UNSURE, pages)


def _reading(number: int, there: str, read: str) -> Reading:
    image = scans.page(there)
    height, width = image.shape
    glyphs = []
    for place, digit in enumerate(read):
        left = MARGIN + min(place, len(there) - 1) * CELL
        ink = np.argwhere(image[:, left : left + CELL] < 128)
        (top, first), (bottom, last) = ink.min(0), ink.max(0)
        doubted = place == len(read) // 2
        others = tuple(
            other
            for other in (there[min(place, len(there) - 1)], str((int(digit.replace("?", "0")) + 3) % 10))
            if other != digit
        )
        alternatives = tuple(
            Alternative(other, share) for other, share in zip(dict.fromkeys(others), (0.31, 0.04), strict=False)
        )
        box = (int(left + first), int(top), int(last - first + 1), int(bottom - top + 1))
        glyphs.append(Glyph(digit, UNSURE if doubted else SURE, box, alternatives if doubted else ()))
    return Reading(number, width, height, read, UNSURE, tuple(glyphs))


def stock(root: Path, wanted: Iterable[Wanted]) -> None:
    """Have these been read and published, as by a daemon that has ended since; folders as House has them."""
    rig = Rig(root)
    every = list(wanted)
    for each in every:
        rig.drop(each.name, file_of(each))
    with rig.open() as delivery:
        delivery.recover()
        for each in every:
            # Each in a round of its own: in the order given.
            delivery.deliver([replace(rig.read(each.name), outcome=outcome_of(each))])
        delivery.close()


def numbers(count: int) -> list[Wanted]:
    """So many scans, each with another number; every fifth was read wrongly."""
    found = []
    for place in range(count):
        text = f"{1000 + place * 37 % 9000}"
        wrong = text[:2] + str((int(text[2]) + 1) % 10) + text[3:]
        found.append(one(f"order-{place:03}.png", text, wrong if place % 5 == 4 else None))
    return found


class Reviewing:
    """`digitd review` as a process of its own, on a port that is free. Nothing of it is left once the context ends."""

    def __init__(self, house: House, *arguments: str, **env: str) -> None:
        self.house = house
        self.events: list[dict[str, Any]] = []
        self.garbage: list[bytes] = []
        command = [sys.executable, "-m", "digitd", "review", "-c", str(house.config), "--no-browser", "--port", "0"]
        self._command = [*command, *arguments]
        self._env = environment(house.root, **env)

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command,
            cwd=self.house.root,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._follower = threading.Thread(target=self._follow, daemon=True)
        self._follower.start()
        assert self.process.stdout is not None
        printed = [self.process.stdout.readline().decode().split() for _ in range(2)]
        if not all(printed):
            self.process.wait(PATIENCE)
            self._follower.join(PATIENCE)
            raise AssertionError(f"it ended with {self.process.returncode}: {self.events} {self.garbage}")
        self.address, self.looking = printed[0][-1], printed[1][-1]
        return self

    def __exit__(self, *_: object) -> None:
        family: list[psutil.Process | subprocess.Popen[bytes]] = []
        if self.process.poll() is None:
            family = [self.process, *self.family()]
        for each in family:
            try:
                each.kill()
            except psutil.NoSuchProcess:
                continue
        self.process.wait(PATIENCE)
        self._follower.join(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def _follow(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            try:
                self.events.append(json.loads(line))
            except ValueError:
                self.garbage.append(line)

    @property
    def origin(self) -> str:
        """Scheme, address and port."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(urlsplit(self.address).port or 0)

    @property
    def token(self) -> str:
        """Of those who may verify."""
        return parse_qs(urlsplit(self.address).query)["token"][0]

    def family(self) -> list[psutil.Process]:
        """The processes that it has started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def named(self, event: str) -> list[dict[str, Any]]:
        """The events of this name so far."""
        return [each for each in list(self.events) if each.get("event") == event]

    def opened(self) -> OpenerDirector:
        """A client that has come in with the token, and has its cookie."""
        opener = build_opener(HTTPCookieProcessor())
        opener.open(self.address, timeout=PATIENCE).close()
        return opener

    def terminate(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; gives the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self._follower.join(PATIENCE)
        return code


def verified_in(house: House) -> list[dict[str, Any]]:
    """The verified results in the outbox, in no order."""
    return [result for result in house.results() if result["status"] == "verified"]


def wait_verified(house: House, count: int) -> list[dict[str, Any]]:
    """The same, once there are so many."""

    def look() -> list[dict[str, Any]] | None:
        # Their names first: to read hundreds of files at each look would take longer than to publish them.
        if sum(1 for _ in house.outbox.rglob("*.json")) < count:
            return None
        return found if len(found := verified_in(house)) >= count else None

    found: list[dict[str, Any]] = wait_for(look, f"{count} verified results")
    return found


QUICK: Sequence[dict[str, Any]] = ({"review": {"undo": 0}, "outbox": {"every": "200ms"}},)
"""Verdicts are due at once, and delivered within about a second."""
