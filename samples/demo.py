"""What `make demo` runs: the real daemon on a folder of its own, the samples dropped in, and what came out.

It ends with exit code 1, and says why, if anything that it shows is wrong.
"""

import argparse
import csv
import hashlib
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from digitd.labels import LABELS_FILE, in_table
from digitd.results import PAGE_BREAK

SAMPLES = Path(__file__).resolve().parent
BLANK, CUT_SHORT, TOO_MANY = "blank.png", "cut-short.png", "cards/2.png"
AGAIN = "scan.png"
SHOWN_IN_FULL = "forms/squared.png"
PAUSE = 0.3
LOADING_SECONDS, READING_SECONDS, STOPPING_SECONDS = 60.0, 120.0, 70.0
STYLES = {"accepted": "green", "review": "yellow", "blank": "cyan", "failed": "red"}
LEVELS = {"warning": "yellow", "error": "red"}

CONFIG = """\
inbox:
  path: inbox
outbox:
  path: outbox
  every: 5              # a CSV file every five seconds in which something was read
profiles:
  "cards": {digits: 8}  # what is dropped into inbox/cards has eight digits
"""


@dataclass(frozen=True)
class Drop:
    """A sample that goes into the inbox: under which path, and as which use of that path."""

    sample: str
    path: str
    number: int = 1
    in_place: bool = False

    @property
    def result(self) -> str:
        """Where its result must appear in the outbox."""
        return f"{self.path}.json" if self.number == 1 else f"{self.path}~{self.number}.json"

    def filed(self, status: str) -> str:
        """Where its file must lie afterwards."""
        path = Path(self.path)
        name = path.name if self.number == 1 else f"{path.stem}~{self.number}{path.suffix}"
        return f"archive/{status}/{path.with_name(name)}"


class Daemon:
    """`digitd run` as a process of ours; its log events are handed to SHOW as they come."""

    def __init__(self, folder: Path, show: Callable[[dict[str, Any]], None]) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DIGITD_")}
        command = [sys.executable, "-m", "digitd", "run", "-c", str(folder / "config.yaml")]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment)
        self._show = show
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.events: list[dict[str, Any]] = []
        stream = self._process.stderr
        if stream is not None:
            threading.Thread(target=self._listen, args=(stream,), daemon=True).start()

    def wait(self, until: Callable[[], bool], seconds: float) -> bool:
        """Show events until something is so; False if it is not so in time, or the log ends before."""
        deadline = time.monotonic() + seconds
        while not until():
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return False
            if line is None:
                return until()
            event = _event(line)
            self.events.append(event)
            self._show(event)
        return True

    def said(self, name: str) -> int:
        """How many events of that name came."""
        return sum(event["event"] == name for event in self.events)

    def stop(self) -> int | None:
        """SIGTERM, the rest of the log, and the exit code; None if it did not end in time."""
        self._process.send_signal(signal.SIGTERM)
        self.wait(lambda: False, STOPPING_SECONDS)
        try:
            return self._process.wait(1)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        """Whatever happened: leave no process behind."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _listen(self, stream: BinaryIO) -> None:
        for line in stream:
            self._lines.put(line)
        self._lines.put(None)


def _event(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    return event if isinstance(event, dict) and "event" in event else {"event": line.decode(errors="replace").rstrip()}


def shown(text: str) -> str:
    """Lines and pages of a text on one line."""
    return text.replace(PAGE_BREAK, " | ").replace("\n", " / ")


def log_line(event: dict[str, Any]) -> Text:
    """An event of the daemon's log, for people."""
    fields = dict(event)
    moment, level, name = str(fields.pop("time", ""))[11:23], fields.pop("level", ""), fields.pop("event")
    line = Text().append(f"{moment:12}  ", style="dim").append(f"{name:15} ", style=LEVELS.get(level, "bold"))
    if name == "scan_published":
        status, reason = fields["status"], fields["reason"]
        line.append(f"{fields['scan']:21} ").append(f"{status:9}", style=STYLES[status])
        line.append(shown(fields.get("text", "")))
        if fields.get("confidence") is not None:
            line.append(f"  {fields['confidence']:.4f}", style="dim")
        if reason:
            line.append(f"  ({reason})" if fields.get("text") else f"({reason})", style="dim")
        return line.append(f"  {fields.get('ms', 0):.0f} ms", style="dim")
    if name == "starting":
        fields.pop("config", None)
    if name == "batch_read" and not fields.get("results"):
        fields["note"] = "it is not whole yet"
    return line.append(" ".join(f"{key}={value}" for key, value in fields.items()), style="dim")


def drops() -> list[Drop]:
    """Every sample once: the cut one first, for it takes longest. Last of all, a name that was used before."""
    names = [CUT_SHORT, *truths()]
    every = [Drop(name, name, in_place=place % 3 == 2) for place, name in enumerate(names)]
    return [*every, Drop(f"evening/{AGAIN}", AGAIN, number=2)]


