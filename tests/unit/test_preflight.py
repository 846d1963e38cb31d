"""What is refused at start, each with its exit code and remedy."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from digitd import fs
from digitd.errors import ExitCode, FolderError
from digitd.preflight import check_folders
from digitd.settings import Inbox, Outbox, Settings, Sources, State

Make = Callable[..., Settings]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Settings with good folders, but for what is said otherwise."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()

    def build(*, recursive: bool = True, **changed: object) -> Settings:
        folders = {"inbox": "in", "outbox": "out", "state": "state", "archive": "archive"} | changed
        paths = {key: tmp_path / str(value) for key, value in folders.items()}
        kept = changed.get("archive") in {"keep", "delete"}
        targets = {
            status: str(changed["archive"]) if kept else str(paths["archive"] / status)
            for status in ("accepted", "review", "blank", "failed")
        }
        return Settings(
            inbox=Inbox(path=paths["inbox"], recursive=recursive),
            outbox=Outbox(path=paths["outbox"]),
            state=State(path=paths["state"]),
            sources=Sources(**targets),
        )

    return build


def refusal(settings: Settings) -> str:
    """Why these folders are refused."""
    with pytest.raises(FolderError) as caught:
        check_folders(settings, make=True)
    assert caught.value.exit_code is ExitCode.FOLDERS
    assert caught.value.remedy
    return str(caught.value)


def test_good_folders_pass_and_what_digitd_owns_is_made(make: Make, tmp_path: Path) -> None:
    """State and archive folders need not be there; inbox and outbox stay as empty as they were."""
    check_folders(make(), make=True)
    assert sorted(os.listdir(tmp_path)) == ["archive", "in", "out", "state"]
    assert sorted(os.listdir(tmp_path / "archive")) == ["accepted", "blank", "failed", "review"]
    assert [*os.listdir(tmp_path / "in"), *os.listdir(tmp_path / "out")] == []


def test_a_check_changes_nothing(make: Make, tmp_path: Path) -> None:
    """What `digitd check` finds missing it leaves missing: made by another user, it would be in the daemon's way."""
    check_folders(make(), make=False)
    assert sorted(os.listdir(tmp_path)) == ["in", "out"]


@pytest.mark.parametrize("key", ["state", "archive"])
@pytest.mark.parametrize("place", ["out", "out/deep/er"])
def test_nothing_but_results_lies_in_the_outbox(make: Make, tmp_path: Path, key: str, place: str) -> None:
    """Archive and state would show there."""
    assert "lies in the outbox" in refusal(make(**{key: place}))
    assert os.listdir(tmp_path / "out") == []


@pytest.mark.parametrize("recursive", [True, False])
@pytest.mark.parametrize("key", ["outbox", "archive"])
def test_a_folder_around_the_inbox_is_refused(make: Make, key: str, recursive: bool) -> None:
    """A scan of the subfolder `in` would be filed, or its result published, into the inbox itself."""
    settings = make(recursive=recursive)
    around = settings.inbox.path.parent
    changed = {"outbox": Outbox(path=around)} if key == "outbox" else {"sources": Sources(accepted=str(around))}
    assert "has the inbox" in refusal(settings.model_copy(update=changed))


def test_an_archive_around_the_outbox_is_refused(make: Make, tmp_path: Path) -> None:
    """A scan of the subfolder `out` would be filed among the results."""
    (tmp_path / "archive/done/out").mkdir(parents=True)
    settings = make(outbox="archive/done/out")
    changed = {"sources": Sources(accepted=str(tmp_path / "archive/done"))}
    assert "has the outbox" in refusal(settings.model_copy(update=changed))


@pytest.mark.parametrize("recursive", [True, False])
@pytest.mark.parametrize("key", ["outbox", "state"])
def test_a_folder_that_is_the_inbox_is_refused(make: Make, key: str, recursive: bool) -> None:
    """It would feed on itself."""
    assert f"{key}.path" in (said := refusal(make(**{key: "in"}, recursive=recursive)))
    assert "is the inbox itself" in said


