"""What crosses between the daemon and a worker: jobs one way, findings the other. Pure."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct, msgpack

from digitd.results import Outcome

NOWHERE = -1
"""What a worker says of its place in a batch while it is at no single job."""


class Setup(Struct, frozen=True):
    """What a worker needs to begin: the bundle's folder, the engine's name, and what one scan may cost."""

    bundle: str
    engine: str
    limit_bytes: int
    limit_pixels: int
    limit_pages: int
    limit_marks: int


class Job(Struct, frozen=True, array_like=True):
    """One scan to read: PATH is absolute (os.fsencode'd), NAME is for messages, the rest is how to read it.

    On another machine DATA are its bytes, which the watching one has read there, and IDENTITY says which those are.
    """

    path: bytes
    name: str
    layout: str
    digits: int | None
    accept: float
    margin: float
    data: bytes | None = None
    identity: "Identity | None" = None


class Seen(StrEnum):
    """What a worker found where the scan should be."""

    READ = "read"
    GONE = "gone"
    CHANGING = "changing"
    BUSY = "busy"


class Identity(Struct, frozen=True, array_like=True):
    """Which bytes were read: a name is used again, so it is no identity alone."""

    inode: int
    # What SQLite can keep; the others are folded to that.
    size: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    mtime_ns: int


class Finding(Struct, frozen=True, array_like=True):
    """What became of one job. The outcome, identity and sha256 (None: unreadable) belong to READ alone.

    HOLLOW: the bytes end in so many zeros that a writer may only have reserved their place.
    """

    seen: Seen
    outcome: Outcome | None = None
    identity: Identity | None = None
    sha256: str | None = None
    hollow: bool = False


class Hello(Struct, frozen=True, array_like=True, tag=True):
    """A worker has loaded the bundle that has this sha256, and is in its box; UNBOXED: what that does not keep in."""

    bundle: str
    unboxed: str | None = None


class Refusal(Struct, frozen=True, array_like=True, tag=True):
    """A worker could not load its bundle."""

    cause: str
    remedy: str


class Findings(Struct, frozen=True, array_like=True, tag=True):
    """The batch is read; one finding a job, in its order."""

    findings: tuple[Finding, ...]
    seconds: float


encode = msgpack.Encoder().encode
decode_jobs = msgpack.Decoder(tuple[Job, ...]).decode
decode_answer = msgpack.Decoder(Hello | Refusal | Findings).decode
