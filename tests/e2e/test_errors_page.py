"""Each reason code and each exit code really happens, and its message is one that docs/errors.md has for it."""

import hashlib
import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from doctables import PAGE, codes, fits, fits_whole, messages, table
from e2e import scans
from e2e.harness import ROOT, Daemon, House

LIMITS = {"bytes": "200KB", "pixels": "3MB", "pages": 3, "marks": 200}
FAULTS = """
import os, sys, time
real = os.open
def open_(path, *arguments, **keys):
    # In the workers alone: the main process never opens a scan to read it.
    name = os.path.basename(os.fsdecode(path)) if isinstance(path, str | bytes) else ""
    if "digitd.service" not in sys.modules:
        if name == "locked.png":
            raise PermissionError(13, "Permission denied", path)
        if name == "deadly.png":
            os.abort()
        if name == "endless.png":
            time.sleep(3600)
        if name == "bloated.png":
            held = b"x" * 400_000_000
            time.sleep(3600)
    return real(path, *arguments, **keys)
os.open = open_
"""
"""What no file does where all is in order: a right that is missing (root has them all), a crash, a loop, a leak."""


def checkers(side: int, height: int = 1200, width: int = 1600) -> scans.Image:
    """A pattern of squares."""
    y, x = np.mgrid[:height, :width]
    return np.asarray((x // side + y // side) % 2 * 225 + 15, np.uint8)


def two_pages() -> bytes:
    """One that can be read, and one full of ink in which no mark can be told."""
    return scans.tiff([scans.page("3014"), checkers(16)])


def specks() -> scans.Image:
    """Small crosses apart from each other."""
    paper = np.full((900, 900), 255, np.uint8)
    for y in range(20, 880, 40):
        for x in range(20, 880, 40):
            cv2.line(paper, (x - 8, y), (x + 8, y), 0, 4)
            cv2.line(paper, (x, y - 8), (x, y + 8), 0, 4)
    return paper


REASONS: dict[str, tuple[str, bytes]] = {
    "empty": ("empty.png", b""),
    "not_an_image": ("text.png", b"this is no image at all, whatever its name says\n" * 20),
    "truncated": ("torn.png", scans.scan()[:-60]),
    "damaged": ("holed.png", b"\x89PNG\r\n\x1a\n" + scans.chunk(b"tEXt", b"a\0b") + scans.chunk(b"IEND", b"")),
    "encrypted": ("secret.pdf", scans.encrypted_pdf()),
    "too_many_bytes": ("heavy.png", scans.scan() + b"\0" * 200_000),
    "too_many_pixels": ("wide.png", scans.encode(np.full((2000, 2000), 255, np.uint8))),
    "too_many_pages": ("long.tif", scans.tiff([scans.page("4")] * 4)),
    "too_many_marks": ("crowded.png", scans.encode(specks())),
    "unreadable": ("locked.png", scans.scan()),
    "worker_died": ("deadly.png", scans.scan()),
    "worker_timeout": ("endless.png", scans.scan()),
    "worker_memory": ("bloated.png", scans.scan()),
    "low_confidence": ("sure/scan.png", scans.scan("47")),
    "low_margin": ("apart/scan.png", scans.scan("47")),
    "no_digits": ("dense.png", scans.encode(checkers(16))),
    "unread_mark": ("half.tif", two_pages()),
    "digits_expected": ("three/scan.png", scans.scan("47")),
}

GROWING = ("empty", "truncated")
"""What a writer may still be at: the daemon waits for 30 s, as e2e/test_once.py has it, and `digitd read` does not."""


def test_every_reason_code_happens_as_the_page_says(house: House) -> None:
    """A scan for each code of the page: the code is the result's, its message one of the page's, and
    after the message comes a remedy; a scan beside them is read."""
    assert set(REASONS) == {codes(row[0])[0] for row in table(PAGE, "code", "message")}
    house.configure(
        {"limits": LIMITS, "workers": {"timeout": 2, "memory": "400MB"}},
        {"profiles": {"sure": {"accept": 1.0}, "apart": {"margin": 1.0}, "three": {"digits": 3}}},
    )
    for code, (name, data) in REASONS.items():
        if code in GROWING:
            (house.root / name).write_bytes(data)
        else:
            house.drop(name, data)
    house.drop("good.png", scans.scan(4))
    with Daemon(house, "--once", PYTHONPATH=house.at_start(FAULTS)) as daemon:
        assert daemon.wait_end() == 0, daemon.tail()
    daemon.assert_only_events()
    told = house.run("read", "--format", "json", *(REASONS[code][0] for code in GROWING)).stdout.splitlines()
    results = {result["source"]["path"]: result for result in (*house.results(), *map(json.loads, told))}
    assert results["good.png"]["text"] == "4"
    for code, (name, _) in REASONS.items():
        reason = results[name]["reason"]
        assert reason is not None and reason["code"] == code, (name, reason)
        assert reason["message"].startswith(f"{name}: ")
        said = reason["message"].removeprefix(f"{name}: ")
        assert any(fits_whole(form, said) for form in messages()[code]), said


# ---- exit codes


def _refused(daemon: Daemon) -> tuple[int, str, str]:
    """Exit code, name and cause of a daemon that ends by itself."""
    code = daemon.wait_end()
    [event] = daemon.named("refused")
    assert event["exit_code"] == code
    assert event["remedy"]
    return code, event["code"], event["cause"]


def _config(house: House) -> tuple[int, str, str]:
    house.configure({"inbox": {"settel": 1}})
    with Daemon(house) as daemon:
        return _refused(daemon)


def _folders(house: House) -> tuple[int, str, str]:
    house.configure({"outbox": {"path": "inbox/out"}})
    with Daemon(house) as daemon:
        return _refused(daemon)


def _bundle_of(house: House) -> Path:
    bundle = house.root / "bundle"
    shutil.copytree(ROOT / "daemon" / "digitd" / "models" / "default", bundle)
    house.configure({"model": {"bundle": str(bundle)}, "workers": {"count": 1}})
    return bundle


def _bundle(house: House) -> tuple[int, str, str]:
    os.truncate(_bundle_of(house) / "model.tflite", 1000)
    with Daemon(house) as daemon:
        return _refused(daemon)


def _bundle_replaced(house: House) -> tuple[int, str, str]:
    bundle = _bundle_of(house)
    with Daemon(house) as daemon:
        daemon.wait_ready()
        manifest = json.loads((bundle / "bundle.json").read_bytes())
        # The weights that LiteRT does not use stand for those of another network.
        weights = (bundle / "model.keras").read_bytes() + b"\0"
        (bundle / "model.keras").write_bytes(weights)
        manifest["files"]["model.keras"] |= {"sha256": hashlib.sha256(weights).hexdigest(), "bytes": len(weights)}
        (bundle / "bundle.json").write_text(json.dumps(manifest), encoding="utf-8")
        os.kill(daemon.workers()[0], signal.SIGKILL)
        return _refused(daemon)


def _workers(house: House) -> tuple[int, str, str]:
    script = (
        "import os, sys\nif 'forkserver' in ' '.join(sys.orig_argv): os.register_at_fork(after_in_child=os.abort)\n"
    )
    with Daemon(house, PYTHONPATH=house.at_start(script)) as daemon:
        return _refused(daemon)


def _journal_damaged(house: House) -> tuple[int, str, str]:
    """Where it is not looked at before: in the middle, of a journal that is too large to be looked through."""
    for number in range(40):
        house.drop(f"{number}.png", scans.numbered(number))
    house.once()
    with (house.state / "journal.sqlite3").open("r+b") as file:
        (root,) = (
            sqlite3.connect(file.name)
            .execute("SELECT rootpage FROM sqlite_master WHERE name = 'scans_unrolled'")
            .fetchone()
        )
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    house.drop("more.png", scans.numbered(1))
    script = "from digitd import rebuild\nrebuild.CHECKED_BYTES = 0\n"
    with Daemon(house, PYTHONPATH=house.at_start(script)) as daemon:
        return _refused(daemon)


def _already_running(house: House) -> tuple[int, str, str]:
    with Daemon(house) as first:
        first.wait_ready()
        with Daemon(house) as second:
            return _refused(second)


REFUSALS: dict[tuple[int, str], Callable[[House], tuple[int, str, str]]] = {
    (1, "workers"): _workers,
    (1, "bundle_replaced"): _bundle_replaced,
    (1, "journal_damaged"): _journal_damaged,
    (3, "config"): _config,
    (4, "folders"): _folders,
    (5, "bundle"): _bundle,
    (6, "already_running"): _already_running,
}
OTHERWISE = {(0, "done"), (1, "bug"), (2, "usage")}
ELSEWHERE = {
    (1, "cluster"): "test_ray.py",
    (7, "not_running"): "test_status.py",
    (8, "unhealthy"): "test_status.py",
}
"""Those that are made to happen in another file, beside what else there is to see of them."""


def test_every_exit_code_has_its_test() -> None:
    """Those of the page are those that are made to happen below."""
    assert {(int(row[0]), codes(row[1])[0]) for row in table(PAGE, "exit code", "name")} == {
        *REFUSALS,
        *ELSEWHERE,
    } | OTHERWISE
    for (code, name), file in ELSEWHERE.items():
        text = (Path(__file__).parent / file).read_text(encoding="utf-8")
        assert name in text or f"({code}, " in text


@pytest.mark.parametrize(("code", "name"), REFUSALS)
def test_every_refusal_happens_as_the_page_says(house: House, code: int, name: str) -> None:
    """The exit code and the name are the page's, and the cause is one of its messages."""
    exited, named, cause = REFUSALS[code, name](house)
    assert (exited, named) == (code, name)
    assert any(fits(form, cause) for form in messages()[name]), cause


def test_done_and_usage_and_a_bug(house: House) -> None:
    """0 for what was asked, 2 for a path that is not there, 1 with a traceback in the event for a mistake in digitd."""
    assert house.once().process.returncode == 0
    missing = house.run("read", "nofile.png")
    assert missing.returncode == 2
    assert missing.stderr.decode() == "digitd: nofile.png cannot be opened: No such file or directory\n"
    script = "import digitd.service\ndef run(*_, **__): raise RuntimeError('a mistake')\ndigitd.service.run = run\n"
    with Daemon(house, PYTHONPATH=house.at_start(script)) as daemon:
        assert daemon.wait_end() == 1
    daemon.assert_only_events()
    [event] = daemon.named("crashed")
    assert event["exit_code"] == 1 and "RuntimeError: a mistake" in event["exception"] and event["remedy"]
