"""When nothing is owed by anyone any more, and until when an order may stay unconfirmed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from attrs import evolve

from ordercore.ids import ItemId
from ordercore.moment import after
from ordercore.order._bases import returns_basis
from ordercore.order.balance import balance, has_open_slots
from ordercore.order.model import Order
from ordercore.order.rules import is_ended
from ordercore.order.status import flags
from ordercore.returns.policy import ReturnFacts, window_closes_at

__all__ = ["completes_at", "confirm_by", "has_open_operations", "not_complete", "window_end"]

ANY: Final = ItemId("any")
"""Lines that differ in nothing else have one window."""


def confirm_by(order: Order) -> datetime | None:
    """The deadline of an unconfirmed order; None where there is none any more (RULES O-6)."""
    if order.confirmed_at is not None or is_ended(order):
        return None
    return after(order.placed_at, order.terms.confirm_within)


def has_open_operations(order: Order) -> bool:
    """Whether some payment operation may still turn out to have happened."""
    return any(found.is_open for found in order.payment.operations.values())


def window_end(order: Order) -> datetime | None:
    """
    When the last return window closes; None while it has not begun, or where there is none.

    That of units which need no sending begins with the confirmation: until it is over they can be
    cancelled.

    Source:
        RULES R-3, S, O-5.
    """
    policy = order.terms.returns
    ends = [window_closes_at(policy, facts) for facts in {*_window_facts(order)}]
    known = [end for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None


def _window_facts(order: Order) -> Iterator[ReturnFacts]:
    """What windows are judged by, for each line of which something remains to be judged."""
    units = order.units
    if units.to_fulfil > units.cancelled_to_fulfil:
        yield from (evolve(facts, item=ANY) for facts in returns_basis(order).lines.values())
    for line in order.priced.lines:
        if not line.needs_fulfilment and order.remaining(line):
            yield ReturnFacts(
                item=ANY,
                category=line.category,
                returnable=line.returnable,
                placed_at=order.placed_at,
                last_delivered_at=order.confirmed_at,
            )


def not_complete(order: Order, now: datetime) -> str:
    """Why the order is not complete; empty where it is (RULES S)."""
    problem = _goods_open(order, now)
    if problem:
        return problem
    sums = balance(order)
    if abs(sums.held.minor - sums.owed.minor) > order.terms.tolerance:
        return f"{sums.owed} is owed and {sums.held} is held"
    found = flags(order, sums)
    if found:
        return f"there are open questions ({', '.join(sorted(found))})"
    if has_open_operations(order):
        return "a payment operation is under way"
    return ""


def _goods_open(order: Order, now: datetime) -> str:
    units, totals = order.units, order.fulfilment.totals
    n = units.to_fulfil - units.cancelled_to_fulfil
    if order.confirmed_at is None:
        return "it is not confirmed"
    if totals.dispatched < n:
        return "units have still to be sent"
    end = window_end(order)
    if end is not None and now < end:
        what = "goods may come back" if n else "it may be cancelled"
        return f"{what} until {end.isoformat()}"
    if end is None and totals.ended < n:
        return "units have not arrived"
    return ""


def completes_at(order: Order) -> datetime | None:
    """When a confirmed order may become complete without another fact."""
    if order.confirmed_at is None or order.completed_at is not None or is_ended(order):
        return None
    return None if has_open_slots(order) else window_end(order)
