"""Where an epoch's images come from: augmented in other processes, ahead of the training."""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import cv2
import numpy as np

from digitd.training.data import Images, Labels
from digitd.training.mix import mixed, rejects_for

CHUNK = 2_500
"""Images a task: half a second of work, so that all processes finish an epoch together."""
INLINE = 5_000
"""Up to this many images a process would take longer to start than to save."""

Epoch = tuple[Images, Labels]


def stream(images: Images, labels: Labels, epochs: int, seed: int, processes: int = 2) -> Iterator[Epoch]:
    """`epochs` times other images uint8 (N, 28, 28) and labels (N,), the next made while one is in use.

    The same seed gives the same images, whatever the number of processes.
    """
    if len(images) <= INLINE:
        for epoch in range(epochs):
            yield _joined([_chunk(*part) for part in _tasks(images, labels, seed, epoch)])
        return
    # spawn: TensorFlow's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_end_with_parent) as pool:

        def begun(epoch: int) -> list[Future[Epoch]]:
            return [pool.submit(_chunk, *part) for part in _tasks(images, labels, seed, epoch)]

        following = begun(0)
        for epoch in range(epochs):
            current = [future.result() for future in following]
            following = begun(epoch + 1) if epoch + 1 < epochs else []
            yield _joined(current)


def _end_with_parent() -> None:
    """Do not outlive a training that was killed: it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        raise RuntimeError("This is for a process of the pool")

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def size(count: int) -> int:
    """How many images an epoch of `count` has, with those of no digit."""
    small, larger = divmod(count, _chunks(count))
    return count + (_chunks(count) - larger) * rejects_for(small) + larger * rejects_for(small + 1)


def _tasks(images: Images, labels: Labels, seed: int, epoch: int) -> Iterator[tuple[Images, Labels, list[int]]]:
    order = np.random.default_rng([seed, epoch]).permutation(len(images))
    for number, part in enumerate(np.array_split(order, _chunks(len(order)))):
        yield images[part], labels[part], [seed, epoch, number]


def _chunks(count: int) -> int:
    return max(1, -(-count // CHUNK))


def _chunk(images: Images, labels: Labels, seed: list[int]) -> Epoch:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # images of 28 px are slower on several
    try:
        return mixed(images, labels, np.random.default_rng(seed))
    finally:
        cv2.setNumThreads(threads)


def _joined(parts: list[Epoch]) -> Epoch:
    images, labels = zip(*parts, strict=True)
    return np.concatenate(images), np.concatenate(labels)
