from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,  # pyright: ignore[reportUnknownVariableType]  # untyped there
)

from ordercore.errors import ConflictError
from ordercore.facts import Event
from ordercore.ids import LineId, StreamId
from ordercore.inventory import decide as deciding
from ordercore.inventory import reserve as reserving
from ordercore.inventory.commands import (
    AdjustedLine,
    AdjustStock,
    CountedLine,
    CountStock,
    HoldStock,
    MarkDamaged,
    PolicyLine,
    ReceivedLine,
    ReceiveStock,
    ReleaseHold,
    RepairStock,
    ReportHoldExpiry,
    SetStockPolicy,
    StockLine,
    TransferHold,
    TransferLine,
    TransferStock,
    WriteOffStock,
)
from ordercore.inventory.events import UnitsReleased, UnitsReserved
from ordercore.inventory.model import (
    Hold,
    MoveKind,
    OutOfStockError,
    StockMove,
    StockPlace,
    StockPolicy,
    StockState,
)
from ordercore.inventory.moves import BelowZeroError
from ordercore.inventory.reserve import BackorderRule, Circumstances
from ordercore.inventory.sourcing import FewestParcels, InOrder, MostStock
from tests.laws.stock_world import LAWS, NOW, Moved, Owned, World, place, wanted

PLACES = [place(item, at) for item in ("cup", "pot") for at in ("berlin", "wien")]
places = st.sampled_from(PLACES)
few = st.integers(1, 6)
strategies = st.sampled_from([InOrder(), MostStock(), FewestParcels()])


