"""Quotes of refunds on real orders: what is shown is what is carried out (RULES RF-1, RF-2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction
from typing import Final

import pytest
from attrs import evolve

from ordercore.adapters.aio import ThreadedStore
from ordercore.ids import CreditId, LineId, Reference, TenderId
from ordercore.money import EUR, Money
from ordercore.order import commands as oc
from ordercore.order.balance import balance
from ordercore.order.model import Order
from ordercore.order.quote import StaleQuoteError, quote_refund
from ordercore.order.terms import Terms
from ordercore.payment import commands as pc
from ordercore.payment.balance import totals
from ordercore.payment.model import Operation
from ordercore.pricing.slots import SlotSet
from ordercore.refund.calculate import AlreadyCreditedError
from ordercore.refund.model import CreditCause, InvalidRefundError, RefundQuote, RefundRequest
from ordercore.refund.policy import PercentFee, RefundPolicy
from ordercore.refund.tenders import (
    InProportion,
    KindsFirst,
    OriginalFirst,
    ReverseOrder,
    TenderOrder,
)
from ordercore.service.aio import AsyncOrderService
from tests.contracts.life import AsyncTill
from tests.laws.order_world import ACCOUNT, CARD, STAFF, Ids, Shop, eur, gift, line
from tests.unit.pricing.shop import loose

TEA: Final = LineId("tea")
_tenth: Final = Fraction(1, 10)
FIRST: Final = ((TEA, SlotSet.of(0, 1)),)
SECOND: Final = ((TEA, SlotSet.of(1, 2)),)
ALL: Final = ((TEA, SlotSet.of(0, 3)),)


def sent(*tenders: object, terms: Terms | None = None) -> tuple[Shop, Order]:
    """A shop with an order of three units at 10.00, all of them sent."""
    shop = Shop()
    shop.receive("tea", 9)
    wanted = terms or Terms(ship_before_paid=True)
    order = loose(shop.place, line("tea", 3), terms=wanted, tenders=tenders or (CARD,))
    assert isinstance(order, Order)
    return shop, shop.send_all(order.id)


def goodwill(minor: int) -> RefundRequest:
    """A little kindness."""
    return RefundRequest(id=CreditId("kind"), cause=CreditCause.GOODWILL, goodwill=eur(minor))


# --- what is shown is what is carried out ---


def test_what_was_quoted_is_what_is_credited_and_sent_back() -> None:
    """The credit is the quote's, and the money that moves is what it said would."""
    terms = Terms(refund=RefundPolicy(fees=(PercentFee(name="restocking", rate=_tenth),)))
    shop, order = sent(terms=terms)
    quote = shop.service.quote_refund(order.id, FIRST)
    assert (eur(900), eur(900), eur(3000)) == (quote.credit.amount, quote.pay_back, quote.maximum)
    after = shop.do(order.id, oc.Refund(quote=quote)).order
    assert (quote.credit,) == after.credits
    shop.rest(rounds=3)
    assert quote.pay_back.minor == shop.till.moved(Operation.REFUND, order.id)
    assert [(share.tender, share.amount) for share in quote.destinations] == [("card", eur(900))]


def test_a_quote_changes_nothing() -> None:
    """Asking is free, and the answer is the same until the facts move on."""
    shop, order = sent()
    quotes = {shop.service.quote_refund(order.id, FIRST).basis for _ in range(3)}
    assert 1 == len(quotes)
    assert order == shop.load(order.id)


def test_a_stale_quote_is_refused_with_the_new_one() -> None:
    """Goodwill was given meanwhile: the new quote is in the error, and it can be carried out."""
    shop, order = sent()
    old = shop.service.quote_refund(order.id, FIRST)
    shop.do(order.id, oc.Refund(quote=shop.service.quote_refund(order.id, goodwill(2500))))
    before = shop.load(order.id)
    with pytest.raises(StaleQuoteError) as caught:
        shop.do(order.id, oc.Refund(quote=old))
    assert before == shop.load(order.id)
    new = caught.value.quote
    assert new == shop.service.quote_refund(order.id, old.request)
    assert (old.maximum, new.maximum) == (eur(3000), eur(500))
    after = shop.do(order.id, oc.Refund(quote=new)).order
    assert new.credit == after.credits[-1]


