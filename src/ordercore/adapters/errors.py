"""
What can be wrong with a database, or with what is to be written into it.
"""

from __future__ import annotations

from attrs import define

from ordercore.errors import BrokenContractError, InvalidValueError, UnavailableError

__all__ = [
    "InvalidChangeSetError",
    "SchemaMismatchError",
    "StoreBrokenError",
    "StoreClosedError",
    "StoreFailedError",
    "UnstorableTextError",
    "UnusablePathError",
]


@define
class InvalidChangeSetError(InvalidValueError):
    """A change set that contradicts itself."""

    sentence = "The change set cannot be written: {problem}."
    problem: str


@define
class UnstorableTextError(InvalidValueError):
    """Text or a number that no database takes: half a character, NUL, more than 64 bits."""

    sentence = "The change set holds text or a number that cannot be stored."


@define
class UnusablePathError(InvalidValueError):
    """Several connections cannot share what the path names, or the database is too old."""

    sentence = "This database cannot be used: {problem}."
    problem: str


@define
class SchemaMismatchError(BrokenContractError):
    """The database does not have the tables that this version needs."""

    sentence = "The database cannot be used by this version: {problem}."
    problem: str


@define
class StoreClosedError(BrokenContractError):
    """The store was used after it was closed."""

    sentence = "The store is closed; open a new one."


@define
class StoreBrokenError(BrokenContractError):
    """The database is damaged, no database at all, or refuses what it should take."""

    sentence = "The database is broken ({problem})."
    problem: str


@define
class StoreFailedError(UnavailableError):
    """The database could not do its work: a full disk, a lost file, no permission."""

    sentence = "The database failed ({problem}); retry later with the same key."
    problem: str
