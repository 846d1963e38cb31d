"""Filing sources: where each goes, what is never overwritten, and what a crash or a race leaves."""

import errno
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from digitd import fs, tickets
from digitd.archive import Archive, Filed
from digitd.tables import Identity


@dataclass
class Cabinet:
    """An inbox, an archive beside it, and what was planned."""

    base: Path
    first: bool = False
    planned: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.inbox, self.done = self.base / "inbox", self.base / "done"
        self.inbox.mkdir()
        targets = {"accepted": str(self.done), "failed": str(self.base / "failed"), "blank": "delete", "review": "keep"}
        self.archive = Archive(str(self.inbox), targets)

    def drop(self, path: str = "x.png", data: bytes = b"scan") -> Identity:
        """A file, and its identity."""
        file = self.inbox / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        found = file.lstat()
        return Identity(path, found.st_ino, found.st_size, found.st_mtime_ns)

    def file(
        self, source: Identity, status: str = "accepted", planned: str | None = None, device: int | None = None
    ) -> Filed:
        """File it."""
        ticket = b"why" if status == "failed" else None
        return self.archive.file(source, status, "key", planned, self.planned.append, ticket, device, first=self.first)


@pytest.fixture(params=[False, True], ids=["another try", "first try"])
def cabinet(tmp_path: Path, request: pytest.FixtureRequest) -> Cabinet:
    """A new one, that files as it does at first, or after a crash or a failure."""
    return Cabinet(tmp_path, request.param)


def no_rename_across(real: Callable[[str, str], None]) -> Callable[[str, str], None]:
    """A rename that finds inbox and archive on different file systems."""

    def rename(old: str, new: str) -> None:
        if "/inbox/" in old and "/inbox/" not in new:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), old, None, new)
        real(old, new)

    return rename


def test_it_moves_deletes_or_keeps(cabinet: Cabinet) -> None:
    """As the status' target says."""
    assert cabinet.file(cabinet.drop("sub/x.png")) is Filed.MOVED
    assert (cabinet.done / "sub/x.png").read_bytes() == b"scan"
    assert cabinet.file(cabinet.drop("y.png"), "blank") is Filed.DELETED
    assert cabinet.file(cabinet.drop("z.png"), "review") is Filed.KEPT
    assert [file.name for file in cabinet.inbox.rglob("*.png")] == ["z.png"]
    assert cabinet.archive.keeps("review")
    assert not cabinet.archive.keeps("blank")


@pytest.mark.parametrize("status", ["accepted", "blank", "review", "failed"])
def test_a_file_that_is_another_now_is_left(cabinet: Cabinet, status: str) -> None:
    """Replaced, changed or become a link: it is a new scan, or none; gone: there is nothing to do."""
    source = cabinet.drop("x.png")
    file = cabinet.inbox / "x.png"
    file.write_bytes(b"longer than before")
    assert cabinet.file(source, status) is Filed.REPLACED
    file.unlink()
    assert cabinet.file(source, status) is Filed.GONE
    file.symlink_to("/etc/passwd")
    assert cabinet.file(source, status) is Filed.REPLACED
    assert file.is_symlink()
    file.unlink()
    file.mkdir()
    assert cabinet.file(source, status) is Filed.REPLACED
    assert cabinet.file(Identity("gone/x.png", 1, 1, 1), status) is Filed.GONE
    assert not (cabinet.base / "failed").exists()


@pytest.mark.parametrize("status", ["accepted", "blank", "failed"])
def test_another_file_of_the_same_size_and_time_is_left(cabinet: Cabinet, status: str) -> None:
    """A writer that keeps whole seconds, of scans that are all as large: the inode tells that this one was not read."""
    file = cabinet.inbox / "x.png"
    source = cabinet.drop("x.png")
    other = cabinet.inbox / "y.png"
    other.write_bytes(b"SCAN")
    os.utime(other, ns=(source.mtime_ns, source.mtime_ns))
    other.rename(file)
    assert cabinet.file(source, status) is Filed.REPLACED
    assert file.read_bytes() == b"SCAN"


