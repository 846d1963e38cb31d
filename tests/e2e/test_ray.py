"""A Ray cluster of several nodes on this machine: the same results, and the same promises when parts of it go away."""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from digitd.errors import ExitCode
from digitd.recognition.bundle import shipped
from e2e import scans
from e2e.cluster import Cluster, free_port
from e2e.harness import ROOT, Daemon, House, environment, wait_for
from e2e.test_read_parts import ended_or_parts
from hostile import corpus

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray (the extra `ray`) is not installed"),
    # Nodes take seconds to start, on a busy machine many.
    pytest.mark.timeout(300),
]
FULL = "DIGITD_RAY" in os.environ
full = pytest.mark.skipif(not FULL, reason="it takes long (make test-ray)")

SAMPLES = ROOT / "samples"
VARYING = rb'"(id|received|recognised)":"[^"]*"'
VARYING_CELLS = ("id", "received", "recognised")
DAY = 1_700_000_000
MANY = 300
OTHER_VERSION = "import digitd\ndigitd.__version__ = '0.0.9'\n"
OTHER_RAY = "import ray._private.utils as utils\nutils.compute_version_info = lambda: ('2.0.0', '3.9.1')\n"
FAULTS = """
import hashlib, os, sys, time
real = hashlib.sha256
def sha256(data=b"", **keys):
    # In the workers of a node alone: digitd's part beside them has Ray in it.
    if "ray" not in sys.modules:
        if bytes(data[-6:]) == b"deadly":
            os.abort()
        if bytes(data[-7:]) == b"endless":
            time.sleep(3600)
    return real(data, **keys)
hashlib.sha256 = sha256
"""
"""What no file does where all is in order, by the file's last bytes: a crash, a loop."""


