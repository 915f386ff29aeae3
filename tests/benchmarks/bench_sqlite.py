"""
How fast `SqliteStore` places orders, beside bare sqlite3 that writes the same rows.

See `tests.benchmarks.bare` for what it is compared with. Run it by hand::

    python tests/benchmarks/bench_sqlite.py [orders] [rounds]
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from pathlib import Path

from attrs import evolve
from bare import ITEMS, LINES, SHOP, compare, item_of

from ordercore.adapters.sqlite import SqliteStore
from ordercore.codec.registry import encode_events
from ordercore.ids import (
    Actor,
    CommitId,
    Key,
    LineId,
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


def priced(number: int) -> PricedOrder:
    """Three lines with tax."""
    lines = tuple(
        PricedLine(
            id=LineId(str(line + 1)),
            item=item_of(number, line),
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


def opened(path: Path) -> SqliteStore:
    """A store with enough stock for everybody."""
    store = SqliteStore(path)
    lines = tuple(ReceivedLine(item=item, location=SHOP, quantity=10**9) for item in ITEMS)
    change = StreamChange(
        stream=StreamId("receipt"),
        kind=StreamKind.INVENTORY,
        expected_version=0,
        events=(StockReceived(at=AT, lines=lines),),
    )
    store.commit(evolve(order(0), commit=CommitId("receipt"), key=None, streams=(change,)))
    return store


def commit(store: SqliteStore, number: int, changes: ChangeSet) -> None:
    """One order; its number stands in it."""
    del number
    store.commit(changes)


def main(count: int, rounds: int) -> None:
    """Print both figures and their ratio, over all rounds."""
    changes = [order(number) for number in range(count)]
    encode_events(changes[0].streams[0].events)  # the codec is made at the first use
    start = time.perf_counter()
    for one in changes:
        encode_events(one.streams[0].events)
    encoding = (time.perf_counter() - start) / count
    print(f"encoding the facts of an order: {encoding * 1e6:8.1f} us")
    compare(
        "SqliteStore.commit", lambda path: partial(commit, opened(path)), changes, rounds=rounds
    )


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    main(*(given + [1000, 5][len(given) :]))
