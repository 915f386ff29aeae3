"""
Requests about an order's goods that name what is really there: works, parcels, units, returns.

For each kind the few that are the likeliest to be accepted, the best first; `order.possible` asks
`decide` about them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import combinations, count, product
from typing import Final, TypeAlias, TypeVar

from attrs import evolve

from ordercore.facts import Request
from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.model import (
    FulfilmentOrder,
    LineUnits,
    Parcel,
    ParcelStatus,
    WorkLine,
)
from ordercore.ids import Actor, FulfilmentId, ItemId, LineId, LocationId, ParcelId, ReturnId
from ordercore.order._bases import returns_basis
from ordercore.order.model import Order
from ordercore.pricing.figures import slot_value
from ordercore.pricing.model import LineKind, PricedLine
from ordercore.pricing.slots import NO_SLOTS
from ordercore.returns import commands as rc
from ordercore.returns.decide import returnable
from ordercore.returns.model import Disposition, Grade, ReturnReason, ReturnUnits, Rma
from ordercore.returns.policy import ReturnFacts

__all__ = ["GOODS", "Row", "Witnesses", "each", "free"]

Witnesses: TypeAlias = Callable[[Order, datetime], Iterable[Request]]
Row: TypeAlias = tuple[str, Witnesses]
"""What a request of the kind is about, and requests that name what the order has of it."""
_T = TypeVar("_T")

_ANY: Final = ItemId("any")
"""Lines that differ in nothing else are judged alike."""


def free(name: str, taken: Iterable[str]) -> str:
    """A name that nothing has."""
    known = set(taken)
    return next(each for number in count(1) if (each := f"{name}-{number}") not in known)


def each(things: Callable[[Order], Iterable[_T]], make: Callable[[_T], Request]) -> Witnesses:
    """One request for each thing that an order has."""
    return lambda order, _: map(make, things(order))


def _works(order: Order) -> Iterable[FulfilmentOrder]:
    return sorted(order.fulfilment.orders.values(), key=lambda work: not work.is_open)


def _parcels(order: Order) -> Iterable[Parcel]:
    known = order.fulfilment.parcels.values()
    return sorted(known, key=lambda parcel: parcel.status is not ParcelStatus.PACKED)


def _sent(order: Order) -> Iterable[Parcel]:
    known = order.fulfilment.parcels.values()
    return sorted(known, key=lambda parcel: parcel.status in _NOT_TO_CORRECT)


def _returns(order: Order) -> Iterable[Rma]:
    return sorted(order.returns.rmas.values(), key=lambda rma: not rma.is_open)


_NOT_TO_CORRECT: Final = frozenset({ParcelStatus.PACKED, ParcelStatus.RETURNED})


def _units(
    make: Callable[[FulfilmentOrder, tuple[LineUnits, ...]], Request],
    left: Callable[[WorkLine], int],
) -> Witnesses:
    """For each work that has one left, one unit of the line of which most are left for it."""

    def witnesses(order: Order, _: datetime) -> Iterator[Request]:
        for work in _works(order):
            line = max(work.lines, key=left, default=None)
            if line is not None and left(line) > 0:
                yield make(work, (LineUnits(line=line.line, quantity=1),))

    return witnesses


def _accepted(order: Order, _: datetime) -> Iterator[Request]:
    """One of the units that a location was asked for and has not packed; else all of them."""
    for work in _works(order):
        packed = {line.line: line.wanted - line.packed for line in work.lines}
        best = max(work.asked, key=lambda unit: packed.get(unit.line, 0), default=None)
        lines = () if best is None else (LineUnits(line=best.line, quantity=1),)
        yield fc.AcceptCancel(fulfilment=work.id, lines=lines)


def _splits(order: Order, _: datetime) -> Iterator[Request]:
    into = FulfilmentId(free("work", order.fulfilment.orders))
    for work in _works(order):
        for line in work.lines[:1]:
            best = max(work.lines, key=lambda known: known.to_pick, default=line)
            unit = LineUnits(line=best.line, quantity=1)
            yield fc.SplitFulfilment(fulfilment=work.id, into=into, lines=(unit,))


def _merges(order: Order, _: datetime) -> Iterator[Request]:
    """Two works of a kind; where there are none, two of different kinds."""

    def differ(pair: tuple[FulfilmentOrder, FulfilmentOrder]) -> bool:
        mine, other = ((work.location, work.status, work.group) for work in pair)
        return mine != other

    for work, gone in sorted(combinations(order.fulfilment.open_orders, 2), key=differ):
        yield fc.MergeFulfilments(fulfilment=work.id, merged=gone.id)


def _packed(order: Order, _: datetime) -> Iterator[Request]:
    parcel = ParcelId(free("parcel", order.fulfilment.parcels))
    used = {
        serial
        for known in order.fulfilment.parcels.values()
        for item in known.items
        for serial in item.serials
    }
    for work in _works(order):
        for line in work.lines[:1]:
            best = max(work.lines, key=lambda known: known.wanted - known.packed, default=line)
            serials = (free("serial", used),) if best.item in order.terms.serialised else ()
            item = fc.PackItem(line=best.line, quantity=1, serials=serials)
            yield fc.PackParcel(parcel=parcel, fulfilment=work.id, items=(item,))


def _downloads(order: Order, _: datetime) -> Iterator[Request]:
    """An open unit of each digital line, the cheapest first: it is covered before the others."""
    digital = (line for line in order.fulfilment_lines() if line.kind is LineKind.DIGITAL)
    lines = [line for line in digital if order.open_slots(line)]
    for line in sorted(lines, key=lambda line: _price(order, line)):
        yield fc.DeliverDigital(lines=(LineUnits(line=line.id, quantity=1),))


def _price(order: Order, line: PricedLine) -> int:
    return slot_value(order.priced, line.id, order.open_slots(line).lowest(1)).minor


def _wishes(order: Order, _: datetime) -> Iterator[Request]:
    """One unit of each line that is judged by itself, for every reason, then as an exception."""
    basis = returns_basis(order)
    name = ReturnId(free("return", order.returns.rmas))
    kinds: dict[tuple[ReturnFacts, bool], LineId] = {}
    for line, facts in basis.lines.items():
        if basis.dispatched.get(line, NO_SLOTS):
            there = bool(returnable(order.returns, line, basis))
            kinds.setdefault((evolve(facts, item=_ANY), there), line)
    lines = [kinds[key] for key in sorted(kinds, key=lambda key: not key[1])]
    granters = [
        Actor(f"{one[:-1]}somebody") if one[-1:] == "*" else Actor(one)
        for one in basis.policy.granters
    ]
    for line, granted in product(lines, [None, *granters]):
        units = ReturnUnits(line=line, quantity=1)
        for reason in ReturnReason if granted is None else (ReturnReason.OTHER,):
            wish = rc.ReturnWish(units=units, reason=reason)
            yield rc.RequestReturn(return_id=name, items=(wish,), granted_by=granted)


def _receipts(order: Order, _: datetime) -> Iterator[Request]:
    """One unit that is still out: with a return of its own, or with one that is known."""
    state = order.fulfilment
    place = order.terms.place_without_stock
    fresh = ReturnId(free("return", order.returns.rmas))
    for line, slots in state.dispatched.items():
        out = slots - state.lost.get(line, NO_SLOTS) - order.returns.received.get(line, NO_SLOTS)
        if out:
            items = (ReturnUnits(line=line, quantity=1),)
            yield rc.ReceiveReturn(return_id=fresh, items=items, location=place)
            return


def _findings(order: Order, _: datetime) -> Iterator[Request]:
    """What came with each return, in every grade; what is awaited may be kept."""
    for rma in _returns(order):
        for line in rma.stored:
            units = ReturnUnits(line=line, quantity=1)
            for grade in Grade:
                finding = rc.Finding(units=units, grade=grade)
                yield rc.InspectReturn(return_id=rma.id, results=(finding,))
        for line in rma.awaited or [item.line for item in rma.items]:
            units = ReturnUnits(line=line, quantity=1)
            kept = rc.Finding(units=units, grade=Grade.MISSING, disposition=Disposition.KEEP)
            yield rc.InspectReturn(return_id=rma.id, results=(kept,))


_ELSEWHERE: Final = (LocationId("elsewhere"), LocationId("somewhere-else"))


def _moved(work: FulfilmentOrder) -> Request:
    place = _ELSEWHERE[work.location == _ELSEWHERE[0]]
    return fc.MoveFulfilment(fulfilment=work.id, location=place)


def _corrected(parcel: Parcel) -> Request:
    status = ParcelStatus.DELIVERED
    return fc.CorrectParcel(parcel=parcel.id, status=status, reason="seen there")


_WORK: Final = "work for a location"
_TO_PICK: Final = "unit to pick"
_PARCEL: Final = "parcel"
_RETURN: Final = "return"

GOODS: Final[Mapping[type[Request], Row]] = {
    fc.ReleaseFulfilment: (_WORK, each(_works, lambda it: fc.ReleaseFulfilment(fulfilment=it.id))),
    fc.HoldFulfilment: (
        _WORK,
        each(_works, lambda it: fc.HoldFulfilment(fulfilment=it.id, reason="wait")),
    ),
    fc.ResumeFulfilment: (_WORK, each(_works, lambda it: fc.ResumeFulfilment(fulfilment=it.id))),
    fc.MoveFulfilment: (_WORK, each(_works, _moved)),
    fc.SplitFulfilment: ("work of two units", _splits),
    fc.MergeFulfilments: ("second work for a location", _merges),
    fc.PickUnits: (
        _TO_PICK,
        _units(lambda it, lines: fc.PickUnits(fulfilment=it.id, lines=lines), lambda n: n.to_pick),
    ),
    fc.PutBackUnits: (
        "unit that is picked and not packed",
        _units(
            lambda it, lines: fc.PutBackUnits(fulfilment=it.id, lines=lines), lambda n: n.to_pack
        ),
    ),
    fc.RecordShortPick: (
        _TO_PICK,
        _units(
            lambda it, lines: fc.RecordShortPick(fulfilment=it.id, lines=lines),
            lambda n: n.to_pick,
        ),
    ),
    fc.AcceptCancel: (_WORK, _accepted),
    fc.RefuseCancel: (_WORK, each(_works, lambda it: fc.RefuseCancel(fulfilment=it.id))),
    fc.PackParcel: (_WORK, _packed),
    fc.UnpackParcel: (_PARCEL, each(_parcels, lambda it: fc.UnpackParcel(parcel=it.id))),
    fc.RetryBooking: (
        _PARCEL,
        each(_parcels, lambda it: fc.RetryBooking(parcel=it.id, carrier="carrier")),
    ),
    fc.Dispatch: (_PARCEL, each(_parcels, lambda it: fc.Dispatch(parcel=it.id))),
    fc.DeliverDigital: ("digital unit to deliver", _downloads),
    fc.CorrectParcel: (_PARCEL, each(_sent, _corrected)),
    rc.RequestReturn: ("unit that has left", _wishes),
    rc.ApproveReturn: (_RETURN, each(_returns, lambda it: rc.ApproveReturn(return_id=it.id))),
    rc.RejectReturn: (
        _RETURN,
        each(_returns, lambda it: rc.RejectReturn(return_id=it.id, reason="no")),
    ),
    rc.LabelReturn: (_RETURN, each(_returns, lambda it: rc.LabelReturn(return_id=it.id))),
    rc.ReceiveReturn: ("unit that is still out", _receipts),
    rc.InspectReturn: ("return", _findings),
    rc.CloseReturn: (_RETURN, each(_returns, lambda it: rc.CloseReturn(return_id=it.id))),
}
"""By kind of request about goods: what it is about, and its witnesses."""
