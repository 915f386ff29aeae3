from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

import pytest
from attrs import evolve

from ordercore.errors import InvalidValueError
from ordercore.ids import InvalidIdentifierError, LineId, LocationId, StreamId
from ordercore.inventory.model import (
    Allocation,
    Cause,
    Counters,
    Hold,
    HoldStatus,
    InvalidMoveError,
    MoveKind,
    OutOfStockError,
    Reservation,
    Shortage,
    StockMove,
    StockPlace,
    StockPolicy,
    StockState,
    WantedLine,
)
from ordercore.moment import NaiveDatetimeError
from ordercore.money import InvalidQuantityError, LimitExceededError
from tests.laws.stock_world import held, place, wanted

CUP = place()


def move(
    kind: MoveKind,
    quantity: int = 1,
    *,
    owner: StreamId | None = None,
    line: LineId | None = None,
) -> StockMove:
    return StockMove(
        item=CUP.item,
        location=CUP.location,
        kind=kind,
        quantity=quantity,
        owner=owner,
        line=line,
    )


@pytest.mark.parametrize(
    ("row", "free", "available", "can_supply"),
    [
        (Counters(), 0, 0, 0),
        (Counters(on_hand=5), 5, 5, 5),
        (Counters(on_hand=5, reserved=2, unavailable=1, safety_stock=1), 1, 1, 1),
        (Counters(on_hand=5, reserved=5, safety_stock=2), -2, 0, 0),
        (Counters(on_hand=5, queued=2), 5, 3, 3),
        (Counters(on_hand=5, queued=9), 5, 0, 0),
        (Counters(on_hand=2, backorder_limit=3), 2, 2, 5),
        (Counters(reserved=0, queued=2, backorder_limit=3), 0, 0, 1),
        (Counters(queued=5, backorder_limit=3), 0, 0, 0),
        (Counters(on_hand=1, backorder_limit=None), 1, 1, None),
        (Counters(tracked=False), 0, 0, None),
        (Counters(on_hand=-2), -2, 0, 0),
    ],
)
def test_counters_say_what_can_be_supplied(
    row: Counters, free: int, available: int, can_supply: int | None
) -> None:
    """Free, available and can_supply as RULES I-1 define them."""
    assert (free, available, can_supply) == (row.free, row.available, row.can_supply)


@pytest.mark.parametrize(
    ("row", "shortage", "is_restless"),
    [
        (Counters(on_hand=5, reserved=5), 0, False),
        (Counters(on_hand=5, reserved=5, safety_stock=2), 0, False),
        (Counters(on_hand=3, reserved=5), 2, True),
        (Counters(on_hand=5, reserved=5, unavailable=1), 1, True),
        (Counters(on_hand=-3, reserved=2), 2, True),
        (Counters(on_hand=3, reserved=5, tracked=False), 0, False),
        (Counters(on_hand=3, reserved=5, allotment=True), 0, False),
        (Counters(on_hand=1, queued=1), 0, True),
        (Counters(on_hand=1, queued=1, safety_stock=1), 0, False),
        (Counters(queued=1), 0, False),
        (Counters(queued=1, tracked=False), 0, True),
    ],
)
def test_a_place_is_restless_when_units_lack_or_wait(
    row: Counters, shortage: int, is_restless: bool
) -> None:
    """The safety stock may be eaten by the truth; a promise without a unit may not stand."""
    assert (shortage, is_restless) == (row.shortage, row.is_restless)


MAKERS: list[Callable[[int], object]] = [
    lambda n: Counters(reserved=n),
    lambda n: Counters(queued=n),
    lambda n: Counters(unavailable=n),
    lambda n: Counters(incoming=n),
    lambda n: StockPolicy(safety_stock=n),
    held,
    wanted,
    lambda n: move(MoveKind.RECEIVE, n),
    lambda n: move(MoveKind.COUNT, n),
]


@pytest.mark.parametrize("wrong", [True, 1.0, "1", None, -1, 10**13])
@pytest.mark.parametrize("make", MAKERS)
def test_a_quantity_is_a_bounded_whole_number(make: Callable[[int], object], wrong: object) -> None:
    """No bool, no float, no text, nothing below zero and nothing absurd (ABUSE 12 to 14)."""
    with pytest.raises(InvalidValueError) as caught:
        make(cast("int", wrong))
    assert isinstance(caught.value, InvalidQuantityError | LimitExceededError)


@pytest.mark.parametrize("wrong", [0, 1, "yes", None])
def test_a_flag_is_true_or_false(wrong: object) -> None:
    """Nothing that merely looks like a flag is one."""
    with pytest.raises(InvalidQuantityError):
        StockPolicy(tracked=cast("bool", wrong))


def test_no_limit_is_not_zero() -> None:
    """A backorder limit of None is without limit, one of zero allows nothing."""
    assert (None, 0) == (
        StockPolicy(backorder_limit=None).backorder_limit,
        StockPolicy().backorder_limit,
    )
    with pytest.raises(InvalidQuantityError):
        StockPolicy(backorder_limit=-1)


