from __future__ import annotations

from collections.abc import Callable

import pytest
from attrs import evolve as changed

from ordercore.errors import OrderCoreError
from ordercore.ids import Actor, LineId
from ordercore.machine import NotAllowedError
from ordercore.moment import Period
from ordercore.pricing.slots import NO_SLOTS, SlotSet
from ordercore.returns import commands as cmd
from ordercore.returns import events as ev
from ordercore.returns.decide import (
    CannotGrantError,
    KnownReturnError,
    NotReturnableError,
    ReturnExceedsDispatchedError,
    ReturnWindowClosedError,
    SerialMismatchError,
    UnknownReturnError,
    UnknownReturnLineError,
    WithdrawalRightError,
    returnable,
)
from ordercore.returns.model import (
    FreightPayer,
    InvalidReturnError,
    ReturnPurpose,
    ReturnReason,
    ReturnsState,
    ReturnUnits,
    RmaStatus,
)
from ordercore.returns.policy import ReturnPolicy, WithdrawalRight
from tests.unit.returns.desk import (
    BASIS,
    CUP,
    DOCK,
    NOW,
    R1,
    R2,
    TEA,
    after,
    days,
    decided,
    receive,
    request,
    units,
    wish,
    with_policy,
)

NONE = ReturnsState()
APPROVE = cmd.ApproveReturn(return_id=R1)


def test_a_request_names_slots() -> None:
    """The lowest delivered slots that are free are announced."""
    (event,) = decided(NONE, request(wish(TEA, 2), wish(CUP, 1)))
    assert isinstance(event, ev.ReturnRequested)
    assert [(TEA, SlotSet.of(0, 2)), (CUP, SlotSet.of(0, 1))] == [
        (item.line, item.slots) for item in event.items
    ]
    assert ["return window"] * 2 == [item.rule for item in event.items]


def test_two_wishes_for_one_line_take_two_units() -> None:
    """One shirt is torn, the other is too small."""
    torn = wish(TEA, 1, reason=ReturnReason.DEFECTIVE)
    state = after(request(torn, wish(TEA, 1)))
    assert [(SlotSet.of(0, 1), FreightPayer.SHOP), (SlotSet.of(1, 2), FreightPayer.CUSTOMER)] == [
        (item.slots, item.freight) for item in state.rmas[R1].items
    ]
    assert 2 == state.totals.requested


def test_undelivered_units_come_after_delivered_ones() -> None:
    """A unit still on its way may be announced: the parcel will be refused."""
    (event,) = decided(NONE, request(wish(TEA, 4)))
    assert isinstance(event, ev.ReturnRequested)
    assert SlotSet.of(0, 4) == event.items[0].slots


def test_what_is_announced_is_not_announced_again() -> None:
    """Returned + open requests ≤ dispatched − lost (RULES R-2)."""
    state = after(request(wish(TEA, 3)))
    with pytest.raises(ReturnExceedsDispatchedError, match=r"2 units of line 1-tea .* 1 can"):
        decided(state, request(wish(TEA, 2), return_id=R2))
    assert SlotSet.of(3, 4) == returnable(state, TEA, BASIS)


def test_lost_and_refused_units_are_not_announced() -> None:
    """They are not with the customer."""
    basis = changed(
        BASIS, lost={TEA: SlotSet.of(0, 1)}, sent_back={TEA: SlotSet.of(3, 4)}, delivered={}
    )
    assert SlotSet.of(1, 3) == returnable(NONE, TEA, basis)
    with pytest.raises(ReturnExceedsDispatchedError):
        decided(NONE, request(wish(TEA, 3)), basis)


def test_exact_slots_must_be_free() -> None:
    """A host that knows the unit names its slot."""
    exact = cmd.ReturnWish(units=units(TEA, slots=SlotSet.of(2, 3)))
    state = after(request(exact))
    with pytest.raises(ReturnExceedsDispatchedError, match="0 can"):
        decided(state, request(exact, return_id=R2))


