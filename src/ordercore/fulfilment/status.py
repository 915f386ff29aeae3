"""
The two machines of fulfilment, and the status that is read off the slots.

*Work.* A fulfilment order is planned, released to its location, worked on, and ends: closed when
all of it has left, short when some was missing, cancelled when nothing of it is wanted any more.
It may be held, and once released a cancel is a question that the location answers.

*Parcels.* A parcel is packed, dispatched, and then only carriers know. Their reports are merged
(`ordercore.fulfilment.tracking`), and the table says which steps a merge can take; a test walks
it. A delivered parcel may still come back; a returned one stays returned.

*Fulfilment of an order* is no machine: nothing moves it, it is read off counts (RULES S).
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Final

from attrs import frozen

from ordercore.fulfilment import events as ev
from ordercore.fulfilment.model import FulfilmentOrder, FulfilmentState, ParcelStatus, WorkStatus
from ordercore.machine import Conditions, Guard, StateMachine, To, Trigger

__all__ = [
    "FULFILMENT",
    "MERGED_AWAY",
    "PARCEL",
    "WORK",
    "FulfilmentFacts",
    "FulfilmentStatus",
    "fulfilment_facts",
]

W = WorkStatus
P = ParcelStatus

_Work = FulfilmentOrder


def _asked_held(work: FulfilmentOrder) -> bool:
    """Whether the answer to a cancel leads back to a hold."""
    return work.status is W.CANCEL_REQUESTED and work.hold_reason != ""


def _is_touched(work: FulfilmentOrder) -> bool:
    return any(line.picked for line in work.lines)


_HELD: Final = Guard[_Work]("it was held before", lambda work: work.hold_reason != "")
_FROM_PLANNED: Final = Guard[_Work](
    "it was planned before", lambda work: work.resumes is W.PLANNED and not _asked_held(work)
)
_FROM_RELEASED: Final = Guard[_Work](
    "it was released before", lambda work: work.resumes is W.RELEASED and not _asked_held(work)
)
_FROM_IN_WORK: Final = Guard[_Work](
    "it was in work before", lambda work: work.resumes is W.IN_WORK and not _asked_held(work)
)
_TOUCHED: Final = Guard[_Work]("a unit is picked", _is_touched)
_UNTOUCHED: Final = Guard[_Work]("no unit is picked", lambda work: not _is_touched(work))
_DONE: Final = Guard[_Work]("nothing remains", lambda work: work.remaining == 0)
_SHORT: Final = Guard[_Work]("units were missing", lambda work: work.is_short)
_COMPLETE: Final = Guard[_Work]("no unit was missing", lambda work: not work.is_short)
_NOTHING_LEFT: Final = Guard[_Work]("nothing has left", lambda work: not work.has_dispatched)


_CLOSED: Final = (To(W.CLOSED, (_DONE, _COMPLETE)), To(W.SHORT, (_DONE, _SHORT)))
_ANSWERED: Final = (
    To(W.HELD, (_HELD,)),
    To(W.RELEASED, (_FROM_RELEASED,)),
    To(W.IN_WORK, (_FROM_IN_WORK,)),
)
_ENDED_EARLY: Final = To(W.CANCELLED, (_DONE, _NOTHING_LEFT))

MERGED_AWAY: Final = "merged away"
"""The trigger that ends a fulfilment order whose units another one took over."""

WORK: Final = StateMachine[WorkStatus, FulfilmentOrder](
    WorkStatus,
    initial=W.PLANNED,
    terminal=[W.CLOSED, W.CANCELLED, W.SHORT],
    exclusive=[
        (_HELD, _FROM_RELEASED, _FROM_IN_WORK),
        (_FROM_PLANNED, _FROM_RELEASED, _FROM_IN_WORK),
        (_TOUCHED, _UNTOUCHED),
        (_SHORT, _COMPLETE),
    ],
    table={
        W.PLANNED: {
            ev.FulfilmentReleased: W.RELEASED,
            ev.FulfilmentHeld: W.HELD,
            ev.FulfilmentMoved: W.PLANNED,
            ev.FulfilmentSplit: W.PLANNED,
            ev.FulfilmentsMerged: W.PLANNED,
            MERGED_AWAY: W.CANCELLED,
            ev.FulfilmentReduced: W.PLANNED,
            ev.FulfilmentCancelled: _ENDED_EARLY,
        },
        W.RELEASED: {
            ev.FulfilmentHeld: W.HELD,
            ev.FulfilmentMoved: W.PLANNED,
            ev.FulfilmentSplit: W.RELEASED,
            ev.FulfilmentsMerged: W.RELEASED,
            MERGED_AWAY: W.CANCELLED,
            ev.UnitsPicked: W.IN_WORK,
            ev.PickShort: W.RELEASED,
            ev.FulfilmentCancelRequested: W.CANCEL_REQUESTED,
            ev.FulfilmentCancelled: _ENDED_EARLY,
            ev.FulfilmentClosed: _CLOSED,
        },
        W.IN_WORK: {
            ev.FulfilmentHeld: W.HELD,
            ev.UnitsPicked: W.IN_WORK,
            ev.UnitsPutBack: (To(W.IN_WORK, (_TOUCHED,)), To(W.RELEASED, (_UNTOUCHED,))),
            ev.PickShort: W.IN_WORK,
            ev.ParcelPacked: W.IN_WORK,
            ev.ParcelUnpacked: W.IN_WORK,
            ev.ShipmentDispatched: W.IN_WORK,
            ev.FulfilmentCancelRequested: W.CANCEL_REQUESTED,
            ev.FulfilmentCancelled: _ENDED_EARLY,
            ev.FulfilmentClosed: _CLOSED,
        },
        W.HELD: {
            ev.FulfilmentResumed: (
                To(W.PLANNED, (_FROM_PLANNED,)),
                To(W.RELEASED, (_FROM_RELEASED,)),
                To(W.IN_WORK, (_FROM_IN_WORK,)),
            ),
            ev.FulfilmentReduced: To(W.HELD, (_FROM_PLANNED,)),
            ev.FulfilmentCancelRequested: (
                To(W.CANCEL_REQUESTED, (_FROM_RELEASED,)),
                To(W.CANCEL_REQUESTED, (_FROM_IN_WORK,)),
            ),
            ev.ParcelUnpacked: W.HELD,
            ev.UnitsPutBack: W.HELD,
            ev.FulfilmentCancelled: _ENDED_EARLY,
            ev.FulfilmentClosed: _CLOSED,
        },
        W.CANCEL_REQUESTED: {
            ev.FulfilmentCancelAccepted: _ANSWERED,
            ev.FulfilmentCancelRefused: _ANSWERED,
            ev.ParcelUnpacked: W.CANCEL_REQUESTED,
            ev.FulfilmentClosed: _CLOSED,
        },
    },
)
"""The work on a fulfilment order: status → fact → status, with the order after the fact."""

_REPORTED: Final[dict[Trigger, ParcelStatus]] = {
    status.value.replace("_", " "): status
    for status in ParcelStatus
    if status not in {ParcelStatus.PACKED, ParcelStatus.DISPATCHED}
}
_OPEN: Final = (
    P.DISPATCHED,
    P.UNKNOWN,
    P.IN_TRANSIT,
    P.OUT_FOR_DELIVERY,
    P.FAILED_ATTEMPT,
    P.AVAILABLE_FOR_PICKUP,
    P.DAMAGED,
    P.LOST,
)

PARCEL: Final = StateMachine[ParcelStatus, None](
    ParcelStatus,
    initial=P.PACKED,
    terminal=[P.DELIVERED, P.COLLECTED, P.RETURNED, P.LOST, P.DAMAGED],
    table={
        P.PACKED: {ev.ShipmentDispatched: P.DISPATCHED},
        **{status: dict(_REPORTED) for status in _OPEN},
        P.DELIVERED: {
            "collected": P.COLLECTED,
            "returning": P.RETURNING,
            "returned": P.RETURNED,
        },
        P.COLLECTED: {
            "delivered": P.DELIVERED,
            "returning": P.RETURNING,
            "returned": P.RETURNED,
        },
        P.RETURNING: {
            "delivered": P.DELIVERED,
            "collected": P.COLLECTED,
            "returned": P.RETURNED,
        },
    },
)
"""The way of a parcel: status → what a carrier reports → status, where the report counts."""


@unique
class FulfilmentStatus(StrEnum):
    """How far an order's goods have come: derived, never stored (RULES S)."""

    NOT_REQUIRED = "not_required"
    CANCELLED = "cancelled"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    PARTIALLY_DELIVERED = "partially_delivered"
    DISPATCHED = "dispatched"
    PARTIALLY_DISPATCHED = "partially_dispatched"
    IN_PREPARATION = "in_preparation"
    UNFULFILLED = "unfulfilled"


