"""The shipped contract suite against PostgreSQL, and what only a server can do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from attrs import evolve

from ordercore.adapters.errors import (
    SchemaMismatchError,
    StoreClosedError,
    StoreFailedError,
    UnusablePathError,
)
from ordercore.ids import CommitId, Key, OrderId, StreamId
from ordercore.inventory.audit import audit
from ordercore.money import EUR, Money
from ordercore.ports.repositories import Store
from ordercore.ports.unit_of_work import StoreBusyError, VersionConflictError
from ordercore.service.sync import OrderService
from ordercore.testing.contracts._world import (
    NOON,
    changes,
    note,
    open_order,
    placed,
    received,
    reserved,
    stock_change,
    stream_change,
)
from ordercore.testing.contracts.store import StoreContract
from ordercore.testing.sandbox import SandboxGateway
from tests.contracts import life
from tests.laws.order_world import ACCOUNT, Shop, line
from tests.laws.test_snapshots import LIFE, law_of_snapshots

sqlalchemy = pytest.importorskip("sqlalchemy", reason="the extra sqlalchemy is not installed")
pytest.importorskip("psycopg", reason="the extra postgres is not installed")

import psycopg  # noqa: E402 - only where it is there

import ordercore.adapters.sqlalchemy as adapter  # noqa: E402 - only where SQLAlchemy is there

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from ordercore.adapters.sqlalchemy import SqlAlchemyStore

ONE: Final = StreamId("o-1")
METADATA: Final = sqlalchemy.MetaData()
TABLES: Final = adapter.build_tables(METADATA)


@pytest.fixture(scope="module")
def engine(postgres: str) -> Iterator[Engine]:
    """An engine with all tables."""
    made = sqlalchemy.create_engine(postgres, pool_size=20)
    METADATA.create_all(made)
    yield made
    made.dispose()


@contextmanager
def fresh(engine: Engine) -> Generator[SqlAlchemyStore]:
    """A store over empty tables."""
    names = ", ".join(table.name for table in METADATA.sorted_tables)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(f"TRUNCATE {names} RESTART IDENTITY"))
    store = adapter.SqlAlchemyStore(engine, TABLES)
    yield store
    store.close()


@pytest.fixture
def store(engine: Engine) -> Iterator[SqlAlchemyStore]:
    with fresh(engine) as made:
        yield made


class TestPostgres(StoreContract):
    """The same promises as every store."""

    @pytest.fixture
    def store(self, engine: Engine) -> Iterator[Store]:
        with fresh(engine) as made:
            yield made


# --- what only a server can do ------------------------------------------------------------------


def test_the_clock_is_the_databases(engine: Engine, store: SqlAlchemyStore) -> None:
    """All machines share it, whatever their own clocks say."""
    with engine.connect() as connection:
        first = connection.execute(sqlalchemy.text("SELECT clock_timestamp()")).scalar_one()
        told = store.now()
        second = connection.execute(sqlalchemy.text("SELECT clock_timestamp()")).scalar_one()
    assert first <= told <= second


def test_poison_blocks_no_healthy_order(engine: Engine, store: SqlAlchemyStore) -> None:
    """What cannot be read waits, by name; what is well is served, by two workers at once."""
    shop = Shop()
    shop.store, shop.service = store, OrderService(store=store, payments=shop.till)
    shop.receive("tea", 9)
    bad, *good = (shop.place(line("tea", 1), tenders=(ACCOUNT,)).stream for _ in range(5))
    with engine.begin() as connection:
        spoil = "UPDATE oc_commits SET events = '[' WHERE stream = :bad"
        connection.execute(sqlalchemy.text(spoil), {"bad": bad})
    change = stream_change(StreamId("bell"), note())
    store.commit(evolve(changes(change, commit="bell"), wakes=(bad, *good)))
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(shop.service.run_due, limit=5) for _ in range(2)]
        rounds = [each.result() for each in both]
    assert sorted([*good, bad]) == sorted(
        [stream for done in rounds for stream in (*done.served, *dict(done.failed))]
    )
    (row,) = store.failing()
    ((failed, code),) = [pair for done in rounds for pair in done.failed]
    assert (bad, bad, 1, code) == (failed, row.stream, row.attempts, row.last_error)
    assert shop.service.run_due(limit=5).is_idle


def test_workers_pass_over_what_others_hold(engine: Engine, store: SqlAlchemyStore) -> None:
    """A stream that is being worked on is skipped, not waited for."""
    for number in (1, 2):
        change = evolve(stream_change(StreamId(f"o-{number}"), note()), due_at=NOON)
        store.commit(changes(change, commit=f"c-{number}"))
    with engine.begin() as other:
        lock = "SELECT 1 FROM oc_schedule WHERE stream = 'o-1' FOR UPDATE"
        other.execute(sqlalchemy.text(lock))
        assert ("o-2",) == store.take_due(limit=9, lease=timedelta(days=1))
    assert ("o-1",) == store.take_due(limit=9, lease=timedelta(days=1))


def test_a_wake_does_not_wait_for_the_one_it_wakes(engine: Engine, store: SqlAlchemyStore) -> None:
    """A commit in flight has its stream's row; whoever wakes the stream goes on all the same."""
    open_order(store, ONE)
    with engine.begin() as other:
        lock = "SELECT 1 FROM oc_streams WHERE stream = 'o-1' FOR UPDATE"
        other.execute(sqlalchemy.text(lock))
        wake = evolve(changes(stream_change(StreamId("o-2"), note()), commit="c"), wakes=(ONE,))
        assert (ONE,) == store.commit(wake).woken


