"""Which files `digitd read` reads, and under which names."""

import os
from pathlib import Path

import pytest

from digitd.bulk import Target, Unopened, targets
from digitd.settings import Settings

SETTINGS = Settings()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of scans and other things."""
    for path in ("scan_10.png", "scan_9.png", "sub/x.TIF", "notes.txt", ".hidden.png", "x.png.part", "@eaDir/t.png"):
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x")
    (tmp_path / "link.png").symlink_to("scan_9.png")
    os.mkfifo(tmp_path / "fifo.png")
    return tmp_path


def test_a_folder_is_read_by_the_rules_of_the_inbox(folder: Path) -> None:
    """Subfolders too, in the order of names as people sort them, with paths relative to it."""
    found = list(targets([str(folder)], SETTINGS))
    assert found == [
        Target(str(folder / name), name) for name in ("scan_9.png", "scan_10.png", "sub/x.TIF")
    ]  # fmt: skip


def test_a_named_file_is_always_tried(folder: Path) -> None:
    """Whatever its name; a link is followed, for somebody meant it."""
    found = list(targets([str(folder / name) for name in ("notes.txt", ".hidden.png", "link.png")], SETTINGS))
    assert found == [
        Target(str(folder / "notes.txt"), "notes.txt"),
        Target(str(folder / ".hidden.png"), ".hidden.png"),
        Target(str(folder / "scan_9.png"), "link.png"),
    ]


def test_what_cannot_be_opened_says_why(folder: Path) -> None:
    """Missing, and no regular file; the others are read all the same."""
    found = list(targets([str(folder / name) for name in ("gone.png", "fifo.png", "scan_9.png")], SETTINGS))
    assert found == [
        Unopened(str(folder / "gone.png"), "No such file or directory"),
        Unopened(str(folder / "fifo.png"), "it is no regular file"),
        Target(str(folder / "scan_9.png"), "scan_9.png"),
    ]


def test_a_folder_that_cannot_be_listed_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could be listed comes before it."""
    real = os.scandir

    def scandir(path: object) -> object:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", scandir)
    found = list(targets([str(folder)], SETTINGS))
    assert found[-1] == Unopened(str(folder / "sub"), "Permission denied")
    assert len(found) == 3
