"""
What decisions rest on, and how they refuse; `ordercore.fulfilment.decide` is the door.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import define, field, frozen

from ordercore.errors import NotFoundError, RefusedError
from ordercore.facts import Event
from ordercore.fulfilment import events as ev
from ordercore.fulfilment._fields import InvalidFulfilmentError
from ordercore.fulfilment._lines import find_line
from ordercore.fulfilment.commands import PackItem
from ordercore.fulfilment.model import (
    FulfilmentOrder,
    FulfilmentState,
    ItemUnits,
    LineUnits,
    Parcel,
    WorkLine,
)
from ordercore.fulfilment.status import WORK
from ordercore.ids import FulfilmentId, ItemId, LineId, ParcelId, StreamId
from ordercore.machine import NotAllowedError, Trigger
from ordercore.pricing.slots import SlotSet

__all__ = [
    "AlreadyThereError",
    "FulfilmentBasis",
    "MissingSerialsError",
    "NotShippableError",
    "TooManyUnitsError",
    "UnknownFulfilmentError",
    "UnknownParcelError",
    "UnknownWorkLineError",
    "check_step",
    "item_units",
    "parcel_of",
    "per_line",
    "work_line",
    "work_of",
]


@define
class UnknownFulfilmentError(NotFoundError):
    """The order has no such fulfilment order."""

    sentence = "There is no fulfilment order {fulfilment} here."
    fulfilment: FulfilmentId


@define
class UnknownParcelError(NotFoundError):
    """The order has no such parcel."""

    sentence = "There is no parcel {parcel} here."
    parcel: ParcelId


@define
class UnknownWorkLineError(NotFoundError):
    """The fulfilment order has nothing of this line."""

    sentence = "{where} has nothing of line {line}."
    where: str
    line: LineId


@define
class TooManyUnitsError(RefusedError):
    """More units are named than there are for it."""

    sentence = "{wanted} units of line {line} cannot be {done}: there are {possible}."
    line: LineId
    wanted: int
    possible: int
    done: str


@define
class AlreadyThereError(RefusedError):
    """The id is taken."""

    sentence = "There is a {what} {id} already; give the new one another id."
    what: str
    id: str


@define
class NotShippableError(RefusedError):
    """Money or a hold forbids that goods leave (RULES F-4)."""

    sentence = "{what} may not leave: {reason}."
    what: str
    reason: str


@define
class MissingSerialsError(RefusedError):
    """The units have serial numbers, and these are not them."""

    sentence = "Line {line} needs other serial numbers: {problem}."
    line: LineId
    problem: str


@frozen(kw_only=True)
class FulfilmentBasis:
    """
    What the order tells this room for one decision.

    Args:
        owner: The order's stream: whose stock moves.
        open_slots: By line, the slots neither cancelled nor dispatched; the lines of the parcel at
            hand are enough.
        shippable: Whether money and holds let the units at hand go, and if not the *reason*
            (RULES F-4).
        held: By line, the units that the order still holds on the shelf of the work at hand: those
            that were picked there are not among them.
        received: By line, the slots that came back already, so that a carrier's later report does
            not book them in twice.
        serialised: The items whose units need their serial numbers when packed (RULES I-8).
        digital: The lines that are delivered without a parcel, with their items.
    """

    owner: StreamId
    open_slots: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    shippable: bool = True
    reason: str = ""
    held: Mapping[LineId, int] = field(factory=dict[LineId, int])
    received: Mapping[LineId, SlotSet] = field(factory=dict[LineId, SlotSet])
    serialised: frozenset[ItemId] = frozenset()
    digital: Mapping[LineId, ItemId] = field(factory=dict[LineId, ItemId])


def work_of(state: FulfilmentState, fulfilment: FulfilmentId) -> FulfilmentOrder:
    """The fulfilment order, or a refusal that says there is none."""
    try:
        return state.orders[fulfilment]
    except KeyError:
        raise UnknownFulfilmentError(fulfilment) from None


def parcel_of(state: FulfilmentState, parcel: ParcelId) -> Parcel:
    """The parcel, or a refusal that says there is none."""
    try:
        return state.parcels[parcel]
    except KeyError:
        raise UnknownParcelError(parcel) from None


def work_line(work: FulfilmentOrder, line: LineId) -> WorkLine:
    """The work on one line, or a refusal that says there is none."""
    found = find_line(work, line)
    if found is None:
        raise UnknownWorkLineError(f"fulfilment order {work.id}", line)
    return found


def per_line(units: Iterable[LineUnits | PackItem]) -> Mapping[LineId, int]:
    """How many units of each line are named; naming none is refused."""
    result: dict[LineId, int] = {}
    for unit in units:
        result[unit.line] = result.get(unit.line, 0) + unit.quantity
    if not result:
        raise InvalidFulfilmentError("lines", "name at least one unit")
    return result


def item_units(work: FulfilmentOrder, counts: Mapping[LineId, int]) -> tuple[ItemUnits, ...]:
    """The counts as events speak of them."""
    return tuple(
        ItemUnits(line=line, item=known.item, quantity=quantity, tracked=known.tracked)
        for line, quantity in counts.items()
        for known in (work_line(work, line),)
    )


_ASKED: Final[Mapping[Trigger, str]] = {
    ev.FulfilmentReleased: "ReleaseFulfilment",
    ev.FulfilmentHeld: "HoldFulfilment",
    ev.FulfilmentResumed: "ResumeFulfilment",
    ev.FulfilmentMoved: "MoveFulfilment",
    ev.FulfilmentSplit: "SplitFulfilment",
    ev.FulfilmentsMerged: "MergeFulfilments",
    ev.UnitsPicked: "PickUnits",
    ev.UnitsPutBack: "PutBackUnits",
    ev.PickShort: "RecordShortPick",
    ev.FulfilmentCancelAccepted: "AcceptCancel",
    ev.FulfilmentCancelRefused: "RefuseCancel",
    ev.ParcelUnpacked: "UnpackParcel",
    ev.ShipmentDispatched: "Dispatch",
}
"""The requests behind the facts of the table: what a person asks for."""

_NOT_ASKED: Final = "nobody asked for a cancel"
_WHY: Final[Mapping[Trigger, str]] = {
    ev.FulfilmentCancelAccepted: _NOT_ASKED,
    ev.FulfilmentCancelRefused: _NOT_ASKED,
}
"""What is missing, where that says more than a list of what is possible."""


def _told(work: FulfilmentOrder) -> Mapping[Trigger, str]:
    """The requests that the units of this work leave possible; a merge needs another work."""
    packed = any(line.packed > line.dispatched for line in work.lines)
    to_pack = any(line.to_pack for line in work.lines)
    to_pick = any(line.to_pick for line in work.lines)
    packing = "PackParcel" if to_pack or to_pick else ""
    fits: Mapping[Trigger, bool] = {
        ev.FulfilmentSplit: work.remaining > 1,
        ev.FulfilmentsMerged: False,
        ev.UnitsPutBack: to_pack,
        ev.PickShort: to_pick,
        ev.ParcelUnpacked: packed,
        ev.ShipmentDispatched: packed,
    }
    known = {trigger: name for trigger, name in _ASKED.items() if fits.get(trigger, True)}
    picking = ("PickUnits" if to_pick else "", packing)
    known[ev.UnitsPicked] = ", ".join(name for name in picking if name)
    return {trigger: name for trigger, name in known.items() if name}


def check_step(work: FulfilmentOrder, kind: type[Event], asked: str = "") -> None:
    """
    Refuse what the table of `WORK` has no step for; *asked* is the request, where two lead to it.

    Raises:
        NotAllowedError: The work is in another status.
    """
    name = asked or _ASKED[kind]
    try:
        WORK.check(work.status, kind, work, {**_told(work), kind: name})
    except NotAllowedError as error:
        raise NotAllowedError(error.state, name, _WHY.get(kind, error.reason)) from None
