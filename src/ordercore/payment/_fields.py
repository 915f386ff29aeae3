"""
Converters of the fields in this room.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from attrs import Attribute, define

from ordercore.errors import InvalidValueError
from ordercore.ids import Key, Reference, TenderId, checked_id
from ordercore.moment import utc
from ordercore.money import Money
from ordercore.payment.cards import mask_card_numbers, without_card_number

__all__ = [
    "LONGEST",
    "InvalidPaymentError",
    "checked_reference",
    "duration",
    "instant",
    "instrument",
    "key_id",
    "no_card",
    "optional_key",
    "optional_reference",
    "optional_tender",
    "positive",
    "positive_or_none",
    "tender_id",
    "words",
    "yes_or_no",
]

LONGEST_TEXT: Final = 500
LONGEST: Final = timedelta(days=36_500)
"""No wait is longer, so that no deadline is past the end of the calendar."""


@define
class InvalidPaymentError(InvalidValueError):
    """A value that payments cannot work with."""

    sentence = "{name} cannot be used: {problem}."
    name: str
    problem: str


def tender_id(value: TenderId) -> TenderId:
    """A tender id in its normal form; never a card number."""
    return TenderId(no_card(checked_id(value, "tender id"), "tender id"))


def key_id(value: Key) -> Key:
    """An idempotency key in its normal form."""
    return Key(checked_id(value, "key"))


def no_card(value: str, name: str) -> str:
    """
    The text itself.

    Raises:
        CardNumberError: It has a plausible card number in it; the message does not repeat it.
        InvalidPaymentError: No text, too long, or not printable.
    """
    if type(value) is not str:
        raise InvalidPaymentError(name, "it must be text")
    if len(value) > LONGEST_TEXT or not value.isprintable():
        raise InvalidPaymentError(name, f"it must have at most {LONGEST_TEXT} printable characters")
    return without_card_number(value, name)


def instrument(value: str) -> str:
    """A gateway's token; a plausible card number is refused."""
    return no_card(value, "instrument")


def checked_reference(value: Reference) -> Reference:
    """A gateway's own id: not empty, and never a card number."""
    return Reference(no_card(checked_id(value, "reference", longest=LONGEST_TEXT), "reference"))


def optional_reference(value: Reference | None) -> Reference | None:
    """A reference, where there is one."""
    return None if value is None else checked_reference(value)


def instant(value: datetime | None) -> datetime | None:
    """An aware instant in UTC, where there is one."""
    return None if value is None else utc(value)


def positive(value: Money) -> Money:
    """
    The amount itself.

    Raises:
        InvalidPaymentError: It is no `Money` above zero.
    """
    if type(value) is not Money:
        problem = f"it must be Money, as in Money(1099, EUR), not {type(value).__name__}"
        raise InvalidPaymentError("amount", problem)
    if not value.is_positive:
        raise InvalidPaymentError("amount", "it must be an amount of more than zero")
    return value


def positive_or_none(value: Money | None) -> Money | None:
    """The amount itself, where there is one."""
    return None if value is None else positive(value)


def optional_key(value: Key | None) -> Key | None:
    """A key in its normal form, where there is one."""
    return None if value is None else key_id(value)


def optional_tender(value: TenderId | None) -> TenderId | None:
    """A tender id in its normal form, where there is one."""
    return None if value is None else tender_id(value)


def words(value: str) -> str:
    """A short text such as a reason or a gateway's own code, cut to length and without cards."""
    if type(value) is not str:
        raise InvalidPaymentError("text", "it must be text")
    return mask_card_numbers(value[:LONGEST_TEXT])


def yes_or_no(_instance: object, attribute: Attribute[bool], value: object) -> None:
    """Refuse what is neither true nor false."""
    if type(value) is not bool:
        problem = f"it must be true or false, not {type(value).__name__}"
        raise InvalidPaymentError(attribute.name, problem)


def duration(_instance: object, attribute: Attribute[timedelta], value: object) -> None:
    """Refuse what is no wait that a deadline can be made of."""
    if type(value) is not timedelta or not timedelta(0) <= value <= LONGEST:
        problem = f"it must be a timedelta from zero to {LONGEST.days} days"
        raise InvalidPaymentError(attribute.name, problem)
