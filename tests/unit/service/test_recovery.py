"""What a worker finds after another one has died, slept too long, or been faster."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from ordercore.adapters.memory import MemoryStore
from ordercore.adapters.sqlite import SqliteStore
from ordercore.fulfilment.commands import PackItem, PackParcel
from ordercore.fulfilment.model import Booked, BookingAnswer, BookingUnknown
from ordercore.ids import ItemId, LineId, OrderId, ParcelId, StreamId
from ordercore.inventory.commands import (
    AdjustedLine,
    AdjustStock,
    HoldStock,
)
from ordercore.inventory.model import WantedLine
from ordercore.inventory.reserve import BackorderRule
from ordercore.order.commands import AddNote
from ordercore.order.status import Flag, statuses
from ordercore.order.terms import Terms
from ordercore.payment.answers import Answer, LookUpAnswer, NotFound
from ordercore.ports.gateways import (
    BookingRequest,
    CarrierGateway,
    Envelope,
    EventPublisher,
    PaymentCall,
)
from ordercore.ports.unit_of_work import ChangeSet, Committed
from ordercore.service.engine import Settings
from ordercore.service.relay import Relay
from ordercore.service.sync import OrderService
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

LEASE = Settings().lease


class Interrupted(MemoryStore):
    """A memory store at which something happens before a commit, or that dies after it."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__(clock=clock)
        self.before: deque[Callable[[], object]] = deque()
        self.dies_after: deque[bool] = deque()
        self.commits = 0

    def commit(self, changes: ChangeSet) -> Committed:
        if self.before:
            self.before.popleft()()
        committed = super().commit(changes)
        self.commits += 1
        if self.dies_after and self.dies_after.popleft():
            raise KeyboardInterrupt
        return committed


@pytest.fixture
def shop() -> Shop:
    """A shop over a store that can be interrupted."""
    made = Shop()
    made.store = Interrupted(made.clock)
    made.service = made.another()
    return made


def store_of(shop: Shop) -> Interrupted:
    """The store, to meddle with."""
    assert isinstance(shop.store, Interrupted)
    return shop.store


def test_what_is_left_for_the_next_commit_is_not_forgotten(shop: Shop) -> None:
    """A worker dies after it took a part of the stock; another one asks for the rest at once."""
    store = store_of(shop)
    shop.receive("tea", 1)
    store.dies_after.append(True)
    partial = Terms(backorder=BackorderRule.PARTIAL)
    with pytest.raises(KeyboardInterrupt):
        shop.service.place(
            basket(line("tea", 3)),
            key="k",
            by=BUYER,
            order=OrderId("o"),
            terms=partial,
            tenders=(ACCOUNT,),
        )
    shop.receive("tea", 5)
    shop.clock.forward(LEASE)
    shop.service.run_due(limit=10)
    assert 3 == shop.load(OrderId("o")).stock.reserved(LineId("tea"))


def test_two_tries_with_one_key_get_one_answer(shop: Shop) -> None:
    """The slower of two equal requests is told what the faster one did (how it works, A commit)."""
    store = store_of(shop)
    shop.receive("tea", 3)
    order = shop.place(line("tea", 1), tenders=(ACCOUNT,))
    other = shop.another("other")

    def first() -> None:
        other.execute(
            order.id, AddNote(text="once"), key="n", by=STAFF, expected_version=order.version
        )

    store.before.append(first)
    receipt = shop.service.execute(
        order.id, AddNote(text="once"), key="n", by=STAFF, expected_version=order.version
    )
    assert receipt.replayed
    assert ("once",) == receipt.order.notes == shop.load(order.id).notes


def test_a_silent_commit_of_our_own_is_no_replay(shop: Shop) -> None:
    """What this request wrote itself is not called somebody else's."""
    shop.receive("tea", 3)
    assert not shop.service.place(
        basket(line("tea", 1)), key="k", by=BUYER, tenders=(ACCOUNT,)
    ).replayed


