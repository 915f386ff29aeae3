from __future__ import annotations

import pytest

from ordercore.ids import LineId, LocationId, StreamId
from ordercore.inventory.model import (
    Allocation,
    Counters,
    MoveKind,
    OutOfStockError,
    QueueEntry,
    Reservation,
    StockMove,
    StockPlace,
)
from ordercore.inventory.reserve import (
    BackorderRule,
    Circumstances,
    fill,
    freed,
    plan_allotments,
    plan_release,
    plan_reservation,
    queue_of,
    rebalance,
    requeue,
)
from ordercore.inventory.sourcing import Constraints, FewestParcels, InOrder, MostStock
from tests.laws.stock_world import held, place, wanted

HERE, THERE = place(), place("cup", "wien")
ALLOW, PARTIAL = BackorderRule.ALLOW, BackorderRule.PARTIAL


def stock(here: Counters, there: Counters | None = None) -> dict[StockPlace, Counters]:
    return {HERE: here} if there is None else {HERE: here, THERE: there}


def entry(quantity: int, position: int, *, partial: bool = True) -> QueueEntry:
    return QueueEntry(
        owner=StreamId(f"o-{position}"),
        line=LineId("1"),
        quantity=quantity,
        position=position,
        partial=partial,
    )


def row(position: int, reserved: int, queued: int = 0) -> Reservation:
    return Reservation(
        owner=StreamId(f"o-{position}"),
        line=LineId("1"),
        item=HERE.item,
        location=HERE.location,
        reserved=reserved,
        queued=queued,
        position=position,
    )


def told(moves: tuple[StockMove, ...]) -> list[tuple[MoveKind, str | None, int]]:
    return [(move.kind, move.owner, move.quantity) for move in moves]


# --- plans --------------------------------------------------------------------------------------


def test_all_or_nothing() -> None:
    """One short line refuses the whole, and says how short it is (RULES I-3)."""
    lines = [wanted(2), wanted(4, line="2")]
    with pytest.raises(OutOfStockError) as caught:
        plan_reservation(lines, stock(Counters(on_hand=5)))
    assert [("2", 4, 3)] == [(at.line, at.wanted, at.supplied) for at in caught.value.lines]
    plan = plan_reservation(lines, stock(Counters(on_hand=5), Counters(on_hand=1)))
    assert (held(2), held(3, line="2"), held(1, at=THERE, line="2")) == plan


def test_two_lines_never_get_the_same_unit() -> None:
    """The limit is on the sum of the lines (ABUSE 16)."""
    with pytest.raises(OutOfStockError):
        plan_reservation([wanted(1), wanted(1, line="2")], stock(Counters(on_hand=1)))


def test_a_place_that_nobody_knows_has_nothing() -> None:
    """An item without counters is out of stock, not in stock."""
    with pytest.raises(OutOfStockError):
        plan_reservation([wanted(1)], {})


def test_what_is_there_is_reserved_and_the_rest_waits() -> None:
    """Split into reserved and backordered, where the line has units already (RULES I-3)."""
    rows = stock(Counters(on_hand=2, backorder_limit=3), Counters(backorder_limit=None))
    assert (held(2, 3),) == plan_reservation([wanted(5)], rows, rule=ALLOW)
    assert (held(2, 3), held(0, 2, at=THERE)) == plan_reservation([wanted(7)], rows, rule=ALLOW)


def test_free_stock_anywhere_comes_before_any_queue() -> None:
    """Nobody waits here while there is one there."""
    rows = stock(Counters(backorder_limit=None), Counters(on_hand=1))
    assert (held(1, at=THERE),) == plan_reservation([wanted(1)], rows, rule=ALLOW)


def test_a_limit_of_backorders_is_kept() -> None:
    """More than all limits allow is refused."""
    rows = stock(Counters(queued=1, backorder_limit=3), Counters(backorder_limit=1))
    assert (held(0, 2), held(0, 1, at=THERE)) == plan_reservation([wanted(3)], rows, rule=ALLOW)
    with pytest.raises(OutOfStockError) as caught:
        plan_reservation([wanted(4)], rows, rule=ALLOW)
    assert [3] == [at.supplied for at in caught.value.lines]


