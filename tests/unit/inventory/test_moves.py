from __future__ import annotations

from datetime import UTC, datetime

import pytest
from attrs import fields

from ordercore.facts import Event
from ordercore.ids import LineId, StreamId
from ordercore.inventory.commands import PolicyLine
from ordercore.inventory.events import StockPolicySet, UnitsReserved
from ordercore.inventory.model import (
    NO_STOCK,
    Cause,
    Counters,
    MoveKind,
    OutOfStockError,
    Reservation,
    StockMove,
    StockPolicy,
)
from ordercore.inventory.moves import (
    EFFECTS,
    OWNED_KINDS,
    BelowZeroError,
    Bound,
    CauseReusedError,
    Delta,
    OwnerlessMoveError,
    ReservationChangedError,
    apply,
    apply_reservation,
    broken_bound,
    moves_of,
    net,
    policies_of,
    refusal,
    unapplied,
    with_policy,
)
from tests.laws.stock_world import held, place

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CUP = place()
OWNER, LINE = StreamId("o-1"), LineId("1")


def move(kind: MoveKind, quantity: int = 1, *, partial: bool = True) -> StockMove:
    return StockMove(
        item=CUP.item,
        location=CUP.location,
        kind=kind,
        quantity=quantity,
        owner=OWNER,
        line=LINE,
        partial=partial,
    )


def one(*moves: StockMove) -> Delta:
    return net(moves)[CUP]


def test_the_table_is_complete() -> None:
    """Every kind of move has its effect, and only three of them are bound."""
    assert set(MoveKind) == set(EFFECTS)
    bound = {kind: effect.bound for kind, effect in EFFECTS.items()}
    assert {
        MoveKind.RESERVE: Bound.PROMISE,
        MoveKind.TRANSFER_OUT: Bound.PROMISE,
        MoveKind.QUEUE: Bound.QUEUE,
    } == {kind: by for kind, by in bound.items() if by is not Bound.NONE}


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        (MoveKind.EXPECT, (5, 2, 2, 2, 4)),
        (MoveKind.RECEIVE, (7, 2, 2, 2, 2)),
        (MoveKind.RELEASE, (5, 0, 2, 2, 2)),
        (MoveKind.FILL, (5, 4, 0, 2, 2)),
        (MoveKind.REQUEUE, (5, 0, 4, 2, 2)),
        (MoveKind.UNQUEUE, (5, 2, 0, 2, 2)),
        (MoveKind.PICK, (5, 2, 2, 2, 2)),
        (MoveKind.SHIP, (3, 0, 2, 2, 2)),
        (MoveKind.RETURN_IN, (7, 2, 2, 4, 2)),
        (MoveKind.RESTOCK, (5, 2, 2, 0, 2)),
        (MoveKind.DAMAGE, (5, 2, 2, 4, 2)),
        (MoveKind.REPAIR, (5, 2, 2, 0, 2)),
        (MoveKind.WRITE_OFF, (3, 2, 2, 0, 2)),
        (MoveKind.TRANSFER_IN, (7, 2, 2, 2, 2)),
        (MoveKind.ADJUST, (7, 2, 2, 2, 2)),
        (MoveKind.COUNT, (2, 2, 2, 2, 2)),
    ],
)
def test_each_move_changes_its_counters(
    kind: MoveKind, after: tuple[int, int, int, int, int]
) -> None:
    """Two units of each kind of move, from the same row (RULES I-2)."""
    before = Counters(on_hand=5, reserved=2, queued=2, unavailable=2, incoming=2)
    row = apply(before, one(move(kind, 2)))
    assert after == (row.on_hand, row.reserved, row.queued, row.unavailable, row.incoming)


def test_promises_change_their_counters() -> None:
    """Reserve, queue and transfer out, where they may."""
    row = Counters(on_hand=5, backorder_limit=2)
    assert 5 == apply(row, one(move(MoveKind.RESERVE, 5))).reserved
    assert 3 == apply(row, one(move(MoveKind.TRANSFER_OUT, 2))).on_hand
    sold_out = Counters(on_hand=5, reserved=5, backorder_limit=2)
    assert 2 == apply(sold_out, one(move(MoveKind.QUEUE, 2))).queued


def test_deltas_come_in_order() -> None:
    """Places are sorted, so that two stores never wait for each other (Oscar PR 4594)."""
    places = [place("pot", "wien"), place("cup", "wien"), place("pot", "berlin"), CUP]
    moves = [
        StockMove(item=at.item, location=at.location, kind=MoveKind.RECEIVE, quantity=1)
        for at in places
    ]
    assert sorted(places) == list(net(moves))
    assert {} == net([])