@frozen(kw_only=True)
class FulfilmentFacts:
    """
    What the status of fulfilment is read off, in units of all lines that need fulfilment.

    ``ordered`` less the cancelled ones is ``n``; ``dispatched`` D, ``delivered`` V, ``undelivered``
    U (lost, destroyed, refused or sent back) and ``picked`` are those of RULES S.
    """

    ordered: int
    n: int
    dispatched: int = 0
    delivered: int = 0
    undelivered: int = 0
    picked: int = 0

    @property
    def ended(self) -> int:
        """E: units whose way has come to an end."""
        return self.delivered + self.undelivered


def fulfilment_facts(state: FulfilmentState, *, ordered: int, cancelled: int) -> FulfilmentFacts:
    """The facts of an order with so many units that need fulfilment, at no cost per line."""
    totals = state.totals
    return FulfilmentFacts(
        ordered=ordered,
        n=ordered - cancelled,
        dispatched=totals.dispatched,
        delivered=totals.delivered,
        undelivered=totals.undelivered,
        picked=totals.picked,
    )


_Facts = FulfilmentFacts
_S = FulfilmentStatus

FULFILMENT: Final = Conditions[FulfilmentStatus, FulfilmentFacts](
    FulfilmentStatus,
    rules=[
        (_S.NOT_REQUIRED, Guard[_Facts]("nothing needs fulfilment", lambda at: at.ordered == 0)),
        (_S.CANCELLED, Guard[_Facts]("n = 0", lambda at: at.n == 0)),
        (
            _S.DELIVERED,
            Guard[_Facts]("E = n and V > 0", lambda at: at.ended == at.n and at.delivered > 0),
        ),
        (_S.UNDELIVERED, Guard[_Facts]("E = n", lambda at: at.ended == at.n)),
        (_S.PARTIALLY_DELIVERED, Guard[_Facts]("V > 0", lambda at: at.delivered > 0)),
        (_S.DISPATCHED, Guard[_Facts]("D = n", lambda at: at.dispatched == at.n)),
        (_S.PARTIALLY_DISPATCHED, Guard[_Facts]("D > 0", lambda at: at.dispatched > 0)),
        (_S.IN_PREPARATION, Guard[_Facts]("anything is picked", lambda at: at.picked > 0)),
    ],
    otherwise=_S.UNFULFILLED,
)
"""The status of an order's fulfilment: first match wins."""
