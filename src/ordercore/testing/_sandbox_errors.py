"""
Errors of the sandbox; `ordercore.testing.sandbox` is the door.
"""

from __future__ import annotations

from attrs import define

from ordercore.errors import NotFoundError, UnavailableError

__all__ = ["SandboxDownError", "UnknownToSandboxError"]


@define
class SandboxDownError(UnavailableError):
    """The sandbox answers with a server error."""

    sentence = "The sandbox is down (503); retry later with the same key."


@define
class UnknownToSandboxError(NotFoundError):
    """The sandbox has no such order, operation or parcel in its books."""

    sentence = "The sandbox knows nothing of {name}."
    name: str
