"""
The same ports for hosts that await: equal names, equal methods, equal promises.

Each class here is the twin of the one without ``Async`` in its name, whose docstrings hold in full;
a test compares them method by method.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime, timedelta

from ordercore.ids import CommitId, ItemId, Key, LocationId, OrderId, PartyId, StreamId
from ordercore.inventory.model import Allocation, Counters, StockPlace
from ordercore.order.party import Party
from ordercore.ports.repositories import LedgerRow, StoredStream
from ordercore.ports.unit_of_work import ChangeSet, Committed, OrderSummary, StreamKind

__all__ = [
    "AsyncInventoryRepository",
    "AsyncOrderRepository",
    "AsyncOutbox",
    "AsyncPartyRepository",
    "AsyncStore",
    "AsyncUnitOfWork",
]


class AsyncOrderRepository(ABC):
    """Streams of facts by id, the history, and the index of what is due."""

    @abstractmethod
    async def load(self, stream: StreamId) -> StoredStream:
        """The stream as it stands."""

    @abstractmethod
    async def find_key(self, key: Key) -> Committed | None:
        """The commit that carried this key, if there is one."""

    @abstractmethod
    async def find_commit(self, commit: CommitId) -> Committed | None:
        """The commit with this id, if there is one."""

    @abstractmethod
    def history(self, stream: StreamId) -> AsyncIterator[Committed]:
        """All commits of one stream, oldest first, with the events of that stream only."""

    @abstractmethod
    async def find_claim(self, scope: str, value: str) -> StreamId | None:
        """Who holds a unique claim, such as an external order id."""

    @abstractmethod
    async def streams(
        self,
        *,
        kind: StreamKind = StreamKind.ORDER,
        after: StreamId | None = None,
        limit: int = 100,
    ) -> tuple[StreamId, ...]:
        """Stream ids in ascending order, a page at a time."""

    @abstractmethod
    async def summaries(
        self, *, status: str | None = None, after: OrderId | None = None, limit: int = 100
    ) -> tuple[tuple[OrderId, OrderSummary], ...]:
        """Orders by headline status, a page at a time, in ascending order of their ids."""

    @abstractmethod
    async def take_due(self, *, limit: int, lease: timedelta) -> tuple[StreamId, ...]:
        """Streams whose ``due_at`` has passed, oldest first; each gets now + lease."""

    @abstractmethod
    async def sleep(
        self, stream: StreamId, *, version: int, wakes: int, due_at: datetime | None
    ) -> bool:
        """Set when to look again, unless the stream has moved on."""

    @abstractmethod
    async def failed(self, stream: StreamId, *, error: str, back_off: tuple[timedelta, ...]) -> int:
        """Record a worker's failure outside the facts; answers how many there were in a row."""


class AsyncInventoryRepository(ABC):
    """Counters, what owners hold, and the ledger behind them."""

    @abstractmethod
    async def counters(self, items: Iterable[ItemId]) -> Mapping[StockPlace, Counters]:
        """The counter rows of these items at all locations."""

    @abstractmethod
    async def allocations(self, owner: StreamId) -> tuple[Allocation, ...]:
        """What *owner* holds and waits for, sorted by line and location; settled rows left out."""

    @abstractmethod
    def ledger(self) -> AsyncIterator[LedgerRow]:
        """All moves sorted by item, location and the order they were applied; streamed."""

    @abstractmethod
    def all_counters(self) -> AsyncIterator[tuple[StockPlace, Counters]]:
        """All counter rows sorted by item and location; streamed."""

    @abstractmethod
    async def locations(self) -> tuple[LocationId, ...]:
        """Every location that has a counter row, sorted."""


class AsyncPartyRepository(ABC):
    """Personal data by party and version; written by commits, erased on demand."""

    @abstractmethod
    async def party(self, party: PartyId, version: int) -> Party:
        """One version; an erased one comes back empty with ``erased`` set."""

    @abstractmethod
    async def erase(self, party: PartyId) -> int:
        """Remove the data of all versions for ever; answers how many versions there were."""


class AsyncOutbox(ABC):
    """Commits that are not yet published. Called by the relay."""

    @abstractmethod
    async def unpublished(self, *, limit: int) -> tuple[tuple[StreamId, Committed], ...]:
        """The oldest unpublished commit of each stream, at most *limit* of them."""

    @abstractmethod
    async def published(self, stream: StreamId, commit: CommitId) -> None:
        """Mark one commit of one stream as published; a second time changes nothing."""


class AsyncUnitOfWork(ABC):
    """The port that writes change sets and tells the time. Called by the engine."""

    @abstractmethod
    async def now(self) -> datetime:
        """The store's own clock: one clock for all workers, aware UTC."""

    @abstractmethod
    async def commit(self, changes: ChangeSet) -> Committed:
        """Write all of *changes* or nothing."""


class AsyncStore(
    AsyncOrderRepository,
    AsyncInventoryRepository,
    AsyncPartyRepository,
    AsyncOutbox,
    AsyncUnitOfWork,
    ABC,
):
    """All storage ports over one database: what `AsyncOrderService` is given."""

    @abstractmethod
    async def close(self) -> None:
        """Give back connections and files; a second time changes nothing."""
