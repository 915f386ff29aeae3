"""
How much one command about an order may name and say: hostile input costs no time (RULES X-4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, cast

from attrs import Attribute

from ordercore.money import LimitExceededError
from ordercore.order.refusals import InvalidUnitsError
from ordercore.payment.cards import mask_card_numbers

__all__ = [
    "LONGEST_REASON",
    "MOST_LINES_NAMED",
    "MOST_NAMES",
    "at_most",
    "free_text",
    "named_units",
]

MOST_NAMES: Final = 100
"""How many coupons, references, tags, groups or parties one command may name."""
MOST_LINES_NAMED: Final = 5_000
"""How many lines one command may name; who means all of them cancels the order."""

LONGEST_REASON: Final = 2_000

_T = TypeVar("_T")


def free_text(value: str) -> str:
    """
    Words of a person: of bearable length, and without card numbers (RULES PAY-8).

    What is no text is left as it is: the door refuses it with the name of its field.

    Raises:
        LimitExceededError: It is longer than 2,000 characters.
    """
    if type(value) is not str:
        return value
    if len(value) > LONGEST_REASON:
        raise LimitExceededError("text", LONGEST_REASON, len(value))
    return mask_card_numbers(value)


def at_most(most: int) -> Callable[[object, Attribute[_T], _T], None]:
    """An attrs validator: no more parts than that; what is no tuple is refused at the door."""

    def check(_: object, attribute: Attribute[_T], value: object) -> None:
        if type(value) is tuple:
            parts = cast("tuple[object, ...]", value)
            if len(parts) > most:
                raise LimitExceededError(attribute.name, most, len(parts))

    return check


def named_units(_: object, attribute: Attribute[_T], value: object) -> None:
    """An attrs validator: pairs of a line and a number, not too many; what is in them, later."""
    pairs = cast("tuple[object, ...]", value) if type(value) is tuple else (value,)
    if not all(type(pair) is tuple and len(cast("tuple[object]", pair)) == 2 for pair in pairs):
        raise InvalidUnitsError("write ((line, 1),)")
    if len(pairs) > MOST_LINES_NAMED:
        raise LimitExceededError(attribute.name, MOST_LINES_NAMED, len(pairs))
