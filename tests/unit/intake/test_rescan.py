"""The walk over real folders, and the window of the oldest."""

import os
import socket
import time
from pathlib import Path

import pytest

from digitd.intake.ignore import Rules, Verdict
from digitd.intake.rescan import examine, stamps, steps, walk
from digitd.intake.settle import Stamp


class Walk:
    """One walk, and what it said."""

    def __init__(self, root: Path, *, recursive: bool = True, rules: Rules | None = None) -> None:
        self.ignored: dict[str, Verdict] = {}
        self.errors: dict[str, OSError] = {}
        self.entries = list(
            walk(
                root,
                rules or Rules(),
                recursive=recursive,
                on_ignored=self.ignored.__setitem__,
                on_error=self.errors.__setitem__,
            )
        )
        self.paths = sorted(entry.path for entry in self.entries)


def test_candidates_are_found_with_their_stamps(tmp_path: Path) -> None:
    """Files in folders of any depth are found under paths with /, each with what stat says."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("one.png", "a/two.TIF", "a/b/three.pdf"):
        (tmp_path / name).write_bytes(b"12345")
    found = Walk(tmp_path)
    assert found.paths == ["a/b/three.pdf", "a/two.TIF", "one.png"]
    status = (tmp_path / "one.png").stat()
    (stamp,) = [entry.stamp for entry in found.entries if entry.path == "one.png"]
    assert stamp == Stamp(5, status.st_mtime_ns, status.st_ino, status.st_dev, status.st_ctime_ns, 1)
    assert Walk(tmp_path, recursive=False).paths == ["one.png"]
    assert not found.ignored and not found.errors


def test_links_fifos_and_sockets_are_told_and_not_followed(tmp_path: Path) -> None:
    """A link to a file, to a folder or to nowhere, a FIFO and a socket are left alone, whatever their names."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "scan.png").write_bytes(b"x")
    (tmp_path / "link.png").symlink_to("real/scan.png")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "nowhere.png").symlink_to("missing")
    os.mkfifo(tmp_path / "fifo.png")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(tmp_path)  # a socket's path must be short
        try:
            server.bind("socket.png")
        finally:
            os.chdir(here)
        found = Walk(tmp_path)
    assert found.paths == ["real/scan.png"]
    assert found.ignored == {
        "link.png": Verdict.LINK,
        "folder": Verdict.LINK,
        "loop": Verdict.LINK,
        "nowhere.png": Verdict.LINK,
        "fifo.png": Verdict.FIFO,
        "socket.png": Verdict.SOCKET,
    }


def test_ignored_folders_are_not_entered(tmp_path: Path) -> None:
    """A hidden, a system's and an ignored folder are told once each, and their files not at all."""
    for folder in (".git", "@eaDir", "drafts"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "scan.png").write_bytes(b"x")
    (tmp_path / "notes.txt").write_bytes(b"x")
    found = Walk(tmp_path, rules=Rules(ignore=["drafts"]))
    assert found.paths == []
    assert found.ignored == {
        ".git": Verdict.HIDDEN,
        "@eaDir": Verdict.SYSTEM,
        "drafts": Verdict.IGNORED,
        "notes.txt": Verdict.NOT_INCLUDED,
    }


@pytest.mark.parametrize("name", [b"caf\xe9.png", b"new\nline.png", b"\x1b[31m.png", b"-rf.png", b"x" * 251 + b".png"])
def test_any_name_the_file_system_takes_is_found(tmp_path: Path, name: bytes) -> None:
    """Bytes that are no UTF-8, newlines and escapes come back exactly, and can be looked at again."""
    (tmp_path / os.fsdecode(name)).write_bytes(b"x")
    found = Walk(tmp_path)
    assert [os.fsencode(path) for path in found.paths] == [name]
    assert isinstance(examine(tmp_path, found.paths[0]), Stamp)


def test_a_walk_can_be_paused_after_whatever_it_looked_at(tmp_path: Path) -> None:
    """Each entry is a step, be it a candidate, something ignored or a folder."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").touch()
    for number in range(5):
        (tmp_path / f"{number}.txt").touch()
        (tmp_path / f"{number}.png").touch()
    (tmp_path / "link.png").symlink_to("0.png")
    looked = list(steps(tmp_path, Rules(), recursive=True, on_ignored=lambda *_: None, on_error=lambda *_: None))
    assert len(looked) == 13
    assert sum(entry is not None for entry in looked) == 5


def test_a_folder_that_cannot_be_listed_does_not_end_the_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No permission in one subfolder, another that vanished: the first is told, and the rest is found."""
    for folder in ("closed", "open", "vanished"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "scan.png").write_bytes(b"x")
    real = os.scandir

    def scandir(path: str) -> "os._ScandirIterator[str]":
        # root may list everything: permissions alone would test nothing there
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        if path.endswith("vanished"):
            raise FileNotFoundError(2, "No such file or directory", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = Walk(tmp_path)
    assert found.paths == ["open/scan.png"]
    assert list(found.errors) == ["closed"]


def test_an_inbox_that_is_gone_is_an_error_and_no_crash(tmp_path: Path) -> None:
    """A root that is missing is reported under the empty path."""
    found = Walk(tmp_path / "missing")
    assert found.entries == [] and list(found.errors) == [""]


def test_examine_tells_files_from_what_is_never_opened(tmp_path: Path) -> None:
    """A file has a stamp, a link its verdict, a folder and what is gone have nothing."""
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "l.png").symlink_to("a.png")
    assert isinstance(examine(tmp_path, "a.png"), Stamp)
    assert examine(tmp_path, "l.png") is Verdict.LINK
    assert examine(tmp_path, "") is None
    assert examine(tmp_path, "a.png/x.png") is None
    stat = stamps(tmp_path)
    assert stat("l.png") is None and stat("gone.png") is None
    assert stat("a.png") == examine(tmp_path, "a.png")


def test_a_hundred_thousand_files_are_walked_in_a_moment(tmp_path: Path) -> None:
    """A rescan of 100,000 files takes well under a second and a half."""
    for k in range(100_000):
        os.close(os.open(tmp_path / f"scan_{k}.png", os.O_CREAT | os.O_WRONLY))
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        found = walk(tmp_path, Rules(), recursive=True, on_ignored=lambda *_: None, on_error=lambda *_: None)
        assert sum(1 for _ in found) == 100_000
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 1.5
