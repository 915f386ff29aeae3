"""
Wrong ways to count stock, each of which a law must notice.

Most are bugs that shops have had: checking before netting, forgetting who waits, releasing more
than is held, serving the youngest first, losing a unit on the way to the queue, a greedy plan that
calls itself the best.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import TypeVar

import pytest
from attrs import evolve
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ordercore.errors import OrderCoreError
from ordercore.ids import ItemId
from ordercore.inventory import _fold as folding
from ordercore.inventory import _queue as queueing
from ordercore.inventory import _rows as rowing
from ordercore.inventory import audit as auditing
from ordercore.inventory import decide as deciding
from ordercore.inventory import moves as moving
from ordercore.inventory import reserve as reserving
from ordercore.inventory._effects import EFFECTS, Bound, Effect
from ordercore.inventory.audit import CounterRow, audit
from ordercore.inventory.kits import Kit
from ordercore.inventory.lots import Lot, LotPick, LotRule, pick_lots
from ordercore.inventory.model import (
    Allocation,
    Cause,
    Counters,
    MoveKind,
    QueueEntry,
    Reservation,
    StockMove,
    StockPlace,
    WantedLine,
)
from ordercore.inventory.moves import Delta, broken_bound, net
from ordercore.inventory.promise import Arrival, Promise, PromiseRule, promise
from ordercore.inventory.reserve import BackorderRule, plan_release, plan_reservation
from ordercore.inventory.sourcing import (
    FewestParcels,
    InOrder,
    LeastCost,
    Plan,
    SourcingRequest,
)
from tests.laws.stock_world import NOW, Row, held, place, wanted
from tests.laws.test_inventory import (
    CUP,
    POT,
    arrivals,
    holdings,
    law_of_bounds,
    law_of_kits,
    law_of_lots,
    law_of_netting,
    law_of_promise_dates,
    law_of_release,
    law_of_reservations,
    law_of_sourcing,
    law_of_the_audit,
    law_of_the_optimum,
    lots,
    moves,
    requests,
    shelves,
)
from tests.laws.test_inventory import counters as counter_rows
from tests.machines.test_inventory import hunt

T = TypeVar("T")

HUNT = settings(
    max_examples=2000,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)


def is_caught(law: Callable[[T], None], cases: st.SearchStrategy[T]) -> bool:
    """Whether the law falls for one of 2,000 cases, the same ones in every run."""

    @HUNT
    @given(cases)
    def seek(case: T) -> None:
        law(case)

    try:
        seek()
    except (AssertionError, OrderCoreError):
        return True
    return False


# --- bugs that only a history shows -------------------------------------------------------------


def nothing(*_told: object) -> None:
    return None


def no_moves(*_told: object) -> tuple[StockMove, ...]:
    return ()


def no_figures(_row: Counters) -> tuple[int, ...]:
    return (0, 0, 0, 0, 0)


def all_of_them(
    moves: Iterable[tuple[Cause, StockMove]], _applied: object
) -> list[tuple[Cause, StockMove]]:
    return list(moves)


def with_effect(kind: MoveKind, effect: Effect) -> dict[MoveKind, Effect]:
    return {**EFFECTS, kind: effect}


def promises_without_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two buyers get the last unit."""
    monkeypatch.setattr(moving, "broken_bound", nothing)
    monkeypatch.setattr(Counters, "available", property(lambda row: max(0, row.on_hand)))


def a_dispatch_keeps_its_reservation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shipped units stay reserved for ever."""
    for module in (moving, rowing):
        monkeypatch.setattr(module, "EFFECTS", with_effect(MoveKind.SHIP, Effect(on_hand=-1)))


def a_return_is_on_sale_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counters forget that returned units must be looked at first."""
    table = with_effect(MoveKind.RETURN_IN, Effect(on_hand=1))
    monkeypatch.setattr(moving, "EFFECTS", table)


