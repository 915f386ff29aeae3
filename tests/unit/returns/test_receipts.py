from __future__ import annotations

from fractions import Fraction

import pytest
from attrs import evolve as changed

from ordercore.ids import ItemId
from ordercore.inventory.model import MoveKind, StockMove
from ordercore.machine import NotAllowedError
from ordercore.pricing.slots import SlotSet
from ordercore.returns import commands as cmd
from ordercore.returns import events as ev
from ordercore.returns.decide import (
    AlreadyScrappedError,
    ReturnExceedsDispatchedError,
    UnknownReturnError,
    decide_unmatched,
    evolve_returns,
)
from ordercore.returns.model import (
    Disposition,
    Grade,
    Inspection,
    InvalidReturnError,
    ReturnPurpose,
    ReturnReason,
    ReturnsState,
    RmaStatus,
    UnmatchedItem,
)
from ordercore.returns.policy import ReturnFacts
from tests.unit.returns.desk import (
    BASIS,
    CUP,
    DOCK,
    NOW,
    OWNER,
    R1,
    R2,
    SHOP,
    TEA,
    after,
    decided,
    fold,
    found,
    inspect,
    receive,
    request,
    units,
    wish,
)

NONE = ReturnsState()
APPROVE = cmd.ApproveReturn(return_id=R1)
CAME = receive(units(TEA, 2))


def moves(events: tuple[object, ...]) -> list[tuple[MoveKind, int, str]]:
    return [
        (move.kind, move.quantity, move.location)
        for event in events
        if isinstance(event, ev.ReturnReceived | ev.ReturnInspected)
        for move in event.moves
    ]


def test_goods_come_back_unannounced() -> None:
    """A blind return makes its own return, and its goods wait to be inspected."""
    (event,) = decided(NONE, CAME)
    assert isinstance(event, ev.ReturnReceived)
    assert (
        StockMove(
            item=ItemId("tea"),
            location=DOCK,
            kind=MoveKind.RETURN_IN,
            quantity=2,
            owner=OWNER,
            line=TEA,
        ),
    ) == event.moves
    state = after(CAME)
    assert (RmaStatus.RECEIVED, {TEA: SlotSet.of(0, 2)}) == (
        state.rmas[R1].status,
        state.received,
    )


def test_announced_units_are_received_first() -> None:
    """The slots are those that the return has announced."""
    exact = cmd.ReturnWish(units=units(TEA, slots=SlotSet.of(2, 3)))
    state = after(request(exact), APPROVE, receive(units(TEA, 1)))
    assert ({TEA: SlotSet.of(2, 3)}, {}) == (state.received, state.requested)
    assert (0, 1) == (state.totals.requested, state.totals.received)


def test_a_refused_parcel_comes_before_delivered_units() -> None:
    """Undelivered units that a carrier brought back are the ones at the dock."""
    basis = changed(BASIS, sent_back={TEA: SlotSet.of(3, 4)}, arrived={TEA: SlotSet.of(3, 4)})
    events = decided(NONE, receive(units(TEA, 2)), basis)
    (event,) = events
    assert isinstance(event, ev.ReturnReceived)
    assert [(SlotSet.of(0, 1), False), (SlotSet.of(3, 4), True)] == [
        (item.slots, item.in_stock_already) for item in event.items
    ]
    assert [(MoveKind.RETURN_IN, 1, DOCK)] == moves(events)


def test_goods_in_the_wrong_parcel_settle_the_right_return() -> None:
    """Units that another return announced are awaited by nobody once they came."""
    state = after(
        request(wish(TEA, 3)),
        request(wish(CUP, 1), return_id=R2),
        receive(units(TEA, slots=SlotSet.of(0, 1)), return_id=R2),
    )
    assert {TEA: SlotSet.of(1, 3)} == state.rmas[R1].awaited
    assert {TEA: SlotSet.of(1, 3), CUP: SlotSet.of(0, 1)} == state.requested


def test_no_more_comes_back_than_was_sent() -> None:
    """The rest belongs to nobody, and is recorded as that (RULES R-2, R-6)."""
    with pytest.raises(ReturnExceedsDispatchedError, match=r"5 units of line 1-tea .* 4 can"):
        decided(NONE, receive(units(TEA, 5)))
    state = after(receive(units(TEA, 4)))
    with pytest.raises(ReturnExceedsDispatchedError, match="0 can"):
        decided(state, receive(units(TEA, 1), return_id=R2))


