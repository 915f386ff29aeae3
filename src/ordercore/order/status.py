"""
The headline of an order and its other statuses: total functions of its facts (RULES S).
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Final

from attrs import frozen

from ordercore.fulfilment.status import FULFILMENT, FulfilmentStatus, fulfilment_facts
from ordercore.machine import Conditions, Guard
from ordercore.order.balance import Balance, balance
from ordercore.order.model import Order
from ordercore.payment.model import OperationStatus
from ordercore.payment.status import PAYMENT, PaymentFacts, PaymentStatus
from ordercore.returns.status import RETURN, ReturnStatus, return_counts

__all__ = [
    "ORDER",
    "Flag",
    "OrderFacts",
    "OrderStatus",
    "Statuses",
    "flags",
    "order_status",
    "statuses",
]


@unique
class OrderStatus(StrEnum):
    """The headline."""

    EXPIRED = "expired"
    CANCELLED = "cancelled"
    PLACED = "placed"
    COMPLETED = "completed"
    DELIVERED = "delivered"
    FULFILLED = "fulfilled"
    FULFILLING = "fulfilling"
    CONFIRMED = "confirmed"


@unique
class Flag(StrEnum):
    """What stands beside the statuses."""

    IN_DOUBT = "in_doubt"
    DISPUTED = "disputed"
    REFUND_PENDING = "refund_pending"
    RETURN_OPEN = "return_open"
    EXCHANGE_OPEN = "exchange_open"
    CLAIM_OPEN = "claim_open"


@frozen(kw_only=True)
class OrderFacts:
    """
    The letters of RULES S.

    ``remaining`` is N, the units of all lines that are not cancelled; ``n`` the same of the lines
    that need fulfilment; D ``dispatched``, V ``delivered``, E ``ended``.
    """

    is_expired: bool
    is_confirmed: bool
    is_completed: bool
    remaining: int
    n: int
    dispatched: int
    delivered: int
    ended: int
    picked: int


_S = OrderStatus
_F = OrderFacts

ORDER: Final = Conditions[OrderStatus, OrderFacts](
    OrderStatus,
    rules=[
        (_S.EXPIRED, Guard[_F]("expired", lambda at: at.is_expired)),
        (
            _S.CANCELLED,
            Guard[_F]("N = 0 and D = 0", lambda at: at.remaining == 0 and at.dispatched == 0),
        ),
        (_S.PLACED, Guard[_F]("not confirmed", lambda at: not at.is_confirmed)),
        (_S.COMPLETED, Guard[_F]("completed is recorded", lambda at: at.is_completed)),
        (
            _S.DELIVERED,
            Guard[_F](
                "E = n and either V > 0 or n = 0",
                lambda at: at.ended == at.n and (at.delivered > 0 or at.n == 0),
            ),
        ),
        (_S.FULFILLED, Guard[_F]("D = n", lambda at: at.dispatched == at.n)),
        (
            _S.FULFILLING,
            Guard[_F]("D > 0 or anything is picked", lambda at: at.dispatched > 0 or at.picked > 0),
        ),
    ],
    otherwise=_S.CONFIRMED,
)
"""The headline of an order: first match wins."""


@frozen(kw_only=True)
class Statuses:
    """All axes at once."""

    order: OrderStatus
    payment: PaymentStatus
    fulfilment: FulfilmentStatus
    returned: ReturnStatus
    flags: frozenset[Flag]


def order_facts(order: Order) -> OrderFacts:
    """What the headline is read off; no walk over units."""
    totals = order.fulfilment.totals
    return OrderFacts(
        is_expired=order.expired_at is not None,
        is_confirmed=order.confirmed_at is not None,
        is_completed=order.completed_at is not None,
        remaining=order.units.ordered - order.units.cancelled,
        n=order.units.to_fulfil - order.units.cancelled_to_fulfil,
        dispatched=totals.dispatched,
        delivered=totals.delivered,
        ended=totals.ended,
        picked=totals.picked,
    )


def order_status(order: Order) -> OrderStatus:
    """The headline alone."""
    return ORDER.of(order_facts(order))


def payment_facts(order: Order, sums: Balance) -> PaymentFacts:
    """What the status of the money is read off."""
    return PaymentFacts(
        owed=sums.owed,
        total=order.priced.total,
        authorised=sums.totals.authorised,
        captured=sums.totals.captured,
        refunded=sums.totals.refunded,
        lost=sums.totals.disputes_lost,
        is_deferred=sums.deferred.is_positive and sums.deferred >= sums.owed,
        tolerance=order.terms.tolerance,
    )


def flags(order: Order, sums: Balance) -> frozenset[Flag]:
    """What stands beside the statuses: open questions of money and goods."""
    operations = order.payment.operations.values()
    doubtful = {OperationStatus.IN_DOUBT, OperationStatus.PARKED}
    purposes = {rma.purpose.value for rma in order.returns.open_rmas}
    found = {
        Flag.IN_DOUBT: any(operation.status in doubtful for operation in operations),
        Flag.DISPUTED: sums.totals.disputes_open.is_positive,
        Flag.REFUND_PENDING: sums.totals.refunds_in_flight.is_positive
        or sums.to_pay_back.is_positive,
        Flag.RETURN_OPEN: bool(purposes),
        Flag.EXCHANGE_OPEN: "exchange" in purposes,
        Flag.CLAIM_OPEN: "claim" in purposes,
    }
    return frozenset(flag for flag, holds in found.items() if holds)


def statuses(order: Order) -> Statuses:
    """All statuses and flags of an order, derived from its facts."""
    sums = balance(order)
    units, totals = order.units, order.fulfilment.totals
    return Statuses(
        order=order_status(order),
        payment=PAYMENT.of(payment_facts(order, sums)),
        fulfilment=FULFILMENT.of(
            fulfilment_facts(
                order.fulfilment, ordered=units.to_fulfil, cancelled=units.cancelled_to_fulfil
            )
        ),
        returned=RETURN.of(
            return_counts(
                order.returns,
                dispatched=totals.dispatched,
                lost=totals.lost,
                n=units.to_fulfil - units.cancelled_to_fulfil,
            )
        ),
        flags=flags(order, sums),
    )
