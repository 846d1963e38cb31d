"""The process that speaks with Ray: a cluster that goes away may end it, and the daemon starts another.

It reads the scans' files here, on the machine that watches, and sends their bytes; nodes need no folder of it.
"""

import os
import signal
import sys
import time
from collections import deque
from ctypes import c_int64, c_uint64
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import msgspec
import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from digitd.pool import ray_node
from digitd.pool.messages import NOWHERE
from digitd.pool.ray_cluster import AwayError, Cluster, line
from digitd.pool.ray_messages import (
    PLACES,
    Answer,
    ClusterSetup,
    NodeRefused,
    Order,
    OrderLost,
    Refused,
    State,
    Word,
    decode_answer,
    decode_order,
    encode,
)
from digitd.pool.ray_works import Parcel, Work
from digitd.pool.worker import die_with_the_daemon
from digitd.recognition.bundle import Bundle

TURN_SECONDS = 0.5
LOOK_SECONDS = 1.0
"""So often it is seen which nodes there are, and whether the head answers."""
AHEAD = 2
"""Orders that a node has for each of its workers: one is read, one lies there ready, for the network takes its time."""
HUNG_SECONDS = 30.0
"""Without a sign of life of digitd's part on a node it is given up: Ray tells only of those that have ended."""
_LOADED, _LIVES = 0, -1
"""What is awaited of a node beside the parts of orders, which count from 1."""
_LIFE = "life"
"""Threads of its own for the sign of life: those that read may all be at it for long."""
_REMEDY = "Start the cluster (ray start), or correct workers.address; `ray status` tells how it is"


@dataclass
class _Node:
    name: str
    workers: int
    actor: Any
    loaded: bool = False
    asked: float | None = None  # when a sign of life was asked for that has not come yet, by the monotonic clock
    parts: dict[int, tuple[int, tuple[int, ...]]] = field(default_factory=dict)


def main(setup: ClusterSetup, channel: Connection, output: Connection, progress: c_uint64, place: c_int64) -> None:
    """Serve orders until the channel closes, or the cluster is away."""
    die_with_the_daemon()
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    output.close()
    driver = _Driver(setup, channel, progress, place)
    try:
        driver.connect()
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            # They go to a whole group: the daemon is who ends this. Ray has put its own in place.
            signal.signal(number, signal.SIG_IGN)
        while driver.turn():
            progress.value += 1
    except AwayError as error:
        driver.tell(Refused(str(error), _REMEDY))
    except (EOFError, BrokenPipeError):
        pass  # The daemon has let go of it.
    driver.leave()
    sys.stderr.flush()
    os._exit(0)


