"""Imports point one way, heavy libraries stay where they belong, and the daemon itself is light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "daemon" / "digitd"

# What each module or package of digitd may import of digitd, besides itself.
FOUNDATION = {"errors", "units", "names", "fs", "journald", "log", "settings", "mistakes", "config", "results"}
PARTS = {
    "__init__": set(),
    "__main__": {"cli"},
    # The foundation: each knows only what stands before it.
    "errors": set(),
    "units": set(),
    "names": set(),
    "journald": set(),
    "log": {"errors", "journald", "names"},
    "systemd": set(),
    "signals": set(),
    "failpoints": set(),
    "wake": set(),
    "fs": {"names"},
    "results": {"names"},
    "settings": {"units"},
    "mistakes": {"settings", "errors"},
    "config": {"mistakes", "settings", "errors"},
    # Siblings: none knows another.
    "labels": {"results"},
    "interval": set(),
    "profiles": {"settings"},
    "tables": set(),
    "tally": {"errors", "pool", "results"},
    "room": {"settings"},
    "standing": {"results", "room"},
    "exposition": {"__init__", "names", "standing", "tally"},
    "scraping": {"log"},
    "migrate": {"__init__", "fs", "log", "errors", "tables"},
    "database": {"errors", "migrate"},
    "kept": {"fs", "tables"},
    "reviews": {"results", "tables"},
    "lying": {"fs", "names", "tables"},
    "journal": {"database", "fs", "errors", "kept", "migrate", "reviews", "tables"},
    "forgetting": {"database", "migrate", "reviews", "tables"},
    "outbox": {"fs", "names"},
    "tickets": {"fs", "names"},
    "archive": {"failpoints", "fs", "names", "settings", "tables", "tickets"},
    "preflight": {"fs", "settings", "errors"},
    "lock": {"errors", "names"},
    "marks": {"errors", "fs", "lock", "log", "names", "settings"},
    "intake": set(),
    "imaging": {"errors"},
    "recognition": {"imaging", "results", "errors"},
    "pool": {"recognition", "imaging", "results", "errors", "failpoints", "fs"},
    "training": {"recognition", "imaging", "results", "errors", "interval", "labels"},
    # Where they meet.
    "rolling": FOUNDATION | {"database", "failpoints", "journal", "tables", "outbox"},
    "syncing": FOUNDATION | {"database", "failpoints", "journal"},
    "recalled": FOUNDATION | {"migrate", "reviews", "tables"},
    "rebuild": FOUNDATION | {"database", "archive", "journal", "recalled", "salvage", "tables"},
    "salvage": FOUNDATION | {"tables"},
    "refiling": FOUNDATION | {"archive", "lying", "tables", "tickets"},
    "delivery": FOUNDATION
    | {"database", "failpoints", "journal", "tables", "outbox", "archive", "refiling", "rolling", "syncing", "tally"},
    "verifying": FOUNDATION | {"database", "delivery", "journal", "reviews", "tables"},
    "findings": FOUNDATION | {"delivery", "intake", "pool", "tables"},
    "alone": FOUNDATION
    | {"archive", "delivery", "journal", "lock", "marks", "outbox", "preflight", "rolling", "verifying"},
    "maintenance": FOUNDATION | {"database", "forgetting", "journal", "migrate", "tables"},
    "vigil": FOUNDATION | {"intake"},
    "supply": FOUNDATION | {"tables", "intake", "vigil"},
    "heartbeat": FOUNDATION | {"delivery", "lock", "pool", "supply", "systemd"},
    "metrics": FOUNDATION | {"exposition", "scraping", "standing", "tally"},
    "observer": FOUNDATION | {"delivery", "journal", "pool", "reloader", "room", "standing", "supply"},
    "health": {"errors", "lock"},
    "history": {"results", "reviews", "tables"},
    "versions": {"__init__", "results"},
    "waiting": FOUNDATION | {"intake", "kept", "tables"},
    "corrections": FOUNDATION | {"intake", "labels", "lying", "tables"},
    "quality": {"history", "interval", "results", "reviews", "settings"},
    "report": FOUNDATION
    | {"database", "health", "history", "lock", "quality", "recognition", "room", "versions", "waiting"},
    "review": FOUNDATION
    | {"__init__", "alone", "database", "history", "journal", "lock", "lying", "migrate", "report", "reviews", "tables"}
    # Its painter, a process of its own.
    | {"imaging", "pool"},
    "retry": FOUNDATION | {"archive", "intake", "tickets"},
    "workers": {"errors", "log", "names", "settings", "pool", "recognition"},
    "reload": FOUNDATION | {"lock", "marks", "pool", "preflight", "recognition", "workers"},
    "reloader": FOUNDATION | {"lock", "recognition", "reload", "systemd", "workers"},
    "dispatch": FOUNDATION | {"archive", "delivery", "failpoints", "findings", "pool", "profiles", "supply", "tally"},
    "bulk": FOUNDATION | {"intake", "pool", "workers"},
    "catalogue": FOUNDATION | {"bulk"},
    "parts": FOUNDATION | {"bulk", "catalogue"},
    "evaluation": FOUNDATION | {"interval", "recognition", "imaging", "training", "labels", "workers", "bulk"},
}
# Where the daemon is put together.
WHOLE = set(PARTS) - {"training", "evaluation", "cli", "__main__"}
SERVICE = {
    "assembly": WHOLE - {"signals", "wake"},
    "daemon": WHOLE | {"assembly"},
    "service": WHOLE | {"assembly", "daemon"},
}
ALLOWED: dict[str, set[str]] = PARTS | SERVICE | {"cli": (set(PARTS) | set(SERVICE)) - {"__main__"}}

# Which of digitd's files may import a library.
ONLY_IN = {
    "watchdog": ["intake/watch.py"],
    "tensorflow": ["training/", "recognition/tensorflow.py"],
    "keras": ["training/", "recognition/tensorflow.py"],
    "yaml": ["config.py"],
    "cv2": ["imaging/", "training/", "evaluation/"],
    "matplotlib": ["evaluation/plots.py"],
    "ray": ["pool/ray_driver.py", "pool/ray_cluster.py"],
    "prometheus_client": ["exposition.py", "scraping.py"],
    "starlette": ["review/"],
    "anyio": ["review/"],
    "uvicorn": ["review/serving.py", "review/patience.py"],
    "jinja2": ["review/assets.py"],
}

FILES = sorted(PACKAGE.rglob("*.py"))


def name_of(file: Path) -> str:
    """A file's path below the package."""
    return file.relative_to(PACKAGE).as_posix()