def test_the_new_quote_has_an_id_of_its_own() -> None:
    """Two quotes for two units: the second is stale, and its new one is a second credit."""
    shop, order = sent()
    one, two = (shop.service.quote_refund(order.id, items) for items in (FIRST, SECOND))
    assert one.credit.id == two.credit.id
    shop.do(order.id, oc.Refund(quote=one))
    with pytest.raises(StaleQuoteError) as caught:
        shop.do(order.id, oc.Refund(quote=two))
    after = shop.do(order.id, oc.Refund(quote=caught.value.quote)).order
    assert [f"{order.id}:credit:{number}" for number in (1, 2)] == [
        credit.id for credit in after.credits
    ]
    assert eur(1000) == balance(after).owed
    with pytest.raises(InvalidRefundError, match="an earlier credit has its id"):
        shop.service.quote_refund(order.id, evolve(goodwill(1), id=one.credit.id))


def test_money_that_moved_makes_a_quote_stale() -> None:
    """What would be sent back depends on what is held; a payment is a fact too."""
    shop, order = sent(ACCOUNT)
    old = shop.service.quote_refund(order.id, FIRST)
    paid = pc.RecordPayment(tender=ACCOUNT.id, amount=eur(3000), reference=Reference("slip"))
    shop.do(order.id, paid)
    with pytest.raises(StaleQuoteError) as caught:
        shop.do(order.id, oc.Refund(quote=old))
    assert (old.pay_back, caught.value.quote.pay_back) == (eur(0), eur(1000))


def test_of_two_quotes_for_one_unit_only_one_is_carried_out() -> None:
    """Two clerks quote the same unit: the second is refused (ABUSE 42)."""
    shop, order = sent()
    one, two = (shop.service.quote_refund(order.id, FIRST) for _ in range(2))
    shop.do(order.id, oc.Refund(quote=one))
    with pytest.raises(AlreadyCreditedError):
        shop.do(order.id, oc.Refund(quote=two))
    other = shop.service.quote_refund(order.id, SECOND)
    assert eur(2000) == other.maximum
    shop.rest(rounds=3)
    assert 1000 == shop.till.moved(Operation.REFUND, order.id)


Tamper = Callable[[RefundQuote], RefundQuote]


def one_cent_more(quote: RefundQuote) -> RefundQuote:
    """The first part of the credit is a cent higher."""
    first, *rest = quote.credit.parts
    parts = (evolve(first, amount=first.amount + Money(1, EUR)), *rest)
    return evolve(quote, credit=evolve(quote.credit, parts=parts))


def shifted(quote: RefundQuote) -> RefundQuote:
    """A cent goes from one part to another: the sum is the same."""
    (part,) = quote.credit.parts
    halves = (
        evolve(part, amount=part.amount - Money(1, EUR)),
        evolve(part, component="goodwill", line=None, slots=SlotSet(), amount=Money(1, EUR)),
    )
    return evolve(quote, credit=evolve(quote.credit, parts=halves))


def other_slot(quote: RefundQuote) -> RefundQuote:
    """Another unit of the same price is credited."""
    (part,) = quote.credit.parts
    parts = (evolve(part, slots=SlotSet.of(2, 3)),)
    return evolve(quote, credit=evolve(quote.credit, parts=parts))


def other_rule(quote: RefundQuote) -> RefundQuote:
    """The explanation says something else."""
    row = evolve(quote.rows[0], rule="because I say so")
    return evolve(quote, rows=(row, *quote.rows[1:]))


TAMPERED: Final[dict[str, Tamper]] = {
    "a cent more": one_cent_more,
    "a cent shifted": shifted,
    "another slot": other_slot,
    "another rule": other_rule,
    "another cause": lambda quote: evolve(
        quote, credit=evolve(quote.credit, cause=CreditCause.CLAIM)
    ),
    "another maximum": lambda quote: evolve(quote, maximum=eur(1)),
    "more to send back": lambda quote: evolve(quote, pay_back=eur(3000)),
    "another tender": lambda quote: evolve(
        quote, destinations=(evolve(quote.destinations[0], tender=TenderId("mine")),)
    ),
    "sent elsewhere": lambda quote: evolve(
        quote, destinations=(evolve(quote.destinations[0], sent_to=TenderId("mine")),)
    ),
    "no destination": lambda quote: evolve(quote, destinations=()),
    "other facts": lambda quote: evolve(quote, basis="0" * 64),
    "no explanation": lambda quote: evolve(quote, rows=()),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED.keys())
