"""
How much one command about an order may name: hostile input costs no time (RULES X-4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, cast

from attrs import Attribute

from ordercore.money import LimitExceededError

__all__ = [
    "MOST_LINES_NAMED",
    "MOST_NAMES",
    "at_most",
]

MOST_NAMES: Final = 100
"""How many coupons, references, tags, groups or parties one command may name."""
MOST_LINES_NAMED: Final = 5_000
"""How many lines one command may name; who means all of them cancels the order."""

_T = TypeVar("_T")


def at_most(most: int) -> Callable[[object, Attribute[_T], _T], None]:
    """An attrs validator: no more parts than that; what is no tuple is refused at the door."""

    def check(_: object, attribute: Attribute[_T], value: object) -> None:
        if type(value) is tuple:
            parts = cast("tuple[object, ...]", value)
            if len(parts) > most:
                raise LimitExceededError(attribute.name, most, len(parts))

    return check
