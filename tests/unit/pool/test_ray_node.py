"""What runs on a node, without Ray: what it says where it cannot read."""

import errno
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from digitd.pool.messages import Setup
from digitd.pool.ray_messages import ClusterSetup
from digitd.pool.ray_node import Node, versions

SETUP = ClusterSetup(Setup("", "litert", 10**6, 10**6, 10, 5000), "", None, 60.0, 10**9, None, "")


@pytest.fixture(autouse=True)
def _main_as_it_was() -> Iterator[None]:
    """A node takes the file of its main program away, which here is pytest's."""
    main = vars(sys.modules["__main__"])
    before = main.get("__file__")
    yield
    if before is not None:
        main["__file__"] = before


@pytest.mark.timeout(60)
def test_a_node_without_room_for_the_bundle_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever goes wrong there is told, and nobody waits for a node that will never read."""

    def full(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Path, "write_bytes", full)
    cause = Node(versions()).load(msgspec.msgpack.encode(SETUP), {"bundle.json": b"{}"}, 1)
    assert cause.startswith(f"[Errno {errno.ENOSPC}] No space left on device")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(60)
def test_a_node_that_gets_a_setup_that_it_cannot_read_says_so() -> None:
    """As from a digitd of another build with the same version."""
    cause = Node(versions()).load(b"no setup", {}, 1)
    assert "expected" in cause.lower()


def test_a_node_with_other_versions_says_which() -> None:
    """Both are told, and nothing is started."""
    cause = Node(versions() | {"numpy": "0.1"}).load(b"", {}, 1)
    assert cause.startswith("numpy ") and cause.endswith(" is installed there, and 0.1 here")
