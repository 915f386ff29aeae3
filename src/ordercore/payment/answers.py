"""
What a gateway can answer: a closed union, so that a new kind of answer fails the type check.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum, unique

from attrs import field, frozen

from ordercore.ids import Reference
from ordercore.money import Money
from ordercore.payment._fields import checked_reference, instant, positive, words

__all__ = [
    "ActionRequired",
    "Answer",
    "DeclineKind",
    "Declined",
    "LookUpAnswer",
    "NotFound",
    "PartiallyApproved",
    "Pending",
    "Succeeded",
    "Unknown",
]


@unique
class DeclineKind(StrEnum):
    """Why a gateway said no, by what to do next (RULES PAY-5)."""

    HARD = "hard"
    """Ask for another instrument."""
    SOFT = "soft"
    """Try again later."""
    FRAUD = "fraud"
    """Do not try again; a person looks."""
    CONFIGURATION = "configuration"
    """The shop's own fault; a person looks."""


@frozen(kw_only=True)
class Succeeded:
    """It happened, for this amount."""

    reference: Reference = field(converter=checked_reference)
    amount: Money = field(converter=positive)
    expires_at: datetime | None = field(default=None, converter=instant)


@frozen(kw_only=True)
class PartiallyApproved:
    """It happened for less than was asked (a gift card with too little on it)."""

    reference: Reference = field(converter=checked_reference)
    amount: Money = field(converter=positive)
    expires_at: datetime | None = field(default=None, converter=instant)


@frozen(kw_only=True)
class Pending:
    """The gateway has it and will say later."""

    reference: Reference = field(converter=checked_reference)


@frozen(kw_only=True)
class ActionRequired:
    """The customer must do something first, such as confirm at the bank."""

    reference: Reference = field(converter=checked_reference)
    action: str = field(default="", repr=False)


@frozen(kw_only=True)
class Declined:
    """It did not happen, for certain; ``code`` is the gateway's own word for why."""

    kind: DeclineKind
    code: str = field(default="", converter=words)
    retry_after: timedelta | None = None


@frozen(kw_only=True)
class Unknown:
    """Nobody knows whether it happened: a timeout, a broken connection, a 5xx."""

    reason: str = field(default="", converter=words)


@frozen(kw_only=True)
class NotFound:
    """The gateway knows of no such operation (an answer to a look-up only)."""


Answer = Succeeded | PartiallyApproved | Pending | ActionRequired | Declined | Unknown
"""What a gateway answers to an operation."""

LookUpAnswer = Answer | NotFound
"""What a gateway answers when asked what became of one."""