def test_a_woken_hold_goes_back_to_sleep(shop: Shop) -> None:
    """A hold that a count has woken and that has nothing to write is served once, not for ever."""
    shop.receive("tea", 5)
    until = shop.clock.now + timedelta(days=1)
    wanted = (WantedLine(line=LineId("tea"), item=ItemId("tea"), quantity=5),)
    shop.service.stock.execute(HoldStock(hold=StreamId("cart"), lines=wanted, until=until))
    lost = AdjustedLine(item=ItemId("tea"), location=NORTH, quantity=-1)
    shop.service.stock.execute(AdjustStock(lines=(lost,), reason="count"), by=STAFF)
    served = 0
    for _ in range(10):
        served += len(shop.service.run_due(limit=10).served)
        shop.clock.forward(LEASE)
    assert served <= 1


def test_an_order_in_hand_is_left_alone(shop: Shop) -> None:
    """However long a round takes, no second worker gets the order that the first is busy with."""
    shop.receive("tea", 9)
    shop.till.fates.extend([Fate.LOST_CALL] * 4)
    for _ in range(4):
        shop.place(line("tea", 1))
    shop.clock.forward(timedelta(minutes=20))
    other, calls, taken = shop.another("other"), list[StreamId](), list[StreamId]()

    class Slow(Till):
        def look_up(self, call: PaymentCall) -> LookUpAnswer:
            shop.clock.forward(timedelta(seconds=25))
            calls.append(StreamId(call.order))
            if len(calls) == 3:
                taken.extend(other.run_due(limit=1).served)
            return super().look_up(call)

    shop.till = Slow(done=shop.till.done)
    shop.service = shop.another("slow")
    shop.service.run_due(limit=10)
    assert taken
    assert calls[2] not in taken


class LazyCarrier(CarrierGateway):
    """A carrier that says nothing until it wakes up."""

    is_awake = False

    def book(self, request: BookingRequest) -> BookingAnswer:
        if not self.is_awake:
            return BookingUnknown(reason="asleep")
        return Booked(tracking_number=f"T-{request.parcel.id}")


def test_much_to_do_is_no_contradiction(shop: Shop) -> None:
    """Twelve parcels are booked in one go, though eight rounds are taken for a runaway."""
    carrier = LazyCarrier()
    service = OrderService(
        store=shop.store,
        payments=shop.till,
        carrier=carrier,
        ids=Ids("busy"),
        settings=Settings(rounds=8),
    )
    shop.service = service
    shop.receive("tea", 12)
    order = shop.place(line("tea", 12), tenders=(ACCOUNT,), terms=Terms(book_carrier=True))
    (work,) = order.fulfilment.open_orders
    for number in range(12):
        items = (PackItem(line=LineId("tea"), quantity=1),)
        name = ParcelId(f"P{number}")
        shop.do(order.id, PackParcel(parcel=name, fulfilment=work.id, items=items, carrier="post"))
    carrier.is_awake = True
    shop.clock.forward(timedelta(days=1))
    assert () == service.run_due(limit=1).failed
    parcels = shop.load(order.id).fulfilment.parcels.values()
    assert all(parcel.tracking_number is not None for parcel in parcels)


def test_an_unreadable_commit_stops_no_other_stream(tmp_path: Path) -> None:
    """The relay tells of the other orders, and names the one that cannot be read (X-3)."""
    shop = Shop()
    path = tmp_path / "shop.db"
    shop.store = SqliteStore(path)
    shop.service = shop.another()
    shop.receive("tea", 5)
    bad, good = (shop.place(line("tea", 1), tenders=(ACCOUNT,)) for _ in range(2))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE oc_commits SET events = '[' WHERE stream = ?", (bad.id,))
        connection.commit()
    heard: list[StreamId] = []

    class Ear(EventPublisher):
        def publish(self, envelope: Envelope) -> None:
            heard.append(envelope.subject)

    done = Relay(outbox=shop.store, publisher=Ear()).run()
    assert [bad.stream] == [stream for stream, _ in done.waiting]
    assert good.stream in heard


class Odd(Till):
    """A gateway with a bug: it answers with a word, or stumbles."""

    word: object = True

    def _call(self, call: PaymentCall) -> Answer:
        if self.word is None:
            raise ValueError(call.tender.instrument)
        return cast("Answer", self.word)


