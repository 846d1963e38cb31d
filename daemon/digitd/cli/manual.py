"""The manual pages, written from the command tree itself: `python -m digitd.cli.manual > digitd.1`.

With a config.yaml as argument, digitd.yaml(5) is written from that. Form: man-pages(7), groff_man(7).
"""

import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from digitd import __version__
from digitd.errors import DigitdError, ExitCode

PLAIN_ENDINGS = {
    ExitCode.DONE: "It did what was asked.",
    ExitCode.BUG: "Something failed that digitd has no name for.",
    ExitCode.NOT_RUNNING: "`status --check`: no digitd runs with this state folder.",
    ExitCode.UNHEALTHY: "`status --check`: it runs, and does not do well; the line says why.",
}
"""The exit codes that no error of digitd's own stands for."""
FILES = {
    "/etc/digitd/config.yaml": "The configuration of the service digitd; /etc/digitd/NAME.yaml is that of digitd@NAME.",
    "/srv/digitd/inbox": "Scans are dropped here; outbox and archive lie beside it. Of digitd@NAME: /srv/digitd-NAME.",
    "/var/lib/digitd": "The journal and the lock. Of digitd@NAME: /var/lib/digitd-NAME.",
}
"""Where the installer puts things: systemd/layout.sh; a test holds them together."""
ENVIRONMENT = {
    "DIGITD_CONFIG": "The configuration, where no -c names one.",
    "DIGITD_SECTION__KEY": "Overrides a key of the configuration: DIGITD_INBOX__PATH=/srv/scans.",
}

HELP = (".TP", "\\fB\\-h\\fR, \\fB\\-\\-help\\fR", "Print the options, those of a command after its name, and exit.")
"""The one option that is in no command's list: click adds it."""


def escaped(text: str) -> str:
    """Text as roff takes it literally: a minus stays one, and no line begins a request."""
    safe = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", safe, flags=re.MULTILINE)


def prose(text: str) -> str:
    """Escaped, with what stands in back ticks in bold."""
    return re.sub(r"`([^`]+)`", r"\\fB\1\\fR", escaped(" ".join(text.split())))


def page() -> str:
    """digitd(1)."""
    from digitd.cli import app

    group: Any = typer.main.get_command(app)
    lines = [_title("DIGITD", 1), ".SH NAME", f"digitd \\- {prose(_lowered(group.help))}", ".SH SYNOPSIS"]
    lines += [_synopsis("", group, "COMMAND [ARGUMENT]..."), ".SH DESCRIPTION", prose(group.help)]
    lines += [".PP", prose(group.epilog), ".SH OPTIONS", *_options(group), *HELP, ".SH COMMANDS"]
    for name, command in commands(group):
        if not command.hidden:
            lines += [f".SS {escaped(name)}", _synopsis(name, command, _arguments(command)), ".PP", prose(command.help)]
            lines += [*_options(command), *((".PP", prose(command.epilog)) if command.epilog else ())]
    lines += [".SH EXIT STATUS", *_tagged({str(int(code)): text for code, text in endings().items()})]
    lines += [".SH ENVIRONMENT", *_tagged(ENVIRONMENT), ".SH FILES", *_tagged(FILES)]
    lines += [".SH SEE ALSO", ".BR digitd.yaml (5),", ".BR systemctl (1),", ".BR journalctl (1)"]
    return "\n".join(lines) + "\n"


def commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its name, one of a group by both."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")
        else:
            yield before + name, command


def config_page(config: str) -> str:
    """digitd.yaml(5), from the text of a config.yaml with its comments."""
    lines = [_title("DIGITD.YAML", 5), ".SH NAME", "digitd.yaml \\- configuration of digitd", ".SH DESCRIPTION"]
    lines += ["Every key at its default, with what it is for.", "The file of the service is /etc/digitd/config.yaml."]
    lines += [".SH KEYS", ".nf", escaped(config.rstrip()), ".fi", ".SH SEE ALSO", ".BR digitd (1)"]
    return "\n".join(lines) + "\n"


def endings() -> dict[ExitCode, str]:
    """What each exit code means: the docstring of its error."""
    found = dict(PLAIN_ENDINGS)
    for kind in DigitdError.__subclasses__():
        if kind.exit_code not in found:
            found[kind.exit_code] = (kind.__doc__ or "").strip().splitlines()[0]
    return dict(sorted(found.items()))


def _title(name: str, section: int) -> str:
    # Reproducible builds set the variable: reproducible-builds.org/specs/source-date-epoch.
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    day = datetime.now(UTC) if epoch is None else datetime.fromtimestamp(int(epoch), UTC)
    return f'.TH {name} {section} "{day:%Y-%m-%d}" "digitd {__version__}" "digitd"'


def _lowered(text: str) -> str:
    return text[0].lower() + text[1:].rstrip(".")


def _synopsis(name: str, command: Any, rest: str) -> str:
    called = escaped(f"digitd {name}".strip())
    optional = " ".join(f"[{_spelt(each)}]" for each in _own(command))
    return f".B {called}\n{optional} {escaped(rest)}".rstrip()


def _own(command: Any) -> Iterator[Any]:
    """The options that can be seen."""
    yield from (each for each in command.params if each.param_type_name == "option" and not each.hidden)


def _arguments(command: Any) -> str:
    shown = (each.metavar or each.name.upper() for each in command.params if each.param_type_name == "argument")
    return " ".join(shown)


def _value(option: Any) -> str:
    """The name of the option's value; empty for a switch."""
    if option.is_flag:
        return ""
    # A newer Typer describes types itself, an older one has click's.
    kind = getattr(option, "type_descriptor", None) or option.type
    choices = getattr(kind, "choices", None) or ()
    return option.metavar or "|".join(str(getattr(each, "value", each)) for each in choices) or "VALUE"


def _spelt(option: Any) -> str:
    value = _value(option)
    return f"\\fB{escaped(max(option.opts, key=len))}\\fR" + (f" \\fI{escaped(value)}\\fR" if value else "")


def _options(command: Any) -> Iterator[str]:
    for option in _own(command):
        value = _value(option)
        names = ", ".join(f"\\fB{escaped(name)}\\fR" for name in option.opts)
        yield ".TP"
        yield names + (f" \\fI{escaped(value)}\\fR" if value else "")
        yield prose(option.help or "")


def _tagged(entries: dict[str, str]) -> Iterator[str]:
    for name, text in entries.items():
        yield from (".TP", f".B {escaped(name)}", prose(text))


if __name__ == "__main__":
    print(config_page(Path(sys.argv[1]).read_text(encoding="utf-8")) if sys.argv[1:] else page(), end="")
