"""The watcher over real folders: what it hears, and that it goes on hearing."""

import errno
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from watchdog.observers.inotify_c import InotifyFD

from digitd.intake.ignore import Rules
from digitd.intake.mounts import Mount
from digitd.intake.settle import HintKind
from digitd.intake.watcher import Watcher

MOVED, CLOSED, CREATED = HintKind.MOVED, HintKind.CLOSED, HintKind.CREATED
PATIENCE = 10.0


class Ear:
    """A watcher, and all that it said, in order."""

    def __init__(
        self, root: Path, mode: Literal["auto", "native", "polling"] = "native", *, recursive: bool = True
    ) -> None:
        self.hints: list[tuple[str, HintKind]] = []
        self.folders = 0
        self.echo = 0
        self.troubles: list[tuple[str, str]] = []
        self.changed = threading.Condition()
        self.before_hint: Callable[[str], None] = lambda _: None
        self.watcher = Watcher(
            root,
            mode=mode,
            recursive=recursive,
            rules=Rules(ignore=["skipped"]),
            on_hint=self._hint,
            on_folder=self._folder,
            on_trouble=self._trouble,
            interval=0.02,
            mounts=lambda: [Mount("/", "ext4"), Mount(os.path.realpath(root.parent / "share"), "nfs4")],
        )

    def _hint(self, path: str, kind: HintKind) -> None:
        self.before_hint(path)
        with self.changed:
            self.hints.append((path, kind))
            self.changed.notify_all()

    def _folder(self) -> None:
        with self.changed:
            self.folders += 1
            self.changed.notify_all()

    def _trouble(self, code: str, sentence: str) -> None:
        with self.changed:
            self.troubles.append((code, sentence))
            self.changed.notify_all()

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something that it said makes `condition` true."""
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE), (self.hints[-5:], self.folders, self.troubles)

    def heard(self, path: str, kind: HintKind) -> None:
        """Wait for a hint."""
        self.until(lambda: (path, kind) in self.hints)

    def echoes(self, inbox: Path, folder: str) -> bool:
        """Whether a new file in this folder is heard, within a moment."""
        self.echo += 1
        name = f"{folder}/echo{self.echo}.png"
        (inbox / name).write_bytes(b"x")
        with self.changed:
            return self.changed.wait_for(lambda: (name, CLOSED) in self.hints, 0.2)

    def of(self, path: str) -> list[HintKind]:
        return [kind for name, kind in self.hints if name == path]


def eventually(condition: Callable[[], bool]) -> None:
    """Wait for a condition that nobody announces."""
    limit = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.005)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    (tmp_path / "outside").mkdir()
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    return tmp_path / "outside"


@pytest.fixture
def ear(inbox: Path) -> Iterator[Ear]:
    ear = Ear(inbox)
    ear.watcher.start()
    yield ear
    ear.watcher.stop()


def test_a_file_written_in_place_is_created_then_closed(ear: Ear, inbox: Path) -> None:
    """The close of its writer is told, after its appearance."""
    with (inbox / "a.png").open("wb") as file:
        file.write(b"x")
        file.flush()
        ear.heard("a.png", CREATED)
        assert ear.of("a.png") == [CREATED]
    ear.heard("a.png", CLOSED)
    assert ear.of("a.png") == [CREATED, CLOSED]


def test_a_file_renamed_in_from_outside_is_moved(ear: Ear, inbox: Path, outside: Path) -> None:
    """It is told from one that is written in place."""
    (outside / "a.png").write_bytes(b"x")
    (outside / "a.png").rename(inbox / "a.png")
    ear.heard("a.png", MOVED)
    assert ear.of("a.png") == [MOVED]


def test_a_hard_link_is_created(ear: Ear, inbox: Path, outside: Path) -> None:
    """A link in gives its appearance and nothing else."""
    (outside / "a.png").write_bytes(b"x")
    (inbox / "a.png").hardlink_to(outside / "a.png")
    (inbox / "end.png").touch()
    ear.heard("end.png", CLOSED)
    assert ear.of("a.png") == [CREATED]


def test_a_rename_within_the_inbox_is_moved_under_its_new_name(ear: Ear, inbox: Path) -> None:
    """.part renamed to .png is told as moved."""
    (inbox / "a.part").write_bytes(b"x")
    (inbox / "a.part").rename(inbox / "a.png")
    ear.heard("a.png", MOVED)
    assert ear.of("a.png") == [MOVED]


def test_names_of_any_bytes_come_through(ear: Ear, inbox: Path) -> None:
    """A name that is no UTF-8, and one with a newline, are told exactly."""
    for name in (b"caf\xe9.png", b"new\nline.png"):
        (inbox / os.fsdecode(name)).write_bytes(b"x")
        ear.heard(os.fsdecode(name), CLOSED)


def test_reading_and_leaving_give_no_hint(ear: Ear, inbox: Path, outside: Path) -> None:
    """What digitd itself does to a scan, read it, file it or delete it, is never heard."""
    for name in ("a.png", "b.png"):
        (inbox / name).write_bytes(b"x")
        ear.heard(name, CLOSED)
    before = list(ear.hints)
    (inbox / "a.png").read_bytes()
    (inbox / "a.png").rename(outside / "a.png")
    (inbox / "b.png").unlink()
    (inbox / "end.png").touch()
    ear.heard("end.png", CLOSED)
    assert ear.hints == [*before, ("end.png", CREATED), ("end.png", CLOSED)]


def test_a_scan_is_heard_at_once_though_another_was_filed(ear: Ear, inbox: Path, outside: Path) -> None:
    """A file moved out holds nothing back, as watchdog's own observer does by half a second."""
    for name in ("a.png", "b.png"):
        (outside / name).write_bytes(b"x")
    (outside / "a.png").rename(inbox / "a.png")
    ear.heard("a.png", MOVED)
    waits = []
    for _ in range(3):
        (inbox / "a.png").rename(outside / "a.png")
        started = time.monotonic()
        (outside / "b.png").rename(inbox / "b.png")
        ear.until(lambda: ("b.png", MOVED) in ear.hints)
        waits.append(time.monotonic() - started)
        ear.hints.clear()
        (inbox / "b.png").rename(outside / "b.png")
        (outside / "a.png").rename(inbox / "a.png")
        ear.heard("a.png", MOVED)
    assert min(waits) < 0.25


