"""The ways that a scan can go: what becomes of its source, what is published of it, and which points it comes by."""

from typing import Literal

from digitd.failpoints import Point

Json = Literal["scan", "lines", "off"]
OUTPUTS: list[tuple[Json, bool]] = [("scan", True), ("scan", False), ("lines", True), ("lines", False), ("off", True)]
"""outbox.json, and whether there are CSV files."""
SOURCES = ["move", "across", "delete", "keep"]
"""What becomes of sources; `across`: moved to another file system."""


def comes_by(point: Point, sources: str, json: Json, csv: bool) -> bool:
    """Whether scans come by this point at all."""
    match point:
        case Point.STAGED | Point.PUBLISHED:
            return json == "scan"
        case Point.PART_STAGED | Point.PART_OPENED | Point.PART_PUBLISHED | Point.PART_MARKED:
            return csv or json == "lines"
        case Point.TICKET_WRITTEN:
            return sources in {"move", "across"}
        case Point.MOVED:
            return sources == "move"
        case Point.COPY_PLANNED | Point.COPIED | Point.COPY_IN_PLACE:
            return sources == "across"
        case Point.CLAIMED:
            return sources != "keep"
        case Point.REMOVED:
            return sources in {"across", "delete"}
        case _:
            return True
