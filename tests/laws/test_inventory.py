"""
The laws of stock (RULES I), as functions that also judge a wrong implementation.

The laws that bind every history of moves stand in `tests/laws/stock_world.py` and are run by the
machine in `tests/machines/test_inventory.py`; here are those of single functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import combinations, pairwise, product

from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from ordercore.ids import ItemId, LineId, LocationId, StreamId
from ordercore.inventory.audit import audit, rebuild
from ordercore.inventory.decide import evolve_stock, learn_stock
from ordercore.inventory.events import UnitsReserved
from ordercore.inventory.kits import Component, Kit, explode, kit_available
from ordercore.inventory.lots import Lot, LotPick, LotRule, pick_lots
from ordercore.inventory.model import (
    Allocation,
    Cause,
    Counters,
    MoveKind,
    OutOfStockError,
    StockMove,
    StockPlace,
    StockState,
    WantedLine,
)
from ordercore.inventory.moves import EFFECTS, Delta, apply, broken_bound, moves_of, net
from ordercore.inventory.promise import Arrival, Promise, PromiseRule, promise
from ordercore.inventory.replenish import economic_order_quantity
from ordercore.inventory.reserve import BackorderRule, plan_release, plan_reservation
from ordercore.inventory.sourcing import (
    Constraints,
    FewestParcels,
    InOrder,
    LeastCost,
    MostStock,
    Nearest,
    Plan,
    Site,
    SourcingRequest,
    Strategy,
)
from ordercore.moment import BusinessCalendar
from tests.laws.stock_world import NOW, Row, held, place, wanted


def profile() -> int:
    return settings().max_examples  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


LAW = settings(max_examples=max(300, profile()))

Net = Callable[[Iterable[StockMove]], Mapping[StockPlace, Delta]]
Release = Callable[[Sequence[WantedLine], Sequence[Allocation]], Sequence[Allocation]]
Planner = Callable[[SourcingRequest], Plan]
Reserve = Callable[
    [Sequence[WantedLine], Mapping[StockPlace, Counters], BackorderRule], Sequence[Allocation]
]
Judge = Callable[[Counters, Delta], object]
Audit = Callable[..., Iterable[object]]

items = st.sampled_from(["cup", "pot", "jug"]).map(ItemId)
locations = st.sampled_from(["berlin", "graz", "linz", "wien"]).map(LocationId)
places = st.builds(StockPlace, items, locations)
POINTS = {"berlin": (52_520, 13_405), "graz": (47_070, 15_439), "wien": (48_208, 16_373)}

# --- moves --------------------------------------------------------------------------------------

ADDING = sorted(set(MoveKind) - {MoveKind.COUNT})


@st.composite
def moves(draw: st.DrawFn, kinds: Sequence[MoveKind] = tuple(MoveKind)) -> StockMove:
    kind = draw(st.sampled_from(kinds))
    least = -5 if kind in {MoveKind.ADJUST, MoveKind.EXPECT} else int(kind is not MoveKind.COUNT)
    at = draw(places)
    return StockMove(
        item=at.item,
        location=at.location,
        kind=kind,
        quantity=draw(st.integers(least, 9).filter(lambda n: n or kind is MoveKind.COUNT)),
        owner=StreamId(draw(st.sampled_from(["o-1", "o-2"]))),
        line=LineId("1"),
    )


def one_by_one(told: Iterable[StockMove]) -> dict[StockPlace, list[int]]:
    """The figures that moves add up to, each move for itself, from nothing."""
    figures: dict[StockPlace, list[int]] = {}
    for move in told:
        row = figures.setdefault(move.place, [0, 0, 0, 0, 0])
        effect = EFFECTS[move.kind]
        if move.kind is MoveKind.COUNT:
            row[0] = move.quantity
        factors = (
            effect.on_hand,
            effect.reserved,
            effect.queued,
            effect.unavailable,
            effect.incoming,
        )
        for index, factor in enumerate(factors):
            row[index] += factor * move.quantity
    return figures


def law_of_netting(net: Net, told: Sequence[StockMove]) -> None:
    """Netting gives each place what its moves give one by one; places come in order."""
    deltas = net(told)
    assert sorted(deltas) == list(deltas)
    found = {
        at: [
            (delta.counted or 0) + delta.on_hand,
            delta.reserved,
            delta.queued,
            delta.unavailable,
            delta.incoming,
        ]
        for at, delta in deltas.items()
    }
    assert one_by_one(told) == found


@LAW
@given(st.lists(moves(), max_size=12))
def test_netting_keeps_every_move(told: list[StockMove]) -> None:
    """A commit changes the counters by the sum of its moves (RULES I-2)."""
    law_of_netting(net, told)


@LAW
@given(
    st.lists(moves(ADDING), max_size=8).flatmap(
        lambda told: st.tuples(st.just(told), st.permutations(told))
    )
)
def test_the_order_of_moves_in_a_commit_is_free(
    pair: tuple[list[StockMove], list[StockMove]],
) -> None:
    """Without a count, a commit nets to the same whatever the order of its facts."""
    told, shuffled = pair
    assert net(told) == net(shuffled)


@st.composite
def counters(draw: st.DrawFn, *, most: int = 9) -> Counters:
    reserved = draw(st.integers(0, most))
    unavailable = draw(st.integers(0, 3))
    extra = draw(st.integers(0, most))
    return Counters(
        on_hand=reserved + unavailable + extra,
        reserved=reserved,
        queued=draw(st.sampled_from([0, 0, 0, 2, 5])),
        unavailable=unavailable,
        safety_stock=draw(st.sampled_from([0, 0, 1, 3])),
        backorder_limit=draw(st.sampled_from([0, 2, 6, None])),
        tracked=draw(st.sampled_from([True, True, True, False])),
    )


def law_of_bounds(
    judge: Callable[[Counters, Delta], object], row: Counters, take: Allocation
) -> None:
    """A single reservation is let through exactly when it is available and the queue has room."""
    delta = net(moves_of(UnitsReserved(StreamId("o-1"), (take,), at=NOW)))[take.place]
    fits = take.reserved <= row.available
    room = row.can_queue
    beside_free = take.queued > 0 and row.free - take.reserved - row.queued > 0
    waits = take.queued == 0 or ((room is None or take.queued <= room) and not beside_free)
    allowed = not row.tracked or ((fits or not take.reserved) and waits)
    assert allowed == (judge(row, delta) is None), (row, take)


@LAW
@given(counters(), st.integers(0, 9), st.integers(0, 9))
def test_bounds_let_through_what_can_be_supplied(row: Counters, now: int, later: int) -> None:
    """A promise is kept or refused, and never given beyond what is there (RULES I-1, I-2)."""
    if now or later:
        law_of_bounds(broken_bound, row, held(now, later))


# --- reserve and release ------------------------------------------------------------------------


@frozen
class Shelf:
    """Counters of several places, and what somebody wants of them."""

    counters: Mapping[StockPlace, Counters]
    lines: tuple[WantedLine, ...]


@st.composite
def shelves(draw: st.DrawFn) -> Shelf:
    rows = draw(st.dictionaries(places, counters(most=4), max_size=8))
    asked = draw(st.lists(st.tuples(items, st.integers(1, 6)), min_size=1, max_size=4))
    lines = tuple(wanted(n, item, str(index)) for index, (item, n) in enumerate(asked))
    return Shelf(rows, lines)


def law_of_reservations(reserve: Reserve, shelf: Shelf, rule: BackorderRule) -> None:
    """A plan is taken by the counters it was made from; it promises all it may, and no more."""
    lines, rows = shelf.lines, shelf.counters
    try:
        plan = reserve(lines, rows, rule)
    except OutOfStockError:
        plan = ()
        whole = rule in {BackorderRule.NONE, BackorderRule.ALLOW}
        assert any(wish > most for wish, most in supplies(shelf, rule)) or not whole
        assert whole or all(most == 0 for _, most in supplies(shelf, rule))
        return
    for at, delta in net(moves_of(UnitsReserved(StreamId("o-1"), tuple(plan), at=NOW))).items():
        apply(rows[at], delta)
    got = {line.line: 0 for line in lines}
    for part in plan:
        got[part.line] += part.quantity
        assert not part.queued or rule in {BackorderRule.ALLOW, BackorderRule.PARTIAL_ALLOW}
    assert all(got[line.line] <= line.quantity for line in lines)
    if rule in {BackorderRule.NONE, BackorderRule.ALLOW}:
        assert all(got[line.line] == line.quantity for line in lines)
    by_item = {
        item: sum(got[at.line] for at in lines if at.item == item) for item in asked_of(lines)
    }
    assert list(by_item.values()) == [min(wish, most) for wish, most in supplies(shelf, rule)]


def asked_of(lines: Sequence[WantedLine]) -> dict[ItemId, int]:
    asked: dict[ItemId, int] = {}
    for line in lines:
        asked[line.item] = asked.get(line.item, 0) + line.quantity
    return asked


def supplies(shelf: Shelf, rule: BackorderRule) -> list[tuple[int, int]]:
    """For each item what is wanted of it, and how much could be promised under the rule."""
    found: list[tuple[int, int]] = []
    for item, wish in asked_of(shelf.lines).items():
        most = 0
        for at, row in shelf.counters.items():
            if at.item == item:
                queues = rule in {BackorderRule.ALLOW, BackorderRule.PARTIAL_ALLOW}
                limit = row.can_queue if queues else 0
                no_limit = not row.tracked or limit is None
                most += wish if no_limit else row.available + (limit or 0)
        found.append((wish, most))
    return found


def reserve_in_order(
    lines: Sequence[WantedLine], rows: Mapping[StockPlace, Counters], rule: BackorderRule
) -> Sequence[Allocation]:
    return plan_reservation(lines, rows, InOrder(), rule)


@LAW
@given(shelves(), st.sampled_from(BackorderRule))
def test_a_reservation_promises_what_it_may(shelf: Shelf, rule: BackorderRule) -> None:
    """All or nothing, split or partial: as much as can be promised, and it holds (RULES I-3)."""
    law_of_reservations(reserve_in_order, shelf, rule)


def law_of_release(
    release: Release, asked: Sequence[WantedLine], mine: Sequence[Allocation]
) -> None:
    """Each line gives back min(asked, still held), what waits before what is held."""
    back = {(at.line, at.location): at for at in release(asked, mine)}
    for line in asked:
        own = [at for at in mine if at.line == line.line and at.item == line.item]
        gave = [back[at.line, at.location] for at in own if (at.line, at.location) in back]
        assert min(line.quantity, sum(at.quantity for at in own)) == sum(at.quantity for at in gave)
        waiting = sum(at.queued for at in own)
        assert min(line.quantity, waiting) == sum(at.queued for at in gave)
    for key, at in back.items():
        had = next(one for one in mine if (one.line, one.location) == key)
        assert at.reserved <= had.reserved
        assert at.queued <= had.queued


@st.composite
def holdings(draw: st.DrawFn) -> tuple[Allocation, ...]:
    keys = st.tuples(st.sampled_from(["1", "2"]), locations)
    parts = draw(st.dictionaries(keys, st.tuples(st.integers(0, 4), st.integers(0, 4))))
    return tuple(
        held(*parts[line, at], at=place("cup", at), line=line)
        for line, at in sorted(parts)
        if any(parts[line, at])
    )


@LAW
@given(st.integers(0, 12), st.integers(1, 12), holdings())
def test_release_gives_back_no_more_than_is_held(
    one: int, other: int, mine: tuple[Allocation, ...]
) -> None:
    """Release gives back min(asked, still reserved) (RULES I-4)."""
    asked = [wanted(n, "cup", line) for line, n in (("1", one), ("2", other)) if n]
    law_of_release(plan_release, asked, mine)


@LAW
@given(holdings(), holdings())
def test_an_order_learns_what_the_store_says(
    believed: tuple[Allocation, ...], truth: tuple[Allocation, ...]
) -> None:
    """After learning, an order holds what the store says it holds, and learns nothing twice."""
    state = StockState(allocations=believed)
    for event in learn_stock(state, truth, NOW):
        state = evolve_stock(state, event)
    assert truth == state.allocations
    assert () == learn_stock(state, truth, NOW)


# --- sourcing -----------------------------------------------------------------------------------


@st.composite
def requests(draw: st.DrawFn) -> SourcingRequest:
    supply = draw(st.dictionaries(places, st.integers(0, 4), max_size=9))
    asked = draw(st.lists(st.tuples(items, st.integers(1, 5)), min_size=1, max_size=4))
    sites = {
        LocationId(at): Site(
            point=POINTS.get(at),
            parcel_minor=draw(st.sampled_from([None, 0, 5, 9])),
            unit_minor=draw(st.integers(0, 4)),
        )
        for at in ("berlin", "graz", "linz", "wien")
    }
    return SourcingRequest(
        wanted=tuple(wanted(n, item, str(index)) for index, (item, n) in enumerate(asked)),
        supply=supply,
        sites=sites,
        destination=(48_137, 11_575),
        constraints=Constraints(
            closed=draw(st.frozensets(locations, max_size=1)),
            banned=draw(st.frozensets(places, max_size=2)),
            keep_back=draw(st.dictionaries(locations, st.integers(0, 1), max_size=1)),
            whole_order=draw(st.sampled_from([False, False, True])),
            whole_lines=draw(st.booleans()),
        ),
    )


def allowed(request: SourcingRequest) -> dict[StockPlace, int]:
    """What each place may send, worked out anew."""
    bound = request.constraints
    return {
        at: max(0, units - bound.keep_back.get(at.location, 0))
        for at, units in request.supply.items()
        if at.location not in bound.closed and at not in bound.banned
    }


def could_be_supplied(request: SourcingRequest) -> int:
    """The most units that any plan can send: by trying, where lines may not be split."""
    bound, units = request.constraints, allowed(request)
    sites = sorted({at.location for at in units})
    if bound.whole_order:
        return max((in_all(request, units, (at,)) for at in sites), default=0)
    return in_all(request, units, tuple(sites))


def in_all(
    request: SourcingRequest, units: Mapping[StockPlace, int], sites: Sequence[LocationId]
) -> int:
    if request.constraints.whole_lines:
        return max(at.quantity for at in whole_plans(request, units, sites))
    return sum(
        min(wish, sum(n for at, n in units.items() if at.item == item and at.location in sites))
        for item, wish in asked_of(request.wanted).items()
    )


@frozen
class Choice:
    """A site for each line, or none; how many units that sends."""

    sites: tuple[LocationId | None, ...]
    quantity: int


def whole_plans(
    request: SourcingRequest, units: Mapping[StockPlace, int], sites: Sequence[LocationId]
) -> Iterable[Choice]:
    for choice in product((*sites, None), repeat=len(request.wanted)):
        left = dict(units)
        sent = 0
        for line, at in zip(request.wanted, choice, strict=True):
            if at is not None:
                where = StockPlace(line.item, at)
                left[where] = left.get(where, 0) - line.quantity
                sent += line.quantity
        if all(n >= 0 for n in left.values()):
            yield Choice(choice, sent)


def law_of_sourcing(plan: Planner, request: SourcingRequest) -> None:
    """Σ planned = min(wanted, can be supplied), inside every constraint, and it says why."""
    found = plan(request)
    units = allowed(request)
    for leg in found.legs:
        at = StockPlace(leg.item, leg.location)
        assert leg.quantity > 0
        units[at] = units.get(at, 0) - leg.quantity
        assert units[at] >= 0, leg
    for line in request.wanted:
        sent = [leg for leg in found.legs if leg.line == line.line]
        lacks = sum(at.quantity for at in found.unfilled if at.line == line.line)
        assert line.quantity == sum(leg.quantity for leg in sent) + lacks
        assert len(sent) <= 1 or not request.constraints.whole_lines
        assert lacks in {0, line.quantity} or not request.constraints.whole_lines
    if request.constraints.whole_order:
        assert len({leg.location for leg in found.legs}) <= 1
    assert not found.bounded
    assert could_be_supplied(request) == found.planned
    assert len(found.legs) + len(found.unfilled) == len(found.explanation)


RANKED = (InOrder(), InOrder((LocationId("wien"), LocationId("graz"))), Nearest(), MostStock())
OPTIMAL = (FewestParcels(), LeastCost(), LeastCost(parcel_minor=7, per_km_minor=1))


@LAW
@given(requests(), st.sampled_from((*RANKED, *OPTIMAL)))
def test_every_strategy_plans_what_can_be_supplied(
    request: SourcingRequest, strategy: Strategy
) -> None:
    """Whatever the strategy and its constraints, nothing that could go is left (RULES I-7)."""
    law_of_sourcing(strategy.plan, request)


def price(request: SourcingRequest, strategy: FewestParcels | LeastCost, at: LocationId) -> int:
    """What a parcel from a location counts for."""
    return 1 if isinstance(strategy, FewestParcels) else strategy.parcel_cost(request, at)


def per_unit(request: SourcingRequest, strategy: Strategy, at: LocationId) -> int:
    return request.sites[at].unit_minor if isinstance(strategy, LeastCost) else 0


def cheapest(request: SourcingRequest, strategy: FewestParcels | LeastCost) -> int:
    """What the cheapest plan that sends all that can be sent costs, by trying every plan."""
    units, most = allowed(request), could_be_supplied(request)
    sites = sorted({at.location for at, n in units.items() if n})
    size = 1 if request.constraints.whole_order else len(sites)
    best: list[int] = []
    for count in range(size + 1):
        for opened in combinations(sites, count):
            if request.constraints.whole_lines:
                costs = whole_costs(request, strategy, units, opened, most)
            else:
                costs = shared_costs(request, strategy, units, opened, most)
            best += costs
    return min(best)


def whole_costs(
    request: SourcingRequest,
    strategy: FewestParcels | LeastCost,
    units: Mapping[StockPlace, int],
    opened: Sequence[LocationId],
    most: int,
) -> list[int]:
    return [
        sum(price(request, strategy, at) for at in {at for at in choice.sites if at is not None})
        + sum(
            line.quantity * per_unit(request, strategy, at)
            for line, at in zip(request.wanted, choice.sites, strict=True)
            if at is not None
        )
        for choice in whole_plans(request, units, opened)
        if choice.quantity == most
    ]


def shared_costs(
    request: SourcingRequest,
    strategy: FewestParcels | LeastCost,
    units: Mapping[StockPlace, int],
    opened: Sequence[LocationId],
    most: int,
) -> list[int]:
    cost, sent = sum(price(request, strategy, at) for at in opened), 0
    for item, wish in asked_of(request.wanted).items():
        offers = sorted(
            (per_unit(request, strategy, at), units.get(StockPlace(item, at), 0)) for at in opened
        )
        for each, there in offers:
            taken = min(wish, there)
            wish -= taken
            sent += taken
            cost += taken * each
    return [cost] if sent == most else []


def law_of_the_optimum(
    plan: Planner, strategy: FewestParcels | LeastCost, request: SourcingRequest
) -> None:
    """No plan that sends as much costs less; the cost is that of the legs."""
    found = plan(request)
    used = {leg.location for leg in found.legs}
    cost = sum(price(request, strategy, at) for at in used)
    cost += sum(leg.quantity * per_unit(request, strategy, leg.location) for leg in found.legs)
    assert cost == found.cost
    assert cheapest(request, strategy) == found.cost


@LAW
@given(requests(), st.sampled_from(OPTIMAL))
def test_optimal_strategies_are_optimal(
    request: SourcingRequest, strategy: FewestParcels | LeastCost
) -> None:
    """Against every plan there is, in small worlds (RULES I-7)."""
    law_of_the_optimum(strategy.plan, strategy, request)


# --- audit --------------------------------------------------------------------------------------


@LAW
@given(st.lists(moves(ADDING), max_size=15))
def test_what_is_rebuilt_passes_the_audit(told: list[StockMove]) -> None:
    """Counters made from the ledger agree with the ledger (RULES I-13)."""
    rows = [Row(cause=Cause(StreamId("o"), 1, n), move=move) for n, move in enumerate(told)]
    ledger = sorted(rows, key=lambda row: row.move.place)
    if all(min(figures[1:]) >= 0 for figures in one_by_one(told).values()):
        counters = list(rebuild(ledger))
        assert [] == list(audit(ledger, counters))
        law_of_the_audit(audit, ledger, counters)


def law_of_the_audit(
    audit: Audit, ledger: Sequence[Row], counters: Sequence[tuple[StockPlace, Counters]]
) -> None:
    """Each counter that is one off is found; so is a row of the ledger that is lost or doubled."""
    for index, (at, row) in enumerate(counters):
        for figure in ("on_hand", "reserved", "queued", "unavailable", "incoming"):
            wrong = evolve(row, **{figure: getattr(row, figure) + 1})
            planted = [*counters[:index], (at, wrong), *counters[index + 1 :]]
            assert 1 == len(list(audit(ledger, planted))), figure
    for index, lost in enumerate(ledger):
        moves_nothing = lost.move.kind is MoveKind.PICK
        assert moves_nothing or list(audit([*ledger[:index], *ledger[index + 1 :]], counters))
        assert list(audit([*ledger[: index + 1], *ledger[index:]], counters))


# --- kits, promises, lots, replenishment --------------------------------------------------------

CUP, POT = ItemId("cup"), ItemId("pot")
SET = Kit(item=ItemId("set"), components=(Component(item=CUP, quantity=2), Component(item=POT)))
BOX = Kit(
    item=ItemId("box"), components=(Component(item=SET.item, quantity=2), Component(item=CUP))
)
KITS = {SET.item: SET, BOX.item: BOX}


@LAW
@given(st.sampled_from(["set", "box", "cup"]), st.integers(0, 40), st.integers(0, 20))
def test_a_kit_is_as_available_as_its_scarcest_component(item: str, cups: int, pots: int) -> None:
    """So many kits can be exploded from the shelf, and not one more (RULES I-6)."""
    law_of_kits(kit_available, ItemId(item), {CUP: cups, POT: pots})


def law_of_kits(
    available: Callable[[ItemId, Mapping[ItemId, int], Mapping[ItemId, Kit]], int],
    item: ItemId,
    there: Mapping[ItemId, int],
) -> None:
    count = available(item, there, KITS)

    def fits(kits: int) -> bool:
        needs = asked_of(explode([wanted(kits, item)], KITS)) if kits else {}
        return all(needs[part] <= there[part] for part in needs)

    assert fits(count)
    assert not fits(count + 1)


@st.composite
def arrivals(draw: st.DrawFn) -> Arrival:
    days = draw(st.integers(-2, 20))
    return Arrival(at=NOW + timedelta(days=days), quantity=draw(st.integers(1, 5)))


def law_of_promise_dates(
    parts: Sequence[Promise], asked: int, row: Counters, coming: Sequence[Arrival], *, ordered: bool
) -> None:
    """Parts come in order of time, never beyond what can be supplied, nor what others wait for."""
    assert all(one.dispatch_on <= other.dispatch_on for one, other in pairwise(parts))
    assert all(part.quantity > 0 and part.dispatch_on <= part.deliver_on for part in parts)
    total = sum(part.quantity for part in parts)
    if not row.tracked:
        assert asked == total
        return
    limit = asked if row.can_queue is None else row.can_queue
    later = sum(arrival.quantity for arrival in coming) - max(0, row.queued - row.free)
    reach = asked if ordered else max(0, later)
    assert min(asked, row.available) + min(limit, reach, max(0, asked - row.available)) == total


@LAW
@given(st.integers(1, 12), counters(), st.lists(arrivals(), max_size=4), st.booleans())
def test_promised_dates_are_in_order(
    asked: int,
    row: Counters,
    coming: list[Arrival],
    ordered: bool,
) -> None:
    """What is promised is there, announced or ordered, and not others' (RULES I-9)."""
    rule = PromiseRule(
        calendar=BusinessCalendar(),
        handling_days=1,
        transit_days=2,
        lead_time_days=10 if ordered else None,
    )
    parts = promise(asked, row, coming, NOW, rule=rule)
    law_of_promise_dates(parts, asked, row, coming, ordered=ordered)


