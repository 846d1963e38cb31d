"""Failed scans back to the inbox."""

import errno
import os
from pathlib import Path

import pytest

from delivery_rig import Rig
from digitd import fs
from digitd.errors import FolderError
from digitd.results import Status
from digitd.retry import Returned, retry
from digitd.settings import Inbox, Outbox, Settings, Sources, State


def settings_of(rig: Rig) -> Settings:
    """The configuration of a rig."""
    return Settings(
        inbox=Inbox(path=rig.inbox),
        outbox=Outbox(path=rig.outbox),
        state=State(path=rig.state),
        sources=Sources(**rig.targets()),
    )


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """A rig in whose archive three scans failed."""
    rig = Rig(tmp_path)
    with rig.open() as delivery:
        for path in ("a.png", "sub/b.png", "sub/c.png"):
            rig.drop(path)
            delivery.deliver([rig.read(path, Status.FAILED)])
    return rig


def archived(rig: Rig) -> list[str]:
    """What is left in the archive of failed scans."""
    folder = rig.archive / "failed"
    return sorted(os.fspath(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def waiting(rig: Rig) -> list[str]:
    """What is in the inbox."""
    return sorted(os.fspath(file.relative_to(rig.inbox)) for file in rig.inbox.rglob("*") if file.is_file())


def test_all_go_back_and_their_tickets_go_away(rig: Rig) -> None:
    """To the subfolder they came from."""
    returned = list(retry(settings_of(rig), []))
    assert returned == [Returned(path, path) for path in ("a.png", "sub/b.png", "sub/c.png")]
    assert waiting(rig) == ["a.png", "sub/b.png", "sub/c.png"]
    assert archived(rig) == []
    assert list(retry(settings_of(rig), [])) == []


@pytest.mark.parametrize(
    ("patterns", "back"),
    [
        (["b.png"], ["sub/b.png"]),
        (["sub/*"], ["sub/b.png", "sub/c.png"]),
        (["a*", "c*"], ["a.png", "sub/c.png"]),
        (["B.png"], []),
    ],
)
def test_patterns_choose_by_path_or_name(rig: Rig, patterns: list[str], back: list[str]) -> None:
    """The others stay, with their tickets."""
    assert [returned.now for returned in retry(settings_of(rig), patterns)] == back
    assert waiting(rig) == back
    assert len(archived(rig)) == 2 * (3 - len(back))


def test_a_file_in_the_inbox_is_not_overwritten(rig: Rig) -> None:
    """The one that comes back takes a number."""
    rig.drop("a.png", b"another")
    assert list(retry(settings_of(rig), ["a.png"])) == [Returned("a.png", "a~2.png")]
    assert (rig.inbox / "a.png").read_bytes() == b"another"


@pytest.mark.parametrize("full", [False, True])
def test_it_goes_back_across_file_systems(rig: Rig, monkeypatch: pytest.MonkeyPatch, full: bool) -> None:
    """By a hidden copy; if that fails nothing is lost, and nothing half is left in the inbox."""
    real, copy = fs.rename_noreplace, fs.copy_durably

    def rename(old: str, new: str) -> None:
        if "/archive/" in old and "/inbox/" in new:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), old, None, new)
        real(old, new)

    def half(old: str, new: str) -> None:
        copy(old, new)
        os.truncate(new, 1)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), new)

    monkeypatch.setattr(fs, "rename_noreplace", rename)
    if full:
        monkeypatch.setattr(fs, "copy_durably", half)
        with pytest.raises(FolderError, match="No space left"):
            list(retry(settings_of(rig), ["a.png"]))
        assert waiting(rig) == []
        assert "a.png" in archived(rig)
    else:
        rig.drop("a.png", b"another")
        assert list(retry(settings_of(rig), ["a.png"])) == [Returned("a.png", "a~2.png")]
        assert (rig.inbox / "a~2.png").read_bytes() == b"scan"
        assert waiting(rig) == ["a.png", "a~2.png"]


def test_a_scan_that_was_filed_meanwhile_is_not_lost(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes the name in the archive after the copy was made stays there; and no link in the inbox is followed."""
    real, sync = fs.rename_noreplace, fs.sync_folder
    archived_at = rig.archive / "failed/a.png"
    (rig.inbox / ".digitd-retry-1.tmp").symlink_to(rig.base / "victim")
    (rig.base / "victim").write_bytes(b"precious")

    def rename(old: str, new: str) -> None:
        if "/archive/" in old and "/inbox/" in new:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), old, None, new)
        real(old, new)

    def sync_and_file(folder: str) -> None:
        sync(folder)
        archived_at.unlink()
        archived_at.write_bytes(b"another")

    monkeypatch.setattr(fs, "rename_noreplace", rename)
    monkeypatch.setattr(fs, "sync_folder", sync_and_file)
    assert list(retry(settings_of(rig), ["a.png"])) == [Returned("a.png", "a.png")]
    assert (rig.inbox / "a.png").read_bytes() == b"scan"
    assert archived_at.read_bytes() == b"another"
    assert (rig.base / "victim").read_bytes() == b"precious"


@pytest.mark.parametrize("sources", ["delete", "keep"])
def test_where_nothing_is_archived_there_is_nothing_to_retry(tmp_path: Path, sources: str) -> None:
    """It says what to do instead."""
    with pytest.raises(FolderError, match=f"sources.failed is {sources}"):
        list(retry(settings_of(Rig(tmp_path, sources=sources)), []))
