"""When tenders have to be paid, and what is captured at the first dispatch (RULES PAY-4, PAY-7)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from ordercore.fulfilment import commands as fc
from ordercore.ids import Reference, TenderId
from ordercore.moment import Period
from ordercore.order.dues import TenderDue, overdue, tender_dues
from ordercore.order.model import Order
from ordercore.order.terms import InvoiceWhen, Terms
from ordercore.payment.commands import RecordPayment, ReportCollected
from ordercore.payment.model import DueWhen, Operation, Tender, TenderKind
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.returns.policy import ReturnPolicy
from tests.laws.order_world import CARD, START, Shop, eur, line

ACCOUNT = TenderId("account")
DAY = timedelta(days=1)


def account(due: DueWhen, *, days: int = 0, on: date | None = None) -> Tender:
    """On account, to be paid so many days after a fact."""
    after = Period(days=days) if days else None
    return Tender(id=ACCOUNT, kind=TenderKind.ON_ACCOUNT, due=due, due_after=after, due_on=on)


@pytest.fixture
def shop() -> Shop:
    """A shop with ten units of tea."""
    made = Shop()
    made.receive("tea", 10)
    return made


def due_on(order: Order) -> date | None:
    (due,) = tender_dues(order)
    return due.due_on


@pytest.mark.parametrize(
    ("tender", "placed", "sent", "delivered"),
    [
        (account(DueWhen.PLACEMENT), 0, 0, 0),
        (account(DueWhen.PLACEMENT, days=14), 14, 14, 14),
        (account(DueWhen.DISPATCH, days=3), None, 4, 4),
        (account(DueWhen.DELIVERY, days=30), None, None, 32),
        (account(DueWhen.INVOICE, days=30), None, 31, 31),
        (account(DueWhen.DATE, on=START.date() + 9 * DAY), 9, 9, 9),
    ],
)
def test_the_day_is_counted_from_its_fact(
    shop: Shop, tender: Tender, placed: int | None, sent: int | None, delivered: int | None
) -> None:
    """PAY-7: placement, dispatch a day later, delivery two, the invoice of the dispatch, a date."""
    terms = Terms(invoice=InvoiceWhen.DISPATCH)
    order = shop.place(line("tea", 2), tenders=(tender,), terms=terms)
    found = [due_on(order)]
    shop.clock.forward(DAY)
    found.append(due_on(shop.send_all(order.id)))
    shop.clock.forward(DAY)
    shop.deliver(order.id, next(iter(shop.load(order.id).fulfilment.parcels)))
    found.append(due_on(shop.load(order.id)))
    days = [None if day is None else (day - START.date()).days for day in found]
    assert [placed, sent, delivered] == days


def test_what_is_late_is_named(shop: Shop) -> None:
    """PAY-7: the due day itself is in time; what was paid in part leaves the rest."""
    order = shop.place(line("tea", 2), tenders=(account(DueWhen.PLACEMENT, days=14),))
    shop.do(order.id, RecordPayment(tender=ACCOUNT, amount=eur(500), reference=Reference("b-1")))
    after = shop.load(order.id)
    assert () == overdue(after, START + 14 * DAY)
    late = TenderDue(tender=ACCOUNT, open=eur(1500), due_on=START.date() + 14 * DAY)
    assert (late,) == overdue(after, START + 15 * DAY)


def test_a_tolerance_forgives(shop: Shop) -> None:
    """PAY-7: what lacks no more than the terms forgive is not late."""
    terms = Terms(tolerance=5)
    order = shop.place(line("tea", 1), tenders=(account(DueWhen.PLACEMENT),), terms=terms)
    for minor, late in ((994, 1), (1, 0)):
        shop.do(
            order.id,
            ReportCollected(
                tender=ACCOUNT, amount=eur(minor), reference=Reference(f"b-{minor}"), at=START
            ),
        )
        assert late == len(overdue(shop.load(order.id), START + 2 * DAY))


def test_days_are_those_of_the_shop(shop: Shop) -> None:
    """PAY-7: nine in the morning in UTC is the evening of that day in Auckland."""
    shop.clock.now = datetime.fromisoformat("2026-03-02T12:00:00+00:00")
    terms = Terms(returns=ReturnPolicy(tz="Pacific/Auckland"))
    order = shop.place(line("tea", 1), tenders=(account(DueWhen.PLACEMENT),), terms=terms)
    assert date(2026, 3, 3) == due_on(order)


@pytest.mark.parametrize(("whole", "first"), [(True, 3000), (False, 1000)])
def test_the_first_dispatch_captures_all_where_the_terms_say_so(
    shop: Shop, whole: bool, first: int
) -> None:
    """PAY-4: without multiple capture all at once, or the rest is authorised anew, by terms."""
    shop.till.able = Capabilities(multiple_capture=False)
    terms = Terms(payment=PaymentPolicy(capture_whole=whole))
    order = shop.place(line("tea", 3), tenders=(CARD,), terms=terms)
    parcel = shop.pack(order.id, most=1)
    assert parcel is not None
    shop.do(order.id, fc.Dispatch(parcel=parcel))
    assert first == shop.till.held(order.id)
    again = [call for call in shop.till.calls if call.operation is Operation.AUTHORISE]
    assert (1 if whole else 2) == len(again)
    shop.send_all(order.id)
    assert 3000 == shop.till.held(order.id)
