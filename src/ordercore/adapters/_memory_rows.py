"""
The tables of `MemoryStore`, and the staged rows of one commit over them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final, Generic, TypeAlias, TypeVar

from attrs import define, evolve, field

from ordercore.adapters._write import Head, Rows, StreamWrite
from ordercore.facts import Event
from ordercore.ids import CommitId, ItemId, Key, LineId, LocationId, PartyId, Series, StreamId
from ordercore.inventory.model import (
    NO_STOCK,
    Counters,
    Reservation,
    StockMove,
    StockPlace,
    StockPolicy,
)
from ordercore.inventory.moves import (
    Delta,
    OwnerlessMoveError,
    apply,
    apply_reservation,
    with_policy,
)
from ordercore.order.model import Order
from ordercore.order.party import Party
from ordercore.ports.repositories import LedgerRow, StoredStream
from ordercore.ports.unit_of_work import Committed, OrderSummary, StreamKind

__all__ = ["MemoryRows", "StreamRow", "Tables", "only"]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

RowKey: TypeAlias = tuple[StreamId, LineId, ItemId, LocationId]
"""Owner, line and place of a reservation."""


@define
class StreamRow:
    """One stream as it stands."""

    kind: StreamKind
    recorded_at: datetime
    version: int = 0
    requested: int = 0
    wakes: int = 0
    due_at: datetime | None = None
    attempts: int = 0
    last_error: str = ""
    summary: OrderSummary | None = None
    snapshot: Order | None = None
    snapshot_version: int = 0
    commits: list[Committed] = field(factory=list[Committed])

    def stored(self, stream: StreamId) -> StoredStream:
        """What `load` answers."""
        events: list[Event] = []
        for committed in self.commits:
            events.extend(committed.events[stream])
        return StoredStream(
            stream=stream,
            kind=self.kind,
            version=self.version,
            requested=self.requested,
            wakes=self.wakes,
            snapshot=self.snapshot,
            snapshot_version=self.snapshot_version,
            tail=tuple(events[self.snapshot_version :]),
            due_at=self.due_at,
            recorded_at=self.recorded_at,
            attempts=self.attempts,
            last_error=self.last_error,
        )


@define
class Tables:
    """Everything that is stored."""

    streams: dict[StreamId, StreamRow] = field(factory=dict[StreamId, StreamRow])
    by_commit: dict[CommitId, Committed] = field(factory=dict[CommitId, Committed])
    by_key: dict[Key, Committed] = field(factory=dict[Key, Committed])
    outbox: dict[tuple[StreamId, CommitId], None] = field(
        factory=dict[tuple[StreamId, CommitId], None]
    )
    claims: dict[tuple[str, str], StreamId] = field(factory=dict[tuple[str, str], StreamId])
    parties: dict[tuple[PartyId, int], Party] = field(factory=dict[tuple[PartyId, int], Party])
    series: dict[Series, int] = field(factory=dict[Series, int])
    counters: dict[StockPlace, Counters] = field(factory=dict[StockPlace, Counters])
    positions: dict[StockPlace, int] = field(factory=dict[StockPlace, int])
    reservations: dict[RowKey, Reservation] = field(factory=dict[RowKey, Reservation])
    by_owner: dict[StreamId, set[RowKey]] = field(factory=dict[StreamId, set[RowKey]])
    by_place: dict[StockPlace, set[RowKey]] = field(factory=dict[StockPlace, set[RowKey]])
    ledger: list[LedgerRow] = field(factory=list[LedgerRow])


def only(stream: StreamId, committed: Committed) -> Committed:
    """A commit with the events of one of its streams."""
    return evolve(
        committed,
        events={stream: committed.events[stream]},
        versions={stream: committed.versions[stream]},
    )


class Staged(Generic[_Key, _Value]):
    """A table with changes over it that nobody else sees until they are applied."""

    def __init__(self, table: dict[_Key, _Value]) -> None:
        self._table = table
        self.changes: dict[_Key, _Value | None] = {}

    def get(self, key: _Key) -> _Value | None:
        """The row as this commit sees it."""
        return self.changes[key] if key in self.changes else self._table.get(key)

    def put(self, key: _Key, value: _Value | None) -> None:
        """Change a row; None removes it."""
        self.changes[key] = value

    def apply(self) -> None:
        """Make the changes everybody's."""
        for key, value in self.changes.items():
            if value is None:
                self._table.pop(key, None)
            else:
                self._table[key] = value


