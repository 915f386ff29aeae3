"""What the order tells each room for one decision: the few numbers and slots that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ordercore.fulfilment.decide import FulfilmentBasis, allotted
from ordercore.fulfilment.model import Parcel, ParcelStatus
from ordercore.fulfilment.queries import serial_slots
from ordercore.ids import LineId, ParcelId
from ordercore.money import Money, sum_money
from ordercore.order.balance import balance, has_open_slots
from ordercore.order.model import Order
from ordercore.order.terms import Blocks
from ordercore.pricing.figures import slot_value
from ordercore.pricing.model import LineKind, PricedLine
from ordercore.pricing.slots import SlotSet
from ordercore.returns.decide import ReturnsBasis
from ordercore.returns.policy import ReturnFacts

__all__ = ["fulfilment_basis", "returns_basis"]


def fulfilment_basis(order: Order, parcel: ParcelId | None = None) -> FulfilmentBasis:
    """For picking, packing and sending; *parcel* is the one that is to leave."""
    found = order.fulfilment.parcels.get(parcel) if parcel is not None else None
    lines = [item.line for item in found.items] if found is not None else []
    open_slots = {line: order.open_slots(order.priced.line(line)) for line in dict.fromkeys(lines)}
    reason = _not_shippable(order, found, open_slots) if found is not None else ""
    work_reason = "" if not order.is_blocked(Blocks.FULFIL) else "the order is on hold"
    return FulfilmentBasis(
        owner=order.stream,
        open_slots=open_slots if found is not None else _digital_slots(order),
        shippable=reason == "",
        reason=reason,
        workable=work_reason == "",
        work_reason=work_reason,
        received=order.returns.received,
        digital={line.id: line.item for line in order.priced.lines if _is_digital(line)},
    )


def _is_digital(line: PricedLine) -> bool:
    return line.kind is LineKind.DIGITAL and line.needs_fulfilment


def _digital_slots(order: Order) -> Mapping[LineId, SlotSet]:
    return {line.id: order.open_slots(line) for line in order.priced.lines if _is_digital(line)}


def _not_shippable(order: Order, parcel: Parcel, open_slots: Mapping[LineId, SlotSet]) -> str:
    """Why the parcel may not leave; empty where it may (RULES F-4)."""
    stage = order.current_stage
    if order.confirmed_at is None:
        return "the order is not confirmed"
    if order.is_blocked(Blocks.SHIP):
        return "the order is on hold"
    if stage is not None and not stage.shippable:
        return f"nothing may leave in the stage {stage.name}"
    if parcel.status is not ParcelStatus.PACKED or order.terms.ship_before_paid:
        return ""
    return _not_covered(order, parcel, open_slots)


def _not_covered(order: Order, parcel: Parcel, open_slots: Mapping[LineId, SlotSet]) -> str:
    """Whether what has left, with this parcel, would exceed the money that is sure."""
    sums = balance(order)
    currency = order.priced.currency
    items = allotted(parcel, open_slots)
    value = sum_money([slot_value(order.priced, item.line, item.slots) for item in items], currency)
    credited = order.priced.total - sums.owed
    sure = sums.held + sums.totals.authorised + sums.deferred
    needed = min(sums.owed, order.dispatched_value + value)
    if sure + Money(order.terms.tolerance, currency) >= needed or sure >= needed - credited:
        return ""
    return f"{sure} is held or authorised, and what has left would be worth {needed}"


def returns_basis(order: Order) -> ReturnsBasis:
    """For announcing, receiving and inspecting goods that come back."""
    state = order.fulfilment
    totals = state.totals
    delivered_all = totals.ended >= totals.dispatched and totals.delivered > 0
    group_delivered = delivered_all and not has_open_slots(order)
    delivered_at, dispatched_at = _last(state.delivered_at), _last(state.dispatched_at)
    facts = {
        line.id: ReturnFacts(
            item=line.item,
            category=line.category,
            returnable=line.returnable,
            tracked=line.tracks_stock,
            placed_at=order.placed_at,
            last_delivered_at=delivered_at,
            last_dispatched_at=dispatched_at,
            group_delivered=group_delivered,
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
