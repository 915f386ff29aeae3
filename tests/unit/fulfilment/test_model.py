from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from ordercore.errors import OrderCoreError
from ordercore.facts import Event
from ordercore.fulfilment import commands as cmd
from ordercore.fulfilment import events as ev
from ordercore.fulfilment.decide import decide_fulfilment, evolve_fulfilment
from ordercore.fulfilment.model import (
    FulfilmentOrder,
    FulfilmentState,
    ItemUnits,
    LineUnits,
    Parcel,
    ParcelItem,
    ParcelSize,
    ParcelStatus,
    ShortPolicy,
    WorkLine,
)
from ordercore.ids import FulfilmentId, ItemId, LineId, LocationId, ParcelId
from ordercore.pricing.slots import SlotSet
from tests.unit.fulfilment.house import BASIS, F1, NORTH, NOW, OWNER, P1, TEA, planned, units

ITEM = ItemId("item")


def a_line(line: str = "1", **counts: int) -> WorkLine:
    return WorkLine(line=LineId(line), item=ITEM, quantity=counts.get("quantity", 1))


WRONG: list[Callable[[], object]] = [
    lambda: LineUnits(line=TEA, quantity=0),
    lambda: LineUnits(line=TEA, quantity=True),
    lambda: LineUnits(line=LineId(""), quantity=1),
    lambda: WorkLine(line=TEA, item=ITEM, quantity=-1),
    lambda: WorkLine(line=TEA, item=ITEM, quantity=1, picked=-1),
    lambda: ParcelSize(length_mm=0, width_mm=1, height_mm=1),
    lambda: ParcelItem(line=TEA, item=ITEM, quantity=2, serials=("a",)),
    lambda: ParcelItem(line=TEA, item=ITEM, quantity=2, serials=("a", "a")),
    lambda: ParcelItem(line=TEA, item=ITEM, quantity=2, slots=SlotSet.of(0, 1)),
    lambda: ParcelItem(line=TEA, item=ITEM, quantity=1, lot="\u200b"),
    lambda: cmd.PackItem(line=TEA, quantity=-2),
    lambda: cmd.Dispatch(parcel=ParcelId("x" * 300)),
    lambda: cmd.ReportTracking(
        parcel=P1,
        status=ParcelStatus.LOST,
        at=datetime(2026, 1, 1),  # noqa: DTZ001 - that is what is wrong with it
    ),
    lambda: ev.FulfilmentPlanned(
        at=NOW,
        orders=(FulfilmentOrder(id=F1, location=NORTH, lines=(a_line("2"), a_line("1"))),),
    ),
    lambda: ev.FulfilmentPlanned(
        at=NOW,
        orders=(FulfilmentOrder(id=F1, location=NORTH, lines=(a_line("1"), a_line("1"))),),
    ),
]


@pytest.mark.parametrize("make", WRONG)
def test_wrong_values_cannot_be_made(make: Callable[[], object]) -> None:
    """Bad input is refused where the value is made, with an error of ours."""
    with pytest.raises(OrderCoreError):
        make()


def test_a_line_counts_what_is_left() -> None:
    """What is to pick, to pack and to send follows from the counts."""
    line = WorkLine(
        line=TEA, item=ITEM, quantity=9, picked=5, packed=3, dispatched=1, short=2, cancelled=1
    )
    assert (6, 1, 2, 5) == (line.wanted, line.to_pick, line.to_pack, line.remaining)


