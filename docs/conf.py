"""Sphinx builds offline and treats every warning as an error."""

from __future__ import annotations

import builtins
import importlib
import inspect
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

from ordercore.machine import Conditions, StateMachine

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "src"

project: Final = "ordercore"
author: Final = "ordercore contributors"
copyright: Final = "2026, ordercore contributors"

extensions: Final = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme: Final = "furo"
html_title: Final = "ordercore"
exclude_patterns: Final = ["_build"]

# Single backticks in docstrings name code; most of it is of another module, so it is not linked.
default_role: Final = "literal"

myst_enable_extensions: Final = ["colon_fence"]
myst_heading_anchors: Final = 3

napoleon_custom_sections: Final = [("Source", "Notes")]
autodoc_member_order: Final = "bysource"
autodoc_typehints: Final = "description"
autodoc_typehints_format: Final = "short"
autodoc_default_options: Final = {
    "members": True,
    "undoc-members": True,
    "show-inheritance": True,
}


def _modules() -> dict[str, ModuleType]:
    """Every public module, room by room from the ground up, as the import contract has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract, *_) = settings["tool"]["importlinter"]["contracts"]
    rooms = [room for layer in reversed(contract["layers"]) for room in layer.split(" | ")]
    names: list[str] = []
    for room in rooms:
        paths = [SOURCE / "ordercore" / f"{room}.py", *(SOURCE / "ordercore" / room).rglob("*.py")]
        names += sorted(
            ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
            for path in paths
            if path.is_file()
        )
    return {name: importlib.import_module(name) for name in names if "._" not in name}


MODULES: Final = _modules()

nitpick_ignore: Final = [
    # NewTypes and type aliases are no classes, and listed only where they have a sentence.
    ("py:class", f"{module.__name__}.{name}")
    for module in MODULES.values()
    for name, value in vars(module).items()
    if not inspect.isclass(value)
]
nitpick_ignore_regex: Final = [
    # The standard library: no inventory of it can be fetched offline.
    (r"py:.*", r"(abc|collections|dataclasses|datetime|decimal|enum|fractions|pathlib)\..*"),
    (r"py:.*", r"(signal|typing|types)\..*"),
    # The libraries that signatures name: no inventory of theirs can be fetched either.
    (r"py:.*", r"(attr|attrs|hypothesis|pytest|sqlalchemy)\..*"),
    # Type variables and parameters, and what is private to a module.
    (r"py:.*", r"~?(.*\.)?_?[A-Z](_co|_contra)?"),
    (r"py:.*", r"ordercore\.(.*\.)?_.*"),
    # What stands in quotes (in aliases, in the bases of generics) arrives as it is written, and
    # the members of an enum, in the default of an argument, as they print themselves.
    (r"py:class", r"[A-Z]\w+|datetime|timedelta|date|.*[\[|].*|<.*"),
]


def _exported(module: ModuleType) -> dict[str, int]:
    """The classes and functions that a module exports, by the identity of what they name."""
    values = {name: getattr(module, name) for name in getattr(module, "__all__", ())}
    return {
        name: id(value)
        for name, value in values.items()
        if inspect.isclass(value) or inspect.isfunction(value)
    }


def _told_elsewhere() -> dict[str, list[str]]:
    """For each module the names that another one tells about: the inner module is the first."""
    seen: set[int] = set()
    found: dict[str, list[str]] = {}
    for name, module in sorted(MODULES.items(), key=lambda each: hasattr(each[1], "__path__")):
        exported = _exported(module)
        found[name] = [each for each, identity in exported.items() if identity in seen]
        seen.update(exported.values())
    return found


def _interface() -> Iterator[str]:
    """One section for each public module."""
    elsewhere = _told_elsewhere()
    for module in MODULES:
        without = ", ".join(elsewhere[module])
        option = f"   :exclude-members: {without}\n" if without else ""
        yield f"\n## {module}\n\n```{{eval-rst}}\n.. automodule:: {module}\n{option}```\n"


def _machines() -> Iterator[str]:
    """One section for each machine and each derived status, inner modules first."""
    seen: set[int] = set()
    for module, values in MODULES.items():
        for name, value in vars(values).items():
            if not isinstance(value, StateMachine | Conditions) or id(value) in seen:
                continue
            seen.add(id(value))
            yield f"\n## {module}.{name}\n\n{value.to_table()}\n"
            if isinstance(value, StateMachine):
                yield f"\n```text\n{value.to_mermaid()}\n```\n"


def _requests() -> Iterator[str]:
    """What becomes of every request and report in every status: asked of real orders."""
    sys.path.insert(0, str(ROOT))
    lives = importlib.import_module("tests.unit.order.pairs")
    yield from lives.tables()


def _fill(_: Sphinx, name: str, source: list[str]) -> None:
    """Write what the code says into the pages that only introduce it."""
    sections = {"api": _interface, "machines": _machines, "requests": _requests}
    if name in sections:
        source[0] += "".join(sections[name]())


def _keep_colons(*event: object) -> None:
    """Keep "Half up: ties away from zero." a sentence; napoleon would read a type before it."""
    _, what, _, _, _, lines = event
    if what in {"attribute", "data", "property"} and isinstance(lines, list):
        lines[:0] = ["..", ""]


def _leave_builtins(_: Sphinx, doctree: nodes.document) -> None:
    """Keep ``type`` in an annotation from pointing to some attribute of that name."""
    for node in list(doctree.findall(pending_xref)):
        if node.get("refdomain") == "py" and hasattr(builtins, node["reftarget"]):
            node.replace_self(node.children)


def setup(app: Sphinx) -> None:
    """Let the pages about interface and machines follow the source tree."""
    app.connect("source-read", _fill)
    app.connect("autodoc-process-docstring", _keep_colons, priority=100)
    app.connect("doctree-read", _leave_builtins)
