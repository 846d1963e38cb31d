"""The marks of an inbox and an outbox: one digitd works with each, whoever starts first, runs or was killed."""

import errno
import os
import shutil
from pathlib import Path

import pytest
import structlog

from digitd import fs
from digitd.errors import AlreadyRunningError, ExitCode, FolderError
from digitd.lock import Lock
from digitd.marks import MARK_NAME, Marks
from digitd.settings import Inbox, Outbox, Settings, Sources, State

STATUSES = ("accepted", "review", "blank", "failed")


def settings(root: Path, name: str, **changed: str) -> Settings:
    """Those of a digitd called NAME whose folders lie in ROOT, each as CHANGED says; its state folder is there."""
    folders = {key: root / changed.get(key, f"{name}/{key}") for key in ("inbox", "outbox", "state", "archive")}
    for key in ("inbox", "outbox", "state"):
        folders[key].mkdir(parents=True, exist_ok=True)
    with Lock(folders["state"]):
        pass  # its lock stays, as that of every digitd that ever ran
    target = changed.get("sources")
    return Settings(
        inbox=Inbox(path=folders["inbox"], recursive=changed.get("recursive") != "no"),
        outbox=Outbox(path=folders["outbox"]),
        state=State(path=folders["state"]),
        sources=Sources(**{status: target or os.fspath(folders["archive"] / status) for status in STATUSES}),
    )


def refusal(chosen: Settings) -> str:
    """Why this digitd may not start; both to look and to claim say it, and neither changes a mark."""
    with pytest.raises(AlreadyRunningError) as looked:
        Marks(chosen).refuse_others()
    with pytest.raises(AlreadyRunningError) as claimed:
        Marks(chosen).claim()
    assert str(looked.value) == str(claimed.value)
    assert looked.value.exit_code is ExitCode.ALREADY_RUNNING
    assert MARK_NAME in looked.value.remedy
    return looked.value.cause


@pytest.mark.parametrize("shared", ["inbox", "outbox"])
def test_a_folder_of_another_digitd_is_refused(tmp_path: Path, shared: str) -> None:
    """The refusal names the key, the folder, and the other's state folder; the owner itself may start again."""
    first = settings(tmp_path, "first", **{shared: "shared"})
    Marks(first).claim()
    second = settings(tmp_path, "second", **{shared: "shared"})
    cause = refusal(second)
    assert cause.startswith(f"{shared}.path: another digitd, with the state folder {tmp_path / 'first/state'}")
    assert cause.endswith(f"works with the {shared} {tmp_path / 'shared'}")
    Marks(first).claim()
    assert not list((tmp_path / "shared").glob(f"{MARK_NAME}-*"))


def test_marks_that_are_taken_back_leave_nothing(tmp_path: Path) -> None:
    """After a clean end the folders are as they were, and anybody's."""
    first = settings(tmp_path, "first", outbox="shared")
    marks = Marks(first)
    marks.claim()
    assert (tmp_path / "shared" / MARK_NAME).read_bytes() == b"outbox\n" + os.fsencode(tmp_path / "first/state")
    marks.release()
    assert [*os.listdir(tmp_path / "shared"), *os.listdir(tmp_path / "first/inbox")] == []
    second = Marks(settings(tmp_path, "second", outbox="shared"))
    second.claim()
    marks.release()
    assert os.listdir(tmp_path / "shared") == [MARK_NAME], "the mark of another was taken away"
    second.release()


@pytest.mark.parametrize("shared", ["inbox", "outbox"])
def test_what_a_digitd_left_that_is_no_more_is_taken_over(tmp_path: Path, shared: str) -> None:
    """Its state folder is gone, so nothing of it will be finished; one that was moved is this digitd's own."""
    first = settings(tmp_path, "first", **{shared: "shared"})
    Marks(first).claim()
    shutil.rmtree(tmp_path / "first")
    second = settings(tmp_path, "second", **{shared: "shared"})
    Marks(second).claim()
    (tmp_path / "second/state").rename(tmp_path / "moved")
    moved = second.model_copy(update={"state": State(path=tmp_path / "moved")})
    Marks(moved).claim()
    assert (tmp_path / "shared" / MARK_NAME).read_bytes().endswith(b"/moved")


def test_the_state_folder_by_another_name_is_the_same(tmp_path: Path) -> None:
    """A link to it, or a bind mount of it, does not make it another digitd's."""
    first = settings(tmp_path, "first")
    Marks(first).claim()
    (tmp_path / "link").symlink_to(tmp_path / "first/state")
    Marks(first.model_copy(update={"state": State(path=tmp_path / "link")})).claim()


def test_scans_that_all_stay_may_be_read_by_several(tmp_path: Path) -> None:
    """With `keep` nothing in the inbox is changed: it gets no mark, and is not looked at for one."""
    Marks(settings(tmp_path, "mover", inbox="shared")).claim()
    for name in ("first", "second"):
        Marks(settings(tmp_path, name, inbox="shared", sources="keep")).claim()
    (tmp_path / "shared" / MARK_NAME).unlink()
    Marks(settings(tmp_path, "third", inbox="shared", sources="keep")).claim()
    assert os.listdir(tmp_path / "shared") == []


