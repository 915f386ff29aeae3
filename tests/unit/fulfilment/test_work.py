from __future__ import annotations

import pytest
from attrs import evolve as changed

from ordercore.fulfilment import commands as cmd
from ordercore.fulfilment import events as ev
from ordercore.fulfilment.decide import (
    AlreadyThereError,
    TooManyUnitsError,
    UnknownFulfilmentError,
    UnknownWorkLineError,
)
from ordercore.fulfilment.model import InvalidFulfilmentError, LineUnits, ShortPolicy, WorkStatus
from ordercore.ids import FulfilmentId, ItemId, LineId
from ordercore.inventory.model import MoveKind, StockMove
from ordercore.machine import NotAllowedError
from tests.unit.fulfilment.house import (
    BASIS,
    CUP,
    F1,
    F2,
    NORTH,
    NOW,
    OWNER,
    PACK,
    RELEASE,
    SEND,
    SOUTH,
    TEA,
    after,
    decided,
    fold,
    held,
    packed,
    planned,
    released,
    units,
)

PICK = cmd.PickUnits(fulfilment=F1, lines=(units(TEA, 2),))


def test_planned_work_is_released() -> None:
    """A planned fulfilment order goes to its location."""
    state = after(planned(), RELEASE)
    assert WorkStatus.RELEASED is state.orders[F1].status


def test_nothing_is_released_twice() -> None:
    """A released order is not planned any more."""
    with pytest.raises(
        NotAllowedError, match="ReleaseFulfilment is not possible while released: possible are Hold"
    ):
        decided(released(), RELEASE)


def test_an_unknown_order_is_named() -> None:
    """A wrong id is refused by name."""
    with pytest.raises(UnknownFulfilmentError, match="no fulfilment order f-9 here"):
        decided(planned(), cmd.ReleaseFulfilment(fulfilment=FulfilmentId("f-9")))


def test_picked_units_are_a_fact_in_the_ledger() -> None:
    """A pick moves no counter but stands in the stock ledger."""
    (event,) = decided(released(), PICK)
    assert isinstance(event, ev.UnitsPicked)
    assert (
        StockMove(
            item=ItemId("item-1-tea"),
            location=NORTH,
            kind=MoveKind.PICK,
            quantity=2,
            owner=OWNER,
            line=TEA,
        ),
    ) == event.moves
    state = after(released(), PICK)
    assert WorkStatus.IN_WORK is state.orders[F1].status
    assert 2 == state.totals.picked


def test_no_more_is_picked_than_lies_there() -> None:
    """Picking counts what is picked, short and cancelled already."""
    state = after(released(), PICK)
    with pytest.raises(TooManyUnitsError, match="2 units of line 1-tea cannot be picked"):
        decided(state, PICK)


def test_nothing_is_picked_of_a_foreign_line() -> None:
    """A line that the location has nothing of is refused."""
    with pytest.raises(UnknownWorkLineError):
        decided(released(), cmd.PickUnits(fulfilment=F1, lines=(units(LineId("9"), 1),)))


def test_naming_no_unit_is_refused() -> None:
    """A pick of nothing is a mistake."""
    with pytest.raises(InvalidFulfilmentError):
        decided(released(), cmd.PickUnits(fulfilment=F1, lines=()))


def test_putting_all_back_ends_the_work_for_now() -> None:
    """Back on the shelf: the order is released again and nothing counts as picked (RULES S)."""
    back = cmd.PutBackUnits(fulfilment=F1, lines=(units(TEA, 2),))
    state = after(released(), PICK, back)
    assert WorkStatus.RELEASED is state.orders[F1].status
    assert 0 == state.totals.picked


def test_packed_units_cannot_be_put_back() -> None:
    """What is in a parcel must be unpacked first."""
    back = cmd.PutBackUnits(fulfilment=F1, lines=(units(TEA, 1),))
    with pytest.raises(TooManyUnitsError, match="there are 0"):
        decided(packed(), back)


