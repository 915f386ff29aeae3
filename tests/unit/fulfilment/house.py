"""A small order in a warehouse, for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from attrs import evolve as changed

from ordercore.facts import Event
from ordercore.fulfilment import commands as cmd
from ordercore.fulfilment.decide import FulfilmentBasis, decide_fulfilment, evolve_fulfilment
from ordercore.fulfilment.model import FulfilmentState, LineUnits, ParcelStatus
from ordercore.fulfilment.planning import plan_fulfilment
from ordercore.ids import FulfilmentId, ItemId, LineId, LocationId, ParcelId, StreamId
from ordercore.inventory.model import Allocation
from ordercore.pricing.slots import SlotSet

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OWNER = StreamId("order-1")
NORTH = LocationId("north")
SOUTH = LocationId("south")
F1 = FulfilmentId("f-1")
F2 = FulfilmentId("f-2")
P1 = ParcelId("p-1")
P2 = ParcelId("p-2")
TEA = LineId("1-tea")
CUP = LineId("2-cup")
QUANTITIES: Mapping[LineId, int] = {TEA: 3, CUP: 2}
OPEN: Mapping[LineId, SlotSet] = {line: SlotSet.of(0, units) for line, units in QUANTITIES.items()}
BASIS = FulfilmentBasis(owner=OWNER, open_slots=OPEN)

Command = cmd.FulfilmentRequest | cmd.FulfilmentReport


def hours(number: int) -> datetime:
    """So many hours after the beginning."""
    return NOW + timedelta(hours=number)


def held(line: LineId, units: int, location: LocationId = NORTH) -> Allocation:
    """Units that the order holds at a location."""
    return Allocation(line=line, item=ItemId(f"item-{line}"), location=location, reserved=units)


def units(line: LineId, quantity: int) -> LineUnits:
    return LineUnits(line=line, quantity=quantity)


def fold(state: FulfilmentState, events: Iterable[Event]) -> FulfilmentState:
    for event in events:
        state = evolve_fulfilment(state, event)
    return state


def planned(*allocations: Allocation) -> FulfilmentState:
    """All of the order planned at one location, or what is given."""
    wanted = allocations or tuple(held(line, count) for line, count in QUANTITIES.items())
    event = plan_fulfilment(FulfilmentState(), wanted, ids=[F1, F2], now=NOW)
    assert event is not None
    return fold(FulfilmentState(), [event])


def decided(
    state: FulfilmentState, command: Command, basis: FulfilmentBasis = BASIS
) -> tuple[Event, ...]:
    """The facts of a command, with the slots that are free in this state."""
    free = {
        line: slots - state.dispatched.get(line, SlotSet())
        for line, slots in basis.open_slots.items()
    }
    return decide_fulfilment(state, command, NOW, basis=changed(basis, open_slots=free))


def after(
    state: FulfilmentState, *commands: Command, basis: FulfilmentBasis = BASIS
) -> FulfilmentState:
    """The state after these commands."""
    for command in commands:
        state = fold(state, decided(state, command, basis))
    return state


RELEASE = cmd.ReleaseFulfilment(fulfilment=F1)
PACK = cmd.PackParcel(
    parcel=P1,
    fulfilment=F1,
    items=(cmd.PackItem(line=TEA, quantity=2), cmd.PackItem(line=CUP, quantity=1)),
)
REST = cmd.PackParcel(
    parcel=P2,
    fulfilment=F1,
    items=(cmd.PackItem(line=TEA, quantity=1), cmd.PackItem(line=CUP, quantity=1)),
)
SEND = cmd.Dispatch(parcel=P1)


def report(
    status: ParcelStatus, hour: int, *, parcel: ParcelId = P1, raw: str = ""
) -> cmd.ReportTracking:
    return cmd.ReportTracking(parcel=parcel, status=status, raw=raw, at=hours(hour))


def released() -> FulfilmentState:
    return after(planned(), RELEASE)


def packed() -> FulfilmentState:
    return after(released(), PACK)


def sent() -> FulfilmentState:
    return after(packed(), SEND)
