"""A Ray cluster as the process beside the daemon joins it, and which nodes it has."""

import os
import re
import socket
from dataclasses import dataclass
from typing import Any

import ray

from digitd.pool.ray_messages import LOCAL

CONNECT_SECONDS = 5.0
STORE_BYTES = 256 << 20
"""Of the object store of a cluster that is started here."""
AUTO = "auto"
_VERSIONS = re.compile(r"Ray: (\S+)\s+Python: (\S+)")


class AwayError(Exception):
    """The cluster does not answer."""


@dataclass(frozen=True)
class Member:
    """A node that lives: what it is called, and how many processors it has for others."""

    name: str
    processors: int


class Cluster:
    """The cluster that this process is a part of, once it has joined."""

    def __init__(self, address: str, count: int | None, folder: str) -> None:
        """ADDRESS as `workers.address`; COUNT processors in FOLDER, where one is started here."""
        self._address, self._count, self._folder = address, count, folder
        self._head = ""

    def join(self) -> None:
        """Join it, or start one. AwayError says why that cannot be."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": None}
        if self._address == LOCAL:
            options |= {
                "num_cpus": self._count,
                "include_dashboard": False,
                "object_store_memory": STORE_BYTES,
                "_node_ip_address": "127.0.0.1",
                "_temp_dir": self._folder,
            }
        else:
            options["address"] = self._address
            if self._address != AUTO:
                self._reach(self._address)
        try:
            ray.init(**options)
        except Exception as error:
            raise AwayError(f"the cluster {self._address} cannot be joined ({line(error)})") from error
        self._head = str(ray.get_runtime_context().gcs_address)

    def members(self) -> dict[str, Member]:
        """The nodes that live, by Ray's name for each. AwayError where the head does not answer, or forgot us."""
        self._reach(self._head)
        try:
            listed = ray.nodes()
        except Exception as error:
            raise AwayError(f"the cluster {self._address} does not answer ({line(error)})") from error
        alive = {each["NodeID"]: each for each in listed if each["Alive"]}
        if ray.get_runtime_context().get_node_id() not in alive:
            raise AwayError(f"the cluster {self._address} no longer knows this machine")
        return {
            identity: Member(f"{each['NodeManagerHostname']} ({identity[:8]})", int(each["Resources"].get("CPU", 0)))
            for identity, each in alive.items()
        }

    def leave(self) -> None:
        """End what was started here. Ray's own end waits for a cluster that may be away: from another, just go."""
        if self._address == LOCAL:
            ray.shutdown()

    def _reach(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
        except OSError as error:
            raise AwayError(f"the cluster {self._address} does not answer ({error})") from error


def line(error: BaseException) -> str:
    """Ray's words are pages long: the first line that says something; of versions, both."""
    if len(found := _VERSIONS.findall(str(error))) == len(("theirs", "ours")):
        (ray_there, python_there), (ray_here, python_here) = found
        return f"it has Ray {ray_there} and Python {python_there}, and here are Ray {ray_here} and Python {python_here}"
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:200]
