"""
How fast `OrderService.place` is on `SqliteStore`, beside bare sqlite3 that writes the same rows.

Every order has three lines and is paid on account, so that it is reserved, confirmed and planned
in one commit. Both run in turns in one process, a few orders each, with the same settings
(write-ahead log, synchronous FULL). The bare loop replays exactly the rows that the service wrote,
encoded before the clock starts, so it is the least that the same durability can cost. Run it by
hand::

    python tests/benchmarks/bench_place.py [orders] [rounds] [--profile]
"""

from __future__ import annotations

import cProfile
import gc
import pstats
import sqlite3
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

from attrs import frozen

from ordercore.adapters._sqlite_schema import SCHEMA
from ordercore.adapters.sqlite import SqliteStore
from ordercore.ids import Actor, ItemId, LineId, LocationId, OrderId, Sku, TenderId
from ordercore.inventory.commands import ReceivedLine, ReceiveStock
from ordercore.money import EUR, Money
from ordercore.payment.model import Tender, TenderKind
from ordercore.pricing.draft import Draft
from ordercore.pricing.model import DraftLine, PricedOrder, Tax, UnitPrice
from ordercore.pricing.totals import price
from ordercore.service.sync import OrderService
from ordercore.testing.sandbox import SandboxGateway

SHOP = LocationId("shop")
ITEMS = tuple(ItemId(f"item-{number}") for number in range(50))
LINES = 3
TURN = 20
ACCOUNT = Tender(id=TenderId("account"), kind=TenderKind.ON_ACCOUNT)
BUYER = Actor("customer:42")


def item_of(number: int, line: int) -> ItemId:
    """Which item a line of an order is about."""
    return ITEMS[(number * LINES + line) % len(ITEMS)]


def basket(number: int) -> PricedOrder:
    """Three lines with tax."""
    lines = tuple(
        DraftLine(
            id=LineId(str(line + 1)),
            item=item_of(number, line),
            sku=Sku(f"SKU-{line}"),
            title="A thing of beauty",
            quantity=1,
            unit_price=UnitPrice(Money(1190, EUR)),
            taxes=(Tax(code="vat", rate=Fraction(19, 100)),),
            tax_included=True,
        )
        for line in range(LINES)
    )
    return price(Draft(currency=EUR, lines=lines))


def opened(path: Path) -> OrderService:
    """A shop with enough stock for everybody."""
    service = OrderService(store=SqliteStore(path), payments=SandboxGateway(":memory:"))
    rows = tuple(ReceivedLine(item=item, location=SHOP, quantity=10**9) for item in ITEMS)
    service.stock.execute(ReceiveStock(lines=rows))
    return service


def place(service: OrderService, number: int, priced: PricedOrder) -> None:
    """One order."""
    service.place(
        priced,
        key=f"key-{number:08d}",
        by=BUYER,
        order=OrderId(f"order-{number:08d}"),
        tenders=(ACCOUNT,),
    )


BARE = (
    ("oc_streams", "stream = ?"),
    ("oc_commits", "stream = ?"),
    ("oc_outbox", "stream = ?"),
    ("oc_reservations", "owner = ?"),
    ("oc_ledger", "stream = ?"),
)
"""The tables of which each order writes rows of its own, and how they are found."""


@frozen
class Bare:
    """What one order writes: the items it takes from, and all rows of its own."""

    items: list[str]
    rows: list[tuple[str, list[tuple[object, ...]]]]


def rows_of(source: sqlite3.Connection, stream: str) -> list[tuple[str, list[tuple[object, ...]]]]:
    """What the service wrote for one order, as statements with their rows."""
    found: list[tuple[str, list[tuple[object, ...]]]] = []
    for table, condition in BARE:
        query = f"SELECT * FROM {table} WHERE {condition}"  # noqa: S608 - names from BARE
        rows = source.execute(query, (stream,)).fetchall()
        marks = ", ".join("?" * len(rows[0]))
        found.append((f"INSERT INTO {table} VALUES ({marks})", rows))  # noqa: S608
    return found


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
            [str(item_of(number, line)) for line in range(LINES)],
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


def one_round(folder: Path, baskets: list[PricedOrder]) -> tuple[float, float]:
    """Seconds for all orders: the service's, and the bare loop's; a few of each in turns."""
    source = opened(folder / "source.db")
    for number, priced in enumerate(baskets):
        place(source, number, priced)
    work = prepared(folder / "bare.db", folder / "source.db", len(baskets))
    service = opened(folder / "store.db")
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    gc.collect()
    gc.freeze()  # what was prepared is no part of what is measured
    own_seconds = bare_seconds = 0.0
    for begin in range(0, len(baskets), TURN):
        start = time.perf_counter()
        for number, priced in enumerate(baskets[begin : begin + TURN], start=begin):
            place(service, number, priced)
        middle = time.perf_counter()
        for rows in work[begin : begin + TURN]:
            write_bare(bare, rows)
        own_seconds += middle - start
        bare_seconds += time.perf_counter() - middle
    bare.close()
    return own_seconds, bare_seconds


def profile(baskets: list[PricedOrder]) -> None:
    """Print where the time of a placement goes."""
    with tempfile.TemporaryDirectory() as folder:
        service = opened(Path(folder) / "store.db")
        place(service, len(baskets), baskets[0])
        with cProfile.Profile() as seen:
            for number, priced in enumerate(baskets):
                place(service, number, priced)
    pstats.Stats(seen).sort_stats("tottime").print_stats(45)


def main(count: int, rounds: int) -> None:
    """Print both figures and their ratio, over all rounds."""
    results: list[tuple[float, float]] = []
    baskets = [basket(number) for number in range(count)]
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            results.append(one_round(Path(folder), baskets))
    own, bare = (sum(seconds) / (count * rounds) for seconds in zip(*results, strict=True))
    ratios = sorted(bare / own for own, bare in results)
    print(f"SQLite {sqlite3.sqlite_version}, {count} orders of {LINES} lines, {rounds} rounds")
    print(f"OrderService.place:             {1 / own:8.0f} orders/s")
    print(f"bare sqlite3, the same rows:    {1 / bare:8.0f} orders/s")
    print(f"ratio: {bare / own:.2f} (rounds {ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:] if text.isdigit()]
    if "--profile" in sys.argv:
        profile([basket(number) for number in range(given[0] if given else 300)])
    else:
        main(*(given + [500, 3][len(given) :]))