def a_fill_takes_no_stock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waited is told to have units that nobody set aside."""
    monkeypatch.setattr(moving, "EFFECTS", with_effect(MoveKind.FILL, Effect(queued=-1)))


def nobody_fills_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """A delivery comes in and those who wait go on waiting."""
    monkeypatch.setattr(reserving, "rebalance", no_moves)


def a_shortage_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stock-take finds less than was promised, and all promises stand."""
    monkeypatch.setattr(queueing, "requeue", no_moves)


def a_shortage_takes_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """One lost unit too few goes back to the queue."""
    rightly = queueing.requeue

    def short(
        at: StockPlace, counters: Counters, rows: Iterable[Reservation]
    ) -> tuple[StockMove, ...]:
        return rightly(at, counters, rows)[1:]

    monkeypatch.setattr(queueing, "requeue", short)


def the_queue_is_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Free units are filled up to one too few."""
    rightly = queueing.fill

    def stingy(
        at: StockPlace, counters: Counters, queue: Sequence[QueueEntry]
    ) -> tuple[StockMove, ...]:
        return rightly(at, counters, queue[:-1])

    monkeypatch.setattr(queueing, "fill", stingy)


def the_same_cause_counts_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A delivery that is told twice is booked in twice."""
    monkeypatch.setattr(moving, "unapplied", all_of_them)


def a_release_gives_back_what_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store trusts the caller about how much is still held."""

    def trusting(
        row: Reservation | None, move: StockMove, *, position: int = 0
    ) -> Reservation | None:
        try:
            return rowing.apply_reservation(row, move, position=position)
        except OrderCoreError:
            return None

    monkeypatch.setattr(moving, "apply_reservation", trusting)
    monkeypatch.setattr(moving, "broken_bound", nothing)


def an_order_never_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    """An order believes for ever what it was told at first."""
    monkeypatch.setattr(deciding, "learn_stock", no_moves)


def an_order_forgets_its_dispatch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order's own fold does not count what was shipped."""
    monkeypatch.setattr(folding, "moves_of", no_moves)