def test_a_quote_is_checked_line_by_line(tamper: Tamper) -> None:
    """Whatever is changed in it, an altered quote is not carried out, and nothing happens."""
    shop, order = sent()
    quote = shop.service.quote_refund(order.id, FIRST)
    assert tamper(quote) != quote
    with pytest.raises(StaleQuoteError) as caught:
        shop.do(order.id, oc.Refund(quote=tamper(quote)))
    assert caught.value.quote == quote
    assert order == shop.load(order.id)
    shop.do(order.id, oc.Refund(quote=quote))


def test_a_quote_of_another_order_is_not_carried_out() -> None:
    """Even where the other order looks the same, its credit has another id."""
    shop, order = sent()
    shop.receive("tea", 3)
    other = shop.send_all(shop.place(line("tea", 3), tenders=(CARD,)).id)
    with pytest.raises(StaleQuoteError):
        shop.do(other.id, oc.Refund(quote=stray(shop, order)))
    assert () == shop.load(other.id).credits


def stray(shop: Shop, order: Order) -> RefundQuote:
    """A quote whose facts are those of an order with a fee of its own."""
    terms = evolve(order.terms, refund=RefundPolicy(fees=(PercentFee(name="f", rate=_tenth),)))
    return quote_refund(evolve(order, terms=terms), FIRST, shop.clock())


# --- where the money goes ---


@pytest.mark.parametrize(
    ("strategy", "given"),
    [
        (ReverseOrder(), {"card": 1500}),
        (OriginalFirst(), {"gift": 1200, "card": 300}),
        (InProportion(), {"gift": 600, "card": 900}),
        (KindsFirst(kinds=("gift_card",)), {"gift": 1200, "card": 300}),
    ],
)
def test_money_goes_where_the_quote_said(strategy: TenderOrder, given: dict[str, int]) -> None:
    """12.00 by gift card and 18.00 by card; 15.00 goes back, and no tender gives more."""
    terms = Terms(refund=RefundPolicy(tenders=strategy), ship_before_paid=True)
    shop, order = sent(gift(1200), CARD, terms=terms)
    taken = pc.RecordPayment(tender=TenderId("gift"), amount=eur(1200), reference=Reference("g"))
    if not totals(order.payment, EUR, tender=TenderId("gift")).captured:
        order = shop.do(order.id, taken).order
    assert eur(3000) == balance(order).held
    quote = shop.service.quote_refund(order.id, goodwill(1500))
    assert given == {share.tender: share.amount.minor for share in quote.destinations}
    assert quote.pay_back == sum((share.amount for share in quote.destinations), eur(0))
    for share in quote.destinations:
        assert share.amount <= totals(order.payment, EUR, tender=share.tender).captured


# --- RULES RF-1, the printed examples, on real orders ---


def test_rf1_on_account_unpaid_and_all_returned() -> None:
    """On account, unpaid, all returned: owed 0, nothing paid out."""
    shop, order = sent(ACCOUNT)
    quote = shop.service.quote_refund(order.id, ALL)
    assert (eur(3000), eur(0), ()) == (quote.credit.amount, quote.pay_back, quote.destinations)
    after = shop.do(order.id, oc.Refund(quote=quote)).order
    assert (eur(0), eur(0)) == (balance(after).owed, balance(after).to_pay_back)


def test_rf1_paid_in_part_and_returned_in_part() -> None:
    """12.00 of 30.00 paid, 10.00 returned: owed 20.00, nothing paid out."""
    shop, order = sent(ACCOUNT)
    paid = pc.RecordPayment(tender=ACCOUNT.id, amount=eur(1200), reference=Reference("slip"))
    shop.do(order.id, paid)
    quote = shop.service.quote_refund(order.id, FIRST)
    after = shop.do(order.id, oc.Refund(quote=quote)).order
    assert (eur(0), eur(2000)) == (quote.pay_back, balance(after).owed)
    assert eur(800) == balance(after).to_collect


def test_the_async_service_quotes_the_same() -> None:
    """Both services show one quote."""
    shop, order = sent()
    twin = AsyncOrderService(
        store=ThreadedStore(shop.store), payments=AsyncTill(shop.till), ids=Ids("aio")
    )
    quote = asyncio.run(twin.quote_refund(order.id, FIRST))
    assert quote == shop.service.quote_refund(order.id, FIRST)
    receipt = asyncio.run(twin.execute(order.id, oc.Refund(quote=quote), by=STAFF))
    assert (quote.credit,) == receipt.order.credits
