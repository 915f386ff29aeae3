"""
How fast `SqliteStore` places orders, beside bare sqlite3 that writes the same rows.

Both run in turns in one process, a few orders each, with the same settings (write-ahead log,
synchronous FULL) and the same tables. The bare loop replays exactly the rows that the store wrote,
encoded before the clock starts, so it is the least that the same durability can cost. Run it by
hand::

    python tests/benchmarks/bench_sqlite.py [orders] [rounds]
"""

from __future__ import annotations

import gc
import sqlite3
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

from attrs import evolve, frozen

from ordercore.adapters._sqlite_schema import SCHEMA
from ordercore.adapters.sqlite import SqliteStore
from ordercore.codec.registry import encode_events
from ordercore.ids import (
    Actor,
    CommitId,
    ItemId,
    Key,
    LineId,
    LocationId,
    OrderId,
    Series,
    Sku,
    StreamId,
)
from ordercore.inventory.commands import ReceivedLine
from ordercore.inventory.events import StockReceived, UnitsReserved
from ordercore.inventory.model import Allocation
from ordercore.money import EUR, Money
from ordercore.order.events import OrderConfirmed, OrderPlaced
from ordercore.order.terms import Terms
from ordercore.ports.unit_of_work import ChangeSet, OrderSummary, StreamChange, StreamKind
from ordercore.pricing.model import PricedLine, PricedOrder, PricedTax, UnitPrice

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
SHOP = LocationId("shop")
ITEMS = tuple(ItemId(f"item-{number}") for number in range(50))
LINES = 3
TURN = 20


def priced(number: int) -> PricedOrder:
    """Three lines with tax."""
    lines = tuple(
        PricedLine(
            id=LineId(str(line + 1)),
            item=ITEMS[(number * LINES + line) % len(ITEMS)],
            sku=Sku(f"SKU-{line}"),
            title="A thing of beauty",
            quantity=1,
            unit_price=UnitPrice(Money(1190, EUR)),
            list_amount=Money(1190, EUR),
            charged=Money(1190, EUR),
            taxes=(PricedTax(code="vat", rate=Fraction(19, 100), amount=Money(190, EUR)),),
            tax_included=True,
        )
        for line in range(LINES)
    )
    return PricedOrder(currency=EUR, lines=lines)


def order(number: int) -> ChangeSet:
    """A placed order: three facts, three moves, a number, a key."""
    stream = StreamId(f"order-{number:08d}")
    content = priced(number)
    allocations = tuple(
        Allocation(line=line.id, item=line.item, location=SHOP, reserved=1)
        for line in content.lines
    )
    events = (
        OrderPlaced(
            at=AT, series=Series("ORD"), order=OrderId(stream), priced=content, terms=Terms()
        ),
        UnitsReserved(at=AT, owner=stream, allocations=allocations),
        OrderConfirmed(at=AT),
    )
    columns = OrderSummary(
        status="confirmed",
        payment="unpaid",
        fulfilment="unfulfilled",
        returned="none",
        currency="EUR",
        total_minor=content.total.minor,
        placed_at=AT,
    )
    change = StreamChange(
        stream=stream,
        expected_version=0,
        events=events,
        counts=True,
        due_at=AT + timedelta(hours=1),
        summary=columns,
    )
    return ChangeSet(
        commit=CommitId(f"commit-{number:08d}"),
        key=Key(f"key-{number:08d}"),
        fingerprint="0" * 64,
        by=Actor("customer:42"),
        occurred_at=AT,
        streams=(change,),
    )


def fill(store: SqliteStore) -> None:
    """Enough stock for everybody."""
    lines = tuple(ReceivedLine(item=item, location=SHOP, quantity=10**9) for item in ITEMS)
    change = StreamChange(
        stream=StreamId("receipt"),
        kind=StreamKind.INVENTORY,
        expected_version=0,
        events=(StockReceived(at=AT, lines=lines),),
    )
    store.commit(evolve(order(0), commit=CommitId("receipt"), key=None, streams=(change,)))


BARE = (
    ("oc_streams", "stream = ?"),
    ("oc_commits", "stream = ?"),
    ("oc_outbox", "stream = ?"),
    ("oc_reservations", "owner = ?"),
    ("oc_ledger", "stream = ?"),
)
"""The tables of which each order writes rows of its own, and how they are found."""


