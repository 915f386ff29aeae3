"""
The file in which a sandbox keeps its own books, so that they outlive the process that made them.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

from attrs import define

from ordercore.adapters._sqlite_pool import write_ahead
from ordercore.errors import UnavailableError

__all__ = [
    "Connection",
    "Row",
    "SandboxFile",
    "SandboxFileError",
    "from_micros",
    "instant_or_none",
    "micros",
    "micros_or_none",
]

Connection: TypeAlias = sqlite3.Connection
Row: TypeAlias = tuple[Any, ...]
BUSY_TIMEOUT_S: Final = 30
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


@define
class SandboxFileError(UnavailableError):
    """The sandbox cannot use its file: it is busy, damaged, or not writable."""

    sentence = "The sandbox cannot use its file ({problem}); try again, or give it another."
    problem: str


def micros(instant: datetime) -> int:
    """Whole microseconds since 1970 in UTC."""
    return (instant - EPOCH) // MICROSECOND


def from_micros(value: int) -> datetime:
    """The instant of so many microseconds since 1970."""
    return EPOCH + value * MICROSECOND


def micros_or_none(instant: datetime | None) -> int | None:
    """The same, where there is one."""
    return None if instant is None else micros(instant)


def instant_or_none(value: int | None) -> datetime | None:
    """The same, where there is one."""
    return None if value is None else from_micros(value)


@contextmanager
def translated() -> Generator[None]:
    """The one place where errors of sqlite3 become ours; the cause is kept."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise SandboxFileError(name) from error


class SandboxFile:
    """
    One SQLite file, for any number of threads and processes; ``:memory:`` for one process.

    Every piece of work is one ``BEGIN IMMEDIATE`` transaction: it happened in full, or not at all,
    also when its process was killed in the middle.
    """

    def __init__(self, path: str | Path, schema: Sequence[str]) -> None:
        self._path = os.fspath(path)
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._parents: list[sqlite3.Connection] = []
        self._connection = self._open()
        with self.work() as connection:
            for statement in schema:
                connection.execute(statement)

    def _open(self) -> sqlite3.Connection:
        with translated():
            connection = sqlite3.connect(
                self._path,
                timeout=BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
            )
            write_ahead(connection, busy_timeout=BUSY_TIMEOUT_S)
            connection.execute("PRAGMA synchronous = NORMAL")
            return connection

    @contextmanager
    def work(self) -> Generator[sqlite3.Connection]:
        """A connection with the write lock; commits at the end, rolls back on any error."""
        with self._lock, translated():
            connection = self._current()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.rollback()

    def _current(self) -> sqlite3.Connection:
        """The connection of this process; one that came over a fork is kept, but never used."""
        if self._process != os.getpid():
            self._parents.append(self._connection)
            self._connection, self._process = self._open(), os.getpid()
        return self._connection

    def close(self) -> None:
        """Give the file back; a second time changes nothing."""
        with self._lock:
            self._connection.close()
