"""Statements of the PostgreSQL store that forget something: the contract suite must notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import pytest

from ordercore.ports.repositories import Store
from tests.planted.test_stores import fails

sqlalchemy = pytest.importorskip("sqlalchemy", reason="the extra sqlalchemy is not installed")

from sqlalchemy import (  # noqa: E402 - only where it is there
    BigInteger,
    MetaData,
    Table,
    bindparam,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert  # noqa: E402

import ordercore.adapters.sqlalchemy as adapter  # noqa: E402

if TYPE_CHECKING:
    from sqlalchemy import Engine, Executable

    from ordercore.adapters.sqlalchemy import Tables


METADATA: Final = MetaData()
TABLES: Final = adapter.build_tables(METADATA)


def _boundless(tables: Tables) -> Executable:
    """A move that asks for no bound."""
    stock = tables.stock
    place = (stock.c.item == bindparam("at_item"), stock.c.location == bindparam("at_location"))
    figures = ("on_hand", "reserved", "queued", "unavailable", "incoming")
    after = {name: stock.c[name] + bindparam(f"by_{name}", type_=BigInteger) for name in figures}
    row = [stock.c[name] for name in (*figures, "safety_stock", "backorder_limit")]
    answer = (*row, stock.c.tracked, stock.c.allotment)
    return update(stock).where(*place).values(after).returning(*answer)


def _unmoved(tables: Tables) -> Executable:
    """The first number of a series, again and again."""
    new = upsert(tables.series)
    same = new.on_conflict_do_update(index_elements=["series"], set_={"last": new.excluded.last})
    return same.returning(tables.series.c.last)


def _unwoken(tables: Tables) -> Executable:
    """A commit that never asks whether its stream was woken meanwhile."""
    rows = tables.schedule
    due = {
        "version": bindparam("to", type_=BigInteger),
        "due_at": bindparam("due", type_=BigInteger),
    }
    return update(rows).where(rows.c.stream == bindparam("of")).values(due)


def _leaseless(tables: Tables) -> Executable:
    """A lease that changes nothing."""
    rows = tables.schedule
    return update(rows).where(rows.c.stream == bindparam("of")).values(due_at=rows.c.due_at)


def _everybody(table: Callable[[Tables], Table], *columns: str) -> Callable[[Tables], Executable]:
    """A read that forgets of whom."""
    return lambda tables: select(*(table(tables).c[name] for name in columns)).limit(0)


BROKEN: Final[dict[str, tuple[str, Callable[[Tables], Executable], str]]] = {
    "the bound": ("move", _boundless, "test_a_promise_keeps_its_bound"),
    "the series": ("take_numbers", _unmoved, "test_numbers_have_no_gap"),
    "the wake": ("set_schedule", _unwoken, "test_no_wake_is_lost_to_a_commit_in_flight"),
    "the lease": ("lease", _leaseless, "test_no_two_workers_take_the_same"),
    "the queue": (
        "queue",
        _everybody(lambda tables: tables.reservations, "owner"),
        "test_a_receipt_fills_the_queue_in_turn",
    ),
    "the holders": (
        "holders",
        _everybody(lambda tables: tables.reservations, "owner"),
        "test_a_lost_unit_sends_the_youngest_back_to_wait",
    ),
    "the snapshot": (
        "snapshot",
        _everybody(lambda tables: tables.snapshots, "version", "state"),
        "test_a_snapshot_and_the_facts_after_it_come_back",
    ),
}
"""What a statement forgets: its name, what stands there instead, and who must see it."""


@pytest.fixture(scope="module")
def engine(postgres: str) -> Iterator[Engine]:
    """An engine with all tables."""
    made = sqlalchemy.create_engine(postgres, pool_size=20)
    METADATA.create_all(made)
    yield made
    made.dispose()


@pytest.mark.parametrize("forgotten", BROKEN)
def test_a_broken_statement_is_noticed(engine: Engine, forgotten: str) -> None:
    """The contract test that speaks of it fails; of the sound statement it does not."""
    attribute, instead, name = BROKEN[forgotten]

    def make(*, broken: bool) -> Store:
        names = ", ".join(METADATA.tables)
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text(f"TRUNCATE {names} RESTART IDENTITY"))
        store = adapter.SqlAlchemyStore(engine, TABLES)
        if broken:
            setattr(store._say, attribute, instead(TABLES))
        return store

    assert not fails(lambda: make(broken=False), name)
    assert fails(lambda: make(broken=True), name)
