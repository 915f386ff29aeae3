from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# A file without a main part is there to be imported by the others.
PROGRAMS = [
    path
    for path in sorted((ROOT / "examples").glob("*.py"))
    if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
]


# What keeps a program short here; `nox -s examples` runs each in full.
SHORT = {"crash_and_resume.py": ("--kills", "3")}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_each_example_runs(program: Path, tmp_path: Path) -> None:
    """An example ends well, complains about nothing and shows something."""
    done = subprocess.run(
        [sys.executable, program, *SHORT.get(program.name, ())],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.strip()


def test_the_quickstart_is_there() -> None:
    """The first command of the README runs examples/quickstart.py."""
    assert "quickstart.py" in {program.name for program in PROGRAMS}
