"""What the order tells each room for one decision: the few numbers and slots that it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.decide import FulfilmentBasis, allotted
from ordercore.fulfilment.model import ParcelStatus
from ordercore.fulfilment.queries import serial_slots
from ordercore.ids import LineId
from ordercore.money import Money, sum_money
from ordercore.order.balance import balance, has_open_slots
from ordercore.order.grouping import GroupTimes, line_times
from ordercore.order.model import Order
from ordercore.pricing.figures import slot_value
from ordercore.pricing.model import LineKind, PricedLine
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.refund.worth import Worth
from ordercore.returns.decide import ReturnsBasis
from ordercore.returns.policy import ReturnFacts

__all__ = ["fulfilment_basis", "returns_basis"]


def fulfilment_basis(
    order: Order, command: fc.FulfilmentRequest | fc.FulfilmentReport
) -> FulfilmentBasis:
    """For the decision about *command*; a report is asked nothing, it only takes slots."""
    open_slots = {
        line: order.open_slots(order.priced.line(line)) for line in _named(order, command)
    }
    reason = ""
    if isinstance(command, fc.Dispatch | fc.DeliverDigital):
        reason = _not_shippable(order, _leaving(order, command, open_slots))
    return FulfilmentBasis(
        owner=order.stream,
        open_slots=open_slots,
        shippable=reason == "",
        reason=reason,
        held=_on_the_shelf(order, command),
        received=order.returns.received,
        serialised=order.terms.serialised,
        digital={line.id: line.item for line in order.priced.lines if _is_digital(line)},
    )


def _is_digital(line: PricedLine) -> bool:
    return line.kind is LineKind.DIGITAL and line.needs_fulfilment


def _named(order: Order, command: fc.FulfilmentRequest | fc.FulfilmentReport) -> Iterable[LineId]:
    """The lines whose units may leave with this command."""
    match command:
        case fc.Dispatch(parcel=parcel) | fc.ReportTracking(parcel=parcel):
            found = order.fulfilment.parcels.get(parcel)
            return dict.fromkeys(item.line for item in found.items) if found else ()
        case fc.DeliverDigital():
            return [line.id for line in order.priced.lines if _is_digital(line)]
        case _:
            return ()


def _on_the_shelf(
    order: Order, command: fc.FulfilmentRequest | fc.FulfilmentReport
) -> Mapping[LineId, int]:
    """What the order holds where units were looked for, less what was picked there."""
    if not isinstance(command, fc.RecordShortPick):
        return {}
    works = order.fulfilment.orders
    place = works[command.fulfilment].location if command.fulfilment in works else None
    held = {
        unit.line: sum(at.reserved for at in order.stock.of(unit.line) if at.location == place)
        for unit in command.lines
    }
    for work in order.fulfilment.open_orders:
        for known in work.lines:
            if work.location == place and known.line in held:
                held[known.line] -= known.picked - known.dispatched
    return {line: max(0, units) for line, units in held.items()}


def _leaving(
    order: Order, command: fc.Dispatch | fc.DeliverDigital, open_slots: Mapping[LineId, SlotSet]
) -> Mapping[LineId, SlotSet]:
    """The slots that this request would take."""
    taken: dict[LineId, SlotSet] = {}
    if isinstance(command, fc.DeliverDigital):
        for unit in command.lines:
            before = taken.get(unit.line, NO_SLOTS)
            free = open_slots.get(unit.line, NO_SLOTS) - before
            taken[unit.line] = before | free.lowest(unit.quantity)
        return {line: slots for line, slots in taken.items() if slots}
    parcel = order.fulfilment.parcels.get(command.parcel)
    if parcel is not None and parcel.status is ParcelStatus.PACKED:
        for item in allotted(parcel, open_slots):
            taken[item.line] = taken.get(item.line, NO_SLOTS) | item.slots
    return taken


def _not_shippable(order: Order, leaving: Mapping[LineId, SlotSet]) -> str:
    """
    Why these units may not leave; empty where they may (RULES F-4).

    The status, holds and stages of the host were asked before (`ordercore.order.guards`).
    """
    if not leaving or order.terms.ship_before_paid:
        return ""
    return _not_covered(order, leaving)


def _not_covered(order: Order, leaving: Mapping[LineId, SlotSet]) -> str:
    """Whether what has left, with these units, would exceed the money that is sure."""
    sums = balance(order)
    sure = sums.held + sums.totals.firm + sums.deferred - sums.totals.refunds_in_flight
    needed = min(sums.owed, _worth_outside(order, leaving))
    if sure + Money(order.terms.tolerance, order.priced.currency) >= needed:
        return ""
    return f"{sure} is held or authorised, and what has left would be worth {needed}"


def _worth_outside(order: Order, leaving: Mapping[LineId, SlotSet]) -> Money:
    """
    What has left and what is to leave is worth; credits on other slots, and goodwill, change
    nothing about it.
    """
    sent = order.fulfilment.dispatched
    if order.credits:
        both = {line: sent.get(line, NO_SLOTS) | slots for line, slots in leaving.items()}
        return Worth.after(order.priced, order.credits).total({**sent, **both})
    values = [slot_value(order.priced, line, slots) for line, slots in leaving.items()]
    return sum_money([order.dispatched_value, *values], order.priced.currency)


def returns_basis(order: Order) -> ReturnsBasis:
    """For announcing, receiving and inspecting goods that come back."""
    state = order.fulfilment
    totals = state.totals
    delivered_all = totals.ended >= totals.dispatched and totals.delivered > 0
    group_delivered = delivered_all and not has_open_slots(order)
    delivered_at, dispatched_at = _last(state.delivered_at), _last(state.dispatched_at)
    own: Mapping[LineId, GroupTimes] = line_times(order) if order.groups else {}
    facts = {
        line.id: ReturnFacts(
            item=line.item,
            category=line.category,
            returnable=line.returnable,
            tracked=line.tracks_stock,
            placed_at=order.placed_at,
            last_delivered_at=own[line.id].delivered_at if own else delivered_at,
            last_dispatched_at=own[line.id].dispatched_at if own else dispatched_at,
            group_delivered=own[line.id].is_delivered if own else group_delivered,
        )
        for line in order.fulfilment_lines()
    }
    return ReturnsBasis(
        owner=order.stream,
        policy=order.terms.returns,
        lines=facts,
        dispatched=state.dispatched,
        delivered=state.delivered,
        lost=state.lost,
        sent_back=state.sent_back,
        arrived=state.arrived,
        serials=serial_slots(state, facts),
    )


def _last(times: Mapping[LineId, datetime]) -> datetime | None:
    return max(times.values(), default=None)
