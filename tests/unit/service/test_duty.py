"""Workers: poison kept out of the way, a store that is down, several at once, and a clean stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from ordercore.adapters.aio import ThreadedStore
from ordercore.adapters.memory import MemoryStore
from ordercore.adapters.sqlite import SqliteStore
from ordercore.errors import InvalidValueError, UnavailableError
from ordercore.ids import CommitId, OrderId, StreamId
from ordercore.order.model import Order
from ordercore.order.status import Flag, statuses
from ordercore.payment.answers import LookUpAnswer
from ordercore.payment.model import OperationStatus
from ordercore.ports.gateways import PaymentCall
from ordercore.ports.repositories import Store, StoredStream
from ordercore.ports.unit_of_work import (
    ChangeSet,
    CorruptStreamError,
    StoreBusyError,
    StreamChange,
)
from ordercore.service.aio import AsyncOrderService
from ordercore.service.duty import (
    OUTAGE,
    Duty,
    SignalNotTakenError,
    Stop,
    stopping,
    work,
    work_async,
)
from ordercore.service.sync import OrderService
from ordercore.service.worker import BACK_OFF, Round
from ordercore.testing.contracts._world import note
from tests.contracts.life import AsyncTill
from tests.laws.order_world import ACCOUNT, STAFF, Fate, Ids, Shop, Till, line

ROOT: Final = Path(__file__).resolve().parents[3]
DAY: Final = timedelta(days=1)


class Spoilt(MemoryStore):
    """A memory store in which some streams cannot be read, or that is down for some calls."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__(clock=clock)
        self.spoilt = set[StreamId]()
        self.down = 0

    def load(self, stream: StreamId) -> StoredStream:
        if stream in self.spoilt:
            raise CorruptStreamError(stream, 1, "it was spoilt")
        return super().load(stream)

    def take_due(self, *, limit: int, lease: timedelta) -> tuple[StreamId, ...]:
        if self.down:
            self.down -= 1
            raise StoreBusyError
        return super().take_due(limit=limit, lease=lease)


def spoil(store: Store, stream: StreamId, path: Path) -> None:
    """Make a stream unreadable in the way of its store."""
    if isinstance(store, Spoilt):
        store.spoilt.add(stream)
        return
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE oc_commits SET events = '[' WHERE stream = ?", (stream,))
        connection.execute("DELETE FROM oc_snapshots WHERE stream = ?", (stream,))
        connection.commit()


def ring(store: Store, *streams: StreamId, name: str = "bell") -> None:
    """Wake these streams: they are due now."""
    change = StreamChange(stream=StreamId(name), expected_version=0, events=(note(),))
    bell = ChangeSet(
        commit=CommitId(name), by=STAFF, occurred_at=note().at, streams=(change,), wakes=streams
    )
    store.commit(bell)


@pytest.fixture(params=["memory", "sqlite"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """A shop over a store that can be spoilt."""
    made = Shop()
    path = tmp_path / "shop.db"
    made.store = (
        Spoilt(made.clock) if request.param == "memory" else SqliteStore(path, clock=made.clock)
    )
    made.service = made.another()
    made.receive("tea", 99)
    yield made
    made.store.close()


class Tired(Stop):
    """A wish to stop after so many waits, each of which lets time pass at once."""

    def __init__(self, shop: Shop, most: int) -> None:
        super().__init__()
        self.shop, self.most = shop, most
        self.waits: list[timedelta] = []

    def wait(self, most: timedelta) -> bool:
        self.waits.append(most)
        self.shop.clock.forward(most)
        if len(self.waits) == self.most:
            self.wish()
        return bool(self)


def test_poison_waits_longer_and_longer_beside_healthy_orders(shop: Shop, tmp_path: Path) -> None:
    """It blocks nobody, is tried by the schedule, at last once in six hours, and has a name."""
    bad, *good = (shop.place(line("tea", 1), tenders=(ACCOUNT,)).stream for _ in range(4))
    spoil(shop.store, bad, tmp_path / "shop.db")
    ring(shop.store, bad, *good)
    found = shop.service.run_due(limit=10)
    assert {*good} <= {*found.served}
    ((failed, code),) = found.failed
    assert bad == failed
    for attempt, wait in enumerate((*BACK_OFF, BACK_OFF[-1], BACK_OFF[-1]), start=1):
        (row,) = shop.store.failing()
        assert (bad, attempt, code) == (row.stream, row.attempts, row.last_error)
        assert row.due_at is not None
        left = row.due_at - shop.clock.now
        assert wait - timedelta(seconds=1) < left <= wait
        shop.clock.forward(wait - timedelta(seconds=1))
        assert () == shop.service.run_due(limit=10).failed
        shop.clock.forward(timedelta(seconds=2))
        assert ((bad, code),) == shop.service.run_due(limit=10).failed


def test_an_order_that_is_well_again_fails_no_longer(shop: Shop, tmp_path: Path) -> None:
    """Its failures are forgotten with the first round that goes well."""
    order = shop.place(line("tea", 1), tenders=(ACCOUNT,))
    if not isinstance(shop.store, Spoilt):
        shop.store.failed(order.stream, error="boom", back_off=(timedelta(0),))
    else:
        spoil(shop.store, order.stream, tmp_path / "shop.db")
        ring(shop.store, order.stream)
        shop.service.run_due(limit=5)
        shop.store.spoilt.clear()
    assert 1 == len(shop.store.failing())
    shop.clock.forward(DAY)
    shop.service.run_due(limit=5)
    assert () == shop.store.failing()


def test_a_store_that_is_down_is_asked_again() -> None:
    """Nothing is lost: the waits grow up to a minute, each is told, then the work goes on."""
    shop = Shop()
    store = shop.store = Spoilt(shop.clock)
    shop.service = shop.another()
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1), tenders=(ACCOUNT,))
    ring(store, order.stream)
    store.down = 6
    told: list[Round | UnavailableError] = []
    stop = Tired(shop, 8)
    duty = work(shop.service, stop=stop, tell=told.append)
    assert [*OUTAGE, OUTAGE[-1], OUTAGE[-1], *[timedelta(seconds=1)] * 2] == stop.waits
    assert Duty(served=1, failed=0, outages=6) == duty
    assert [StoreBusyError] * 6 == [type(one) for one in told[:6]]
    assert Round(served=(order.stream,)) == told[6]