def test_held_work_goes_on_where_it_stopped() -> None:
    """A hold keeps where the work was."""
    hold = cmd.HoldFulfilment(fulfilment=F1, reason="customer called")
    state = after(released(), PICK, hold)
    assert (WorkStatus.HELD, "customer called") == (
        state.orders[F1].status,
        state.orders[F1].hold_reason,
    )
    with pytest.raises(NotAllowedError):
        decided(state, PICK)
    state = after(state, cmd.ResumeFulfilment(fulfilment=F1))
    assert (WorkStatus.IN_WORK, "") == (state.orders[F1].status, state.orders[F1].hold_reason)


def test_moved_work_must_be_released_again() -> None:
    """Another location gets it as planned work."""
    move = cmd.MoveFulfilment(fulfilment=F1, location=SOUTH)
    state = after(released(), move)
    assert (SOUTH, WorkStatus.PLANNED) == (state.orders[F1].location, state.orders[F1].status)
    assert () == decided(state, move)


def test_touched_work_stays_where_it_is() -> None:
    """Once something is picked, the goods are there and nowhere else."""
    with pytest.raises(NotAllowedError):
        decided(after(released(), PICK), cmd.MoveFulfilment(fulfilment=F1, location=SOUTH))


def test_split_and_merge_move_units_and_make_none() -> None:
    """The units of two fulfilment orders are those of the one before."""
    split = cmd.SplitFulfilment(fulfilment=F1, into=F2, lines=(units(TEA, 2), units(CUP, 2)))
    state = after(planned(), split)
    assert {F1: 1, F2: 4} == {work.id: work.remaining for work in state.orders.values()}
    state = after(state, cmd.MergeFulfilments(fulfilment=F2, merged=F1))
    assert {F1: 0, F2: 5} == {work.id: work.remaining for work in state.orders.values()}
    assert WorkStatus.CANCELLED is state.orders[F1].status


@pytest.mark.parametrize(
    ("lines", "into", "error"),
    [
        ((units(TEA, 4),), F2, TooManyUnitsError),
        ((units(TEA, 3), units(CUP, 2)), F2, InvalidFulfilmentError),
        ((units(TEA, 1),), F1, AlreadyThereError),
    ],
)
def test_a_split_must_leave_something_and_have_an_id(
    lines: tuple[LineUnits, ...], into: FulfilmentId, error: type[Exception]
) -> None:
    """A split of too much, of everything, or into itself is refused."""
    with pytest.raises(error):
        decided(planned(), cmd.SplitFulfilment(fulfilment=F1, into=into, lines=lines))


def test_only_twins_are_merged() -> None:
    """Two orders at different locations, or one with itself, stay apart."""
    state = planned(held(TEA, 2), held(TEA, 1, SOUTH))
    for other in (F1, F2):
        with pytest.raises(NotAllowedError, match="different ones, at one location"):
            decided(state, cmd.MergeFulfilments(fulfilment=F1, merged=other))


@pytest.mark.parametrize(
    ("policy", "then"),
    [
        (ShortPolicy.RESOURCE, MoveKind.RELEASE),
        (ShortPolicy.BACKORDER, MoveKind.REQUEUE),
        (ShortPolicy.CLOSE, MoveKind.RELEASE),
    ],
)
def test_a_short_pick_corrects_what_the_books_still_have(
    policy: ShortPolicy, then: MoveKind
) -> None:
    """The shelf is empty, the books are not: they are corrected, and the hold ends (RULES F-3)."""
    short = cmd.RecordShortPick(fulfilment=F1, lines=(units(TEA, 2),), policy=policy)
    (event,) = decided(released(), short, changed(BASIS, held={TEA: 1}))
    assert isinstance(event, ev.PickShort)
    expected = [(MoveKind.ADJUST, -1, "short pick"), (then, 1, "short pick")]
    assert expected == [(move.kind, move.quantity, move.reason) for move in event.moves]
    state = fold(released(), [event])
    assert 3 == state.orders[F1].remaining
    shelves = [(shelf.item, shelf.location) for shelf in state.short_shelves]
    assert ([("item-1-tea", "north")] if policy is ShortPolicy.RESOURCE else []) == shelves


