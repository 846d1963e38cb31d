"""Pictures for the page: made anew by a boxed process of its own, bounded, and replaced when it is lost."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest
from structlog.testing import capture_logs

from digitd.imaging import rendered
from digitd.imaging.rendered import View
from digitd.review import painter
from digitd.review import pictures as room
from digitd.review.orders import Bounds, Order, Picture, Unpainted
from digitd.review.pictures import PictureError, Pictures
from digitd.review.turns import Turns
from digitd.settings import LimitsOfAScan, Settings, Workers
from e2e import scans

BOUNDS = Bounds(10**7, 10**7, 10)
SCRIPT = b"<script>alert(1)</script>"


def order(path: Path, page: int = 1, view: str = "page") -> Order:
    return Order(os.fsencode(path), path.stat().st_size, page, view)


def decoded(picture: Picture | Unpainted) -> Any:
    assert isinstance(picture, Picture)
    return cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_UNCHANGED)


def polyglot(kind: str) -> bytes:
    """A scan with a page of script hidden in it, where decoders do not look."""
    body = scans.scan(7, kind)
    if kind == ".png":
        end = body.rindex(b"IEND") - 4
        return body[:end] + scans.chunk(b"tEXt", b"Comment\0" + SCRIPT) + body[end:] + SCRIPT
    return body[:2] + b"\xff\xfe" + (len(SCRIPT) + 2).to_bytes(2, "big") + SCRIPT + body[2:] + SCRIPT


@pytest.mark.parametrize("kind", [".png", ".jpg"])
def test_no_byte_of_the_file_is_served(tmp_path: Path, kind: str) -> None:
    """What is hidden in a scan, behind it or in a comment of it, is in no picture of it; what is to be seen is."""
    file = tmp_path / f"scan{kind}"
    file.write_bytes(polyglot(kind))
    for view in View:
        picture = painter.painted(order(file, view=view), BOUNDS)
        assert isinstance(picture, Picture) and b"script" not in picture.data
        assert picture.media in {"image/png", "image/jpeg"}
    assert np.abs(decoded(painter.painted(order(file), BOUNDS)).astype(int) - scans.page("7")).mean() < 3


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "not_an_image"),
        (b"<html><script>alert(1)</script>", "not_an_image"),
        (b"", "empty"),
        (scans.scan(7)[:-200], "truncated"),
        (scans.scan(7) + bytes(10**7), "too_many_bytes"),
        (scans.encode(np.full((4000, 4000), 255, np.uint8)), "too_many_pixels"),
    ],
    ids=["svg", "html", "empty", "cut short", "too many bytes", "too many pixels"],
)
def test_what_is_no_picture_or_too_large_is_refused(tmp_path: Path, data: bytes, code: str) -> None:
    """By content and by size, before a pixel is decoded, with the reason that a result would have."""
    file = tmp_path / "scan.png"
    file.write_bytes(data)
    answer = painter.painted(order(file), BOUNDS)
    assert isinstance(answer, Unpainted) and answer.code == code


def test_pages_that_are_not_there_have_no_picture(tmp_path: Path) -> None:
    """Of a scan of three, each of the three has one."""
    file = tmp_path / "scan.tif"
    file.write_bytes(scans.tiff([scans.page("1"), scans.page("2468"), scans.page("3")]))
    widths = [decoded(painter.painted(order(file, page), BOUNDS)).shape[1] for page in (1, 2, 3)]
    assert widths[0] == widths[2] < widths[1]
    answer = painter.painted(order(file, 4), BOUNDS)
    assert isinstance(answer, Unpainted) and answer.code == "no_page"


def test_only_the_file_that_is_meant_is_opened(tmp_path: Path) -> None:
    """No link, no folder, no FIFO (which would wait for ever), nothing of another size, nothing that has gone."""
    file, link, fifo = tmp_path / "scan.png", tmp_path / "link.png", tmp_path / "fifo.png"
    file.write_bytes(scans.scan(7))
    link.symlink_to(file)
    os.mkfifo(fifo)
    size = file.stat().st_size
    for path, expected in ((link, size), (tmp_path, size), (fifo, 0), (file, size + 1), (tmp_path / "none", size)):
        answer = painter.painted(Order(os.fsencode(path), expected, 1, "page"), BOUNDS)
        assert isinstance(answer, Unpainted) and answer.code == "gone", path


def test_pictures_are_bounded(tmp_path: Path) -> None:
    """However large a page is, each view of it has so many pixels at most, and its shape."""
    page = np.full((1000, 9000), 255, np.uint8)
    cv2.putText(page, "7", (4000, 800), cv2.FONT_HERSHEY_SIMPLEX, 20, 0, 60)
    file = tmp_path / "scan.png"
    file.write_bytes(scans.encode(page))
    for view in View:
        height, width = decoded(painter.painted(order(file, view=view), BOUNDS)).shape[:2]
        assert width == rendered.LONGEST.get(view, rendered.LONGEST_STAGE), view
        assert abs(width / height - 9) < 0.2


def test_a_stage_shows_what_is_read() -> None:
    """Dark on white paper, whatever the scan is; and a page in MNIST's form is shown as it is."""
    gray = np.clip(scans.page("47").astype(int) // 2 + 40, 0, 255).astype(np.uint8)
    _, data = rendered.rendered(gray, View.INK)
    ink = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert ink is not None and ink.max() == 255 and (ink == 255).mean() > 0.7 and ink.min() < 30
    _, data = rendered.rendered(scans.ink(4), View.FLATTENED)
    assert (decoded(Picture("image/png", data)) == scans.ink(4)).all()


@asynccontextmanager
async def pictures(**limits: Any) -> AsyncIterator[Pictures]:
    """With a painter of its own."""
    chosen = Settings(limits=LimitsOfAScan(), workers=Workers(**limits))
    it = Pictures(chosen)
    await it.start()
    try:
        yield it
    finally:
        await it.close()


def lived(work: Callable[[Pictures], Coroutine[Any, Any, None]], **limits: Any) -> list[Any]:
    """The log of some work with pictures; no process is left of it."""

    async def all_of_it() -> None:
        async with pictures(**limits) as it:
            await work(it)
            pid = it.pid
        assert pid is None or not psutil.pid_exists(pid)

    with capture_logs() as log:
        asyncio.run(all_of_it())
    return [event for event in log if event["event"] != "library_message"]


async def got(it: Pictures, file: Path, page: int = 1, view: str = "page", key: str = "1-a") -> Picture:
    return await it.get(key, file, file.stat().st_size, page, view, urgent=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A scan."""
    path = tmp_path / "scan.png"
    path.write_bytes(scans.scan(7))
    return path


def test_one_process_makes_them_and_it_is_in_its_box(file: Path) -> None:
    """It is another one than ours, it may make no file, and what it made is kept."""

    async def work(it: Pictures) -> None:
        first = await got(it, file)
        assert it.pid is not None and it.pid != os.getpid()
        status = Path(f"/proc/{it.pid}/status").read_text(encoding="ascii")
        assert "NoNewPrivs:\t1" in status
        file.unlink()
        assert it.kept("1-a", 1, "page") is first

    assert lived(work) == []


def test_a_painter_that_is_killed_is_replaced(file: Path) -> None:
    """Whoever waits for a picture does not notice; the log says so."""

    async def work(it: Pictures) -> None:
        before = it.pid
        assert before is not None
        psutil.Process(before).kill()
        await got(it, file)
        assert it.pid not in {None, before}

    (event,) = lived(work)
    assert (event["event"], event["log_level"], event["cause"]) == ("painter_lost", "warning", "died")


def test_a_painter_that_hangs_is_replaced(file: Path) -> None:
    """After `workers.timeout` seconds."""

    async def work(it: Pictures) -> None:
        assert it.pid is not None
        psutil.Process(it.pid).suspend()
        await got(it, file)

    assert [event["cause"] for event in lived(work, timeout=0.5)] == ["timeout"]


def test_a_scan_that_kills_the_painter_does_so_twice_and_never_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it has no picture, whichever is asked for, without another try; other scans have theirs."""

    async def work(it: Pictures) -> None:
        tries = []
        exchange = it._exchange

        async def deadly(process: Any, message: bytes, timeout: float) -> Any:
            if b"scan.png" in message:
                tries.append(process.pid)
                process.kill()
            return await exchange(process, message, timeout)

        monkeypatch.setattr(it, "_exchange", deadly)
        for view in ("page", "full", "page"):
            with pytest.raises(PictureError, match="another program"):
                await got(it, file, view=view)
        assert len(set(tries)) == len(tries) == 2
        await got(it, file.rename(file.with_name("other.png")), key="2-b")

    assert [event["cause"] for event in lived(work)] == ["died", "died"]


def test_a_painter_that_grows_is_replaced(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond `workers.memory`; with as little as here it cannot even begin."""
    # On a busy machine it has next to nothing yet at the first look, and is there before the second one.
    monkeypatch.setattr(room, "MEMORY_CHECK_SECONDS", 0.001)

    async def work() -> None:
        it = Pictures(Settings(workers=Workers(memory=10**6)))
        with pytest.raises(PictureError, match="does not start"):
            await it.start()
        assert it.pid is None

    with capture_logs() as log:
        asyncio.run(work())
    assert [event["cause"] for event in log if event["event"] == "painter_lost"] == ["memory"]


def test_the_painter_ends_with_who_started_it(file: Path) -> None:
    """Its orders come through a pipe: when nobody can write there any more, it ends."""

    async def work() -> int:
        it = Pictures(Settings())
        await it.start()
        assert it._process is not None and it._process.stdin is not None
        it._process.stdin.close()
        code = await it._process.wait()
        await it.close()
        return code

    assert asyncio.run(work()) == 0


def test_what_a_painter_says_that_is_no_picture_is_not_passed_on(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that a scan has taken over could answer anything, for instance a page with a script."""

    async def work(it: Pictures) -> None:
        async def taken(*_: object) -> Picture:
            return Picture("text/html", SCRIPT)

        monkeypatch.setattr(it, "_exchange", taken)
        with pytest.raises(PictureError):
            await got(it, file)
        assert it.pid is None

    lived(work)


def test_few_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than so many bytes, the last used of them."""
    monkeypatch.setattr("digitd.review.pictures.KEPT_BYTES", 6000)
    files = [tmp_path / f"{number}.png" for number in range(10)]
    for number, each in enumerate(files):
        each.write_bytes(scans.scan(number))

    async def work(it: Pictures) -> None:
        for number, each in enumerate(files):
            await got(it, each, view="thumb", key=str(number))
            it.kept("0", 1, "thumb")
        assert it._size <= 6000 and it.kept("0", 1, "thumb") is not None and it.kept("1", 1, "thumb") is None
        assert it._size == sum(len(each.data) for each in it._kept.values())

    lived(work)


def test_who_waits_comes_first() -> None:
    """Pictures that somebody has before them come before thumbnails, and those in the order in which they came."""
    done: list[str] = []

    async def one(turns: Turns, name: str, urgent: bool) -> None:
        async with turns.turn(urgent=urgent):
            done.append(name)
            await asyncio.sleep(0)

    async def work() -> None:
        turns = Turns()
        names = [("a", False), ("b", False), ("C", True), ("d", False), ("E", True)]
        tasks = [asyncio.create_task(one(turns, *each)) for each in names]
        await asyncio.sleep(0)
        tasks[3].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await one(turns, "f", False)

    asyncio.run(work())
    assert done == ["a", "C", "E", "b", "f"]


def test_a_turn_that_came_too_late_is_passed_on() -> None:
    """Whoever gives up in the very moment in which it is given the turn holds up nobody."""

    async def work() -> None:
        turns = Turns()
        async with turns.turn(urgent=True):
            waiting = asyncio.create_task(turns.turn(urgent=True).__aenter__())
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        async with asyncio.timeout(10), turns.turn(urgent=False):
            pass

    asyncio.run(work())


def test_nothing_else_is_left_of_a_painter(file: Path) -> None:
    """Neither a child nor a file that is open."""
    children, before = set(psutil.Process().children()), psutil.Process().num_fds()

    async def work(it: Pictures) -> None:
        await got(it, file)

    lived(work)
    # Those of other tests may end meanwhile, and none may come.
    assert set(psutil.Process().children()) <= children
    assert psutil.Process().num_fds() <= before
