"""Fixtures of the end-to-end tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.harness import Daemon, House, Manager


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Folders and a configuration of this test's own."""
    return House(tmp_path / "house")


@pytest.fixture
def manager() -> Iterator[Manager]:
    """A stand-in for systemd."""
    it = Manager()
    yield it
    it.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that a module's tests share, each with names of its own; it printed events and nothing else."""
    with Daemon(House(tmp_path_factory.mktemp("shared") / "house", {"outbox": {"every": "500ms"}})) as daemon:
        yield daemon.wait_ready()
        assert daemon.terminate() == 0
    daemon.assert_only_events()
