"""The page's own files: styles and scripts from memory, by name alone, and templates that escape whatever they show."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from digitd import __version__, names
from digitd.review import views

HERE = Path(__file__).parent
MEDIA = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    """A file of ours."""

    media: str
    data: bytes


class Assets:
    """What lies in static/ and templates/, read once."""

    def __init__(self) -> None:
        self.files = {
            file.name: Asset(MEDIA[file.suffix], file.read_bytes())
            for file in sorted((HERE / "static").iterdir())
            if file.suffix in MEDIA
        }
        digest = hashlib.sha256(b"".join(asset.data for asset in self.files.values()))
        self.version = digest.hexdigest()[:12]
        """In the files' addresses: a browser may keep them for ever, and asks anew when they change."""
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "short": views.short,
            "percent": views.percent,
            "local": views.local,
            "printable": names.printable,
        }
        self._templates.globals |= {"asset": self.address, "version": __version__, "picture_of": views.picture_of}

    def address(self, name: str) -> str:
        """Where a file of ours is."""
        if name not in self.files:
            raise KeyError(name)
        return f"/static/{self.version}/{name}"

    def page(self, template: str, **shown: Any) -> str:
        """A template filled in."""
        return self._templates.get_template(template).render(**shown)