def test_a_store_that_fails_on_one_order_is_no_poison_for_the_rest() -> None:
    """What cannot be written when it fails comes back with its lease; the worker stays on duty."""
    shop = Shop()

    class Gone(Spoilt):
        """It gives an order away, and is gone before anything is read or written of it."""

        def load(self, stream: StreamId) -> StoredStream:
            if self.down:
                raise StoreBusyError
            return super().load(stream)

        def take_due(self, *, limit: int, lease: timedelta) -> tuple[StreamId, ...]:
            return MemoryStore.take_due(self, limit=limit, lease=lease)

        def failed(self, stream: StreamId, *, error: str, back_off: tuple[timedelta, ...]) -> int:
            del stream, error, back_off
            self.down -= 1
            raise StoreBusyError

    store = shop.store = Gone(shop.clock)
    shop.service = shop.another()
    shop.receive("tea", 1)
    order = shop.place(line("tea", 1), tenders=(ACCOUNT,))
    ring(store, order.stream)
    store.down = 1
    duty = work(shop.service, stop=Tired(shop, 90))
    assert Duty(served=1, failed=0, outages=1) == duty


def doubted(shop: Shop) -> Order:
    """An order whose authorisation was sent, and nobody knows what became of it."""
    shop.till.fates.append(Fate.LOST_ANSWER)
    return shop.place(line("tea", 1))


def test_two_workers_share_the_work(shop: Shop) -> None:
    """Each order is served by one of them; none is called for twice."""
    orders = [doubted(shop) for _ in range(6)]
    shop.clock.forward(timedelta(minutes=20))
    asked: list[str] = []

    class Counting(Till):
        def look_up(self, call: PaymentCall) -> LookUpAnswer:
            asked.append(call.order)
            return super().look_up(call)

    till = Counting(done=shop.till.done)
    stop = Stop()
    done = threading.Semaphore(0)

    def tell(told: Round | UnavailableError) -> None:
        assert isinstance(told, Round)
        for _ in told.served:
            done.release()

    def on_duty(name: str) -> None:
        service = OrderService(store=shop.store, payments=till, ids=Ids(name))
        work(service, stop=stop, pause=timedelta(milliseconds=5), tell=tell)

    workers = [threading.Thread(target=on_duty, args=(name,)) for name in ("one", "two")]
    for worker in workers:
        worker.start()
    for _ in orders:
        assert done.acquire(timeout=30)
    stop.wish()
    for worker in workers:
        worker.join(timeout=30)
    assert sorted(asked) == sorted(order.id for order in orders)
    assert all(not statuses(shop.load(order.id)).flags for order in orders)


def test_a_worker_that_awaits_stops_too(shop: Shop) -> None:
    """The same duty on an event loop, which goes on with other work meanwhile."""
    order = doubted(shop)
    shop.clock.forward(timedelta(minutes=20))
    service = AsyncOrderService(store=ThreadedStore(shop.store), payments=AsyncTill(shop.till))
    stop = Stop()

    async def both() -> Duty:
        duty = asyncio.create_task(work_async(service, stop=stop, tell=lambda _: stop.wish()))
        return await asyncio.wait_for(duty, timeout=30)

    assert Duty(served=1) == asyncio.run(both())
    assert Flag.IN_DOUBT not in statuses(shop.load(order.id)).flags


