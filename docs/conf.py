"""Sphinx builds offline and treats every warning as an error."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

from sphinx.application import Sphinx

ROOT: Final = Path(__file__).resolve().parent.parent

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

nitpick_ignore_regex: Final = [
    # The standard library: no inventory of it can be fetched offline.
    (
        r"py:.*",
        r"(abc|collections|dataclasses|datetime|decimal|enum|fractions|pathlib|typing|types)\..*",
    ),
    # Type variables, and what is private to a module.
    (r"py:.*", r"(.*\.)?[A-Z](_co|_contra)?"),
    (r"py:.*", r"ordercore\.(.*\.)?_.*"),
    # Type aliases and what they are made of: such names arrive without their module.
    (r"py:class", r"[A-Z]\w+"),
    # Ids whose name says all; autodoc lists a NewType only where it has a sentence of its own.
    (r"py:class", r"ordercore\.ids\.\w+"),
]


def _layers() -> list[str]:
    """The rooms from the ground up, as the import contract in pyproject.toml has them."""
    project_file = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract, *_) = project_file["tool"]["importlinter"]["contracts"]
    return [room for layer in reversed(contract["layers"]) for room in layer.split(" | ")]


def _modules(room: str) -> list[str]:
    """The public modules of a room, the room itself first."""
    source = ROOT / "src"
    folder = source / "ordercore" / room
    paths = sorted(folder.rglob("*.py")) or [folder.with_suffix(".py")]
    names = {
        ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        for path in paths
    }
    return sorted(name for name in names if "._" not in name)


def _add_modules(app: Sphinx, name: str, source: list[str]) -> None:
    """Write one section for each public module into the page about the interface."""
    del app
    if name != "api":
        return
    for room in _layers():
        for module in _modules(room):
            is_room = (ROOT / "src" / Path(*module.split(".")) / "__init__.py").is_file()
            what = "   :no-members:\n" if is_room else ""
            source[0] += f"\n## {module}\n\n```{{eval-rst}}\n.. automodule:: {module}\n{what}```\n"


def _keep_colons(*event: object) -> None:
    """Keep "Half up: ties away from zero." a sentence; napoleon would read a type before it."""
    _, what, _, _, _, lines = event
    if what in {"attribute", "data", "property"} and isinstance(lines, list):
        lines[:0] = ["..", ""]


def setup(app: Sphinx) -> None:
    """Let the page about the interface follow the source tree."""
    app.connect("source-read", _add_modules)
    app.connect("autodoc-process-docstring", _keep_colons, priority=100)
