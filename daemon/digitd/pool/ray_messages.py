"""What crosses between a pool on a cluster, the process that speaks with Ray for it, and the nodes. Pure."""

from collections.abc import Callable

from msgspec import Struct, msgpack

from digitd.pool.halving import Loss
from digitd.pool.messages import Finding, Job, Setup

LOCAL = "local"
"""The address of a cluster that is started here."""
PLACES = 4096
"""Jobs of a batch at most (batch.max_scans): a batch's number and a place in it fit into one shared number."""


class ClusterSetup(Struct, frozen=True):
    """What is needed to read on a cluster.

    ADDRESS as `workers.address`; COUNT workers at most (None: a node's processors); TIMEOUT in seconds and MEMORY in
    bytes as those of local workers; SHA256 of the bundle that results name; FOLDER for a cluster started here.
    """

    setup: Setup
    address: str
    count: int | None
    timeout: float
    memory: int
    sha256: str | None
    folder: str


class Order(Struct, frozen=True, array_like=True):
    """Read these; what comes of it is told under NUMBER."""

    number: int
    jobs: tuple[Job, ...]


class State(Struct, frozen=True, array_like=True, tag=True):
    """How many workers have loaded, of how many."""

    loaded: int
    wanted: int


class Refused(Struct, frozen=True, array_like=True, tag=True):
    """The cluster cannot be used, or not any more; REPLACED: because the bundle on the disk is another one now."""

    cause: str
    remedy: str
    replaced: bool = False


class NodeRefused(Struct, frozen=True, array_like=True, tag=True):
    """This node is left out."""

    node: str
    cause: str


class WorkerLost(Struct, frozen=True, array_like=True):
    """A worker on a node was lost, and replaced there."""

    pid: int
    loss: Loss
    scans: int
    node: str = ""


class Heard(Struct, frozen=True, array_like=True):
    """A library printed this on a node."""

    pid: int
    line: str


class OrderLost(Struct, frozen=True, array_like=True, tag=True):
    """The node that had this order is gone."""

    number: int
    node: str


class Answer(Struct, frozen=True, array_like=True, tag=True):
    """An order is read: one finding a job; and what else happened meanwhile on the node."""

    number: int
    findings: tuple[Finding, ...]
    seconds: float
    lost: tuple[WorkerLost, ...] = ()
    heard: tuple[Heard, ...] = ()


Word = State | Refused | NodeRefused | OrderLost | Answer
"""What the process that speaks with Ray says."""

encode = msgpack.Encoder().encode
decode_order = msgpack.Decoder(Order).decode
decode_answer = msgpack.Decoder(Answer).decode
decode_word: Callable[[bytes], Word] = msgpack.Decoder(Word).decode