def test_a_serial_number_names_its_slot() -> None:
    """Returns match what was sent (RULES I-8)."""
    basis = changed(BASIS, serials={CUP: {"S7": 0, "S9": 1}})
    nine = cmd.ReturnWish(units=ReturnUnits(line=CUP, serials=("S9",)))
    (event,) = decided(NONE, request(nine), basis)
    assert isinstance(event, ev.ReturnRequested)
    assert SlotSet.of(1, 2) == event.items[0].slots
    with pytest.raises(SerialMismatchError, match="Serial S9 was not sent"):
        decided(after(request(nine), basis=basis), request(nine, return_id=R2), basis)
    unknown = cmd.ReturnWish(units=ReturnUnits(line=CUP, serials=("S8",)))
    with pytest.raises(SerialMismatchError, match="S8"):
        decided(NONE, request(unknown), basis)


@pytest.mark.parametrize("line", ["9-other-order", "3-not-sent"])
def test_only_lines_that_were_sent_come_back(line: str) -> None:
    """Another order's line, or one that is still here."""
    with pytest.raises(UnknownReturnLineError, match=line):
        decided(NONE, request(wish(LineId(line), 1)))


def test_too_late_is_too_late() -> None:
    """The refusal says until when it would have been possible."""
    with pytest.raises(ReturnWindowClosedError, match="2026-04-02"):
        decided(NONE, request(wish(TEA, 1)), now=days(31))


def test_final_sale_is_final() -> None:
    """A refusal without a date names the rule."""
    with pytest.raises(NotReturnableError, match="final sale"):
        decided(NONE, request(wish(TEA, 1)), with_policy(ReturnPolicy(final_sale=("food",))))


def test_an_exception_names_who_granted_it() -> None:
    """Somebody who may, and it is written down (RULES R-3)."""
    late = changed(request(wish(TEA, 1)), granted_by=Actor("staff:ann"), grant_reason="goodwill")
    (event,) = decided(NONE, late, now=days(31))
    assert isinstance(event, ev.ReturnRequested)
    assert ("staff:ann", "goodwill") == (event.granted_by, event.grant_reason)
    assert "granted although the return window is over" == event.items[0].rule
    with pytest.raises(CannotGrantError, match="customer:1"):
        decided(NONE, changed(late, granted_by=Actor("customer:1")), now=days(31))


def test_a_request_is_approved_or_rejected_once() -> None:
    """Approved goods are awaited, rejected ones may be announced again."""
    assert RmaStatus.APPROVED is after(request(wish()), APPROVE).rmas[R1].status
    reject = cmd.RejectReturn(return_id=R1, reason="worn")
    state = after(request(wish(TEA, 3)), reject)
    assert (RmaStatus.REJECTED, "worn", {}) == (
        state.rmas[R1].status,
        state.rmas[R1].reject_reason,
        state.requested,
    )
    for command in (APPROVE, reject, cmd.CloseReturn(return_id=R1)):
        with pytest.raises(NotAllowedError):
            decided(state, command)
    assert not list(state.open_rmas)


def test_an_approval_may_be_automatic() -> None:
    """A shop that trusts its policy answers at once."""
    basis = with_policy(ReturnPolicy(approve_automatically=True))
    assert RmaStatus.APPROVED is after(request(wish()), basis=basis).rmas[R1].status


def test_a_right_by_law_cannot_be_rejected() -> None:
    """Inside its window, nobody may say no (RULES R-3)."""
    basis = with_policy(ReturnPolicy(window=None, withdrawal=WithdrawalRight()))
    state = after(request(wish()), basis=basis)
    assert state.rmas[R1].items[0].is_right
    with pytest.raises(WithdrawalRightError):
        decided(state, cmd.RejectReturn(return_id=R1, reason="no"), basis)


