"""Where the money of an order comes from and goes to, when a person has a hand in it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from ordercore.ids import OrderId, Reference, TenderId
from ordercore.order.balance import balance
from ordercore.order.commands import Cancel
from ordercore.order.status import Flag, statuses
from ordercore.order.terms import Terms
from ordercore.payment.commands import RecordPayment, RecordRefund
from ordercore.payment.model import Operation, Tender, TenderKind
from ordercore.payment.policy import CaptureWhen, PaymentPolicy
from ordercore.refund.policy import RefundPolicy
from ordercore.refund.tenders import ToTender
from tests.laws.order_world import CARD, Shop, eur, line

AT_ONCE = PaymentPolicy(capture=CaptureWhen.PLACEMENT)


def shop_of(units: int) -> Shop:
    """A shop with so much tea."""
    shop = Shop()
    shop.receive("tea", units)
    return shop


def test_what_goes_elsewhere_is_not_sent_to_the_card() -> None:
    """RF-5: by terms the buyer gets store credit; the card gets nothing, and nothing is lost."""
    shop = shop_of(5)
    to_credit = ToTender(tender=TenderId("credit"), bonus=Fraction(1, 10))
    terms = Terms(
        payment=AT_ONCE, refund=RefundPolicy(tenders=to_credit), release_automatically=False
    )
    order = shop.place(line("tea", 5), terms=terms)
    shop.do(order.id, Cancel())
    shop.rest(rounds=3)
    assert 0 == shop.till.moved(Operation.REFUND, order.id)
    after = shop.load(order.id)
    assert eur(5000) == balance(after).to_pay_back
    assert Flag.REFUND_PENDING in statuses(after).flags
    given = RecordRefund(tender=CARD.id, amount=eur(5000), reference=Reference("credit-1"))
    assert frozenset() == statuses(shop.do(order.id, given).order).flags


def test_money_that_went_back_by_hand_opens_no_capture() -> None:
    """PAY-4: paid and given back at the counter, the rest still waits until the goods go."""
    shop = shop_of(5)
    order = shop.place(line("tea", 5), terms=Terms(release_automatically=False)).id
    took(shop, order)
    shop.rest(rounds=3)
    assert 0 == shop.till.moved(Operation.CAPTURE, order)


def took(shop: Shop, order: OrderId) -> None:
    """Somebody takes 40.00 at the counter, and hands it out again."""
    for kind, name in ((RecordPayment, "in"), (RecordRefund, "out")):
        shop.do(order, kind(tender=CARD.id, amount=eur(4000), reference=Reference(name)))


@pytest.mark.parametrize("paid", [998, 1002])
def test_a_difference_within_the_tolerance_is_none(paid: int) -> None:
    """PAY-7, P-11: cash is rounded, the order is not; it confirms, and nothing goes back."""
    shop = shop_of(1)
    cash = Tender(id=TenderId("cash"), kind=TenderKind.CASH)
    order = shop.place(line("tea", 1), terms=Terms(tolerance=2), tenders=(cash,)).id
    taken = RecordPayment(tender=cash.id, amount=eur(paid), reference=Reference("till-1"))
    axes = statuses(shop.do(order, taken).order)
    assert ("confirmed", "paid", frozenset()) == (axes.order, axes.payment, axes.flags)
