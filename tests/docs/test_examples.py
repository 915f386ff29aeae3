from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
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


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One program of examples/, with arguments."""
    return subprocess.run(
        [sys.executable, ROOT / "examples" / program, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("program", ["crash_and_resume.py", "quickstart.py", "retail.py"])
def test_help_is_answered_at_once(program: str) -> None:
    """Who asks for help gets it, and not the whole program."""
    done = run(program, "--help")
    assert (0, "") == (done.returncode, done.stderr)
    assert "usage:" in done.stdout
    assert "--child" not in done.stdout


@pytest.mark.parametrize(
    ("program", "arguments", "told"),
    [
        ("crash_and_resume.py", ("--kills", "-5"), "below zero"),
        ("retail.py", ("nowhere.csv",), "nowhere.csv cannot be read"),
        ("own_repository.py", ("--help",), "checked by the contract suites"),
    ],
)
def test_a_wrong_argument_is_told_without_a_traceback(
    program: str, arguments: tuple[str, ...], told: str
) -> None:
    """The message is about the argument."""
    done = run(program, *arguments)
    assert done.returncode
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_planted_bug_is_reported() -> None:
    """A gateway that is called before its intent is written, and one kill: a violation is named."""
    done = run("crash_and_resume.py", "--plant")
    assert 1 == done.returncode
    assert "1 violation" in done.stdout


def test_a_stage_and_a_hold_of_ones_own_take_less_than_sixty_lines() -> None:
    """O-3: each says what it blocks, and what it does not."""
    program = ROOT / "examples" / "own_stage.py"
    assert len(program.read_text(encoding="utf-8").splitlines()) < 60
    told = run(program.name).stdout
    assert "Confirm is not possible: the order is on hold (prescription)." in told
    assert "Dispatch is not possible: the order is in the stage engraving." in told
    assert told.endswith(
        "fulfilling engraved\n"
        "  Cancel: Cancel is not possible: the order is in the stage engraved.\n"
        "  Dispatch: yes\n"
        "fulfilled engraved\n"
        "  Cancel: Cancel is not possible: the order is fulfilled.\n"
    )
