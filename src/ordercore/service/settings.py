"""
How the engines work: how long a worker has what it took, and when they give up.
"""

from __future__ import annotations

from datetime import timedelta

from attrs import Attribute, define, field, frozen

from ordercore.errors import InvalidValueError
from ordercore.money import checked_quantity

__all__ = ["InvalidLeaseError", "Settings"]


@define
class InvalidLeaseError(InvalidValueError):
    """A worker would have its order for no time, or nobody would ever go on after it."""

    sentence = "A lease must be a timedelta that is longer than nothing and at most a week."


def _lease(_instance: object, _attribute: Attribute[timedelta], value: object) -> None:
    if type(value) is not timedelta or not timedelta(0) < value <= timedelta(days=7):
        raise InvalidLeaseError


def _count(_instance: object, attribute: Attribute[int], value: object) -> None:
    checked_quantity(value, attribute.name, least=0)


@frozen(kw_only=True)
class Settings:
    """
    How the engines work. ``lease``: how long a worker has an order for itself; longer than any call
    to a gateway may take. ``conflicts``: how often a lost race is run again. ``tail``: how many
    events may stand after a snapshot before a new one is written. ``rounds``: how many more tasks
    than were due at first may be worked off in one go.
    """

    lease: timedelta = field(default=timedelta(seconds=60), validator=_lease)
    conflicts: int = field(default=5, validator=_count)
    rounds: int = field(default=200, validator=_count)
    tail: int = field(default=64, validator=_count)
