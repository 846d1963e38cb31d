"""The daemon's side of a reload: asked for, made ready beside the configuration in use, and answered."""

from collections.abc import Callable

from digitd import log
from digitd.errors import DigitdError
from digitd.lock import Answer, Lock
from digitd.recognition.bundle import Bundle
from digitd.reload import Renewal
from digitd.settings import Settings
from digitd.systemd import Notifier
from digitd.workers import OnLoss

Load = Callable[[], Settings]
"""Reads the configuration anew."""


class Reloader:
    """Has at most one reload under way; systemd and who asked are told when it begins, and how it ends."""

    def __init__(self, notifier: Notifier, lock: Lock, load: Load | None, on_loss: OnLoss) -> None:
        """Without LOAD nothing can be reloaded."""
        self._notifier, self._lock, self._load, self._on_loss = notifier, lock, load, on_loss
        self._asked = False
        self._renewal: Renewal | None = None
        self._answer = Answer()
        self._log = log.get()

    def ask(self) -> None:
        """Have `advance` take the configuration in anew. Safe in a signal handler and from any thread."""
        self._asked = True

    @property
    def refused(self) -> bool:
        """Whether the last one was, so that the configuration before it is in use."""
        return self._answer.cause is not None

    @property
    def under_way(self) -> bool:
        """Whether `advance` has something to do."""
        return self._asked or self._renewal is not None

    def advance(self, used: Settings, bundle: Bundle) -> Renewal | None:
        """A new configuration that can take the place of what is USED, once it is ready, until `take`.

        One that cannot be used is refused here, whole.
        """
        try:
            if self._renewal is None:
                if not self._asked or self._load is None:
                    return None
                self._asked = False
                self._notifier.reloading()
                self._tell(Answer(self._answer.begun + 1, self._answer.ended))
                self._renewal = Renewal(used, bundle, self._load(), self._on_loss)
            if not self._renewal.ready():
                return None
            self._renewal.marks.claim()
        except DigitdError as error:
            self.drop()
            code = int(error.exit_code)
            self._log.error("reload_refused", code=error.code, cause=error.cause, remedy=error.remedy, exit_code=code)
            self._end(Answer(cause=error.cause, remedy=error.remedy, exit_code=code))
            return None
        return self._renewal

    def take(self) -> None:
        """What `advance` gave is the daemon's own from now on, and no longer dropped with what is under way."""
        self._renewal = None

    def succeed(self) -> None:
        """The new configuration is in use."""
        self._end(Answer())

    def drop(self) -> None:
        """Give up what is under way."""
        if self._renewal is not None:
            self._renewal.drop()
        self._renewal = None

    def _end(self, how: Answer) -> None:
        self._notifier.ready()
        begun = self._answer.begun
        self._tell(Answer(begun, begun, how.cause, how.remedy, how.exit_code))

    def _tell(self, answer: Answer) -> None:
        self._answer = answer
        try:
            self._lock.answer(answer)
        except OSError as error:
            # The log and systemd have been told; who asked gives up waiting.
            self._log.debug("status_not_told", error=str(error))
