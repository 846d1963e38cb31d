"""Whose turn it is where one thing can be done at a time: those that somebody waits for come first."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """A lock of one event loop; among equals, who came first."""

    def __init__(self) -> None:
        self._busy = False
        self._came = 0
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, *, urgent: bool) -> AsyncIterator[None]:
        """Wait for a turn, and have it while this is entered."""
        if self._busy:
            await self._wait(urgent)
        self._busy = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, urgent: bool) -> None:
        self._came += 1
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not urgent, self._came, mine))
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                # It was given the turn in the same moment.
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give the turn to the next one that still waits; it counts as busy until that one goes on."""
        while self._waiting:
            _, _, following = heapq.heappop(self._waiting)
            if not following.done():
                following.set_result(None)
                return
        self._busy = False
