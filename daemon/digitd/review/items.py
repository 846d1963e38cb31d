"""What the desk gives and takes: items, answers, figures. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum

from digitd.errors import sentence
from digitd.results import PAGE_BREAK, Result, Status
from digitd.tables import Identity

TEXT_MOST = 10_000
"""Characters of a page's text: more than `limits.marks` allows digits by default."""
NAME_MOST = 100
"""Characters of a person's name."""
SIGNS = frozenset("0123456789?\n")


class DeskError(Exception):
    """What a person is told: the cause, and what to do. It ends no command, so it is none of digitd's refusals."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause, remedy)
        self.cause, self.remedy = cause, remedy

    def __str__(self) -> str:
        return sentence(self.cause, self.remedy)


class LeaseLostError(DeskError):
    """Somebody else has the item, or has verified it already."""


class AnswerError(DeskError):
    """What was answered cannot be a result."""


class Kind(StrEnum):
    """What a person answers: a text, or that there is none."""

    TEXT = "text"
    NO_DIGITS = "no_digits"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Answer:
    """TEXTS: one a page (of a scan that failed, one or more); none for the other kinds. BY: a name, if one is given."""

    kind: Kind = Kind.TEXT
    texts: tuple[str, ...] = ()
    by: str | None = None


@dataclass(frozen=True)
class Item:
    """A result as the journal has it. KEY names it in addresses: it says nothing, and no other item has it.

    SUPERSEDED_BY is the key of the result in its place; PENDING: a verdict on it is given, and not published yet.
    """

    key: str
    seq: int
    result: Result
    identity: Identity
    filed_as: str | None
    recorded: float
    """Seconds since 1970."""
    superseded_by: str | None = None
    pending: bool = False
    supersedes: str | None = None
    """The key of the result in whose place this one stands."""

    @property
    def id(self) -> str:
        """Of the result."""
        return self.result.id


@dataclass(frozen=True)
class Filter:
    """What is searched for; what is None does not matter. SINCE and UNTIL in seconds since 1970, UNTIL excluded.

    FOLDER is below the inbox, and what is below it counts; TEXT is a part of the text.
    """

    statuses: frozenset[Status] | None = None
    folder: str | None = None
    since: float | None = None
    until: float | None = None
    text: str | None = None


@dataclass(frozen=True)
class Found:
    """Results, the newest first; BEFORE is for the call that goes on, None where there is nothing more."""

    items: tuple[Item, ...]
    before: int | None


@dataclass(frozen=True)
class Counts:
    """Items by kind (review; failed and accepted where they are asked for) that wait; how many others have on their
    screens; how many were verified since midnight, by anybody; and verdicts that are not published yet."""

    waiting: dict[str, int] = field(default_factory=dict)
    leased: int = 0
    done_today: int = 0
    pending: int = 0
    lost: int = 0
    """Items that are passed over because their source lies nowhere any more, as far as this desk has come upon them."""

    @property
    def left(self) -> int:
        """All that wait."""
        return sum(self.waiting.values())


def texts_of(result: Result) -> tuple[str, ...]:
    """A result's text by pages; of a scan that failed, of as many as its text has."""
    if result.pages:
        return tuple(page.text for page in result.pages)
    return tuple(result.text.split(PAGE_BREAK))


def cleaned(answer: Answer, result: Result) -> Answer:
    """The answer with blanks and carriage returns left out, as a result has it. AnswerError where it cannot be one."""
    by = None if answer.by is None else "".join(filter(str.isprintable, answer.by)).strip()[:NAME_MOST] or None
    pages = max(1, len(result.pages))
    if answer.kind is not Kind.TEXT:
        return Answer(answer.kind, ("",) * pages, by)
    texts = tuple(_text(text) for text in answer.texts)
    if len(texts) != pages if result.pages else not texts:
        raise AnswerError(f"the scan has {pages} pages, and the answer {len(texts)} texts", "Give one text a page")
    if not any(texts):
        return Answer(Kind.NO_DIGITS, texts, by)
    return Answer(Kind.TEXT, texts, by)


def _text(text: str) -> str:
    lines = ("".join(line.split()) for line in text.replace("\r", "\n").split("\n"))
    joined = "\n".join(line for line in lines if line)
    if len(joined) > TEXT_MOST or not SIGNS.issuperset(joined):
        raise AnswerError(
            "the text has other signs than digits", f"Type digits, ? for one that cannot be read; at most {TEXT_MOST:,}"
        )
    return joined
