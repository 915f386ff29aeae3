"""
What a gateway can answer: a closed union, so that a new kind of answer fails the type check.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import Final

from attrs import Attribute, field, frozen

from ordercore.ids import Reference
from ordercore.money import Money
from ordercore.payment._fields import (
    InvalidPaymentError,
    checked_reference,
    duration,
    instant,
    positive,
    words,
)

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

LONGEST_ACTION: Final = 10_000


@unique
class DeclineKind(StrEnum):
    """Why a gateway said no, by what to do next (RULES PAY-5)."""

    HARD = "hard"
    """Ask for another instrument."""
    SOFT = "soft"
    """Try again later."""
    FRAUD = "fraud"
    """As hard: suspected of fraud."""
    CONFIGURATION = "configuration"
    """The shop's own fault; a person looks."""


def _kind(_instance: object, attribute: Attribute[DeclineKind], value: object) -> None:
    if type(value) is not DeclineKind:
        problem = f"it must be a DeclineKind such as DeclineKind.SOFT, not {type(value).__name__}"
        raise InvalidPaymentError(attribute.name, problem)


def _wait(instance: object, attribute: Attribute[timedelta], value: timedelta | None) -> None:
    if value is not None:
        duration(instance, attribute, value)


def _page(_instance: object, attribute: Attribute[str], value: object) -> None:
    if type(value) is not str or len(value) > LONGEST_ACTION:
        problem = f"it must be text of at most {LONGEST_ACTION} characters"
        raise InvalidPaymentError(attribute.name, problem)


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
    action: str = field(default="", repr=False, validator=_page)


@frozen(kw_only=True)
class Declined:
    """
    It did not happen, for certain; ``code`` is the gateway's own word for why.

    ``retry_after`` is how long to wait at least before a soft decline is tried again: from zero to
    36,500 days.
    """

    kind: DeclineKind = field(validator=_kind)
    code: str = field(default="", converter=words)
    retry_after: timedelta | None = field(default=None, validator=_wait)


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
