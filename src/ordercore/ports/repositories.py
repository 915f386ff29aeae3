"""
What the engine reads: orders, stock, people, and what is due. The host implements these.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from attrs import define, frozen

from ordercore.errors import NotFoundError, OrderCoreError
from ordercore.facts import Event
from ordercore.ids import CommitId, ItemId, Key, LocationId, OrderId, PartyId, StreamId
from ordercore.inventory.model import Allocation, Cause, Counters, StockMove, StockPlace
from ordercore.order.model import Order
from ordercore.order.party import Party
from ordercore.ports.unit_of_work import Committed, OrderSummary, StreamKind, UnitOfWork

__all__ = [
    "Failing",
    "InventoryRepository",
    "LedgerRow",
    "OrderRepository",
    "Outbox",
    "PartyRepository",
    "Store",
    "StoredStream",
    "UnknownOrderError",
    "UnknownPartyError",
    "Unpublished",
]


@define
class UnknownOrderError(NotFoundError):
    """There is no such order (or other stream)."""

    sentence = "There is no order {order}."
    order: StreamId


@define
class UnknownPartyError(NotFoundError):
    """There is no such version of this party."""

    sentence = "There is no version {version} of party {party}."
    party: PartyId
    version: int


Unpublished: TypeAlias = tuple[StreamId, Committed | OrderCoreError]
"""The next commit of a stream that the world was not told of, or why it cannot be read."""


@frozen(kw_only=True)
class StoredStream:
    """
    A stream as it stands: an optional snapshot and the events after it.

    ``version`` counts all events, ``requested`` is the version after the last commit that carried
    a request, ``wakes`` counts how often others woke it. ``attempts`` and ``last_error`` tell of
    workers that failed on it.
    """

    stream: StreamId
    kind: StreamKind
    version: int
    requested: int
    wakes: int
    snapshot: Order | None
    snapshot_version: int
    tail: tuple[Event, ...]
    due_at: datetime | None
    recorded_at: datetime
    attempts: int = 0
    last_error: str = ""


@frozen(kw_only=True)
class Failing:
    """
    A stream on which workers failed: how often in a row, why, and when it is tried again.

    It is told without reading the facts, so also of a stream that cannot be read.
    """

    stream: StreamId
    attempts: int
    last_error: str
    due_at: datetime | None


@frozen(kw_only=True)
class LedgerRow:
    """One stock move as it was applied."""

    cause: Cause
    move: StockMove
    recorded_at: datetime


class OrderRepository(ABC):
    """Streams of facts by id, the history, and the index of what is due."""

    @abstractmethod
    def load(self, stream: StreamId) -> StoredStream:
        """
        The stream as it stands.

        Raises:
            UnknownOrderError: There is none.
            CorruptStreamError, DecodeError: What is stored cannot be read.
        """

    @abstractmethod
    def find_key(self, key: Key) -> Committed | None:
        """The commit that carried this key, if there is one."""

    @abstractmethod
    def find_commit(self, commit: CommitId) -> Committed | None:
        """The commit with this id, if there is one."""

    @abstractmethod
    def history(self, stream: StreamId) -> Iterator[Committed]:
        """All commits of one stream, oldest first, with the events of that stream only."""

    @abstractmethod
    def find_claim(self, scope: str, value: str) -> StreamId | None:
        """Who holds a unique claim, such as an external order id."""

    @abstractmethod
    def streams(
        self,
        *,
        kind: StreamKind = StreamKind.ORDER,
        after: StreamId | None = None,
        limit: int = 100,
    ) -> tuple[StreamId, ...]:
        """Stream ids in ascending order, a page at a time."""

    @abstractmethod
    def summaries(
        self, *, status: str | None = None, after: OrderId | None = None, limit: int = 100
    ) -> tuple[tuple[OrderId, OrderSummary], ...]:
        """Orders by headline status, a page at a time, in ascending order of their ids."""

    @abstractmethod
    def take_due(self, *, limit: int, lease: timedelta) -> tuple[StreamId, ...]:
        """
        Streams whose ``due_at`` has passed, oldest first; their ``due_at`` becomes now + lease.

        No two callers get the same stream while the lease runs.
        """

    @abstractmethod
    def sleep(self, stream: StreamId, *, version: int, wakes: int, due_at: datetime | None) -> bool:
        """
        Set when to look again, unless the stream has moved on.

        Writes only where version and wakes are still these, and clears ``attempts``; answers
        whether they were. Skipped when it would change nothing.
        """

    @abstractmethod
    def failed(self, stream: StreamId, *, error: str, back_off: tuple[timedelta, ...]) -> int:
        """
        Record a worker's failure outside the facts; answers how many there were in a row.

        ``due_at`` becomes now plus the entry of *back_off* for that number; the last one for ever.
        """

    @abstractmethod
    def failing(self, *, after: StreamId | None = None, limit: int = 100) -> tuple[Failing, ...]:
        """Streams whose last worker failed, a page at a time, in ascending order of their ids."""


class InventoryRepository(ABC):
    """Counters, what owners hold, and the ledger behind them."""

    @abstractmethod
    def counters(self, items: Iterable[ItemId]) -> Mapping[StockPlace, Counters]:
        """The counter rows of these items at all locations."""

    @abstractmethod
    def allocations(self, owner: StreamId) -> tuple[Allocation, ...]:
        """What *owner* holds and waits for, sorted by line and location; settled rows left out."""

    @abstractmethod
    def ledger(self) -> Iterator[LedgerRow]:
        """All moves sorted by item, location and the order they were applied; streamed."""

    @abstractmethod
    def all_counters(self) -> Iterator[tuple[StockPlace, Counters]]:
        """All counter rows sorted by item and location; streamed."""

    @abstractmethod
    def locations(self) -> tuple[LocationId, ...]:
        """Every location that has a counter row, sorted."""


class PartyRepository(ABC):
    """Personal data by party and version; written by commits, erased on demand."""

    @abstractmethod
    def party(self, party: PartyId, version: int) -> Party:
        """
        One version; an erased one comes back empty with ``erased`` set.

        Raises:
            UnknownPartyError: There is no such version.
        """

    @abstractmethod
    def erase(self, party: PartyId) -> int:
        """Remove the data of all versions for ever; answers how many versions there were."""


class Outbox(ABC):
    """Commits that are not yet published. Called by the relay."""

    @abstractmethod
    def unpublished(self, *, limit: int) -> tuple[Unpublished, ...]:
        """
        The oldest unpublished commit of each stream, at most *limit* of them.

        In place of one that cannot be read stands the error: the other streams go on.
        """

    @abstractmethod
    def published(self, stream: StreamId, commit: CommitId) -> None:
        """Mark one commit of one stream as published; a second time changes nothing."""


class Store(OrderRepository, InventoryRepository, PartyRepository, Outbox, UnitOfWork, ABC):
    """All storage ports over one database: what `OrderService` is given."""

    @abstractmethod
    def close(self) -> None:
        """Give back connections and files; a second time changes nothing."""
