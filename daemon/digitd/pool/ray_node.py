"""What runs on a node of the cluster. Sent there as code: a node whose digitd is another one can so be named.

Nothing of digitd is imported before it is known which one the node has.
"""

import os
import queue
import sys
import tempfile
import threading
import traceback
from concurrent.futures import Future
from pathlib import Path
from typing import Any

LIBRARIES = ("numpy", "opencv-python-headless", "ai-edge-litert", "pypdfium2", "msgspec")
"""What a reading depends on: two versions of one may read two things in the same scan."""


def versions() -> dict[str, str]:
    """What is installed here: digitd and the libraries that read."""
    import importlib.metadata

    found = {}
    try:
        import digitd

        found["digitd"] = digitd.__version__
    except ImportError:
        found["digitd"] = "none"
    for library in LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            found[library] = "none"
    return found


class Node:
    """All workers of one node: processes of a local pool, in their box, that load the bundle once each."""

    def __init__(self, wanted: dict[str, str]) -> None:
        """WANTED as `versions` has it on the machine that watches."""
        here = versions()
        self._mismatch = ", ".join(
            f"{name} {here.get(name)} is installed there, and {version} here"
            for name, version in wanted.items()
            if here.get(name) != version
        )
        self._orders: queue.SimpleQueue[tuple[bytes, Future[bytes]]] = queue.SimpleQueue()
        self._sleep_end, self._wake_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._loaded: Future[str] = Future()

    def load(self, cluster: bytes, files: dict[str, bytes], count: int) -> str:
        """Start COUNT workers with the bundle whose FILES these are; why that cannot be, or nothing."""
        if self._mismatch:
            return self._mismatch
        # A worker would run Ray's own program before it begins, for that is the main one of this process.
        vars(sys.modules["__main__"]).pop("__file__", None)
        threading.Thread(target=self._serve, args=(cluster, files, count), daemon=True).start()
        return self._loaded.result()

    def read(self, order: bytes) -> bytes:
        """Read these, as messages have it."""
        future: Future[bytes] = Future()
        self._orders.put((order, future))
        try:
            os.write(self._wake_end, b"\0")
        except BlockingIOError:
            pass  # It is full of wakes.
        return future.result()

    def lives(self) -> None:
        """Answer, as long as this process gets on."""

    def _serve(self, cluster: bytes, files: dict[str, bytes], count: int) -> None:
        from digitd.errors import DigitdError

        try:
            with tempfile.TemporaryDirectory(prefix="digitd-bundle-") as folder:
                for name, data in files.items():
                    (Path(folder) / name).write_bytes(data)
                self._read_on(cluster, folder, count)
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits for this node is to hear of it
            if not self._loaded.done():
                self._loaded.set_result(error.cause if isinstance(error, DigitdError) else str(error))
                return
            # Nobody reads here any more. Who waits for an answer hears that the node is lost, and tries elsewhere.
            traceback.print_exc()
            os._exit(1)

    def _read_on(self, cluster: bytes, folder: str, count: int) -> None:
        """Read what is ordered, for ever. An exception where that is not possible any more."""
        import msgspec

        from digitd.pool.local import LocalPool
        from digitd.pool.ray_messages import Answer, ClusterSetup, Heard, WorkerLost, decode_order, encode

        setup = msgspec.msgpack.decode(cluster, type=ClusterSetup)
        futures: dict[int, Future[bytes]] = {}
        lost: list[Any] = []
        heard: list[Any] = []
        pool = LocalPool(
            msgspec.structs.replace(setup.setup, bundle=folder),
            count,
            setup.timeout,
            setup.memory,
            on_output=lambda pid, line: heard.append(Heard(pid, line)),
            on_loss=lambda pid, loss, scans: lost.append(WorkerLost(pid, loss, scans)),
            sha256=setup.sha256,
        )
        try:
            pool.start()
            while True:
                for done in pool.poll(None, [self._sleep_end]):
                    answer = Answer(done.key, done.findings, done.seconds, tuple(lost), tuple(heard))
                    lost.clear()
                    heard.clear()
                    futures.pop(done.key).set_result(encode(answer))
                if pool.ready and not self._loaded.done():
                    self._loaded.set_result("")
                try:
                    os.read(self._sleep_end, 4096)
                except BlockingIOError:
                    pass
                while not self._orders.empty():
                    raw, future = self._orders.get()
                    order = decode_order(raw)
                    futures[order.number] = future
                    pool.submit(order.number, order.jobs)
        finally:
            pool.stop()
