"""
Rows of database tables as values, and back: instants as microseconds, flags as 0 and 1.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias, TypeVar

from ordercore.codec.converter import from_plain, read_json
from ordercore.codec.registry import EventCodec
from ordercore.errors import OrderCoreError
from ordercore.facts import Event
from ordercore.ids import (
    Actor,
    CommitId,
    DocumentNumber,
    ItemId,
    Key,
    LineId,
    LocationId,
    PartyId,
    StreamId,
)
from ordercore.inventory.model import (
    Cause,
    Counters,
    MoveKind,
    Reservation,
    StockMove,
)
from ordercore.ports.repositories import Failing, LedgerRow, Unpublished
from ordercore.ports.unit_of_work import Committed, CorruptStreamError, OrderSummary

__all__ = [
    "COMMIT",
    "COUNTERS",
    "LEDGER",
    "RESERVATION",
    "SUMMARY",
    "Row",
    "batched",
    "committed_of",
    "counters_of",
    "failing_of",
    "from_micros",
    "instant_or_none",
    "ledger_row_of",
    "micros",
    "micros_or_none",
    "reservation_of",
    "summary_of",
    "summary_values",
    "tail_of",
    "trusted",
    "unpublished_of",
]

_Item = TypeVar("_Item")

Row: TypeAlias = tuple[Any, ...]
"""What a driver gives; the tables vouch for the types."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

COMMIT: Final = (
    "commit_id, stream, version, count, key, fingerprint, actor, reason, occurred_at,"
    " recorded_at, woken, events, ordinal"
)
"""The columns of `committed_of`."""
COUNTERS: Final = (
    "on_hand, reserved, queued, unavailable, incoming, safety_stock, backorder_limit, tracked,"
    " allotment"
)
"""The columns of `counters_of`."""
RESERVATION: Final = "owner, line, item, location, reserved, queued, position, partial"
"""The columns of `reservation_of`."""
LEDGER: Final = (
    "item, location, stream, version, cause_index, kind, quantity, owner, line, reason, partial,"
    " recorded_at"
)
"""The columns of `ledger_row_of`."""
SUMMARY: Final = (
    "status, payment, fulfilment, returned, currency, total_minor, placed_at, number, customer,"
    " external"
)
"""The columns of `summary_of`."""


def batched(values: Sequence[_Item], size: int = 32) -> Iterator[Sequence[_Item]]:
    """Pieces of at most *size*, for statements that name each value; few texts need be cached."""
    return (values[start : start + size] for start in range(0, len(values), size))


def micros(instant: datetime) -> int:
    """An instant as whole microseconds since 1970."""
    return (instant - EPOCH) // _MICROSECOND


def micros_or_none(instant: datetime | None) -> int | None:
    """The same, where there may be none."""
    return None if instant is None else micros(instant)


