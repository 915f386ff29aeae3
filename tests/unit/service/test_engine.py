from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import timedelta

import pytest
from attrs import define, field

from ordercore.adapters.aio import ThreadedStore
from ordercore.adapters.memory import MemoryStore
from ordercore.errors import BrokenContractError, UnavailableError
from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.model import LineUnits
from ordercore.ids import HoldKind, ItemId, LineId, OrderId, StreamId
from ordercore.inventory.commands import PolicyLine, SetStockPolicy
from ordercore.inventory.model import OutOfStockError, StockPolicy
from ordercore.inventory.reserve import BackorderRule
from ordercore.order import commands as oc
from ordercore.order.balance import balance
from ordercore.order.events import LinesAdded, UnitsCancelled
from ordercore.order.status import Flag, OrderStatus, order_status, statuses
from ordercore.order.terms import Blocks, Stage, StageRule, Terms
from ordercore.payment.answers import Answer
from ordercore.payment.model import Operation
from ordercore.payment.policy import Capabilities, CaptureWhen, PaymentPolicy
from ordercore.ports.gateways import Envelope, EventPublisher, PaymentCall
from ordercore.ports.repositories import StoredStream
from ordercore.ports.unit_of_work import ChangeSet, Committed, StoreBusyError
from ordercore.process.due import due
from ordercore.service.aio import AsyncOrderService
from ordercore.service.relay import Relay
from ordercore.service.sync import OrderService
from ordercore.service.worker import BACK_OFF
from tests.contracts.life import AsyncTill
from tests.laws.order_world import (
    ACCOUNT,
    BUYER,
    CARD,
    NORTH,
    STAFF,
    Fate,
    Ids,
    Shop,
    Till,
    basket,
    line,
)

TEA = LineId("tea")
AT_ONCE = Terms(payment=PaymentPolicy(capture=CaptureWhen.PLACEMENT))
IDLE = Terms(release_automatically=False)
WAITING = Terms(backorder=BackorderRule.ALLOW)


class Meddled(MemoryStore):
    """A memory store that somebody meddles with: before or after the next commits."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(clock=shop.clock)
        self.before: deque[Callable[[], object]] = deque()
        self.after: deque[type[Exception] | None] = deque()
        self.poison: dict[StreamId, type[Exception]] = {}

    def load(self, stream: StreamId) -> StoredStream:
        if stream in self.poison:
            raise self.poison[stream]
        return super().load(stream)

    def commit(self, changes: ChangeSet) -> Committed:
        if self.before:
            self.before.popleft()()
        committed = super().commit(changes)
        error = self.after.popleft() if self.after else None
        if error is not None:
            raise error
        return committed


@pytest.fixture
def shop() -> Shop:
    """A shop with ten units of tea."""
    made = Shop()
    made.receive("tea", 10)
    return made


def meddled() -> tuple[Shop, Meddled]:
    """A shop over a store that can be meddled with."""
    shop = Shop()
    store = Meddled(shop)
    shop.store = store
    shop.service = shop.another()
    return shop, store


# --- conflicts ----------------------------------------------------------------------------------


def test_the_last_unit_goes_to_exactly_one_of_two_services() -> None:
    """Both read one free unit; the second commit is planned again and refused (vendure #3508)."""
    shop, store = meddled()
    shop.receive("tea", 1)
    other = shop.another("other")
    won: list[OrderId] = []

    def first() -> None:
        receipt = other.place(
            basket(line("tea", 1)), key="b", by=BUYER, order=OrderId("b"), tenders=(ACCOUNT,)
        )
        won.append(receipt.order.id)

    store.before.append(first)
    with pytest.raises(OutOfStockError):
        shop.service.place(
            basket(line("tea", 1)), key="a", by=BUYER, order=OrderId("a"), tenders=(ACCOUNT,)
        )
    assert ["b"] == won
    assert (StreamId("b"),) == store.streams()


def test_a_lost_race_is_planned_again_from_another_shelf() -> None:
    """The shelf that was read is empty by now; the order takes its unit from the other one."""
    shop, store = meddled()
    shop.receive("tea", 1)
    other = shop.another("other")

    def first() -> None:
        other.place(
            basket(line("tea", 1)), key="b", by=BUYER, order=OrderId("b"), tenders=(ACCOUNT,)
        )
        shop.receive("tea", 1)

    store.before.append(first)
    receipt = shop.service.place(
        basket(line("tea", 1)), key="a", by=BUYER, order=OrderId("a"), tenders=(ACCOUNT,)
    )
    assert OrderStatus.CONFIRMED is order_status(receipt.order)


def test_a_request_that_meets_another_is_decided_again() -> None:
    """Two clerks at once: both notes stand, each version once."""
    shop, store = meddled()
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1))
    other = shop.another("other")
    store.before.append(lambda: other.execute(order.id, oc.AddNote(text="other"), by=STAFF))
    shop.do(order.id, oc.AddNote(text="mine"))
    assert ("other", "mine") == shop.load(order.id).notes