def drop(what: Drop, folder: Path) -> None:
    """Put a sample into the inbox: renamed in, as careful programs do, or written in place, as scanners do."""
    target = folder / "inbox" / what.path
    target.parent.mkdir(parents=True, exist_ok=True)
    data = (SAMPLES / what.sample).read_bytes()
    if not what.in_place:
        outside = folder / "on-its-way"
        outside.write_bytes(data)
        outside.rename(target)
        return
    with open(target, "wb", buffering=0) as file:
        for part in range(4):
            file.write(data[len(data) * part // 4 : len(data) * (part + 1) // 4])
            time.sleep(PAUSE / 6)


def truths() -> dict[str, str]:
    """What is on each sample that can be read: path -> text."""
    table = in_table((SAMPLES / LABELS_FILE).read_text(encoding="utf-8"))
    return {path: entry.label for path, entry in table.items()}


class Check:
    """What is compared with what should be; `wrong` gathers what is not so."""

    def __init__(self, folder: Path, dropped: list[Drop]) -> None:
        self.wrong: list[str] = []
        self._folder, self._dropped = folder, dropped
        self._truths = truths()
        self._outbox = folder / "outbox"
        self.results = self._read_results()

    def truth(self, what: Drop) -> str | None:
        """The text that is on a sample; None for the one that is cut short."""
        return self._truths.get(what.sample)

    def all(self) -> None:
        """Every check of what lies in the folders."""
        for what in self._dropped:
            result = self.results.get(what.result)
            if result is None:
                self.wrong.append(f"{what.path}: {what.result} is missing in the outbox")
            else:
                self._reading(what, result)
                self._source(what, result)
        self._rows()
        left = [_below(file, self._folder) for file in (self._folder / "inbox").rglob("*") if not file.is_dir()]
        if left:
            self.wrong.append(f"left in the inbox: {', '.join(left)}")

    def right(self, what: Drop, result: dict[str, Any]) -> bool:
        """Whether the text is what is on the sample."""
        return bool(result["text"] == (self.truth(what) or ""))

    def _read_results(self) -> dict[str, dict[str, Any]]:
        expected = {what.result for what in self._dropped}
        found = {}
        for file in self._outbox.rglob("*"):
            name = _below(file, self._outbox)
            if file.suffix == ".json" and name in expected:
                found[name] = json.loads(file.read_bytes())
            elif file.is_file() and file.suffix != ".csv":
                self.wrong.append(f"the outbox has a file that nobody asked for: {name}")
        return found

    def _reading(self, what: Drop, result: dict[str, Any]) -> None:
        status, code = result["status"], (result["reason"] or {}).get("code")
        doubted = {("review", "low_confidence"), ("review", "low_margin")}
        special: dict[str, set[tuple[str, str | None]]] = {
            BLANK: {("blank", None)},
            CUT_SHORT: {("failed", "truncated")},
            TOO_MANY: {("review", "digits_expected")},
        }
        if (status, code) not in special.get(what.sample, {("accepted", None), *doubted}):
            self.wrong.append(f"{what.path}: is {status} ({code})")
        if status == "accepted" and not self.right(what, result):
            self.wrong.append(f"{what.path}: accepted as {shown(result['text'])!r}, and that is not on it")
        truth = self.truth(what)
        pages = 0 if truth is None else truth.count(PAGE_BREAK) + 1
        if len(result["pages"]) != pages:
            self.wrong.append(f"{what.path}: has {pages} pages, and {len(result['pages'])} in its result")

    def _source(self, what: Drop, result: dict[str, Any]) -> None:
        data = (SAMPLES / what.sample).read_bytes()
        source = result["source"]
        if (source["path"], source["sha256"]) != (what.path, hashlib.sha256(data).hexdigest()):
            self.wrong.append(f"{what.path}: its result names other bytes ({source['path']}, {source['sha256']})")
        filed = self._folder / what.filed(result["status"])
        if not filed.is_file() or filed.read_bytes() != data:
            self.wrong.append(f"{what.path}: its file does not lie at {_below(filed, self._folder)}")
        if result["status"] == "failed" and not Path(f"{filed}.json").is_file():
            self.wrong.append(f"{what.path}: beside its file is no JSON that says why")

    def _rows(self) -> None:
        rows = []
        for file in self._outbox.rglob("*.csv"):
            with open(file, encoding="utf-8", newline="") as table:
                rows += [(row["id"], row["status"], row["page"], row["text"]) for row in csv.DictReader(table)]
        expected = []
        for result in self.results.values():
            for page in result["pages"] or [{"page": "", "text": result["text"]}]:
                expected.append((result["id"], result["status"], str(page["page"]), page["text"]))
        if sorted(rows) != sorted(expected):
            self.wrong.append(f"the CSV files have {len(rows)} rows, and the {len(expected)} of the JSON are others")


def _below(file: Path, folder: Path) -> str:
    return str(file.relative_to(folder))


def comparison(check: Check, dropped: list[Drop]) -> Table:
    """What was read beside what is true."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("dropped as", "true", "read", "status", "confidence", ""):
        table.add_column(column, no_wrap=True)
    for what in dropped:
        result, truth = check.results.get(what.result), check.truth(what)
        true = Text("(cut short)" if truth is None else shown(truth) or "(nothing)", style="" if truth else "dim")
        if result is None:
            table.add_row(Text(what.path), true, Text("no result", style="red"))
            continue
        status, confidence = result["status"], result["confidence"]
        right = check.right(what, result)
        table.add_row(
            Text(what.path + ("" if what.number == 1 else "  (the name again)")),
            true,
            Text(shown(result["text"]), style="" if right else "yellow" if status == "review" else "red"),
            Text(status, style=STYLES[status]),
            "" if confidence is None else f"{confidence:.4f}",
            Text((result["reason"] or {}).get("code", ""), style="dim"),
        )
    return table


def tree(folder: Path, style: str = "") -> Tree:
    """The files below a folder."""
    root = Tree(Text(f"{folder.name}/", style="bold"), guide_style="dim")

    def grow(branch: Tree, below: Path) -> None:
        for item in sorted(below.iterdir(), key=lambda each: (each.is_dir(), each.name)):
            if item.is_dir():
                grow(branch.add(Text(f"{item.name}/", style="bold")), item)
            else:
                branch.add(Text(item.name, style=style))

    grow(root, folder)
    return root


def readable(result: dict[str, Any]) -> str:
    """A result as indented JSON, its boxes on one line."""
    text = json.dumps(result, indent=2, ensure_ascii=False)
    return re.sub(r"\[\s+(\d+),\s+(\d+),\s+(\d+),\s+(\d+)\s+\]", r"[\1, \2, \3, \4]", text)


@contextmanager
def folders(keep: bool) -> Iterator[Path]:
    """A folder with an inbox, an outbox and a config.yaml, which is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="digitd-demo-"))
    try:
        (folder / "inbox").mkdir()
        (folder / "outbox").mkdir()
        (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder)


