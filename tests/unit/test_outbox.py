"""The outbox: names, stages, and what a restart makes of them."""

import errno
import os
import time
from pathlib import Path

import pytest

from digitd import fs
from digitd.outbox import Outbox


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    """An empty one."""
    return Outbox(tmp_path)


def test_a_file_appears_whole(outbox: Outbox, tmp_path: Path) -> None:
    """Staged, it is hidden; published, it is there, in a folder that is made for it."""
    outbox.stage("sub/x.png.json", "k", b"{}")
    assert os.listdir(tmp_path / "sub") == [".digitd-k.tmp"]
    outbox.publish("sub/x.png.json", "k")
    assert os.listdir(tmp_path / "sub") == ["x.png.json"]
    assert (tmp_path / "sub/x.png.json").read_bytes() == b"{}"


def test_publishing_never_overwrites(outbox: Outbox, tmp_path: Path) -> None:
    """Whatever has the name: a file, a folder, a link that leads nowhere."""
    (tmp_path / "a").write_text("mine")
    (tmp_path / "b").mkdir()
    (tmp_path / "c").symlink_to("nowhere")
    for name in "abc":
        outbox.stage(name, "k", b"{}")
        with pytest.raises(FileExistsError):
            outbox.publish(name, "k")
        with pytest.raises(FileExistsError):
            outbox.restore(name, "k", b"{}")
    assert (tmp_path / "a").read_text() == "mine"


def test_names_count_on_from_what_was_used(outbox: Outbox, tmp_path: Path) -> None:
    """x.png.json, then x.png~2.json; names that something has are passed over."""
    assert outbox.free_name("x.png", 0) == ("x.png.json", 1)
    assert outbox.free_name("sub/x.png", 1) == ("sub/x.png~2.json", 2)
    (tmp_path / "x.png~2.json").write_text("")
    (tmp_path / "x.png~3.json").symlink_to("nowhere")
    assert outbox.free_name("x.png", 1) == ("x.png~4.json", 4)
    assert outbox.has("x.png~3.json")


