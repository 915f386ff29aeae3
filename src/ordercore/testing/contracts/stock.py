"""
What `InventoryRepository` and the moves of a commit promise, as tests: no unit is sold twice.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Final

import pytest
from attrs import evolve

from ordercore.errors import ConflictError, RefusedError
from ordercore.ids import ItemId, LocationId, StreamId
from ordercore.inventory.model import (
    Allocation,
    Counters,
    MoveKind,
    OutOfStockError,
    StockPlace,
    StockPolicy,
)
from ordercore.ports.repositories import Store
from ordercore.testing.contracts._case import StoreCase
from ordercore.testing.contracts._world import (
    ITEM,
    PLACE,
    SHOP,
    all_at_once,
    allocation,
    changes,
    counted,
    dump,
    folded,
    policy,
    received,
    released,
    reserved,
    stock_change,
    stream_change,
)

__all__ = ["InventoryRepositoryContract", "broken_promises"]

THREADS: Final = 8
OTHER: Final = StockPlace(ItemId("item-2"), LocationId("depot"))
BACKORDERS: Final = StockPolicy(backorder_limit=None)


def _receive(store: Store, units: int, place: StockPlace = PLACE, *, name: str = "r-1") -> None:
    store.commit(changes(stock_change(name, received(units, place)), commit=name))


def _order(store: Store, stream: str, *parts: Allocation) -> None:
    owner = StreamId(stream)
    store.commit(changes(stream_change(owner, reserved(owner, *parts)), commit=f"take {stream}"))


def _give_back(store: Store, stream: str, *parts: Allocation) -> None:
    owner, after = StreamId(stream), store.load(StreamId(stream)).version
    change = stream_change(owner, released(owner, *parts), after=after)
    store.commit(changes(change, commit=f"give {stream} {after}"))


def _backorders(store: Store) -> None:
    """One unit, held by o-1; o-2 waits for two, o-3 for one."""
    change = stock_change("policy", policy(BACKORDERS), received(1))
    store.commit(changes(change, commit="policy"))
    _order(store, "o-1", allocation(1))
    _order(store, "o-2", allocation(0, 2))
    _order(store, "o-3", allocation(0, 1))


def _held(store: Store) -> list[tuple[int, int]]:
    """What the three owners hold and wait for."""
    owners = (StreamId(f"o-{number}") for number in (1, 2, 3))
    return [
        (sum(at.reserved for at in rows), sum(at.queued for at in rows))
        for rows in (store.allocations(owner) for owner in owners)
    ]


def broken_promises(store: Store, owners: Iterable[StreamId]) -> list[str]:
    """
    Everything about the stock of a quiet store that must not be; nothing when all is well.

    Counters are the sum of the ledger and of what owners hold, each cause stands in the ledger
    once, what is held is there, and nobody waits beside free stock.
    """
    wrong: list[str] = []
    ledger = folded(store)
    sums: dict[StockPlace, tuple[int, int]] = {}
    for owner in owners:
        for at in store.allocations(owner):
            held, waiting = sums.get(at.place, (0, 0))
            sums[at.place] = held + at.reserved, waiting + at.queued
    for place, row in store.all_counters():
        if _figures(row) != _figures(ledger.get(place, Counters())):
            wrong.append(f"{place}: the counters are not the sum of the ledger")
        if (row.reserved, row.queued) != sums.get(place, (0, 0)):
            wrong.append(f"{place}: the counters are not the sum of what is held")
        if row.is_restless:
            wrong.append(f"{place}: somebody waits beside free stock, or holds what is not there")
    causes = [row.cause for row in store.ledger()]
    if len(set(causes)) < len(causes):
        wrong.append("a cause stands in the ledger twice")
    return wrong


def _figures(row: Counters) -> tuple[int, ...]:
    return (row.on_hand, row.reserved, row.queued, row.unavailable, row.incoming)


class InventoryRepositoryContract(StoreCase):
    """Bounds bind promises, truths always apply, queues are served in turn."""

    # --- reading --------------------------------------------------------------------------------

    def test_nothing_is_there_at_first(self, store: Store) -> None:
        """No counters, no locations, no ledger, nothing held."""
        assert {} == store.counters([ITEM])
        assert () == store.locations()
        assert () == store.allocations(StreamId("o-1"))
        assert [] == list(store.ledger())
        assert [] == list(store.all_counters())

    def test_counters_are_read_by_item(self, store: Store) -> None:
        """All locations of the items asked for, and no others."""
        depot = StockPlace(ITEM, LocationId("depot"))
        for number, place in enumerate((PLACE, OTHER, depot)):
            _receive(store, number + 1, place, name=f"r-{number}")
        one, three = Counters(on_hand=1), Counters(on_hand=3)
        assert {PLACE: one, depot: three} == store.counters([ITEM, ITEM, ItemId("none")])
        assert {} == store.counters([])
        assert (LocationId("depot"), SHOP) == store.locations()
        assert [depot, PLACE, OTHER] == [place for place, _ in store.all_counters()]

    def test_the_ledger_tells_every_move(self, store: Store) -> None:
        """By place, in the order they were applied, each with its cause and time."""
        _receive(store, 5, OTHER, name="r-2")
        change = stock_change("r-1", received(3), counted(2))
        done = store.commit(changes(change, commit="r-1"))
        rows = list(store.ledger())
        assert [
            (PLACE, MoveKind.RECEIVE, 3, ("r-1", 1, 0)),
            (PLACE, MoveKind.COUNT, 2, ("r-1", 2, 0)),
            (OTHER, MoveKind.RECEIVE, 5, ("r-2", 1, 0)),
        ] == [
            (
                row.move.place,
                row.move.kind,
                row.move.quantity,
                (row.cause.stream, row.cause.version, row.cause.index),
            )
            for row in rows
        ]
        assert "stock-take" == rows[1].move.reason
        assert done.recorded_at == rows[0].recorded_at

    def test_allocations_are_what_an_owner_holds(self, store: Store) -> None:
        """Sorted by line and location; what is given back entirely is gone."""
        _receive(store, 5)
        _receive(store, 5, OTHER, name="r-2")
        parts = (
            allocation(2, line="2"),
            allocation(1, line="1"),
            allocation(1, line="1", place=OTHER),
        )
        _order(store, "o-1", *parts)
        assert (parts[2], parts[1], parts[0]) == store.allocations(StreamId("o-1"))
        _give_back(store, "o-1", allocation(1, line="2"), allocation(1, line="1"))
        assert (parts[2], allocation(1, line="2")) == store.allocations(StreamId("o-1"))

    # --- bounds ---------------------------------------------------------------------------------

    def test_the_last_unit_is_sold_once(self, store: Store) -> None:
        """Many buyers at the same moment: exactly one gets it, the others learn why not."""
        _receive(store, 1)
        done, refused = all_at_once(THREADS, lambda index: _order(store, f"o-{index}"))
        assert (1, THREADS - 1) == (len(done), len(refused))
        assert all(isinstance(error, OutOfStockError) for error in refused)
        assert Counters(on_hand=1, reserved=1) == store.counters([ITEM])[PLACE]
        assert 1 == len(store.streams())

    @pytest.mark.parametrize(
        ("of", "held", "waiting", "is_taken"),
        [
            (StockPolicy(), 5, 0, True),
            (StockPolicy(), 6, 0, False),
            (StockPolicy(), 5, 1, False),
            (StockPolicy(safety_stock=2), 3, 0, True),
            (StockPolicy(safety_stock=2), 4, 0, False),
            (StockPolicy(backorder_limit=2), 5, 2, True),
            (StockPolicy(backorder_limit=2), 5, 3, False),
            (StockPolicy(backorder_limit=2), 6, 0, False),
            (StockPolicy(backorder_limit=None), 5, 999, True),
            (StockPolicy(backorder_limit=2), 4, 1, False),
            (StockPolicy(tracked=False), 999, 0, True),
        ],
    )
    def test_a_promise_keeps_its_bound(
        self, store: Store, of: StockPolicy, held: int, waiting: int, *, is_taken: bool
    ) -> None:
        """Of five units: what may be reserved, and what may wait, by policy (RULES I-1, I-2)."""
        change = stock_change("p-1", policy(of), received(5))
        store.commit(changes(change, commit="p-1"))
        before = dump(store)
        if is_taken:
            _order(store, "o-1", allocation(held, waiting))
            row = store.counters([ITEM])[PLACE]
            assert (held, waiting) == (row.reserved, row.queued)
        else:
            with pytest.raises(OutOfStockError):
                _order(store, "o-1", allocation(held, waiting))
            assert before == dump(store)

    def test_all_lines_or_none(self, store: Store) -> None:
        """One short line refuses the whole: no other place has moved."""
        _receive(store, 5)
        _receive(store, 1, OTHER, name="r-2")
        before = dump(store)
        with pytest.raises(OutOfStockError) as caught:
            _order(store, "o-1", allocation(2), allocation(2, line="2", place=OTHER))
        assert [OTHER.item] == [short.item for short in caught.value.lines]
        assert before == dump(store)

    def test_a_hold_of_the_last_unit_becomes_an_order(self, store: Store) -> None:
        """Given back and taken in one commit, netted before the bound is checked (RULES I-4)."""
        _receive(store, 1)
        _order(store, "cart-1")
        cart, order = StreamId("cart-1"), StreamId("o-1")
        store.commit(
            changes(
                stream_change(order, reserved(order)),
                stream_change(cart, released(cart), after=1),
                commit="c-1",
            )
        )
        assert Counters(on_hand=1, reserved=1) == store.counters([ITEM])[PLACE]
        assert ((), (allocation(),)) == (store.allocations(cart), store.allocations(order))

    def test_nobody_gives_back_what_another_holds(self, store: Store) -> None:
        """The counters would allow it, the owner's row does not (ABUSE 30)."""
        _receive(store, 5)
        _order(store, "o-1", allocation(2))
        _order(store, "o-2", allocation(2))
        before = dump(store)
        with pytest.raises(ConflictError):
            _give_back(store, "o-1", allocation(3))
        assert before == dump(store)

    def test_a_repeated_commit_moves_nothing(self, store: Store) -> None:
        """A move is applied once per cause, however often its commit is sent."""
        for _ in range(3):
            _receive(store, 5)
            _order(store, "o-1", allocation(2))
        assert Counters(on_hand=5, reserved=2) == store.counters([ITEM])[PLACE]
        assert 2 == len(list(store.ledger()))

    # --- queues ---------------------------------------------------------------------------------

    def test_a_receipt_fills_the_queue_in_turn(self, store: Store) -> None:
        """First come first served, in the same commit, and the owners are woken (RULES I-5)."""
        _backorders(store)
        done = store.commit(changes(stock_change("r-1", received(1)), commit="r-1"))
        assert [(1, 0), (1, 1), (0, 1)] == _held(store)
        assert (StreamId("o-2"),) == done.woken
        done = store.commit(changes(stock_change("r-2", received(9)), commit="r-2"))
        assert [(1, 0), (2, 0), (1, 0)] == _held(store)
        assert (StreamId("o-2"), StreamId("o-3")) == done.woken
        row = store.counters([ITEM])[PLACE]
        assert (11, 4, 0) == (row.on_hand, row.reserved, row.queued)
        woken = store.load(StreamId("o-2"))
        assert 2 == woken.wakes
        assert woken.due_at is not None
        assert woken.due_at <= store.now()

    def test_what_is_filled_stands_in_the_ledger(self, store: Store) -> None:
        """Under the cause of the commit that freed it, counting on after its own moves."""
        _backorders(store)
        store.commit(changes(stock_change("r-1", received(3)), commit="r-1"))
        fills = [row for row in store.ledger() if row.move.kind is MoveKind.FILL]
        assert [("o-2", 2, ("r-1", 1, 1)), ("o-3", 1, ("r-1", 1, 2))] == [
            (
                row.move.owner,
                row.move.quantity,
                (row.cause.stream, row.cause.version, row.cause.index),
            )
            for row in fills
        ]

    def test_a_release_fills_the_queue(self, store: Store) -> None:
        """Whatever frees stock serves those who wait."""
        _backorders(store)
        _give_back(store, "o-1", allocation(1))
        assert [(0, 0), (1, 1), (0, 1)] == _held(store)

    def test_who_leaves_the_queue_lets_the_next_move_up(self, store: Store) -> None:
        """A cancelled backorder is passed over."""
        _backorders(store)
        _give_back(store, "o-2", allocation(0, 2))
        _receive(store, 1)
        assert [(1, 0), (0, 0), (1, 0)] == _held(store)

    def test_less_kept_back_fills_the_queue(self, store: Store) -> None:
        """A change of policy frees stock as well."""
        kept = StockPolicy(safety_stock=2, backorder_limit=None)
        store.commit(changes(stock_change("p-1", policy(kept), received(3)), commit="p-1"))
        _order(store, "o-1", allocation(1))
        _order(store, "o-2", allocation(0, 2))
        done = store.commit(changes(stock_change("p-2", policy(BACKORDERS)), commit="p-2"))
        assert [(1, 0), (2, 0), (0, 0)] == _held(store)
        assert (StreamId("o-2"),) == done.woken

    def test_who_wants_all_at_once_is_not_overtaken(self, store: Store) -> None:
        """Free units are kept for the first in turn until there are enough."""
        store.commit(changes(stock_change("p-1", policy(BACKORDERS)), commit="p-1"))
        _order(store, "o-1", evolve(allocation(0, 3), partial=False))
        _order(store, "o-2", allocation(0, 1))
        _receive(store, 2)
        assert [(0, 3), (0, 1), (0, 0)] == _held(store)
        _receive(store, 1, name="r-2")
        assert [(3, 0), (0, 1), (0, 0)] == _held(store)

    def test_a_lost_unit_sends_the_youngest_back_to_wait(self, store: Store) -> None:
        """A truth always applies; who loses units waits at the old place, and is woken."""
        _receive(store, 3)
        for number in (1, 2, 3):
            _order(store, f"o-{number}", allocation(1))
        done = store.commit(changes(stock_change("count", counted(1)), commit="count"))
        assert [(1, 0), (0, 1), (0, 1)] == _held(store)
        assert (StreamId("o-2"), StreamId("o-3")) == done.woken
        _receive(store, 1, name="r-2")
        assert [(1, 0), (1, 0), (0, 1)] == _held(store)
        _give_back(store, "o-1", allocation(1))
        assert [(0, 0), (1, 0), (1, 0)] == _held(store)
        assert [] == broken_promises(store, [StreamId(f"o-{number}") for number in (1, 2, 3)])

    def test_a_fill_wakes_the_stream_that_caused_it(self, store: Store) -> None:
        """An order that frees its own queue becomes due at once and is not named as another."""
        store.commit(changes(stock_change("p-1", policy(BACKORDERS), received(1)), commit="p-1"))
        _order(store, "o-1", allocation(1), allocation(0, 1, line="2"))
        owner = StreamId("o-1")
        change = stream_change(owner, released(owner, allocation(1)), after=1)
        done = store.commit(changes(change, commit="c-2"))
        stored = store.load(owner)
        assert ((), 1) == (done.woken, stored.wakes)
        assert stored.due_at is not None
        assert (allocation(1, line="2"),) == store.allocations(owner)

    # --- any order of things --------------------------------------------------------------------

    @pytest.mark.parametrize("seed", range(3))
    def test_any_interleaving_keeps_the_books(self, store: Store, seed: int) -> None:
        """Buyers, receipts, counts and returns in many threads: every promise holds after it."""
        store.commit(changes(stock_change("p-0", policy(BACKORDERS), received(5)), commit="p-0"))
        owners = [StreamId(f"o-{index}-{step}") for index in range(4) for step in range(12)]
        chances = [random.Random(seed * 9 + index) for index in range(4)]
        _, refused = all_at_once(4, lambda index: _act(store, chances[index], index))
        assert [] == refused
        assert [] == broken_promises(store, owners)


def _act(store: Store, chance: random.Random, index: int) -> None:
    """Twelve steps of one actor; what is refused as it should be is left out."""
    for step in range(12):
        try:
            _step(store, chance, f"{index}-{step}", [f"o-{index}-{back}" for back in range(step)])
        except (RefusedError, ConflictError):
            continue


def _step(store: Store, chance: random.Random, name: str, own: list[str]) -> None:
    match chance.randrange(5):
        case 0:
            _receive(store, chance.randint(1, 3), name=f"r-{name}")
        case 1:
            truth = stock_change(f"c-{name}", counted(chance.randint(0, 9)))
            store.commit(changes(truth, commit=f"c-{name}"))
        case 2 if own:
            _leave(store, chance.choice(own))
        case 3:
            _order(store, f"o-{name}", allocation(0, chance.randint(1, 3)))
        case _:
            _order(store, f"o-{name}", allocation(chance.randint(1, 2)))


def _leave(store: Store, stream: str) -> None:
    """Give back all that is held and awaited, if there is anything."""
    rows = store.allocations(StreamId(stream))
    if rows:
        _give_back(store, stream, *rows)