# --- commits that say nothing -------------------------------------------------------------------


def test_a_commit_that_raised_but_succeeded_is_found_again() -> None:
    """The store lost its voice after writing: nothing is written twice (ABUSE 72)."""
    shop, store = meddled()
    shop.receive("tea", 3)
    store.after.append(StoreBusyError)
    order = shop.place(line("tea", 1))
    assert OrderStatus.CONFIRMED is order_status(order)
    assert order == shop.load(order.id)
    assert 1 == sum(counters.reserved for _, counters in store.all_counters())
    store.after.append(StoreBusyError)
    after = shop.do(order.id, oc.AddNote(text="once")).order
    assert ("once",) == after.notes


def test_a_store_that_stays_silent_is_retried_with_the_key() -> None:
    """Two silences in a row reach the caller; the same key then finds what was done."""
    shop, store = meddled()
    shop.receive("tea", 3)
    store.after.extend([StoreBusyError, StoreBusyError])
    priced = basket(line("tea", 1))
    with pytest.raises(UnavailableError):
        shop.service.place(priced, key="k", by=BUYER, tenders=(CARD,))
    receipt = shop.service.place(priced, key="k", by=BUYER, tenders=(CARD,))
    assert receipt.replayed
    assert OrderStatus.CONFIRMED is order_status(receipt.order)
    assert 1 == len(store.streams())


# --- gateways -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fate", [Fate.BROKEN, Fate.LOST_ANSWER, Fate.LOST_CALL])
def test_silence_is_doubt_and_never_a_decline(shop: Shop, fate: Fate) -> None:
    """An adapter that raises, or says nothing, leaves the operation in doubt; it is asked later."""
    shop.till.fates.append(fate)
    order = shop.place(line("tea", 1))
    assert OrderStatus.PLACED is order_status(order)
    assert Flag.IN_DOUBT in statuses(order).flags
    shop.rest(rounds=6)
    order = shop.load(order.id)
    assert OrderStatus.CONFIRMED is order_status(order)
    assert frozenset() == statuses(order).flags
    assert 1000 == shop.till.moved(Operation.AUTHORISE, order.id)


def test_an_intent_is_saved_before_it_is_a_call(shop: Shop) -> None:
    """When the gateway is called, the store knows of the operation already (PAY-2)."""
    seen: list[bool] = []

    class Nosy(Till):
        def _call(self, call: PaymentCall) -> Answer:
            stored = shop.store.load(StreamId(call.order))
            order = shop.load(OrderId(stored.stream))
            seen.append(call.key in order.payment.operations)
            return super()._call(call)

    shop.till = Nosy()
    shop.service = shop.another("nosy")
    shop.place(line("tea", 1), terms=AT_ONCE)
    assert [True, True] == seen