def test_a_commit_stands_or_falls_with_the_hosts_transaction(
    engine: Engine, store: SqlAlchemyStore
) -> None:
    """Inside the host's transaction each call works in a savepoint."""
    with engine.connect() as connection:
        within = store.within(connection)
        within.commit(changes(stream_change(ONE, note()), commit="c-1", key="k-1"))
        with pytest.raises(VersionConflictError):
            within.commit(changes(stream_change(ONE, note()), commit="c-2"))
        assert 1 == within.load(ONE).version
        assert () == store.streams()
        connection.rollback()
        assert () == within.streams()
        within.commit(changes(stream_change(ONE, note()), commit="c-3", key="k-1"))
        connection.commit()
    assert (ONE,) == store.streams()
    found = store.find_key(Key("k-1"))
    assert found is not None
    assert CommitId("c-3") == found.commit


def test_a_statement_that_waits_too_long_says_so(engine: Engine, store: SqlAlchemyStore) -> None:
    """`StoreBusyError` with its cause; nothing was written, and the same key works afterwards."""
    store.commit(changes(stock_change("r-1", received(1)), commit="c-1"))
    wanted = changes(stock_change("r-2", received(1)), commit="c-2", key="k-2")
    with engine.begin() as other:
        other.execute(sqlalchemy.text("SELECT 1 FROM oc_stock FOR UPDATE"))
        with engine.connect() as impatient:
            impatient.execute(sqlalchemy.text("SET LOCAL lock_timeout = '50ms'"))
            with pytest.raises(StoreBusyError) as caught:
                store.within(impatient).commit(wanted)
    assert isinstance(caught.value.__cause__, sqlalchemy.exc.DBAPIError)
    assert None is store.find_key(Key("k-2"))
    store.commit(wanted)
    assert 2 == sum(row.on_hand for _, row in store.all_counters())


def test_of_two_that_wait_in_a_circle_one_is_told(engine: Engine, store: SqlAlchemyStore) -> None:
    """A host that locks in its own order may meet ours: `StoreBusyError`, and nobody hangs."""
    store.commit(changes(stock_change("r-1", received(1)), commit="c-1"))
    open_order(store, ONE)
    wanted = stream_change(ONE, note(), reserved(ONE), after=1)
    lock = "SELECT 1 FROM oc_streams WHERE stream = 'o-1' FOR UPDATE"
    with engine.connect() as host, ThreadPoolExecutor(1) as pool:
        host.execute(sqlalchemy.text("SET LOCAL deadlock_timeout = '10s'"))
        host.execute(sqlalchemy.text("SELECT 1 FROM oc_stock FOR UPDATE"))
        waiting = pool.submit(store.commit, changes(wanted, commit="c-2", key="k-2"))
        _wait_for_a_lock(engine)
        host.execute(sqlalchemy.text(lock))
        with pytest.raises(StoreBusyError):
            waiting.result(timeout=30)
    assert None is store.find_key(Key("k-2"))
    assert {ONE: 3} == store.commit(changes(wanted, commit="c-2", key="k-2")).versions