def test_rejected_and_closed_returns_still_receive() -> None:
    """The parcel was on its way; its goods are a fact."""
    for end in (cmd.RejectReturn(return_id=R1, reason="no"), cmd.CloseReturn(return_id=R1)):
        state = after(request(wish(TEA, 1)), end, receive(units(TEA, 1)))
        assert RmaStatus.RECEIVED is state.rmas[R1].status


def test_goods_without_stock_move_nothing() -> None:
    """A line that keeps no stock comes back as a fact alone."""
    basis = changed(
        BASIS, lines={TEA: ReturnFacts(item=ItemId("tea"), tracked=False, last_delivered_at=NOW)}
    )
    assert [] == moves(decided(NONE, CAME, basis))


# --- inspection ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grade", "expected"),
    [
        (Grade.A_NEW, [(MoveKind.RESTOCK, 2, DOCK)]),
        (Grade.B_OPENED, []),
        (Grade.C_DAMAGED, [(MoveKind.WRITE_OFF, 2, DOCK)]),
        (Grade.D_DEFECTIVE, []),
    ],
)
def test_the_grade_decides_what_becomes_of_a_unit(
    grade: Grade, expected: list[tuple[MoveKind, int, str]]
) -> None:
    """Restock, refurbish, scrap, vendor (RULES R-4)."""
    assert expected == moves(decided(after(CAME), inspect(found(units(TEA, 2), grade))))


def test_the_same_finding_again_moves_nothing() -> None:
    """One ledger entry however often the scanner reports it (RULES R-4)."""
    exact = inspect(found(units(TEA, slots=SlotSet.of(0, 2))))
    state = after(CAME, exact)
    assert () == decided(state, exact)
    every = inspect(found(units(TEA, 2)))
    assert () == decided(state, every)


def test_units_are_found_where_they_lie() -> None:
    """Two receipts at two places are two moves."""
    state = after(CAME, receive(units(CUP, 1)), receive(units(TEA, 1), location=SHOP))
    events = decided(state, inspect(found(units(TEA, 3)), found(units(CUP, 1))))
    assert [
        (MoveKind.RESTOCK, 2, DOCK),
        (MoveKind.RESTOCK, 1, SHOP),
        (MoveKind.RESTOCK, 1, DOCK),
    ] == moves(events)


def test_damage_found_later_changes_the_answer() -> None:
    """What was restocked is taken off the shelf again, and is no longer accepted (RULES R-1)."""
    state = after(CAME, inspect(found(units(TEA, 2))), cmd.CloseReturn(return_id=R1))
    assert {TEA: SlotSet.of(0, 2)} == state.accepted
    events = decided(state, inspect(found(units(TEA, slots=SlotSet.of(1, 2)), Grade.C_DAMAGED)))
    assert [(MoveKind.DAMAGE, 1, DOCK), (MoveKind.WRITE_OFF, 1, DOCK)] == moves(events)
    state = fold(state, events)
    assert ({TEA: SlotSet.of(0, 1)}, 1) == (state.accepted, state.totals.accepted)
    assert RmaStatus.CLOSED is state.rmas[R1].status


def test_scrap_stays_scrap() -> None:
    """What is gone cannot be restocked, but may be accepted all the same."""
    state = after(CAME, inspect(found(units(TEA, 2), Grade.C_DAMAGED)))
    with pytest.raises(AlreadyScrappedError, match="were scrapped already"):
        decided(state, inspect(found(units(TEA, 1))))
    kind = changed(found(units(TEA, 2), Grade.C_DAMAGED), accepted=True)
    events = decided(state, inspect(kind))
    assert [] == moves(events)
    assert {TEA: SlotSet.of(0, 2)} == fold(state, events).accepted


def test_a_finding_may_overrule_the_policy() -> None:
    """What the inspector says counts, and is kept with the slots."""
    told = cmd.Finding(
        units=units(TEA, 1),
        grade=Grade.B_OPENED,
        disposition=Disposition.RESTOCK,
        accepted=True,
        deduction=Fraction(1, 4),
    )
    state = after(CAME, inspect(told))
    assert (
        Inspection(
            slots=SlotSet.of(0, 1),
            grade=Grade.B_OPENED,
            disposition=Disposition.RESTOCK,
            accepted=True,
            deduction=Fraction(1, 4),
        ),
    ) == state.findings[TEA]


