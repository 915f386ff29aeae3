"""
Small change sets for the contract suites: facts about orders and stock, and a dump of a store.

Everything here speaks through the ports only, so that it works with a host's own store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Final, TypeVar

from ordercore.errors import OrderCoreError
from ordercore.facts import Event
from ordercore.ids import (
    Actor,
    CommitId,
    ItemId,
    Key,
    LineId,
    LocationId,
    OrderId,
    PartyId,
    Series,
    Sku,
    StreamId,
)
from ordercore.inventory.commands import CountedLine, PolicyLine, ReceivedLine
from ordercore.inventory.events import (
    StockCounted,
    StockPolicySet,
    StockReceived,
    UnitsReleased,
    UnitsReserved,
)
from ordercore.inventory.model import (
    NO_STOCK,
    Allocation,
    Counters,
    StockPlace,
    StockPolicy,
)
from ordercore.inventory.moves import apply, net, with_policy
from ordercore.money import EUR, Money
from ordercore.order.events import NoteAdded, OrderPlaced
from ordercore.order.terms import Terms
from ordercore.ports.repositories import Store
from ordercore.ports.unit_of_work import (
    ChangeSet,
    Committed,
    OrderSummary,
    StreamChange,
    StreamKind,
)
from ordercore.pricing.model import PricedLine, PricedOrder, UnitPrice

__all__ = [
    "ITEM",
    "NOON",
    "PLACE",
    "SHOP",
    "all_at_once",
    "allocation",
    "changes",
    "counted",
    "dump",
    "folded",
    "note",
    "open_order",
    "placed",
    "policy",
    "received",
    "released",
    "reserved",
    "stock_change",
    "stream_change",
    "summary",
]

_Answer = TypeVar("_Answer")

NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
ITEM: Final = ItemId("item-1")
SHOP: Final = LocationId("shop")
PLACE: Final = StockPlace(ITEM, SHOP)


# --- facts --------------------------------------------------------------------------------------


def note(text: str = "a note") -> NoteAdded:
    """A fact that changes nothing else."""
    return NoteAdded(at=NOON, text=text)


def placed(order: StreamId, series: str = "ORD") -> OrderPlaced:
    """The first fact of an order of one line; it takes a number of *series*."""
    price = Money(1000, EUR)
    line = PricedLine(
        id=LineId("1"),
        item=ITEM,
        sku=Sku("SKU-1"),
        quantity=1,
        unit_price=UnitPrice(price),
        list_amount=price,
        charged=price,
    )
    return OrderPlaced(
        at=NOON,
        series=Series(series),
        order=OrderId(order),
        priced=PricedOrder(currency=EUR, lines=(line,)),
        terms=Terms(),
    )


def received(units: int, place: StockPlace = PLACE) -> StockReceived:
    """Units arrived at a place."""
    line = ReceivedLine(item=place.item, location=place.location, quantity=units)
    return StockReceived(at=NOON, lines=(line,))


def counted(units: int, place: StockPlace = PLACE) -> StockCounted:
    """So many units lie at a place: a truth."""
    line = CountedLine(item=place.item, location=place.location, counted=units)
    return StockCounted(at=NOON, lines=(line,), reason="stock-take")


def policy(of: StockPolicy, place: StockPlace = PLACE) -> StockPolicySet:
    """How a place may be promised."""
    line = PolicyLine(item=place.item, location=place.location, policy=of)
    return StockPolicySet(at=NOON, lines=(line,))


def allocation(
    held: int = 1, waiting: int = 0, *, line: str = "1", place: StockPlace = PLACE
) -> Allocation:
    """What one line holds and waits for."""
    return Allocation(
        line=LineId(line),
        item=place.item,
        location=place.location,
        reserved=held,
        queued=waiting,
    )


def reserved(owner: StreamId, *parts: Allocation) -> UnitsReserved:
    """The owner takes these units and places in the queue."""
    return UnitsReserved(at=NOON, owner=owner, allocations=parts or (allocation(),))


def released(owner: StreamId, *parts: Allocation) -> UnitsReleased:
    """The owner gives these back."""
    return UnitsReleased(at=NOON, owner=owner, allocations=parts or (allocation(),))


# --- change sets --------------------------------------------------------------------------------


def stream_change(stream: StreamId, *events: Event, after: int = 0) -> StreamChange:
    """New facts of an order."""
    return StreamChange(stream=stream, expected_version=after, events=events)


def stock_change(stream: str, *events: Event, after: int = 0) -> StreamChange:
    """New facts of an operation on stock."""
    return StreamChange(
        stream=StreamId(stream),
        kind=StreamKind.INVENTORY,
        expected_version=after,
        events=events,
    )


def changes(*streams: StreamChange, commit: str, key: str | None = None) -> ChangeSet:
    """A change set; the key is also its fingerprint."""
    return ChangeSet(
        commit=CommitId(commit),
        key=None if key is None else Key(key),
        fingerprint=f"fingerprint of {key or commit}",
        by=Actor("staff:ann"),
        occurred_at=NOON,
        streams=streams,
    )


def open_order(store: Store, stream: StreamId, *events: Event) -> Committed:
    """Commit the first facts of an order: a note, unless others are given."""
    facts = events or (note(),)
    return store.commit(changes(stream_change(stream, *facts), commit=f"open {stream}"))


def summary(status: str = "placed") -> OrderSummary:
    """The columns of a list of orders."""
    return OrderSummary(
        status=status,
        payment="unpaid",
        fulfilment="unfulfilled",
        returned="none",
        currency="EUR",
        total_minor=1000,
        placed_at=NOON,
        customer=PartyId("p-1"),
        external="shop:4711",
    )


# --- looking at a store -------------------------------------------------------------------------


def folded(store: Store) -> Mapping[StockPlace, Counters]:
    """The counters that the ledger adds up to, without policies."""
    rows: dict[StockPlace, Counters] = {}
    for row in store.ledger():
        for place, delta in net([row.move]).items():
            before = with_policy(rows.get(place, NO_STOCK), StockPolicy(tracked=False))
            rows[place] = apply(before, delta)
    return {place: with_policy(row, StockPolicy()) for place, row in rows.items()}


def dump(store: Store) -> Mapping[str, object]:
    """Everything that the ports tell about a store."""
    streams = [stream for kind in StreamKind for stream in store.streams(kind=kind, limit=10_000)]
    return {
        "streams": [store.load(stream) for stream in streams],
        "history": [tuple(store.history(stream)) for stream in streams],
        "summaries": store.summaries(limit=10_000),
        "counters": tuple(store.all_counters()),
        "ledger": tuple(store.ledger()),
        "allocations": [store.allocations(stream) for stream in streams],
        "outbox": store.unpublished(limit=10_000),
    }


def all_at_once(
    count: int, work: Callable[[int], _Answer]
) -> tuple[list[_Answer], list[OrderCoreError]]:
    """Run *work* in so many threads at the same moment; its answers, and its refusals."""
    barrier = Barrier(count)

    def run(index: int) -> _Answer | OrderCoreError:
        barrier.wait(timeout=30)
        try:
            return work(index)
        except OrderCoreError as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        results = list(pool.map(run, range(count)))
    refused = [result for result in results if isinstance(result, OrderCoreError)]
    return [result for result in results if not isinstance(result, OrderCoreError)], refused


def numbered_streams(prefix: str, count: int) -> Iterator[StreamId]:
    """Ids of streams in ascending order."""
    return (StreamId(f"{prefix}-{index:03d}") for index in range(count))
