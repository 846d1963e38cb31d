"""What the documentation shows works: links, anchors, command lines, configuration, make targets, tests it leans on."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from digitd import config
from digitd.cli import app, manual
from digitd.settings import ENV_PREFIX, Settings
from doctables import codes, table

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "bench" / "card.md"
"""The model card is made of it, with links from the card's own place."""
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "systemd/*.md", "samples/*.md", "bench/*.md", "daemon/**/*.md")
    for path in ROOT.glob(pattern)
    if path != TEMPLATE and not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PROGRAM = re.compile(r"(?:/\S+/)?digitd")
TREE: Any = typer.main.get_command(app)
VARIABLES = {"DIGITD_CONFIG", "DIGITD_TEST_CACHE"}
"""Those that name no key."""
EVERYWHERE = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, *languages: str) -> Iterator[str]:
    """What stands in fences of these languages."""
    yield from (body for language, body in FENCE.findall(text_of(page)) if language in languages)


def inline(page: Path) -> list[str]:
    """What stands in back ticks in the text itself."""
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", text_of(page)))


def shell_lines(page: Path) -> Iterator[str]:
    """The commands of the page's shell blocks and sessions, each on one line; what they print is left out."""
    for body in blocks(page, "sh", "bash"):
        yield from re.sub(r"\\\n\s*", " ", body).splitlines()
    for body in blocks(page, "console"):
        lines = re.sub(r"\\\n\s*", " ", body).splitlines()
        yield from (line[2:] for line in lines if line.startswith(("$ ", "# ")))


