"""What an invoice says about money: what is paid, what is still to pay, and by which day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from ordercore.fulfilment.commands import Dispatch
from ordercore.ids import Reference, TenderId
from ordercore.invoice.model import Document
from ordercore.moment import Period
from ordercore.order.model import Order
from ordercore.order.terms import InvoiceWhen, Terms
from ordercore.payment.commands import RecordPayment
from ordercore.payment.model import DueWhen, Tender, TenderKind
from ordercore.payment.policy import CaptureWhen, PaymentPolicy
from ordercore.returns.policy import ReturnPolicy
from tests.laws.order_world import ACCOUNT, START, Shop, eur, line


def shop_of(units: int) -> Shop:
    """A shop with so much tea."""
    shop = Shop()
    shop.receive("tea", units)
    return shop


def on_account(due: DueWhen, days: int) -> Tender:
    """On account, to be paid so many days after a fact."""
    return Tender(id=ACCOUNT.id, kind=TenderKind.ON_ACCOUNT, due=due, due_after=Period(days=days))


def stated(document: Document) -> tuple[int, int, date | None]:
    """What a document says is paid, what is to pay, and when."""
    return document.totals.prepaid.minor, document.totals.payable.minor, document.due_on


def last(order: Order) -> Document:
    """The latest document of an order."""
    return order.documents[-1]


@pytest.mark.parametrize("capture", [CaptureWhen.PLACEMENT, CaptureWhen.DISPATCH])
def test_an_invoice_says_what_the_card_has_paid(capture: CaptureWhen) -> None:
    """D-2, PAY-7: what is held, or captured with the dispatch, is not asked for again."""
    shop = shop_of(1)
    terms = Terms(payment=PaymentPolicy(capture=capture))
    order = shop.place(line("tea", 1), terms=terms)
    assert (1000, 0, None) == stated(last(shop.send_all(order.id)))


def test_money_pays_the_older_invoice_first() -> None:
    """D-2: of 15.00 that were paid, 10.00 belong to the first invoice and 5.00 to the second."""
    shop = shop_of(2)
    order = shop.place(line("tea", 2), tenders=(on_account(DueWhen.PLACEMENT, 14),)).id
    parcel = shop.pack(order, most=1)
    assert parcel is not None
    first = last(shop.do(order, Dispatch(parcel=parcel)).order)
    day = START.date() + timedelta(days=14)
    assert (0, 1000, day) == stated(first)
    shop.do(
        order, RecordPayment(tender=ACCOUNT.id, amount=eur(1500), reference=Reference("bank-1"))
    )
    assert (500, 500, day) == stated(last(shop.send_all(order)))


def test_an_invoice_is_due_as_its_own_day_says() -> None:
    """PAY-7: fourteen days after the invoice count from the invoice that is being made."""
    shop = shop_of(1)
    order = shop.place(line("tea", 1), tenders=(on_account(DueWhen.INVOICE, 14),)).id
    assert (0, 1000, START.date() + timedelta(days=14)) == stated(last(shop.send_all(order)))


def test_an_invoice_is_never_due_before_its_day() -> None:
    """PAY-7: what was due at the placement is due at once when it is invoiced later."""
    shop = shop_of(1)
    order = shop.place(line("tea", 1), tenders=(on_account(DueWhen.PLACEMENT, 1),)).id
    shop.clock.forward(timedelta(days=5))
    document = last(shop.send_all(order))
    assert (0, 1000, document.issued_on) == stated(document)


def test_what_a_gift_card_leaves_is_still_to_pay() -> None:
    """D-2: the gift card has paid its part, and the account has its own day for the rest."""
    shop = shop_of(2)
    gift = Tender(id=TenderId("gift"), kind=TenderKind.GIFT_CARD, amount=eur(500))
    rest = on_account(DueWhen.DISPATCH, 7)
    order = shop.place(line("tea", 1), tenders=(gift, rest)).id
    document = last(shop.send_all(order))
    assert (500, 500, START.date() + timedelta(days=7)) == stated(document)


def test_a_document_bears_the_day_of_the_shop() -> None:
    """PAY-7: noon of 2 March in UTC is 3 March in Auckland."""
    shop = shop_of(1)
    shop.clock.now = datetime.fromisoformat("2026-03-02T12:00:00+00:00")
    terms = Terms(invoice=InvoiceWhen.CONFIRMATION, returns=ReturnPolicy(tz="Pacific/Auckland"))
    order = shop.place(line("tea", 1), terms=terms)
    assert date(2026, 3, 3) == last(shop.load(order.id)).issued_on
