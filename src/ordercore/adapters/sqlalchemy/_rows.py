"""
The rows of one PostgreSQL transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Executable

from ordercore.adapters._values import (
    SUMMARY,
    Row,
    committed_of,
    counters_of,
    from_micros,
    micros,
    micros_or_none,
    reservation_of,
    summary_values,
)
from ordercore.adapters._write import Head, Rows, StreamWrite
from ordercore.adapters.sqlalchemy._statements import FIGURES, Statements, names_of
from ordercore.codec.converter import decode, encode, write_json
from ordercore.codec.registry import EventCodec
from ordercore.codec.state import encode_state
from ordercore.ids import CommitId, Key, Series, StreamId
from ordercore.inventory.model import (
    NO_STOCK,
    Counters,
    Reservation,
    StockMove,
    StockPlace,
    StockPolicy,
)
from ordercore.inventory.moves import EFFECTS, Delta, refusal
from ordercore.order.party import Party
from ordercore.ports.repositories import LedgerRow
from ordercore.ports.unit_of_work import Committed, StreamKind

__all__ = ["PostgresRows"]

Values = dict[str, object]


class PostgresRows(Rows):
    """
    The rows of one open transaction, READ COMMITTED.

    A stream's row is locked when it is looked at, a place's when it is moved; whoever comes second
    waits and then sees what the first one wrote.
    """

    def __init__(self, connection: Connection, statements: Statements, codec: EventCodec) -> None:
        self._connection = connection
        self._say = statements
        self._codec = codec
        self._after: dict[StockPlace, Row] = {}

    def _run(self, statement: Executable, values: Values | list[Values]) -> int:
        """Execute; answers how many rows were touched."""
        return self._connection.execute(statement, values).rowcount

    def _rows(self, statement: Executable, values: Values) -> list[Row]:
        return [tuple(row) for row in self._connection.execute(statement, values)]

    def _one(self, statement: Executable, values: Values) -> Row | None:
        rows = self._rows(statement, values)
        return rows[0] if rows else None

    # --- history --------------------------------------------------------------------------------

    def is_known(self, commit: CommitId, key: Key | None) -> bool:
        row = self._one(self._say.is_known, {"commit": commit, "key": key})
        return row is not None and bool(row[0])

    def find(self, *, commit: CommitId | None = None, key: Key | None = None) -> Committed | None:
        if commit is None:
            found = self._one(self._say.commit_of_key, {"key": key})
            if found is None:
                return None
            commit = CommitId(found[0])
        rows = self._rows(self._say.by_commit, {"commit": commit})
        return committed_of(rows, self._codec) if rows else None

    def head(self, stream: StreamId) -> Head | None:
        row = self._one(self._say.head, {"of": stream})
        if row is None:
            return None
        return Head(kind=StreamKind(row[0]), version=row[1], recorded_at=from_micros(row[2]))

    def finish(
        self, writes: tuple[StreamWrite, ...], wakes: Iterable[StreamId], now: datetime
    ) -> tuple[StreamId, ...]:
        ordered = sorted(writes, key=lambda one: one.change.stream)
        for one in ordered:
            self._write_stream(one)
        own = {one.change.stream: one for one in ordered}
        woken: list[StreamId] = []
        for stream in sorted({*own, *wakes}):
            if stream in own:
                self._write_schedule(own[stream], micros(now))
            elif self._run(self._say.wake, {"of": stream, "now": micros(now)}):
                woken.append(stream)
        return tuple(woken)

    def _write_stream(self, write: StreamWrite) -> None:
        change, summary = write.change, write.summary
        recorded_at = micros(write.recorded_at)
        requested = write.version if change.counts else 0
        if write.is_new:
            row: Values = {
                "stream": change.stream,
                "kind": change.kind.value,
                "version": write.version,
                "requested": requested,
                "recorded_at": recorded_at,
                **(_named(summary_values(summary)) if summary is not None else {}),
            }
            self._run(self._say.add_stream, row)
        else:
            head: Values = {"of": change.stream, "to": write.version, "at": recorded_at}
            self._run(self._say.set_version, {**head, "requested": requested})
            if summary is not None:
                columns = _named(summary_values(summary), "new_")
                self._run(self._say.set_summary, {"of": change.stream, **columns})
        if change.snapshot is not None:
            snapshot: Values = {
                "stream": change.stream,
                "version": change.expected_version,
                "state": encode_state(change.snapshot),
            }
            self._run(self._say.put_snapshot, snapshot)

    def _write_schedule(self, write: StreamWrite, now: int) -> None:
        change, due = write.change, micros_or_none(write.change.due_at)
        woken = int(write.woken)
        if write.is_new:
            row: Values = {
                "stream": change.stream,
                "version": write.version,
                "wakes": woken,
                "due_at": now if woken or change.seen_wakes else due,
                "attempts": 0,
                "last_error": "",
            }
            self._run(self._say.add_schedule, row)
        else:
            change_it: Values = {
                "of": change.stream,
                "to": write.version,
                "seen": change.seen_wakes,
                "woken": woken,
                "due": due,
                "now": now,
            }
            self._run(self._say.set_schedule, change_it)

    def record(self, committed: Committed) -> None:
        shared: Values = {
            "commit_id": committed.commit,
            "key": committed.key,
            "fingerprint": committed.fingerprint,
            "actor": committed.by,
            "reason": committed.reason,
            "occurred_at": micros(committed.occurred_at),
            "recorded_at": micros(committed.recorded_at),
            "woken": write_json(list(committed.woken)),
        }
        streams = committed.events or {StreamId(""): ()}
        for ordinal, (stream, events) in enumerate(streams.items()):
            row: Values = {
                **shared,
                "stream": stream,
                "version": committed.versions.get(stream, 0),
                "count": len(events),
                "ordinal": ordinal,
                "events": self._codec.encode(events),
            }
            seq = self._one(self._say.add_commit, row)
            if events and seq is not None:
                self._run(self._say.add_outbox, {"seq": seq[0], "stream": stream})

    # --- claims, people, numbers ----------------------------------------------------------------

    def claim(self, scope: str, value: str, owner: StreamId) -> StreamId:
        self._run(self._say.claim, {"scope": scope, "value": value, "owner": owner})
        row = self._one(self._say.claimed, {"in": scope, "what": value})
        return StreamId(row[0]) if row is not None else owner

    def add_party(self, party: Party) -> bool:
        new: Values = {"party": party.id, "version": party.version, "data": encode(party)}
        if self._one(self._say.add_party, new) is not None:
            return True
        row = self._one(self._say.party, {"who": party.id, "number": party.version})
        if row is None or row[0] is None:
            return False
        return decode(row[0], Party, stream=party.id) == party

    def take_numbers(self, series: Series, count: int) -> int:
        row = self._one(self._say.take_numbers, {"series": series, "last": count})
        return int(row[0]) - count + 1 if row is not None else 1

    # --- stock ----------------------------------------------------------------------------------

    def move_all(self, deltas: Sequence[Delta]) -> None:
        """One statement after the other: a single one would lock the rows in any order."""
        for delta in deltas:
            self._after[delta.place] = self._move(delta)

    def _move(self, delta: Delta) -> Row:
        values: Values = {
            **_at(delta.place),
            **{f"by_{name}": getattr(delta, name) for name in FIGURES},
            "counted": delta.counted,
            "promises": delta.promises,
            "queues": delta.queues,
            "waiting": delta.waiting,
        }
        row = self._one(self._say.move, values)
        if row is None and self._open_place(delta.place):
            row = self._one(self._say.move, values)
        if row is None:
            found = self._one(self._say.counters, _at(delta.place))
            raise refusal(counters_of(found) if found is not None else NO_STOCK, delta)
        return row

    def restless(self, places: Sequence[StockPlace]) -> Mapping[StockPlace, Counters]:
        rows = ((place, counters_of(self._after[place])) for place in places)
        return {place: row for place, row in rows if row.is_restless}

    def _open_place(self, place: StockPlace) -> bool:
        """Give a place its row; answers whether it had none."""
        row: Values = {
            "item": place.item,
            "location": place.location,
            **dict.fromkeys(FIGURES, 0),
            "safety_stock": NO_STOCK.safety_stock,
            "backorder_limit": NO_STOCK.backorder_limit,
            "tracked": NO_STOCK.tracked,
            "allotment": NO_STOCK.allotment,
        }
        return self._one(self._say.open_place, row) is not None

    def set_policy(self, place: StockPlace, policy: StockPolicy) -> None:
        self._open_place(place)
        values: Values = {
            **_at(place),
            "kept": policy.safety_stock,
            "most": policy.backorder_limit,
            "is_tracked": policy.tracked,
            "is_allotment": policy.allotment,
        }
        (self._after[place],) = self._rows(self._say.set_policy, values)

    def reservation(self, move: StockMove) -> Reservation | None:
        row = self._one(self._say.reservation, _of(move))
        return reservation_of(row) if row is not None else None

    def put_reservation(self, move: StockMove, row: Reservation | None) -> None:
        if row is None:
            self._run(self._say.drop_reservation, _of(move))
        else:
            figures: Values = {"held": row.reserved, "awaited": row.queued}
            self._run(self._say.put_reservation, {**_of(move), **figures})

    def add_to_reservations(self, moves: Sequence[StockMove]) -> None:
        self._run(self._say.add_reservation, [_reservation_values(move) for move in moves])

    def queue(self, place: StockPlace) -> Iterator[Reservation]:
        return map(reservation_of, self._rows(self._say.queue, _at(place)))

    def holders(self, place: StockPlace) -> Iterator[Reservation]:
        return map(reservation_of, self._rows(self._say.holders, _at(place)))

    def add_to_ledger(self, rows: Sequence[LedgerRow]) -> None:
        if rows:
            self._run(self._say.add_to_ledger, [_ledger_values(row) for row in rows])


def _named(values: Row, prefix: str = "") -> Values:
    """The columns of a summary by their names."""
    names = names_of(SUMMARY)
    return {f"{prefix}{name}": value for name, value in zip(names, values, strict=True)}


def _at(place: StockPlace) -> Values:
    return {"at_item": place.item, "at_location": place.location}


def _of(move: StockMove) -> Values:
    return {
        "by": move.owner,
        "for_line": move.line,
        "at_item": move.item,
        "at_location": move.location,
    }


def _reservation_values(move: StockMove) -> Values:
    effect = EFFECTS[move.kind]
    return {
        **_at(move.place),
        "owner": move.owner,
        "line": move.line,
        "item": move.item,
        "location": move.location,
        "reserved": effect.reserved * move.quantity,
        "queued": effect.queued * move.quantity,
        "partial": move.partial,
    }


def _ledger_values(row: LedgerRow) -> Values:
    return {
        "item": row.move.item,
        "location": row.move.location,
        "stream": row.cause.stream,
        "version": row.cause.version,
        "cause_index": row.cause.index,
        "kind": row.move.kind.value,
        "quantity": row.move.quantity,
        "owner": row.move.owner,
        "line": row.move.line,
        "reason": row.move.reason,
        "partial": row.move.partial,
        "recorded_at": micros(row.recorded_at),
    }
