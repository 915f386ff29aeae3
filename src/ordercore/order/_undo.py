"""Taking back a confirmed amendment: the same mechanisms the other way round (RULES O-4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from attrs import evolve

from ordercore.facts import Event
from ordercore.ids import LineId
from ordercore.money import Money
from ordercore.order import commands as oc
from ordercore.order import events as ev
from ordercore.order._cancel import cancel
from ordercore.order.evolve import replay
from ordercore.order.model import Order
from ordercore.order.parts import part_of
from ordercore.order.refusals import NotToUndoError
from ordercore.order.rules import open_units
from ordercore.pricing.model import PricedCharge, PricedLine, PricedOrder
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.refund.model import CreditCause

__all__ = ["undo"]


def undo(order: Order, command: oc.UndoAmendment, now: datetime) -> tuple[Event, ...]:
    """
    What it added is cancelled, what it took away comes back as new lines at the old amounts.

    Raises:
        NotToUndoError: No such amendment stands, something of it was sent or cancelled, or it
            lowered a price: a credit that was given is not taken back; or not all
            that its units cost came back.
    """
    found = next((known for known in order.amendments if known.proposal == command.proposal), None)
    if found is None:
        raise NotToUndoError(command.proposal, "there is no confirmed amendment of this name")
    if found.reductions or found.charges:
        raise NotToUndoError(command.proposal, "a credit that was given is not taken back")
    gone = part_of(order.priced, dict(found.removals)) if found.removals else None
    if gone is not None and gone.total != _given_back(order, found):
        raise NotToUndoError(command.proposal, "what it took away was not worth its price any more")
    return tuple(_undone(order, found, command, now))


def _given_back(order: Order, found: ev.AmendmentProposed) -> Money:
    """What was credited for the units that the amendment took away, their charges included."""
    amount = Money.zero(order.priced.currency)
    for credit in order.credits:
        slots: dict[LineId, SlotSet] = {}
        for part in credit.parts:
            if part.line is not None:
                slots[part.line] = slots.get(part.line, NO_SLOTS) | part.slots
        if credit.cause is CreditCause.CANCELLED and slots == dict(found.removals):
            amount = credit.amount
    return amount


def _undone(
    order: Order, found: ev.AmendmentProposed, command: oc.UndoAmendment, now: datetime
) -> Iterator[Event]:
    first: list[Event] = [
        ev.AmendmentUndone(proposal=found.proposal, reason=command.reason, at=now)
    ]
    if found.removals:
        back = part_of(order.priced, dict(found.removals))
        first.append(ev.LinesAdded(addition=_renamed(order, back, found.proposal), at=now))
    if found.before is not None and found.destination == order.destination:
        first.append(ev.DestinationChanged(destination=found.before, at=now))
    yield from first
    wanted: dict[LineId, int] = {}
    for line in found.addition.lines if found.addition is not None else ():
        if open_units(order, line) < line.quantity:
            raise NotToUndoError(found.proposal, f"units of line {line.id} are not open any more")
        wanted[line.id] = line.quantity
    if wanted:
        yield from cancel(replay(first, order), wanted, now, command.reason)


def _renamed(order: Order, part: PricedOrder, proposal: str) -> PricedOrder:
    """The part under ids of its own: a slot that was cancelled never opens again (RULES M-7)."""
    taken = {*order.priced.by_id, *(charge.id for charge in order.priced.charges)}
    names = {line.id: LineId(_free(line.id, proposal, taken)) for line in part.lines}

    def line(known: PricedLine) -> PricedLine:
        return evolve(known, id=names[known.id], extends=known.id)

    def charge(known: PricedCharge) -> PricedCharge:
        shares = tuple(evolve(share, line=names[share.line]) for share in known.shares)
        return evolve(known, id=_free(known.id, proposal, taken), shares=shares)

    return evolve(
        part,
        lines=tuple(line(known) for known in part.lines),
        charges=tuple(charge(known) for known in part.charges),
    )


def _free(name: str, proposal: str, taken: set[str]) -> str:
    """A name that nothing of the order has."""
    number, found = 1, f"{name}~{proposal}"
    while found in taken:
        number += 1
        found = f"{name}~{proposal}~{number}"
    taken.add(found)
    return found
