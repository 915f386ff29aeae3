from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGE, ROOT

TEXTS = {".cfg", ".css", ".csv", ".json", ".md", ".py", ".sql", ".toml", ".txt", ".xml", ".yaml"}
PLACES = (".ci", "docs", "examples", "src", "tests")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|Users|work)/\w" + "|" + r"[A-Z]:\\Users")

SET_UP = [
    (
        'python3 -m venv .venv && .venv/bin/pip install -e ".[examples]"'
        " && .venv/bin/python examples/quickstart.py"
    ),
    'python3 -m venv .venv && .venv/bin/pip install -e ".[test]" && .venv/bin/pytest',
]


def _texts() -> list[Path]:
    """Every text file that belongs to the project."""
    found = [path for path in ROOT.iterdir() if path.is_file() and path.suffix in TEXTS]
    for place in PLACES:
        found += [
            path
            for path in (ROOT / place).rglob("*")
            if path.is_file()
            and (path.suffix in TEXTS or path.parent.name == ".ci")
            and "_build" not in path.parts
        ]
    return sorted(found)


def _project() -> dict[str, str | list[str]]:
    """The table ``[project]``, as far as it is text and lists of text."""
    project: dict[str, str | list[str]] = tomllib.loads(
        (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    )["project"]
    return project


@pytest.mark.parametrize("path", _texts(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_file_names_a_machine(path: Path) -> None:
    """The project speaks of itself alone: no path of somebody's machine."""
    assert [] == MACHINE_PATH.findall(path.read_text(encoding="utf-8"))


def test_a_planted_machine_path_is_found() -> None:
    """The pattern sees a home directory and lets a relative path through."""
    assert MACHINE_PATH.search("see " + "/" + "home/ann/notes.md")
    assert not MACHINE_PATH.search("see docs/home/notes.md and ../shared/data")


def test_the_readme_has_the_two_commands() -> None:
    """The README's shell blocks are the two set-up commands, as CI runs them."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:bash|sh|console|shell)\n(.*?)```", readme, re.DOTALL)
    lines = [block.replace("\\\n", " ").strip() for block in blocks]
    assert [shlex.split(line) for line in SET_UP] == [shlex.split(line) for line in lines]


def test_three_libraries_are_enough() -> None:
    """The library needs attrs, cattrs and python-dateutil, and nothing else."""
    needed = _project()["dependencies"]
    assert isinstance(needed, list)
    assert ["attrs", "cattrs", "python-dateutil"] == [
        re.split(r"[^\w-]", each)[0] for each in needed
    ]


def test_the_package_is_typed_and_named() -> None:
    """The wheel carries its types and its licence as an SPDX name."""
    assert (PACKAGE / "py.typed").is_file()
    assert ("ordercore-sdk", "MIT") == (_project()["name"], _project()["license"])


def test_ci_runs_every_session() -> None:
    """What nox runs by default and what CI runs are the same list, and the same commands."""
    sessions = re.search(r"options\.sessions = \[(.*?)\]", (ROOT / "noxfile.py").read_text("utf-8"))
    assert sessions is not None
    steps = re.findall(r"^step \d+ (.*)", (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE)
    called = [step.replace("--no-venv --no-install ", "") for step in steps]
    assert [f"{name} nox -s {name}" for name in re.findall(r'"(\w+)"', sessions[1])] == called


def test_imports_only_point_down() -> None:
    """The layers hold, and every room stands in one of them."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
