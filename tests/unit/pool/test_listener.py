"""What native code prints while a page is decoded is heard, and still goes where it went."""

import subprocess
import sys

CODE = """
import os
from digitd.pool.listener import Listener
listener = Listener()
with listener.listen() as first:
    os.write(2, b"one\\n")
with listener.listen() as second:
    pass
with listener.listen() as third:
    os.write(2, b"x" * 200_000)
os.write(2, b"\\nout\\n")
print(first, second, [len(said) for said in third])
"""


def test_each_block_hears_its_own() -> None:
    """Of a flood the beginning is kept; what is printed outside is heard by nobody, and lost by nobody."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, check=True, timeout=60, text=True)
    assert done.stdout == "['one\\n'] [] [65536]\n"
    assert done.stderr.startswith("one\n")
    assert done.stderr.endswith("\nout\n")
