"""Which file system holds a folder, by values."""

import os
from pathlib import Path

import pytest

from digitd.intake.mounts import Mount, mount_of, needs_polling, parse_mountinfo, polled_mount, read_mounts

MOUNTINFO = rb"""21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
36 21 0:32 / /srv/scan\040share rw shared:7 master:1 - nfs4 server:/export rw,vers=4.2
37 21 0:33 / /srv rw - autofs systemd-1 rw
38 37 8:1 / /srv rw - xfs /dev/sda1 rw
39 21 0:40 / /mnt/caf\351 rw - fuse.sshfs host: rw
nonsense
40 21 0:41 / /mnt/tab\011back\134slash rw - cifs //server/share rw
"""
MOUNTS = parse_mountinfo(MOUNTINFO)


def test_mountinfo_is_read_with_its_escapes() -> None:
    """Blanks, tabs, backslashes and bytes that are no UTF-8 in mount points come out as they are."""
    assert [mount.point for mount in MOUNTS] == [
        "/", "/srv/scan share", "/srv", "/srv", os.fsdecode(b"/mnt/caf\xe9"), "/mnt/tab\tback\\slash",
    ]  # fmt: skip
    assert [mount.fstype for mount in MOUNTS] == ["ext4", "nfs4", "autofs", "xfs", "fuse.sshfs", "cifs"]


@pytest.mark.parametrize(
    ("path", "fstype"),
    [
        ("/", "ext4"),
        ("/home", "ext4"),
        ("/srv", "xfs"),
        ("/srv/scan", "xfs"),
        ("/srv/scan share", "nfs4"),
        ("/srv/scan share/a/b", "nfs4"),
        ("/srv/scan share2", "xfs"),
        ("/srvx", "ext4"),
    ],
)
def test_the_deepest_and_last_mount_holds_a_path(path: str, fstype: str) -> None:
    """Whole components count, and of two mounts on one point the later one."""
    mount = mount_of(path, MOUNTS)
    assert mount is not None and mount.fstype == fstype


@pytest.mark.parametrize(
    "fstype", ["nfs", "nfs4", "cifs", "smb3", "fuse", "fuse.sshfs", "9p", "vboxsf", "virtiofs", "ceph", "CIFS", "davfs"]
)
def test_network_and_fuse_mounts_are_polled(fstype: str) -> None:
    """What others change behind the kernel's back gives no event."""
    assert needs_polling(fstype)


@pytest.mark.parametrize("fstype", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk", "vfat", "f2fs", ""])
def test_local_file_systems_are_not_polled(fstype: str) -> None:
    """Every change on them goes through this kernel."""
    assert not needs_polling(fstype)


def test_a_share_below_the_inbox_counts_if_it_is_looked_into() -> None:
    """A network mount in a subfolder makes a recursive inbox polled, and only that."""
    mounts = [Mount("/", "ext4"), Mount("/in/share", "cifs")]
    assert polled_mount("/in", mounts, recursive=True) == Mount("/in/share", "cifs")
    assert polled_mount("/in", mounts, recursive=False) is None
    assert polled_mount("/in/share/x", mounts, recursive=False) == Mount("/in/share", "cifs")
    assert polled_mount("/in", [], recursive=True) is None


def test_this_machine_has_mounts(tmp_path: Path) -> None:
    """The lookup at the edge finds what holds a real folder."""
    assert mount_of(str(tmp_path), read_mounts()) is not None