class _Driver:
    def __init__(self, setup: ClusterSetup, channel: Connection, progress: c_uint64, place: c_int64) -> None:
        self._setup, self._channel, self._progress, self._place = setup, channel, progress, place
        self._sleep_end, self._wake_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._cluster = Cluster(setup.address, setup.count, setup.folder)
        self._nodes: dict[str, _Node] = {}
        self._left_out: set[str] = set()
        self._waiting: deque[Order] = deque()
        self._works: dict[int, Work] = {}
        self._ended: deque[tuple[str, _Node, int, Any]] = deque()
        self._parts = 0
        self._look_at = 0.0
        self._state: State | None = None

    def tell(self, word: Word) -> None:
        """Tell the daemon's process."""
        self._channel.send_bytes(encode(word))

    def connect(self) -> None:
        """Join the cluster, or start one."""
        self._cluster.join()
        self._wanted = ray_node.versions()
        folder = Path(self._setup.setup.bundle)
        bundle = Bundle.load(folder)
        if self._setup.sha256 not in {None, bundle.sha256}:
            self.tell(
                Refused(
                    "the bundle on the disk is no longer the one that this digitd has loaded",
                    "Start digitd again: it then reads with the new one, and says so in its results",
                    replaced=True,
                )
            )
        names = ["bundle.json", *bundle.manifest.files]
        self._files = ray.put({name: (folder / name).read_bytes() for name in names})
        ray.cloudpickle.register_pickle_by_value(ray_node)
        self._kind = ray.remote(concurrency_groups={_LIFE: 1})(ray_node.Node)

    def leave(self) -> None:
        """Leave it."""
        self._cluster.leave()

    def turn(self) -> bool:
        """A turn of the loop."""
        self._look()
        for source in wait([self._channel, self._sleep_end], TURN_SECONDS):
            if source is self._channel:
                self._waiting.append(decode_order(self._channel.recv_bytes()))
            else:
                os.read(self._sleep_end, 4096)
        while self._ended:
            self._take_in(*self._ended.popleft())
        self._hand_out()
        return True

    def _look(self) -> None:
        """Whether the head answers, and which nodes there are."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_SECONDS
        members = self._cluster.members()
        for identity, node in [*self._nodes.items()]:
            if node.loaded:
                self._ask(identity, node)
        left = sys.maxsize if self._setup.count is None else self._setup.count
        left -= sum(node.workers for node in self._nodes.values())
        for identity, each in members.items():
            workers = min(left, each.processors)
            if workers > 0 and identity not in self._nodes and identity not in self._left_out:
                left -= workers
                self._begin(identity, each.name, workers)
        self._tell_state()

    def _ask(self, identity: str, node: _Node) -> None:
        """Whether its part of digitd lives."""
        now = time.monotonic()
        if node.asked is None:
            node.asked = now
            self._await(identity, _LIVES, node.actor.lives.options(concurrency_group=_LIFE).remote())
        elif now - node.asked >= HUNG_SECONDS:
            self._lose(identity, node)

    def _begin(self, identity: str, name: str, workers: int) -> None:
        actor = self._kind.options(
            num_cpus=0,
            max_concurrency=workers * AHEAD + 2,
            scheduling_strategy=NodeAffinitySchedulingStrategy(identity, soft=False),
        ).remote(self._wanted)
        self._nodes[identity] = _Node(name, workers, actor)
        self._await(identity, _LOADED, actor.load.remote(msgspec.msgpack.encode(self._setup), self._files, workers))

    def _await(self, identity: str, part: int, reference: Any) -> None:
        node = self._nodes[identity]

        def note(future: Any) -> None:
            # In one of Ray's threads: deque.append is atomic.
            self._ended.append((identity, node, part, future))
            try:
                os.write(self._wake_end, b"\0")
            except BlockingIOError:
                pass  # It is full of wakes.

        reference.future().add_done_callback(note)

    def _take_in(self, identity: str, node: _Node, part: int, future: Any) -> None:
        if self._nodes.get(identity) is not node:
            return  # Of an actor that was given up; the one that has its place now has nothing to do with it.
        if (error := future.exception()) is not None:
            if node.loaded:
                self._lose(identity, node)
            else:
                self._leave_out(identity, node, line(error))
        elif part == _LIVES:
            node.asked = None
        elif part != _LOADED:
            number, places = node.parts.pop(part)
            self._finish(number, places, decode_answer(future.result()), node.name)
        elif cause := future.result():
            self._leave_out(identity, node, cause)
        else:
            node.loaded = True
            self._tell_state()

    def _leave_out(self, identity: str, node: _Node, cause: str) -> None:
        del self._nodes[identity]
        self._left_out.add(identity)
        self.tell(NodeRefused(node.name, cause))
        ray.kill(node.actor)
        self._tell_state()
        if not self._nodes:
            raise AwayError(f"no node of the cluster {self._setup.address} can read: {node.name}: {cause}")

    def _lose(self, identity: str, node: _Node) -> None:
        """Its orders are tried elsewhere; a node that lives gets another actor at the next look."""
        del self._nodes[identity]
        for number in {number for number, _ in node.parts.values()}:
            if self._works.pop(number, None) is not None:
                self.tell(OrderLost(number, node.name))
        ray.kill(node.actor)
        self._tell_state()

    def _finish(self, number: int, places: tuple[int, ...], answer: Answer, name: str) -> None:
        work = self._works.get(number)
        if work is None:
            return  # Another part of it was lost with a node, and all of it is read again.
        work.take_in(places, answer)
        if answer.lost or answer.heard:
            lost = tuple(msgspec.structs.replace(each, node=name) for each in answer.lost)
            self.tell(Answer(0, (), 0.0, lost, answer.heard))
        self._end_if_whole(work)

    def _end_if_whole(self, work: Work) -> None:
        if (answer := work.answer) is not None:
            del self._works[answer.number]
            self.tell(answer)

    def _hand_out(self) -> None:
        """Each order to the node that has the least to do for its size, while one has room: so much is in flight."""
        while self._waiting:
            free = [node for node in self._nodes.items() if node[1].loaded and _load(node[1]) < AHEAD]
            if not free:
                return
            order = self._waiting.popleft()
            work = self._works[order.number] = Work(order)
            self._send(work, *min(free, key=lambda node: _load(node[1])))

    def _send(self, work: Work, identity: str, node: _Node) -> None:
        """Read the files of an order, and send their bytes."""

        def at(place: int) -> None:
            self._place.value = work.order.number * PLACES + place
            self._progress.value += 1

        for parcel in work.parcels(self._setup.setup.limit_bytes, at):
            self._send_part(work.order.number, parcel, identity, node)
        self._place.value = NOWHERE
        self._end_if_whole(work)

    def _send_part(self, number: int, parcel: Parcel, identity: str, node: _Node) -> None:
        self._parts += 1
        node.parts[self._parts] = (number, tuple(place for place, _ in parcel))
        raw = encode(Order(self._parts, tuple(job for _, job in parcel)))
        self._await(identity, self._parts, node.actor.read.remote(raw))

    def _tell_state(self) -> None:
        loaded = sum(node.workers for node in self._nodes.values() if node.loaded)
        state = State(loaded, sum(node.workers for node in self._nodes.values()))
        if state != self._state:
            self._state = state
            self.tell(state)


def _load(node: _Node) -> float:
    return len(node.parts) / node.workers
