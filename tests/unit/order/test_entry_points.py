"""ABUSE 20 to 24 at every entry point of the order that takes goods, units or codes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

import pytest
from attrs import evolve

from ordercore.codec.converter import from_plain, to_plain
from ordercore.errors import InvalidValueError, OrderCoreError
from ordercore.facts import Request
from ordercore.ids import CreditId, HoldKind, LineId, OrderId
from ordercore.money import EUR, USD, Money
from ordercore.order import commands as oc
from ordercore.order.groups import DeliveryGroup
from ordercore.order.model import Order
from ordercore.order.terms import Blocks
from ordercore.pricing.draft import Draft
from ordercore.pricing.model import DraftLine, PricedOrder, UnitPrice
from ordercore.pricing.slots import SlotSet
from ordercore.pricing.totals import price
from ordercore.refund.model import CreditCause, RefundItem, RefundRequest
from tests.laws.order_world import BUYER, CARD, Shop, basket, line

TEA: Final = LineId("tea")
OTHER: Final = OrderId("other")


@pytest.fixture
def shop() -> Shop:
    """Five are there."""
    opened = Shop()
    opened.receive("tea", 5)
    opened.receive("cup", 5)
    return opened


@pytest.fixture
def order(shop: Shop) -> Order:
    """All of it has arrived."""
    placed = shop.place(line("tea", 2))
    return shop.send_all(placed.id, deliver=True)


def claim(shop: Shop, order: Order, priced: PricedOrder) -> oc.ExchangeGoods:
    """Something else for a broken unit."""
    item = RefundItem(line=TEA, slots=SlotSet.of(0, 1))
    wanted = RefundRequest(id=CreditId("c"), cause=CreditCause.CLAIM, items=(item,))
    quote = shop.service.quote_refund(order.id, wanted)
    return oc.ExchangeGoods(order=OTHER, priced=priced, quote=quote, tenders=(CARD,))


def refused(shop: Shop, order: Order, ask: Callable[[], object]) -> OrderCoreError:
    """The refusal; nothing was written for it."""
    before = shop.load(order.id), sorted(shop.store.streams())
    with pytest.raises(OrderCoreError) as caught:
        ask()
    assert before == (shop.load(order.id), sorted(shop.store.streams()))
    return caught.value


def test_a_price_from_outside_is_not_taken(shop: Shop, order: Order) -> None:
    """ABUSE 20: no priced order comes to be with it, so no way in can be given one."""

    def claimed() -> PricedOrder:
        return basket(evolve(line("cup", 1), claimed_price=UnitPrice(Money(1, EUR))))

    for way in (
        lambda: shop.service.place(claimed(), key="k", by=BUYER, tenders=(CARD,)),
        lambda: shop.do(order.id, claim(shop, order, claimed())),
        lambda: shop.do(order.id, oc.ProposeAmendment(proposal="p", addition=claimed())),
    ):
        assert "price-changed" == refused(shop, order, way).code


def test_an_expired_or_foreign_offer_is_refused(shop: Shop, order: Order) -> None:
    """ABUSE 21: in an exchange and in an amendment as in a placement."""
    until = shop.clock.now + timedelta(days=1)
    old = price(Draft(currency=EUR, lines=(line("cup", 1),), valid_until=until))
    dollars = DraftLine(
        id=LineId("cup"),
        item=line("cup", 1).item,
        sku=line("cup", 1).sku,
        quantity=1,
        unit_price=UnitPrice(Money(100, USD)),
    )
    foreign = price(Draft(currency=USD, lines=(dollars,)))
    shop.clock.forward(timedelta(days=2))
    for offer, code in ((old, "quotation-expired"), (foreign, "currency-mismatch")):
        command = claim(shop, order, offer)
        proposal = oc.ProposeAmendment(proposal="p", addition=offer)
        for request in (command, proposal):
            found = refused(shop, order, partial(shop.do, order.id, request))
            assert code == found.code


def test_a_coupon_is_used_once(shop: Shop, order: Order) -> None:
    """ABUSE 22: the claim stands in the same commit as the order."""
    place = partial(shop.service.place, basket(line("cup", 1)), by=BUYER, tenders=(CARD,))
    place(key="one", coupons=("SPRING",))
    assert (
        "already-claimed"
        == refused(shop, order, partial(place, key="two", coupons=("SPRING",))).code
    )


@pytest.mark.parametrize(
    "command",
    [
        oc.CancelUnits(units=((TEA, 1),)),
        oc.ProposeAmendment(proposal="p", removals=((TEA, 1),)),
        oc.SplitOrder(order=OTHER, units=((TEA, 1),)),
        oc.ChangeGroups(groups=(DeliveryGroup(id="g", units=((TEA, 3),)),)),
        oc.UndoAmendment(proposal="p"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_what_was_sent_is_not_edited(shop: Shop, order: Order, command: Request) -> None:
    """ABUSE 23: refused with a reason, whichever way it is asked."""
    assert str(refused(shop, order, partial(shop.do, order.id, command))).endswith(".")


BAD: Final[list[tuple[type[Request], dict[str, object]]]] = [
    (oc.SplitOrder, {"order": OTHER, "units": 7}),
    (oc.SplitOrder, {"order": OTHER, "units": ((TEA, 1.5),)}),
    (oc.SplitOrder, {"order": OTHER, "units": ((TEA, True),)}),
    (oc.SplitOrder, {"order": "a\0b", "units": ((TEA, 1),)}),
    (oc.SplitOrder, {"order": OTHER, "units": ((TEA, 1),), "tenders": ("cash",)}),
    (oc.ExchangeGoods, {"order": OTHER, "priced": "all", "quote": None}),
    (oc.ChangeGroups, {"groups": "all"}),
    (oc.ChangeGroups, {"groups": ("all",)}),
    (oc.UndoAmendment, {"proposal": 7}),
    (oc.PlaceHold, {"kind": HoldKind("x"), "blocks": (Blocks.SHIP,), "release_on": "rain"}),
    (oc.ProposeAmendment, {"proposal": "p", "reductions": ("free",)}),
    (oc.ProposeAmendment, {"proposal": "p", "destination": "home"}),
]


@pytest.mark.parametrize(("kind", "values"), BAD)
def test_values_of_another_kind_are_refused(
    shop: Shop, order: Order, kind: type[Request], values: dict[str, Any]
) -> None:
    """Each is a typed error before anything is decided."""
    found = refused(shop, order, lambda: shop.do(order.id, kind(**values)))
    assert isinstance(found, InvalidValueError | OrderCoreError)


@pytest.mark.parametrize("field", ["status", "total", "paid", "version", "id", "customer_id"])
def test_nothing_else_can_be_assigned(shop: Shop, order: Order, field: str) -> None:
    """ABUSE 24: the commands that make or change orders have no other fields."""
    for command in (
        oc.SplitOrder(order=OTHER, units=((TEA, 1),)),
        oc.ChangeGroups(groups=()),
        oc.UndoAmendment(proposal="p"),
        claim(shop, order, basket(line("cup", 1))),
    ):
        plain = to_plain(command)
        assert isinstance(plain, dict)
        found = refused(shop, order, partial(from_plain, plain | {field: True}, type(command)))
        assert field in str(found)