def test_a_part_is_better_than_nothing() -> None:
    """Under the partial rules only nothing at all is a refusal."""
    rows = stock(Counters(on_hand=2, backorder_limit=1))
    assert (held(2),) == plan_reservation([wanted(5)], rows, rule=PARTIAL)
    both = BackorderRule.PARTIAL_ALLOW
    assert (held(2, 1),) == plan_reservation([wanted(5)], rows, rule=both)
    for rule in (PARTIAL, both):
        with pytest.raises(OutOfStockError):
            plan_reservation([wanted(1)], stock(Counters()), rule=rule)


def test_what_is_not_tracked_is_always_there() -> None:
    """Nothing is refused, and nothing waits."""
    rows = stock(Counters(tracked=False))
    assert (held(9),) == plan_reservation([wanted(9)], rows, rule=ALLOW)


def test_safety_stock_and_those_who_wait_are_left_alone() -> None:
    """Neither is planned with."""
    rows = stock(Counters(on_hand=5, safety_stock=1, queued=3))
    assert (held(1),) == plan_reservation([wanted(9)], rows, rule=PARTIAL)


def test_the_strategy_chooses() -> None:
    """Any strategy plans; the order of ids is the default."""
    rows = stock(Counters(on_hand=1), Counters(on_hand=3))
    assert (held(1), held(1, at=THERE)) == plan_reservation([wanted(2)], rows)
    for strategy in (MostStock(), FewestParcels(), InOrder((LocationId("wien"),))):
        assert (held(2, at=THERE),) == plan_reservation([wanted(2)], rows, strategy)


def test_an_unsplit_line_waits_where_it_gets_most() -> None:
    """A line from one place: its units are reserved there, and the rest waits there."""
    rows = stock(Counters(on_hand=2, backorder_limit=9), Counters(on_hand=2))
    given = Circumstances(constraints=Constraints(whole_lines=True))
    plan = plan_reservation([wanted(4)], rows, rule=ALLOW, given=given)
    assert (held(2, 2),) == plan


def test_a_whole_order_waits_at_one_place() -> None:
    """Everything from the one place that can promise it, not from where more lies now."""
    rows = stock(Counters(on_hand=3), Counters(on_hand=1, backorder_limit=None))
    given = Circumstances(constraints=Constraints(whole_order=True))
    plan = plan_reservation([wanted(4)], rows, rule=ALLOW, given=given)
    assert (held(1, 3, at=THERE),) == plan


def test_nobody_queues_where_units_are_kept_back() -> None:
    """The units on the shop floor are free: a queue beside them would be refused."""
    rows = stock(Counters(on_hand=2, backorder_limit=9), Counters(backorder_limit=9))
    kept = Constraints(keep_back={HERE.location: 1})
    given = Circumstances(constraints=kept)
    plan = plan_reservation([wanted(3)], rows, rule=PARTIAL, given=given)
    assert (held(1),) == plan
    rows = stock(Counters(on_hand=1, backorder_limit=9), Counters(backorder_limit=9))
    plan = plan_reservation([wanted(3)], rows, rule=ALLOW, given=given)
    assert (held(0, 3, at=THERE),) == plan


def test_a_line_may_ask_to_be_filled_as_a_whole() -> None:
    """The allocation carries it into the queue."""
    rows = stock(Counters(backorder_limit=None))
    given = Circumstances(fill_partly=False)
    (plan,) = plan_reservation([wanted(3)], rows, rule=ALLOW, given=given)
    assert not plan.partial


# --- allotments ---------------------------------------------------------------------------------


def test_a_channel_sells_at_most_its_allotment() -> None:
    """A counter of its own, and as hard as that of the goods (RULES I-11)."""
    web, shop = place("cup", "channel:web"), LocationId("channel:shop")
    rows = {
        HERE: Counters(on_hand=9),
        web: Counters(on_hand=3, reserved=1, allotment=True),
    }
    goods = plan_reservation([wanted(2)], rows)
    assert (held(2),) == goods
    assert (held(2, at=web),) == plan_allotments(goods, rows, (web.location, shop))
    assert () == plan_allotments(goods, rows, (shop,))
    with pytest.raises(OutOfStockError) as caught:
        plan_allotments([held(3)], rows, (web.location,))
    assert [("channel:web", 2)] == [(at.location, at.supplied) for at in caught.value.lines]
    with pytest.raises(OutOfStockError):
        plan_allotments([held(1), held(0, 2, line="2")], rows, (web.location,))


def test_an_allotment_is_no_stock() -> None:
    """What a channel may sell is not there to be sent."""
    rows = {place("cup", "channel:web"): Counters(on_hand=9, allotment=True)}
    with pytest.raises(OutOfStockError):
        plan_reservation([wanted(1)], rows)