def play(folder: Path, console: Console) -> list[str]:
    """The whole demonstration; gives what was wrong."""

    def heading(text: str) -> None:
        console.print()
        console.print(Text(text, style="bold underline"))

    heading(f"A daemon of its own, in {folder}")
    console.print(Text(CONFIG.rstrip(), style="cyan"))
    heading("Its log: digitd run -c config.yaml")
    dropped = drops()
    daemon = Daemon(folder, lambda event: console.print(log_line(event), soft_wrap=True))
    try:
        if not daemon.wait(lambda: daemon.said("ready") > 0, LOADING_SECONDS):
            return ["the daemon did not become ready"]
        for what in dropped:
            drop(what, folder)
            # The log shows how each is read while the next one is on its way.
            daemon.wait(lambda: False, PAUSE)
        console.print(
            Text(
                f"{len(dropped)} scans are in. {CUT_SHORT} ends in the middle, and its writer may still be at work:\n"
                "it is tried again until it was unchanged for 30 s. That is what we wait for now.",
                style="italic",
            )
        )
        with console.status("waiting for the cut scan") if console.is_terminal else _nothing():
            everything = daemon.wait(lambda: daemon.said("scan_published") >= len(dropped), READING_SECONDS)
        console.print(Text("Everything is read. SIGTERM:", style="italic"))
        code = daemon.stop()
    finally:
        daemon.end()

    check = Check(folder, dropped)
    check.all()
    wrong = check.wrong
    if not everything:
        wrong.append(f"{daemon.said('scan_published')} of {len(dropped)} scans were published in time")
    if daemon.said("scan_published") > len(dropped):
        wrong.append(f"{daemon.said('scan_published')} scans were published, and {len(dropped)} dropped")
    if code != 0:
        wrong.append("the daemon did not end in time" if code is None else f"the daemon's exit code is {code}")
    wrong += [f"the log has an error: {event}" for event in daemon.events if event.get("level") == "error"]

    heading("What was read, beside what is true (/ parts lines, | pages)")
    console.print(comparison(check, dropped))
    heading("The outbox")
    console.print(tree(folder / "outbox"))
    heading("Where the scans went")
    console.print(tree(folder / "archive"))
    heading(f"One result in full: outbox/{SHOWN_IN_FULL}.json")
    if (result := check.results.get(f"{SHOWN_IN_FULL}.json")) is not None:
        console.print(Text(readable(result)), soft_wrap=True)
    console.print()
    if not wrong:
        accepted = sum(result["status"] == "accepted" for result in check.results.values())
        console.print(
            Text(
                f"{len(dropped)} scans, {len(check.results)} results, {accepted} of them accepted, those all right. "
                f"The daemon's exit code is {code}.",
                style="bold green",
            ),
            soft_wrap=True,
        )
    return wrong


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _end(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


def main() -> int:
    """Play it; 0 if all that was shown is right."""
    arguments = argparse.ArgumentParser(description="Show digitd at work on the samples.")
    arguments.add_argument("--keep", action="store_true", help="leave the folders there afterwards")
    keep = arguments.parse_args().keep
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    begun = time.monotonic()
    try:
        with folders(keep) as folder:
            wrong = play(folder, console)
            if keep:
                console.print(Text(f"Kept: {folder}"), soft_wrap=True)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    for each in wrong:
        console.print(Text(f"WRONG  {each}", style="bold red"), soft_wrap=True)
    console.print(Text(f"{time.monotonic() - begun:.0f} s", style="dim"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
