"""Imports run one way, from the ground up, as CONTRIBUTING.md says."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
LAYERS = (  # a room imports itself and lower layers, never another room of its own layer
    {"errors"},
    {"compiling", "device", "drafts", "randomness", "threads"},
    {"distributed"},
    {"config"},
    {"classes", "events", "files", "nested", "storage", "memory", "spill", "audio", "vocabulary"},
    {"midi"},
    {"features"},
    {"augment"},
    {"data"},
    {"models"},
    {"decoding", "metrics"},
    {"runs", "optimization"},
    {"tasks", "engine"},
    {"inference"},
    {"cli"},
    {"__main__"},
    {"recipes"},
)


def name(path: Path) -> str:
    """The dotted name of a module."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES = [path for folder in ("audio_rnn", "recipes") for path in (ROOT / folder).rglob("*.py")]
MODULES = {name(path): path for path in FILES}


def imports(path: Path) -> set[str]:
    """The project's modules that a file imports, inside functions as well."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import; write the whole name"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(m if m in MODULES else str(node.module) for m in whole)
    return found & MODULES.keys()


def room(module: str) -> str:
    """The first part below the package: audio_rnn.engine.trainer -> engine."""
    parts = module.split(".")
    return "recipes" if parts[0] == "recipes" else parts[1]


def level(module: str) -> int:
    """The layer of a module; a room that stands in none fails the test."""
    return next(i for i, rooms in enumerate(LAYERS) if room(module) in rooms)


def test_layers_import_downwards_only():
    edges = [(m, used) for m, path in MODULES.items() for used in imports(path) if "." in used]
    wrong = [
        f"{module} imports {used}"
        for module, used in edges
        if room(module) != room(used) and level(module) <= level(used)
    ]
    assert len(edges) > 50
    assert not wrong


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a ring, the first one again at the end; empty without one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_by_a_detour():
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []
    assert cycle({module: imports(path) - {module} for module, path in MODULES.items()}) == []
