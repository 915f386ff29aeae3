"""Amendments on work that has begun, and their undoing (RULES O-4, O-5)."""

from __future__ import annotations

import pytest
from attrs import evolve

from ordercore.fulfilment.commands import AcceptCancel
from ordercore.ids import ItemId, LineId
from ordercore.inventory.model import OutOfStockError
from ordercore.inventory.reserve import BackorderRule
from ordercore.money import EUR
from ordercore.order import commands as oc
from ordercore.order.amend import AmendmentInWorkError, ProposalStaleError
from ordercore.order.balance import balance
from ordercore.order.model import Order
from ordercore.order.party import Destination
from ordercore.order.refusals import NotToUndoError, TendersDoNotFitError
from ordercore.order.terms import Terms
from ordercore.payment.policy import Capabilities, CaptureWhen, PaymentPolicy
from ordercore.pricing.draft import Charge, Draft
from ordercore.pricing.model import PricedOrder
from ordercore.pricing.slots import SlotSet
from ordercore.pricing.totals import price
from ordercore.refund.model import PriceReduction
from ordercore.refund.policy import GiveBack, RefundPolicy
from tests.laws.order_world import ACCOUNT, BUYER, Shop, Till, basket, eur, line

TEA = LineId("tea")
FREE = Terms(release_automatically=False, payment=PaymentPolicy(capture=CaptureWhen.PLACEMENT))


def opened(units: int) -> Shop:
    """A shop with so much tea."""
    shop = Shop()
    shop.receive("tea", units)
    return shop


def dearer(units: int, minor: int) -> PricedOrder:
    """The same goods at another price, as lines of their own."""
    return basket(evolve(line("tea", units, minor), id=LineId("tea-2"), extends=TEA))


def agreed(shop: Shop, order: Order, change: oc.ProposeAmendment) -> Order:
    """The order after a change."""
    shop.do(order.id, change)
    return shop.do(order.id, oc.ConfirmAmendment(proposal=change.proposal)).order


def test_units_in_work_are_not_amended_away() -> None:
    """Neither are they sold twice meanwhile: the location must be asked first (O-5)."""
    shop = opened(5)
    order = shop.place(line("tea", 2))
    for change in (
        oc.ProposeAmendment(proposal="fewer", removals=((TEA, 1),)),
        oc.ProposeAmendment(proposal="dearer", removals=((TEA, 2),), addition=dearer(2, 900)),
    ):
        before = shop.load(order.id)
        with pytest.raises(AmendmentInWorkError):
            agreed(shop, order, change)
        assert balance(before).owed == balance(shop.load(order.id)).owed
    with pytest.raises(NotToUndoError):
        shop.do(order.id, oc.UndoAmendment(proposal="fewer"))
    (work,) = order.fulfilment.orders
    shop.do(order.id, oc.Cancel())
    shop.do(order.id, AcceptCancel(fulfilment=work))
    assert eur(0) == balance(shop.load(order.id)).owed


def test_undoing_restores_what_is_owed() -> None:
    """Owed before the change is owed after its undoing, to the cent (RF-1, M-7)."""
    shop = opened(9)
    order = shop.place(line("tea", 2), terms=FREE)
    agreed(shop, order, oc.ProposeAmendment(proposal="p", removals=((TEA, 1),)))
    undone = shop.do(order.id, oc.UndoAmendment(proposal="p")).order
    assert balance(order).owed == balance(undone).owed

    reduced = shop.place(line("tea", 2), terms=FREE)
    less = PriceReduction(line=TEA, slots=SlotSet.of(1, 2), amount=eur(400))
    cheaper = agreed(shop, reduced, oc.ProposeAmendment(proposal="less", reductions=(less,)))
    agreed(shop, reduced, oc.ProposeAmendment(proposal="p", removals=((TEA, 1),)))
    undone = shop.do(reduced.id, oc.UndoAmendment(proposal="p")).order
    assert balance(cheaper).owed == balance(undone).owed


def test_a_proposal_removes_the_units_that_it_showed() -> None:
    """Other units of the line were cancelled meanwhile: it is proposed anew (O-4)."""
    shop = opened(9)
    order = shop.place(line("tea", 3), terms=FREE)
    shop.do(order.id, oc.ProposeAmendment(proposal="p", removals=((TEA, 1),)))
    shop.do(order.id, oc.CancelUnits(units=((TEA, 1),)))
    with pytest.raises(ProposalStaleError):
        shop.do(order.id, oc.ConfirmAmendment(proposal="p"))


def test_a_later_address_outlives_an_undoing() -> None:
    """What the customer wished after the amendment is not overwritten (O-4)."""
    shop = opened(9)
    rome, wien = Destination(country="IT"), Destination(country="AT")
    order = shop.place(line("tea", 1), terms=FREE)
    agreed(shop, order, oc.ProposeAmendment(proposal="p", destination=rome))
    shop.do(order.id, oc.ChangeDestination(destination=wien))
    assert wien == shop.do(order.id, oc.UndoAmendment(proposal="p")).order.destination


def test_a_swap_for_more_than_there_is_is_refused() -> None:
    """Units that are taken over are no excuse for those that are missing (I-3)."""
    shop = opened(1)
    order = shop.place(line("tea", 1), terms=FREE)
    with pytest.raises(OutOfStockError):
        agreed(
            shop,
            order,
            oc.ProposeAmendment(proposal="p", removals=((TEA, 1),), addition=dearer(3, 900)),
        )


def test_the_rest_of_a_part_is_not_forgotten() -> None:
    """An order that took what was there waits for the rest with a time to retry (I-3)."""
    shop = opened(1)
    order = shop.service.place(
        basket(line("tea", 3)),
        key="k",
        by=BUYER,
        terms=Terms(backorder=BackorderRule.PARTIAL),
        tenders=(ACCOUNT,),
    ).order
    assert order.stock.retry_at is not None
    shop.receive("tea", 9)
    shop.rest(rounds=6)
    assert 3 == shop.load(order.id).stock.reserved(TEA)
    assert ItemId("tea") == order.priced.lines[0].item


def test_what_was_not_given_back_is_not_charged_again() -> None:
    """Shipping that a cancel keeps is not added once more by an undoing (RF-4)."""
    shop = opened(5)
    policy = RefundPolicy(cancelled=GiveBack.NEVER)
    post = Charge(id="post", amount=eur(500))
    order = shop.service.place(
        price(Draft(currency=EUR, lines=(line("tea", 2),), charges=(post,))),
        key="k",
        by=BUYER,
        terms=evolve(FREE, refund=policy),
        tenders=(ACCOUNT,),
    ).order
    after = agreed(shop, order, oc.ProposeAmendment(proposal="p", removals=((TEA, 1),)))
    assert eur(1500) == balance(after).owed
    undone = shop.do(order.id, oc.UndoAmendment(proposal="p")).order
    assert eur(2500) == balance(undone).owed
    shop.do(order.id, oc.Cancel())
    assert eur(500) == balance(shop.load(order.id)).owed


def test_a_gateway_is_asked_for_its_own_currencies_only() -> None:
    """An order that nobody could ever collect is not placed (PAY-2)."""
    shop = opened(1)
    shop.till = Till(able=Capabilities(currencies=("USD",)))
    shop.service = shop.another("dollars")
    with pytest.raises(TendersDoNotFitError, match="does not take EUR"):
        shop.place(line("tea", 1))
    assert shop.place(line("tea", 1), tenders=(ACCOUNT,)).confirmed_at is not None
