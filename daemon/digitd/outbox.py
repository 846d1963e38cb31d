"""Publishing results: a file appears in the outbox whole or not at all, and none is ever overwritten.

A file is first staged under a temporary dot-name beside its place, then renamed there. A stage that is gone has been
renamed: that is how a restart tells a result that a consumer already took from one that was never published.
"""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from digitd import fs, names


class Outbox:
    """The folder where results appear. Names are relative to it, with `/`."""

    def __init__(self, root: Path) -> None:
        self.root = os.fspath(root)

    def free_name(self, source: str, used: int) -> tuple[str, int]:
        """A name for the result of SOURCE (relative to the inbox) that was used USED times so far, and its number."""
        folder, name = os.path.split(source)
        folder = fs.free_folder(self.root, folder)

        def candidate(number: int) -> str:
            return os.path.join(folder, names.result_name(name, number))

        number = names.first_free(lambda number: self.has(candidate(number)), used)
        return candidate(number), number

    def has(self, name: str) -> bool:
        """Whether something has this name."""
        return os.path.lexists(self._path(name))

    def stage(self, name: str, key: str, data: bytes) -> None:
        """Write what is to be published as NAME. OSError where that fails."""
        folder, temporary = os.path.split(self._stage(name, key))
        fs.write_new_in(folder, temporary, data)

    def unstage(self, name: str, key: str) -> None:
        """Take back what is staged."""
        fs.unlink_if_there(self._stage(name, key))

    def publish(self, name: str, key: str) -> None:
        """Rename what is staged to NAME. FileExistsError if something else is there."""
        fs.rename_noreplace(self._stage(name, key), self._path(name))

    def restage(self, name: str, key: str, data: bytes) -> None:
        """`stage` for a result that is recorded already: whole or not at all, for its stage will be believed."""
        stage = self._stage(name, key)
        folder, temporary = os.path.split(self._stage(name, f"{key}.new"))
        fs.write_new_in(folder, temporary, data)
        os.replace(os.path.join(folder, temporary), stage)

    def stage_is_gone(self, name: str, key: str) -> bool:
        """Whether nothing is staged: what an earlier life of digitd recorded was then published by it.

        OSError where that cannot be told: an outbox that cannot be looked into has not published anything.
        """
        try:
            os.lstat(self._stage(name, key))
        except (FileNotFoundError, NotADirectoryError):
            return True
        return False

    def restore(self, name: str, key: str, data: bytes) -> None:
        """After a start of the machine publish DATA unless it is there whole. FileExistsError if something else is.

        What ends too early, or has zeros in its place, was torn by the power cut, and is replaced; but only if it is
        from before that start: what was made since is whole, and somebody's, be it empty.
        """
        path = self._path(name)
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            self.stage(name, key, data)
            self.publish(name, key)
            return
        if not stat.S_ISREG(found.st_mode) or found.st_size > len(data):
            raise FileExistsError(path)
        there = Path(path).read_bytes()
        if there == data:
            self.unstage(name, key)
        elif fs.since_boot(found) or not fs.may_be_torn(there, data):
            raise FileExistsError(path)
        else:
            self.stage(name, key, data)
            os.replace(self._stage(name, key), path)

    def holds(self, name: str, data: bytes) -> bool:
        """Whether NAME is there, whole."""
        path = self._path(name)
        try:
            found = os.lstat(path)
            return stat.S_ISREG(found.st_mode) and found.st_size == len(data) and Path(path).read_bytes() == data
        except FileNotFoundError:
            return False

    def sweep(self, wanted: Callable[[str], bool]) -> list[str]:
        """Remove stages whose key is not wanted, from crashes before anything was recorded; gives their names."""
        swept = []
        for folder, temporary in self._stages():
            key = temporary[len(names.TEMPORARY_PREFIX) : -len(names.TEMPORARY_SUFFIX)]
            if wanted(key):
                continue
            try:
                os.unlink(os.path.join(folder, temporary))
            except OSError:
                # It is hidden and in nobody's way; the next start tries again.
                continue
            swept.append(temporary)
        return swept

    def _stages(self) -> Iterator[tuple[str, str]]:
        for folder, name in fs.files_below(self.root):
            if name.startswith(names.TEMPORARY_PREFIX) and name.endswith(names.TEMPORARY_SUFFIX):
                yield folder, name

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def _stage(self, name: str, key: str) -> str:
        folder = name.rpartition("/")[0]
        return f"{self.root}/{folder}{'/' if folder else ''}{names.temporary(key)}"