def from_micros(count: int) -> datetime:
    """The instant of so many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=count)


def instant_or_none(count: int | None) -> datetime | None:
    """The same, where there may be none."""
    return None if count is None else from_micros(count)


@contextmanager
def trusted(stream: StreamId, version: int) -> Generator[None]:
    """What is stored and cannot be true is no mistake of the caller."""
    try:
        yield
    except (ValueError, OverflowError) as error:
        raise CorruptStreamError(stream, version, type(error).__name__) from error


def unpublished_of(row: Row, codec: EventCodec) -> Unpublished:
    """One commit of one stream for the relay, or why it cannot be read."""
    stream = StreamId(row[1])
    try:
        return stream, committed_of([row], codec)
    except OrderCoreError as error:
        return stream, error


def committed_of(rows: Sequence[Row], codec: EventCodec) -> Committed:
    """One commit from its rows, one for each of its streams, in their order."""
    events: dict[StreamId, tuple[Event, ...]] = {}
    versions: dict[StreamId, int] = {}
    for row in rows:
        stream, version, count = StreamId(row[1]), row[2], row[3]
        if stream:
            events[stream] = codec.decode(row[11], stream=stream)
            versions[stream] = version
            _check_count(stream, version, count, len(events[stream]))
    row = rows[0]
    woken = from_plain(read_json(row[10], stream=row[1]), list[str], stream=row[1], at="$.woken")
    with trusted(StreamId(row[1]), row[2]):
        return Committed(
            commit=CommitId(row[0]),
            key=None if row[4] is None else Key(row[4]),
            fingerprint=row[5],
            by=Actor(row[6]),
            reason=row[7],
            occurred_at=from_micros(row[8]),
            recorded_at=from_micros(row[9]),
            events=events,
            versions=versions,
            woken=tuple(StreamId(stream) for stream in woken),
        )


def _check_count(stream: StreamId, version: int, counted: int, found: int) -> None:
    if counted != found:
        problem = f"there are {found} facts, but {counted} were counted"
        raise CorruptStreamError(stream, version, problem)


def tail_of(
    stream: StreamId, rows: Iterable[Row], codec: EventCodec, *, after: int, version: int
) -> tuple[Event, ...]:
    """
    The facts of a stream from *after* up to *version*, without a gap and none twice.

    Args:
        stream: Whose facts.
        rows: (version, count, events) of its commits, in ascending order.
        codec: The table of events.
        after: The version that is known already.
        version: Where the stream stands.

    Raises:
        CorruptStreamError: A gap, a fact twice or out of order.
        DecodeError, UnknownEventTypeError: A fact cannot be read.
    """
    events: list[Event] = []
    reached = after
    for row_version, count, text in rows:
        if row_version - count != reached:
            raise CorruptStreamError(stream, reached + 1, "there is a gap, or a fact twice")
        found = codec.decode(text, stream=stream)
        _check_count(stream, row_version, count, len(found))
        events += found
        reached = row_version
    if reached != version:
        raise CorruptStreamError(stream, reached, f"its facts should go on to {version}")
    return tuple(events)


def failing_of(row: Row) -> Failing:
    """A stream on which workers failed, from its row."""
    return Failing(
        stream=StreamId(row[0]),
        attempts=row[1],
        last_error=row[2],
        due_at=instant_or_none(row[3]),
    )


def counters_of(row: Row) -> Counters:
    """Counters from their row."""
    return Counters(
        on_hand=row[0],
        reserved=row[1],
        queued=row[2],
        unavailable=row[3],
        incoming=row[4],
        safety_stock=row[5],
        backorder_limit=row[6],
        tracked=bool(row[7]),
        allotment=bool(row[8]),
    )


def reservation_of(row: Row) -> Reservation:
    """What an owner's line holds at a place, from its row."""
    return Reservation(
        owner=StreamId(row[0]),
        line=LineId(row[1]),
        item=ItemId(row[2]),
        location=LocationId(row[3]),
        reserved=row[4],
        queued=row[5],
        position=row[6],
        partial=bool(row[7]),
    )


def ledger_row_of(row: Row) -> LedgerRow:
    """A move of the ledger, from its row."""
    stream, version = StreamId(row[2]), row[3]
    with trusted(stream, version):
        move = StockMove(
            item=ItemId(row[0]),
            location=LocationId(row[1]),
            kind=MoveKind(row[5]),
            quantity=row[6],
            owner=None if row[7] is None else StreamId(row[7]),
            line=None if row[8] is None else LineId(row[8]),
            reason=row[9],
            partial=bool(row[10]),
        )
        cause = Cause(stream, version, row[4])
        return LedgerRow(cause=cause, move=move, recorded_at=from_micros(row[11]))


def summary_of(row: Row) -> OrderSummary:
    """An order's summary, from its columns."""
    return OrderSummary(
        status=row[0],
        payment=row[1],
        fulfilment=row[2],
        returned=row[3],
        currency=row[4],
        total_minor=row[5],
        placed_at=from_micros(row[6]),
        number=None if row[7] is None else DocumentNumber(row[7]),
        customer=None if row[8] is None else PartyId(row[8]),
        external=row[9],
    )


def summary_values(summary: OrderSummary) -> Row:
    """The columns of a summary."""
    return (
        summary.status,
        summary.payment,
        summary.fulfilment,
        summary.returned,
        summary.currency,
        summary.total_minor,
        micros(summary.placed_at),
        summary.number,
        summary.customer,
        summary.external,
    )
