"""A Ray cluster of several nodes on this machine: the same results, and the same promises when parts of it go away."""

import importlib.util
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digitd.errors import ExitCode
from e2e.cluster import Cluster, free_port
from e2e.harness import ROOT, Daemon, House, wait_for

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray (the extra `ray`) is not installed"),
    # Nodes take seconds to start, on a busy machine many.
    pytest.mark.timeout(300),
]

SAMPLES = ROOT / "samples"
VARYING = ("id", "received", "recognised")
DAY = 1_700_000_000
MANY = 300
OTHER_VERSION = "import digitd\ndigitd.__version__ = '0.0.9'\n"


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A cluster that has not started yet; nothing of it is left."""
    with Cluster() as it:
        yield it


def settings(address: str, **more: Any) -> dict[str, Any]:
    return {"workers": {"on": "ray", "address": address, "count": "auto"}, "batch": {"max_scans": 4}, **more}


def samples() -> list[Path]:
    return sorted(
        path for path in SAMPLES.rglob("*") if path.suffix.lower() in {".png", ".jpg", ".tif", ".pdf", ".pgm"}
    )


def drop_samples(house: House) -> None:
    """All with the same time, old enough that one that is cut short is no longer thought to grow."""
    for sample in samples():
        name = str(sample.relative_to(SAMPLES))
        target = house.inbox / name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(sample, target)
        os.utime(target, (DAY, DAY))
    (house.inbox / "empty.png").touch()
    os.utime(house.inbox / "empty.png", (DAY, DAY))


def told(house: House) -> dict[str, dict[str, Any]]:
    """The results, without what differs from run to run."""
    return {
        result["source"]["path"]: {key: value for key, value in result.items() if key not in VARYING}
        for result in house.results()
    }


def drop_many(house: House, prefix: str) -> list[str]:
    scan = (SAMPLES / "mnist-3.png").read_bytes()
    names = [f"{prefix}-{number}.png" for number in range(MANY)]
    for name in names:
        house.drop(name, scan)
    return names


def wait_results(house: House, daemon: Daemon, names: list[str]) -> None:
    """Each has exactly one result, and is filed."""
    wait_for(
        lambda: all(house.result_path(f"{name}.json").exists() for name in names),
        "results of all",
        timeout=120,
    )
    assert daemon.process.poll() is None
    wait_for(lambda: not list(house.inbox.glob("*.png")), "the sources to be filed")
    assert sorted(result["source"]["path"] for result in house.results()) == sorted(names)


def test_results_are_those_of_local_workers(cluster: Cluster, tmp_path: Path) -> None:
    """To the byte, but for ids and times: pictures, pages, a file that is cut short and one without a byte."""
    cluster.start_head()
    cluster.start_node()
    cluster.start_node()
    local, remote = House(tmp_path / "local"), House(tmp_path / "remote", settings(cluster.address))
    for house in (local, remote):
        drop_samples(house)
    with Daemon(remote, "--once", **cluster.env) as daemon:
        assert daemon.wait_end() == ExitCode.DONE, daemon.tail() + cluster.log()
    daemon.assert_only_events()
    local.once()
    assert len(told(local)) == len(samples()) + 1
    assert told(remote) == told(local)


def test_a_node_and_the_head_go_and_nothing_is_lost(cluster: Cluster, tmp_path: Path) -> None:
    """A node that is killed: its batches are read by the other. The whole cluster killed: digitd waits, says so once in
    the log and in its status, and goes on with what it had in hand when the cluster is back."""
    cluster.start_head()
    first = cluster.start_node()
    cluster.start_node()
    house = House(tmp_path / "house", settings(cluster.address))
    with Daemon(house, **cluster.env) as daemon:
        daemon.wait_ready()
        names = drop_many(house, "first")
        daemon.wait_event("batch_read")
        cluster.kill(first)
        wait_results(house, daemon, names)

        for node in cluster.nodes:
            cluster.kill(node)
        daemon.wait_event("cluster_away")
        names += drop_many(house, "second")
        status = wait_for(
            lambda: (lambda done: b"cluster" in done.stdout and done)(house.run("status", "--check")), "its status"
        )
        assert status.returncode == ExitCode.UNHEALTHY
        assert not house.result_path("second-0.png.json").exists()
        cluster.start_head()
        cluster.start_node()
        daemon.wait_event("cluster_back")
        wait_results(house, daemon, names)
        assert len(daemon.named("cluster_away")) == 1
        assert daemon.terminate() == ExitCode.DONE
    daemon.assert_only_events()


def test_read_on_a_cluster_that_is_started_for_it(tmp_path: Path) -> None:
    """`digitd read --workers ray` prints what it prints without it; nothing of the cluster is left, nor in the home."""
    house = House(tmp_path / "house")
    home = tmp_path / "home"
    home.mkdir()
    done = [
        house.run("read", "--format", "json", *more, str(SAMPLES / "evening"), HOME=str(home), **env)
        for more, env in (((), {}), (("--workers", "ray"), {"DIGITD_WORKERS__ADDRESS": "local", "TMPDIR": "/tmp"}))
    ]
    assert [each.returncode for each in done] == [0, 0], done
    printed = [[json.loads(line) for line in each.stdout.splitlines()] for each in done]
    local, remote = [[{k: v for k, v in each.items() if k not in VARYING} for each in lines] for lines in printed]
    assert local and remote == local
    assert list(home.iterdir()) == []


def test_a_cluster_that_is_away_at_the_start_is_named(tmp_path: Path) -> None:
    """In one sentence with its address and a remedy, and an exit code after which systemd tries again."""
    address = f"127.0.0.1:{free_port()}"
    house = House(tmp_path / "house", settings(address))
    with Daemon(house) as daemon:
        assert daemon.wait_end() == ExitCode.BUG
    (refused,) = daemon.named("refused", code="cluster")
    assert refused["cause"].startswith(f"the cluster {address} does not answer (")
    assert "ray start" in refused["remedy"]
    daemon.assert_only_events()


def test_a_node_with_another_digitd_is_left_out_and_named(cluster: Cluster, tmp_path: Path) -> None:
    """Both versions are told, and the other node reads."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "sitecustomize.py").write_text(OTHER_VERSION, encoding="utf-8")
    cluster.start_head()
    cluster.start_node(PYTHONPATH=os.pathsep.join((str(tmp_path / "other"), str(ROOT / "daemon"))))
    house = House(tmp_path / "house", settings(cluster.address))
    with Daemon(house, **cluster.env) as daemon:
        assert daemon.wait_end() == ExitCode.BUG
        (refused,) = daemon.named("node_refused")
        assert refused["cause"].startswith("digitd 0.0.9 is installed there, and ")
        assert "digitd 0.0.9" in daemon.named("refused", code="cluster")[0]["cause"]
    cluster.start_node()
    house.drop("mnist-3.png", (SAMPLES / "mnist-3.png").read_bytes())
    with Daemon(house, **cluster.env) as daemon:
        daemon.wait_event("node_refused")
        assert house.result("mnist-3.png.json")["text"] == "3"
        assert daemon.terminate() == ExitCode.DONE
