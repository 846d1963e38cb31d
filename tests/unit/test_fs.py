"""The file operations that durability rests on."""

import errno
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery_rig import workplace
from digitd import fs


@pytest.mark.parametrize("offered", [True, False], ids=["renameat2", "look and rename"])
def test_a_rename_never_overwrites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offered: bool) -> None:
    """A name that is taken is an error, and both files stay; one that is free is given."""
    if not offered:
        monkeypatch.setattr(fs, "_NOT_OFFERED", frozenset(range(200)))
    old, new, free = (os.fspath(tmp_path / name) for name in ("old", "new", "free"))
    Path(old).write_text("old")
    Path(new).write_text("new")
    with pytest.raises(FileExistsError):
        fs.rename_noreplace(old, new)
    assert (Path(old).read_text(), Path(new).read_text()) == ("old", "new")
    fs.rename_noreplace(old, free)
    assert Path(free).read_text() == "old"


def test_a_rename_does_not_replace_a_dangling_link(tmp_path: Path) -> None:
    """A link that leads nowhere is something, too."""
    (tmp_path / "old").write_text("old")
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        fs.rename_noreplace(os.fspath(tmp_path / "old"), os.fspath(tmp_path / "link"))


def test_a_rename_of_what_is_gone_says_so(tmp_path: Path) -> None:
    """The error is that of the system, with both names."""
    with pytest.raises(FileNotFoundError) as caught:
        fs.rename_noreplace(os.fspath(tmp_path / "gone"), os.fspath(tmp_path / "new"))
    assert caught.value.filename.endswith("gone")
    assert str(caught.value.filename2).endswith("new")


def test_a_rename_takes_any_name(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are a name like any other."""
    old = os.path.join(tmp_path, os.fsdecode(b"\xff\xfe\n"))
    Path(old).write_text("x")
    fs.rename_noreplace(old, old + "2")
    assert os.listdir(os.fsencode(tmp_path)) == [b"\xff\xfe\n2"]


def test_a_rename_across_file_systems_says_so() -> None:
    """EXDEV is what tells the archive to copy."""
    with workplace() as here, workplace("other") as there:
        if here.stat().st_dev == there.stat().st_dev:
            pytest.skip("this machine has one file system")
        (here / "x").write_text("x")
        with pytest.raises(OSError, match="Invalid cross-device link") as caught:
            fs.rename_noreplace(os.fspath(here / "x"), os.fspath(there / "x"))
        assert caught.value.errno == errno.EXDEV


def test_a_file_is_written_whole_over_what_a_crash_left(tmp_path: Path) -> None:
    """write_new replaces a longer leftover, and makes the folder where it must."""
    fs.write_new_in(os.fspath(tmp_path / "a/b"), "x", b"a long leftover")
    fs.write_new_in(os.fspath(tmp_path / "a/b"), "x", b"short")
    assert (tmp_path / "a/b/x").read_bytes() == b"short"


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that takes a few bytes at a time still writes all."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data[:3])))
    fs.write_new(os.fspath(tmp_path / "x"), b"0123456789")
    (tmp_path / "y").write_bytes(b"a" * 1000)
    fs.copy_durably(os.fspath(tmp_path / "y"), os.fspath(tmp_path / "z"))
    monkeypatch.undo()
    assert (tmp_path / "x").read_bytes() == b"0123456789"
    assert (tmp_path / "z").read_bytes() == b"a" * 1000


def test_a_copy_has_the_bytes_and_the_time(tmp_path: Path) -> None:
    """The copy's mtime is the source's, to the nanosecond: by it a restart knows the copy."""
    source, target = os.fspath(tmp_path / "x"), os.fspath(tmp_path / "y")
    Path(source).write_bytes(os.urandom(3_000_000))
    os.utime(source, ns=(1, 1_234_567_890_123_456_789))
    fs.copy_durably(source, target)
    assert Path(target).read_bytes() == Path(source).read_bytes()
    assert os.stat(target).st_mtime_ns == 1_234_567_890_123_456_789


def test_a_link_is_not_copied(tmp_path: Path) -> None:
    """A name that was taken by a link is an error: what it leads to is nobody's scan."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "x").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="Too many levels"):
        fs.copy_durably(os.fspath(tmp_path / "x"), os.fspath(tmp_path / "y"))
    assert not (tmp_path / "y").exists()


@pytest.mark.parametrize("write", ["write_new", "copy_durably"])
@pytest.mark.parametrize("target", ["victim", "nowhere"])
def test_nothing_is_written_through_a_link(tmp_path: Path, write: str, target: str) -> None:
    """A link under a temporary name is replaced by a file; what it leads to stays as it is."""
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / "source").write_bytes(b"new")
    (tmp_path / "x").symlink_to(target)
    if write == "write_new":
        fs.write_new(os.fspath(tmp_path / "x"), b"new")
    else:
        fs.copy_durably(os.fspath(tmp_path / "source"), os.fspath(tmp_path / "x"))
    assert not (tmp_path / "x").is_symlink()
    assert (tmp_path / "x").read_bytes() == b"new"
    assert (tmp_path / "victim").read_bytes() == b"precious"
    assert not (tmp_path / "nowhere").exists()