def test_the_last_unit_changes_hands_in_one_commit() -> None:
    """What is given back and taken in one commit nets to nothing (RULES I-4)."""
    row = Counters(on_hand=1, reserved=1)
    swap = one(move(MoveKind.RELEASE), move(MoveKind.RESERVE))
    assert not swap.promises
    assert row == apply(row, swap)


def test_own_queue_does_not_stand_before_own_reserve() -> None:
    """Two of three are taken and one waits, all in one commit (RULES I-3)."""
    row = Counters(on_hand=2, backorder_limit=1)
    after = apply(row, one(move(MoveKind.RESERVE, 2), move(MoveKind.QUEUE)))
    assert (2, 1) == (after.reserved, after.queued)


def test_others_in_the_queue_do() -> None:
    """Whoever comes later does not overtake those who wait for more than there is."""
    row = Counters(on_hand=3, queued=5, backorder_limit=None)
    with pytest.raises(OutOfStockError):
        apply(row, one(move(MoveKind.RESERVE)))
    assert 6 == apply(row, one(move(MoveKind.QUEUE))).queued


def test_a_truth_always_applies() -> None:
    """A count, damage and a loss apply whatever was promised; on hand may go below zero."""
    row = Counters(on_hand=2, reserved=2)
    assert 0 == apply(row, one(move(MoveKind.COUNT, 0))).on_hand
    assert 5 == apply(row, one(move(MoveKind.DAMAGE, 5))).unavailable
    assert -1 == apply(row, one(move(MoveKind.ADJUST, -3))).on_hand
    lost = one(move(MoveKind.DAMAGE, 2), move(MoveKind.WRITE_OFF, 2))
    assert Counters(on_hand=0, reserved=2) == apply(row, lost)


def test_a_count_sets_and_later_moves_add() -> None:
    """In one commit a count replaces what was before it, and moves after it count on."""
    delta = one(move(MoveKind.RECEIVE, 9), move(MoveKind.COUNT, 4), move(MoveKind.RECEIVE, 2))
    assert (4, 2) == (delta.counted, delta.on_hand)
    assert 6 == apply(Counters(on_hand=100), delta).on_hand


@pytest.mark.parametrize(
    ("kind", "figure"),
    [
        (MoveKind.RELEASE, "reserved"),
        (MoveKind.SHIP, "reserved"),
        (MoveKind.UNQUEUE, "queued"),
        (MoveKind.REPAIR, "unavailable"),
        (MoveKind.WRITE_OFF, "unavailable"),
        (MoveKind.RESTOCK, "unavailable"),
    ],
)
def test_nothing_falls_below_zero(kind: MoveKind, figure: str) -> None:
    """More is never taken back than was recorded (medusa 12401)."""
    with pytest.raises(BelowZeroError) as caught:
        apply(Counters(on_hand=9), one(move(kind, 3)))
    assert (figure, 0, 3) == (caught.value.figure, caught.value.recorded, caught.value.asked)
    with pytest.raises(BelowZeroError):
        apply(Counters(on_hand=9, tracked=False), one(move(kind, 3)))


def test_announced_units_are_not_taken_back_twice() -> None:
    """An expectation can be lowered to nothing, not below."""
    assert 0 == apply(Counters(incoming=2), one(move(MoveKind.EXPECT, -2))).incoming
    with pytest.raises(BelowZeroError):
        apply(Counters(incoming=1), one(move(MoveKind.EXPECT, -2)))


def test_what_is_not_tracked_is_counted_but_never_refused() -> None:
    """No bound holds for an item that is not tracked."""
    row = Counters(tracked=False)
    after = apply(row, one(move(MoveKind.RESERVE, 9), move(MoveKind.QUEUE, 9)))
    assert (9, 9) == (after.reserved, after.queued)
    assert -9 == apply(after, one(move(MoveKind.SHIP, 9))).on_hand


def test_a_refusal_says_how_short_it_is() -> None:
    """Wanted, what could be supplied, and where."""
    row = Counters(on_hand=2, reserved=1, backorder_limit=1)
    error = refusal(row, one(move(MoveKind.RESERVE, 3)))
    assert isinstance(error, OutOfStockError)
    assert [(3, 1, "berlin")] == [(at.wanted, at.supplied, at.location) for at in error.lines]
    error = refusal(row, one(move(MoveKind.RESERVE), move(MoveKind.QUEUE, 4)))
    assert isinstance(error, OutOfStockError)
    assert [(5, 2)] == [(at.wanted, at.supplied) for at in error.lines]
    error = refusal(Counters(on_hand=1), one(move(MoveKind.TRANSFER_OUT, 4)))
    assert isinstance(error, OutOfStockError)
    assert [(4, 1)] == [(at.wanted, at.supplied) for at in error.lines]


