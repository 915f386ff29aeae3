"""Placements that gave away more than who placed them may: on trust, or by a price of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction
from typing import Final

import pytest
from attrs import evolve

from ordercore.adapters.aio import ThreadedStore
from ordercore.facts import Request
from ordercore.ids import Actor, CreditId, ItemId, LineId, OrderId, Sku, StreamId, TenderId
from ordercore.order import commands as oc
from ordercore.order.terms import Terms
from ordercore.payment.model import Tender, TenderKind
from ordercore.pricing.discounts import PercentOff
from ordercore.pricing.model import (
    DraftLine,
    KitComponent,
    PricedOrder,
    PriceOverride,
    Tax,
    UnitPrice,
)
from ordercore.pricing.slots import SlotSet
from ordercore.refund.model import CreditCause, PriceReduction, RefundRequest
from ordercore.service.aio import AsyncOrderService
from ordercore.service.engine import Receipt
from ordercore.service.permissions import (
    ApprovalNeededError,
    ApproverNotEntitledError,
    Grant,
    Permissions,
)
from ordercore.service.sync import OrderService
from tests.contracts.life import AsyncTill
from tests.laws.order_world import ACCOUNT, CARD, Ids, Shop, basket, eur, line

ANN, BOB, KIM, PAT = (Actor(name) for name in ("clerk:ann", "clerk:bob", "lead:kim", "customer:7"))
CASH: Final = Tender(id=TenderId("cod"), kind=TenderKind.CASH_ON_DELIVERY)
VAT: Final = Tax(code="VAT", rate=Fraction(20, 100))
CITY: Final = Tax(code="CITY", rate=Fraction(10, 100), compound=True)
NAME: Final = OrderId("new-1")
TEAS: Final = basket(line("tea", 2))
Asked = tuple[PricedOrder, Terms, tuple[Tender, ...]]


def opened(limit: int) -> tuple[Shop, OrderService]:
    """A shop, and a desk of it where clerks and customers have a limit, and the lead has none."""
    shop = Shop()
    for item in ("tea", "cup"):
        shop.receive(item, 9)
    grants = [Grant(role=role, command="*", limit=eur(limit)) for role in ("clerk", "customer")]
    rights = Permissions(grants=(*grants, Grant(role="lead", command="*")))
    desk = OrderService(store=shop.store, payments=shop.till, ids=Ids("d"), permissions=rights)
    return shop, desk


def placed(desk: OrderService, asked: Asked, by: Actor, second: Actor | None = None) -> Receipt:
    """The same placement by whoever."""
    priced, terms, tenders = asked
    return desk.place(
        priced, key="k", by=by, order=NAME, terms=terms, tenders=tenders, approved_by=second
    )


def cheaper(each: DraftLine, minor: int, per: int = 1) -> DraftLine:
    """A line for which a clerk names another price."""
    own = UnitPrice(eur(minor), per=per)
    return evolve(each, override=PriceOverride(price=own, actor=ANN, reason="a regular"))


def kit(minor: int) -> DraftLine:
    """Two sets for 30.00 each, of a tea and two cups, for another price."""
    parts = tuple(
        KitComponent(id=LineId(name), item=ItemId(name), sku=Sku(name), quantity=units, value=1)
        for name, units in (("tea", 1), ("cup", 2))
    )
    return cheaper(evolve(line("set", 2, 3000), components=parts), minor)


def at(*lines: DraftLine) -> Asked:
    """These lines, paid by card before they leave."""
    return basket(*lines), Terms(), (CARD,)


ON_TOP: Final = evolve(line("tea", 2), taxes=(VAT, CITY))
LARGE: Final = evolve(line("tea", 9), unit_price=UnitPrice(eur(1000), per=3))
LOWER: Final = cheaper(line("tea", 2), 900)
GIVING: Final[dict[str, tuple[Asked, int]]] = {
    "on account": ((TEAS, Terms(), (ACCOUNT,)), 2000),
    "in part on account": (
        (TEAS, Terms(), (evolve(ACCOUNT, amount=eur(500)), CARD)),
        500,
    ),
    "cash on delivery": ((TEAS, Terms(), (CASH,)), 2000),
    "shipped before it is paid": ((TEAS, Terms(ship_before_paid=True), (CARD,)), 2000),
    "little enough to be forgotten": ((TEAS, Terms(tolerance=300), (CARD,)), 300),
    "forgotten as a whole": ((TEAS, Terms(tolerance=10**6), (CARD,)), 2000),
    "a lower price": (at(LOWER), 200),
    "for nothing": (at(cheaper(line("tea", 2), 0)), 2000),
    "with tax on top": (at(cheaper(ON_TOP, 900)), 264),
    "with tax in it": (at(cheaper(evolve(ON_TOP, tax_included=True), 900)), 200),
    "per several units": (at(cheaper(LARGE, 500, per=3)), 1500),
    "one lower and one higher": (
        at(cheaper(line("tea", 2), 900), cheaper(line("cup", 1), 9000)),
        200,
    ),
    "two lower": (at(cheaper(line("tea", 2), 900), cheaper(line("cup", 1), 900)), 300),
    "a kit": (at(kit(2000)), 2000),
}


def let_through() -> set[str]:
    """The gifts that a clerk makes alone whose limit is a cent too low for them."""
    found: set[str] = set()
    for name, (asked, minor) in GIVING.items():
        try:
            placed(opened(minor - 1)[1], asked, ANN)
        except ApprovalNeededError:
            continue
        found.add(name)
    return found


@pytest.mark.parametrize("name", GIVING)
def test_a_placement_meets_the_limit(name: str) -> None:
    """Permissions: beyond it nothing is written until a second person approves who may."""
    asked, minor = GIVING[name]
    shop, desk = opened(minor - 1)
    for second, error in ((None, ApprovalNeededError), (BOB, ApproverNotEntitledError)):
        with pytest.raises(error) as caught:
            placed(desk, asked, ANN, second)
        assert isinstance(caught.value, ApprovalNeededError)
        assert eur(minor) == caught.value.amount
    assert [] == list(shop.store.history(StreamId(NAME)))
    order = placed(desk, asked, ANN, KIM).order
    first = next(iter(shop.store.history(order.stream)))
    assert (ANN, "approved by lead:kim") == (first.by, first.reason)
    assert placed(desk, asked, ANN).replayed


@pytest.mark.parametrize("name", GIVING)
def test_a_placement_within_the_limit_needs_nobody(name: str) -> None:
    """Permissions: up to the limit one person decides alone."""
    asked, minor = GIVING[name]
    assert placed(opened(minor)[1], asked, ANN).events


def test_a_kit_for_nothing_counts_at_least_its_price() -> None:
    """Permissions: its parts do not say what it would have cost together."""
    with pytest.raises(ApprovalNeededError) as caught:
        placed(opened(5999)[1], at(kit(0)), ANN)
    assert caught.value.amount >= eur(6000)


SALE: Final = evolve(line("tea", 2), discounts=(PercentOff(code="half", rate=Fraction(1, 2)),))
FREE: Final[dict[str, Asked]] = {
    "the shop's price": at(line("tea", 2)),
    "an offer of the shop": at(SALE),
    "a higher price": at(cheaper(line("tea", 2), 1100)),
    "the same price": at(cheaper(line("tea", 2), 1000)),
    "no tender yet": (TEAS, Terms(), ()),
}


@pytest.mark.parametrize("name", FREE)
def test_customers_place_what_the_shop_has_priced(name: str) -> None:
    """Permissions: without a gift and without trust nobody is asked, whatever the limit."""
    assert placed(opened(0)[1], FREE[name], PAT).events


def reduced(desk: OrderService, shop: Shop, priced: PricedOrder) -> Request:
    """An exchange of a claim of a cent for goods of a price."""
    order = shop.send_all(placed(desk, at(line("tea", 2)), KIM).order.id)
    cent = PriceReduction(line=LineId("tea"), slots=SlotSet.of(0, 1), amount=eur(1))
    asked = RefundRequest(id=CreditId("c"), cause=CreditCause.CLAIM, reductions=(cent,))
    quote = desk.quote_refund(order.id, asked)
    return oc.ExchangeGoods(order=OrderId("new-2"), priced=priced, quote=quote, tenders=(CARD,))


def added(desk: OrderService, shop: Shop, priced: PricedOrder) -> Request:
    """An amendment that adds goods of a price; to propose it gives nothing away."""
    del shop
    name = placed(desk, at(line("tea", 2)), KIM).order.id
    desk.execute(name, oc.ProposeAmendment(proposal="p", addition=priced), by=ANN)
    return oc.ConfirmAmendment(proposal="p")


@pytest.mark.parametrize("ask", [reduced, added])
def test_a_lower_price_passes_by_no_other_door(
    ask: Callable[[OrderService, Shop, PricedOrder], Request],
) -> None:
    """Permissions: what is given away is weighed, whatever the request is called."""
    shop, desk = opened(99)
    command = ask(desk, shop, basket(cheaper(line("cup", 1), 900)))
    with pytest.raises(ApprovalNeededError) as caught:
        desk.execute(NAME, command, by=ANN)
    assert eur(100) == caught.value.amount
    assert desk.execute(NAME, command, by=ANN, approved_by=KIM).events


def test_the_async_service_weighs_as_well() -> None:
    """Both services ask for the same second person."""
    shop, _ = opened(0)
    rights = Permissions(
        grants=(Grant(role="clerk", command="Place", limit=eur(0)), Grant(role="lead", command="*"))
    )
    twin = AsyncOrderService(
        store=ThreadedStore(shop.store), payments=AsyncTill(shop.till), permissions=rights
    )
    with pytest.raises(ApprovalNeededError):
        asyncio.run(twin.place(TEAS, key="k", by=ANN, tenders=(ACCOUNT,)))
    placing = twin.place(TEAS, key="k", by=ANN, tenders=(ACCOUNT,), approved_by=KIM)
    assert asyncio.run(placing).events