class MemoryRows(Rows):
    """The rows of one commit: reads see its own changes, the tables do not until `apply`."""

    def __init__(self, tables: Tables) -> None:
        self.tables: Final = tables
        self._counters = Staged(tables.counters)
        self._positions = Staged(tables.positions)
        self._reservations = Staged(tables.reservations)
        self._claims = Staged(tables.claims)
        self._parties = Staged(tables.parties)
        self._series = Staged(tables.series)
        self._later: list[Callable[[], None]] = []

    def apply(self) -> None:
        """Make all changes everybody's; cannot fail."""
        for table in (
            self._counters,
            self._positions,
            self._claims,
            self._parties,
            self._series,
        ):
            table.apply()
        for key, row in self._reservations.changes.items():
            self._index(key, row)
        self._reservations.apply()
        for change in self._later:
            change()

    def _index(self, key: RowKey, row: Reservation | None) -> None:
        owner, _, item, location = key
        owned = self.tables.by_owner.setdefault(owner, set())
        placed = self.tables.by_place.setdefault(StockPlace(item, location), set())
        for keys in (owned, placed):
            if row is None:
                keys.discard(key)
            else:
                keys.add(key)

    # --- history --------------------------------------------------------------------------------

    def is_known(self, commit: CommitId, key: Key | None) -> bool:
        return commit in self.tables.by_commit or key in self.tables.by_key

    def find(self, *, commit: CommitId | None = None, key: Key | None = None) -> Committed | None:
        if commit is not None:
            return self.tables.by_commit.get(commit)
        return self.tables.by_key.get(key) if key is not None else None

    def head(self, stream: StreamId) -> Head | None:
        row = self.tables.streams.get(stream)
        if row is None:
            return None
        return Head(kind=row.kind, version=row.version, recorded_at=row.recorded_at)

    def finish(
        self, writes: tuple[StreamWrite, ...], wakes: Iterable[StreamId], now: datetime
    ) -> tuple[StreamId, ...]:
        for one in writes:
            self._later.append(partial(self.write_stream, one, now))
        woken = tuple(stream for stream in wakes if stream in self.tables.streams)
        self._later.append(partial(self._wake, woken, now))
        return woken

    def write_stream(self, write: StreamWrite, now: datetime) -> None:
        """Change one stream's row, when everything else has gone well."""
        change = write.change
        row = self.tables.streams.get(change.stream)
        if row is None:
            row = StreamRow(kind=change.kind, recorded_at=write.recorded_at)
            self.tables.streams[change.stream] = row
        is_awake = write.woken or row.wakes != change.seen_wakes
        row.version = write.version
        row.recorded_at = write.recorded_at
        row.requested = write.version if change.counts else row.requested
        row.wakes += write.woken
        row.due_at = now if is_awake else change.due_at
        row.summary = write.summary or row.summary
        if change.snapshot is not None:
            row.snapshot, row.snapshot_version = change.snapshot, change.expected_version

    def _wake(self, streams: tuple[StreamId, ...], now: datetime) -> None:
        for stream in streams:
            row = self.tables.streams[stream]
            row.wakes += 1
            row.due_at = now

    def record(self, committed: Committed) -> None:
        def change() -> None:
            tables = self.tables
            tables.by_commit[committed.commit] = committed
            if committed.key is not None:
                tables.by_key[committed.key] = committed
            for stream, events in committed.events.items():
                tables.streams[stream].commits.append(committed)
                if events:
                    tables.outbox[stream, committed.commit] = None

        self._later.append(change)

    # --- claims, people, numbers ----------------------------------------------------------------

    def claim(self, scope: str, value: str, owner: StreamId) -> StreamId:
        holder = self._claims.get((scope, value))
        if holder is None:
            self._claims.put((scope, value), owner)
        return holder or owner

    def add_party(self, party: Party) -> bool:
        key = party.id, party.version
        found = self._parties.get(key)
        if found is None:
            self._parties.put(key, party)
        return found is None or found == party

    def take_numbers(self, series: Series, count: int) -> int:
        last = self._series.get(series) or 0
        self._series.put(series, last + count)
        return last + 1

    # --- stock ----------------------------------------------------------------------------------

    def move_all(self, deltas: Sequence[Delta]) -> None:
        for delta in deltas:
            self.move(delta)

    def move(self, delta: Delta) -> Counters:
        """Apply one place's net change; answers the counters after it."""
        after = apply(self._counters.get(delta.place) or NO_STOCK, delta)
        self._counters.put(delta.place, after)
        return after

    def set_policy(self, place: StockPlace, policy: StockPolicy) -> None:
        self._counters.put(place, with_policy(self._counters.get(place) or NO_STOCK, policy))

    def restless(self, places: Sequence[StockPlace]) -> Mapping[StockPlace, Counters]:
        rows = ((place, self._counters.get(place) or NO_STOCK) for place in places)
        return {place: row for place, row in rows if row.is_restless}

    def reservation(self, move: StockMove) -> Reservation | None:
        return self._reservations.get(_key_of(move))

    def put_reservation(self, move: StockMove, row: Reservation | None) -> None:
        self._reservations.put(_key_of(move), row)

    def add_to_reservations(self, moves: Sequence[StockMove]) -> None:
        for move in moves:
            row = self.reservation(move)
            if row is None:
                position = (self._positions.get(move.place) or 0) + 1
                self._positions.put(move.place, position)
                row = apply_reservation(None, move, position=position)
            else:
                row = apply_reservation(row, move)
            self.put_reservation(move, row)

    def queue(self, place: StockPlace) -> Sequence[Reservation]:
        waiting = [row for row in self._at(place) if row.queued]
        return sorted(waiting, key=lambda row: row.position)

    def holders(self, place: StockPlace) -> Sequence[Reservation]:
        holding = [row for row in self._at(place) if row.reserved]
        return sorted(holding, key=lambda row: -row.position)

    def _at(self, place: StockPlace) -> Iterable[Reservation]:
        keys = set(self.tables.by_place.get(place, ()))
        keys.update(
            key for key in self._reservations.changes if key[2:] == (place.item, place.location)
        )
        rows = (self._reservations.get(key) for key in keys)
        return (row for row in rows if row is not None)

    def add_to_ledger(self, rows: Sequence[LedgerRow]) -> None:
        self._later.append(partial(self.tables.ledger.extend, rows))


def _key_of(move: StockMove) -> RowKey:
    if move.owner is None or move.line is None:
        raise OwnerlessMoveError(move.kind, str(move.owner))
    return move.owner, move.line, move.item, move.location
