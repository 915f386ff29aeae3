"""O-1: ids of work, credits and documents are made of other ids; there is room for each of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from ordercore.facts import Request
from ordercore.ids import (
    LONGEST_ORDER_ID,
    CreditId,
    InvalidIdentifierError,
    LineId,
    OrderId,
    ReturnId,
    Series,
)
from ordercore.inventory.audit import audit
from ordercore.order import commands as oc
from ordercore.order.balance import balance
from ordercore.order.model import Order
from ordercore.order.terms import LONGEST_SERIES, Terms
from ordercore.payment.model import Operation
from ordercore.payment.policy import CaptureWhen, PaymentPolicy
from ordercore.pricing.slots import SlotSet
from ordercore.refund.model import CreditCause, PriceReduction, RefundRequest
from ordercore.returns import commands as rc
from ordercore.returns.model import Grade, ReturnPurpose, ReturnUnits
from tests.laws.order_world import BUYER, CARD, NORTH, Fate, Shop, basket, eur, line

TEA = LineId("tea")
BY_HAND = Terms(release_automatically=False, payment=PaymentPolicy(capture=CaptureWhen.PLACEMENT))
LESS = PriceReduction(line=TEA, slots=SlotSet.of(0, 1), amount=eur(100))
CLAIM = RefundRequest(id=CreditId("claim"), cause=CreditCause.CLAIM, reductions=(LESS,))


def long(sign: str, more: int = 0) -> OrderId:
    """The longest id of this sign, and so much longer."""
    return OrderId(sign * (LONGEST_ORDER_ID + more))


def opened() -> Shop:
    """A shop with nine units of two things."""
    shop = Shop()
    shop.receive("tea", 9)
    shop.receive("cup", 9)
    return shop


def place(shop: Shop, name: OrderId, units: int = 1, terms: Terms = BY_HAND) -> Order:
    """An order for tea of this name."""
    goods = basket(line("tea", units))
    receipt = shop.service.place(
        goods, key=name, by=BUYER, order=name, terms=terms, tenders=(CARD,)
    )
    return receipt.order


@pytest.mark.parametrize("more", [1, 42, 48, 50])
def test_an_id_that_leaves_no_room_is_refused_at_the_door(more: int) -> None:
    """With 198 characters the card was charged before it was refused; with 192 nothing ended it."""
    shop = opened()
    with pytest.raises(InvalidIdentifierError, match="must have 1 to 150 characters"):
        place(shop, long("x", more))
    assert [] == shop.till.calls
    order = place(shop, long("x"), 2)
    with pytest.raises(InvalidIdentifierError, match="must have 1 to 150 characters"):
        oc.SplitOrder(order=long("y", more), units=((TEA, 1),))
    quote = shop.service.quote_refund(order.id, CLAIM)
    with pytest.raises(InvalidIdentifierError, match="must have 1 to 150 characters"):
        oc.ExchangeGoods(order=long("y", more), priced=order.priced, quote=quote)


def test_a_made_id_that_leaves_no_room_is_refused_too() -> None:
    """Where the host names orders by a source of ids of its own."""
    shop = opened()
    service = shop.another("x" * 190)
    with pytest.raises(InvalidIdentifierError, match="order id"):
        service.place(basket(line("tea", 1)), key="k", by=BUYER, tenders=(CARD,))
    assert [] == shop.till.calls


def bring_back(shop: Shop, name: OrderId, return_id: str, purpose: ReturnPurpose) -> None:
    """A unit of tea comes back as good as new."""
    units, rma = ReturnUnits(line=TEA, quantity=1), ReturnId(return_id)
    wish = rc.ReturnWish(units=units)
    shop.do(name, rc.RequestReturn(return_id=rma, items=(wish,), purpose=purpose))
    shop.do(name, rc.ApproveReturn(return_id=rma))
    shop.do(name, rc.ReceiveReturn(return_id=rma, items=(units,), location=NORTH))
    found = rc.Finding(units=units, grade=Grade.A_NEW)
    shop.do(name, rc.InspectReturn(return_id=rma, results=(found,)))


def possible(shop: Shop, name: OrderId) -> set[type[Request]]:
    """What can be asked of an order now: the question itself is answered, too."""
    return {kind for kind, why in shop.service.allowed(name).items() if why is None}


@pytest.mark.parametrize("sign", ["x", "\u6ce8"])
def test_an_order_with_the_longest_id_lives_a_whole_life(sign: str) -> None:
    """It is amended, undone, split, sent, credited, returned and exchanged; its books close."""
    shop = opened()
    name, part, other = long(sign), long("y"), long("z")
    place(shop, name, 6)
    assert oc.SplitOrder in possible(shop, name)
    shop.do(name, oc.ProposeAmendment(proposal="less", reductions=(LESS,)))
    shop.do(name, oc.ConfirmAmendment(proposal="less"))
    shop.do(name, oc.UndoAmendment(proposal="less"))
    shop.do(name, oc.CancelUnits(units=((TEA, 1),)))
    shop.do(name, oc.SplitOrder(order=part, units=((TEA, 2),), tenders=(CARD,)))
    shop.do(part, oc.Cancel())
    shop.do(name, oc.AmendTerms(terms=evolve(BY_HAND, release_automatically=True)))
    shop.send_all(name, deliver=True)
    assert oc.Refund in possible(shop, name)
    bring_back(shop, name, "r-1", ReturnPurpose.RETURN)
    shop.do(name, oc.Refund(quote=shop.service.quote_refund(name, ReturnId("r-1"))))
    bring_back(shop, name, "r-2", ReturnPurpose.EXCHANGE)
    quote = shop.service.quote_refund(name, ReturnId("r-2"))
    swap = oc.ExchangeGoods(
        order=other, priced=basket(line("cup", 1)), quote=quote, return_id=ReturnId("r-2")
    )
    shop.do(name, swap)
    shop.send_all(other, deliver=True)
    shop.rest(rounds=4)
    assert (eur(1000), eur(1000), eur(0)) == tuple(
        balance(shop.load(each)).owed for each in (name, other, part)
    )
    assert 2000 == sum(shop.till.held(each) for each in (name, other, part))
    assert [] == list(audit(shop.store.ledger(), shop.store.all_counters()))


def test_an_order_with_the_longest_id_expires() -> None:
    """Its stock and its cover are let go when nobody pays."""
    shop = opened()
    shop.till.fates.append(Fate.DECLINED)
    place(shop, long("x"), terms=Terms())
    shop.rest(rounds=20, step=timedelta(days=1))
    order = shop.load(long("x"))
    assert order.expired_at is not None
    assert () == tuple(order.stock.allocations)
    assert 0 == shop.till.moved(Operation.AUTHORISE, order.id)


def test_a_credit_with_the_longest_id_can_be_taken_back() -> None:
    """O-4: the host names a credit of its own; undoing an amendment once had no room for that."""
    shop = opened()
    order = place(shop, OrderId("o-1"), 2)
    shop.do(order.id, oc.ProposeAmendment(proposal="less", reductions=(LESS,)))
    shop.do(order.id, oc.ConfirmAmendment(proposal="less"))
    asked = RefundRequest(
        id=CreditId("c" * 200), cause=CreditCause.PRICE_REDUCTION, reductions=(LESS,)
    )
    shop.do(order.id, oc.Refund(quote=shop.service.quote_refund(order.id, asked)))
    assert eur(1800) == balance(shop.load(order.id)).owed
    after = shop.do(order.id, oc.UndoAmendment(proposal="less")).order
    assert eur(1900) == balance(after).owed
    assert 3 == len({credit.id for credit in after.credits})


@pytest.mark.parametrize("longest", [10, 159, 160, 161, 179, 200])
def test_what_came_back_under_a_cut_name_is_found_again(longest: int) -> None:
    """O-4: with lines of 161 characters an amendment could not be undone after another one was."""
    shop = opened()
    order = place(shop, OrderId("o-1"))
    cups = evolve(line("cup", 2), id=LineId("c" * longest))
    less, more = "less" * 5, "more" * 5
    shop.do(order.id, oc.ProposeAmendment(proposal=more, addition=basket(cups)))
    shop.do(order.id, oc.ConfirmAmendment(proposal=more))
    shop.do(order.id, oc.ProposeAmendment(proposal=less, removals=((cups.id, 1),)))
    shop.do(order.id, oc.ConfirmAmendment(proposal=less))
    shop.do(order.id, oc.UndoAmendment(proposal=less))
    after = shop.do(order.id, oc.UndoAmendment(proposal=more)).order
    assert eur(1000) == balance(after).owed


def test_a_series_leaves_room_for_its_numbers() -> None:
    """With 194 characters the goods could not leave: the invoice had no number."""
    shop = opened()
    with pytest.raises(InvalidIdentifierError, match="must have 1 to 180 characters"):
        Terms(invoice_series=Series("x" * (LONGEST_SERIES + 1)))
    series = Series("x" * LONGEST_SERIES)
    place(shop, OrderId("o-1"), terms=Terms(order_series=series, invoice_series=series))
    (document,) = shop.send_all(OrderId("o-1")).documents
    assert document.number == f"{series}-000002"