@st.composite
def lots(draw: st.DrawFn) -> Lot:
    expires = draw(st.none() | st.integers(0, 30))
    return Lot(
        id=draw(st.sampled_from("abcdefgh")),
        item=ItemId("milk"),
        location=LocationId("wien"),
        quantity=draw(st.integers(1, 5)),
        received_on=date(2026, 2, draw(st.integers(1, 28))),
        expires_on=None if expires is None else date(2026, 3, 1) + timedelta(days=expires),
    )


def law_of_lots(
    pick: Callable[..., Sequence[LotPick]], shelf: Sequence[Lot], quantity: int, days_left: int
) -> None:
    """All units are good long enough, and no lot that should go first is left behind."""
    on = date(2026, 3, 1)
    good = [
        lot for lot in shelf if lot.expires_on is None or (lot.expires_on - on).days >= days_left
    ]
    try:
        picks = pick(shelf, quantity, rule=LotRule.FEFO, on=on, days_left=days_left)
    except OutOfStockError:
        assert sum(lot.quantity for lot in good) < quantity
        return
    assert quantity == sum(one.quantity for one in picks)
    assert all(one.lot in good and one.quantity <= one.lot.quantity for one in picks)
    last = max((one.lot.expires_on or date.max) for one in picks)
    taken = {one.lot.id: one.quantity for one in picks}
    for lot in good:
        if (lot.expires_on or date.max) < last:
            assert taken.get(lot.id) == lot.quantity, lot


@LAW
@given(
    st.lists(lots(), max_size=6, unique_by=lambda lot: lot.id),
    st.integers(1, 12),
    st.integers(0, 9),
)
def test_what_expires_first_goes_first(shelf: list[Lot], quantity: int, days_left: int) -> None:
    """First expired, first out, with a minimum of remaining shelf life (RULES I-8)."""
    law_of_lots(pick_lots, shelf, quantity, days_left)


@LAW
@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 400))
def test_the_economic_order_quantity_is_the_cheapest(need: int, order: int, hold: int) -> None:
    """Of all whole quantities none costs less, in exact halves of a minor unit (RULES I-10)."""
    best = economic_order_quantity(need, order_cost_minor=order, holding_cost_minor=hold)

    def cost_times(quantity: int, other: int) -> int:
        return (2 * need * order + hold * quantity * quantity) * other

    assert all(cost_times(best, other) <= cost_times(other, best) for other in range(1, best + 50))