def test_a_new_subfolder_is_watched_and_asks_for_a_rescan(ear: Ear, inbox: Path) -> None:
    """What lay in it before it was watched is the rescan's, what comes later is told."""
    (inbox / "new" / "deep").mkdir(parents=True)
    (inbox / "new" / "deep" / "a.png").write_bytes(b"x")
    ear.until(lambda: ear.folders > 0)
    # The watch of `deep` may come a moment after its folder: what counts is that it does come.
    eventually(lambda: ear.echoes(inbox, "new/deep"))


def test_a_folder_moved_in_with_files_is_heard_and_watched(ear: Ear, inbox: Path, outside: Path) -> None:
    """A rescan is asked for, and later files in it and in its subfolders are told."""
    (outside / "folder" / "deep").mkdir(parents=True)
    (outside / "folder" / "deep" / "a.png").write_bytes(b"x")
    (outside / "folder").rename(inbox / "folder")
    ear.until(lambda: ear.folders > 0)
    (inbox / "folder" / "deep" / "b.png").write_bytes(b"x")
    ear.heard("folder/deep/b.png", CLOSED)


def test_a_folder_renamed_within_the_inbox_is_told_under_its_new_name(ear: Ear, inbox: Path) -> None:
    """Later files in it, and in its subfolders, have their new paths, each told once."""
    (inbox / "old" / "deep").mkdir(parents=True)
    ear.until(lambda: ear.folders > 0)
    eventually(lambda: ear.echoes(inbox, "old/deep"))
    (inbox / "old").rename(inbox / "new")
    eventually(lambda: ear.echoes(inbox, "new/deep"))
    ear.hints.clear()
    (inbox / "new" / "deep" / "b.png").write_bytes(b"x")
    ear.heard("new/deep/b.png", CLOSED)
    assert ear.hints == [("new/deep/b.png", CREATED), ("new/deep/b.png", CLOSED)]
    (inbox / "old").mkdir()
    eventually(lambda: ear.echoes(inbox, "old"))
    assert ear.watcher.alive()


def test_a_folder_that_left_the_inbox_is_heard_no_more(ear: Ear, inbox: Path, outside: Path) -> None:
    """Neither it nor what is in it gives hints under paths that are no longer theirs."""
    (inbox / "folder" / "deep").mkdir(parents=True)
    eventually(lambda: ear.echoes(inbox, "folder/deep"))
    folders = ear.folders
    (inbox / "folder").rename(outside / "folder")
    ear.until(lambda: ear.folders > folders)
    (inbox / "sync.png").touch()
    ear.heard("sync.png", CLOSED)
    (outside / "folder" / "deep" / "away.png").touch()
    (inbox / "end.png").touch()
    ear.heard("end.png", CLOSED)
    assert not any(path.endswith("away.png") for path, _ in ear.hints)
    shutil.rmtree(outside / "folder")
    (inbox / "last.png").touch()
    ear.heard("last.png", CLOSED)
    assert ear.watcher.alive()


