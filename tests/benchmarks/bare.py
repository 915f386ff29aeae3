"""
Bare sqlite3 that writes the rows of placed orders, for the benchmarks to compare with.

It replays exactly what a store wrote, in one transaction for each order, with the same tables and
settings (write-ahead log, synchronous FULL), encoded before the clock starts: the least that the
same durability can cost. Store and bare loop run in turns in one process, a few orders each.
"""

from __future__ import annotations

import gc
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from attrs import frozen

from ordercore.adapters._sqlite_schema import SCHEMA
from ordercore.ids import ItemId, LocationId

__all__ = ["ITEMS", "LINES", "SHOP", "Place", "compare", "item_of"]

SHOP: Final = LocationId("shop")
ITEMS: Final = tuple(ItemId(f"item-{number}") for number in range(50))
LINES: Final = 3
TURN: Final = 20
OWN: Final = {
    "oc_streams": "stream",
    "oc_commits": "stream",
    "oc_outbox": "stream",
    "oc_reservations": "owner",
    "oc_ledger": "stream",
}
"""The tables of which each order writes rows of its own, and the column that names it."""

_Order = TypeVar("_Order")
Place: TypeAlias = Callable[[int, _Order], object]
"""Places the order of this number."""


@frozen
class Bare:
    """What one order writes: the items it takes from, and all rows of its own."""

    items: tuple[ItemId, ...]
    rows: list[tuple[str, list[tuple[object, ...]]]]


def item_of(number: int, line: int) -> ItemId:
    """Which item a line of an order is about."""
    return ITEMS[(number * LINES + line) % len(ITEMS)]


def _rows_of(source: sqlite3.Connection, stream: str) -> list[tuple[str, list[tuple[object, ...]]]]:
    """What the store wrote for one order, as statements with their rows."""
    found: list[tuple[str, list[tuple[object, ...]]]] = []
    for table, column in OWN.items():
        query = f"SELECT * FROM {table} WHERE {column} = ?"  # noqa: S608 - names from OWN
        rows = source.execute(query, (stream,)).fetchall()
        marks = ", ".join("?" * len(rows[0]))
        insert = f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608 - names from OWN, and marks
        found.append((insert, rows))
    return found


def _prepared(path: Path, source: Path, count: int) -> list[Bare]:
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
            tuple(item_of(number, line) for line in range(LINES)),
            _rows_of(reader, f"order-{number:08d}"),
        )
        for number in range(count)
    ]
    reader.close()
    return work


def _write(connection: sqlite3.Connection, order: Bare) -> None:
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


def _one_round(
    folder: Path, opened: Callable[[Path], Place[_Order]], orders: Sequence[_Order]
) -> tuple[float, float]:
    """Seconds for all orders: the store's, and the bare loop's; a few of each in turns."""
    place = opened(folder / "source.db")
    for number, order in enumerate(orders):
        place(number, order)
    work = _prepared(folder / "bare.db", folder / "source.db", len(orders))
    place = opened(folder / "store.db")
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    gc.collect()
    gc.freeze()  # what was prepared is no part of what is measured
    own_seconds = bare_seconds = 0.0
    for begin in range(0, len(orders), TURN):
        start = time.perf_counter()
        for number, order in enumerate(orders[begin : begin + TURN], start=begin):
            place(number, order)
        middle = time.perf_counter()
        for rows in work[begin : begin + TURN]:
            _write(bare, rows)
        own_seconds += middle - start
        bare_seconds += time.perf_counter() - middle
    bare.close()
    return own_seconds, bare_seconds


def compare(
    name: str, opened: Callable[[Path], Place[_Order]], orders: Sequence[_Order], *, rounds: int
) -> None:
    """
    Print both figures and their ratio, over all rounds.

    Args:
        name: What is measured.
        opened: Makes a store in a new file, with enough stock; answers how to place an order.
        orders: Order *n* is stored as ``order-n`` (eight digits) and takes one unit of each
            `item_of` it.
        rounds: How often it is measured, each time on new files.
    """
    results: list[tuple[float, float]] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            results.append(_one_round(Path(folder), opened, orders))
    count = len(orders)
    own, bare = (sum(seconds) / (count * rounds) for seconds in zip(*results, strict=True))
    ratios = sorted(bare / own for own, bare in results)
    print(f"SQLite {sqlite3.sqlite_version}, {count} orders of {LINES} lines, {rounds} rounds")
    print(f"{name + ':':<32}{1 / own:8.0f} orders/s")
    print(f"{'bare sqlite3, the same rows:':<32}{1 / bare:8.0f} orders/s")
    print(f"ratio: {bare / own:.2f} (rounds {ratios[0]:.2f} to {ratios[-1]:.2f})")