def test_a_folder_that_has_the_name_now_is_not_moved(cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even for a moment: somebody may be writing into it; nor is a file asked for in what is no folder now."""
    source, below = cabinet.drop("x.png"), cabinet.drop("sub/x.png")
    (cabinet.inbox / "x.png").unlink()
    (cabinet.inbox / "x.png").mkdir()
    shutil.rmtree(cabinet.inbox / "sub")
    (cabinet.inbox / "sub").write_bytes(b"a file")
    monkeypatch.setattr(fs, "rename_noreplace", lambda *_: pytest.fail("it was moved"))
    assert cabinet.file(source) is Filed.REPLACED
    assert cabinet.file(below) is Filed.GONE


@pytest.mark.parametrize("there", ["no folder yet", "its name is taken", "a file in place of its folder"])
def test_a_source_is_not_seen_to_come_back_while_it_is_filed(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    """Given back its name in between it would be a new file to all who watch the inbox: to digitd, too."""
    if there != "no folder yet":
        (cabinet.done / "sub").parent.mkdir()
        (cabinet.done / "sub").mkdir() if "taken" in there else (cabinet.done / "sub").write_text("mine")
    if there == "its name is taken":
        (cabinet.done / "sub/x.png").write_text("mine")
    source = cabinet.drop("sub/x.png")
    names: list[str] = []
    real = fs.rename_noreplace

    def rename(old: str, new: str) -> None:
        names.append(os.path.relpath(new, cabinet.base))
        real(old, new)

    monkeypatch.setattr(fs, "rename_noreplace", rename)
    assert cabinet.file(source) is Filed.MOVED
    assert "inbox/sub/x.png" not in names
    assert b"scan" in [file.read_bytes() for file in cabinet.done.rglob("x*.png")]


def test_a_source_whose_folder_in_the_archive_cannot_be_made_is_seen_meanwhile(cabinet: Cabinet) -> None:
    """It has its own name until that passes, and is filed then."""
    source = cabinet.drop("sub/x.png")
    cabinet.done.write_text("no folder")
    with pytest.raises(OSError, match="done"):
        cabinet.file(source)
    assert [file.name for file in (cabinet.inbox / "sub").iterdir()] == ["x.png"]
    cabinet.done.unlink()
    assert cabinet.file(source) is Filed.MOVED


def test_nothing_in_the_archive_is_overwritten(cabinet: Cabinet) -> None:
    """A used name gets a number before its ending."""
    cabinet.done.mkdir()
    (cabinet.done / "x.png").write_text("mine")
    (cabinet.done / "x~2.png").symlink_to("nowhere")
    assert cabinet.file(cabinet.drop("x.png")) is Filed.MOVED
    assert (cabinet.done / "x.png").read_text() == "mine"
    assert (cabinet.done / "x~3.png").read_bytes() == b"scan"


def test_a_name_taken_at_the_last_moment_is_not_overwritten(cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rename itself refuses, and the next name is taken."""
    real = fs.rename_noreplace

    def rename(old: str, new: str) -> None:
        if new == os.fspath(cabinet.done / "x.png"):
            Path(new).write_text("mine")
        real(old, new)

    monkeypatch.setattr(fs, "rename_noreplace", rename)
    assert cabinet.file(cabinet.drop("x.png")) is Filed.MOVED
    assert (cabinet.done / "x.png").read_text() == "mine"
    assert (cabinet.done / "x~2.png").read_bytes() == b"scan"


def test_a_file_that_comes_between_the_look_and_the_move_goes_back(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was never read, so it must not be in the archive; its name is its own again, or one beside it."""
    real = fs.rename_noreplace

    def rename(old: str, new: str) -> None:
        assert "/inbox/" in new
        if old.endswith("/inbox/x.png"):
            Path(old).write_bytes(b"a new scan, never read")
            real(old, new)
            Path(old).write_bytes(b"and another")
        else:
            real(old, new)

    monkeypatch.setattr(fs, "rename_noreplace", rename)
    assert cabinet.file(cabinet.drop("x.png")) is Filed.REPLACED
    assert sorted(file.read_bytes() for file in cabinet.inbox.iterdir()) == [b"a new scan, never read", b"and another"]
    assert list(cabinet.done.glob("*")) == []


@pytest.mark.parametrize("taken", [False, True], ids=["its name is free", "its name is taken"])
def test_a_source_that_cannot_be_moved_now_is_moved_later(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    """It is to be seen until then; where another scan has its name meanwhile, that one is left alone."""
    real = fs.rename_noreplace

    def rename(old: str, new: str) -> None:
        if new.startswith(os.fspath(cabinet.done)):
            if taken:
                (cabinet.inbox / "x.png").write_bytes(b"another")
            raise PermissionError(errno.EACCES, "Permission denied", new)
        real(old, new)

    source = cabinet.drop("x.png")
    with monkeypatch.context() as patched:
        patched.setattr(fs, "rename_noreplace", rename)
        with pytest.raises(PermissionError):
            cabinet.file(source)
    assert (cabinet.inbox / "x.png").read_bytes() == (b"another" if taken else b"scan")
    assert cabinet.file(source) is Filed.MOVED
    assert (cabinet.done / "x.png").read_bytes() == b"scan"
    assert [file.read_bytes() for file in cabinet.inbox.iterdir()] == [b"another"] * taken


def test_a_file_system_that_numbers_by_name_is_no_trouble(cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch) -> None:
    """On mergerfs a moved file has another inode, and still is the file that was read."""
    real = os.lstat

    def lstat(path: str) -> os.stat_result:
        found = real(path)
        return os.stat_result((found[0], found[1] + len(str(path)), *found[2:]), {"st_mtime_ns": found.st_mtime_ns})

    source = cabinet.drop("x.png")
    inode = source.inode + len(str(cabinet.inbox / "x.png"))
    monkeypatch.setattr(os, "lstat", lstat)
    assert cabinet.file(Identity("x.png", inode, source.size, source.mtime_ns)) is Filed.MOVED


def test_a_missing_archive_folder_is_an_error_not_a_missing_scan(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan whose target folder vanished is tried again, not taken for gone."""
    monkeypatch.setattr(fs, "make_folders", lambda _: set())
    with pytest.raises(FileNotFoundError):
        cabinet.file(cabinet.drop("x.png"))
    assert (cabinet.inbox / "x.png").exists()


def test_a_failed_scan_has_its_ticket_beside_it(cabinet: Cabinet) -> None:
    """Under the name of the filed file; another's ticket is never overwritten."""
    for _ in range(2):
        assert cabinet.file(cabinet.drop("x.png"), "failed") is Filed.MOVED
    (cabinet.base / "failed/y.png.json").write_text("mine")
    assert cabinet.file(cabinet.drop("y.png"), "failed") is Filed.MOVED
    assert sorted(os.listdir(cabinet.base / "failed")) == [
        "x.png", "x.png.json", "x~2.png", "x~2.png.json", "y.png.json", "y~2.png", "y~2.png.json",
    ]  # fmt: skip
    assert (cabinet.base / "failed/y.png.json").read_text() == "mine"
    assert tickets.name_of("x~2.png") == "x~2.png.json"


def test_the_longest_name_can_be_filed_twice_with_tickets(cabinet: Cabinet) -> None:
    """255 bytes are enough for a number and a ticket."""
    name = "x" * 251 + ".png"
    for _ in range(2):
        assert cabinet.file(cabinet.drop(name), "failed") is Filed.MOVED
    assert len(os.listdir(cabinet.base / "failed")) == 4


def test_across_file_systems_it_copies_and_then_removes(cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The target is planned first; bytes and time are the source's; no temporary file stays."""
    monkeypatch.setattr(fs, "rename_noreplace", no_rename_across(fs.rename_noreplace))
    source = cabinet.drop("sub/x.png")
    assert cabinet.file(source, "failed") is Filed.MOVED
    assert cabinet.planned == [str(cabinet.base / "failed/sub/x.png")]
    target = cabinet.base / "failed/sub/x.png"
    assert (target.read_bytes(), target.stat().st_mtime_ns) == (b"scan", source.mtime_ns)
    assert sorted(os.listdir(target.parent)) == ["x.png", "x.png.json"]
    assert not (cabinet.inbox / "sub/x.png").exists()


def test_a_source_replaced_during_the_copy_is_left(cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy is thrown away, and the new file stays."""
    copy = fs.copy_durably

    def copy_and_replace(old: str, new: str) -> None:
        copy(old, new)
        Path(old).write_bytes(b"a new scan")

    monkeypatch.setattr(fs, "rename_noreplace", no_rename_across(fs.rename_noreplace))
    monkeypatch.setattr(fs, "copy_durably", copy_and_replace)
    assert cabinet.file(cabinet.drop("x.png")) is Filed.REPLACED
    assert (cabinet.inbox / "x.png").read_bytes() == b"a new scan"
    assert list(cabinet.done.iterdir()) == []


def test_a_copy_that_was_whole_before_the_crash_is_not_made_twice(cabinet: Cabinet) -> None:
    """The source is removed, once the copy's name is durable."""
    source = cabinet.drop("x.png")
    cabinet.done.mkdir()
    target = cabinet.done / "x.png"
    fs.copy_durably(str(cabinet.inbox / "x.png"), str(target))
    assert cabinet.file(source, planned=str(target)) is Filed.MOVED
    assert os.listdir(cabinet.done) == ["x.png"]
    assert not (cabinet.inbox / "x.png").exists()


def test_a_copy_that_was_cut_short_by_the_crash_is_made_again(cabinet: Cabinet) -> None:
    """The half of it is removed."""
    cabinet.first = False
    source = cabinet.drop("x.png")
    cabinet.done.mkdir()
    (cabinet.done / ".digitd-key.tmp").write_bytes(b"sc")
    assert cabinet.file(source, planned=str(cabinet.done / "x.png")) is Filed.MOVED
    assert os.listdir(cabinet.done) == ["x.png"]
    assert (cabinet.done / "x.png").read_bytes() == b"scan"


@pytest.mark.parametrize(("owner", "step"), [(fs, "rename_noreplace"), (os, "unlink")])
def test_a_scan_that_takes_the_name_of_one_to_delete_is_not_deleted(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch, owner: object, step: str
) -> None:
    """However late it comes, before whichever step: what was not looked at is not unlinked."""
    source = cabinet.drop()
    real = getattr(owner, step)

    def drop_first(*args: str) -> None:
        if not (cabinet.base / "dropped").exists():
            (cabinet.base / "new").write_bytes(b"a new scan, never read")
            (cabinet.base / "new").replace(cabinet.inbox / "x.png")
            (cabinet.base / "dropped").touch()
        real(*args)

    monkeypatch.setattr(owner, step, drop_first)
    assert cabinet.file(source, "blank") is (Filed.DELETED if step == "unlink" else Filed.REPLACED)
    assert {file.name: file.read_bytes() for file in cabinet.inbox.iterdir()} == {"x.png": b"a new scan, never read"}


@pytest.mark.parametrize("crashed", [False, True], ids=["first try", "after a crash"])
def test_a_scan_that_comes_while_the_copy_becomes_durable_stays(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch, crashed: bool
) -> None:
    """The old one has its copy, and the new one its name."""
    source = cabinet.drop()
    planned = str(cabinet.done / "x.png")
    if crashed:
        cabinet.done.mkdir()
        fs.copy_durably(str(cabinet.inbox / "x.png"), planned)
    sync = fs.sync_folder

    def sync_and_drop(folder: str) -> None:
        sync(folder)
        new = cabinet.base / "new"
        new.write_bytes(b"a new scan")
        new.replace(cabinet.inbox / "x.png")

    monkeypatch.setattr(fs, "rename_noreplace", no_rename_across(fs.rename_noreplace))
    monkeypatch.setattr(fs, "sync_folder", sync_and_drop)
    assert cabinet.file(source, planned=planned if crashed else None) is Filed.MOVED
    assert {file.name: file.read_bytes() for file in cabinet.inbox.iterdir()} == {"x.png": b"a new scan"}
    assert (cabinet.done / "x.png").read_bytes() == b"scan"


def test_what_was_put_in_the_way_goes_back_but_never_over_what_is_newer_still(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two new scans of the name of one that is to be deleted: both stay."""
    real = fs.rename_noreplace
    source = cabinet.drop()

    def rename(old: str, new: str) -> None:
        first = old == str(cabinet.inbox / "x.png")
        if first:
            Path(old).write_bytes(b"a new scan")
        real(old, new)
        if first:
            Path(old).write_bytes(b"and another")

    monkeypatch.setattr(fs, "rename_noreplace", rename)
    assert cabinet.file(source, "blank") is Filed.REPLACED
    found = {file.name: file.read_bytes() for file in cabinet.inbox.iterdir()}
    assert found == {"x.png": b"and another", "x~2.png": b"a new scan"}


HIDDEN = ".digitd-filing-key.png"


@pytest.mark.parametrize("status", ["accepted", "blank", "failed", "review"])
@pytest.mark.parametrize("used_again", [False, True])
def test_a_source_that_a_crash_left_hidden_is_filed(cabinet: Cabinet, status: str, used_again: bool) -> None:
    """As its status says, also by a configuration that is another now; a new scan of its name is not touched."""
    source = cabinet.drop()
    (cabinet.inbox / "x.png").rename(cabinet.inbox / HIDDEN)
    if used_again:
        cabinet.drop(data=b"a new scan")
    cabinet.file(source, status)
    inbox = {file.name: file.read_bytes() for file in cabinet.inbox.iterdir()}
    wanted = {"x.png": b"a new scan"} if used_again else {}
    if status == "review":
        wanted["x~2.png" if used_again else "x.png"] = b"scan"
    assert inbox == wanted
    if status in {"accepted", "failed"}:
        folder = cabinet.done if status == "accepted" else cabinet.base / "failed"
        assert (folder / "x.png").read_bytes() == b"scan"


def test_a_new_scan_that_a_crash_left_hidden_has_its_name_again(cabinet: Cabinet) -> None:
    """It was never read."""
    source = cabinet.drop()
    (cabinet.inbox / "x.png").unlink()
    (cabinet.inbox / HIDDEN).write_bytes(b"a new scan")
    assert cabinet.file(source, "blank") is Filed.REPLACED
    assert {file.name: file.read_bytes() for file in cabinet.inbox.iterdir()} == {"x.png": b"a new scan"}


def test_hidden_sources_that_no_unfinished_scan_has_are_seen_to(cabinet: Cabinet) -> None:
    """One that was to be removed is; another, or one that nobody remembers, is given back and named."""
    done = cabinet.drop("sub/done.png")
    other = cabinet.drop("sub/other.png")
    for path, key in (("sub/done.png", "k1"), ("sub/other.png", "k2")):
        (cabinet.inbox / path).rename(cabinet.inbox / f"sub/.digitd-filing-{key}.png")
    (cabinet.inbox / "sub/.digitd-filing-k2.png").write_bytes(b"a new scan")
    for key in ("k3", "k4"):
        (cabinet.inbox / f".digitd-filing-{key}.png").write_bytes(b"whose?")
    asked: list[str] = []

    def identities(keys: list[str]) -> dict[str, Identity]:
        asked.extend(keys)
        return {"k1": done, "k2": other}

    back = cabinet.archive.reclaim({"k4"}.__contains__, identities)
    assert sorted(asked) == ["k1", "k2", "k3"]
    assert sorted(back) == ["recovered-k3.png", "sub/other.png"]
    left = sorted(os.fspath(file.relative_to(cabinet.inbox)) for file in cabinet.inbox.rglob("*") if file.is_file())
    assert left == [".digitd-filing-k4.png", "recovered-k3.png", "sub/other.png"]
    assert Archive("/nowhere", {"accepted": "keep"}).reclaim({"k4"}.__contains__, identities) == []


@pytest.mark.parametrize("fate", ["gone", "replaced"])
def test_no_ticket_stays_without_its_scan(cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch, fate: str) -> None:
    """A source that goes, or is replaced, while it is filed leaves nothing in the archive."""
    real = fs.rename_noreplace
    file = cabinet.inbox / "x.png"

    def rename(old: str, new: str) -> None:
        if old == str(file):
            file.unlink() if fate == "gone" else file.write_bytes(b"a new scan")
        real(old, new)

    monkeypatch.setattr(fs, "rename_noreplace", rename)
    assert cabinet.file(cabinet.drop(), "failed") is Filed(fate)
    assert os.listdir(cabinet.base / "failed") == []


def test_a_ticket_that_a_crash_left_without_its_scan_is_removed(cabinet: Cabinet) -> None:
    """Ours is, with what is half written; another's is not."""
    source = cabinet.drop()
    (cabinet.inbox / "x.png").unlink()
    failed = cabinet.base / "failed"
    failed.mkdir()
    (failed / "x.png.json").write_bytes(b"why")
    (failed / ".digitd-key.tmp").write_bytes(b"sc")
    (failed / ".digitd-key.ticket.tmp").write_bytes(b"w")
    (failed / "y.png.json").write_bytes(b"who")
    assert cabinet.file(source, "failed") is Filed.GONE
    assert os.listdir(failed) == ["y.png.json"]
    assert cabinet.file(Identity("y.png", 1, 1, 1), "failed") is Filed.GONE
    assert os.listdir(failed) == ["y.png.json"]


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("there", [None, b"", b"w", bytes(3)], ids=["missing", "empty", "half", "zeros"])
def test_a_ticket_that_a_power_cut_took_is_written_again(
    cabinet: Cabinet, there: bytes | None, copied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the source that it belongs to, wherever that was filed; and the one of another scan is not touched."""
    monkeypatch.setattr(fs, "booted_at", lambda: time.time() + 60)
    failed = cabinet.base / "failed"
    assert cabinet.file(cabinet.drop(), "failed") is Filed.MOVED
    second = cabinet.drop(data=b"another")
    assert cabinet.file(second, "failed") is Filed.MOVED
    (failed / "x.png.json").write_bytes(b"who")
    (failed / "x~2.png.json").unlink()
    if there is not None:
        (failed / "x~2.png.json").write_bytes(there)
    planned = str(failed / "x~2.png") if copied else None
    assert cabinet.file(second, "failed", planned) is Filed.GONE
    assert (failed / "x~2.png.json").read_bytes() == b"why"
    assert (failed / "x.png.json").read_bytes() == b"who"
    assert sorted(os.listdir(failed)) == ["x.png", "x.png.json", "x~2.png", "x~2.png.json"]


@pytest.mark.parametrize("there", [b"", b"w", bytes(3)])
def test_a_torn_ticket_is_replaced_if_its_scan_is_still_in_the_inbox(
    cabinet: Cabinet, there: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The move was lost, and the ticket's name was kept: the scan is filed beside that. What was made since the start
    of the machine is no torn ticket."""
    failed = cabinet.base / "failed"
    failed.mkdir()
    (failed / "x.png.json").write_bytes(there)
    assert cabinet.file(cabinet.drop(), "failed") is Filed.MOVED
    assert sorted(os.listdir(failed)) == ["x.png.json", "x~2.png", "x~2.png.json"]
    monkeypatch.setattr(fs, "booted_at", lambda: time.time() + 60)
    assert cabinet.file(cabinet.drop(), "failed") is Filed.MOVED
    assert sorted(os.listdir(failed)) == ["x.png", "x.png.json", "x~2.png", "x~2.png.json"]
    assert (failed / "x.png.json").read_bytes() == b"why"


@pytest.mark.parametrize("whole", [False, True])
def test_a_half_written_ticket_does_not_make_a_whole_copy_count_as_half_done(
    cabinet: Cabinet, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut while the ticket of a copied source was written again, be it whole already: the copy is not made a second
    time, and nothing hidden stays."""
    monkeypatch.setattr(fs, "rename_noreplace", no_rename_across(fs.rename_noreplace))
    source = cabinet.drop()
    with monkeypatch.context() as patch:
        patch.setattr(cabinet.archive, "_remove", lambda *_: Filed.MOVED)
        cabinet.file(source, "failed")
    failed = cabinet.base / "failed"
    (failed / ".digitd-key.ticket.tmp").write_bytes(b"w")
    if not whole:
        (failed / "x.png.json").unlink()
    assert cabinet.file(source, "failed", cabinet.planned[-1]) is Filed.MOVED
    assert sorted(os.listdir(failed)) == ["x.png", "x.png.json"]
    assert os.listdir(cabinet.inbox) == []


def test_a_source_is_not_removed_before_the_folders_of_its_copy_are_durable(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each new one up to the first that was there before, once: a power cut would take the copy with its folder."""
    monkeypatch.setattr(fs, "rename_noreplace", no_rename_across(fs.rename_noreplace))
    synced: list[tuple[str, bool]] = []
    waits = cabinet.inbox / "deep/er/x.png"
    monkeypatch.setattr(fs, "sync_folder", lambda folder: synced.append((folder, waits.exists())))
    assert cabinet.file(cabinet.drop("deep/er/x.png")) is Filed.MOVED
    folders = [cabinet.done / "deep/er", cabinet.done / "deep", cabinet.done, cabinet.base]
    assert synced == [(str(folder), True) for folder in folders]
    synced.clear()
    assert cabinet.file(cabinet.drop("deep/er/x.png")) is Filed.MOVED
    assert synced == [(str(folders[0]), True)]


def test_the_name_of_a_copy_that_is_taken_at_the_last_moment_is_left(
    cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one is taken, the copy's ticket beside it alone."""
    real = no_rename_across(fs.rename_noreplace)
    target = cabinet.base / "failed/x.png"

    def rename(old: str, new: str) -> None:
        if new == str(target) and "/inbox/" not in old:
            target.write_text("mine")
        real(old, new)

    monkeypatch.setattr(fs, "rename_noreplace", rename)
    assert cabinet.file(cabinet.drop(), "failed") is Filed.MOVED
    assert target.read_text() == "mine"
    assert sorted(os.listdir(target.parent)) == ["x.png", "x~2.png", "x~2.png.json"]


def test_folders_are_those_where_something_changes(cabinet: Cabinet) -> None:
    """Targets and the inbox; nothing at all where everything is kept."""
    assert cabinet.archive.folders == {str(cabinet.done), str(cabinet.base / "failed"), str(cabinet.inbox)}
    assert Archive("/in", {"accepted": "keep", "failed": "keep"}).folders == set()
    assert Archive("/in", {"accepted": "delete", "failed": "keep"}).folders == {"/in"}


@pytest.mark.parametrize("status", ["accepted", "blank", "failed"])
def test_a_source_that_was_unmounted_is_waited_for(cabinet: Cabinet, status: str) -> None:
    """While its inbox is away, or another file system is in its place, it is not taken for gone; back, it is filed."""
    source = cabinet.drop("sub/x.png")
    device = cabinet.archive.device_of("sub")
    assert device == cabinet.base.stat().st_dev
    away = cabinet.base / "away"
    cabinet.inbox.rename(away)
    assert cabinet.archive.device_of("sub") is None
    with pytest.raises(OSError, match="unmounted or taken away") as raised:
        cabinet.file(source, status, device=device)
    assert raised.value.errno == errno.ENODEV
    cabinet.inbox.mkdir()
    with pytest.raises(OSError, match="unmounted or taken away"):
        cabinet.file(source, status, device=device + 1)
    cabinet.inbox.rmdir()
    away.rename(cabinet.inbox)
    assert cabinet.file(source, status, device=device) in {Filed.MOVED, Filed.DELETED}
    assert [path for path in cabinet.inbox.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("status", ["accepted", "blank", "failed", "review"])
def test_a_source_that_was_removed_with_its_folder_is_gone(cabinet: Cabinet, status: str) -> None:
    """The folders that are left are where they were: nobody waits for it."""
    source = cabinet.drop("sub/deep/x.png")
    device = cabinet.archive.device_of("sub/deep")
    shutil.rmtree(cabinet.inbox / "sub")
    assert cabinet.archive.device_of("sub/deep") == device
    assert cabinet.file(source, status, device=device) is Filed.GONE