def test_ignored_folders_and_links_to_folders_are_not_watched(ear: Ear, inbox: Path, outside: Path) -> None:
    """Hidden, system and ignored folders give nothing, nor does a folder behind a link."""
    for name in (".git", "@eaDir", "skipped"):
        (inbox / name).mkdir()
    (inbox / "link").symlink_to(outside)
    (inbox / "sync.png").touch()
    ear.heard("sync.png", CLOSED)
    for name in (".git", "@eaDir", "skipped", "link"):
        (inbox / name / "a.png").touch()
    (inbox / "end.png").touch()
    ear.heard("end.png", CLOSED)
    assert {path for path, _ in ear.hints} == {"sync.png", "link", "end.png"}
    assert ear.folders == 0


def test_subfolders_count_only_if_recursive(inbox: Path) -> None:
    """With `recursive` off the inbox alone is heard."""
    (inbox / "sub").mkdir()
    ear = Ear(inbox, recursive=False)
    ear.watcher.start()
    try:
        (inbox / "sub" / "a.png").touch()
        (inbox / "new").mkdir()
        (inbox / "end.png").touch()
        ear.heard("end.png", CLOSED)
        assert {path for path, _ in ear.hints} == {"end.png"} and ear.folders == 0
    finally:
        ear.watcher.stop()


def test_an_inbox_may_be_a_link(inbox: Path, tmp_path: Path) -> None:
    """The folder that it leads to is watched; led elsewhere, the watcher is no longer alive."""
    (tmp_path / "link").symlink_to(inbox)
    ear = Ear(tmp_path / "link")
    ear.watcher.start()
    try:
        (inbox / "a.png").touch()
        ear.heard("a.png", CLOSED)
        assert ear.watcher.alive()
        (tmp_path / "link").unlink()
        (tmp_path / "link").symlink_to(tmp_path / "outside")
        assert not ear.watcher.alive()
    finally:
        ear.watcher.stop()


def test_a_handler_that_fails_ends_nothing(ear: Ear, inbox: Path) -> None:
    """An exception is told once, each is counted, and later files are heard."""

    def fail(path: str) -> None:
        if path.startswith("bad"):
            raise ValueError(path)

    ear.before_hint = fail
    for k in range(3):
        (inbox / f"bad{k}.png").touch()
    (inbox / "good.png").touch()
    ear.heard("good.png", CLOSED)
    assert ear.watcher.alive()
    assert ear.watcher.errors == 6
    assert [code for code, _ in ear.troubles] == ["handler_failed"]


@pytest.mark.parametrize("how", ["delete", "rename", "replace"])
def test_an_inbox_that_was_taken_away_is_noticed(ear: Ear, inbox: Path, outside: Path, how: str) -> None:
    """Deleted, renamed, or put back as a new folder: not alive; started again, it is, and hears."""
    if how == "delete":
        inbox.rmdir()
    else:
        inbox.rename(outside / "gone")
    if how == "replace":
        inbox.mkdir()
    eventually(lambda: not ear.watcher.alive())
    ear.watcher.stop()
    inbox.mkdir(exist_ok=True)
    ear.watcher.start()
    assert ear.watcher.alive()
    (inbox / "a.png").touch()
    ear.heard("a.png", CLOSED)