def test_an_idle_worker_that_awaits_looks_at_the_wish() -> None:
    """A wish that comes while nothing is due ends the pause."""
    shop = Shop()
    service = AsyncOrderService(store=ThreadedStore(shop.store), payments=AsyncTill(shop.till))
    stop = Stop()

    async def both() -> Duty:
        duty = asyncio.create_task(work_async(service, stop=stop, pause=DAY))
        await asyncio.sleep(0.05)
        stop.wish()
        return await asyncio.wait_for(duty, timeout=30)

    assert Duty() == asyncio.run(both())


def test_a_signal_ends_the_duty_when_the_call_is_over(tmp_path: Path) -> None:
    """SIGTERM while a gateway thinks: its answer is written, and the process ends with 0."""
    path = tmp_path / "shop.db"
    shop = Shop()
    shop.store = SqliteStore(path, clock=lambda: datetime.now(UTC))
    shop.service = shop.another()
    shop.receive("tea", 2)
    first, second = doubted(shop), doubted(shop)
    assert Flag.IN_DOUBT in statuses(first).flags
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("on_duty.py")), str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert "asked\n" == process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert "served 1, failed 0\n" == process.stdout.readline()
        assert 0 == process.wait(timeout=30)
    flags = [Flag.IN_DOUBT in statuses(shop.load(order.id)).flags for order in (first, second)]
    assert [False, True] == sorted(flags)
    assert () == shop.store.failing()
    shop.store.close()


def test_signals_mean_afterwards_what_they_meant_before() -> None:
    """The handlers are put back; a signal in between is a wish, and no exception."""
    before = signal.getsignal(signal.SIGTERM)
    with stopping(signals=(signal.SIGTERM,)) as stop:
        assert not stop
        signal.raise_signal(signal.SIGTERM)
        assert stop
    assert before is signal.getsignal(signal.SIGTERM)
    assert Duty() == work(Shop().service, stop=stop)


def test_a_signal_that_is_named_twice_is_put_back() -> None:
    """It is taken once, so that the wish is not taken for what it meant before."""
    before = signal.getsignal(signal.SIGTERM)
    with stopping(signals=(signal.SIGTERM, signal.SIGTERM)) as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop
    assert before is signal.getsignal(signal.SIGTERM)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (signal.SIGKILL, "The signal SIGKILL cannot be made a wish to stop: no process may"),
        (9_999, "The signal 9999 cannot be made a wish to stop: it is no signal"),
        ("SIGINT", "The signal 'SIGINT' cannot be made a wish to stop: it is no signal"),
    ],
)
def test_a_signal_that_cannot_be_taken_is_named(wrong: Any, sentence: str) -> None:  # noqa: ANN401 - it is bad on purpose
    """A typed error says which; those that were taken before it mean what they meant."""
    before = signal.getsignal(signal.SIGTERM)
    with (
        pytest.raises(SignalNotTakenError, match=sentence),
        stopping(signals=(signal.SIGTERM, wrong)),
    ):
        pytest.fail("nobody may be on duty")
    assert before is signal.getsignal(signal.SIGTERM)


def test_another_thread_takes_no_signals() -> None:
    """It is told so by the typed error."""
    told: list[str] = []

    def on_duty() -> None:
        try:
            with stopping():
                told.append("on duty")
        except SignalNotTakenError as error:
            told.append(str(error))

    thread = threading.Thread(target=on_duty)
    thread.start()
    thread.join(timeout=30)
    problem = "signals reach the main thread only"
    assert [f"The signal SIGTERM cannot be made a wish to stop: {problem}."] == told


@pytest.mark.parametrize("pause", [timedelta(0), timedelta(-1), timedelta(days=2), 1, None])
def test_a_pause_is_a_time(pause: Any) -> None:  # noqa: ANN401 - it is bad on purpose
    """A worker that would never rest, or never come back, is refused by a typed error."""
    with pytest.raises(InvalidValueError):
        work(Shop().service, stop=Stop(), pause=pause)


def test_what_nobody_can_say_is_left_to_a_person(shop: Shop) -> None:
    """PAY-2: a payment that stays in doubt is parked by the schedule; its order is no poison."""

    class Dumb(Till):
        def look_up(self, call: PaymentCall) -> LookUpAnswer:
            del call
            raise ConnectionError

    order = doubted(shop)
    shop.till = Dumb()
    shop.service = shop.another("dumb")
    shop.rest(rounds=20, step=timedelta(hours=12))
    after = shop.load(OrderId(order.id))
    assert [OperationStatus.PARKED] == [found.status for found in after.payment.operations.values()]
    assert () == shop.store.failing()
