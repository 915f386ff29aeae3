"""
Changing an order: a proposal that can be previewed, confirmed, declined or withdrawn (RULES O-4).

A proposal is no status of the order: work goes on until it is confirmed. What it adds is priced on
its own and joins as new lines, each a block of slots for life; what it takes away is cancelled.
Old discounts stay as they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from attrs import define

from ordercore.errors import NotFoundError, RefusedError
from ordercore.facts import Event
from ordercore.ids import LineId, checked_id
from ordercore.money import CurrencyMismatchError
from ordercore.order import commands as oc
from ordercore.order import events as ev
from ordercore.order._cancel import cancel
from ordercore.order.evolve import replay
from ordercore.order.model import Order
from ordercore.order.refusals import InvalidUnitsError, NothingToCancelError
from ordercore.order.rules import open_units
from ordercore.pricing.model import PricedOrder
from ordercore.pricing.totals import check_still_valid

__all__ = [
    "AddedTwiceError",
    "EmptyProposalError",
    "ProposalExistsError",
    "UnknownProposalError",
    "confirm",
    "decline",
    "propose",
]


@define
class UnknownProposalError(NotFoundError):
    """No such proposal waits for an answer."""

    sentence = "There is no open proposal {proposal} on this order."
    proposal: str


@define
class ProposalExistsError(RefusedError):
    """A proposal of this name waits already."""

    sentence = "A proposal {proposal} waits for an answer already."
    proposal: str


@define
class EmptyProposalError(RefusedError):
    """It would change nothing."""

    sentence = "The proposal {proposal} changes nothing."
    proposal: str


@define
class AddedTwiceError(RefusedError):
    """A new line or charge has the id of one that the order has."""

    sentence = "The order has {what} {id} already; give the new one another id."
    what: str
    id: str


def propose(order: Order, command: oc.ProposeAmendment, now: datetime) -> tuple[Event, ...]:
    """Offer a change; nothing of the order changes yet."""
    name = checked_id(command.proposal, "proposal")
    if any(known.proposal == name for known in order.proposals):
        raise ProposalExistsError(name)
    if command.addition is None and not command.removals:
        raise EmptyProposalError(name)
    if command.addition is not None:
        _check_addition(order, command.addition, now)
    if len({line_id for line_id, _ in command.removals}) < len(command.removals):
        raise InvalidUnitsError("a line is named twice")
    for line_id, units in command.removals:
        possible = open_units(order, order.priced.line(line_id))
        if type(units) is not int or not 0 < units <= possible:
            raise NothingToCancelError(line_id, units, possible)
    removals = tuple(
        (line_id, order.open_slots(order.priced.line(line_id)).highest(units))
        for line_id, units in command.removals
    )
    return (
        ev.AmendmentProposed(
            proposal=name,
            addition=command.addition,
            removals=removals,
            reason=command.reason,
            at=now,
        ),
    )


def _check_addition(order: Order, addition: PricedOrder, now: datetime) -> None:
    if addition.currency != order.priced.currency:
        raise CurrencyMismatchError(addition.currency.code, order.priced.currency.code)
    check_still_valid(addition, now)
    lines = {line.id for line in order.priced.lines}
    charges = {charge.id for charge in order.priced.charges}
    for line in addition.lines:
        if line.id in lines:
            raise AddedTwiceError("a line", line.id)
        if line.extends is not None:
            order.priced.line(line.extends)
    for charge in addition.charges:
        if charge.id in charges:
            raise AddedTwiceError("a charge", charge.id)


def _find(order: Order, name: str) -> ev.AmendmentProposed:
    found = next((known for known in order.proposals if known.proposal == name), None)
    if found is None:
        raise UnknownProposalError(name)
    return found


def confirm(order: Order, command: oc.ConfirmAmendment, now: datetime) -> tuple[Event, ...]:
    """Carry the proposal out, as far as the facts since then still allow it: wholly or not."""
    return tuple(_confirmed(order, _find(order, command.proposal), now))


def _confirmed(order: Order, found: ev.AmendmentProposed, now: datetime) -> Iterator[Event]:
    first: list[Event] = [ev.AmendmentConfirmed(proposal=found.proposal, at=now)]
    if found.addition is not None:
        _check_addition(order, found.addition, now)
        first.append(ev.LinesAdded(addition=found.addition, at=now))
    yield from first
    if found.removals:
        wanted: dict[LineId, int] = {line: len(slots) for line, slots in found.removals}
        yield from cancel(replay(first, order), wanted, now, found.reason)


def decline(order: Order, command: oc.DeclineAmendment, now: datetime) -> tuple[Event, ...]:
    """Turn a proposal down, or withdraw it."""
    found = _find(order, command.proposal)
    return (ev.AmendmentDeclined(proposal=found.proposal, reason=command.reason, at=now),)
