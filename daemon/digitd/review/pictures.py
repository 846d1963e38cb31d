"""Pictures of scans for the page: made by a process of its own, one at a time, and the last ones kept."""

import asyncio
import os
import sys
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

from digitd import log, names
from digitd.errors import sentence
from digitd.review.orders import ANSWER_MOST, HEAD, Answer, Bounds, Order, Picture, Ready, Unpainted, answer_of, framed
from digitd.review.turns import Turns
from digitd.settings import Settings

KEPT_BYTES = 12 << 20
"""Pictures that are kept: those of some hundred items, and no more than the process may well hold."""
PICTURE_SECONDS = 10.0
"""A person waits no longer for a picture, and the others behind it wait as long; `workers.timeout`, if that is less."""
LETHAL_MOST = 1000
"""Pages that are remembered for having killed the painter."""
MEMORY_CHECK_SECONDS = 0.25
START_SECONDS = 60.0
LINE_MOST = 64 << 10
MEDIA = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
"""What a picture may be, and how it then begins: a painter that was taken over by a scan could answer anything."""


TRIES = 2
"""The painter may have been killed from outside: a scan is blamed that it was lost with twice."""
LETHAL = Unpainted("painter", "no picture could be made of the scan", "Open its file with another program")


class PictureError(Exception):
    """There is no picture of a scan: a reason's code, the cause, and what helps."""

    def __init__(self, reason: str, cause: str, remedy: str) -> None:
        super().__init__(sentence(cause, remedy))
        self.reason = reason


class Pictures:
    """One for a process; of one event loop. A painter that dies, hangs or grows is replaced with the next order."""

    def __init__(self, settings: Settings) -> None:
        self._bounds = Bounds(settings.limits.bytes, settings.limits.pixels, settings.limits.pages)
        self._timeout = min(settings.workers.timeout, PICTURE_SECONDS)
        self._memory = settings.workers.memory
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._turns = Turns()
        self._kept: OrderedDict[tuple[str, int, str], Picture] = OrderedDict()
        self._size = 0
        self._lethal: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._unboxed_said = False

    @property
    def pid(self) -> int | None:
        """The painter's process, while there is one."""
        return None if self._process is None else self._process.pid

    async def get(self, key: str, path: Path, size: int, page: int, view: str, *, urgent: bool) -> Picture:
        """A picture of a page (from 1) of the item KEY, whose file of SIZE bytes lies at PATH. PictureError.

        URGENT ones, which somebody waits for, come before others.
        """
        if (kept := self.kept(key, page, view)) is not None:
            return kept
        async with self._turns.turn(urgent=urgent):
            # Somebody else may have waited for the same one.
            if (kept := self.kept(key, page, view)) is not None:
                return kept
            lethal = (key, page) in self._lethal
            answer = LETHAL if lethal else await self._ask(Order(os.fsencode(path), size, page, view))
        if answer is LETHAL:
            self._remember(key, page)
        if isinstance(answer, Unpainted):
            raise PictureError(answer.code, answer.cause, answer.remedy)
        self._keep((key, page, view), answer)
        return answer

    def kept(self, key: str, page: int, view: str) -> Picture | None:
        """One that was made before, if it is there still."""
        found = self._kept.get((key, page, view))
        if found is not None:
            self._kept.move_to_end((key, page, view))
        return found

    def _keep(self, name: tuple[str, int, str], picture: Picture) -> None:
        if len(picture.data) > KEPT_BYTES // 4:
            return
        self._kept[name] = picture
        self._size += len(picture.data)
        while self._size > KEPT_BYTES:
            _, dropped = self._kept.popitem(last=False)
            self._size -= len(dropped.data)

    def _remember(self, key: str, page: int) -> None:
        self._lethal[key, page] = None
        if len(self._lethal) > LETHAL_MOST:
            self._lethal.popitem(last=False)

    async def start(self) -> None:
        """Have a painter ready before the first order. PictureError where none can be started."""
        async with self._turns.turn(urgent=True):
            await self._painter()

    async def close(self) -> None:
        """End the painter."""
        if self._process is not None:
            await self._end(self._process)

    async def _painter(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        # -P: no module is taken from the folder in which somebody happened to start it.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "digitd.review.painter"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE_MOST,
        )
        self._process = process
        self._listening = asyncio.create_task(_listen(process))
        answer = await self._exchange(process, framed(self._bounds), START_SECONDS)
        if not isinstance(answer, Ready):
            await self._end(process)
            raise PictureError("painter", "the process that makes pictures does not start", "Look into digitd's log")
        if answer.unboxed is not None and not self._unboxed_said:
            self._unboxed_said = True
            log.get().warning("library_message", worker=process.pid, message=answer.unboxed)
        return process

    async def _ask(self, order: Order) -> Picture | Unpainted:
        for _ in range(TRIES):
            process = await self._painter()
            answer = await self._exchange(process, framed(order), self._timeout)
            if isinstance(answer, Unpainted) or (isinstance(answer, Picture) and _is_picture(answer)):
                return answer
            await self._end(process)
        return LETHAL

    async def _exchange(self, process: asyncio.subprocess.Process, message: bytes, timeout: float) -> Answer | None:
        """What the painter answers within TIMEOUT seconds; None: nothing that could be used, and the log says why."""
        watching = asyncio.create_task(self._watch(process))
        try:
            async with asyncio.timeout(timeout):
                return await _exchanged(process, message)
        except TimeoutError:
            cause = "timeout"
        except (OSError, EOFError, msgspec.MsgspecError, UnicodeDecodeError):
            cause = "memory" if watching.done() else "died"
        except asyncio.CancelledError:
            # Its answer, when it comes, would be taken for that to the next order.
            process.kill()
            raise
        finally:
            watching.cancel()
        log.get().warning("painter_lost", worker=process.pid, cause=cause)
        return None

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Kill a painter that outgrows `workers.memory`; returns then."""
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            handle = psutil.Process(process.pid)
            while handle.memory_info().rss <= self._memory:
                await asyncio.sleep(MEMORY_CHECK_SECONDS)
            process.kill()

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if self._listening is not None:
            await self._listening
        if self._process is process:
            self._process = None


async def _exchanged(process: asyncio.subprocess.Process, message: bytes) -> Answer:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(message)
    await process.stdin.drain()
    length = int.from_bytes(await process.stdout.readexactly(HEAD), "big")
    if length > ANSWER_MOST:
        raise EOFError("an answer that no picture could need")
    return answer_of(await process.stdout.readexactly(length))


def _is_picture(answer: Picture) -> bool:
    return answer.media in MEDIA and answer.data.startswith(MEDIA[answer.media])


async def _listen(process: asyncio.subprocess.Process) -> None:
    """What libraries print becomes events, until the painter has ended."""
    assert process.stderr is not None
    while line := await _line(process.stderr):
        if said := line.decode("utf-8", "backslashreplace").strip():
            log.get().debug("library_message", worker=process.pid, message=names.printable(said))


async def _line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError:
        # Longer than any line of a library: the stream has dropped it.
        return b"...\n"
