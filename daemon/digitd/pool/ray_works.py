"""An order as it is read on a node: its scans leave in parcels of a bounded size, and the findings come together."""

from collections.abc import Callable, Iterator

import msgspec

from digitd.pool.messages import Finding, Job
from digitd.pool.ray_messages import Answer, Order
from digitd.pool.worker import look

PARCEL_BYTES = 16 << 20
"""Of scans in one message: a node holds as many as it has orders."""
Parcel = list[tuple[int, Job]]
"""Jobs with their bytes, and the place of each in its order."""


class Work:
    """One order, until all of it is read."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self._findings: list[Finding | None] = [None] * len(order.jobs)
        self._on_their_way = 0
        self._packed = False
        self._seconds = 0.0

    def parcels(self, limit_bytes: int, at: Callable[[int], None]) -> Iterator[Parcel]:
        """Read its files here, of LIMIT_BYTES at most; AT is told each place before. What cannot be read is found."""
        parcel: Parcel = []
        size = 0
        for place, job in enumerate(self.order.jobs):
            at(place)
            found = look(job, limit_bytes)
            if isinstance(found, Finding):
                self._findings[place] = found
                continue
            data, identity = found
            if parcel and size + len(data) > PARCEL_BYTES:
                self._on_their_way += 1
                yield parcel
                parcel, size = [], 0
            parcel.append((place, msgspec.structs.replace(job, data=data, identity=identity)))
            size += len(data)
        if parcel:
            self._on_their_way += 1
            yield parcel
        self._packed = True

    def take_in(self, places: tuple[int, ...], answer: Answer) -> None:
        """A parcel is read."""
        for place, finding in zip(places, answer.findings, strict=True):
            self._findings[place] = finding
        self._on_their_way -= 1
        self._seconds += answer.seconds

    @property
    def answer(self) -> Answer | None:
        """What to answer, once all of it is read."""
        if not self._packed or self._on_their_way:
            return None
        return Answer(self.order.number, tuple(each for each in self._findings if each is not None), self._seconds)
