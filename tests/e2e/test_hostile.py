"""The whole corpus and hostile names, with five hundred good scans among them, through the real daemon."""

import csv
import io
import json
import os

import psutil

from e2e import scans
from e2e.harness import Daemon, House, wait_for
from hostile import corpus
from hostile.names import NAMES

GOOD = 500
PEAK = 1.2 * 2**30
"""Bytes that main process and workers may take together, each shared page counted once."""
OLD = 10**9
SHOWN = [raw for raw in NAMES if raw[:1] != b"."]


def test_good_scans_among_hostile_ones(house: House) -> None:
    """Each good one is read; each bad one has a reason that it may have; memory stays bounded; the daemon lives; and no
    name or content breaks a log line, a JSON result, a CSV cell or what a command prints on a terminal."""
    bad = {case.name: case for case in corpus.cases()}
    good = {f"good-{number}.png": scans.numbered(number) for number in range(GOOD)}
    house.configure({"log": {"format": "json"}})
    with Daemon(house) as daemon:
        daemon.wait_ready()
        for number, case in enumerate(bad.values()):
            # What is cut short is waited for while it is young.
            os.utime(house.drop(case.name, case.data), (OLD, OLD))
            for name in list(good)[number * 4 : number * 4 + 4]:
                house.drop(name, good[name])
        for name in list(good)[len(bad) * 4 :]:
            house.drop(name, good[name])
        for number, raw in enumerate(NAMES):
            house.drop(b"names/" + raw, scans.numbered(GOOD + number))
        everything = len(bad) + len(good) + len(SHOWN)
        peak = 0

        def done() -> bool:
            nonlocal peak
            peak = max(peak, _memory(daemon))
            return len(daemon.named("scan_published")) >= everything

        wait_for(done, f"{everything} results", timeout=110)
        status = house.run("status")
        assert daemon.terminate() == 0

    daemon.assert_only_events()
    assert peak < PEAK
    results = {result["source"]["path"]: result for result in house.results()}
    assert len(house.results()) == everything
    for number in range(GOOD):
        assert results[f"good-{number}.png"]["text"] == str(number % 10)
    for name, case in bad.items():
        found = results[name]
        code = found["reason"]["code"] if found["status"] == "failed" else corpus.READ
        assert code in case.may, (name, code)
    in_folder = [result["text"] for path, result in results.items() if path.startswith("names/")]
    assert sorted(in_folder) == sorted(str((GOOD + number) % 10) for number, raw in enumerate(NAMES) if raw in SHOWN)
    # Hidden names are left alone.
    left = {os.fsencode(name) for name in house.files(house.inbox)}
    assert left == {b"names/" + raw for raw in NAMES if raw not in SHOWN}
    for printed in (status.stdout, house.run("read", os.fsencode(house.archive)).stdout):
        _assert_harmless(printed.decode())
    for path in house.outbox.glob("*.csv"):
        _assert_table(path.read_bytes())
    assert not list(house.root.rglob("owned"))


def _memory(daemon: Daemon) -> int:
    total = 0
    for process in daemon.survivors():
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total


def _assert_harmless(printed: str) -> None:
    """Nothing that a terminal obeys."""
    assert all(char.isprintable() or char in "\n\f" for char in printed)


def _assert_table(data: bytes) -> None:
    """As many cells in each row as in the header, and none that a spreadsheet takes for a formula."""
    header, *rows = csv.reader(io.StringIO(data.decode(), newline=""))
    for row in rows:
        assert len(row) == len(header)
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in row)
    json.dumps(rows)
