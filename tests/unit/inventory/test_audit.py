from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from attrs import evolve

from ordercore.ids import StreamId
from ordercore.inventory.audit import (
    CorruptLedgerError,
    CountDifference,
    Discrepancy,
    UnsortedLedgerError,
    audit,
    count_differences,
    rebuild,
)
from ordercore.inventory.commands import CountedLine, CountStock, ReceivedLine, ReceiveStock
from ordercore.inventory.decide import StockCommand, decide_stock
from ordercore.inventory.events import UnitsReserved
from ordercore.inventory.model import (
    Cause,
    Counters,
    MoveKind,
    StockMove,
    StockPlace,
    StockPolicy,
)
from tests.laws.stock_world import NOW, Row, World, held, place

CUP, POT = place(), place("pot")


def receipt(at: StockPlace, quantity: int) -> StockCommand:
    line = ReceivedLine(item=at.item, location=at.location, quantity=quantity)
    return ReceiveStock(lines=(line,))


def count(at: StockPlace, counted: int) -> StockCommand:
    line = CountedLine(item=at.item, location=at.location, counted=counted)
    return CountStock(lines=(line,), reason="year's end")


def shop() -> World:
    world = World()
    for number, command in enumerate(
        [
            receipt(CUP, 10),
            receipt(POT, 4),
            count(CUP, 8),
            receipt(CUP, 3),
            count(CUP, 12),
        ]
    ):
        world.commit({StreamId(f"op-{number}"): decide_stock(None, command, NOW)})
    order = StreamId("o-1")
    world.commit({order: (UnitsReserved(order, (held(2), held(1, at=POT, line="2")), at=NOW),)})
    return world


def found(world: World, **wrong: list[object]) -> list[tuple[str, str, int, int]]:
    sides: dict[str, list[object]] = {
        "ledger": [*world.ledger()],
        "counters": [*world.sorted_counters()],
        "reservations": [*world.reservations()],
    }
    given = sides | wrong
    report = audit(given["ledger"], given["counters"], given["reservations"])  # type: ignore[arg-type]  # rows of any kind
    return [(one.place.item, one.figure, one.recorded, one.derived) for one in report]


def test_a_sound_shop_passes() -> None:
    """Nothing is found where nothing is wrong (RULES I-13)."""
    assert [] == found(shop())
    assert [] == list(audit([], []))


@pytest.mark.parametrize("figure", ["on_hand", "reserved", "queued", "unavailable", "incoming"])
def test_a_wrong_counter_is_found(figure: str) -> None:
    """Each figure, at each place."""
    world = shop()
    row = world.at(POT)
    wrong = evolve(row, **{figure: getattr(row, figure) + 3})
    counters: list[object] = [(CUP, world.at()), (POT, wrong)]
    planted = found(world, counters=counters, reservations=[])
    assert [("pot", figure, getattr(wrong, figure), getattr(row, figure))] == planted


def test_a_row_that_is_gone_is_found() -> None:
    """Counters without a ledger, and a ledger without counters."""
    world = shop()
    assert [("pot", "on_hand", 0, 4), ("pot", "reserved", 0, 1)] == found(
        world, counters=[(CUP, world.at())], reservations=[]
    )
    ghost: list[object] = [(place("ant"), Counters(on_hand=1)), *world.sorted_counters()]
    assert [("ant", "on_hand", 1, 0)] == found(world, counters=ghost)
    assert [("cup", "reserved", 2, 0)] == found(
        world,
        ledger=[row for row in world.ledger() if not (row.move.place == CUP and row.move.owner)],
    )


def test_a_move_that_is_booked_twice_is_found() -> None:
    """Even where the counters were moved twice too (MSI 2420)."""
    world = shop()
    twice = [row for row in world.ledger() for _ in range(1 + (row.move.place == POT))]
    counters: list[object] = [(CUP, world.at()), (POT, Counters(on_hand=8, reserved=2))]
    planted = found(world, ledger=[*twice], counters=counters, reservations=[])
    assert [("pot", "moves", 2, 1)] == planted


def test_owners_rows_are_compared_too() -> None:
    """Reserved units that belong to nobody, and rows that nobody counted (odoo 62139)."""
    world = shop()
    rows = world.reservations()
    assert [("pot", "reservations reserved", 1, 0)] == found(world, reservations=[rows[0]])
    more = evolve(rows[1], reserved=1, queued=5)
    assert [("pot", "reservations queued", 0, 5)] == found(world, reservations=[rows[0], more])


def test_a_discrepancy_tells_what_and_where() -> None:
    """A typed finding, not a sentence."""
    (finding,) = audit([], [(CUP, Counters(on_hand=1))])
    assert Discrepancy(place=CUP, figure="on_hand", recorded=1, derived=0) == finding


def test_rows_must_be_sorted() -> None:
    """A store that gives rows out of order is not audited wrongly in silence."""
    world = shop()
    for wrong in ("ledger", "counters", "reservations"):
        sides: dict[str, list[object]] = {
            "ledger": [*world.ledger()],
            "counters": [*world.sorted_counters()],
            "reservations": [*world.reservations()],
        }
        with pytest.raises(UnsortedLedgerError):
            found(world, **{wrong: sides[wrong][::-1]})
    with pytest.raises(UnsortedLedgerError):
        list(audit([], [(CUP, Counters()), (CUP, Counters())]))


def test_counters_are_rebuilt_from_the_ledger() -> None:
    """All figures, and the policies that the ledger does not know (medusa 12401)."""
    world = shop()
    assert world.sorted_counters() == list(rebuild(world.ledger()))
    kept = StockPolicy(safety_stock=2, backorder_limit=None)
    built = dict(rebuild(world.ledger(), {POT: kept}))
    assert evolve(world.at(POT), safety_stock=2, backorder_limit=None) == built[POT]


def test_an_impossible_ledger_is_not_built_upon() -> None:
    """More was given back than was ever taken: a person must look."""
    row = Row(
        cause=Cause(StreamId("x"), 1, 0),
        move=StockMove(item=CUP.item, location=CUP.location, kind=MoveKind.REPAIR, quantity=1),
    )
    with pytest.raises(CorruptLedgerError) as caught:
        list(rebuild([row]))
    assert ("unavailable", -1) == (caught.value.figure, caught.value.value)
    assert ["unavailable"] == [one.figure for one in audit([row], [])]


def test_a_stock_take_tells_its_differences() -> None:
    """By the books of the moment, with the reason (RULES I-12)."""
    differences = list(count_differences(shop().ledger()))
    assert [(10, 8, -2), (11, 12, 1)] == [
        (one.expected, one.counted, one.difference) for one in differences
    ]
    assert (CountDifference, "year's end", CUP) == (
        type(differences[0]),
        differences[0].reason,
        differences[0].place,
    )


def long_ledger(moves: int) -> Iterator[Row]:
    """A ledger of one place that nobody could hold in memory at once."""
    move = StockMove(item=CUP.item, location=CUP.location, kind=MoveKind.RECEIVE, quantity=1)
    for number in range(moves):
        yield Row(cause=Cause(StreamId("op"), number + 1, 0), move=move)


def test_a_long_ledger_takes_no_more_memory_than_a_short_one() -> None:
    """The audit streams (MSI 2522 took over 20 GB)."""

    def peak(moves: int) -> int:
        tracemalloc.start()
        try:
            assert [] == list(audit(long_ledger(moves), [(CUP, Counters(on_hand=moves))]))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    assert peak(20_000) < peak(200) + 500_000  # twenty thousand rows would take 4 MB
