"""What decoding libraries print when an image is damaged and they make up the rest. Pure."""

import re

_DAMAGE = re.compile(
    r"Corrupt JPEG data|Premature end of JPEG|Unsupported marker|TIFF_Error|Decod\w* error|Premature EOL|Bad code word"
    r"|Not enough data|Line length mismatch|libpng error|CRC error|incorrect data check"
)
# OpenCV's level, thread, time and source line.
_PREFIX = re.compile(r"^\[ *\w+:\d+@[\d.]+\] global \S+ ")
# Cameras leave some bytes before the end marker: nothing of the picture is lost.
_HARMLESS = re.compile(r"extraneous bytes before marker 0xd9")


def damage(printed: str) -> str | None:
    """The line in which a library says that an image is not whole; None if it says nothing of the kind."""
    for line in printed.splitlines():
        if _DAMAGE.search(line) and not _HARMLESS.search(line):
            return _PREFIX.sub("", line).strip()
    return None
