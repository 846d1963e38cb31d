"""Large pages: converted by strips, within the memory that a worker has by default, and with nothing lost."""

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitd.errors import DamagedScanError
from digitd.imaging import colour, deep
from digitd.imaging.colour import to_gray
from digitd.imaging.gray import Gray

Reader = Callable[..., list[Gray]]

READ_A_LARGE_PNG = """
import struct, sys, zlib
import numpy as np
from digitd.imaging.decode import Limits, pages
side, bits, colours, samples = 10_000, *map(int, sys.argv[1:])
row = np.full((side, samples), 2**bits - 1, ">u2" if bits == 16 else "u1")
row[: side // 9, -1] = 0
row[side // 3 : side // 2, :1] = 0
packer = zlib.compressobj(1)
line = b"\\0" + row.tobytes()
packed = b"".join(packer.compress(line) for _ in range(side)) + packer.flush()
def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
header = struct.pack(">IIBBBBB", side, side, bits, colours, 0, 0, 0)
file = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
(page,) = pages(file, Limits(64_000_000, 100_000_000, 100))
assert page.shape == (side, side) and page.min() < page.max()
# Not getrusage: its peak is that of the process that started this one, where that was larger.
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak) * 1024)
"""


@pytest.mark.parametrize(("bits", "colours", "samples"), [(16, 2, 3), (8, 6, 4), (16, 6, 4)])
def test_the_largest_page_allowed_fits_a_worker(bits: int, colours: int, samples: int) -> None:
    """A page of limits.pixels (100 million), RGB or RGBA of 8 or 16 bits, needs less than workers.memory (1 GB)."""
    command = [sys.executable, "-c", READ_A_LARGE_PNG, *map(str, (bits, colours, samples))]
    done = subprocess.run(command, capture_output=True, check=True, timeout=300)
    assert int(done.stdout) < 1_000_000_000 - 64_000_000


@pytest.fixture(params=["gray 16", "colour 16", "alpha", "alpha 10", "gray alpha", "float", "yellow", "night"])
def image(request: pytest.FixtureRequest, draw: SimpleNamespace) -> NDArray[Any]:
    """A page of each kind that is converted otherwise."""
    page = draw.digit("3", 120)
    light = np.full_like(page, 255)
    corner = cv2.GaussianBlur(np.pad(light[20:, 20:], ((20, 0), (20, 0))), (0, 0), 3)
    images: dict[str, NDArray[Any]] = {
        "gray 16": page.astype(np.uint16) * 16,
        "colour 16": cv2.merge([page, light, light]).astype(np.uint16) * 257,
        "alpha": cv2.merge([page, light, page, corner]),
        "alpha 10": cv2.merge([page, page, page, corner]).astype(np.uint16) * 4,
        "gray alpha": np.dstack([page, corner]),
        "float": page.astype(np.float32) / 200,
        "yellow": cv2.merge([page, light, light]),
        "night": cv2.merge([255 - page, page // 9, page // 9]),
    }
    return images[str(request.param)]


def test_strips_leave_no_trace(monkeypatch: pytest.MonkeyPatch, image: NDArray[Any]) -> None:
    """However a page is divided, its gray is the same."""
    whole = to_gray(image)
    monkeypatch.setattr(colour, "STRIP", 7 * image.shape[1])
    assert np.array_equal(to_gray(image), whole)
    assert whole.std() > 5


def photo(channels: int, shift: int) -> NDArray[np.uint16]:
    """Smooth noise of 16 bits or fewer."""
    noise = np.random.default_rng(channels).integers(0, 65536, (60, 47, channels)).astype(np.uint16)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.5), np.uint16) // np.uint16(1 << shift)


FILTERS = {"none": 8, "sub": 16, "up": 32, "average": 64, "paeth": 128}


@pytest.mark.parametrize("kind", FILTERS)
@pytest.mark.parametrize(("channels", "shift"), [(3, 0), (4, 0), (4, 4)])
def test_a_deep_png_is_read_as_if_at_once(
    monkeypatch: pytest.MonkeyPatch, read: Reader, kind: str, channels: int, shift: int
) -> None:
    """By strips or at once, whatever filter its lines have: the same page."""
    data = cv2.imencode(".png", photo(channels, shift), [cv2.IMWRITE_PNG_FILTER, FILTERS[kind]])[1].tobytes()
    (whole,) = read(data)
    monkeypatch.setattr(deep, "MOST_AT_ONCE", 1000)
    monkeypatch.setattr(deep, "STRIP", 2500)
    assert deep.is_deep(data)
    assert np.array_equal(read(data)[0], whole)


def gray_alpha(craft: SimpleNamespace, rows: int) -> bytes:
    """A PNG of gray and alpha that says it has 40 rows of 30 pixels."""
    samples = np.random.default_rng(4).integers(0, 65536, (rows, 30, 2)).astype(">u2")
    lines = b"".join(b"\x00" + row.tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", 30, 40, 16, 4, 0, 0, 0)
    return bytes(craft.png([(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]))


def test_deep_gray_with_alpha_is_read_as_if_at_once(
    monkeypatch: pytest.MonkeyPatch, read: Reader, craft: SimpleNamespace
) -> None:
    """The same for two samples a pixel, which OpenCV makes four of."""
    data = gray_alpha(craft, 40)
    (whole,) = read(data)
    monkeypatch.setattr(deep, "MOST_AT_ONCE", 1000)
    monkeypatch.setattr(deep, "STRIP", 500)
    assert np.array_equal(read(data)[0], whole)


@pytest.mark.parametrize("harm", ["short", "changed"])
def test_a_damaged_deep_png_is_not_half_read(
    monkeypatch: pytest.MonkeyPatch, read: Reader, craft: SimpleNamespace, harm: str
) -> None:
    """Rows that are missing, and pixels that were changed, are damage here too."""
    monkeypatch.setattr(deep, "MOST_AT_ONCE", 1000)
    data = bytearray(gray_alpha(craft, 39 if harm == "short" else 40))
    if harm == "changed":
        data[data.index(b"IDAT") + 30] ^= 0x55
    with pytest.raises(DamagedScanError):
        read(bytes(data))