# --- the worker ---------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ZeroDivisionError, BrokenContractError])
def test_a_poison_order_blocks_nobody(error: type[Exception]) -> None:
    """An order that cannot be served is left alone for longer and longer; the others go on."""
    shop, store = meddled()
    shop.receive("tea", 5)
    shop.till.fates.extend([Fate.LOST_CALL, Fate.LOST_CALL])
    bad, good = shop.place(line("tea", 1)), shop.place(line("tea", 1))
    store.poison[bad.stream] = error
    shop.clock.forward(timedelta(minutes=6))
    done = shop.service.run_due(limit=10)
    assert (bad.stream,) == tuple(stream for stream, _ in done.failed)
    assert (good.stream,) == done.served
    for wait in (*BACK_OFF, BACK_OFF[-1]):
        assert () == shop.service.run_due(limit=10).failed
        shop.clock.forward(wait)
        assert (bad.stream,) == tuple(one for one, _ in shop.service.run_due(limit=10).failed)
    store.poison.clear()
    stored = store.load(bad.stream)
    assert len(BACK_OFF) + 2 == stored.attempts
    shop.clock.forward(BACK_OFF[-1])
    assert () == shop.service.run_due(limit=10).failed
    assert OrderStatus.CONFIRMED is order_status(shop.load(bad.id))
    assert 0 == store.load(bad.stream).attempts


def test_an_idle_shop_has_nothing_to_do(shop: Shop) -> None:
    """After all is done a worker finds nothing until the next deadline."""
    shop.place(line("tea", 1), tenders=(ACCOUNT,))
    shop.service.run_due(limit=10)
    assert shop.service.run_due(limit=10).is_idle


# --- stock --------------------------------------------------------------------------------------


def backordered(shop: Shop) -> None:
    """Tea may be sold before it is there."""
    policy = StockPolicy(backorder_limit=5)
    row = PolicyLine(item=ItemId("tea"), location=NORTH, policy=policy)
    shop.service.stock.execute(SetStockPolicy(lines=(row,)), by=STAFF)


def test_a_backorder_waits_and_is_filled_by_a_receipt() -> None:
    """The receipt fills the queue and wakes the order, which then plans its work (I-5)."""
    shop = Shop()
    shop.receive("tea", 1)
    backordered(shop)
    order = shop.place(line("tea", 3), terms=WAITING)
    assert (1, 2) == (order.stock.reserved(TEA), order.stock.queued(TEA))
    shop.receive("tea", 2)
    assert (order.stream,) == shop.service.run_due(limit=10).served
    order = shop.load(order.id)
    assert (3, 0) == (order.stock.reserved(TEA), order.stock.queued(TEA))
    assert 3 == sum(work.remaining for work in order.fulfilment.open_orders)


def test_an_expired_order_frees_its_stock_and_its_money(shop: Shop) -> None:
    """O-6: the deadline frees the stock, lets the authorisation go, and asks for nothing more."""
    shop.till.able = Capabilities(authorisation_lifetime=timedelta(days=30))
    hold = Terms(holds_at_placement=(HoldKind("review"),))
    order = shop.place(line("tea", 10), terms=hold)
    assert OrderStatus.PLACED is order_status(order)
    assert 10_000 == shop.till.moved(Operation.AUTHORISE, order.id)
    shop.clock.forward(timedelta(days=8))
    shop.service.run_due(limit=10)
    order = shop.load(order.id)
    assert OrderStatus.EXPIRED is order_status(order)
    assert () == shop.store.allocations(order.stream)
    assert 10_000 == shop.till.moved(Operation.VOID, order.id)
    shop.place(line("tea", 10))


def test_an_expired_order_that_was_paid_in_part_pays_back(shop: Shop) -> None:
    """O-6: what a gift card had paid already goes back to it."""
    held = Terms(payment=AT_ONCE.payment, holds_at_placement=(HoldKind("review"),))
    order = shop.place(line("tea", 1), terms=held)
    shop.clock.forward(timedelta(days=8))
    shop.service.run_due(limit=10)
    assert 0 == shop.till.held(order.id)
    assert 0 == balance(shop.load(order.id)).held.minor


