from __future__ import annotations

from attrs import evolve as changed

from ordercore.fulfilment import commands as cmd
from ordercore.fulfilment.model import Booked, FulfilmentState, ParcelStatus
from ordercore.fulfilment.planning import plan_fulfilment
from ordercore.fulfilment.queries import Late, LateKind, expected_at, late, next_deadline
from tests.unit.fulfilment.house import (
    CUP,
    F1,
    NOW,
    P1,
    P2,
    PACK,
    RELEASE,
    REST,
    SEND,
    TEA,
    after,
    fold,
    held,
    hours,
    released,
    report,
)


def urgent() -> FulfilmentState:
    event = plan_fulfilment(
        FulfilmentState(),
        [held(TEA, 3), held(CUP, 2)],
        ids=[F1],
        now=NOW,
        dispatch_by=hours(4),
    )
    assert event is not None
    return fold(FulfilmentState(), [event])


def test_work_is_late_until_it_is_done() -> None:
    """A dispatch-by time that has passed is named, until everything has left (RULES F-6)."""
    state = urgent()
    assert () == late(state, hours(3))
    assert hours(4) == next_deadline(state, hours(3))
    assert (Late(kind=LateKind.DISPATCH, id=F1, due_at=hours(4)),) == late(state, hours(4))
    state = after(state, RELEASE, PACK, REST, SEND, cmd.Dispatch(parcel=P2))
    assert () == late(state, hours(9))
    assert next_deadline(state, NOW) is None


def test_a_parcel_is_late_until_it_is_there() -> None:
    """The carrier's own promise counts from the booking on."""
    booked = cmd.ReportBooking(
        parcel=P1,
        answer=Booked(tracking_number="Z1", expected_at=hours(24)),
        at=hours(0),
    )
    state = after(released(), changed(PACK, carrier="post"), booked, SEND)
    assert hours(24) == expected_at(state, TEA)
    assert [P1] == [one.id for one in late(state, hours(30))]
    state = after(state, report(ParcelStatus.DELIVERED, 31))
    assert () == late(state, hours(32))
    assert expected_at(state, TEA) is None


def test_nobody_promises_what_one_parcel_does_not_say() -> None:
    """A line in two parcels has a date when both have one."""
    state = after(released(), changed(PACK, expected_at=hours(9)), SEND)
    state = after(state, REST, cmd.Dispatch(parcel=P2))
    assert expected_at(state, TEA) is None