@pytest.mark.parametrize("wrong", ["", " cup", "cup\u200b", "cup\x00", "x" * 201, 7, None])
def test_an_id_has_one_form(wrong: object) -> None:
    """Invisible characters, blanks, and what is no text are refused (ABUSE 18)."""
    with pytest.raises(InvalidIdentifierError):
        StockPlace(cast("Any", wrong), CUP.location)
    with pytest.raises(InvalidIdentifierError):
        WantedLine(line=LineId("1"), item=cast("Any", wrong), quantity=1)


def test_twins_in_two_forms_are_one_item() -> None:
    """A decomposed letter and a composed one name the same place (ABUSE 18)."""
    assert StockPlace(cast("Any", "cafe\u0301"), CUP.location) == StockPlace(
        cast("Any", "café"), CUP.location
    )


@pytest.mark.parametrize("kind", [MoveKind.ADJUST, MoveKind.EXPECT])
def test_corrections_are_signed(kind: MoveKind) -> None:
    """A correction may lower a figure, and must change it."""
    assert -3 == move(kind, -3).quantity
    with pytest.raises(InvalidMoveError):
        move(kind, 0)


@pytest.mark.parametrize(
    "kind", sorted(set(MoveKind) - {MoveKind.ADJUST, MoveKind.EXPECT, MoveKind.COUNT})
)
def test_other_moves_move_at_least_one_unit(kind: MoveKind) -> None:
    """Only corrections are signed, and only a count may be of nothing."""
    for wrong in (0, -1):
        with pytest.raises(InvalidQuantityError):
            move(kind, wrong, owner=StreamId("o-1"), line=LineId("1"))
    assert 0 == move(MoveKind.COUNT, 0).quantity


@pytest.mark.parametrize(
    "kind",
    [
        MoveKind.RESERVE,
        MoveKind.RELEASE,
        MoveKind.QUEUE,
        MoveKind.FILL,
        MoveKind.REQUEUE,
        MoveKind.UNQUEUE,
        MoveKind.SHIP,
    ],
)
def test_what_somebody_holds_names_its_owner(kind: MoveKind) -> None:
    """A move of held or awaited units without owner or line is refused."""
    with pytest.raises(InvalidMoveError):
        move(kind)
    with pytest.raises(InvalidMoveError):
        move(kind, owner=StreamId("o-1"))
    assert CUP == move(kind, owner=StreamId("o-1"), line=LineId("1")).place


def test_a_move_has_a_kind() -> None:
    """A text is no kind of move."""
    with pytest.raises(InvalidMoveError):
        move(cast("Any", "receive"))


def test_causes_and_places_have_an_order() -> None:
    """Sorted keys are what keeps stores from deadlocks."""
    assert [Cause(StreamId("a"), 1, 2), Cause(StreamId("a"), 2, 0)] == sorted(
        [
            Cause(StreamId("a"), 2, 0),
            Cause(StreamId("a"), 1, 2),
        ]
    )
    assert place("cup", "wien") < place("pot", "berlin")


def test_out_of_stock_tells_what_is_short() -> None:
    """The sentence names the first lines, the facts name all."""
    short = tuple(Shortage(item=place(f"i{n}").item, wanted=3, supplied=n) for n in range(7))
    error = OutOfStockError(short)
    assert short == error.lines
    assert str(error).startswith("Out of stock: i0 (3 wanted, 0 left), i1 (3 wanted, 1 left)")
    assert str(error).endswith(" and 2 more.")
    assert "out-of-stock" == error.code


def test_a_row_shows_itself_as_allocation() -> None:
    """What the store keeps and what the owner sees are the same figures."""
    row = Reservation(
        owner=StreamId("o-1"),
        line=LineId("1"),
        item=CUP.item,
        location=CUP.location,
        reserved=2,
        queued=1,
        position=7,
    )
    assert held(2, 1) == row.allocation
    assert 3 == row.allocation.quantity


def test_a_state_answers_by_line_and_location() -> None:
    """What a line holds, awaits, and where."""
    here, there = held(2, 1), held(1, at=place("cup", "wien"))
    other = held(4, line="2")
    state = StockState(allocations=(here, there, other))
    line = LineId("1")
    assert (3, 1, (here, there)) == (state.reserved(line), state.queued(line), state.of(line))
    assert (0, ()) == (state.queued(LineId("9")), state.of(LineId("9")))
    assert [LocationId("berlin"), LocationId("wien")] == list(state.by_location)
    assert (here, other) == state.by_location[LocationId("berlin")]
    assert (True, False) == (state.is_waiting, state.is_settled)
    assert StockState().is_settled
    assert not evolve(StockState(), refused=(line,)).is_settled


def test_a_hold_ends_at_an_instant() -> None:
    """A deadline without a time zone is refused (ABUSE 27)."""
    with pytest.raises(NaiveDatetimeError):
        Hold(owner=StreamId("cart-1"), until=datetime(2026, 1, 1))  # noqa: DTZ001 - on purpose
    assert not evolve(
        Hold(owner=StreamId("c"), until=datetime.fromisoformat("2026-01-01T00:00:00Z")),
        status=HoldStatus.EXPIRED,
    ).is_open


def test_values_do_not_change() -> None:
    """A counter row is a value: changing it makes another."""
    row = Counters(on_hand=1)
    with pytest.raises(AttributeError):
        row.on_hand = 2  # type: ignore[misc]  # on purpose
    assert Allocation(line=LineId("1"), item=CUP.item, location=CUP.location) == held(0)