def test_a_short_pick_is_recorded_though_nothing_is_left(shop: Shop) -> None:
    """F-3: what a shelf did not have is a truth; the order then waits for stock."""
    order = shop.place(line("tea", 10))
    work = next(iter(order.fulfilment.orders))
    shop.receive("cup", 1)
    shop.do(
        order.id,
        fc.RecordShortPick(fulfilment=work, lines=(LineUnits(line=TEA, quantity=1),)),
    )
    assert 1 == shop.load(order.id).fulfilment.orders[work].lines[0].short


# --- holds and stages ---------------------------------------------------------------------------


def test_a_hold_stops_the_confirmation_until_its_time(shop: Shop) -> None:
    """O-3: a hold may end itself; the worker then goes on where it was stopped."""
    hold = Terms(holds_at_placement=(HoldKind("review"),))
    order = shop.place(line("tea", 1), terms=hold)
    until = shop.clock.now + timedelta(hours=3)
    shop.do(
        order.id,
        oc.PlaceHold(kind=HoldKind("review"), blocks=(Blocks.CONFIRM,), release_at=until),
    )
    shop.rest(rounds=3)
    assert OrderStatus.PLACED is order_status(shop.load(order.id))
    shop.clock.forward(timedelta(hours=3))
    shop.service.run_due(limit=5)
    order = shop.load(order.id)
    assert OrderStatus.CONFIRMED is order_status(order)
    assert () == order.holds


def test_a_released_hold_lets_the_work_go_on(shop: Shop) -> None:
    """Released by hand, the same request does what was stopped."""
    order = shop.place(line("tea", 1), terms=Terms(holds_at_placement=(HoldKind("review"),)))
    order = shop.do(order.id, oc.ReleaseHold(kind=HoldKind("review"))).order
    assert OrderStatus.CONFIRMED is order_status(order)


def test_a_stage_that_holds_no_stock_gives_it_back(shop: Shop) -> None:
    """A stage says whether the order keeps its stock (vendure #2397)."""
    parked = Stage(name="parked", inside="confirmed", holds_stock=False)
    work = Stage(name="work", inside="confirmed")
    stages = StageRule(stages=(parked, work), steps=(("parked", "work"),))
    terms = Terms(stages=stages, release_automatically=False)
    order = shop.place(line("tea", 2), terms=terms)
    order = shop.do(order.id, oc.MoveToStage(stage="parked")).order
    assert () == shop.store.allocations(order.stream)
    order = shop.do(order.id, oc.MoveToStage(stage="work")).order
    assert 2 == order.stock.reserved(TEA)


# --- amendments ---------------------------------------------------------------------------------


def test_a_proposal_changes_nothing_until_it_is_confirmed(shop: Shop) -> None:
    """O-4: proposed, previewed, confirmed: lines, stock, money and balance follow."""
    shop.receive("cup", 5)
    order = shop.place(line("tea", 2), terms=IDLE)
    addition = basket(line("cup", 1, 500))
    proposal = oc.ProposeAmendment(proposal="p", addition=addition, removals=((TEA, 1),))
    after = shop.do(order.id, proposal).order
    assert (order.priced, order.stock) == (after.priced, after.stock)
    preview = shop.service.preview(order.id, oc.ConfirmAmendment(proposal="p"))
    assert after == shop.load(order.id)
    kinds = {type(event) for event in preview.events}
    assert {LinesAdded, UnitsCancelled} <= kinds
    done = shop.do(order.id, oc.ConfirmAmendment(proposal="p")).order
    assert preview.order.priced == done.priced
    assert 1500 == balance(done).owed.minor
    assert (1, 1) == (done.stock.reserved(TEA), done.stock.reserved(LineId("cup")))
    assert () == done.proposals


def test_an_addition_without_stock_is_refused_as_a_whole(shop: Shop) -> None:
    """O-4: an amendment is carried out wholly or not."""
    order = shop.place(line("tea", 2))
    shop.do(order.id, oc.ProposeAmendment(proposal="p", addition=basket(line("cup", 1))))
    before = shop.load(order.id)
    with pytest.raises(OutOfStockError):
        shop.do(order.id, oc.ConfirmAmendment(proposal="p"))
    assert before == shop.load(order.id)