def test_a_digitd_that_keeps_from_now_on_gives_its_inbox_back(tmp_path: Path) -> None:
    """Whether the configuration changed after a kill or while it runs: only the outbox is its own then."""
    first = settings(tmp_path, "first", inbox="shared")
    Marks(first).claim()
    keeps = Marks(settings(tmp_path, "first", inbox="shared", sources="keep"))
    keeps.claim()
    assert os.listdir(tmp_path / "shared") == []
    assert (tmp_path / "first/outbox" / MARK_NAME).exists()
    Marks(first).claim()
    keeps.release()
    assert [*os.listdir(tmp_path / "shared"), *os.listdir(tmp_path / "first/outbox")] == []


@pytest.mark.parametrize(
    ("outer", "inner", "recursive", "refused"),
    [
        ("inbox", {"inbox": "shared/deep/er"}, "yes", True),
        ("inbox", {"outbox": "shared/deep/er"}, "yes", True),
        ("inbox", {"archive": "shared/deep/er"}, "yes", True),
        ("inbox", {"inbox": "shared/deep/er"}, "no", False),
        ("outbox", {"outbox": "shared/deep/er"}, "yes", True),
        ("outbox", {"inbox": "shared/deep/er"}, "yes", False),
        ("archive", {"inbox": "shared/accepted"}, "yes", False),
    ],
)
def test_a_folder_inside_that_of_another_digitd(
    tmp_path: Path, outer: str, inner: dict[str, str], recursive: str, refused: bool
) -> None:
    """Refused where the other would read or sweep what lies there; a second digitd on an archive is none of that."""
    Marks(settings(tmp_path, "first", **{outer: "shared", "recursive": recursive})).claim()
    second = settings(tmp_path, "second", **inner)
    if refused:
        assert "lies" in refusal(second)
    else:
        Marks(second).claim()


def test_of_two_that_start_at_once_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark is made in one step: who comes second sees it, be it between the look and the making."""
    first = Marks(settings(tmp_path, "first", outbox="shared"))
    second = Marks(settings(tmp_path, "second", outbox="shared"))
    real = fs.rename_noreplace

    def rename(old: str, new: str) -> None:
        monkeypatch.undo()
        first.claim()
        real(old, new)

    monkeypatch.setattr(fs, "rename_noreplace", rename)
    with pytest.raises(AlreadyRunningError, match=r"first/state"):
        second.claim()
    assert os.listdir(tmp_path / "shared") == [MARK_NAME]


def test_something_that_is_no_mark_is_replaced(tmp_path: Path) -> None:
    """A torn file, rubbish, a link or a pipe of that name is nobody's; nothing is read through it or waited for."""
    chosen = settings(tmp_path, "first")
    place = tmp_path / "first/outbox" / MARK_NAME
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"outbox\n" + os.fsencode(tmp_path / "first"))
    for make in (
        lambda: place.write_bytes(b""),
        lambda: place.write_bytes(b"\0" * 100),
        lambda: place.write_bytes(b"outbox\nrelative"),
        lambda: place.symlink_to(elsewhere),
        lambda: os.mkfifo(place),
    ):
        make()
        Marks(chosen).claim()
        assert place.is_file() and not place.is_symlink()
        assert place.read_bytes() == b"outbox\n" + os.fsencode(tmp_path / "first/state")
        place.unlink()


def test_a_mark_that_cannot_be_read_is_an_error_of_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be another user's: digitd does not guess."""
    chosen = settings(tmp_path, "first")
    real = os.open

    def refuse(path: str, *rest: int) -> int:
        if path.endswith(MARK_NAME) and "outbox" in path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return real(path, *rest)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(FolderError, match=r"outbox\.path: .* cannot be read \(Permission denied\)"):
        Marks(chosen).refuse_others()


def test_a_state_folder_that_cannot_be_looked_into_counts_as_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of another user's digitd."""
    Marks(settings(tmp_path, "first", outbox="shared")).claim()
    second = settings(tmp_path, "second", outbox="shared")
    real = os.stat

    def refuse(path: object, *args: object, **kwargs: object) -> object:
        if str(path).startswith(str(tmp_path / "first/state")):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", refuse)
    assert "first/state" in refusal(second)


def test_a_full_disk_keeps_nobody_from_starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no mark can be written it is said once for each folder, and digitd goes on."""
    chosen = settings(tmp_path, "first")

    def full(path: str, _: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    monkeypatch.setattr(fs, "write_new", full)
    with structlog.testing.capture_logs() as said:
        Marks(chosen).claim()
    assert [(each["event"], each["log_level"]) for each in said] == [("not_marked", "warning")] * 2