# --- giving back --------------------------------------------------------------------------------


def test_awaited_units_are_given_back_first() -> None:
    """Of what is held, the last rows go first; more than is held is not given (RULES I-4)."""
    mine = [held(2, 1), held(2, 1, at=THERE)]
    assert (held(0, 1, at=THERE),) == plan_release([wanted(1)], mine)
    assert (held(0, 1), held(1, 1, at=THERE)) == plan_release([wanted(3)], mine)
    assert tuple(mine) == plan_release([wanted(99)], mine)
    assert () == plan_release([wanted(1, "pot")], mine)
    assert () == plan_release([], mine)


def test_freed_counters_are_those_without_the_allocations() -> None:
    """What a commit that gives back and takes anew may plan with."""
    rows = stock(Counters(on_hand=3, reserved=3, queued=1))
    assert Counters(on_hand=3, reserved=1) == freed(rows, [held(2, 1)])[HERE]
    assert rows == stock(Counters(on_hand=3, reserved=3, queued=1))
    assert Counters() == freed({}, [held(2)])[HERE]


# --- the queue ----------------------------------------------------------------------------------


def test_the_oldest_is_filled_first_and_in_part() -> None:
    """First come, first served (RULES I-5)."""
    moves = fill(HERE, Counters(on_hand=3, queued=6), [entry(2, 9), entry(2, 4), entry(2, 1)])
    assert [(MoveKind.FILL, "o-1", 2), (MoveKind.FILL, "o-4", 1)] == told(moves)
    assert {HERE} == {move.place for move in moves}


def test_who_wants_all_at_once_is_not_overtaken() -> None:
    """Free units are kept for the first in turn until there are enough."""
    queue = [entry(3, 1, partial=False), entry(1, 2)]
    assert () == fill(HERE, Counters(on_hand=2, queued=4), queue)
    moves = fill(HERE, Counters(on_hand=4, queued=4), queue)
    assert [(MoveKind.FILL, "o-1", 3), (MoveKind.FILL, "o-2", 1)] == told(moves)


@pytest.mark.parametrize(
    "counters",
    [
        Counters(on_hand=2, reserved=2, queued=1),
        Counters(on_hand=2, unavailable=2, queued=1),
        Counters(on_hand=2, safety_stock=2, queued=1),
        Counters(on_hand=-1, queued=1),
    ],
)
def test_only_free_stock_fills(counters: Counters) -> None:
    """On hand less reserved, unavailable and safety stock (RULES I-5)."""
    assert () == fill(HERE, counters, [entry(1, 1)])


def test_what_is_no_longer_tracked_fills_everybody() -> None:
    """Nobody waits for what is never refused."""
    moves = fill(HERE, Counters(queued=3, tracked=False), [entry(1, 1), entry(2, 2)])
    assert [1, 2] == [move.quantity for move in moves]


def test_the_youngest_lose_their_units() -> None:
    """A shortage takes from those who came last (RULES I-2)."""
    counters = Counters(on_hand=2, reserved=5)
    moves = requeue(HERE, counters, [row(1, 2), row(7, 2), row(3, 1, 4)])
    assert [(MoveKind.REQUEUE, "o-7", 2), (MoveKind.REQUEUE, "o-3", 1)] == told(moves)
    assert () == requeue(HERE, Counters(on_hand=5, reserved=5), [row(1, 5)])


def test_a_place_comes_to_rest() -> None:
    """A shortage is requeued; otherwise free stock is filled."""
    rows = [row(1, 2), row(2, 0, 2)]
    assert [(MoveKind.REQUEUE, "o-1", 1)] == told(
        rebalance(HERE, Counters(on_hand=1, reserved=2, queued=2), rows)
    )
    assert [(MoveKind.FILL, "o-2", 1)] == told(
        rebalance(HERE, Counters(on_hand=3, reserved=2, queued=2), rows)
    )
    assert () == rebalance(HERE, Counters(on_hand=2, reserved=2, queued=2), rows)


def test_the_queue_is_those_who_wait() -> None:
    """Rows that only hold are not in it."""
    assert [("o-2", 2), ("o-5", 1)] == [
        (one.owner, one.quantity) for one in queue_of([row(5, 3, 1), row(1, 2), row(2, 0, 2)])
    ]


def test_an_allocation_names_its_place() -> None:
    """The key of the counters that it is about."""
    allocation: Allocation = held(1, at=THERE)
    assert THERE == allocation.place
