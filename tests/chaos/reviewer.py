"""A person, as a program of its own that can be killed: `python reviewer.py CONFIG DIARY WHO SEED`, until it is ended.

What it does is in the diary, a line of JSON each, written before it is done ("gives", "takes_back") or after ("gave").
"""

import json
import os
import random
import signal
import sqlite3
import sys
import time
from pathlib import Path

from digitd import log
from digitd.alone import Alone
from digitd.config import load
from digitd.errors import DigitdError
from digitd.results import Status
from digitd.review.desk import Answer, Desk, Item, Kind, LeaseLostError

PAUSE = 0.02
"""Seconds between two looks at a queue that is empty."""


class Diary:
    """What a person did; a line is whole or torn, and what was written before a kill is there after it."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)

    def note(self, **what: object) -> None:
        """Write a line."""
        os.write(self._file, json.dumps(what).encode() + b"\n")


def answer(item: Item, chance: random.Random) -> Answer:
    """What is said of an item: that it is right, something else, or that there is nothing."""
    match chance.randrange(4):
        case 0:
            return Answer(Kind.UNREADABLE)
        case 1:
            return Answer(Kind.NO_DIGITS)
        case 2:
            return Answer(texts=(str(chance.randrange(10_000)),), by="Anna")
    return Answer(texts=tuple(page.text for page in item.result.pages) or ("7",))


def review(desk: Desk, who: str, chance: random.Random, diary: Diary) -> bool:
    """Take an item and say something of it, now and then take that back; whether there was any."""
    items = desk.next(who, count=2)
    if not items:
        return False
    item = items[0]
    diary.note(gives=item.id)
    try:
        given = desk.decide(who, item.key, answer(item, chance))
    except LeaseLostError:
        return True
    diary.note(gave=given, of=item.id)
    if chance.random() < 0.2:
        diary.note(takes_back=given)
        back = desk.undo(who)
        if back is not None and back.result.status is Status.VERIFIED:
            # It was published before that: what is said now supersedes it.
            diary.note(gives=back.id)
            again = desk.decide(who, back.key, Answer(texts=("0",)))
            diary.note(gave=again, of=back.id)
    return True


def main() -> None:
    """Review until SIGTERM."""
    config, diary, who, seed = sys.argv[1:]
    settings = load(Path(config))
    log.configure("error", "json")
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    chance, noted = random.Random(int(seed)), Diary(diary)
    while not ended:
        try:
            with Desk(settings) as desk:
                alone = Alone(settings, desk.next_due)
                while not ended:
                    found = review(desk, who, chance, noted)
                    alone.tick()
                    if not found:
                        time.sleep(PAUSE)
        except (DigitdError, sqlite3.OperationalError):
            # Two that make the journal at once, or a disk that is busy: as a person does, it tries again.
            time.sleep(PAUSE)


if __name__ == "__main__":
    main()
