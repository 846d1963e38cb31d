"""Halving: whatever scan costs its worker, the others are read, and it alone is blamed."""

from collections import deque
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitd.pool.halving import TRIES_ALONE, Batch, Loss, after_loss, blame
from digitd.pool.messages import Identity, Job, Seen
from digitd.results import Status


def batch_of(count: int) -> Batch:
    """A batch of so many jobs."""
    jobs = tuple(Job(b"/in/%d" % place, f"{place}.png", "auto", None, 0.9, 0.5) for place in range(count))
    return Batch(7, jobs, tuple(range(count)))


def run(
    count: int, killers: set[int], told: Callable[[Batch], int | None] = lambda _: None
) -> tuple[list[int], list[int], int]:
    """What a pool does: the places that were read, those that were blamed, and how many attempts it took."""
    waiting = deque([batch_of(count)])
    read: list[int] = []
    blamed: list[int] = []
    attempts = 0
    while waiting:
        batch = waiting.popleft()
        attempts += 1
        assert batch.key == 7
        assert [job.name for job in batch.jobs] == [f"{place}.png" for place in batch.places]
        if not killers & set(batch.places):
            read += batch.places
        elif smaller := after_loss(batch, told(batch)):
            waiting.extendleft(reversed(smaller))
        else:
            blamed += batch.places
    return read, blamed, attempts


@given(st.integers(1, 300).flatmap(lambda count: st.tuples(st.just(count), st.sets(st.integers(0, count - 1)))))
def test_the_killers_alone_are_blamed_and_all_others_read(case: tuple[int, set[int]]) -> None:
    """Each scan has one finding, in the order of the batch; the attempts are bounded."""
    count, killers = case
    read, blamed, attempts = run(count, killers)
    assert read == [place for place in range(count) if place not in killers]
    assert blamed == sorted(killers)
    assert attempts <= 1 + len(killers) * (2 * count.bit_length() + TRIES_ALONE)


def test_one_killer_among_many_costs_few_workers() -> None:
    """The workers lost to one bad scan among 64 are those of the halvings, and one more for its second try."""
    read, blamed, attempts = run(64, {37})
    lost = attempts - 6
    assert (len(read), blamed) == (63, [37])
    assert lost == 6 + TRIES_ALONE


@given(
    st.integers(1, 300).flatmap(lambda count: st.tuples(st.just(count), st.sets(st.integers(0, count - 1)))),
    st.randoms(use_true_random=False),
)
def test_who_is_suspected_changes_no_finding(case: tuple[int, set[int]], random: Random) -> None:
    """Whatever is said of where the worker was, be it wrong or out of range, the killers alone are blamed."""
    count, killers = case
    suspects = [None, *range(-1, count + 2)]
    read, blamed, attempts = run(count, killers, lambda _: random.choice(suspects))
    assert read == [place for place in range(count) if place not in killers]
    assert blamed == sorted(killers)
    # Each loss divides a batch, so that there are at most 2 * count of them in all, each scan alone tried twice.
    assert attempts <= 3 * count


@given(st.integers(2, 300).flatmap(lambda count: st.tuples(st.just(count), st.sets(st.integers(0, count - 1)))))
def test_a_suspect_that_is_the_culprit_costs_three_workers(case: tuple[int, set[int]]) -> None:
    """One with its batch and two alone, however large the batch is."""
    count, killers = case

    def told(batch: Batch) -> int:
        return next(index for index, place in enumerate(batch.places) if place in killers)

    read, blamed, attempts = run(count, killers, told)
    assert (len(read), blamed) == (count - len(killers), sorted(killers))
    assert attempts <= 1 + len(killers) * (1 + TRIES_ALONE + 1)


def test_a_scan_alone_is_tried_once_more() -> None:
    """Its worker may have been killed from outside."""
    (again,) = after_loss(batch_of(1))
    assert again.jobs == batch_of(1).jobs
    assert after_loss(again) == ()


@pytest.mark.parametrize(
    ("loss", "code", "remedy"),
    [
        (Loss.DIED, "worker_died", "PNG"),
        (Loss.TIMEOUT, "worker_timeout", "workers.timeout"),
        (Loss.MEMORY, "worker_memory", "workers.memory"),
    ],
)
def test_the_blamed_scan_fails_with_a_reason(loss: Loss, code: str, remedy: str) -> None:
    """The sentence names the file, the cause and the remedy."""
    (job,) = batch_of(1).jobs
    identity = Identity(1, 2, 3)
    finding = blame(job, loss, identity, "ab")
    assert (finding.seen, finding.identity, finding.sha256) == (Seen.READ, identity, "ab")
    assert finding.outcome is not None
    assert finding.outcome.status is Status.FAILED
    assert finding.outcome.reason is not None
    assert finding.outcome.reason.code == code
    assert finding.outcome.reason.message.startswith("0.png: ")
    assert remedy in finding.outcome.reason.message
