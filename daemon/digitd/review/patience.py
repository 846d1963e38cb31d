"""HTTP with bounded patience: who sends half a request, or does not read the answer, holds no connection for long."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

PATIENCE_SECONDS = 20.0
"""Between two looks; what stands still at both ends. A page of ours sends at once, also through a slow tunnel."""


class PatientHttp(H11Protocol):
    """The server's protocol, which by itself ends only connections that are idle between two requests.

    One program that opens connections and says nothing, or one byte now and then, could hold all that there are.
    """

    _seen: tuple[RequestResponseCycle | None, int] | None = None
    _look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no longer."""
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def _watch(self) -> None:
        seen = (self.cycle, self.transport.get_write_buffer_size()) if self._is_their_turn() else None
        if seen is not None and seen == self._seen:
            self.transport.abort()
            return
        self._seen = seen
        self._look = self.loop.call_later(PATIENCE_SECONDS, self._watch)

    def _is_their_turn(self) -> bool:
        """Whether a request has begun and not ended (a new connection counts), or an answer waits to be read."""
        # The library's type has no None, but that is what it is before the first request.
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.more_body or self.flow.write_paused:
            return True
        return cycle.response_complete and bool(self.conn.trailing_data[0])
