"""
Previews of money: what a refund would do and what a dispatch would take; nothing is changed.
"""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import TypeAlias

from attrs import define, evolve

from ordercore.errors import ConflictError
from ordercore.ids import CreditId, LineId
from ordercore.order.balance import (
    balance,
    due_earlier,
    tender_balances,
    waits_for_dispatch,
)
from ordercore.order.model import Order
from ordercore.pricing.slots import SlotSet
from ordercore.refund.calculate import RefundBasis, calculate, cancel_credit
from ordercore.refund.model import (
    Credit,
    CreditCause,
    RefundItem,
    RefundQuote,
    RefundRequest,
)

__all__ = [
    "Items",
    "StaleQuoteError",
    "check_fresh",
    "closing_credit",
    "next_credit",
    "quote_refund",
    "refund_basis",
]

Items: TypeAlias = RefundRequest | tuple[tuple[LineId, SlotSet], ...]
"""What is asked to be credited: a whole request, or simply units that came back."""


@define
class StaleQuoteError(ConflictError):
    """The facts have moved on since the quote was made; ``quote`` is the new one."""

    sentence = "The order has changed since this was quoted; look at the new quote and confirm it."
    quote: RefundQuote


def refund_basis(order: Order) -> RefundBasis:
    """The facts that a refund depends on."""
    sums = balance(order)
    waits = waits_for_dispatch(order)
    return RefundBasis(
        priced=order.priced,
        credits=order.credits,
        dispatched=order.fulfilment.dispatched if waits else None,
        earlier_due=due_earlier(order, sums.owed) if waits else None,
        held=sums.held,
        in_flight=sums.totals.refunds_in_flight,
        disputed=sums.totals.disputes_open,
        tenders=tender_balances(order),
    )


def next_credit(order: Order) -> CreditId:
    """The id of the order's next credit, one that no other has: a pure function of the order."""
    taken = {credit.id for credit in order.credits}
    names = (f"{order.id}:credit:{number}" for number in count(len(order.credits) + 1))
    return CreditId(next(name for name in names if name not in taken))


def quote_refund(order: Order, items: Items, now: datetime) -> RefundQuote:
    """
    What crediting *items* would do: itemised, explained, with the most that could be credited.

    A pure preview: carry it out with the request ``Refund(quote=…)``; when the facts have moved
    on by then, that is refused with the new quote.

    Args:
        order: The order as it stands.
        items: Lines with the slots that came back, or a whole `RefundRequest`.
        now: When it is asked; quotes do not depend on it today.

    Raises:
        UnknownLineError, InvalidSlotsError, AlreadyCreditedError, CreditExceedsWorthError,
        RefundExceedsHeldError: See `ordercore.refund.calculate.calculate`.

    Source:
        RULES RF-2.
    """
    del now
    return calculate(refund_basis(order), _request(order, items), order.terms.refund)


def _request(order: Order, items: Items) -> RefundRequest:
    if isinstance(items, RefundRequest):
        return items
    return RefundRequest(
        id=next_credit(order),
        cause=CreditCause.RETURNED,
        items=tuple(RefundItem(line=line, slots=slots) for line, slots in items),
    )


def check_fresh(order: Order, quote: RefundQuote) -> None:
    """
    Refuse a quote that the facts have overtaken.

    Raises:
        StaleQuoteError: It carries the quote of now; where another credit has taken the id of
            this one meanwhile, under the next id.
    """
    request = quote.request
    if any(credit.id == request.id for credit in order.credits):
        request = evolve(request, id=next_credit(order))
    fresh = calculate(refund_basis(order), request, order.terms.refund)
    if fresh != quote:
        raise StaleQuoteError(fresh)


def closing_credit(
    order: Order, items: tuple[tuple[LineId, SlotSet], ...], cause: CreditCause, reason: str = ""
) -> Credit:
    """The credit of slots that never went out: cancelled, short or expired."""
    request = RefundRequest(
        id=next_credit(order),
        cause=cause,
        items=tuple(RefundItem(line=line, slots=slots) for line, slots in items),
        reason=reason,
    )
    return cancel_credit(refund_basis(order), request, order.terms.refund)