def test_only_what_came_is_inspected() -> None:
    """Announced goods are not there yet, and what came with another return is elsewhere."""
    with pytest.raises(NotAllowedError):
        decided(after(request(wish())), inspect(found(units(TEA, 1))))
    with pytest.raises(UnknownReturnError):
        decided(NONE, inspect(found(units(TEA, 1))))
    state = after(CAME, receive(units(CUP, 1), return_id=R2))
    with pytest.raises(ReturnExceedsDispatchedError):
        decided(state, inspect(found(units(CUP, 1))))
    with pytest.raises(InvalidReturnError):
        decided(state, inspect())


CLAIM = changed(
    request(wish(TEA, 1, reason=ReturnReason.MISSING)),
    purpose=ReturnPurpose.CLAIM,
    expects_goods=False,
)
MISSING = changed(found(units(TEA, 1), Grade.MISSING), accepted=True)


def test_a_claim_is_settled_without_goods() -> None:
    """It never was in the parcel: accepted, nothing moves, and it cannot come back (R-1, R-5)."""
    state = after(CLAIM, APPROVE)
    events = decided(state, inspect(MISSING))
    assert [] == moves(events)
    state = fold(state, events)
    assert ({TEA: SlotSet.of(0, 1)}, {TEA: SlotSet.of(0, 1)}, {}) == (
        state.kept,
        state.accepted,
        state.requested,
    )
    assert () == decided(state, inspect(MISSING))
    with pytest.raises(ReturnExceedsDispatchedError):
        decided(state, request(wish(TEA, 4), return_id=R2))


def test_what_is_said_to_be_kept_and_comes_back_is_there() -> None:
    """The missing unit turns up: it is received, and found anew."""
    state = after(CLAIM, APPROVE, inspect(MISSING), receive(units(TEA, slots=SlotSet.of(0, 1))))
    assert ({}, {TEA: SlotSet.of(0, 1)}, ()) == (state.kept, state.received, state.findings[TEA])
    assert [(MoveKind.RESTOCK, 1, DOCK)] == moves(decided(state, inspect(found(units(TEA, 1)))))


def test_a_unit_that_did_not_come_is_not_settled() -> None:
    """Two announced, one came: the other may be announced again."""
    state = after(
        request(wish(TEA, 2)),
        receive(units(TEA, 1)),
        inspect(found(units(TEA, slots=SlotSet.of(1, 2)), Grade.MISSING)),
    )
    assert ({}, {}, {TEA: SlotSet.of(0, 1)}) == (state.requested, state.kept, state.received)


# --- nobody's goods -----------------------------------------------------------------------------


def test_goods_of_no_order_are_recorded_as_such() -> None:
    """They are stock without an owner, unavailable until somebody looks (RULES R-6)."""
    command = cmd.ReceiveUnmatchedReturn(
        items=(UnmatchedItem(item=ItemId("hat"), quantity=2),), location=DOCK, note="no slip"
    )
    (event,) = decide_unmatched(command, NOW)
    assert isinstance(event, ev.UnmatchedReturnReceived)
    (move,) = event.moves
    assert (MoveKind.RETURN_IN, 2, None) == (move.kind, move.quantity, move.owner)
    assert "no slip" not in repr(event)
    with pytest.raises(InvalidReturnError):
        decide_unmatched(changed(command, items=()), NOW)


def test_facts_about_something_unknown_change_nothing() -> None:
    """Folding never refuses."""
    for event in (
        ev.ReturnApproved(at=NOW, return_id=R1),
        ev.ReturnRejected(at=NOW, return_id=R1, reason=""),
        ev.ReturnLabelled(at=NOW, return_id=R1),
        ev.ReturnMoved(at=NOW, return_id=R1),
        ev.ReturnClosed(at=NOW, return_id=R1),
        ev.UnmatchedReturnReceived(at=NOW, location=DOCK, items=()),
    ):
        assert NONE == evolve_returns(NONE, event)