def rows_of(source: sqlite3.Connection, stream: str) -> list[tuple[str, list[tuple[object, ...]]]]:
    """What the store wrote for one order, as statements with their rows."""
    found: list[tuple[str, list[tuple[object, ...]]]] = []
    for table, condition in BARE:
        query = f"SELECT * FROM {table} WHERE {condition}"  # noqa: S608 - names from BARE
        rows = source.execute(query, (stream,)).fetchall()
        marks = ", ".join("?" * len(rows[0]))
        found.append((f"INSERT INTO {table} VALUES ({marks})", rows))  # noqa: S608
    return found


@frozen
class Bare:
    """What one order writes: the items it takes from, and all rows of its own."""

    items: list[str]
    rows: list[tuple[str, list[tuple[object, ...]]]]


def prepared(path: Path, source: Path, count: int) -> list[Bare]:
    """Make a fresh file with the tables and the stock; answers what to write into it."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in SCHEMA.values():
        connection.execute(statement)
    connection.execute("ATTACH ? AS source", (str(source),))
    connection.execute("INSERT INTO oc_stock SELECT * FROM source.oc_stock")
    connection.execute("UPDATE oc_stock SET reserved = 0")
    connection.execute("INSERT INTO oc_series VALUES ('ORD', 0)")
    connection.execute("DETACH source")
    connection.close()
    reader = sqlite3.connect(source)
    work = [
        Bare(
            [str(ITEMS[(number * LINES + line) % len(ITEMS)]) for line in range(LINES)],
            rows_of(reader, f"order-{number:08d}"),
        )
        for number in range(count)
    ]
    reader.close()
    return work


def write_bare(connection: sqlite3.Connection, order: Bare) -> None:
    """The same rows, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    for item in order.items:
        connection.execute(
            "UPDATE oc_stock SET reserved = reserved + 1 WHERE item = ? AND location = ?",
            (item, SHOP),
        )
    connection.execute("UPDATE oc_series SET last = last + 1 WHERE series = 'ORD'")
    for statement, rows in order.rows:
        connection.executemany(statement, rows)
    connection.execute("COMMIT")


def one_round(folder: Path, changes: list[ChangeSet]) -> tuple[float, float]:
    """Seconds for all orders: the store's, and the bare loop's; a few of each in turns."""
    source = SqliteStore(folder / "source.db")
    fill(source)
    for one in changes:
        source.commit(one)
    source.close()
    work = prepared(folder / "bare.db", folder / "source.db", len(changes))
    store = SqliteStore(folder / "store.db")
    fill(store)
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    gc.collect()
    gc.freeze()  # what was prepared is no part of what is measured
    own_seconds = bare_seconds = 0.0
    for begin in range(0, len(changes), TURN):
        start = time.perf_counter()
        for one in changes[begin : begin + TURN]:
            store.commit(one)
        middle = time.perf_counter()
        for rows in work[begin : begin + TURN]:
            write_bare(bare, rows)
        own_seconds += middle - start
        bare_seconds += time.perf_counter() - middle
    bare.close()
    store.close()
    return own_seconds, bare_seconds


def main(count: int, rounds: int) -> None:
    """Print both figures and their ratio, over all rounds."""
    changes = [order(number) for number in range(count)]
    encode_events(changes[0].streams[0].events)  # the codec is made at the first use
    start = time.perf_counter()
    for one in changes:
        encode_events(one.streams[0].events)
    encoding = (time.perf_counter() - start) / count
    results: list[tuple[float, float]] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            results.append(one_round(Path(folder), changes))
    own, bare = (sum(seconds) / (count * rounds) for seconds in zip(*results, strict=True))
    ratios = sorted(bare / own for own, bare in results)
    print(f"SQLite {sqlite3.sqlite_version}, {count} orders of {LINES} lines, {rounds} rounds")
    print(f"encoding the facts of an order: {encoding * 1e6:8.1f} us")
    print(f"SqliteStore.commit:             {1 / own:8.0f} orders/s")
    print(f"bare sqlite3, the same rows:    {1 / bare:8.0f} orders/s")
    print(f"ratio: {bare / own:.2f} (rounds {ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    main(*(given + [1000, 5][len(given) :]))