def test_a_copy_may_be_read_by_nobody_who_may_not_read_the_file(tmp_path: Path) -> None:
    """A private scan stays private in the archive."""
    (tmp_path / "x").write_bytes(b"x")
    (tmp_path / "x").chmod(0o600)
    fs.copy_durably(os.fspath(tmp_path / "x"), os.fspath(tmp_path / "y"))
    assert (tmp_path / "y").stat().st_mode & 0o777 == 0o600


def test_a_file_is_from_before_the_start_of_the_machine_or_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its ctime; one from the future is from before, for then the clock was set back."""
    (tmp_path / "x").write_text("")
    found = (tmp_path / "x").stat()
    assert fs.since_boot(found)
    monkeypatch.setattr(fs, "booted_at", lambda: found.st_ctime + 1)
    assert not fs.since_boot(found)
    monkeypatch.setattr(fs, "booted_at", lambda: 0.0)
    assert fs.since_boot(found)
    monkeypatch.setattr("time.time", lambda: found.st_ctime - 1)
    assert not fs.since_boot(found)


def test_syncing_a_folder_works_and_of_a_missing_one_fails(tmp_path: Path) -> None:
    """Both kinds of sync take a folder, and say if it is gone."""
    fs.syncfs(os.fspath(tmp_path))
    fs.sync_folder(os.fspath(tmp_path))
    for sync in (fs.syncfs, fs.sync_folder):
        with pytest.raises(FileNotFoundError):
            sync(os.fspath(tmp_path / "gone"))


def test_a_folder_is_tried_and_left_clean(tmp_path: Path) -> None:
    """A writable folder is no error and keeps no trace; a missing one says why."""
    assert fs.writable_folder(os.fspath(tmp_path)) is None
    assert os.listdir(tmp_path) == []
    refused = fs.writable_folder(os.fspath(tmp_path / "gone"))
    assert refused is not None
    assert refused.errno == errno.ENOENT


@given(st.integers(min_value=-(2**63), max_value=2**64 - 1))
def test_folded_numbers_fit_sqlite_and_stay_apart(number: int) -> None:
    """What an inode or a time can be folds into 64 signed bits, the same each time, and small ones are unchanged."""
    folded = fs.folded(number)
    assert -(2**63) <= folded < 2**63
    assert (folded - number) % 2**64 == 0
    assert fs.folded(folded) == folded
    assert folded == number or number >= 2**63


def test_a_file_is_the_same_by_inode_size_and_time(tmp_path: Path) -> None:
    """Each of the three tells another file, and so does a folder."""
    (tmp_path / "x").write_bytes(b"12")
    found = (tmp_path / "x").lstat()
    inode, size, mtime_ns = found.st_ino, found.st_size, found.st_mtime_ns
    assert fs.is_same_file(found, inode, size, mtime_ns)
    assert fs.is_same_file(found, inode + 2**64, size, mtime_ns)
    assert not fs.is_same_file(found, inode + 1, size, mtime_ns)
    assert not fs.is_same_file(found, inode, size + 1, mtime_ns)
    assert not fs.is_same_file(found, inode, size, mtime_ns + 1)
    folder = tmp_path.lstat()
    assert not fs.is_same_file(folder, folder.st_ino, folder.st_size, folder.st_mtime_ns)


def test_a_free_folder_is_the_one_asked_for_unless_a_file_has_its_name(tmp_path: Path) -> None:
    """Parts that are files get a number, whether they are the first or the last; folders are used as they are."""
    root = os.fspath(tmp_path)
    assert fs.free_folder(root, "") == ""
    assert fs.free_folder(root, "a/b") == "a/b"
    (tmp_path / "a/b").mkdir(parents=True)
    assert fs.free_folder(root, "a/b") == "a/b"
    (tmp_path / "a/x.png").write_text("")
    (tmp_path / "y.png").write_text("")
    (tmp_path / "y~2.png").write_text("")
    assert fs.free_folder(root, "a/x.png") == "a/x~2.png"
    assert fs.free_folder(root, "y.png/c/d") == "y~3.png/c/d"


def test_the_boot_id_is_the_same_while_the_machine_runs() -> None:
    """It names this start of the machine."""
    assert fs.boot_id() == fs.boot_id()


@pytest.mark.parametrize(
    ("there", "may_be"),
    [
        (b"", True),
        (b"whole", True),
        (b"who\0\0", True),
        (bytes(5), True),
        (b"whose", False),
        (b"\0hole", False),
        (b"whole and more", False),
        (b"whole".ljust(fs.SECTOR), True),
        (bytes(fs.SECTOR) + b"the rest", True),
        (b"whole".ljust(fs.SECTOR) + bytes(8), True),
        (bytes(fs.SECTOR) + b"another", False),
    ],
)
def test_a_file_may_be_torn_if_each_sector_is_as_it_was_or_ends_in_zeros(there: bytes, may_be: bool) -> None:
    """Sectors reach a disk in any order; a disk makes nothing else up."""
    whole = b"whole" if len(there) < fs.SECTOR and b"more" not in there else b"whole".ljust(fs.SECTOR) + b"the rest"
    assert fs.may_be_torn(there, whole) is may_be


def test_the_folders_that_were_made_are_told(tmp_path: Path) -> None:
    """Those that were there are not among them."""
    deep = tmp_path / "deep/er"
    assert fs.make_folders(f"{deep}/") == {str(deep), str(tmp_path / "deep")}
    assert fs.make_folders(str(deep)) == set()
    assert deep.is_dir()


def test_folders_of_any_depth_are_made_and_gone_through(tmp_path: Path) -> None:
    """A thousand folders in each other are no deeper than a path may be, and Python's own functions give up there."""
    deep = os.path.join(tmp_path, "deep", *["d"] * 1100)
    try:
        fs.make_folders(deep)
        fs.make_folders(deep)
        fs.write_new_in(deep, "x", b"")
        assert list(fs.files_below(os.fspath(tmp_path))) == [(deep, "x")]
        for refused in ("x", "x/below"):
            with pytest.raises(FileExistsError):
                fs.make_folders(os.path.join(deep, refused))
    finally:
        # Nor would shutil.rmtree come to its end.
        subprocess.run(["rm", "-rf", tmp_path / "deep"], check=True)


def test_what_is_below_a_folder_is_told_without_following_links(tmp_path: Path) -> None:
    """Files and links of every folder, and nothing of one that is gone."""
    (tmp_path / "sub" / "more").mkdir(parents=True)
    (tmp_path / "sub" / "more" / "x").touch()
    (tmp_path / "y").touch()
    (tmp_path / "sub" / "link").symlink_to(tmp_path)
    found = {(os.path.relpath(folder, tmp_path), name) for folder, name in fs.files_below(os.fspath(tmp_path))}
    assert found == {(".", "y"), ("sub", "link"), ("sub/more", "x")}
    assert list(fs.files_below(os.fspath(tmp_path / "gone"))) == []


@given(st.integers(-(2**31), 2**34 - 2**31 - 1), st.integers(0, 999))
def test_a_folded_time_is_told_as_it_was(seconds: int, milliseconds: int) -> None:
    """Every time that ext4 can keep, from 1901 to 2446, of which those after 2262 do not fit 64 bits of nanoseconds."""
    nanoseconds = seconds * 10**9 + milliseconds * 10**6
    assert fs.seconds_of(fs.folded(nanoseconds)) == pytest.approx(seconds + milliseconds / 1e3, abs=1e-5)
