"""
What decisions rest on, and how they refuse; `ordercore.returns.decide` is the door.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from attrs import define, field, frozen

from ordercore.errors import NotFoundError, RefusedError
from ordercore.facts import Event
from ordercore.ids import LineId, ReturnId, StreamId
from ordercore.machine import Trigger
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.returns import events as ev
from ordercore.returns.model import ReturnsState, ReturnUnits, Rma
from ordercore.returns.policy import ReturnFacts, ReturnPolicy
from ordercore.returns.status import RMA

__all__ = [
    "AlreadyScrappedError",
    "CannotGrantError",
    "KnownReturnError",
    "NotReturnableError",
    "ReturnExceedsDispatchedError",
    "ReturnWindowClosedError",
    "ReturnsBasis",
    "SerialMismatchError",
    "UnknownReturnError",
    "UnknownReturnLineError",
    "WithdrawalRightError",
    "check_step",
    "facts_of",
    "rma_of",
    "taken",
]


@define
class UnknownReturnError(NotFoundError):
    """The order has no such return."""

    sentence = "There is no return {return_id} here."
    return_id: ReturnId


@define
class UnknownReturnLineError(NotFoundError):
    """The order has no such line, or nothing of it was dispatched."""

    sentence = "Nothing of line {line} was sent with this order."
    line: LineId


@define
class KnownReturnError(RefusedError):
    """The id is taken."""

    sentence = "There is a return {return_id} already; give the new one another id."
    return_id: ReturnId


@define
class ReturnExceedsDispatchedError(RefusedError):
    """More units than were dispatched and have neither come back nor been announced."""

    sentence = "{wanted} units of line {line} cannot come back: {possible} can."
    line: LineId
    wanted: int
    possible: int


@define
class NotReturnableError(RefusedError):
    """The policy does not take these goods back."""

    sentence = "Line {line} cannot come back: {rule}."
    line: LineId
    rule: str


@define
class ReturnWindowClosedError(RefusedError):
    """It is too late."""

    sentence = "Line {line} could come back until {until}; an exception must be granted."
    line: LineId
    until: datetime | None


@define
class CannotGrantError(RefusedError):
    """Who would let the exception pass may not do so."""

    sentence = "{actor} may not grant exceptions from the return policy."
    actor: str


@define
class WithdrawalRightError(RefusedError):
    """The return is the customer's by law."""

    sentence = "Return {return_id} is a right by law and cannot be rejected."
    return_id: ReturnId


@define
class SerialMismatchError(RefusedError):
    """A serial number was not sent with this line."""

    sentence = "Serial {serial} was not sent with line {line}, or has come back."
    line: LineId
    serial: str


@define
class AlreadyScrappedError(RefusedError):
    """The units are gone."""

    sentence = "Units of line {line} were scrapped already; book what was found as new stock."
    line: LineId


@frozen(kw_only=True)
class ReturnsBasis:
    """
    What the order tells this room for one decision. The lines that the command names are enough.

    Args:
        owner: The order's stream: whose stock moves.
        policy: The return policy of the order's terms.
        lines: By line, what the policy must know.
        dispatched, delivered, lost: By line, the slots as `FulfilmentState` has them.
        sent_back: By line, the slots that a carrier brought back undelivered.
        arrived: By line, the slots that a carrier's report has booked back into stock.
        serials: By line, the slot of each serial number that was sent.
    """

    owner: StreamId
    policy: ReturnPolicy
    lines: Mapping[LineId, ReturnFacts]
    dispatched: Mapping[LineId, SlotSet]
    delivered: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    lost: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    sent_back: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    arrived: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    serials: Mapping[LineId, Mapping[str, int]] = field(factory=dict[LineId, Mapping[str, int]])


def rma_of(state: ReturnsState, return_id: ReturnId) -> Rma:
    """The return, or a refusal that says there is none."""
    try:
        return state.rmas[return_id]
    except KeyError:
        raise UnknownReturnError(return_id) from None


def facts_of(basis: ReturnsBasis, line: LineId) -> ReturnFacts:
    """What the policy must know of a line of which something was sent."""
    if line not in basis.lines or not basis.dispatched.get(line, NO_SLOTS):
        raise UnknownReturnLineError(line)
    return basis.lines[line]


def taken(units: ReturnUnits, pools: tuple[SlotSet, ...], basis: ReturnsBasis) -> SlotSet:
    """
    The slots that *units* means, out of the pools: the lowest of the first, then of the next.

    Raises:
        ReturnExceedsDispatchedError: The pools do not have them.
        SerialMismatchError: A serial number is not among them.
    """
    everything = NO_SLOTS
    for pool in pools:
        everything |= pool
    named = units.slots or _slots_of_serials(units, everything, basis)
    if named:
        if not named <= everything:
            possible = len(named & everything)
            raise ReturnExceedsDispatchedError(units.line, units.count, possible)
        return named
    slots = NO_SLOTS
    for pool in pools:
        slots |= (pool - slots).lowest(units.quantity - len(slots))
    if len(slots) < units.quantity:
        raise ReturnExceedsDispatchedError(units.line, units.quantity, len(slots))
    return slots


def _slots_of_serials(units: ReturnUnits, pool: SlotSet, basis: ReturnsBasis) -> SlotSet:
    known = basis.serials.get(units.line, {})
    for serial in units.serials:
        if known.get(serial) not in pool:
            raise SerialMismatchError(units.line, serial)
    return SlotSet.from_slots(known[serial] for serial in units.serials)


_ASKED: Final[Mapping[Trigger, str]] = {
    ev.ReturnApproved: "ApproveReturn",
    ev.ReturnRejected: "RejectReturn",
    ev.ReturnLabelled: "LabelReturn",
    ev.ReturnReceived: "ReceiveReturn",
    ev.ReturnInspected: "InspectReturn",
    ev.ReturnClosed: "CloseReturn",
}
"""The requests behind the facts of the table: what a person asks for."""


def check_step(rma: Rma, kind: type[Event]) -> None:
    """
    Refuse what the table of `RMA` has no step for.

    Raises:
        NotAllowedError: The return is in another status.
    """
    RMA.check(rma.status, kind, rma, _ASKED)
