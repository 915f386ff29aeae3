"""O-3: holds of every kind, several at once, what each blocks, and what ends it; own stages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ordercore.errors import OrderCoreError
from ordercore.facts import Request
from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.model import LineUnits, WorkStatus
from ordercore.ids import FulfilmentId, HoldKind, LineId, Reference
from ordercore.order import commands as oc
from ordercore.order.balance import balance
from ordercore.order.events import HoldReleased
from ordercore.order.guards import OnHoldError
from ordercore.order.model import Order
from ordercore.order.party import Destination
from ordercore.order.refusals import StageNotLeftError, UnknownStageError
from ordercore.order.status import OrderStatus, order_status
from ordercore.order.terms import Blocks, ReleaseOn, Stage, StageRule, Terms
from ordercore.payment import commands as pc
from ordercore.payment.model import Operation
from tests.laws.order_world import ACCOUNT, Shop, eur, line

KINDS = ("fraud", "credit", "age", "address", "stock", "customer", "prescription")
TEA = LineId("tea")
LATER = Terms(release_automatically=False)


@pytest.fixture
def shop() -> Shop:
    """Five are there."""
    opened = Shop()
    opened.receive("tea", 5)
    return opened


def held(shop: Shop, order: Order, *blocks: Blocks, kind: str = "fraud") -> Order:
    return shop.do(order.id, oc.PlaceHold(kind=HoldKind(kind), blocks=blocks)).order


def released(shop: Shop, order: Order, kind: str) -> Order:
    return shop.do(order.id, oc.ReleaseHold(kind=HoldKind(kind))).order


def test_an_order_waits_for_the_last_of_its_holds(shop: Shop) -> None:
    """Every kind can stand beside the others; each alone keeps the order from being confirmed."""
    terms = Terms(holds_at_placement=tuple(HoldKind(kind) for kind in KINDS))
    order = shop.place(line("tea", 1), terms=terms)
    assert list(KINDS) == [hold.kind for hold in order.holds]
    for kind in KINDS:
        assert OrderStatus.PLACED is order_status(order)
        order = released(shop, order, kind)
    assert OrderStatus.CONFIRMED is order_status(order)


def test_a_hold_on_capture_keeps_the_money_where_it_is(shop: Shop) -> None:
    """Goods go, and nothing is captured until the hold is gone."""
    order = held(shop, shop.place(line("tea", 1)), Blocks.CAPTURE)
    shop.send_all(order.id)
    assert 0 == shop.till.moved(Operation.CAPTURE, order.id)
    released(shop, order, "fraud")
    assert 1000 == shop.till.moved(Operation.CAPTURE, order.id)


def test_a_hold_on_fulfilment_stops_planning_and_work(shop: Shop) -> None:
    """Nothing is planned or released, and planned work is not begun."""
    order = held(shop, shop.place(line("tea", 1), terms=LATER), Blocks.FULFIL)
    (work,) = order.fulfilment.open_orders
    with pytest.raises(OrderCoreError, match="hold"):
        shop.do(order.id, fc.ReleaseFulfilment(fulfilment=work.id))
    order = released(shop, order, "fraud")
    order = shop.do(order.id, fc.ReleaseFulfilment(fulfilment=work.id)).order
    assert WorkStatus.RELEASED is order.fulfilment.orders[FulfilmentId(work.id)].status
    held(shop, order, Blocks.FULFIL)
    units = (LineUnits(line=TEA, quantity=1),)
    with pytest.raises(OrderCoreError, match="hold"):
        shop.do(order.id, fc.PickUnits(fulfilment=work.id, lines=units))


def test_a_hold_on_shipping_lets_work_go_on_to_the_door(shop: Shop) -> None:
    """A parcel is packed, and may not leave."""
    order = held(shop, shop.place(line("tea", 1)), Blocks.SHIP)
    parcel = shop.pack(order.id)
    assert parcel is not None
    with pytest.raises(OrderCoreError, match="on hold"):
        shop.do(order.id, fc.Dispatch(parcel=parcel))
    released(shop, order, "fraud")
    assert OrderStatus.FULFILLED is order_status(
        shop.do(order.id, fc.Dispatch(parcel=parcel)).order
    )


def test_a_hold_on_refunds_stops_requests_and_money(shop: Shop) -> None:
    """What must go back waits, and is not forgotten."""
    order = shop.place(line("tea", 2), terms=Terms())
    shop.send_all(order.id)
    order = held(shop, shop.load(order.id), Blocks.REFUND)
    paid = pc.RecordPayment(
        tender=order.payment.tenders[0].id, amount=eur(500), reference=Reference("slip")
    )
    order = shop.do(order.id, paid).order
    assert balance(order).to_pay_back == eur(500)
    with pytest.raises(OnHoldError):
        shop.do(
            order.id,
            pc.RecordRefund(
                tender=order.payment.tenders[0].id, amount=eur(1), reference=Reference("back")
            ),
        )
    assert 0 == shop.till.moved(Operation.REFUND, order.id)
    released(shop, order, "fraud")
    assert 500 == shop.till.moved(Operation.REFUND, order.id)


def test_a_hold_ends_when_all_is_paid(shop: Shop) -> None:
    """O-3: a credit hold goes with the fact that it waits for, and says so."""
    order = shop.place(line("tea", 1), tenders=(ACCOUNT,), terms=LATER)
    hold = oc.PlaceHold(kind=HoldKind("credit"), blocks=(Blocks.SHIP,), release_on=ReleaseOn.PAID)
    assert 1 == len(shop.do(order.id, hold).order.holds)
    paid = pc.RecordPayment(tender=ACCOUNT.id, amount=eur(1000), reference=Reference("bank"))
    shop.do(order.id, paid)
    assert () == shop.load(order.id).holds
    told = [
        event.reason
        for each in shop.service.history(order.id)
        for event in each.events[order.stream]
        if isinstance(event, HoldReleased)
    ]
    assert ["the order is paid"] == told


def test_a_hold_ends_when_stock_is_there(shop: Shop) -> None:
    """A stock hold goes when every unit is held; one that is covered already ends at once."""
    order = shop.place(line("tea", 1), terms=LATER)
    for fact in (ReleaseOn.STOCK_READY, ReleaseOn.COVERED):
        hold = oc.PlaceHold(kind=HoldKind("x"), blocks=(Blocks.SHIP,), release_on=fact)
        assert () == shop.do(order.id, hold).order.holds


def test_an_address_hold_ends_with_another_address(shop: Shop) -> None:
    """The same address again does not end it, nor does a hold of another kind go with it."""
    order = held(shop, shop.place(line("tea", 1)), Blocks.SHIP)
    hold = oc.PlaceHold(
        kind=HoldKind("address"), blocks=(Blocks.SHIP,), release_on=ReleaseOn.ADDRESS_CHANGED
    )
    shop.do(order.id, hold)
    first = oc.ChangeDestination(destination=Destination(country="DE", postal_code="10115"))
    order = shop.do(order.id, first).order
    assert ["fraud"] == [each.kind for each in order.holds]
    shop.do(order.id, hold)
    assert 2 == len(shop.do(order.id, first).order.holds)


def test_time_or_fact_whichever_is_first(shop: Shop) -> None:
    """A hold with both ends with the earlier of them."""
    order = shop.place(line("tea", 1), tenders=(ACCOUNT,), terms=LATER)
    hold = oc.PlaceHold(
        kind=HoldKind("credit"),
        blocks=(Blocks.SHIP,),
        release_on=ReleaseOn.PAID,
        release_at=shop.clock.now + timedelta(hours=1),
    )
    shop.do(order.id, hold)
    shop.clock.forward(timedelta(hours=2))
    assert () == shop.service.advance(order.id).holds


# --- stages -------------------------------------------------------------------------------------

STAGES = StageRule(
    stages=(
        Stage(name="check", inside="confirmed"),
        Stage(name="engraving", inside="fulfilling", shippable=False),
        Stage(name="engraved", inside="fulfilling"),
    ),
    steps=(("engraving", "engraved"), ("engraved", "")),
)


@pytest.fixture
def packed(shop: Shop) -> Order:
    """An order that is being worked on."""
    order = shop.place(line("tea", 1), terms=Terms(stages=STAGES))
    shop.pack(order.id)
    return shop.load(order.id)


def enter(stage: str) -> Request:
    return oc.MoveToStage(stage=stage)


def test_a_stage_stops_what_it_says_until_it_is_left(shop: Shop, packed: Order) -> None:
    """Nothing leaves while it is engraved."""
    shop.do(packed.id, enter("engraving"))
    (parcel,) = packed.fulfilment.parcels
    with pytest.raises(OrderCoreError, match="in the stage engraving"):
        shop.do(packed.id, fc.Dispatch(parcel=parcel))
    shop.do(packed.id, enter("engraved"))
    assert OrderStatus.FULFILLED is order_status(
        shop.do(packed.id, fc.Dispatch(parcel=parcel)).order
    )


def test_steps_are_kept(shop: Shop, packed: Order) -> None:
    """There is no way back, none out of the middle, and none into another status."""
    assert "" == shop.do(packed.id, enter("")).order.stage
    shop.do(packed.id, enter("engraving"))
    for wrong in ("check", "unknown"):
        with pytest.raises(UnknownStageError):
            shop.do(packed.id, enter(wrong))
    sentence = "The order cannot leave the stage engraving now: there is no step out of it."
    with pytest.raises(StageNotLeftError, match=sentence):
        shop.do(packed.id, enter(""))
    shop.do(packed.id, enter("engraved"))
    with pytest.raises(UnknownStageError):
        shop.do(packed.id, enter("engraving"))
    assert "" == shop.do(packed.id, enter("")).order.stage


def test_a_stage_that_the_order_is_past_can_be_left(shop: Shop) -> None:
    """Goods were picked while a check stood: it is no dead end."""
    order = shop.place(line("tea", 1), terms=Terms(stages=STAGES))
    shop.do(order.id, enter("check"))
    shop.pack(order.id)
    assert "" == shop.do(order.id, enter("")).order.stage