def the_counters_are_netted_by_item(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stock of one place is taken for stock of another."""

    def careless(told: Iterable[StockMove]) -> Mapping[StockPlace, Delta]:
        here = [evolve(move, location=place().location) for move in told]
        return net(here)

    monkeypatch.setattr(moving, "net", careless)


HISTORIES = [
    promises_without_a_bound,
    a_dispatch_keeps_its_reservation,
    a_return_is_on_sale_at_once,
    a_fill_takes_no_stock,
    nobody_fills_the_queue,
    a_shortage_is_ignored,
    a_shortage_takes_too_little,
    the_queue_is_overtaken,
    the_same_cause_counts_twice,
    a_release_gives_back_what_was_asked,
    an_order_never_learns,
    an_order_forgets_its_dispatch,
    the_counters_are_netted_by_item,
]


@pytest.mark.parametrize("plant", HISTORIES, ids=lambda plant: plant.__name__)
def test_a_history_shows_a_planted_bug(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some history of buyers, carts and deliveries breaks a law."""
    plant(monkeypatch)
    with pytest.raises((AssertionError, OrderCoreError)):
        hunt(150, fixed=True)


def test_without_a_bug_the_same_histories_are_clean() -> None:
    """The histories that catch the bugs show nothing where there is none."""
    hunt(150, fixed=True)


# --- bugs in single functions -------------------------------------------------------------------


def unsorted_net(told: Iterable[StockMove]) -> Mapping[StockPlace, Delta]:
    return dict(reversed(net(told).items()))


def counting_net(told: Iterable[StockMove]) -> Mapping[StockPlace, Delta]:
    """A count is added like everything else."""
    deltas = net(told)
    return {
        at: evolve(delta, on_hand=delta.on_hand + (delta.counted or 0), counted=None)
        if delta.counted is not None and delta.on_hand
        else evolve(delta, counted=(delta.counted or 0) + 1 if delta.counted is not None else None)
        for at, delta in deltas.items()
    }


@pytest.mark.parametrize("bug", [unsorted_net, counting_net])
def test_wrong_netting_is_caught(
    bug: Callable[[Iterable[StockMove]], Mapping[StockPlace, Delta]],
) -> None:
    """Deltas that are out of order, or forget that a count sets the figure."""
    assert is_caught(lambda told: law_of_netting(bug, told), st.lists(moves(), max_size=12))


def before_the_change(counters: Counters, delta: Delta) -> Bound | None:
    """The bound is checked against what stood there before."""
    is_empty = delta.promises and counters.available <= 0 and counters.tracked
    return Bound.PROMISE if is_empty else None


def blind_to_the_queue(counters: Counters, delta: Delta) -> Bound | None:
    """Who comes late overtakes those who wait."""
    return broken_bound(evolve(counters, queued=0), delta)


def blind_to_safety(counters: Counters, delta: Delta) -> Bound | None:
    """The safety stock is sold."""
    return broken_bound(evolve(counters, safety_stock=0), delta)


def blind_to_the_limit(counters: Counters, delta: Delta) -> Bound | None:
    """Backorders without end."""
    return broken_bound(evolve(counters, backorder_limit=None), delta)


@pytest.mark.parametrize(
    "bug", [before_the_change, blind_to_the_queue, blind_to_safety, blind_to_the_limit]
)
def test_a_wrong_bound_is_caught(bug: Callable[[Counters, Delta], Bound | None]) -> None:
    """Bounds that let through what cannot be supplied."""
    cases = st.tuples(counter_rows(), st.integers(0, 9), st.integers(0, 9))

    def law(case: tuple[Counters, int, int]) -> None:
        row, now, later = case
        if now or later:
            law_of_bounds(bug, row, held(now, later))

    assert is_caught(law, cases)


def takes_a_unit_twice(
    lines: Sequence[WantedLine], rows: Mapping[StockPlace, Counters], rule: BackorderRule
) -> Sequence[Allocation]:
    """Each line is planned for itself, from the same counters."""
    found: list[Allocation] = []
    for line in lines:
        found += plan_reservation([line], rows, InOrder(), rule)
    return found


def queues_first(
    lines: Sequence[WantedLine], rows: Mapping[StockPlace, Counters], rule: BackorderRule
) -> Sequence[Allocation]:
    """One unit waits although it is there."""
    plan = plan_reservation(lines, rows, InOrder(), rule)
    first = plan[0]
    if not first.reserved:
        return plan
    swapped = evolve(first, reserved=first.reserved - 1, queued=first.queued + 1)
    return (swapped, *plan[1:])


def gives_less(
    lines: Sequence[WantedLine], rows: Mapping[StockPlace, Counters], rule: BackorderRule
) -> Sequence[Allocation]:
    """The last part of a plan is lost."""
    return plan_reservation(lines, rows, InOrder(), rule)[:-1]


@pytest.mark.parametrize("bug", [takes_a_unit_twice, queues_first, gives_less])
def test_a_wrong_reservation_is_caught(
    bug: Callable[
        [Sequence[WantedLine], Mapping[StockPlace, Counters], BackorderRule],
        Sequence[Allocation],
    ],
) -> None:
    """Plans that promise the same unit twice, queue beside free stock, or lose a part."""
    cases = st.tuples(shelves(), st.sampled_from(BackorderRule))
    assert is_caught(lambda case: law_of_reservations(bug, *case), cases)


def gives_all_back(
    _asked: Sequence[WantedLine], mine: Sequence[Allocation]
) -> Sequence[Allocation]:
    return tuple(mine)


def gives_what_is_asked(
    asked: Sequence[WantedLine], mine: Sequence[Allocation]
) -> Sequence[Allocation]:
    """More comes back than was ever taken."""
    back = plan_release(asked, mine)
    return tuple(evolve(at, reserved=at.reserved + 1) for at in back)


def gives_held_before_waiting(
    asked: Sequence[WantedLine], mine: Sequence[Allocation]
) -> Sequence[Allocation]:
    """A cancelled unit is taken from the shelf while others of the line still wait."""
    turned = tuple(evolve(at, reserved=at.queued, queued=at.reserved) for at in mine)
    back = plan_release(asked, turned)
    return tuple(evolve(at, reserved=at.queued, queued=at.reserved) for at in back)


@pytest.mark.parametrize("bug", [gives_all_back, gives_what_is_asked, gives_held_before_waiting])
def test_a_wrong_release_is_caught(
    bug: Callable[[Sequence[WantedLine], Sequence[Allocation]], Sequence[Allocation]],
) -> None:
    """Releases that give back more than is asked or held, or the wrong units."""

    def law(case: tuple[int, tuple[Allocation, ...]]) -> None:
        law_of_release(bug, [wanted(case[0])], case[1])

    assert is_caught(law, st.tuples(st.integers(1, 12), holdings()))


def forgets_a_leg(request: SourcingRequest) -> Plan:
    plan = InOrder().plan(request)
    return evolve(plan, legs=plan.legs[:-1])


def ignores_constraints(request: SourcingRequest) -> Plan:
    free = evolve(request.constraints, closed=frozenset(), whole_lines=False)
    return InOrder().plan(evolve(request, constraints=free))


def splits_no_line(request: SourcingRequest) -> Plan:
    """What no single location has is left, although two together have it."""
    return InOrder().plan(
        evolve(request, constraints=evolve(request.constraints, whole_lines=True))
    )


@pytest.mark.parametrize("bug", [forgets_a_leg, ignores_constraints, splits_no_line])
def test_a_wrong_plan_is_caught(bug: Callable[[SourcingRequest], Plan]) -> None:
    """Plans that send less than can be supplied, or from where nothing may go."""
    assert is_caught(lambda request: law_of_sourcing(bug, request), requests())


def greedy(strategy: FewestParcels | LeastCost) -> Callable[[SourcingRequest], Plan]:
    """A plan in the order of ids that calls itself the best."""

    def plan(request: SourcingRequest) -> Plan:
        legs = InOrder().plan(request)
        used = {leg.location for leg in legs.legs}
        cost = 0
        for at in used:
            cost += 1 if isinstance(strategy, FewestParcels) else strategy.parcel_cost(request, at)
        if isinstance(strategy, LeastCost):
            cost += sum(leg.quantity * request.sites[leg.location].unit_minor for leg in legs.legs)
        return evolve(legs, cost=cost)

    return plan


def understated(strategy: FewestParcels | LeastCost) -> Callable[[SourcingRequest], Plan]:
    """The plan is right, its cost is not."""

    def plan(request: SourcingRequest) -> Plan:
        found = strategy.plan(request)
        return evolve(found, cost=max(0, found.cost - 1))

    return plan


@pytest.mark.parametrize("strategy", [FewestParcels(), LeastCost(parcel_minor=7)])
@pytest.mark.parametrize("bug", [greedy, understated])
def test_a_plan_that_is_not_the_best_is_caught(
    bug: Callable[[FewestParcels | LeastCost], Callable[[SourcingRequest], Plan]],
    strategy: FewestParcels | LeastCost,
) -> None:
    """Greedy plans, and plans that understate their cost."""
    planner = bug(strategy)
    assert is_caught(lambda request: law_of_the_optimum(planner, strategy, request), requests())


def sums_components(
    item: ItemId, available: Mapping[ItemId, int], kits: Mapping[ItemId, Kit]
) -> int:
    """As available as its first component."""
    kit = kits.get(item)
    if kit is None:
        return available[item]
    return available.get(kit.components[0].item, 0) // kit.components[0].quantity


def test_a_wrong_kit_count_is_caught() -> None:
    """Kits counted by one component only."""
    cases = st.tuples(
        st.sampled_from(["set", "box"]).map(ItemId), st.integers(0, 40), st.integers(0, 20)
    )
    assert is_caught(
        lambda case: law_of_kits(sums_components, case[0], {CUP: case[1], POT: case[2]}), cases
    )


def first_come(
    shelf: Sequence[Lot], quantity: int, *, rule: LotRule, on: date, days_left: int
) -> Sequence[LotPick]:
    """As the lots stand on the shelf."""
    good = pick_lots(shelf, quantity, rule=rule, on=on, days_left=days_left)
    newest = sorted(shelf, key=lambda lot: str(lot.expires_on), reverse=True)
    return [LotPick(lot=lot, quantity=one.quantity) for lot, one in zip(newest, good, strict=False)]


def test_a_wrong_lot_is_caught() -> None:
    """Lots that go out in another order than they expire."""
    shelf = st.lists(lots(), max_size=6, unique_by=lambda lot: lot.id)
    cases = st.tuples(shelf, st.integers(1, 12), st.integers(0, 9))
    assert is_caught(lambda case: law_of_lots(first_come, *case), cases)


Promising = Callable[[int, Counters, Sequence[Arrival], PromiseRule], Sequence[Promise]]


def stock_that_others_wait_for(
    asked: int, row: Counters, coming: Sequence[Arrival], rule: PromiseRule
) -> Sequence[Promise]:
    """An arrival is promised to the last one who asks, whoever waits."""
    return promise(asked, evolve(row, queued=0), coming, NOW, rule=rule)


def more_than_may_queue(
    asked: int, row: Counters, coming: Sequence[Arrival], rule: PromiseRule
) -> Sequence[Promise]:
    """The backorder limit is forgotten."""
    return promise(asked, evolve(row, backorder_limit=None), coming, NOW, rule=rule)


def the_last_arrival_first(
    asked: int, row: Counters, coming: Sequence[Arrival], rule: PromiseRule
) -> Sequence[Promise]:
    """Parts in the order in which the arrivals were announced, turned round."""
    return promise(asked, row, coming, NOW, rule=rule)[::-1]


def there_before_it_left(
    asked: int, row: Counters, coming: Sequence[Arrival], rule: PromiseRule
) -> Sequence[Promise]:
    """The way to the customer is counted backwards."""
    parts = promise(asked, row, coming, NOW, rule=rule)
    return [
        evolve(part, dispatch_on=part.deliver_on, deliver_on=part.dispatch_on) for part in parts
    ]


def new_orders_always(
    asked: int, row: Counters, coming: Sequence[Arrival], rule: PromiseRule
) -> Sequence[Promise]:
    """What nobody orders for a customer is promised from a new order all the same."""
    return promise(asked, row, coming, NOW, rule=evolve(rule, lead_time_days=10))


@pytest.mark.parametrize(
    "bug",
    [
        stock_that_others_wait_for,
        more_than_may_queue,
        the_last_arrival_first,
        there_before_it_left,
        new_orders_always,
    ],
    ids=lambda bug: bug.__name__,
)
def test_a_wrong_promise_is_caught(bug: Promising) -> None:
    """Dates out of order, and promises of what is not there or another's."""
    cases = st.tuples(
        st.integers(1, 12), counter_rows(), st.lists(arrivals(), max_size=4), st.booleans()
    )

    def law(case: tuple[int, Counters, list[Arrival], bool]) -> None:
        asked, row, coming, ordered = case
        lead = 10 if ordered else None
        rule = PromiseRule(handling_days=1, transit_days=2, lead_time_days=lead)
        parts = bug(asked, row, coming, rule)
        law_of_promise_dates(parts, asked, row, coming, ordered=ordered)

    assert is_caught(law, cases)


def test_an_audit_that_sums_over_all_places_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit lost here and found there is no balance."""

    def blind(ledger: Iterable[Row], rows: Iterable[CounterRow]) -> Sequence[object]:
        found = list(audit(ledger, rows))
        return found if len(found) != 1 else []

    at = place()
    with pytest.raises(AssertionError):
        law_of_the_audit(blind, [], [(at, Counters())])
    monkeypatch.setattr(auditing, "_figures", no_figures)
    with pytest.raises(AssertionError):
        law_of_the_audit(audit, [], [(at, Counters())])