class StockMachine(RuleBasedStateMachine):
    """Buyers, carts, deliveries and stock-takes in any order, over two items and two places."""

    orders = Bundle("orders")
    carts = Bundle("carts")

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.states: dict[str, StockState] = {}
        self.holds: dict[str, Hold | None] = {}
        self.number = 0

    def stream(self, kind: str) -> StreamId:
        self.number += 1
        return StreamId(f"{kind}-{self.number}")

    def operate(self, command: deciding.StockCommand) -> None:
        """One operation on a stream of its own; a refusal changes nothing."""
        stream = self.stream("op")
        self.world.commit({stream: deciding.decide_stock(None, command, NOW)})

    def learn(self, owner: str) -> None:
        """The order learns what others did to it, as its worker would."""
        truth = self.world.allocations(owner)
        for event in deciding.learn_stock(self.states[owner], truth, NOW):
            self.states[owner] = deciding.evolve_stock(self.states[owner], event)

    def add(self, owner: StreamId, event: Event) -> None:
        self.world.commit({owner: (event,)})
        self.states[owner] = deciding.evolve_stock(self.states[owner], event)

    # --- truths and arrivals --------------------------------------------------------------------

    @rule(at=places, quantity=few)
    def receive(self, at: StockPlace, quantity: int) -> None:
        line = ReceivedLine(item=at.item, location=at.location, quantity=quantity)
        self.operate(ReceiveStock(lines=(line,)))

    @rule(at=places, counted=st.integers(0, 8))
    def count(self, at: StockPlace, counted: int) -> None:
        line = CountedLine(item=at.item, location=at.location, counted=counted)
        self.operate(CountStock(lines=(line,), reason="year's end"))
        assert counted == self.world.at(at).on_hand

    @rule(at=places, quantity=st.integers(-4, 4).filter(bool))
    def adjust(self, at: StockPlace, quantity: int) -> None:
        line = AdjustedLine(item=at.item, location=at.location, quantity=quantity)
        self.operate(AdjustStock(lines=(line,), reason="found"))

    @rule(at=places, quantity=few)
    def damage(self, at: StockPlace, quantity: int) -> None:
        line = StockLine(item=at.item, location=at.location, quantity=quantity)
        self.operate(MarkDamaged(lines=(line,)))

    @rule(at=places, quantity=few, repaired=st.booleans(), sound=st.booleans())
    def mend_or_give_up(
        self, at: StockPlace, quantity: int, *, repaired: bool, sound: bool
    ) -> None:
        lines = (StockLine(item=at.item, location=at.location, quantity=quantity),)
        aside = self.world.at(at).unavailable
        try:
            if repaired:
                self.operate(RepairStock(lines=lines))
            else:
                self.operate(WriteOffStock(lines=lines, reason="broken", sound=sound))
        except BelowZeroError:
            assert quantity > aside
            assert repaired or not sound

    @rule(item=st.sampled_from(["cup", "pot"]), quantity=few)
    def transfer(self, item: str, quantity: int) -> None:
        origin, target = place(item), place(item, "wien")
        line = TransferLine(
            item=origin.item, origin=origin.location, target=target.location, quantity=quantity
        )
        before = self.world.at(origin)
        try:
            self.operate(TransferStock(lines=(line,)))
        except OutOfStockError:
            assert before.tracked
            assert quantity > before.available

    @rule(
        at=places,
        safety=st.sampled_from([0, 0, 2]),
        limit=st.sampled_from([0, 3, None]),
        tracked=st.sampled_from([True, True, True, False]),
    )
    def set_policy(self, at: StockPlace, safety: int, limit: int | None, *, tracked: bool) -> None:
        policy = StockPolicy(safety_stock=safety, backorder_limit=limit, tracked=tracked)
        line = PolicyLine(item=at.item, location=at.location, policy=policy)
        self.operate(SetStockPolicy(lines=(line,)))

    # --- orders ---------------------------------------------------------------------------------

    @rule(
        target=orders,
        cups=st.integers(0, 4),
        pots=st.integers(1, 4),
        how=st.sampled_from(BackorderRule),
        strategy=strategies,
        partly=st.booleans(),
    )
    def order(
        self,
        cups: int,
        pots: int,
        how: BackorderRule,
        strategy: InOrder | MostStock | FewestParcels,
        *,
        partly: bool,
    ) -> str:
        owner = self.stream("order")
        self.states[owner] = StockState()
        lines = [wanted(pots, "pot", "2")] + ([wanted(cups)] if cups else [])
        given = Circumstances(fill_partly=partly)
        try:
            plan = reserving.plan_reservation(
                lines, self.world.counters, strategy, how, given=given
            )
        except OutOfStockError:
            return owner
        others = self.held_by_others(owner)
        self.add(owner, UnitsReserved(owner, plan, at=NOW))
        assert others == self.held_by_others(owner)
        assert plan == self.world.allocations(owner)
        return owner

    def held_by_others(self, owner: str) -> dict[Owned, int]:
        """What everybody else holds: nobody loses a unit to a buyer."""
        rows = self.world.rows.values()
        return {
            (row.owner, row.line, row.allocation.place): row.reserved
            for row in rows
            if row.owner != owner
        }

    @rule(owner=orders, cups=st.integers(0, 5), pots=st.integers(0, 5))
    def cancel(self, owner: str, cups: int, pots: int) -> None:
        asked = [
            wanted(n, item, at) for n, item, at in ((cups, "cup", "1"), (pots, "pot", "2")) if n
        ]
        before = self.world.allocations(owner)
        back = reserving.plan_release(asked, before)
        for line in asked:
            had = sum(at.quantity for at in before if at.line == line.line)
            gave = sum(at.quantity for at in back if at.line == line.line)
            assert min(line.quantity, had) == gave
        self.learn(owner)
        self.add(StreamId(owner), UnitsReleased(StreamId(owner), back, at=NOW))

    @rule(owner=orders, data=st.data())
    def ship(self, owner: str, data: st.DataObject) -> None:
        ready = [at for at in self.world.allocations(owner) if at.reserved]
        if not ready:
            return
        at = data.draw(st.sampled_from(ready))
        move = StockMove(
            item=at.item,
            location=at.location,
            kind=MoveKind.SHIP,
            quantity=data.draw(st.integers(1, at.reserved)),
            owner=StreamId(owner),
            line=at.line,
        )
        self.learn(owner)
        self.add(StreamId(owner), Moved((move,), at=NOW))
        assert self.states[owner].allocations == self.world.allocations(owner)

    @rule(owner=orders, at=places, quantity=few)
    def take_from_another(self, owner: str, at: StockPlace, quantity: int) -> None:
        """Nobody gives back or ships what another owner holds."""
        stranger = StreamId(f"not-{owner}")
        for kind in (MoveKind.RELEASE, MoveKind.SHIP, MoveKind.UNQUEUE):
            move = StockMove(
                item=at.item,
                location=at.location,
                kind=kind,
                quantity=quantity,
                owner=stranger,
                line=LineId("1"),
            )
            try:
                self.world.commit({stranger: (Moved((move,), at=NOW),)})
            except (ConflictError, BelowZeroError):
                continue
            raise AssertionError(kind)

    @rule(at=places, quantity=few, mended=st.booleans())
    def come_back(self, at: StockPlace, quantity: int, *, mended: bool) -> None:
        """Units come back from a customer, and (after inspection) on sale again."""
        kinds = [MoveKind.RETURN_IN] + [MoveKind.RESTOCK] * mended
        stream = self.stream("return")
        moves = tuple(
            StockMove(item=at.item, location=at.location, kind=kind, quantity=quantity)
            for kind in kinds
        )
        self.world.commit({stream: (Moved(moves, at=NOW),)})

    # --- carts ----------------------------------------------------------------------------------

    def basis(self, owner: str) -> deciding.StockBasis:
        return deciding.StockBasis(counters=self.world.counters, held=self.world.allocations(owner))

    @rule(target=carts, cups=few)
    def hold(self, cups: int) -> str:
        owner = self.stream("cart")
        command = HoldStock(hold=owner, lines=(wanted(cups),), until=NOW + timedelta(hours=1))
        self.holds[owner] = None
        try:
            self.about_hold(owner, command)
        except OutOfStockError:
            assert self.holds[owner] is None
        return owner

    def about_hold(self, owner: str, command: deciding.StockCommand) -> tuple[Event, ...]:
        events = deciding.decide_stock(self.holds[owner], command, NOW, basis=self.basis(owner))
        if events:
            self.world.commit({StreamId(owner): events})
        for event in events:
            self.holds[owner] = deciding.evolve_hold(self.holds[owner], event)
        return events

    @rule(owner=carts, expires=st.booleans())
    def give_back(self, owner: str, *, expires: bool) -> None:
        if self.holds[owner] is None:
            return
        late = ReportHoldExpiry(at=NOW + timedelta(hours=2))
        self.about_hold(owner, late if expires else ReleaseHold())
        assert () == self.world.allocations(owner)
        assert () == self.about_hold(owner, late if expires else ReleaseHold())

    @rule(target=orders, cart=consumes(carts))
    def check_out(self, cart: str) -> str:
        """A cart's hold becomes an order's: what was held is never lost on the way."""
        owner = self.stream("order")
        self.states[owner] = StockState()
        hold, mine = self.holds[cart], self.world.allocations(cart)
        if hold is None or not hold.is_open or any(at.queued for at in mine) or not mine:
            return owner
        lines = [wanted(sum(at.reserved for at in mine))]
        plan, rest = reserving.handed_over(lines, mine)
        assert () == rest
        passed = deciding.decide_stock(hold, TransferHold(to=owner), NOW, basis=self.basis(cart))
        taken = UnitsReserved(owner, plan, at=NOW)
        self.world.commit({StreamId(cart): passed, owner: (taken,)})
        self.states[owner] = deciding.evolve_stock(self.states[owner], taken)
        assert () == self.world.allocations(cart)
        return owner

    # --- the same twice -------------------------------------------------------------------------

    @rule(at=places, quantity=few)
    def receive_twice(self, at: StockPlace, quantity: int) -> None:
        """A cause that is applied twice changes nothing the second time."""
        stream = self.stream("op")
        line = ReceivedLine(item=at.item, location=at.location, quantity=quantity)
        events = deciding.decide_stock(None, ReceiveStock(lines=(line,)), NOW)
        self.world.commit({stream: events})
        counters, rows, moves = dict(self.world.counters), dict(self.world.rows), self.world.moves
        self.world.commit({stream: events}, versions={})
        assert (counters, rows, moves) == (self.world.counters, self.world.rows, self.world.moves)

    # --- always ---------------------------------------------------------------------------------

    @invariant()
    def laws_hold(self) -> None:
        for law in LAWS:
            law(self.world)

    @invariant()
    def orders_know_what_they_hold(self) -> None:
        for owner in self.states:
            self.learn(owner)
            assert self.world.allocations(owner) == self.states[owner].allocations


def hunt(examples: int, *, fixed: bool = False) -> None:
    """Run the machine; *fixed*: the same histories in every run, and no search for a short one."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        report_multiple_bugs=False,
        derandomize=fixed,
        database=None,
        phases=[Phase.generate] if fixed else tuple(Phase),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(StockMachine, settings=chosen)


def test_stock_keeps_its_laws_in_any_history() -> None:
    """Whatever buyers, carts, deliveries and stock-takes do, the laws of stock hold."""
    hunt(100)
