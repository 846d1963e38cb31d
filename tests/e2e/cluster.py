"""A real Ray cluster on this machine's loopback: nodes in process groups of their own, that can be killed apart."""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

import psutil

from e2e.harness import ROOT, wait_for

STORE_BYTES = 80_000_000
"""The least that Ray takes for its object store."""


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """A head without processors, on which the watching machine's part runs, and nodes with one each."""

    def __init__(self) -> None:
        # Sockets lie below it, whose paths may be 107 bytes long: pytest's own folders are too deep.
        self.folder = Path(tempfile.mkdtemp(prefix="dray-"))
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        # Nobody else of this network runs programs here meanwhile, and what lies in the user's home plays no part.
        self.env = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        self.nodes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            self.kill(node)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_head(self, **env: str) -> subprocess.Popen[bytes]:
        """The head, at the same port each time; Ray starts none beside living nodes of one with the same folder."""
        head = self._start(
            *("--head", f"--port={self.port}", "--num-cpus=0", f"--temp-dir={self.folder}/{len(self.nodes)}"),
            "--include-dashboard=false",
            **env,
        )
        wait_for(self._answers, "the head of the cluster")
        return head

    def start_node(self, **env: str) -> subprocess.Popen[bytes]:
        """A node with one processor, once it has joined: two that start at once take each other's ports."""
        log = self.folder / f"node-{len(self.nodes)}.log"
        node = self._start(f"--address={self.address}", "--num-cpus=1", **env)
        wait_for(lambda: b"Ray runtime started" in log.read_bytes(), "a node of the cluster")
        return node

    def _start(self, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"node-{len(self.nodes)}.log").open("wb")
        path = os.pathsep.join(filter(None, (str(ROOT / "daemon"), os.environ.get("PYTHONPATH"))))
        node = subprocess.Popen(
            [
                *(sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"),
                *("--node-ip-address=127.0.0.1", f"--object-store-memory={STORE_BYTES}"),
                *arguments,
            ],
            env=os.environ | {"PYTHONPATH": path, "RAY_TMPDIR": str(self.folder)} | self.env | env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.close()
        self.nodes.append(node)
        return node

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self, node: subprocess.Popen[bytes]) -> None:
        """All processes of a node at once, as if its machine lost power."""

        if node.poll() is not None:
            return
        parent = psutil.Process(node.pid)
        # The parent first stands still: what it started is then known, and it starts nothing more.
        parent.suspend()
        everyone = [*parent.children(recursive=True), parent]
        for each in everyone:
            try:
                each.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        node.wait()
        wait_for(lambda: not any(_lives(each) for each in everyone), "the end of a node")

    def log(self) -> str:
        """What the nodes said, for messages."""
        said = "".join(file.read_text(errors="replace") for file in sorted(self.folder.glob("node-*.log")))
        return re.sub(r"\x1b\[[0-9;]*m", "", said)[-2000:]


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
