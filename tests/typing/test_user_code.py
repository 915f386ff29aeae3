from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ACCEPTED = sorted((HERE / "accepted").glob("*.py"))
REFUSED = sorted((HERE / "refused").glob("*.py"))

FOUND = re.compile(r"^(?P<file>.+?):(?P<line>\d+): error: .*\[(?P<code>[\w-]+)\]$")
EXPECTED = re.compile(r"# refused: (?P<code>[\w-]+)$")

Complaint = tuple[str, int, str]


def _short(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def complaints(paths: list[Path], cache: Path) -> set[Complaint]:
    """What mypy, strict as the project, says: file name, line and kind of error."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")),
            *("--cache-dir", str(cache), "--no-error-summary", "--no-pretty", "--exclude", "$^"),
            *map(str, paths),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    matches = (FOUND.match(line) for line in done.stdout.splitlines())
    return {(_short(Path(m["file"])), int(m["line"]), m["code"]) for m in matches if m is not None}


def announced(paths: list[Path]) -> set[Complaint]:
    """The errors that the files announce: ``# refused: arg-type`` at the end of a line."""
    return {
        (_short(path), number, match["code"])
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (match := EXPECTED.search(line)) is not None
    }


@pytest.mark.timeout(200)
def test_the_checker_takes_and_refuses_what_it_should(tmp_path: Path) -> None:
    """Right user code passes mypy; wrong user code fails on exactly the lines that say so."""
    expected = announced(REFUSED)
    assert ACCEPTED
    assert {_short(path) for path in REFUSED} == {name for name, _, _ in expected}
    assert expected == complaints(ACCEPTED + REFUSED, tmp_path)