def _wait_for_a_lock(engine: Engine) -> None:
    """Until some statement waits for a lock that another transaction has."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    for _ in range(500):
        with engine.connect() as connection:
            if connection.execute(sqlalchemy.text(waiting)).scalar_one():
                return
        time.sleep(0.01)
    pytest.fail("nobody waits for a lock")


class Forgetful(psycopg.Connection[Any]):
    """A connection that is lost after the server committed, before it could say so."""

    def commit(self) -> None:
        super().commit()
        self.close()
        raise psycopg.OperationalError("the connection is lost")


def test_a_commit_that_raised_but_succeeded_is_found_again(
    engine: Engine, store: SqlAlchemyStore
) -> None:
    """The caller asks by the commit's id, or says it again: it is written once."""
    connected = sqlalchemy.create_engine(engine.url)
    unlucky = adapter.SqlAlchemyStore(connected, TABLES)
    sqlalchemy.event.listen(connected, "do_connect", _connect_forgetful)
    connected.dispose()
    wanted = changes(stream_change(ONE, placed(ONE)), commit="c-1", key="k-1")
    with pytest.raises(StoreFailedError):
        unlucky.commit(wanted)
    connected.dispose()
    found = store.find_commit(CommitId("c-1"))
    assert found is not None
    assert found == store.commit(wanted) == store.find_key(Key("k-1"))
    assert 1 == store.load(ONE).version


def _connect_forgetful(
    dialect: object, record: object, args: tuple[Any, ...], options: dict[str, Any]
) -> Forgetful:
    del dialect, record
    return Forgetful.connect(*args, **options)


def test_an_order_lives_its_life(store: SqlAlchemyStore) -> None:
    """Placed, sent, taken back and refunded; awaited in threads it is the same life."""
    till = SandboxGateway(":memory:", decline=False)
    one, two = OrderId("o-1"), OrderId("o-2")
    facts = life.live(store, till, one)
    assert facts == asyncio.run(life.live_async(store, till, two))
    assert {"OrderPlaced", "ShipmentDispatched", "CreditGranted"} <= set(facts)
    for order in (one, two):
        assert Money(1500, EUR) == till.captured(order)
        assert Money(500, EUR) == till.refunded(order)
    assert () == till.violations()
    counters = [row for _, row in store.all_counters()]
    assert [(2, 0)] == [(row.on_hand, row.reserved) for row in counters]
    assert () == tuple(audit(store.ledger(), store.all_counters()))


def test_an_order_is_read_from_its_snapshots(engine: Engine, store: SqlAlchemyStore) -> None:
    """Whatever was cached, what comes back is the order that its facts make."""
    del store  # its tables are empty
    law_of_snapshots(LIFE, lambda clock: adapter.SqlAlchemyStore(engine, TABLES, clock=clock), 0)


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE oc_series",
        "ALTER TABLE oc_stock DROP COLUMN allotment",
        "ALTER TABLE oc_stock ALTER COLUMN tracked TYPE text",
        "ALTER TABLE oc_stock ALTER COLUMN tracked DROP NOT NULL",
        "ALTER TABLE oc_claims DROP CONSTRAINT oc_claims_pkey",
        "DROP INDEX oc_commits_key",
        "DROP INDEX oc_ledger_cause",
    ],
)
def test_another_schema_is_refused_when_opened(engine: Engine, change: str) -> None:
    """What is missing or different stops at once, not at the first order."""
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(change))
    try:
        with pytest.raises(SchemaMismatchError):
            adapter.SqlAlchemyStore(engine)
    finally:
        METADATA.drop_all(engine)
        METADATA.create_all(engine)


def test_tables_may_have_another_prefix(engine: Engine) -> None:
    """Two shops in one database do not see each other."""
    metadata = sqlalchemy.MetaData()
    tables = [adapter.build_tables(metadata, prefix) for prefix in ("berlin_", "paris_")]
    metadata.create_all(engine)
    berlin, paris = (adapter.SqlAlchemyStore(engine, those) for those in tables)
    open_order(berlin, ONE)
    assert ((ONE,), ()) == (berlin.streams(), paris.streams())
    metadata.drop_all(engine)


def test_another_dialect_is_refused() -> None:
    """The store speaks PostgreSQL; for SQLite there is `SqliteStore`."""
    with pytest.raises(UnusablePathError):
        adapter.SqlAlchemyStore(sqlalchemy.create_engine("sqlite://"))


def test_a_server_that_is_not_there_is_told(engine: Engine) -> None:
    """An error of ours: retry later with the same key."""
    url = engine.url.set(query={"host": "/nowhere"})
    with pytest.raises(StoreFailedError):
        adapter.SqlAlchemyStore(sqlalchemy.create_engine(url))


def test_a_closed_store_says_so(store: SqlAlchemyStore) -> None:
    """The host's engine is left as it is."""
    store.close()
    with pytest.raises(StoreClosedError):
        store.streams()