def test_a_label_and_a_carrier() -> None:
    """Any step may be skipped: labelled without approval, in transit without a label."""
    label = cmd.LabelReturn(return_id=R1, carrier="post", tracking_number="Z1", label="l-1")
    moved = cmd.ReportReturnMoved(return_id=R1, raw="PU", at=NOW)
    state = after(request(wish()), label)
    assert (RmaStatus.LABELLED, "post", "Z1", "l-1") == (
        state.rmas[R1].status,
        state.rmas[R1].carrier,
        state.rmas[R1].tracking_number,
        state.rmas[R1].label,
    )
    assert RmaStatus.IN_TRANSIT is after(request(wish()), moved).rmas[R1].status
    assert () == decided(after(request(wish()), moved), moved)
    assert () == decided(NONE, moved)


def test_a_closed_return_awaits_nothing() -> None:
    """What has not come may be announced again."""
    state = after(request(wish(TEA, 3)), APPROVE, cmd.CloseReturn(return_id=R1, reason="expired"))
    assert ({}, RmaStatus.CLOSED) == (state.requested, state.rmas[R1].status)
    assert SlotSet.of(0, 4) == returnable(state, TEA, BASIS)


def test_a_late_close_frees_only_its_own() -> None:
    """Slots that were announced anew in between stay announced."""
    state = after(
        request(wish(TEA, 2)),
        cmd.RejectReturn(return_id=R1, reason="photo missing"),
        request(wish(TEA, 2), return_id=R2),
        receive(units(TEA, slots=SlotSet.of(3, 4)), return_id=R1),
        cmd.CloseReturn(return_id=R1),
    )
    assert {TEA: SlotSet.of(0, 2)} == state.requested


def test_a_claim_says_so() -> None:
    """Purpose and whether goods come back are kept (RULES R-5)."""
    claim = changed(
        request(wish(TEA, 1, reason=ReturnReason.MISSING)),
        purpose=ReturnPurpose.CLAIM,
        expects_goods=False,
    )
    rma = after(claim).rmas[R1]
    assert (ReturnPurpose.CLAIM, False) == (rma.purpose, rma.awaits_goods)


def test_ids_are_used_once() -> None:
    """A return id is known or new, never both."""
    with pytest.raises(KnownReturnError, match="r-1 already"):
        decided(after(request(wish())), request(wish()))
    for command in (APPROVE, cmd.CloseReturn(return_id=R1), cmd.LabelReturn(return_id=R1)):
        with pytest.raises(UnknownReturnError, match="no return r-1 here"):
            decided(NONE, command)


WRONG: list[Callable[[], object]] = [
    lambda: ReturnUnits(line=TEA),
    lambda: ReturnUnits(line=TEA, quantity=1, slots=SlotSet.of(0, 1)),
    lambda: ReturnUnits(line=TEA, quantity=-1),
    lambda: ReturnUnits(line=TEA, quantity=True),
    lambda: ReturnUnits(line=TEA, serials=("a", "a")),
    lambda: cmd.ReceiveReturn(return_id=R1, items=(), location=type(DOCK)("")),
    lambda: decided(NONE, request()),
    lambda: decided(NONE, receive()),
]


@pytest.mark.parametrize("make", WRONG)
def test_wrong_values_are_refused(make: Callable[[], object]) -> None:
    """Bad input is refused with an error of ours, before anything happens."""
    with pytest.raises(OrderCoreError):
        make()


def test_nothing_is_no_request() -> None:
    """A return of nothing is a mistake."""
    with pytest.raises(InvalidReturnError, match="name at least one unit"):
        decided(NONE, request())
    assert NO_SLOTS == returnable(NONE, LineId("9"), BASIS)


def test_a_longer_window_is_not_given_later() -> None:
    """The policy of the terms counts, whatever the shop's setting is today."""
    old = with_policy(ReturnPolicy(window=Period(days=5)))
    with pytest.raises(ReturnWindowClosedError):
        decided(NONE, request(wish(TEA, 1)), old, days(10))
    assert decided(NONE, request(wish(TEA, 1)), now=days(10))