def test_a_bound_names_what_is_broken() -> None:
    """A promise, the queue, or nothing."""
    assert Bound.PROMISE is broken_bound(NO_STOCK, one(move(MoveKind.RESERVE)))
    assert Bound.QUEUE is broken_bound(NO_STOCK, one(move(MoveKind.QUEUE)))
    assert broken_bound(NO_STOCK, one(move(MoveKind.RECEIVE))) is None


# --- rows of owners -----------------------------------------------------------------------------


def test_a_row_begins_and_ends() -> None:
    """The first move begins a row at its place in the queue, the last one ends it."""
    row = apply_reservation(None, move(MoveKind.QUEUE, 2, partial=False), position=7)
    assert row == Reservation(
        owner=OWNER,
        line=LINE,
        item=CUP.item,
        location=CUP.location,
        queued=2,
        position=7,
        partial=False,
    )
    filled = apply_reservation(row, move(MoveKind.FILL, 2), position=99)
    assert filled is not None
    assert (2, 0, 7) == (filled.reserved, filled.queued, filled.position)
    assert apply_reservation(filled, move(MoveKind.SHIP, 2)) is None


def test_a_lost_unit_waits_at_its_old_place() -> None:
    """Requeue keeps the place in the queue (RULES I-2)."""
    row = apply_reservation(None, move(MoveKind.RESERVE, 2), position=3)
    lost = apply_reservation(row, move(MoveKind.REQUEUE), position=50)
    assert lost is not None
    assert (1, 1, 3) == (lost.reserved, lost.queued, lost.position)


@pytest.mark.parametrize(
    "kind", [MoveKind.RELEASE, MoveKind.SHIP, MoveKind.UNQUEUE, MoveKind.FILL, MoveKind.REQUEUE]
)
def test_nobody_gives_back_what_is_not_held(kind: MoveKind) -> None:
    """Another's units, or more than one's own, are a conflict: read again (ABUSE 30)."""
    with pytest.raises(ReservationChangedError) as caught:
        apply_reservation(None, move(kind))
    assert (0, 1) == (caught.value.held, caught.value.asked)
    row = apply_reservation(None, move(MoveKind.RESERVE))
    with pytest.raises(ReservationChangedError):
        apply_reservation(row, move(kind, 2))


def test_a_row_takes_only_its_own_moves() -> None:
    """A receipt has no owner's row, and a row takes no other line's moves."""
    with pytest.raises(OwnerlessMoveError):
        apply_reservation(None, move(MoveKind.RECEIVE))
    row = apply_reservation(None, move(MoveKind.RESERVE))
    stranger = StockMove(
        item=CUP.item,
        location=CUP.location,
        kind=MoveKind.RELEASE,
        quantity=1,
        owner=StreamId("o-2"),
        line=LINE,
    )
    with pytest.raises(OwnerlessMoveError):
        apply_reservation(row, stranger)


def test_owned_kinds_are_those_that_change_a_row() -> None:
    """Every kind that changes reserved or queued has an owner."""
    changing = {kind for kind, effect in EFFECTS.items() if effect.reserved or effect.queued}
    assert changing == OWNED_KINDS


# --- causes, events, policies -------------------------------------------------------------------


def test_a_cause_applies_once() -> None:
    """The same move again is left out; another under the same cause is a conflict."""
    cause = Cause(StreamId("op-1"), 1, 0)
    first, other = move(MoveKind.RECEIVE, 2), move(MoveKind.RECEIVE, 3)
    assert [(cause, first)] == list(unapplied([(cause, first)], {}))
    assert [] == list(unapplied([(cause, first)], {cause: first}))
    with pytest.raises(CauseReusedError):
        list(unapplied([(cause, other)], {cause: first}))


def test_an_event_that_moves_nothing_has_no_moves() -> None:
    """Facts of other rooms are asked like all others."""
    assert () == moves_of(Event(at=NOW))
    assert () == policies_of(Event(at=NOW))
    assert 2 == len(moves_of(UnitsReserved(OWNER, (held(1, 1),), at=NOW)))


def test_a_policy_changes_no_figure() -> None:
    """Setting a policy leaves what is counted alone."""
    policy = StockPolicy(safety_stock=2, backorder_limit=None, tracked=False, allotment=True)
    line = PolicyLine(item=CUP.item, location=CUP.location, policy=policy)
    assert ((CUP, policy),) == policies_of(StockPolicySet((line,), at=NOW))
    after = with_policy(Counters(on_hand=3, reserved=1), policy)
    assert (
        Counters(
            on_hand=3,
            reserved=1,
            safety_stock=2,
            backorder_limit=None,
            tracked=False,
            allotment=True,
        )
        == after
    )
    assert {field.name for field in fields(StockPolicy)} < {f.name for f in fields(Counters)}
