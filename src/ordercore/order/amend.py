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

from ordercore.errors import ConflictError, NotFoundError, RefusedError
from ordercore.facts import Event
from ordercore.fulfilment.events import FulfilmentCancelRequested
from ordercore.ids import LineId, checked_id
from ordercore.money import CurrencyMismatchError
from ordercore.order import commands as oc
from ordercore.order import events as ev
from ordercore.order._allotted import taken_over
from ordercore.order._cancel import cancel, check_open, named_units
from ordercore.order.evolve import replay
from ordercore.order.model import Order
from ordercore.order.quote import next_credit, refund_basis
from ordercore.pricing.model import PricedOrder
from ordercore.pricing.totals import check_still_valid
from ordercore.pricing.values import InvalidTaxError
from ordercore.refund.calculate import calculate
from ordercore.refund.model import Credit, CreditCause, RefundRequest

__all__ = [
    "AddedTwiceError",
    "AmendmentInWorkError",
    "EmptyProposalError",
    "ProposalExistsError",
    "ProposalStaleError",
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
class AmendmentInWorkError(RefusedError):
    """A location has units in work that the change removes."""

    sentence = (
        "A location works on units that the proposal {proposal} removes; cancel them first, and"
        " propose the rest when it has agreed."
    )
    proposal: str


@define
class ProposalStaleError(ConflictError):
    """Units were cancelled or sent since, so that the change would remove other ones."""

    sentence = "The order has changed since {proposal} was proposed; propose it anew."
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
    if not _changes_something(order, command):
        raise EmptyProposalError(name)
    if command.addition is not None:
        _check_addition(order, command.addition, now)
    wanted = named_units(command.removals) if command.removals else {}
    check_open(order, wanted)
    removals = tuple(
        (line_id, order.open_slots(order.priced.line(line_id)).highest(units))
        for line_id, units in wanted.items()
    )
    return (
        ev.AmendmentProposed(
            proposal=name,
            addition=command.addition,
            removals=removals,
            reason=command.reason,
            destination=command.destination,
            reductions=command.reductions,
            charges=command.charges,
            before=order.destination,
            at=now,
        ),
    )


def _changes_something(order: Order, command: oc.ProposeAmendment) -> bool:
    moves = command.destination not in {None, order.destination}
    what = (command.addition, command.removals, command.reductions, command.charges)
    return moves or any(what)


def _check_addition(order: Order, addition: PricedOrder, now: datetime) -> None:
    if addition.currency != order.priced.currency:
        raise CurrencyMismatchError(addition.currency.code, order.priced.currency.code)
    check_still_valid(addition, now)
    _check_rates(order, addition)
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


def _check_rates(order: Order, addition: PricedOrder) -> None:
    """One code means one rate in the whole order (RULES P-4)."""
    known = {tax.code: tax.rate for part in order.priced.parts for tax in part.taxes}
    for tax in (tax for part in addition.parts for tax in part.taxes):
        if known.get(tax.code, tax.rate) != tax.rate:
            raise InvalidTaxError(tax.code, "the order has another rate for it; give it a new code")


def _find(order: Order, name: str) -> ev.AmendmentProposed:
    found = next((known for known in order.proposals if known.proposal == name), None)
    if found is None:
        raise UnknownProposalError(name)
    return found


def confirm(order: Order, command: oc.ConfirmAmendment, now: datetime) -> tuple[Event, ...]:
    """
    Carry the proposal out, unless the facts since then forbid any of it: wholly or not.

    Raises:
        ProposalStaleError: Other units of a line are the last ones now.
        AmendmentInWorkError: A location works on units that it removes.
    """
    return tuple(_confirmed(order, _find(order, command.proposal), now))


def _confirmed(order: Order, found: ev.AmendmentProposed, now: datetime) -> Iterator[Event]:
    first: list[Event] = [ev.AmendmentConfirmed(proposal=found.proposal, at=now)]
    if found.addition is not None:
        _check_addition(order, found.addition, now)
        first.append(ev.LinesAdded(addition=found.addition, at=now))
    if found.destination is not None:
        if found.before != order.destination:
            raise ProposalStaleError(found.proposal)
        first.append(ev.DestinationChanged(destination=found.destination, at=now))
    after = replay(first, order)
    if found.reductions or found.charges:
        credit = _lowered(after, found)
        first.append(ev.CreditGranted(credit=credit, at=now))
        after = replay(first[-1:], after)
    yield from first
    if found.removals:
        wanted: dict[LineId, int] = {line: len(slots) for line, slots in found.removals}
        gone = tuple(cancel(after, wanted, now, found.reason))
        _check_gone(found, gone)
        yield from gone
        added = found.addition.lines if found.addition is not None else ()
        yield from taken_over(order, added, gone, now)


def _check_gone(found: ev.AmendmentProposed, gone: tuple[Event, ...]) -> None:
    """A change is carried out as it was shown, and does not wait for anybody's answer."""
    if any(isinstance(event, FulfilmentCancelRequested) for event in gone):
        raise AmendmentInWorkError(found.proposal)
    closed = [event.items for event in gone if isinstance(event, ev.UnitsCancelled)]
    if [dict(items) for items in closed] != [dict(found.removals)]:
        raise ProposalStaleError(found.proposal)


def _lowered(order: Order, found: ev.AmendmentProposed) -> Credit:
    """A discount on units that stay, or a charge given back: a credit on the slots (RULES M-7)."""
    request = RefundRequest(
        id=next_credit(order),
        cause=CreditCause.PRICE_REDUCTION,
        reductions=found.reductions,
        charges=found.charges,
        reason=found.reason,
    )
    return calculate(refund_basis(order), request, order.terms.refund).credit


def decline(order: Order, command: oc.DeclineAmendment, now: datetime) -> tuple[Event, ...]:
    """Turn a proposal down, or withdraw it."""
    found = _find(order, command.proposal)
    return (ev.AmendmentDeclined(proposal=found.proposal, reason=command.reason, at=now),)
