"""
Connections of `SqliteStore`: how they are opened, lent and given back, and what their errors mean.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

from ordercore.adapters.errors import (
    StoreBrokenError,
    StoreClosedError,
    StoreFailedError,
    UnstorableTextError,
    UnusablePathError,
)
from ordercore.ports.unit_of_work import StoreBusyError

__all__ = [
    "Pool",
    "translated",
    "write_ahead",
]

OLDEST: Final = (3, 37, 0)
"""The oldest SQLite with STRICT tables."""
STATEMENTS: Final = 256
PAUSE_S: Final = 0.01

_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_BROKEN: Final = frozenset({sqlite3.SQLITE_CORRUPT})
_NO_DATABASE: Final = (
    "the file is no SQLite database; give the path of a new file, or of one that is"
)


def _code(error: sqlite3.Error) -> int:
    """The primary result code, without what extends it."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


@contextmanager
def translated() -> Generator[None]:
    """The one place where errors of sqlite3 become ours; the cause is kept."""
    try:
        yield
    except sqlite3.Error as error:
        code = _code(error)
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        if code in _BUSY:
            raise StoreBusyError from error
        if code == sqlite3.SQLITE_NOTADB:
            raise StoreBrokenError(f"{name}: {_NO_DATABASE}") from error
        if code in _BROKEN or not isinstance(error, sqlite3.OperationalError):
            raise StoreBrokenError(name) from error
        raise StoreFailedError(name) from error
    except (UnicodeEncodeError, OverflowError) as error:
        raise UnstorableTextError from error


def write_ahead(connection: sqlite3.Connection, *, busy_timeout: float) -> None:
    """
    Bring the file of a new connection to WAL, and wait so many seconds for others.

    SQLite's own timeout does not wait here: neither while somebody writes to a file that is not in
    WAL yet, nor while the last one to close cleans up.
    """
    until = time.monotonic() + busy_timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if _code(error) not in _BUSY or time.monotonic() >= until:
                raise
            time.sleep(PAUSE_S)
        else:
            return


def _checked(path: object) -> str:
    """The path of a file in a folder that is there; the file itself may be new."""
    given = cast("os.PathLike[str]", path)
    found: object = os.fspath(given) if isinstance(path, os.PathLike) else path
    if not isinstance(found, str):
        raise UnusablePathError(f"give the path of a file, not {type(found).__name__}")
    if not found or "\0" in found or found.startswith((":memory:", "file:")):
        raise UnusablePathError("give the path of a file, or take a MemoryStore")
    if os.path.isdir(found):
        raise UnusablePathError("the path is a folder; give that of a file in it")
    if not os.path.isdir(os.path.dirname(found) or os.curdir):
        raise UnusablePathError("its folder does not exist; make it first")
    return found


class Pool:
    """
    Connections to one database file, one per piece of work at a time.

    A connection that is given back waits for the next piece of work, of whichever thread. After a
    fork the child opens its own: SQLite connections must not cross it.
    """

    def __init__(self, path: str | Path, *, busy_timeout: float) -> None:
        if sqlite3.sqlite_version_info < OLDEST:
            raise UnusablePathError(f"SQLite {sqlite3.sqlite_version} is older than 3.37")
        self._path = _checked(path)
        self._busy_timeout = busy_timeout
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._parents: list[sqlite3.Connection] = []
        self._process = os.getpid()
        self._is_closed = False

    @contextmanager
    def connection(self) -> Generator[sqlite3.Connection]:
        """A connection for one piece of work; whatever it left open is rolled back."""
        connection = self._take()
        try:
            with translated():
                yield connection
        finally:
            self._give_back(connection)

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._is_closed:
                raise StoreClosedError
            if self._process != os.getpid():
                self._parents += self._idle  # kept, so that the child never closes them
                self._process, self._idle = os.getpid(), []
            if self._idle:
                return self._idle.pop()
        return self._open()

    def _open(self) -> sqlite3.Connection:
        with translated():
            connection = sqlite3.connect(
                self._path,
                timeout=self._busy_timeout,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=STATEMENTS,
            )
            try:
                write_ahead(connection, busy_timeout=self._busy_timeout)
                connection.execute("PRAGMA synchronous = FULL")
            except BaseException:
                connection.close()
                raise
            return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            connection.rollback()
        with self._lock:
            if not self._is_closed and self._process == os.getpid():
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close what is idle now, and the rest when it is given back."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
