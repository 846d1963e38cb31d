"""The outbox: names, stages, and what a restart makes of them."""

import os
from pathlib import Path

import pytest

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
            outbox.publish_again(name, "k", b"{}", rebooted=False)
    assert (tmp_path / "a").read_text() == "mine"


def test_names_count_on_from_what_was_used(outbox: Outbox, tmp_path: Path) -> None:
    """x.png.json, then x.png~2.json; names that something has are passed over."""
    assert outbox.free_name("x.png", 0) == ("x.png.json", 1)
    assert outbox.free_name("sub/x.png", 1) == ("sub/x.png~2.json", 2)
    (tmp_path / "x.png~2.json").write_text("")
    (tmp_path / "x.png~3.json").symlink_to("nowhere")
    assert outbox.free_name("x.png", 1) == ("x.png~4.json", 4)
    assert outbox.has("x.png~3.json")


def test_a_stage_that_is_gone_was_published(outbox: Outbox, tmp_path: Path) -> None:
    """Without a reboot nothing is written again; a stage that is there is renamed."""
    outbox.publish_again("a.json", "k", b"{}", rebooted=False)
    assert os.listdir(tmp_path) == []
    outbox.stage("a.json", "k", b"{}")
    outbox.publish_again("a.json", "k", b"{}", rebooted=False)
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize("there", [None, b"", b'{"a"', bytes(7), b'{"a"\0\0\0', b'{"a":1}'])
@pytest.mark.parametrize("staged", [True, False])
def test_after_a_reboot_the_file_is_whole(outbox: Outbox, tmp_path: Path, there: bytes | None, staged: bool) -> None:
    """Missing, empty, cut, or with zeros where its end should be: it has its bytes again, and no stage stays."""
    if there is not None:
        (tmp_path / "a.json").write_bytes(there)
    if staged:
        outbox.stage("a.json", "k", b'{"a"')
    outbox.publish_again("a.json", "k", b'{"a":1}', rebooted=True)
    assert os.listdir(tmp_path) == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b'{"a":1}'


def test_after_a_reboot_a_foreign_file_stays(outbox: Outbox, tmp_path: Path) -> None:
    """A file that is no torn part of the result is somebody's."""
    (tmp_path / "a.json").write_text("mine")
    with pytest.raises(FileExistsError):
        outbox.publish_again("a.json", "k", b'{"a":1}', rebooted=True)
    assert (tmp_path / "a.json").read_text() == "mine"


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
