"""Holds (RULES O-3): which have come to their end, by their time or by a fact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from ordercore.order.balance import balance, cover_missing
from ordercore.order.model import Hold, Order
from ordercore.order.rules import is_stock_ready
from ordercore.order.terms import ReleaseOn

__all__ = ["ended_holds", "why_ended"]


def _is_paid(order: Order) -> bool:
    return not balance(order).to_collect.is_positive


def _is_covered(order: Order) -> bool:
    return not cover_missing(balance(order)).is_positive


_FACTS: Final[Mapping[ReleaseOn, Callable[[Order], bool]]] = {
    ReleaseOn.PAID: _is_paid,
    ReleaseOn.COVERED: _is_covered,
    ReleaseOn.STOCK_READY: is_stock_ready,
}
"""Facts that can be read off an order; a new address is seen when it is given."""


def why_ended(order: Order, hold: Hold, now: datetime) -> str:
    """Why a hold is over; empty while it stands."""
    if hold.release_at is not None and hold.release_at <= now:
        return "its time has come"
    fact = _FACTS.get(hold.release_on) if hold.release_on is not None else None
    if hold.release_on is not None and fact is not None and fact(order):
        return f"the order is {hold.release_on.value.replace('_', ' ')}"
    return ""


def ended_holds(order: Order, now: datetime) -> Iterator[Hold]:
    """The holds that have come to their end."""
    return (hold for hold in order.holds if why_ended(order, hold, now))
