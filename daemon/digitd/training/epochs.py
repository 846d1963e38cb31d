"""Where an epoch's images come from: augmented in other processes, ahead of the training."""

import multiprocessing
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
    with ProcessPoolExecutor(processes, mp_context=context) as pool:

        def begun(epoch: int) -> list[Future[Epoch]]:
            return [pool.submit(_chunk, *part) for part in _tasks(images, labels, seed, epoch)]

        following = begun(0)
        for epoch in range(epochs):
            current = [future.result() for future in following]
            following = begun(epoch + 1) if epoch + 1 < epochs else []
            yield _joined(current)


def size(count: int) -> int:
    """How many images an epoch of `count` has, with those of no digit."""
    whole, rest = divmod(count, CHUNK)
    return count + whole * rejects_for(CHUNK) + rejects_for(rest)


def _tasks(images: Images, labels: Labels, seed: int, epoch: int) -> Iterator[tuple[Images, Labels, list[int]]]:
    order = np.random.default_rng([seed, epoch]).permutation(len(images))
    for number, start in enumerate(range(0, len(order), CHUNK)):
        part = order[start : start + CHUNK]
        yield images[part], labels[part], [seed, epoch, number]


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
