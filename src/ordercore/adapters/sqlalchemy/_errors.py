"""
The one place where errors of the database become ours; the cause is kept.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ordercore.adapters.errors import StoreBrokenError, StoreFailedError, UnstorableTextError
from ordercore.ports.unit_of_work import StoreBusyError

__all__ = ["translated"]

BUSY: Final = frozenset({"40001", "40P01", "55P03", "57014"})
"""Serialisation failure, deadlock, lock not available, statement timeout."""
UNSTORABLE: Final = frozenset({"22003", "22021", "22P05"})
"""A number out of range, a character that the encoding does not have."""
OUTSIDE: Final = frozenset({"08", "53", "57", "58"})
"""Connection, resources, intervention, system: nothing that the statement could help."""


@contextmanager
def translated() -> Generator[None]:
    """Errors of SQLAlchemy and its driver as errors of this library, collisions left alone."""
    try:
        yield
    except IntegrityError:
        raise  # the store knows what collided
    except PoolTimeout as error:
        raise StoreBusyError from error
    except DBAPIError as error:
        state = str(getattr(error.orig, "sqlstate", "") or "")
        if state in BUSY:
            raise StoreBusyError from error
        if state in UNSTORABLE:
            raise UnstorableTextError from error
        if not state or error.connection_invalidated or state[:2] in OUTSIDE:
            raise StoreFailedError(state or type(error.orig).__name__) from error
        raise StoreBrokenError(state) from error
    except (UnicodeEncodeError, OverflowError) as error:
        raise UnstorableTextError from error