def test_a_declined_proposal_is_gone(shop: Shop) -> None:
    """O-4: turned down, nothing of it stays but the facts."""
    order = shop.place(line("tea", 2))
    shop.do(order.id, oc.ProposeAmendment(proposal="p", removals=((TEA, 1),)))
    after = shop.do(order.id, oc.DeclineAmendment(proposal="p", reason="no")).order
    assert () == after.proposals
    assert order.version + 2 == after.version
    assert 2000 == balance(after).owed.minor


# --- the async twin -----------------------------------------------------------------------------


def test_the_async_service_does_the_same(shop: Shop) -> None:
    """The same commands under the same clock and ids make the same facts."""
    twin = Shop()
    twin.receive("tea", 10)
    service = AsyncOrderService(
        store=ThreadedStore(twin.store), payments=AsyncTill(twin.till), ids=Ids("a")
    )

    async def story() -> list[object]:
        placed = await service.place(
            basket(line("tea", 2)),
            key="k",
            by=BUYER,
            order=OrderId("o"),
            tenders=(CARD,),
            terms=IDLE,
        )
        again = await service.place(
            basket(line("tea", 2)),
            key="k",
            by=BUYER,
            order=OrderId("o"),
            tenders=(CARD,),
            terms=IDLE,
        )
        assert (placed.order, True) == (again.order, again.replayed)
        with pytest.raises(OutOfStockError):
            await service.place(basket(line("tea", 11)), key="k2", by=BUYER)
        await service.execute(OrderId("o"), oc.CancelUnits(units=((TEA, 1),)), by=STAFF)
        assert (await service.run_due(limit=5)).failed == ()
        return [
            type(event)
            async for one in service.history(OrderId("o"))
            for event in one.events[StreamId("o")]
        ]

    own = shop.service
    own.place(
        basket(line("tea", 2)), key="k", by=BUYER, order=OrderId("o"), tenders=(CARD,), terms=IDLE
    )
    own.execute(OrderId("o"), oc.CancelUnits(units=((TEA, 1),)), by=STAFF)
    facts = [
        type(event) for one in own.history(OrderId("o")) for event in one.events[StreamId("o")]
    ]
    assert facts == asyncio.run(story())
    assert twin.till.moved(Operation.AUTHORISE, OrderId("o")) == shop.till.moved(
        Operation.AUTHORISE, OrderId("o")
    )


# --- the relay ----------------------------------------------------------------------------------


@define
class Ear(EventPublisher):
    """A subscriber that is deaf now and then."""

    heard: list[tuple[str, int]] = field(factory=list[tuple[str, int]])
    deaf: deque[bool] = field(factory=deque[bool])

    def publish(self, envelope: Envelope) -> None:
        self.heard.append((envelope.subject, envelope.version))
        if self.deaf and self.deaf.popleft():
            raise TimeoutError


def test_the_relay_tells_each_fact_at_least_once_in_order(shop: Shop) -> None:
    """X-3: what was not heard comes again, in its turn; one deaf moment stops no other stream."""
    first, second = shop.place(line("tea", 1)), shop.place(line("tea", 1))
    ear = Ear(deaf=deque([False, True]))
    relay = Relay(outbox=shop.store, publisher=ear)
    done = relay.run()
    assert 1 == len(done.waiting)
    assert done.waiting[0][1].startswith("TimeoutError in publish")
    assert done.published > 0
    relay.drain()
    for order in (first, second):
        versions = [version for subject, version in ear.heard if subject == order.id]
        assert list(range(1, order.version + 1)) == list(dict.fromkeys(versions))
    assert 0 == relay.run().published


def test_a_settled_order_owes_nothing(shop: Shop) -> None:
    """`due` after any request names no local work: it was done in the same call."""
    order = shop.place(line("tea", 1))
    assert {"CheckQueue"} == {type(task).__name__ for task in due(order, shop.clock.now)}
    assert {"CheckQueue"} == {type(task).__name__ for task in shop.service.due(order.id)}
    assert isinstance(shop.service, OrderService)