def test_books_that_know_already_are_not_corrected() -> None:
    """What the order does not hold there any more, somebody has taken off before (RULES F-3)."""
    short = cmd.RecordShortPick(fulfilment=F1, lines=(units(TEA, 2),))
    (event,) = decided(released(), short)
    assert isinstance(event, ev.PickShort)
    assert () == event.moves


def test_only_short_closed_units_are_to_be_cancelled() -> None:
    """By policy a short unit is taken elsewhere, waits, or is given up."""
    state = released()
    for policy in ShortPolicy:
        short = cmd.RecordShortPick(fulfilment=F1, lines=(units(TEA, 1),), policy=policy)
        state = after(state, short)
    assert {TEA: 1} == state.short_closed


def test_work_that_is_all_short_ends_short() -> None:
    """Nothing remains to be done, and units were missing."""
    state = planned(held(TEA, 1))
    short = cmd.RecordShortPick(fulfilment=F1, lines=(units(TEA, 1),))
    state = after(state, RELEASE, short)
    assert WorkStatus.SHORT is state.orders[F1].status


def test_a_location_may_accept_a_part_of_a_cancel() -> None:
    """What it accepts is cancelled, picked units go back, and the work goes on."""
    state = after(released(), PICK)
    asked = ev.FulfilmentCancelRequested(at=NOW, fulfilment=F1, lines=(units(TEA, 3),))
    state = fold(state, [asked])
    assert WorkStatus.CANCEL_REQUESTED is state.orders[F1].status
    accept = cmd.AcceptCancel(fulfilment=F1, lines=(units(TEA, 2),))
    state = after(state, accept)
    assert WorkStatus.IN_WORK is state.orders[F1].status
    assert {TEA: 2} == state.cancel_accepted
    assert (1, 1) == (state.orders[F1].lines[0].picked, state.totals.picked)


def test_nobody_works_while_a_cancel_is_open() -> None:
    """The location answers first."""
    asked = ev.FulfilmentCancelRequested(at=NOW, fulfilment=F1, lines=(units(TEA, 1),))
    state = fold(released(), [asked])
    for command in (PICK, PACK):
        with pytest.raises(NotAllowedError):
            decided(state, command)


def test_a_packed_unit_cannot_be_cancelled() -> None:
    """Packed units must be unpacked, or the cancel is refused."""
    asked = ev.FulfilmentCancelRequested(at=NOW, fulfilment=F1, lines=(units(TEA, 3),))
    state = fold(packed(), [asked])
    with pytest.raises(TooManyUnitsError, match="packed ones must be unpacked first"):
        decided(state, cmd.AcceptCancel(fulfilment=F1))
    state = after(state, cmd.RefuseCancel(fulfilment=F1, reason="too late"))
    assert WorkStatus.IN_WORK is state.orders[F1].status
    assert () == state.orders[F1].asked


def test_a_refused_cancel_leads_back_to_a_hold() -> None:
    """Work that was held when it was asked stays held."""
    state = after(released(), cmd.HoldFulfilment(fulfilment=F1, reason="stocktake"))
    asked = ev.FulfilmentCancelRequested(at=NOW, fulfilment=F1, lines=(units(TEA, 1),))
    state = after(fold(state, [asked]), cmd.RefuseCancel(fulfilment=F1))
    assert WorkStatus.HELD is state.orders[F1].status
    state = after(state, cmd.ResumeFulfilment(fulfilment=F1))
    assert WorkStatus.RELEASED is state.orders[F1].status


def test_an_accepted_cancel_of_everything_ends_the_work() -> None:
    """Nothing has left and nothing is wanted: cancelled. Something has left: closed."""
    asked = ev.FulfilmentCancelRequested(
        at=NOW, fulfilment=F1, lines=(units(TEA, 3), units(CUP, 2))
    )
    state = after(fold(released(), [asked]), cmd.AcceptCancel(fulfilment=F1))
    assert WorkStatus.CANCELLED is state.orders[F1].status
    rest = ev.FulfilmentCancelRequested(at=NOW, fulfilment=F1, lines=(units(TEA, 1), units(CUP, 1)))
    state = fold(after(packed(), SEND), [rest])
    state = after(state, cmd.AcceptCancel(fulfilment=F1))
    assert WorkStatus.CLOSED is state.orders[F1].status
