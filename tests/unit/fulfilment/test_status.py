from __future__ import annotations

import pytest

from ordercore.fulfilment import commands as cmd
from ordercore.fulfilment.events import FulfilmentCancelAccepted, FulfilmentReleased
from ordercore.fulfilment.model import ParcelStatus, WorkStatus
from ordercore.fulfilment.status import (
    FULFILMENT,
    PARCEL,
    WORK,
    FulfilmentFacts,
    FulfilmentStatus,
    fulfilment_facts,
)
from ordercore.machine import NotAllowedError
from tests.unit.fulfilment.house import (
    F1,
    P2,
    PACK,
    REST,
    TEA,
    after,
    packed,
    planned,
    released,
    report,
    sent,
    units,
)

S = FulfilmentStatus


def facts(
    *,
    n: int,
    ordered: int = 3,
    dispatched: int = 0,
    delivered: int = 0,
    undelivered: int = 0,
    picked: int = 0,
) -> FulfilmentFacts:
    return FulfilmentFacts(
        ordered=ordered,
        n=n,
        dispatched=dispatched,
        delivered=delivered,
        undelivered=undelivered,
        picked=picked,
    )


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (facts(ordered=0, n=0), S.NOT_REQUIRED),
        (facts(n=0), S.CANCELLED),
        (facts(n=3, dispatched=3, delivered=3), S.DELIVERED),
        (facts(n=1, dispatched=1, delivered=1), S.DELIVERED),
        (facts(n=3, dispatched=3, delivered=2, undelivered=1), S.DELIVERED),
        (facts(n=3, dispatched=3, undelivered=3), S.UNDELIVERED),
        (facts(n=3, dispatched=3, delivered=1), S.PARTIALLY_DELIVERED),
        (facts(n=3, dispatched=1, delivered=1), S.PARTIALLY_DELIVERED),
        (facts(n=3, dispatched=3, undelivered=1), S.DISPATCHED),
        (facts(n=3, dispatched=1, undelivered=1), S.PARTIALLY_DISPATCHED),
        (facts(n=3, picked=1), S.IN_PREPARATION),
        (facts(n=3), S.UNFULFILLED),
    ],
)
def test_the_first_match_of_the_table_wins(at: FulfilmentFacts, expected: FulfilmentStatus) -> None:
    """The status is read off counts (RULES S)."""
    assert expected is FULFILMENT.of(at)


def test_an_order_goes_through_its_statuses() -> None:
    """From unfulfilled to delivered, and the facts come from the totals."""
    state, seen = planned(), [S.UNFULFILLED]

    def look() -> None:
        status = FULFILMENT.of(fulfilment_facts(state, ordered=5, cancelled=0))
        if status is not seen[-1]:
            seen.append(status)

    for command in (
        cmd.ReleaseFulfilment(fulfilment=F1),
        PACK,
        cmd.Dispatch(parcel=PACK.parcel),
        REST,
        cmd.Dispatch(parcel=P2),
        report(ParcelStatus.DELIVERED, 5),
        report(ParcelStatus.DELIVERED, 6, parcel=P2),
    ):
        state = after(state, command)
        look()
    assert [
        S.UNFULFILLED,
        S.IN_PREPARATION,
        S.PARTIALLY_DISPATCHED,
        S.DISPATCHED,
        S.PARTIALLY_DELIVERED,
        S.DELIVERED,
    ] == seen


def test_one_delivered_and_the_rest_cancelled_is_delivered() -> None:
    """Cancelled units are not waited for (RULES S)."""
    state = after(sent(), report(ParcelStatus.DELIVERED, 5))
    assert S.DELIVERED is FULFILMENT.of(fulfilment_facts(state, ordered=5, cancelled=2))


def test_work_that_ended_stays_ended() -> None:
    """Closed, cancelled and short have no way out."""
    for status in (WorkStatus.CLOSED, WorkStatus.CANCELLED, WorkStatus.SHORT):
        assert () == WORK.allowed(status, planned().orders[F1])


def test_the_tables_say_why_not() -> None:
    """A refusal names what is possible."""
    work = packed().orders[F1]
    reason = WORK.refusal(WorkStatus.IN_WORK, FulfilmentReleased, work)
    assert reason is not None
    assert "possible are FulfilmentHeld" in reason
    with pytest.raises(NotAllowedError):
        WORK.next(WorkStatus.RELEASED, FulfilmentCancelAccepted, released().orders[F1])


def test_the_machines_can_be_drawn() -> None:
    """The pictures in the documentation come from the tables."""
    assert "delivered --> returning : returning" in PARCEL.to_mermaid()
    assert "| cancel_requested | FulfilmentCancelRefused | held | it was held before |" in (
        WORK.to_table()
    )
    assert "| partially_delivered | V > 0 |" in FULFILMENT.to_table()


def test_picking_a_released_order_begins_its_work() -> None:
    """The table decides the status, not the command."""
    pick = cmd.PickUnits(fulfilment=F1, lines=(units(TEA, 1),))
    assert WorkStatus.IN_WORK is after(released(), pick).orders[F1].status