FACTS: list[Event] = [
    ev.FulfilmentReleased(at=NOW, fulfilment=FulfilmentId("x")),
    ev.FulfilmentHeld(at=NOW, fulfilment=FulfilmentId("x"), reason=""),
    ev.FulfilmentResumed(at=NOW, fulfilment=FulfilmentId("x")),
    ev.FulfilmentMoved(at=NOW, fulfilment=FulfilmentId("x"), location=LocationId("s")),
    ev.FulfilmentSplit(at=NOW, fulfilment=FulfilmentId("x"), into=F1, lines=()),
    ev.FulfilmentsMerged(at=NOW, fulfilment=FulfilmentId("x"), merged=F1),
    ev.FulfilmentReduced(at=NOW, fulfilment=FulfilmentId("x"), lines=(units(TEA, 1),)),
    ev.FulfilmentCancelRequested(at=NOW, fulfilment=FulfilmentId("x"), lines=()),
    ev.FulfilmentCancelAccepted(at=NOW, fulfilment=FulfilmentId("x"), lines=()),
    ev.FulfilmentCancelRefused(at=NOW, fulfilment=FulfilmentId("x")),
    ev.FulfilmentCancelled(at=NOW, fulfilment=FulfilmentId("x")),
    ev.FulfilmentClosed(at=NOW, fulfilment=FulfilmentId("x")),
    ev.UnitsPicked(
        at=NOW,
        owner=OWNER,
        fulfilment=FulfilmentId("x"),
        location=NORTH,
        items=(ItemUnits(line=TEA, item=ITEM, quantity=1),),
    ),
    ev.UnitsPutBack(at=NOW, fulfilment=FulfilmentId("x"), lines=(units(TEA, 1),)),
    ev.PickShort(
        at=NOW,
        owner=OWNER,
        fulfilment=FulfilmentId("x"),
        location=NORTH,
        items=(),
        policy=ShortPolicy.CLOSE,
    ),
    ev.ParcelUnpacked(at=NOW, parcel=P1),
    ev.ParcelBooked(at=NOW, parcel=P1, carrier="x", tracking_number="y"),
    ev.BookingFailed(at=NOW, parcel=P1, reason="x"),
    ev.BookingRetried(at=NOW, parcel=P1, carrier="x"),
    ev.ParcelMoved(at=NOW, owner=OWNER, parcel=P1, location=NORTH, status=ParcelStatus.DELIVERED),
    Event(at=NOW),
]


@pytest.mark.parametrize("event", FACTS, ids=lambda event: type(event).__name__)
def test_a_fact_about_something_unknown_changes_nothing(event: Event) -> None:
    """Folding never refuses: it knows no such thing and goes on."""
    state = planned()
    assert state == evolve_fulfilment(state, event)


def test_a_dispatch_of_an_unknown_parcel_still_counts_its_slots() -> None:
    """What left has left, even if nobody saw it packed."""
    event = ev.ShipmentDispatched(
        at=NOW,
        owner=OWNER,
        parcel=P1,
        fulfilment=F1,
        location=NORTH,
        items=(ParcelItem(line=TEA, item=ITEM, quantity=1, slots=SlotSet.of(0, 1)),),
    )
    assert {TEA: SlotSet.of(0, 1)} == evolve_fulfilment(FulfilmentState(), event).dispatched


def test_ten_thousand_lines_cost_little_per_fact() -> None:
    """A fact about one line of many touches that line only."""
    lines = tuple(a_line(f"{n:05}", quantity=1) for n in range(10_000))
    order = FulfilmentOrder(id=F1, location=NORTH, lines=lines)
    state = evolve_fulfilment(FulfilmentState(), ev.FulfilmentPlanned(at=NOW, orders=(order,)))
    state = evolve_fulfilment(state, ev.FulfilmentReleased(at=NOW, fulfilment=F1))
    pick = cmd.PickUnits(fulfilment=F1, lines=(LineUnits(line=LineId("05000"), quantity=1),))
    for event in decide_fulfilment(state, pick, NOW, basis=BASIS):
        after = evolve_fulfilment(state, event)
        same = zip(state.orders[F1].lines, after.orders[F1].lines, strict=True)
        assert 1 == sum(old is not new for old, new in same)


def test_a_parcel_under_way_is_neither_here_nor_there() -> None:
    """Packed, delivered, back or lost parcels are not on their way."""
    parcel = Parcel(id=P1, fulfilment=F1, location=NORTH, items=())
    assert not parcel.is_under_way
    sent = Parcel(
        id=P1, fulfilment=F1, location=NORTH, items=(), status=ParcelStatus.OUT_FOR_DELIVERY
    )
    assert sent.is_under_way