@pytest.mark.parametrize("key", ["outbox", "state", "archive"])
def test_a_folder_inside_a_recursive_inbox_is_refused(make: Make, tmp_path: Path, key: str) -> None:
    """However deep; and nothing is made there."""
    said = refusal(make(**{key: "in/deep/er"}))
    assert ("sources." if key == "archive" else f"{key}.path") in said
    assert "inbox.recursive" in said
    assert os.listdir(tmp_path / "in") == []


def test_a_folder_inside_a_flat_inbox_is_no_trouble(make: Make, tmp_path: Path) -> None:
    """Subfolders are not watched there."""
    (tmp_path / "in/out").mkdir()
    check_folders(make(recursive=False, outbox="in/out", archive="in/done", state="in/state"), make=True)


def test_links_do_not_hide_where_a_folder_is(make: Make, tmp_path: Path) -> None:
    """A link from outside into the inbox is inside it, and so is the inbox by another name."""
    (tmp_path / "in/sub").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "in/sub")
    (tmp_path / "same").symlink_to(tmp_path / "in")
    assert "lies inside the inbox" in refusal(make(outbox="link"))
    assert "is the inbox itself" in refusal(make(outbox="same"))
    assert "lies inside the inbox" in refusal(make(inbox="same", outbox="in/sub"))


@pytest.mark.parametrize("key", ["inbox", "outbox"])
def test_a_missing_folder_is_refused_with_the_command_that_makes_it(make: Make, key: str) -> None:
    """A mount that is not there must not be papered over with an empty folder."""
    said = refusal(make(**{key: "gone"}))
    assert f"{key}.path: the folder" in said
    assert "does not exist" in said
    assert "mkdir -p" in said


@pytest.mark.parametrize("key", ["inbox", "outbox"])
def test_what_is_no_folder_is_refused(make: Make, tmp_path: Path, key: str) -> None:
    """A file in its place is named."""
    (tmp_path / "file").touch()
    assert "is no folder" in refusal(make(**{key: "file"}))


@pytest.mark.parametrize("key", ["state", "archive"])
def test_a_folder_that_cannot_be_made_is_refused(make: Make, tmp_path: Path, key: str) -> None:
    """A file where its parent should be says so."""
    (tmp_path / "file").touch()
    assert "cannot be made" in refusal(make(**{key: "file/sub"}))


@pytest.mark.parametrize("key", ["inbox", "outbox", "state", "archive"])
def test_a_folder_that_cannot_be_written_is_refused(make: Make, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """It is tried, with a file: mode bits do not tell."""
    real = fs.write_new
    where = {"inbox": "in", "outbox": "out"}.get(key, key)

    def write(path: str, data: bytes) -> None:
        if f"/{where}/" in path:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        real(path, data)

    monkeypatch.setattr(fs, "write_new", write)
    said = refusal(make())
    assert "cannot be written (Read-only file system)" in said
    assert ("sources." if key == "archive" else f"{key}.path") in said


def test_a_read_only_inbox_is_fine_where_sources_are_kept(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """`keep` for every status needs no right to write there."""
    real = fs.write_new

    def write(path: str, data: bytes) -> None:
        if "/in/" in path:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        real(path, data)

    monkeypatch.setattr(fs, "write_new", write)
    assert "inbox.path" in refusal(make(archive="delete"))
    check_folders(make(archive="keep"), make=True)


def test_a_folder_that_cannot_be_reached_or_listed_is_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing right on the way there is an error of folders, not a bug."""
    settings = make()
    real = os.stat

    def refuse(path: object, *args: object, **kwargs: object) -> object:
        if str(path).endswith("/in"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path, *args, **kwargs)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", refuse)
        assert "cannot be reached (Permission denied)" in refusal(settings)

    def refuse_listing(path: object) -> object:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(os, "scandir", refuse_listing)
    assert "cannot be listed (Permission denied)" in refusal(settings)