@pytest.fixture(scope="module")
def steady() -> Iterator[Cluster]:
    """A cluster of two nodes that nobody takes anything away from."""
    with Cluster() as it:
        it.start_head()
        it.start_node()
        it.start_node()
        yield it


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A cluster that has not started yet; nothing of it is left."""
    with Cluster() as it:
        yield it


def settings(address: str, **more: Any) -> dict[str, Any]:
    return {"workers": {"on": "ray", "address": address, "count": "auto"}, "batch": {"max_scans": 4}} | more


def awkward() -> dict[str, bytes]:
    """All samples, and what no scanner writes; with time, disguised, far too large and hostile files, too."""
    kinds = {".png", ".jpg", ".tif", ".pdf", ".pgm", ".bmp", ".webp"}
    files = {
        str(path.relative_to(SAMPLES)): path.read_bytes()
        for path in sorted(SAMPLES.rglob("*"))
        if path.suffix.lower() in kinds
    }
    files |= {"empty.png": b"", "text.png": b"no image" * 50, "torn.png": scans.scan()[:-60]}
    return files | ({f"hostile/{case.name}": case.data for case in corpus.cases()} if FULL else {})


GROWING = {"empty.png", "torn.png", "cut-short.png"}
"""What a writer may still be at: a daemon waits for 30 s, and `digitd read` does not."""


def told(house: House) -> dict[str, bytes]:
    """The bytes of the results, without what differs from run to run."""
    return {
        str(path.relative_to(house.outbox)): re.sub(VARYING, rb'"\1":""', path.read_bytes())
        for path in house.outbox.rglob("*.json")
    }


def rows(house: House) -> list[dict[str, str]]:
    """The rows of the tables, in the order of names, without what differs from run to run."""
    cells = [{key: value for key, value in row.items() if key not in VARYING_CELLS} for row in house.rows()]
    return sorted(cells, key=lambda row: (row["source_path"], row["page"]))


def drop_many(house: House, prefix: str) -> list[str]:
    scan = (SAMPLES / "mnist-3.png").read_bytes()
    names = [f"{prefix}-{number}.png" for number in range(MANY)]
    for name in names:
        house.drop(name, scan)
    return names


def _variables(process: psutil.Process) -> list[str]:
    return [f"{name}={value}" for name, value in (process.info["environ"] or {}).items()]


def replace_weights(bundle: Path) -> None:
    """The weights that LiteRT does not use stand for those of another network."""
    manifest = json.loads((bundle / "bundle.json").read_bytes())
    weights = (bundle / "model.keras").read_bytes() + b"\0"
    (bundle / "model.keras").write_bytes(weights)
    manifest["files"]["model.keras"] |= {"sha256": hashlib.sha256(weights).hexdigest(), "bytes": len(weights)}
    (bundle / "bundle.json").write_text(json.dumps(manifest), encoding="utf-8")


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


def test_results_are_those_of_local_workers(steady: Cluster, tmp_path: Path) -> None:
    """To the byte, but for ids and times, in files and tables: all samples, and what no scanner writes."""
    local, remote = House(tmp_path / "local"), House(tmp_path / "remote", settings(steady.address))
    files = {name: data for name, data in awkward().items() if FULL or name not in GROWING}
    for house in (local, remote):
        for name, data in files.items():
            # The time is in the result, too.
            os.utime(house.drop(name, data), (DAY, DAY))
    with Daemon(remote, "--once", **steady.env) as daemon, Daemon(local, "--once") as beside:
        wait_for(lambda: None not in {daemon.process.poll(), beside.process.poll()}, "the ends", timeout=200)
        for each in (daemon, beside):
            assert each.wait_end() == ExitCode.DONE, each.tail() + steady.log()
            each.assert_only_events()
    assert len(told(local)) == len(files)
    assert told(remote) == told(local)
    assert rows(remote) == rows(local)


def test_a_reload_exchanges_the_workers_of_the_nodes(steady: Cluster, tmp_path: Path) -> None:
    """What is in hand is read, the new limits count, and one that cannot be used changes nothing."""
    house = House(tmp_path / "house", settings(steady.address))
    with Daemon(house, **steady.env) as daemon:
        before = daemon.wait_ready().workers()
        names = drop_many(house, "first")
        house.configure(settings(steady.address, limits={"bytes": 4000}))
        daemon.process.send_signal(signal.SIGHUP)
        reloaded = daemon.wait_event("reloaded")
        assert reloaded["pids"] != before
        wait_results(house, daemon, names)
        house.drop("heavy.png", scans.scan(4) + bytes(4000))
        assert house.result("heavy.png.json")["reason"]["code"] == "too_many_bytes"

        house.configure(settings(steady.address, model={"engine": "tensorflow", "bundle": str(tmp_path / "nothing")}))
        daemon.process.send_signal(signal.SIGHUP)
        assert daemon.wait_event("reload_refused")["exit_code"] == ExitCode.BUNDLE
        house.drop("after.png", scans.scan(4))
        assert house.result("after.png.json")["text"] == "4"
        assert daemon.terminate() == ExitCode.DONE
    daemon.assert_only_events()


def test_a_bundle_that_was_replaced_is_named(steady: Cluster, tmp_path: Path) -> None:
    """When the cluster is joined anew, nodes would get another bundle than results name: digitd ends, and says why."""
    bundle = tmp_path / "bundle"
    shutil.copytree(shipped(), bundle)
    house = House(tmp_path / "house", settings(steady.address, model={"bundle": str(bundle)}))
    with Daemon(house, **steady.env) as daemon:
        (speaker,) = daemon.wait_ready().workers()
        replace_weights(bundle)
        os.kill(speaker, signal.SIGKILL)
        assert daemon.wait_end() == ExitCode.BUG
    (refused,) = daemon.named("refused", code="bundle_replaced")
    assert "no longer the one" in refused["cause"]
    daemon.assert_only_events()


@full
def test_scans_that_crash_and_hang_their_worker(cluster: Cluster, tmp_path: Path) -> None:
    """Batches are halved until the scan that does it stands alone, which has its reason; all others are read, and the
    log names the nodes whose workers were lost."""
    (tmp_path / "faults").mkdir()
    (tmp_path / "faults" / "sitecustomize.py").write_text(FAULTS, encoding="utf-8")
    path = os.pathsep.join((str(tmp_path / "faults"), str(ROOT / "daemon")))
    cluster.start_head()
    for _ in range(2):
        cluster.start_node(PYTHONPATH=path)
    house = House(tmp_path / "house", settings(cluster.address, batch={"max_scans": 16}), {"workers": {"timeout": 2}})
    for number in range(40):
        house.drop(f"{number}.png", scans.numbered(number))
    house.drop("17b.png", scans.scan() + b"deadly")
    house.drop("23b.png", scans.scan() + b"endless")
    with Daemon(house, "--once", **cluster.env) as daemon:
        assert daemon.wait_end() == ExitCode.DONE, daemon.tail()
    daemon.assert_only_events()
    found = {result["source"]["path"]: result for result in house.results()}
    assert {name: each["reason"]["code"] for name, each in found.items() if each["status"] == "failed"} == {
        "17b.png": "worker_died",
        "23b.png": "worker_timeout",
    }
    assert all(found[f"{number}.png"]["text"] == str(number % 10) for number in range(40))
    lost = daemon.named("worker_lost")
    assert {event["cause"] for event in lost} == {"died", "timeout"}
    assert all(event["node"] for event in lost)


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
            lambda: (lambda done: b"cluster_away" in done.stdout and done)(house.run("status", "--check")), "its status"
        )
        assert status.returncode == ExitCode.UNHEALTHY
        assert f"nothing is read: the cluster {cluster.address} ".encode() in status.stdout
        assert not house.result_path("second-0.png.json").exists()
        cluster.start_head()
        cluster.start_node()
        daemon.wait_event("cluster_back")
        wait_results(house, daemon, names)
        assert len(daemon.named("cluster_away")) == 1
        assert daemon.terminate() == ExitCode.DONE
    daemon.assert_only_events()


def test_read_prints_what_it_prints_without_a_cluster(steady: Cluster, tmp_path: Path) -> None:
    """`digitd read --workers ray`, in the same order, to the byte."""
    house = House(tmp_path / "house", {"workers": {"address": steady.address}})
    for name, data in awkward().items():
        (house.root / "scans" / name).parent.mkdir(parents=True, exist_ok=True)
        (house.root / "scans" / name).write_bytes(data)
    done = [house.run("read", "--format", "json", *more, "scans", **steady.env) for more in ((), ("--workers", "ray"))]
    assert [each.returncode for each in done] == [0, 0], done
    local, remote = [re.sub(VARYING, b"", each.stdout) for each in done]
    assert local.count(b"\n") == len(awkward())
    assert remote == local


def test_an_archive_is_read_into_parts_whatever_is_killed(steady: Cluster, tmp_path: Path) -> None:
    """`digitd read --workers ray --output`, cut off by kill -9 twice: the next run goes on, the last one with local
    workers, and the results are those of a run that nobody cut off, to the byte."""
    house = House(
        tmp_path / "house",
        {"workers": {"address": steady.address}, "outbox": {"rows": 20}, "batch": {"max_scans": 4}},
    )
    (house.root / "scans").mkdir()
    for number in range(MANY):
        (house.root / "scans" / f"{number}.png").write_bytes(scans.numbered(number))
    command = (sys.executable, "-m", "digitd", "read", "-c", str(house.config), "--output", "out", "scans")
    for wanted in (2, 5):
        process = subprocess.Popen(
            [*command, "--workers", "ray"], cwd=house.root, env=environment(house.root, **steady.env)
        )
        with process:
            ended_or_parts(process, house.root / "out", wanted)
            process.kill()
        assert process.returncode == -signal.SIGKILL
    assert house.run("read", "--output", "out", "scans").returncode == ExitCode.DONE
    assert house.run("read", "--output", "whole", "scans").returncode == ExitCode.DONE
    cut_off, whole = (
        [re.sub(VARYING, b"", part.read_bytes()) for part in sorted((house.root / folder).glob("results-*.jsonl"))]
        for folder in ("out", "whole")
    )
    assert len(whole) == MANY / 20
    assert sorted(b"".join(cut_off).splitlines()) == sorted(b"".join(whole).splitlines())


@full
def test_a_node_that_hangs_is_given_up(cluster: Cluster, tmp_path: Path) -> None:
    """Its processes live, and it reads no more: what it had in hand is read by the other, and the log names it."""
    cluster.start_head()
    hanging = cluster.start_node()
    cluster.start_node()
    house = House(tmp_path / "house", settings(cluster.address))
    with Daemon(house, **cluster.env) as daemon:
        daemon.wait_ready()
        # Both are at work.
        wait_results(house, daemon, first := drop_many(house, "first"))
        parts = [
            each for each in psutil.Process(hanging.pid).children(recursive=True) if "ray::" in " ".join(each.cmdline())
        ]
        assert parts
        for part in parts:
            part.suspend()
        names = drop_many(house, "second")
        wait_results(house, daemon, first + names)
        (lost, *_) = daemon.named("worker_lost")
        assert lost["node"] and lost["cause"] == "died"
        assert daemon.terminate() == ExitCode.DONE
    daemon.assert_only_events()


@full
def test_a_cluster_that_is_started_for_it(tmp_path: Path) -> None:
    """`workers.address: local` needs none that is there; nothing of it is left, nor in the user's home."""
    house = House(tmp_path / "house")
    home = tmp_path / "home"
    home.mkdir()
    env = {"HOME": str(home), "DIGITD_WORKERS__ADDRESS": "local", "TMPDIR": "/tmp"}
    done = house.run("read", "--workers", "ray", str(SAMPLES / "evening"), **env)
    assert done.returncode == 0 and b"accepted" in done.stdout, done
    assert list(home.iterdir()) == []
    assert not [each for each in psutil.process_iter(["environ"]) if f"HOME={home}" in _variables(each)]


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


