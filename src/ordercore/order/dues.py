"""
When each tender has to be paid, and what is late (RULES PAY-7).
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from attrs import frozen

from ordercore.ids import TenderId
from ordercore.invoice.model import DocumentKind
from ordercore.moment import Period, after
from ordercore.money import Money
from ordercore.order.balance import balance
from ordercore.order.model import Order
from ordercore.payment.balance import shares
from ordercore.payment.model import DueWhen, Tender

__all__ = ["TenderDue", "invoice_due_on", "overdue", "shop_day", "tender_dues"]

INVOICE: Final = DocumentKind.INVOICE
NOON: Final = time(12)


@frozen(kw_only=True)
class TenderDue:
    """
    What one tender is still to bring, and by which day.

    ``due_on`` is a day of the shop's calendar, that day included; None while the fact from which
    it is counted (the dispatch, the delivery, the invoice) has not happened.
    """

    tender: TenderId
    open: Money
    due_on: date | None


def shop_day(order: Order, at: datetime) -> date:
    """The day of the shop's calendar: in the time zone of the terms of return."""
    return at.astimezone(ZoneInfo(order.terms.returns.tz)).date()


def tender_dues(order: Order) -> tuple[TenderDue, ...]:
    """
    What each tender is still to bring, in the order of the tenders; at least zero each.

    Days are those of the time zone in the terms of return. With several parcels or invoices the
    first one counts.

    Source:
        RULES PAY-7.
    """
    return _dues(order, None)


def invoice_due_on(order: Order, issued_on: date) -> date:
    """
    When an invoice of *issued_on* has to be paid: with the first tender that lacks something.

    Never before it was issued, and at once where no tender has a day yet.

    Source:
        RULES PAY-7, D-2; EN 16931 BT-9.
    """
    days = (one.due_on for one in _dues(order, issued_on) if one.open.is_positive)
    return max(issued_on, min((day for day in days if day is not None), default=issued_on))


def _dues(order: Order, issued_on: date | None) -> tuple[TenderDue, ...]:
    """The same, where an invoice of that day counts as the first if there is none yet."""
    currency = order.priced.currency
    parts = shares(order.payment, balance(order).owed)
    found: list[TenderDue] = []
    for tender in order.payment.tenders:
        brought = Money(order.payment.book.of(tender.id).brought, currency)
        rest = Money(parts[tender.id], currency) - brought
        left = rest if rest.is_positive else Money.zero(currency)
        due_on = _due_on(order, tender, issued_on)
        found.append(TenderDue(tender=tender.id, open=left, due_on=due_on))
    return tuple(found)


def overdue(order: Order, now: datetime) -> tuple[TenderDue, ...]:
    """
    The tenders whose day is over and that lack more than the tolerance of the terms.

    Source:
        RULES PAY-7.
    """
    today = shop_day(order, now)
    return tuple(
        due
        for due in tender_dues(order)
        if due.due_on is not None and due.due_on < today and due.open.minor > order.terms.tolerance
    )


def _due_on(order: Order, tender: Tender, issued_on: date | None) -> date | None:
    if tender.due is DueWhen.DATE:
        return tender.due_on
    start = _start(order, tender.due)
    if start is None and tender.due is DueWhen.INVOICE and issued_on is not None:
        start = _noon(order, issued_on)
    if start is None:
        return None
    return shop_day(order, after(start, tender.due_after or Period(), order.terms.returns.tz))


def _start(order: Order, due: DueWhen) -> datetime | None:
    """The fact from which days are counted, where it has happened."""
    parcels = order.fulfilment.parcels.values()
    times: list[datetime | None] = [order.placed_at]
    match due:
        case DueWhen.DISPATCH:
            times = [parcel.dispatched_at for parcel in parcels]
        case DueWhen.DELIVERY:
            times = [parcel.delivered_at for parcel in parcels]
        case DueWhen.INVOICE:
            times = [_noon(order, one.issued_on) for one in order.documents if one.kind is INVOICE]
        case DueWhen.PLACEMENT | DueWhen.DATE:
            pass
    return min((at for at in times if at is not None), default=None)


def _noon(order: Order, day: date) -> datetime:
    return datetime.combine(day, NOON, ZoneInfo(order.terms.returns.tz))