def digitd_lines(line: str) -> Iterator[list[str]]:
    """The arguments of each `digitd ...` among the commands of a line."""
    if "digitd" not in line:
        # A line of a script may begin a text that ends on another one.
        return
    words = shlex.shlex(line, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    command: list[str] = []
    for word in [*words, ";"]:
        if set(word) <= set("|&;()<>"):
            # Before the program may stand `sudo`, `-u digitd` and variables.
            place = next(
                (at for at, each in enumerate(command) if PROGRAM.fullmatch(each) and command[at - 1 : at] != ["-u"]),
                None,
            )
            if place is not None and all(
                re.match(r"sudo|-u|digitd$|\w+=|if|while|then|do|!|watch", each) for each in command[:place]
            ):
                yield command[place + 1 :]
            command = []
        else:
            command.append(word)


ACTS = {"--install-completion", "--show-completion"}
"""Options that do what they say as soon as they are read: they are looked for, not read."""


def parse(arguments: list[str], *, mention: bool) -> None:
    """Let the real command line take the arguments apart, without running anything.

    A MENTION in the text may leave out what a command needs.
    """
    if set(arguments) & ACTS:
        assert set(arguments) <= {option for parameter in TREE.params for option in parameter.opts}
        return
    try:
        command, name, rest, context = TREE, "digitd", list(arguments), None
        while hasattr(command, "commands"):
            context = command.make_context(name, rest, parent=context, resilient_parsing=False)
            # The command's name is kept apart from what follows it.
            words = [*getattr(context, "_protected_args", ()), *context.args]
            name, command, rest = command.resolve_command(context, words)
        command.make_context(name, rest, parent=context)
    except typer.Exit:
        pass  # --version and --help end it
    except Exception as error:
        message = getattr(error, "format_message", error.__str__)()
        if mention and (type(error).__name__ == "MissingParameter" or message.endswith("requires an argument.")):
            return
        raise AssertionError(f"digitd {shlex.join(arguments)}: {message}") from error


@EVERYWHERE
def test_command_lines_parse(page: Path) -> None:
    """Every `digitd ...` of a shell block or of the text is one that the real command line takes."""
    for line in shell_lines(page):
        for arguments in digitd_lines(line):
            parse(arguments, mention=False)
    for code in inline(page):
        if re.match(r"(?:sudo |[A-Z_]+=\S+ )*digitd \S", code):
            # In tables a bar is written with a backslash; there it parts what may be named.
            for arguments in digitd_lines(code.replace("\\|", "/")):
                parse(arguments, mention=True)


def test_the_units_command_lines_parse() -> None:
    """Those that systemd runs, too."""
    found = [
        line.partition("=")[2].lstrip("-@:+!")
        for file in sorted((ROOT / "systemd").iterdir())
        if file.suffix in {".service", ".path", ".timer"}
        for line in text_of(file).splitlines()
        if re.match(r"Exec\w+=.*\bdigitd\b", line)
    ]
    assert found
    for line in found:
        for arguments in digitd_lines(line.replace("%", "")):
            parse(arguments, mention=False)


@EVERYWHERE
def test_options_that_are_named_exist(page: Path) -> None:
    """An option in back ticks is digitd's, or stands behind the name of another program."""
    ours = {
        option
        for command in (TREE, *(command for _, command in manual.commands(TREE)))
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    named = {match[0] for code in inline(page) if (match := re.match(r"--[a-z][\w-]*|-[a-z]\b", code))}
    assert named <= ours | {"--help", "-h"}


@EVERYWHERE
def test_yaml_that_is_shown_is_a_configuration(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fence of YAML loads as settings."""
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)
    file = tmp_path / "config.yaml"
    for body in blocks(page, "yaml"):
        file.write_text(body, encoding="utf-8")
        config.load(file)


@EVERYWHERE
def test_variables_that_are_named_override_a_key(page: Path) -> None:
    """What begins with DIGITD_ is a key of config.yaml, an event's field in the journal, or one of the others."""
    events = table(ROOT / "docs" / "operations.md", "event", "level", "fields")
    fields = {ENV_PREFIX + field.upper() for _, _, told, *_ in events for field in codes(told)} | {"DIGITD_EVENT"}
    keys = {ENV_PREFIX + key.upper().replace(".", "__") for key in all_keys()}
    named = set(re.findall(r"\bDIGITD_[A-Z0-9_]*[A-Z0-9]\b", text_of(page)))
    # `DIGITD_A__B` in the changes of old and in decisions stands for any.
    assert named <= keys | fields | VARIABLES | {"DIGITD_A__B"}


def all_keys() -> Iterator[str]:
    for section, field in Settings.model_fields.items():
        inner = getattr(field.annotation, "model_fields", None)
        yield from [section] if inner is None else [f"{section}.{each.alias or name}" for name, each in inner.items()]


@EVERYWHERE
def test_make_targets_that_are_named_exist(page: Path) -> None:
    """`make something` is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z][\w-]*):", text_of(ROOT / "Makefile"), re.MULTILINE))
    lines = [*shell_lines(page), *inline(page)]
    named = {name for line in lines for name in re.findall(r"^(?:sudo )?make ([a-z][\w-]*)", line)}
    assert named <= targets


@EVERYWHERE
def test_tests_that_are_named_exist(page: Path) -> None:
    """Whatever a page says is held by a test, that test is there."""
    folders = "|".join(sorted(path.name for path in (ROOT / "tests").iterdir() if path.is_dir()))
    named = set(re.findall(rf"\b(?:{folders})/[\w/]*test_\w+\.py", text_of(page)))
    assert [name for name in named if not (ROOT / "tests" / name).is_file()] == []


def slugs(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+?)\s*#*$", FENCE.sub("", text_of(page)), re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = 0
        while (unique := slug if number == 0 else f"{slug}-{number}") in found:
            number += 1
        found.add(unique)
    return found


@EVERYWHERE
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link is a file of the project, and its anchor a heading there."""
    for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text_of(page))):
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, anchor = link.partition("#")
        place = (page.parent / target).resolve() if target else page
        assert place.exists() and place.is_relative_to(ROOT), link
        if anchor:
            assert place.suffix == ".md" and anchor in slugs(place), link


def test_capacity_is_what_the_benches_measured() -> None:
    """Each figure of the table in docs/operations.md stands in the page that it names, which a bench wrote."""
    rows = table(ROOT / "docs" / "operations.md", "what", "measured", "source")
    assert len(rows) >= 10
    for what, measured, source in rows:
        (link,) = re.findall(r"\]\(([^)#]+)#", source)
        bench = text_of(ROOT / "docs" / link)
        assert codes(measured) and all(figure in bench for figure in codes(measured)), what


def test_make_help_says_what_each_target_does() -> None:
    """Every target that a person calls has its comment."""
    lines = text_of(ROOT / "Makefile").splitlines()
    phony = {name for line in lines if line.startswith(".PHONY:") for name in line.split()[1:]}
    said = {match[1] for line in lines if (match := re.match(r"([a-z][\w-]*):.*## \S", line))}
    assert phony - said - {"lint"} == set()
