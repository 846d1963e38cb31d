"""The process that speaks with Ray, without a cluster: what it makes of what it hears."""

from concurrent.futures import Future
from ctypes import c_int64, c_uint64
from multiprocessing import Pipe
from typing import Any

import pytest

from digitd.pool.messages import Setup
from digitd.pool.ray_messages import ClusterSetup

pytest.importorskip("ray", reason="Ray (the extra `ray`) is not installed")

from digitd.pool.ray_driver import _Driver, _Node

SETUP = ClusterSetup(Setup("", "litert", 10**6, 10**6, 10, 5000), "auto", None, 60.0, 10**9, None, "")


@pytest.mark.parametrize("loaded", [False, True])
def test_an_actor_does_not_pay_for_the_one_before_it(loaded: bool) -> None:
    """What was with one that was given up fails later: that is no word about the node, which has a new one."""
    channel, other = Pipe()
    failed: Future[Any] = Future()
    failed.set_exception(RuntimeError("the actor died"))
    with channel, other:
        driver = _Driver(SETUP, channel, c_uint64(), c_int64())
        before, now = (_Node("a node", 1, None, loaded=each) for each in (True, loaded))
        driver._nodes["1"] = now
        driver._take_in("1", before, 7, failed)
        assert driver._nodes == {"1": now}
        assert not other.poll()
