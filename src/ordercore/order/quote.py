"""
Previews of money: what a refund would do and what a dispatch would take; nothing is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from itertools import count
from typing import TypeAlias, cast

from attrs import define, evolve

from ordercore.errors import ConflictError
from ordercore.ids import CreditId, LineId, ReturnId
from ordercore.money import Money, round_ratio
from ordercore.order.balance import (
    balance,
    due_earlier,
    tender_balances,
    waits_for_dispatch,
)
from ordercore.order.commands import Refund
from ordercore.order.events import CreditGranted
from ordercore.order.evolve import replay
from ordercore.order.guards import refusal
from ordercore.order.model import Order, checked_order
from ordercore.order.refusals import StillOpenError
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.refund.calculate import RefundBasis, calculate, cancel_credit
from ordercore.refund.model import (
    Credit,
    CreditCause,
    InvalidRefundError,
    PriceReduction,
    RefundItem,
    RefundQuote,
    RefundRequest,
)
from ordercore.refund.worth import Worth, credited_slots
from ordercore.returns.decide import UnknownReturnError
from ordercore.returns.model import ReturnPurpose

__all__ = [
    "Items",
    "StaleQuoteError",
    "check_fresh",
    "closing_credit",
    "next_credit",
    "quote_refund",
    "refund_basis",
    "return_request",
]

Items: TypeAlias = RefundRequest | ReturnId | tuple[tuple[LineId, SlotSet], ...]
"""What is asked to be credited: a whole request, a return, or simply units that came back."""


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
    on by then, that is refused with the new quote. What ``Refund`` would refuse is refused here,
    with the same error; only who may refund how much is not asked here.

    Args:
        order: The order as it stands.
        items: Lines with the slots that came back, the id of a return that was inspected (see
            `return_request`), or a whole `RefundRequest`.
        now: When it is asked.

    Raises:
        OnHoldError: A hold stops refunds.
        UnknownReturnError: The order has no such return.
        StillOpenError: Units are still to be sent; cancel them.
        UnknownLineError, InvalidSlotsError, AlreadyCreditedError, CreditExceedsWorthError,
        RefundExceedsHeldError: See `ordercore.refund.calculate.calculate`.

    Source:
        RULES RF-2.
    """
    refused = refusal(checked_order(order), Refund)
    if refused is not None:
        raise refused
    return _quoted(order, _request(order, items), now)


def _quoted(order: Order, request: RefundRequest, now: datetime) -> RefundQuote:
    """
    What a refund of *request* does: the one rule of the quote and of the refund.

    Raises:
        StillOpenError: Units would be credited in full that are still to be sent.
    """

    def pay_back(credit: Credit) -> Money:
        return balance(replay((CreditGranted(credit=credit, at=now),), order)).to_pay_back

    quote = calculate(refund_basis(order), request, order.terms.refund, pay_back=pay_back)
    for item in request.items:
        line = order.priced.line(item.line)
        if line.needs_fulfilment and item.slots & order.open_slots(line):
            raise StillOpenError(line.id)
    return quote


def _request(order: Order, items: Items) -> RefundRequest:
    if isinstance(items, RefundRequest):
        return items
    if isinstance(items, str):
        return return_request(order, items)
    return RefundRequest(
        id=next_credit(order),
        cause=CreditCause.RETURNED,
        items=tuple(RefundItem(line=line, slots=slots) for line, slots in _pairs(items)),
    )


def _pairs(items: object) -> tuple[tuple[LineId, SlotSet], ...]:
    """
    The items, where they are pairs of a line and its slots.

    Raises:
        InvalidRefundError: They are not.
    """
    problem = "give pairs of a line and its slots, as in ((line, SlotSet.from_slots([0])),)"
    if not isinstance(items, tuple | list):
        raise InvalidRefundError("items", problem)
    found = cast("Sequence[object]", items)
    for each in found:
        parts = cast("tuple[object, ...]", each) if isinstance(each, tuple) else ()
        if [str, SlotSet] != [type(part) for part in parts]:
            raise InvalidRefundError("items", problem)
    return tuple(cast("Sequence[tuple[LineId, SlotSet]]", found))


def return_request(order: Order, return_id: ReturnId) -> RefundRequest:
    """
    What the last inspection of a return grants, less what was credited for its units before.

    Accepted units without a deduction are credited in full. Of others the deduction, a part of
    what was charged for the goods with tax, rounded half up, is kept: they are a price reduction.

    Raises:
        UnknownReturnError: The order has no such return.
        InvalidRefundError: Nothing is accepted, or all of it was credited.

    Source:
        RULES R-4.
    """
    rma = order.returns.rmas.get(return_id)
    if rma is None:
        raise UnknownReturnError(return_id)
    full: dict[LineId, SlotSet] = {}
    less: list[PriceReduction] = []
    before, now = Worth(order.priced), Worth.after(order.priced, order.credits)
    for line, findings in order.returns.findings.items():
        announced = [item.slots for item in rma.items if item.line == line]
        own = SlotSet.union([rma.received(line), *announced]) & now.open_of(line)
        for found in findings:
            slots = own & found.slots if found.accepted else NO_SLOTS
            if slots and not found.deduction:
                full[line] = full.get(line, NO_SLOTS) | slots
            elif slots:
                kept = _part(found.deduction, _goods(before, line, slots))
                amount = Money(_goods(now, line, slots) - kept, order.priced.currency)
                if amount.is_positive:
                    less.append(PriceReduction(line=line, slots=slots, amount=amount))
    is_claim = rma.purpose is ReturnPurpose.CLAIM
    return RefundRequest(
        id=next_credit(order),
        cause=CreditCause.CLAIM if is_claim else CreditCause.RETURNED,
        items=tuple(RefundItem(line=line, slots=slots) for line, slots in full.items()),
        reductions=tuple(less),
        reason=f"return {return_id}",
    )


def _part(part: Fraction, minor: int) -> int:
    return round_ratio(part.numerator * minor, part.denominator)


def _goods(worth: Worth, line: LineId, slots: SlotSet) -> int:
    """What the goods of these slots are worth, with tax and without charges, in minor units."""
    return sum(minor for (charge, _), minor in worth.left(line, slots).items() if not charge)


def check_fresh(order: Order, quote: RefundQuote, now: datetime) -> None:
    """
    Refuse a quote that the facts have overtaken, and what cannot be quoted any more.

    Raises:
        StaleQuoteError: It carries the quote of now; where another credit has taken the id of
            this one meanwhile, under the next id.
        StillOpenError: See `quote_refund`.
    """
    request = quote.request
    if any(credit.id == request.id for credit in order.credits):
        request = evolve(request, id=next_credit(order))
    fresh = _quoted(order, request, now)
    if fresh != quote:
        raise StaleQuoteError(fresh)


def closing_credit(
    order: Order, items: tuple[tuple[LineId, SlotSet], ...], cause: CreditCause, reason: str = ""
) -> Credit:
    """
    The credit of slots that never went out: cancelled, short or expired.

    What was credited before, such as a service that nobody sends, is not credited again.
    """
    before = credited_slots(order.credits)
    left = ((line, slots - before.get(line, NO_SLOTS)) for line, slots in items)
    request = RefundRequest(
        id=next_credit(order),
        cause=cause,
        items=tuple(RefundItem(line=line, slots=slots) for line, slots in left if slots),
        reason=reason,
    )
    return cancel_credit(refund_basis(order), request, order.terms.refund)