@pytest.mark.parametrize("word", [True, None, NotFound()])
def test_what_is_no_answer_is_doubt(shop: Shop, word: object) -> None:
    """A gateway's bug is kept beside the operation, with its place and without its words (X-4)."""
    shop.receive("tea", 5)
    till = Odd()
    till.word = word
    shop.till = till
    shop.service = shop.another("odd")
    order = shop.place(line("tea", 1))
    (operation,) = order.payment.operations.values()
    assert Flag.IN_DOUBT in statuses(order).flags
    says = "test_recovery.py" if word is None else type(word).__name__
    assert says in operation.reason
    assert "tok_visa" not in operation.reason


def dead_before_its_call(shop: Shop) -> Interrupted:
    """The store of a shop that died when it had placed "o" and not yet asked the gateway."""
    store = store_of(shop)
    shop.receive("tea", 1)
    store.dies_after.append(True)
    with pytest.raises(KeyboardInterrupt):
        shop.service.place(
            basket(line("tea", 1)), key="k", by=BUYER, order=OrderId("o"), tenders=(CARD,)
        )
    return store


def test_a_call_leaves_the_record_of_failures_as_it_is(shop: Shop) -> None:
    """A renewed lease would clear it: an order that fails keeps its name until it has a rest."""
    store = dead_before_its_call(shop)
    stream = StreamId("o")
    store.failed(stream, error="boom", back_off=(timedelta(0),))
    store.dies_after.append(True)
    with pytest.raises(KeyboardInterrupt):
        shop.service.advance(OrderId("o"))
    assert 1 == len(shop.till.calls)
    assert [(stream, "boom")] == [(row.stream, row.last_error) for row in store.failing()]
    shop.service.advance(OrderId("o"))
    assert () == store.failing()


def test_a_renewal_that_takes_long_does_not_send_too_late(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PAY-2: the window is looked at after the lease was renewed, however long that took."""
    store = dead_before_its_call(shop)
    shop.clock.forward(LEASE - timedelta(seconds=20))
    awake = store.sleep

    def slow(stream: StreamId, *, version: int, wakes: int, due_at: datetime | None) -> bool:
        monkeypatch.undo()
        shop.clock.forward(timedelta(minutes=20))
        return awake(stream, version=version, wakes=wakes, due_at=due_at)

    monkeypatch.setattr(store, "sleep", slow)
    shop.service.advance(OrderId("o"))
    assert [] == shop.till.calls


def test_who_renews_a_lease_after_somebody_else_looks_at_what_that_one_did(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one has made the call: it is not due any more, and not made a second time."""
    store = dead_before_its_call(shop)
    shop.clock.forward(LEASE - timedelta(seconds=20))
    awake, other = store.sleep, shop.another("other")

    def late(stream: StreamId, *, version: int, wakes: int, due_at: datetime | None) -> bool:
        monkeypatch.undo()
        other.advance(OrderId("o"))
        return awake(stream, version=version, wakes=wakes, due_at=due_at)

    monkeypatch.setattr(store, "sleep", late)
    order = shop.service.advance(OrderId("o"))
    assert 1 == len(shop.till.calls)
    assert order == shop.load(OrderId("o"))


@pytest.mark.parametrize("seconds", [31, 3600])
def test_a_renewed_lease_is_as_long_as_the_call_and_the_settings_need(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """Twice what a call may take, and never less than the lease of the settings."""
    store = dead_before_its_call(shop)
    shop.clock.forward(LEASE - timedelta(seconds=20))
    settings = Settings(lease=timedelta(seconds=seconds))
    service = OrderService(store=store, payments=shop.till, ids=Ids("b"), settings=settings)
    awake, until = store.sleep, list[datetime | None]()

    def told(stream: StreamId, *, version: int, wakes: int, due_at: datetime | None) -> bool:
        until.append(due_at)
        return awake(stream, version=version, wakes=wakes, due_at=due_at)

    monkeypatch.setattr(store, "sleep", told)
    service.advance(OrderId("o"))
    first = until[0]
    assert first is not None
    longest = 2 * shop.till.capabilities.call_timeout
    assert first - shop.clock.now > max(settings.lease, longest) - timedelta(seconds=1)
