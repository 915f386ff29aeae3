"""
`MemoryStore`: all storage ports in one process's memory, for tests, demos and simulations.

It keeps every promise of the ports: one lock makes commits atomic, and a commit works on staged
copies, so that a refused one leaves everything as it was. Events are kept as they are, decoded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

from ordercore.adapters._memory_rows import MemoryRows, Tables, only
from ordercore.adapters._write import check_limit, next_try, write
from ordercore.ids import CommitId, ItemId, Key, LocationId, OrderId, PartyId, StreamId
from ordercore.inventory.model import Allocation, Counters, StockPlace
from ordercore.order.party import Party
from ordercore.ports.repositories import (
    Failing,
    LedgerRow,
    Store,
    StoredStream,
    UnknownOrderError,
    UnknownPartyError,
    Unpublished,
)
from ordercore.ports.unit_of_work import (
    ChangeSet,
    Committed,
    OrderSummary,
    StreamKind,
)

__all__ = ["MemoryStore"]


def _system_clock() -> datetime:
    return datetime.now(UTC)


class MemoryStore(Store):
    """
    A store in memory; safe to use from several threads.

    Args:
        clock: Where the time comes from; a simulation gives its own.
    """

    def __init__(self, clock: Callable[[], datetime] = _system_clock) -> None:
        self._clock = clock
        self._lock: AbstractContextManager[object] = threading.Lock()
        self._tables = Tables()

    def _rows(self) -> MemoryRows:
        """The staged rows of one commit."""
        return MemoryRows(self._tables)

    # --- unit of work ---------------------------------------------------------------------------

    def now(self) -> datetime:
        return self._clock()

    def commit(self, changes: ChangeSet) -> Committed:
        with self._lock:
            rows = self._rows()
            committed = write(rows, changes, self.now())
            rows.apply()
            return committed

    # --- orders ---------------------------------------------------------------------------------

    def load(self, stream: StreamId) -> StoredStream:
        with self._lock:
            found = self._tables.streams.get(stream)
            if found is None:
                raise UnknownOrderError(stream)
            return found.stored(stream)

    def find_key(self, key: Key) -> Committed | None:
        with self._lock:
            return self._tables.by_key.get(key)

    def find_commit(self, commit: CommitId) -> Committed | None:
        with self._lock:
            return self._tables.by_commit.get(commit)

    def history(self, stream: StreamId) -> Iterator[Committed]:
        with self._lock:
            found = self._tables.streams.get(stream)
            commits = tuple(found.commits) if found is not None else ()
        return (only(stream, committed) for committed in commits)

    def find_claim(self, scope: str, value: str) -> StreamId | None:
        with self._lock:
            return self._tables.claims.get((scope, value))

    def streams(
        self,
        *,
        kind: StreamKind = StreamKind.ORDER,
        after: StreamId | None = None,
        limit: int = 100,
    ) -> tuple[StreamId, ...]:
        with self._lock:
            found = (
                stream
                for stream, row in self._tables.streams.items()
                if row.kind is kind and (after is None or stream > after)
            )
            return tuple(sorted(found)[: check_limit(limit)])

    def summaries(
        self, *, status: str | None = None, after: OrderId | None = None, limit: int = 100
    ) -> tuple[tuple[OrderId, OrderSummary], ...]:
        with self._lock:
            found = [
                (OrderId(stream), row.summary)
                for stream, row in self._tables.streams.items()
                if row.summary is not None
                and (status is None or row.summary.status == status)
                and (after is None or stream > after)
            ]
        return tuple(sorted(found, key=lambda pair: pair[0])[: check_limit(limit)])

    def take_due(self, *, limit: int, lease: timedelta) -> tuple[StreamId, ...]:
        check_limit(limit)
        with self._lock:
            now = self.now()
            due = sorted(
                (row.due_at, stream)
                for stream, row in self._tables.streams.items()
                if row.due_at is not None and row.due_at <= now
            )
            taken = tuple(stream for _, stream in due[:limit])
            for stream in taken:
                self._tables.streams[stream].due_at = now + lease
            return taken

    def sleep(self, stream: StreamId, *, version: int, wakes: int, due_at: datetime | None) -> bool:
        with self._lock:
            row = self._tables.streams.get(stream)
            if row is None or row.version != version or row.wakes != wakes:
                return False
            row.due_at, row.attempts, row.last_error = due_at, 0, ""
            return True

    def failed(self, stream: StreamId, *, error: str, back_off: tuple[timedelta, ...]) -> int:
        with self._lock:
            row = self._tables.streams.get(stream)
            if row is None:
                raise UnknownOrderError(stream)
            row.attempts += 1
            row.last_error = error
            row.due_at = next_try(self.now(), row.attempts, back_off)
            return row.attempts

    def failing(self, *, after: StreamId | None = None, limit: int = 100) -> tuple[Failing, ...]:
        with self._lock:
            found = [
                Failing(
                    stream=stream,
                    attempts=row.attempts,
                    last_error=row.last_error,
                    due_at=row.due_at,
                )
                for stream, row in self._tables.streams.items()
                if row.attempts and (after is None or stream > after)
            ]
        return tuple(sorted(found, key=lambda row: row.stream)[: check_limit(limit)])

    # --- stock ----------------------------------------------------------------------------------

    def counters(self, items: Iterable[ItemId]) -> Mapping[StockPlace, Counters]:
        wanted = frozenset(items)
        with self._lock:
            found = self._tables.counters.items()
            return {place: row for place, row in sorted(found) if place.item in wanted}

    def allocations(self, owner: StreamId) -> tuple[Allocation, ...]:
        with self._lock:
            tables = self._tables
            rows = [tables.reservations[key] for key in tables.by_owner.get(owner, ())]
        rows.sort(key=lambda row: (row.line, row.location, row.item))
        return tuple(row.allocation for row in rows)

    def ledger(self) -> Iterator[LedgerRow]:
        with self._lock:
            rows = list(self._tables.ledger)
        return iter(sorted(rows, key=lambda row: row.move.place))

    def all_counters(self) -> Iterator[tuple[StockPlace, Counters]]:
        with self._lock:
            return iter(sorted(self._tables.counters.items(), key=lambda pair: pair[0]))

    def locations(self) -> tuple[LocationId, ...]:
        with self._lock:
            return tuple(sorted({place.location for place in self._tables.counters}))

    # --- people ---------------------------------------------------------------------------------

    def party(self, party: PartyId, version: int) -> Party:
        with self._lock:
            found = self._tables.parties.get((party, version))
        if found is None:
            raise UnknownPartyError(party, version)
        return found

    def erase(self, party: PartyId) -> int:
        with self._lock:
            versions = [key for key in self._tables.parties if key[0] == party]
            for key in versions:
                self._tables.parties[key] = Party(id=party, version=key[1], erased=True)
            return len(versions)

    # --- outbox ---------------------------------------------------------------------------------

    def unpublished(self, *, limit: int) -> tuple[Unpublished, ...]:
        check_limit(limit)
        found: dict[StreamId, Committed] = {}
        with self._lock:
            for stream, commit in self._tables.outbox:
                if len(found) == limit:
                    break
                if stream not in found:
                    found[stream] = only(stream, self._tables.by_commit[commit])
        return tuple(found.items())

    def published(self, stream: StreamId, commit: CommitId) -> None:
        with self._lock:
            self._tables.outbox.pop((stream, commit), None)

    def close(self) -> None:
        """Nothing to give back."""
