"""Where scans are read is chosen by the configuration."""

import importlib.util

import pytest

from digitd.errors import ConfigError, ExitCode
from digitd.settings import Settings, Workers
from digitd.workers import pool_of, reading_on


def test_a_cluster_without_ray_is_a_mistake_in_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the key and the extra, and has the exit code of a wrong configuration."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ray" else find(name))
    with pytest.raises(ConfigError, match=r"workers\.on is ray.*digitd\[ray\]") as refused:
        pool_of(reading_on(Settings(), "ray"), "", lambda *_: None)
    assert refused.value.exit_code is ExitCode.CONFIG


@pytest.mark.parametrize("address", ["auto", "local", "10.0.0.5:6379", "head.example:6379", "[::1]:6379"])
def test_addresses_of_a_cluster(address: str) -> None:
    """What Ray can join, and the two words."""
    assert Workers(address=address).address == address


@pytest.mark.parametrize("address", ["", "head", "ray://head:10001", "head:port", "a b:1"])
def test_no_addresses_of_a_cluster(address: str) -> None:
    """A name without a port, Ray's client protocol, and what is none at all."""
    with pytest.raises(ValueError, match="HOST:PORT"):
        Workers(address=address)
