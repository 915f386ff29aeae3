"""
`SqlAlchemyStore`: all storage ports over PostgreSQL, for any number of machines.

Each change set is one transaction at READ COMMITTED; what must not be is a condition of the
statement that writes, or a row lock, never a hope. Workers take what is due with ``FOR UPDATE SKIP
LOCKED``. The clock is the database's own, so all machines share it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, Executable, MetaData, func, select
from sqlalchemy.exc import IntegrityError

from ordercore.adapters._values import (
    Row,
    committed_of,
    counters_of,
    failing_of,
    from_micros,
    instant_or_none,
    ledger_row_of,
    micros,
    micros_or_none,
    reservation_of,
    summary_of,
    tail_of,
    unpublished_of,
)
from ordercore.adapters._write import check_limit, earlier, next_try, write
from ordercore.adapters.errors import StoreClosedError, UnusablePathError
from ordercore.adapters.sqlalchemy._errors import translated
from ordercore.adapters.sqlalchemy._rows import PostgresRows
from ordercore.adapters.sqlalchemy._statements import Statements
from ordercore.adapters.sqlalchemy.tables import Tables, build_tables, verify_tables
from ordercore.codec.converter import decode
from ordercore.codec.registry import EventCodec, event_codec
from ordercore.codec.state import decode_state
from ordercore.errors import ConflictError, RefusedError
from ordercore.ids import CommitId, ItemId, Key, LocationId, OrderId, PartyId, StreamId
from ordercore.inventory.model import Allocation, Counters, StockPlace
from ordercore.order.model import Order
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
    StoreBusyError,
    StreamKind,
    VersionConflictError,
)

__all__ = ["SqlAlchemyStore"]

PAGE: Final = 500
"""How many rows a streaming read takes at a time."""


class SqlAlchemyStore(Store):
    """
    A store in PostgreSQL.

    Args:
        engine: The host's; its connections are used and given back, it is never disposed.
        tables: What `build_tables` made; by default tables with the prefix ``oc_``.
        clock: Another clock than the database's, for tests.
        codec: Another table of events than this version's.

    Raises:
        SchemaMismatchError: The database does not have these tables.
        UnusablePathError: The engine does not speak PostgreSQL.
    """

    def __init__(
        self,
        engine: Engine,
        tables: Tables | None = None,
        *,
        clock: Callable[[], datetime] | None = None,
        codec: EventCodec | None = None,
    ) -> None:
        if engine.dialect.name != "postgresql":
            raise UnusablePathError(f"its dialect is {engine.dialect.name}, not postgresql")
        tables = tables or build_tables(MetaData())
        self._engine = engine.execution_options(isolation_level="READ COMMITTED")
        self._clock = clock
        self._codec = codec or event_codec()
        self._say = Statements(tables)
        self._host: Connection | None = None
        self._is_closed = False
        with self._transaction() as connection:
            verify_tables(connection, tables)

    def within(self, connection: Connection) -> SqlAlchemyStore:
        """
        The same store inside the host's own open transaction.

        Every call works in a savepoint of *connection*; what it wrote stands or falls with the
        host's transaction.
        """
        twin = copy(self)
        twin._host = connection
        return twin

    def close(self) -> None:
        """Use no more connections of the host's engine."""
        self._is_closed = True

    @contextmanager
    def _transaction(self) -> Generator[Connection]:
        """A connection with an open transaction; commits at the end, rolls back on any error."""
        if self._is_closed:
            raise StoreClosedError
        with translated():
            if self._host is not None:
                with self._host.begin_nested():
                    yield self._host
            else:
                with self._engine.begin() as connection:
                    yield connection

    def _read(self, statement: Executable, **values: object) -> list[Row]:
        with self._transaction() as connection:
            return [tuple(row) for row in connection.execute(statement, values)]

    def _now(self, connection: Connection) -> datetime:
        if self._clock is not None:
            return self._clock()
        now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return now.astimezone(UTC)

    def _of(self, connection: Connection) -> PostgresRows:
        return PostgresRows(connection, self._say, self._codec)

    # --- unit of work ---------------------------------------------------------------------------

    def now(self) -> datetime:
        with self._transaction() as connection:
            return self._now(connection)

    def commit(self, changes: ChangeSet) -> Committed:
        try:
            with self._transaction() as connection:
                return write(self._of(connection), changes, self._now(connection))
        except (ConflictError, RefusedError, IntegrityError) as error:
            return self._again(changes, error)

    def _again(self, changes: ChangeSet, error: Exception) -> Committed:
        """
        The answer to a commit that failed: somebody may have written the same one meanwhile.

        A collision of two new rows means that the change set was planned on something older.
        """
        with self._transaction() as connection:
            rows = self._of(connection)
            repeated = earlier(rows, changes)
            if repeated is not None:
                return repeated
            if isinstance(error, IntegrityError):
                for change in changes.streams:
                    head = rows.head(change.stream)
                    actual = head.version if head is not None else 0
                    if actual != change.expected_version:
                        conflict = (change.stream, change.expected_version, actual)
                        raise VersionConflictError(*conflict) from error
                raise StoreBusyError from error
        raise error

    # --- orders ---------------------------------------------------------------------------------

    def load(self, stream: StreamId) -> StoredStream:
        with self._transaction() as connection:
            snapshot, reached = self._snapshot(connection, stream)
            head = connection.execute(self._say.whole_head, {"of": stream}).first()
            if head is None:
                raise UnknownOrderError(stream)
            span = {"stream": stream, "after": reached, "upto": head[1]}
            commits = [tuple(row) for row in connection.execute(self._say.tail, span)]
        return StoredStream(
            stream=stream,
            kind=StreamKind(head[0]),
            version=head[1],
            requested=head[2],
            wakes=head[3],
            snapshot=snapshot,
            snapshot_version=reached,
            tail=tail_of(stream, commits, self._codec, after=reached, version=head[1]),
            due_at=instant_or_none(head[4]),
            recorded_at=from_micros(head[5]),
            attempts=head[6],
            last_error=head[7],
        )

    def _snapshot(self, connection: Connection, stream: StreamId) -> tuple[Order | None, int]:
        """Read before the head, so that it is never newer."""
        for version, text in connection.execute(self._say.snapshot, {"of": stream}):
            state = decode_state(text, Order)
            if state is not None:
                return state, version
        return None, 0

    def find_key(self, key: Key) -> Committed | None:
        with self._transaction() as connection:
            return self._of(connection).find(key=key)

    def find_commit(self, commit: CommitId) -> Committed | None:
        with self._transaction() as connection:
            return self._of(connection).find(commit=commit)

    def history(self, stream: StreamId) -> Iterator[Committed]:
        seq = 0
        while rows := self._read(self._say.history, stream=stream, after=seq, limit=PAGE):
            for row in rows:
                yield committed_of([row], self._codec)
                seq = row[-1]

    def find_claim(self, scope: str, value: str) -> StreamId | None:
        rows = self._read(self._say.claimed, **{"in": scope, "what": value})
        return StreamId(rows[0][0]) if rows else None

    def streams(
        self,
        *,
        kind: StreamKind = StreamKind.ORDER,
        after: StreamId | None = None,
        limit: int = 100,
    ) -> tuple[StreamId, ...]:
        page = {"kind": kind.value, "after": after or "", "limit": check_limit(limit)}
        return tuple(StreamId(row[0]) for row in self._read(self._say.streams, **page))

    def summaries(
        self, *, status: str | None = None, after: OrderId | None = None, limit: int = 100
    ) -> tuple[tuple[OrderId, OrderSummary], ...]:
        page: dict[str, object] = {"after": after or "", "limit": check_limit(limit)}
        if status is None:
            rows = self._read(self._say.summaries, **page)
        else:
            rows = self._read(self._say.summaries_of, status=status, **page)
        return tuple((OrderId(row[-1]), summary_of(row)) for row in rows)

    # --- work that is due -----------------------------------------------------------------------

    def take_due(self, *, limit: int, lease: timedelta) -> tuple[StreamId, ...]:
        check_limit(limit)
        with self._transaction() as connection:
            now = self._now(connection)
            page = {"now": micros(now), "limit": limit}
            taken = [StreamId(row[0]) for row in connection.execute(self._say.due, page)]
            if taken:
                due = micros(now + lease)
                leases = [{"of": stream, "due": due} for stream in taken]
                connection.execute(self._say.lease, leases)
        return tuple(taken)

    def sleep(self, stream: StreamId, *, version: int, wakes: int, due_at: datetime | None) -> bool:
        same: dict[str, object] = {"of": stream, "at": version, "seen": wakes}
        due = micros_or_none(due_at)
        with self._transaction() as connection:
            found = connection.execute(self._say.rest, same).first()
            if found is None or tuple(found) == (due, 0):
                return found is not None
            return connection.execute(self._say.sleep, {**same, "due": due}).rowcount > 0

    def failed(self, stream: StreamId, *, error: str, back_off: tuple[timedelta, ...]) -> int:
        with self._transaction() as connection:
            found = connection.execute(self._say.attempts, {"of": stream}).first()
            if found is None:
                raise UnknownOrderError(stream)
            count: int = found[0] + 1
            due = micros_or_none(next_try(self._now(connection), count, back_off))
            values = {"of": stream, "count": count, "error": error, "due": due}
            connection.execute(self._say.failed, values)
        return count

    def failing(self, *, after: StreamId | None = None, limit: int = 100) -> tuple[Failing, ...]:
        page = {"after": after or "", "limit": check_limit(limit)}
        return tuple(failing_of(row) for row in self._read(self._say.failing, **page))

    # --- stock ----------------------------------------------------------------------------------

    def counters(self, items: Iterable[ItemId]) -> Mapping[StockPlace, Counters]:
        rows = self._read(self._say.counters_of, items=sorted(set(items)))
        return dict(_counter_rows(rows))

    def allocations(self, owner: StreamId) -> tuple[Allocation, ...]:
        rows = self._read(self._say.allocations, by=owner)
        return tuple(reservation_of(row).allocation for row in rows)

    def ledger(self) -> Iterator[LedgerRow]:
        return map(ledger_row_of, self._streamed(self._say.ledger))

    def all_counters(self) -> Iterator[tuple[StockPlace, Counters]]:
        return _counter_rows(self._streamed(self._say.all_counters))

    def _streamed(self, statement: Executable) -> Iterator[Row]:
        """The rows of one consistent read, a page at a time in memory."""
        with self._transaction() as connection:
            options = {"stream_results": True, "yield_per": PAGE}
            for row in connection.execute(statement, execution_options=options):
                yield tuple(row)

    def locations(self) -> tuple[LocationId, ...]:
        return tuple(LocationId(row[0]) for row in self._read(self._say.locations))

    # --- people ---------------------------------------------------------------------------------

    def party(self, party: PartyId, version: int) -> Party:
        rows = self._read(self._say.party, who=party, number=version)
        if not rows:
            raise UnknownPartyError(party, version)
        if rows[0][0] is None:
            return Party(id=party, version=version, erased=True)
        return decode(rows[0][0], Party, stream=party)

    def erase(self, party: PartyId) -> int:
        """
        Remove the data of all versions.

        PostgreSQL overwrites the old rows with its next VACUUM, and keeps its log as configured.
        """
        with self._transaction() as connection:
            return connection.execute(self._say.erase, {"who": party}).rowcount

    # --- outbox ---------------------------------------------------------------------------------

    def unpublished(self, *, limit: int) -> tuple[Unpublished, ...]:
        rows = self._read(self._say.unpublished, limit=check_limit(limit))
        return tuple(unpublished_of(row, self._codec) for row in rows)

    def published(self, stream: StreamId, commit: CommitId) -> None:
        with self._transaction() as connection:
            connection.execute(self._say.published, {"commit": commit, "stream": stream})


def _counter_rows(rows: Iterable[Row]) -> Iterator[tuple[StockPlace, Counters]]:
    return ((StockPlace(ItemId(row[-2]), LocationId(row[-1])), counters_of(row)) for row in rows)