def unit_of(file: Path) -> str:
    """The module or package of the first level that a file belongs to."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(file: Path, *, when_loaded: bool = False) -> Iterator[str]:
    """Every module that a file imports, with dots; `from a import b` counts as a and as a.b.

    Anywhere in it, or only what it needs to be loaded, not what a function imports when it is called.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in tree.body if when_loaded else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(file)}:{node.lineno} has a relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            assert node.args, name_of(file)
            if isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


def units_imported(file: Path) -> set[str]:
    """The units of digitd that a file imports."""
    units = {unit_of(each) for each in FILES}
    found = set()
    for module in imports(file):
        top, _, rest = module.partition(".")
        if top == "digitd" and rest.split(".")[0] in units:
            found.add(rest.split(".")[0])
    return found


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_imports_point_one_way(file: Path) -> None:
    """A file imports of digitd what its place in the design allows, and nothing else."""
    unit = unit_of(file)
    assert unit in ALLOWED, f"{unit} is new: say in this test what it may import"
    extra = units_imported(file) - ALLOWED[unit] - {unit}
    assert not extra, f"{name_of(file)} imports {sorted(extra)}"


def test_the_rules_themselves_have_no_circle() -> None:
    """What may be imported is an order."""
    TopologicalSorter({unit: allowed - {unit, "__init__"} for unit, allowed in ALLOWED.items()}).prepare()


def test_modules_have_no_circle() -> None:
    """Inside the packages too, no two modules need each other."""
    modules = {name_of(file).removesuffix(".py").removesuffix("/__init__").replace("/", "."): file for file in FILES}
    graph = {
        module: {
            imported.removeprefix("digitd.")
            for imported in imports(file, when_loaded=True)
            if imported.startswith("digitd.") and imported.removeprefix("digitd.") in modules
        }
        # A package's __init__ and the modules in it are loaded together.
        - {module, module.rpartition(".")[0]}
        for module, file in modules.items()
    }
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_imported_where_its_field_is(library: str) -> None:
    """So that it can be exchanged, and is loaded by nobody who does not need it."""
    for file in FILES:
        if library in {module.split(".")[0] for module in imports(file)}:
            assert name_of(file).startswith(tuple(ONLY_IN[library])), f"{name_of(file)} imports {library}"


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("digitd.service", ["cv2", "numpy", "tensorflow", "keras", "ai_edge_litert", "pypdfium2", "prometheus_client"]),
        ("digitd.cli", ["cv2", "numpy", "tensorflow", "keras", "ai_edge_litert", "pypdfium2", "digitd.service"]),
        ("digitd.cli", ["starlette", "uvicorn", "jinja2", "anyio"]),
        ("digitd.service", ["starlette", "uvicorn", "jinja2", "anyio"]),
        ("digitd.review.app", ["cv2", "numpy", "tensorflow", "keras", "ai_edge_litert", "pypdfium2", "matplotlib"]),
        ("digitd.review.painter", ["tensorflow", "ai_edge_litert", "yaml", "sqlite3", "starlette", "uvicorn"]),
        ("digitd.pool.worker", ["tensorflow", "keras", "yaml", "watchdog"]),
        ("digitd.evaluation.scans", ["tensorflow", "keras", "matplotlib"]),
        ("digitd.evaluation.explain", ["tensorflow", "keras", "matplotlib", "digitd.training"]),
    ],
)
def test_what_a_process_does_not_need_is_not_loaded(module: str, heavy: list[str]) -> None:
    """The daemon's own process has no images and no networks, and a worker has no TensorFlow."""
    script = f"import sys, {module}; print(*(name for name in {heavy!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