@full
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


def test_a_cluster_of_another_ray_is_named(cluster: Cluster, tmp_path: Path) -> None:
    """Which Ray and which Python it has, and which this machine has."""
    import ray

    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "sitecustomize.py").write_text(OTHER_RAY, encoding="utf-8")
    cluster.start_head(PYTHONPATH=str(tmp_path / "other"))
    house = House(tmp_path / "house", settings(cluster.address))
    with Daemon(house, **cluster.env) as daemon:
        assert daemon.wait_end() == ExitCode.BUG
    (refused,) = daemon.named("refused", code="cluster")
    assert refused["cause"].startswith(
        f"the cluster {cluster.address} cannot be joined (it has Ray 2.0.0 and Python 3.9.1, and here are Ray "
        f"{ray.__version__} and Python 3."
    )
    daemon.assert_only_events()


@full
def test_the_head_goes_and_comes_back(cluster: Cluster, tmp_path: Path) -> None:
    """Alone, while its nodes live and read: they are lost with it, and what they had in hand is read on those that come
    with the new head."""
    cluster.start_head()
    cluster.start_node()
    house = House(tmp_path / "house", settings(cluster.address))
    with Daemon(house, **cluster.env) as daemon:
        daemon.wait_ready()
        names = drop_many(house, "first")
        daemon.wait_event("batch_read")
        cluster.kill(cluster.nodes[0])
        cluster.start_head()
        daemon.wait_event("cluster_away")
        wait_for(lambda: cluster.nodes[1].poll() is not None, "the end of the old head's node")
        cluster.start_node()
        daemon.wait_event("cluster_back")
        wait_results(house, daemon, names)
        assert daemon.terminate() == ExitCode.DONE
    daemon.assert_only_events()
