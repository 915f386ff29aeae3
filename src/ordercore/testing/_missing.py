"""
What is said where a library is missing that only tests need.
"""

from __future__ import annotations

from attrs import define

from ordercore.errors import UnavailableError

__all__ = ["LibraryMissingError"]


@define
class LibraryMissingError(UnavailableError):
    """A module for tests needs a library that is not installed."""

    sentence = "ordercore.testing.{module} needs {library}; install it beside your tests."
    module: str
    library: str