def test_a_watching_thread_that_died_is_noticed(ear: Ear, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends watchdog's thread, the watcher is not alive, and started again it hears."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    def die(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(InotifyFD, "handle_event", die)
        (inbox / "a.png").touch()
        eventually(lambda: not ear.watcher.alive())
    ear.watcher.stop()
    ear.watcher.start()
    assert ear.watcher.alive()
    (inbox / "b.png").touch()
    ear.heard("b.png", CLOSED)


def test_a_missing_inbox_is_an_error_at_start(tmp_path: Path) -> None:
    """Nothing runs after it, in either mode."""
    for mode in ("native", "polling"):
        ear = Ear(tmp_path / "missing", mode)
        with pytest.raises(FileNotFoundError):
            ear.watcher.start()
        assert not ear.watcher.alive()
        ear.watcher.stop()


def test_an_overflow_of_the_queue_asks_for_a_rescan(ear: Ear, inbox: Path) -> None:
    """When the kernel had to drop events that is said, a folder that was missed is watched, and hearing goes on."""
    gate = threading.Event()

    def hold(_: str) -> None:
        gate.wait(PATIENCE)

    ear.before_hint = hold
    room = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if room > 100_000:
        pytest.skip("the queue of this machine is too long to be filled")
    for k in range(room // 2 + 2500):
        os.close(os.open(inbox / f"{k}.png", os.O_CREAT | os.O_WRONLY))
    (inbox / "missed").mkdir()
    gate.set()
    ear.until(lambda: any(code == "events_lost" for code, _ in ear.troubles) and ear.folders > 0)
    (inbox / "missed" / "a.png").touch()
    ear.heard("missed/a.png", CLOSED)
    assert ear.watcher.alive()


def test_a_stopped_watcher_is_silent_and_leaves_nothing(inbox: Path) -> None:
    """After stop() no thread and no descriptor of it is left, and stopping twice is no error."""
    threads, descriptors = threading.active_count(), len(os.listdir("/proc/self/fd"))
    ear = Ear(inbox)
    for _ in range(3):
        ear.watcher.start()
        ear.watcher.stop()
        ear.watcher.stop()
    assert not ear.watcher.alive()
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) == descriptors


@pytest.mark.parametrize(
    ("number", "limit"), [(errno.ENOSPC, "max_user_watches"), (errno.EMFILE, "max_user_instances")]
)
def test_a_reached_limit_at_start_falls_back_to_polling(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, number: int, limit: str
) -> None:
    """It says which limit to raise, and files are found all the same."""

    def refuse(*_: object) -> int:
        raise OSError(number, "inotify limit reached")

    monkeypatch.setattr(InotifyFD, "_create_inotify_fd" if number == errno.EMFILE else "add_callback", refuse)
    threads = threading.active_count()
    ear = Ear(inbox, "auto")
    ear.watcher.start()
    try:
        assert ear.watcher.mode == "polling" and limit in ear.watcher.reason
        assert [code for code, _ in ear.troubles] == ["watch_limit"]
        ear.until(lambda: ear.folders == 1)
        (inbox / "a.png").touch()
        ear.until(lambda: ear.folders >= 2)
        assert ear.watcher.alive()
    finally:
        ear.watcher.stop()
    assert threading.active_count() == threads


def test_the_watch_limit_reached_later_falls_back_to_polling(
    ear: Ear, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new subfolder that can have no watch turns polling on, and a file in it is found."""

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr(InotifyFD, "add_callback", refuse)
    (inbox / "new").mkdir()
    ear.until(lambda: any(code == "watch_limit" for code, _ in ear.troubles))
    ear.until(lambda: ear.folders >= 2)
    assert ear.watcher.mode == "polling" and ear.watcher.alive()
    folders = ear.folders
    (inbox / "new" / "a.png").touch()
    ear.until(lambda: ear.folders > folders)


def test_polling_asks_for_a_rescan_when_something_changed(inbox: Path) -> None:
    """A new, a grown and a replaced file each do, what is ignored does not."""
    ear = Ear(inbox, "polling")
    ear.watcher.start()
    try:
        ear.until(lambda: ear.folders == 1)
        for content in (b"x", b"xy"):
            folders = ear.folders
            (inbox / "a.png").write_bytes(content)
            ear.until(lambda folders=folders: ear.folders > folders)  # type: ignore[misc]
        folders = ear.folders
        os.utime(inbox / "a.png", (1, 1))
        ear.until(lambda: ear.folders > folders)
        assert ear.hints == [] and ear.watcher.alive()
        folders = ear.folders
        (inbox / "notes.txt").touch()
        (inbox / "skipped").mkdir()
        (inbox / "b.png").touch()
        ear.until(lambda: ear.folders > folders)
        assert ear.folders == folders + 1
    finally:
        ear.watcher.stop()


def test_polling_outlives_the_absence_of_the_inbox(inbox: Path, outside: Path) -> None:
    """While the root cannot be listed it is not alive and says so; put back, it goes on by itself."""
    ear = Ear(inbox, "polling")
    ear.watcher.start()
    try:
        ear.until(lambda: ear.folders == 1)
        inbox.rename(outside / "gone")
        eventually(lambda: not ear.watcher.alive())
        assert [code for code, _ in ear.troubles] == ["unreadable"]
        inbox.mkdir()
        ear.until(lambda: ear.folders >= 2)
        eventually(ear.watcher.alive)
    finally:
        ear.watcher.stop()


@pytest.mark.parametrize(
    ("name", "mode", "expected", "reason"),
    [
        ("inbox", "auto", "native", "local"),
        ("share", "auto", "polling", "nfs4"),
        ("share", "native", "native", "as configured"),
        ("inbox", "polling", "polling", "as configured"),
    ],
)
def test_auto_polls_network_mounts_and_says_why(
    tmp_path: Path, name: str, mode: Literal["auto", "native", "polling"], expected: str, reason: str
) -> None:
    """The mount's type decides, unless the user did."""
    (tmp_path / name).mkdir()
    ear = Ear(tmp_path / name, mode)
    ear.watcher.start()
    try:
        assert ear.watcher.mode == expected
        assert reason in ear.watcher.reason
    finally:
        ear.watcher.stop()
