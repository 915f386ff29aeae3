"""
Orders that belong together: the parts of a split, and what goes out for goods that came back.
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Final

from attrs import field, frozen

from ordercore.ids import OrderId, TenderId, checked_id
from ordercore.money import Money

__all__ = ["CREDIT", "Link", "LinkKind"]

CREDIT: Final = TenderId("exchange")
"""The tender of a linked order that the older order pays."""


def _order_id(value: OrderId) -> OrderId:
    return OrderId(checked_id(value, "order id"))


@unique
class LinkKind(StrEnum):
    """Why one order was made from another."""

    SPLIT = "split"
    """Some of its units are sold, sent or paid apart (RULES O-7)."""
    EXCHANGE = "exchange"
    """Other goods go out for goods that come back (RULES R-5)."""
    REPLACEMENT = "replacement"
    """The same goods go out again for a claim (RULES R-5)."""


@frozen(kw_only=True)
class Link:
    """
    The tie between two orders, told by both: ``order`` is always the other one.

    ``credit`` is the held money that moved with it: paid out of the older order, and into the
    newer one by the tender *exchange credit*.
    """

    order: OrderId = field(converter=_order_id)
    kind: LinkKind
    credit: Money
