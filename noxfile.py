"""
The one list of commands. Plain ``nox`` runs all that ``.ci/run`` runs.

CI calls these sessions too, so that no command stands in two places: inside one environment
(``--no-venv --no-install``), but for ``oldest`` and ``examples``, which make their own.
"""

from __future__ import annotations

import re
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_external_run = False
nox.options.sessions = ["tests", "oldest", "examples", "types", "lint", "layers", "docs"]

BENCHMARKS = Path("tests/benchmarks")


@nox.session
def tests(session: nox.Session) -> None:
    """Run every test, doctest and code block; arguments go to pytest."""
    session.install("-e", ".[test]")
    session.run("pytest", *(session.posargs or ["-n", "2"]))


@nox.session
def oldest(session: nox.Session) -> None:
    """Run the unit tests and laws with the oldest libraries that pyproject.toml admits."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    pins = [re.sub(r">=([\d.]+).*", r"==\1.*", each) for each in project["dependencies"]]
    session.install("-e", ".[test]", *pins)
    session.run("pytest", "-n", "2", "tests/unit", "tests/laws")


@nox.session
def examples(session: nox.Session) -> None:
    """Run every program in examples/ with nothing installed but its extra."""
    session.install("-e", ".[examples]")
    for program in sorted(Path("examples").glob("*.py")):
        if '__name__ == "__main__"' in program.read_text(encoding="utf-8"):
            session.run("python", str(program))


@nox.session
def types(session: nox.Session) -> None:
    """Check all code with mypy and pyright, both strict."""
    session.install("-e", ".[dev]")
    session.run("mypy")
    session.run("pyright", env={"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"})


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, complexity and formatting."""
    session.install("-e", ".[dev]")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def layers(session: nox.Session) -> None:
    """Check that imports only point down."""
    session.install("-e", ".[dev]")
    session.run("lint-imports", "--no-cache", "--no-logo")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the docs; a warning or a broken reference fails."""
    session.install("-e", ".[dev]")
    session.run("sphinx-build", "-W", "-n", "-q", "-E", "docs", "docs/_build/html")


# --- long runs, by hand -------------------------------------------------------------------------


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Run every script in tests/benchmarks, or those that are named; they print figures."""
    session.install("-e", ".[bench]")
    scripts = [*sorted(BENCHMARKS.glob("bench_*.py")), BENCHMARKS / "test_import_time.py"]
    for script in session.posargs or map(str, scripts):
        session.run("python", script)


@nox.session(default=False)
def deep(session: nox.Session) -> None:
    """Simulate every pair of faults in every flow and setting; takes over half an hour."""
    session.install("-e", ".[test]")
    chosen = ("-m", "deep", "-k", "not random", "tests/simulation")
    session.run("pytest", "-n", "2", "--dist", "worksteal", *chosen)


@nox.session(default=False)
def seeds(session: nox.Session) -> None:
    """Simulate 100,000 random lives with up to three faults each."""
    session.install("-e", ".[test]")
    session.run("pytest", "-m", "deep", "-k", "random", "tests/simulation")


@nox.session(default=False)
def store(session: nox.Session) -> None:
    """Write anew what is stored: public face, error codes, the table of docs/requests.md."""
    session.install("-e", ".[test]")
    session.run("pytest", "tests/architecture", "tests/docs/test_requests.py", "--store")
