"""O-7: whatever an order has been through, a split changes nothing in the sum of both orders."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from ordercore.ids import CreditId, LineId, OrderId
from ordercore.money import EUR
from ordercore.order import commands as oc
from ordercore.order.balance import balance
from ordercore.order.terms import InvoiceWhen, Terms
from ordercore.payment.policy import CaptureWhen, PaymentPolicy
from ordercore.pricing.discounts import OrderDiscount, PercentOff
from ordercore.pricing.draft import Charge, Draft
from ordercore.pricing.model import PricedOrder, Tax
from ordercore.pricing.totals import price
from ordercore.refund.model import CreditCause, RefundRequest
from tests.laws.order_world import BUYER, CARD, Shop, eur, line
from tests.laws.test_amendments import stated, sums_of

VAT: Final = Tax(code="VAT", rate=Fraction(19, 100))
PART: Final = OrderId("part")
NAMES: Final = ("tea", "cup")


def priced(*, included: bool) -> PricedOrder:
    """Three of each with a tax, a discount on all, and shipping."""
    lines = tuple(
        evolve(line(name, 3, unit), taxes=(VAT,), tax_included=included)
        for name, unit in zip(NAMES, (333, 1001), strict=True)
    )
    off = OrderDiscount(discount=PercentOff(code="seven", rate=Fraction(7, 100)))
    post = Charge(id="post", amount=eur(497), taxes=(VAT,), tax_included=included)
    return price(Draft(currency=EUR, lines=lines, discounts=(off,), charges=(post,)))


def law_of_splits(
    units: tuple[int, int], goodwill: int, when: CaptureWhen, *, included: bool
) -> None:
    """Debt, money, and each tax but goodwill's, are in both orders what they were in the one."""
    shop = Shop()
    for name in NAMES:
        shop.receive(name, 3)
    terms = Terms(
        release_automatically=False,
        invoice=InvoiceWhen.CONFIRMATION,
        payment=PaymentPolicy(capture=when),
    )
    order = shop.service.place(
        priced(included=included), key="k", by=BUYER, terms=terms, tenders=(CARD,)
    ).order
    if goodwill:
        kind = eur(balance(order).owed.minor * goodwill // 10)
        asked = RefundRequest(id=CreditId("kind"), cause=CreditCause.GOODWILL, goodwill=kind)
        quote = shop.service.quote_refund(order.id, asked)
        order = shop.do(order.id, oc.Refund(quote=quote)).order
    moved = tuple((LineId(name), n) for name, n in zip(NAMES, units, strict=True) if n)
    shop.do(order.id, oc.SplitOrder(order=PART, units=moved, tenders=(CARD,)))
    before, both = sums_of(order), [shop.load(name) for name in (order.id, PART)]
    after = sums_of(both[0]) + sums_of(both[1])
    assert before["owed"] == sum(balance(each).owed.minor for each in both), "as much is owed"
    assert goodwill or before == after, "and of each tax"
    assert balance(order).held.minor == sum(balance(each).held.minor for each in both), "and held"
    shop.rest(rounds=2)
    for name in (order.id, PART):
        now = shop.load(name)
        sums = balance(now)
        assert sums.owed.minor == stated(now), "the invoices say the same"
        assert not sums.to_pay_back, "nothing waits for a person"
    for name in (order.id, PART):
        shop.do(name, oc.Cancel())
    shop.rest(rounds=2)
    assert [0, 0] == [shop.till.held(name) for name in (order.id, PART)], "all of it comes back"


@given(
    units=st.tuples(st.integers(0, 3), st.integers(0, 3)).filter(lambda n: 0 < sum(n) < 6),
    goodwill=st.integers(0, 10),
    when=st.sampled_from((CaptureWhen.PLACEMENT, CaptureWhen.DISPATCH)),
    included=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_a_split_changes_nothing_in_sum(
    units: tuple[int, int],
    goodwill: int,
    when: CaptureWhen,
    included: bool,  # drawn
) -> None:
    """O-7: with goodwill, discounts, tax in the price or on top, and shipping."""
    law_of_splits(units, goodwill, when, included=included)
