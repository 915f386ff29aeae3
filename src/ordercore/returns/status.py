"""
The way of a return, and the status that is read off the slots.

*A return* may be requested, approved, labelled, in transit, received and inspected; any of these
steps may be skipped, because goods arrive as they like. Rejected and closed ones are over, but
goods that come then are received all the same.

*The return status of an order* is no machine: it is read off counts (RULES S).
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Final

from attrs import frozen

from ordercore.machine import Conditions, Guard, StateMachine
from ordercore.returns import events as ev
from ordercore.returns.model import ReturnsState, Rma, RmaStatus

__all__ = ["RETURN", "RMA", "ReturnCounts", "ReturnStatus", "return_counts"]

_R = RmaStatus

RMA: Final = StateMachine[RmaStatus, Rma](
    RmaStatus,
    initial=_R.REQUESTED,
    terminal=[_R.REJECTED, _R.CLOSED],
    table={
        _R.REQUESTED: {
            ev.ReturnApproved: _R.APPROVED,
            ev.ReturnRejected: _R.REJECTED,
            ev.ReturnLabelled: _R.LABELLED,
            ev.ReturnMoved: _R.IN_TRANSIT,
            ev.ReturnReceived: _R.RECEIVED,
            ev.ReturnClosed: _R.CLOSED,
        },
        _R.APPROVED: {
            ev.ReturnLabelled: _R.LABELLED,
            ev.ReturnMoved: _R.IN_TRANSIT,
            ev.ReturnReceived: _R.RECEIVED,
            ev.ReturnInspected: _R.INSPECTED,
            ev.ReturnClosed: _R.CLOSED,
        },
        _R.LABELLED: {
            ev.ReturnLabelled: _R.LABELLED,
            ev.ReturnMoved: _R.IN_TRANSIT,
            ev.ReturnReceived: _R.RECEIVED,
            ev.ReturnInspected: _R.INSPECTED,
            ev.ReturnClosed: _R.CLOSED,
        },
        _R.IN_TRANSIT: {
            ev.ReturnReceived: _R.RECEIVED,
            ev.ReturnInspected: _R.INSPECTED,
            ev.ReturnClosed: _R.CLOSED,
        },
        _R.RECEIVED: {
            ev.ReturnReceived: _R.RECEIVED,
            ev.ReturnInspected: _R.INSPECTED,
            ev.ReturnClosed: _R.CLOSED,
        },
        _R.INSPECTED: {
            ev.ReturnReceived: _R.RECEIVED,
            ev.ReturnInspected: _R.INSPECTED,
            ev.ReturnClosed: _R.CLOSED,
        },
        _R.REJECTED: {ev.ReturnReceived: _R.RECEIVED},
        _R.CLOSED: {
            ev.ReturnReceived: _R.RECEIVED,
            ev.ReturnInspected: _R.CLOSED,
        },
    },
)
"""The way of one return: status → fact → status."""


@unique
class ReturnStatus(StrEnum):
    """How far an order's goods have come back: derived, never stored (RULES S)."""

    NONE = "none"
    REQUESTED = "requested"
    PARTIALLY_RETURNED = "partially_returned"
    RETURNED = "returned"


@frozen(kw_only=True)
class ReturnCounts:
    """
    What the status of returns is read off, in units of all lines that need fulfilment.

    R received back, Q in open requests, D dispatched, L lost or destroyed, and n remaining.
    """

    received: int
    requested: int
    dispatched: int
    lost: int
    n: int


def return_counts(state: ReturnsState, *, dispatched: int, lost: int, n: int) -> ReturnCounts:
    """The counts of an order, at no cost per line."""
    return ReturnCounts(
        received=state.totals.received,
        requested=state.totals.requested,
        dispatched=dispatched,
        lost=lost,
        n=n,
    )


def _all_back(at: ReturnCounts) -> bool:
    return at.received == at.dispatched - at.lost and at.dispatched == at.n


RETURN: Final = Conditions[ReturnStatus, ReturnCounts](
    ReturnStatus,
    rules=[
        (
            ReturnStatus.REQUESTED,
            Guard[ReturnCounts]("R = 0 and Q > 0", lambda at: at.received == 0 < at.requested),
        ),
        (ReturnStatus.NONE, Guard[ReturnCounts]("R = 0", lambda at: at.received == 0)),
        (ReturnStatus.RETURNED, Guard[ReturnCounts]("R = D - L and D = n", _all_back)),
    ],
    otherwise=ReturnStatus.PARTIALLY_RETURNED,
)
"""The status of an order's returns: first match wins."""
