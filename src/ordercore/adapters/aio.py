"""
`ThreadedStore`: any store for hosts that await, its calls made in worker threads.

A database driver that blocks does not become faster by being awaited, but the event loop goes on
while it works. A call that is cancelled still runs to its end: look it up by its key.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, TypeVar

from ordercore.ids import CommitId, ItemId, Key, LocationId, OrderId, PartyId, StreamId
from ordercore.inventory.model import Allocation, Counters, StockPlace
from ordercore.order.party import Party
from ordercore.ports.aio import AsyncStore
from ordercore.ports.repositories import Failing, LedgerRow, Store, StoredStream, Unpublished
from ordercore.ports.unit_of_work import ChangeSet, Committed, OrderSummary, StreamKind

__all__ = ["ThreadedStore"]

_Row = TypeVar("_Row")

PAGE: Final = 500
"""How many rows of a stream one trip to a thread brings back."""


async def _streamed(rows: Iterator[_Row]) -> AsyncIterator[_Row]:
    while page := await asyncio.to_thread(lambda: list(islice(rows, PAGE))):
        for row in page:
            yield row


class ThreadedStore(AsyncStore):
    """
    The async twin of a store.

    Args:
        store: Safe to use from several threads, as the stores of this library are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self, stream: StreamId) -> StoredStream:
        return await asyncio.to_thread(self._store.load, stream)

    async def find_key(self, key: Key) -> Committed | None:
        return await asyncio.to_thread(self._store.find_key, key)

    async def find_commit(self, commit: CommitId) -> Committed | None:
        return await asyncio.to_thread(self._store.find_commit, commit)

    def history(self, stream: StreamId) -> AsyncIterator[Committed]:
        return _streamed(self._store.history(stream))

    async def find_claim(self, scope: str, value: str) -> StreamId | None:
        return await asyncio.to_thread(self._store.find_claim, scope, value)

    async def streams(
        self,
        *,
        kind: StreamKind = StreamKind.ORDER,
        after: StreamId | None = None,
        limit: int = 100,
    ) -> tuple[StreamId, ...]:
        return await asyncio.to_thread(self._store.streams, kind=kind, after=after, limit=limit)

    async def summaries(
        self, *, status: str | None = None, after: OrderId | None = None, limit: int = 100
    ) -> tuple[tuple[OrderId, OrderSummary], ...]:
        read = self._store.summaries
        return await asyncio.to_thread(read, status=status, after=after, limit=limit)

    async def take_due(self, *, limit: int, lease: timedelta) -> tuple[StreamId, ...]:
        return await asyncio.to_thread(self._store.take_due, limit=limit, lease=lease)

    async def sleep(
        self, stream: StreamId, *, version: int, wakes: int, due_at: datetime | None
    ) -> bool:
        rest = self._store.sleep
        return await asyncio.to_thread(rest, stream, version=version, wakes=wakes, due_at=due_at)

    async def failed(self, stream: StreamId, *, error: str, back_off: tuple[timedelta, ...]) -> int:
        return await asyncio.to_thread(self._store.failed, stream, error=error, back_off=back_off)

    async def failing(
        self, *, after: StreamId | None = None, limit: int = 100
    ) -> tuple[Failing, ...]:
        return await asyncio.to_thread(self._store.failing, after=after, limit=limit)

    async def counters(self, items: Iterable[ItemId]) -> Mapping[StockPlace, Counters]:
        return await asyncio.to_thread(self._store.counters, tuple(items))

    async def allocations(self, owner: StreamId) -> tuple[Allocation, ...]:
        return await asyncio.to_thread(self._store.allocations, owner)

    def ledger(self) -> AsyncIterator[LedgerRow]:
        return _streamed(self._store.ledger())

    def all_counters(self) -> AsyncIterator[tuple[StockPlace, Counters]]:
        return _streamed(self._store.all_counters())

    async def locations(self) -> tuple[LocationId, ...]:
        return await asyncio.to_thread(self._store.locations)

    async def party(self, party: PartyId, version: int) -> Party:
        return await asyncio.to_thread(self._store.party, party, version)

    async def erase(self, party: PartyId) -> int:
        return await asyncio.to_thread(self._store.erase, party)

    async def unpublished(self, *, limit: int) -> tuple[Unpublished, ...]:
        return await asyncio.to_thread(self._store.unpublished, limit=limit)

    async def published(self, stream: StreamId, commit: CommitId) -> None:
        await asyncio.to_thread(self._store.published, stream, commit)

    async def now(self) -> datetime:
        return await asyncio.to_thread(self._store.now)

    async def commit(self, changes: ChangeSet) -> Committed:
        return await asyncio.to_thread(self._store.commit, changes)

    async def close(self) -> None:
        await asyncio.to_thread(self._store.close)
