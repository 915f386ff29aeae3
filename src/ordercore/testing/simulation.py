"""
The same life of an order again and again, each time with a fault at another place.

A life is a few steps of a client, served by the real engine over a store in memory and a sandbox
gateway, on a clock that only the simulation moves. Every touch of the outside is an effect
(`ordercore.service.effects`), and effects are counted: a `Schedule` names the numbers at which a
fault strikes, so that any life can be lived again exactly.

>>> [str(finding) for finding in exhaustive(PLACE, depth=1)]
[]
>>> replay(PLACE, Schedule(((7, Fault.CRASH_BEFORE),))) is None
True
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ordercore.facts import Request
from ordercore.fulfilment.commands import AcceptCancel, Dispatch, PackItem, PackParcel, PickUnits
from ordercore.fulfilment.model import LineUnits
from ordercore.ids import FulfilmentId, ParcelId, ReturnId
from ordercore.order.commands import Cancel, Place, Refund
from ordercore.order.quote import quote_refund
from ordercore.pricing.slots import SlotSet
from ordercore.returns.commands import Finding as InspectionFinding
from ordercore.returns.commands import InspectReturn, ReceiveReturn
from ordercore.returns.model import Grade, ReturnUnits
from ordercore.service.effects import (
    AskGateway,
    BookParcelCall,
    Commit,
    Effect,
    RecordFailure,
    SendToGateway,
    Sleep,
    TakeDue,
)
from ordercore.testing._simulation_world import (
    LINE,
    ORDER,
    PUNCTUAL,
    SHOP,
    SLOW,
    CrashedError,
    Fault,
    Finding,
    Flow,
    Schedule,
    Setting,
    World,
)
from ordercore.testing.scenario import small_order

__all__ = [
    "CANCEL",
    "DISPATCH",
    "FLOWS",
    "PLACE",
    "PUNCTUAL",
    "RETURN",
    "SLOW",
    "CrashedError",
    "Fault",
    "Finding",
    "Flow",
    "Schedule",
    "Setting",
    "World",
    "exhaustive",
    "replay",
]

PARCEL: Final = ParcelId("parcel-1")
RETURN_ID: Final = ReturnId("return-1")


# --- flows --------------------------------------------------------------------------------------


def _place(_world: World) -> Request:
    small = small_order()
    return Place(order=ORDER, priced=small.priced, terms=small.terms, tenders=small.payment.tenders)


def _work(world: World) -> FulfilmentId:
    return next(iter(world.order().fulfilment.orders), FulfilmentId("not planned"))


def _pick(world: World) -> Request:
    return PickUnits(fulfilment=_work(world), lines=(LineUnits(line=LINE, quantity=2),))


def _pack(world: World) -> Request:
    items = (PackItem(line=LINE, quantity=2),)
    return PackParcel(parcel=PARCEL, fulfilment=_work(world), items=items)


def _receive(_world: World) -> Request:
    units = (ReturnUnits(line=LINE, quantity=1),)
    return ReceiveReturn(return_id=RETURN_ID, items=units, location=SHOP)


def _inspect(_world: World) -> Request:
    result = InspectionFinding(units=ReturnUnits(line=LINE, quantity=1), grade=Grade.A_NEW)
    return InspectReturn(return_id=RETURN_ID, results=(result,))


def _refund(world: World) -> Request:
    return Refund(quote=quote_refund(world.order(), ((LINE, SlotSet.of(0, 1)),), world.now))


def _dispatch(_world: World) -> Request:
    return Dispatch(parcel=PARCEL)


def _cancel(_world: World) -> Request:
    return Cancel()


def _agree(world: World) -> Request:
    return AcceptCancel(fulfilment=_work(world))


_SENT: Final = (_place, _pick, _pack, _dispatch)

PLACE: Final = Flow(name="place", steps=(_place,), live=2000)
DISPATCH: Final = Flow(name="place, dispatch, capture", steps=_SENT, captured=2000)
CANCEL: Final = Flow(
    name="place, cancel, the location agrees",
    steps=(_place, _cancel, _agree),
)
RETURN: Final = Flow(
    name="place, dispatch, capture, return, refund",
    steps=(*_SENT, _receive, _inspect, _refund),
    captured=2000,
    refunded=1000,
)
FLOWS: Final = (PLACE, DISPATCH, CANCEL, RETURN)


# --- searching ----------------------------------------------------------------------------------


def exhaustive(flow: Flow, depth: int = 1, *, setting: Setting | None = None) -> Iterator[Finding]:
    """
    Live through a flow with every schedule of up to *depth* faults; each life that went wrong.

    A life that went wrong is not struck again: its finding has as few faults as possible.
    """
    yield from _search(flow, depth, Schedule(), setting or Setting())


def replay(flow: Flow, schedule: Schedule, *, setting: Setting | None = None) -> Finding | None:
    """Live one life again; None: nothing is wrong with it."""
    return _lived(flow, schedule, setting or Setting())[1]


def _lived(
    flow: Flow, schedule: Schedule, setting: Setting
) -> tuple[list[Effect[object]], Finding | None]:
    world = World(schedule, setting)
    problems = world.live(flow)
    world.gateway.close()
    if not problems:
        return world.trace, None
    names = tuple(_name(effect) for effect in world.trace)
    found = Finding(flow=flow.name, schedule=schedule, effects=names, problems=problems)
    return world.trace, found


def _search(flow: Flow, depth: int, schedule: Schedule, setting: Setting) -> Iterator[Finding]:
    trace, finding = _lived(flow, schedule, setting)
    if finding is not None:
        yield finding
    elif len(schedule.strikes) < depth:
        for index in range(schedule.last + 1, len(trace)):
            for fault in _faults(trace[index]):
                yield from _search(flow, depth, schedule.then(index, fault), setting)


def _faults(effect: Effect[object]) -> Iterator[Fault]:
    """What can go wrong at an effect; to die after a mere read is to die before it."""
    yield Fault.CRASH_BEFORE
    match effect:
        case Commit():
            yield from (Fault.CRASH_AFTER, Fault.COMMIT_RAISED_BUT_SUCCEEDED)
        case SendToGateway() | AskGateway() | BookParcelCall():
            yield from (Fault.CRASH_AFTER, Fault.ANSWER_LOST, Fault.GATEWAY_ERROR)
        case Sleep() | TakeDue() | RecordFailure():
            yield Fault.CRASH_AFTER
        case _:
            return


def _name(effect: Effect[object]) -> str:
    name = type(effect).__name__
    if isinstance(effect, SendToGateway | AskGateway):
        return f"{name}({effect.request.operation})"
    return name
