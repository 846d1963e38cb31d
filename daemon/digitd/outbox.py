"""Publishing results: a file appears in the outbox whole or not at all, and none is ever overwritten.

A file is first staged under a temporary dot-name beside its place, then renamed there. A stage that is gone has been
renamed: that is how a restart tells a result that a consumer already took from one that was never published.
"""

import os
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

    def publish_again(self, name: str, key: str, data: bytes, *, rebooted: bool) -> None:
        """After a restart, finish what may be half done. FileExistsError if something else has the name.

        Without a reboot, a stage that is gone was renamed, and a result that is gone was taken by its consumer. After
        one, neither is certain, and the result is written again unless it is whole: the same bytes, the same name.
        """
        if not rebooted:
            if os.path.lexists(self._stage(name, key)):
                self.publish(name, key)
            return
        published = self._read(name)
        if published == data:
            self.unstage(name, key)
            return
        self.stage(name, key, data)
        if published is None:
            self.publish(name, key)
        elif data.startswith(published.rstrip(b"\0")):
            # Torn by the power cut: ours, for nothing else begins like it.
            os.replace(self._stage(name, key), self._path(name))
        else:
            raise FileExistsError(self._path(name))

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
        for folder, _, files in os.walk(self.root):
            for name in files:
                if name.startswith(names.TEMPORARY_PREFIX) and name.endswith(names.TEMPORARY_SUFFIX):
                    yield folder, name

    def _read(self, name: str) -> bytes | None:
        try:
            return Path(self._path(name)).read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            return None

    def _path(self, name: str) -> str:
        return os.path.join(self.root, name)

    def _stage(self, name: str, key: str) -> str:
        folder = os.path.dirname(name)
        return os.path.join(self.root, folder, names.temporary(key))
