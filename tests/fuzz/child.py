"""The process that decodes what the fuzzer made, as a worker does, and says what came of it.

`python -m fuzz.child FORMAT FD`. A crash of a decoder ends it; the other side notices. Its memory is limited, and
measured try by try.
"""

import os
import resource
import sys
import warnings
from contextlib import suppress
from multiprocessing.connection import Connection

import numpy as np

from digitd.errors import ScanError
from digitd.imaging import deep
from digitd.imaging.decode import Limits, pages
from digitd.imaging.gray import Gray
from digitd.imaging.pipeline import single_threaded

LIMITS = Limits(bytes=1 << 17, pixels=500_000, pages=8)
"""Of the scans that are tried: so small that memory which does not heed them shows."""
RESERVED_MOST = 4 << 30
"""Bytes that the process may reserve: what would be more ends in an allocation that fails, and is reported."""
GROWTH_MOST = 200 << 20
"""Bytes of memory that one try may take, with what all tries before it left behind: a page of 500,000 pixels has 16 MB
with four samples of 8 bytes each, and libraries hold some copies of it. Files of 64 KB that unpack to more than this
are what is looked for, and leaks of a few KB a file."""
NO_MEMORY = ("Failed to allocate", "Insufficient memory", "bad_alloc")


def judged(data: bytes, idle: int) -> str:
    """`decoded` or a code of the documented failures; a sentence about what must not be, which has blanks.

    IDLE is the memory of the process before its first file, in bytes.
    """
    with open("/proc/self/clear_refs", "w") as file:
        # Forgets the peak.
        file.write("5")
    verdict = _decoded(data)
    if (growth := memory("VmHWM") - idle) > GROWTH_MOST:
        return f"it took {growth >> 20} MB of memory, and came to {verdict}"
    return verdict


def _decoded(data: bytes) -> str:
    count = 0
    try:
        for page in pages(data, LIMITS):
            count += 1
            if trouble := _trouble(page):
                return trouble
    except ScanError as error:
        if isinstance(error.__cause__, Warning):
            return f"a library was warned of: {error}"
        if any(words in error.cause for words in NO_MEMORY):
            return f"memory ran out: {error}"
        if not (error.cause and error.remedy and error.cause.isprintable()):
            return f"the message tells too little, or is no text: {error!r}"
        return error.code
    except MemoryError as error:
        return f"memory ran out: {error!r}"
    if count > LIMITS.pages:
        return f"it has {count} pages, more than are allowed"
    return "decoded" if count else "it came to no page, and to no failure"


def _trouble(page: Gray) -> str | None:
    if page.dtype != np.uint8 or page.ndim != 2 or page.size == 0:
        return f"a page is no gray picture of 8 bits: {page.dtype} {page.shape}"
    if page.size > LIMITS.pixels:
        return f"a page is larger than allowed: {page.shape}"
    # Whoever reads on touches all of it: a picture that is not all there must show here.
    page.sum()
    return None


def memory(kind: str) -> int:
    """Bytes of memory that this process has (VmRSS), or has had at once (VmHWM)."""
    with open("/proc/self/status") as file:
        (line,) = (line for line in file if line.startswith(kind))
    return int(line.split()[1]) * 1024


def main() -> None:
    """Answer until nobody asks any more."""
    form, channel = sys.argv[1], Connection(int(sys.argv[2]))
    # What libraries print is of no interest here, and would be gigabytes.
    with open(os.devnull, "w") as silent:
        os.dup2(silent.fileno(), 1)
        os.dup2(silent.fileno(), 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (RESERVED_MOST, RESERVED_MOST))
    single_threaded()
    warnings.simplefilter("error")
    if form.startswith("deep"):
        # By strips of a few lines, though the picture is small.
        deep.MOST_AT_ONCE, deep.STRIP = 0, 500
    idle = memory("VmRSS")
    with suppress(EOFError):
        while True:
            channel.send_bytes(judged(channel.recv_bytes(), idle).encode("utf-8", "backslashreplace"))


if __name__ == "__main__":
    main()