def test_a_stage_that_is_gone_is_told_from_one_that_cannot_be_seen(
    outbox: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gone, with its folder or without: published. Out of reach: an error, for nothing is known."""
    outbox.stage("sub/a.json", "k", b"{}")
    assert not outbox.stage_is_gone("sub/a.json", "k")
    assert outbox.stage_is_gone("sub/a.json", "other")
    assert outbox.stage_is_gone("nowhere/a.json", "k")
    (tmp_path / "file").write_text("")
    assert outbox.stage_is_gone("file/a.json", "k")

    def refuse(path: str) -> os.stat_result:
        raise OSError(errno.EIO, os.strerror(errno.EIO), path)

    monkeypatch.setattr(os, "lstat", refuse)
    with pytest.raises(OSError, match="Input/output"):
        outbox.stage_is_gone("sub/a.json", "k")


def test_a_stage_is_replaced_whole(outbox: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second stage does not touch the first before it is whole itself."""
    outbox.stage("sub/a.json", "k", b"first")

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(fs, "write_new", refuse)
        with pytest.raises(OSError, match="No space"):
            outbox.restage("sub/a.json", "k", b"second")
    assert (tmp_path / "sub/.digitd-k.tmp").read_bytes() == b"first"
    outbox.restage("sub/a.json", "k", b"second")
    assert (tmp_path / "sub/.digitd-k.tmp").read_bytes() == b"second"
    assert os.listdir(tmp_path / "sub") == [".digitd-k.tmp"]


@pytest.fixture
def later_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is started after everything that the test makes."""
    monkeypatch.setattr(fs, "booted_at", lambda: time.time() + 60)


@pytest.mark.usefixtures("later_start")
@pytest.mark.parametrize("there", [None, b"", b'{"a"', bytes(7), b'{"a"\0\0\0', b'{"a":1}'])
@pytest.mark.parametrize("staged", [True, False])
def test_after_a_reboot_the_file_is_whole(outbox: Outbox, tmp_path: Path, there: bytes | None, staged: bool) -> None:
    """Missing, empty, cut, or with zeros where its end should be: it has its bytes again, and no stage stays."""
    if there is not None:
        (tmp_path / "a.json").write_bytes(there)
    if staged:
        outbox.stage("a.json", "k", b'{"a"')
    outbox.restore("a.json", "k", b'{"a":1}')
    assert os.listdir(tmp_path) == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b'{"a":1}'


@pytest.mark.usefixtures("later_start")
def test_after_a_reboot_a_file_whose_beginning_is_missing_is_whole(outbox: Outbox, tmp_path: Path) -> None:
    """Sectors reach the disk in any order: the first may be zeros, and the second there."""
    data = b"a" * fs.SECTOR + b"b" * fs.SECTOR
    (tmp_path / "a.json").write_bytes(bytes(fs.SECTOR) + data[fs.SECTOR :])
    outbox.restore("a.json", "k", data)
    assert os.listdir(tmp_path) == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == data


@pytest.mark.usefixtures("later_start")
@pytest.mark.parametrize("there", [b"mine", b'{"a":1}and more'])
def test_after_a_reboot_a_foreign_file_stays(outbox: Outbox, tmp_path: Path, there: bytes) -> None:
    """A file that is no torn part of the result is somebody's."""
    (tmp_path / "a.json").write_bytes(there)
    with pytest.raises(FileExistsError):
        outbox.restore("a.json", "k", b'{"a":1}')
    assert (tmp_path / "a.json").read_bytes() == there


@pytest.mark.parametrize("there", [b"", b'{"a"', bytes(7)])
def test_a_file_made_since_the_machine_was_started_is_no_torn_one(outbox: Outbox, tmp_path: Path, there: bytes) -> None:
    """An empty file under the result's name is somebody's, if no power cut can have torn it."""
    (tmp_path / "a.json").write_bytes(there)
    with pytest.raises(FileExistsError):
        outbox.restore("a.json", "k", b'{"a":1}')
    assert (tmp_path / "a.json").read_bytes() == there


@pytest.mark.usefixtures("later_start")
def test_what_is_no_file_is_not_opened(outbox: Outbox, tmp_path: Path) -> None:
    """A FIFO would hold the daemon up for ever; a link leads elsewhere."""
    os.mkfifo(tmp_path / "fifo.json")
    (tmp_path / "victim").write_bytes(b"")
    (tmp_path / "link.json").symlink_to("victim")
    for name in ("fifo.json", "link.json"):
        with pytest.raises(FileExistsError):
            outbox.restore(name, "k", b"{}")
    assert (tmp_path / "link.json").is_symlink()


def test_nothing_is_written_through_a_planted_link(outbox: Outbox, tmp_path: Path) -> None:
    """A link under the predictable name of a stage costs its target nothing."""
    (tmp_path / "journal").write_bytes(b"precious")
    (tmp_path / ".digitd-part-000001.csv.tmp").symlink_to("journal")
    outbox.stage("results.csv", "part-000001.csv", b"id\r\n")
    outbox.publish("results.csv", "part-000001.csv")
    assert (tmp_path / "journal").read_bytes() == b"precious"
    assert (tmp_path / "results.csv").read_bytes() == b"id\r\n"
    assert not (tmp_path / "results.csv").is_symlink()


def test_stages_that_nobody_wants_are_swept(outbox: Outbox, tmp_path: Path) -> None:
    """In every folder, and nothing else; one that cannot be removed stays without a word."""
    for name, key in (("a.json", "one"), ("sub/b.json", "two"), ("sub/c.json", "three")):
        outbox.stage(name, key, b"")
    (tmp_path / ".digitd-notes").write_text("")
    (tmp_path / "x.tmp").write_text("")
    assert sorted(outbox.sweep({"two"}.__contains__)) == [".digitd-one.tmp", ".digitd-three.tmp"]
    assert sorted(os.listdir(tmp_path)) == [".digitd-notes", "sub", "x.tmp"]
    assert os.listdir(tmp_path / "sub") == [".digitd-two.tmp"]


def test_a_stage_can_be_taken_back(outbox: Outbox, tmp_path: Path) -> None:
    """Twice is no error."""
    outbox.stage("a.json", "k", b"")
    outbox.unstage("a.json", "k")
    outbox.unstage("a.json", "k")
    assert os.listdir(tmp_path) == []
