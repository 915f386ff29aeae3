"""
A store of stock in a few dictionaries: what `ordercore.inventory.moves` asks of every store.

It calls the functions of the room by their modules, so that a planted bug reaches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import count

from attrs import define, field, frozen

from ordercore.facts import Event
from ordercore.ids import ItemId, LineId, LocationId, StreamId
from ordercore.inventory import audit as auditing
from ordercore.inventory import moves as moving
from ordercore.inventory import reserve as reserving
from ordercore.inventory.model import (
    NO_STOCK,
    Allocation,
    Cause,
    Counters,
    MovesStock,
    Reservation,
    StockMove,
    StockPlace,
    StockPolicy,
    WantedLine,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Owned = tuple[StreamId, LineId, StockPlace]
Facts = Mapping[StreamId, tuple[Event, ...]]


def place(item: str = "cup", location: str = "berlin") -> StockPlace:
    return StockPlace(ItemId(item), LocationId(location))


def wanted(quantity: int, item: str = "cup", line: str = "1") -> WantedLine:
    return WantedLine(line=LineId(line), item=ItemId(item), quantity=quantity)


def held(
    reserved: int, queued: int = 0, *, at: StockPlace | None = None, line: str = "1"
) -> Allocation:
    where = at or place()
    return Allocation(
        line=LineId(line),
        item=where.item,
        location=where.location,
        reserved=reserved,
        queued=queued,
    )


@frozen
class Moved(Event, MovesStock):
    """Moves as another room's fact would tell them."""

    told: tuple[StockMove, ...]

    @property
    def moves(self) -> tuple[StockMove, ...]:
        return self.told


@frozen(kw_only=True)
class Row:
    """A row of the ledger."""

    cause: Cause
    move: StockMove


@define
class World:
    """Counters, owners' rows and the ledger; `commit` writes all of it or nothing."""

    counters: dict[StockPlace, Counters] = field(factory=dict[StockPlace, Counters])
    rows: dict[Owned, Reservation] = field(factory=dict[Owned, Reservation])
    moves: list[Row] = field(factory=list[Row])
    versions: dict[StreamId, int] = field(factory=dict[StreamId, int])
    woken: set[StreamId] = field(factory=set[StreamId])
    positions: Iterable[int] = field(factory=lambda: count(1))

    def commit(self, facts: Facts, *, versions: Mapping[StreamId, int] | None = None) -> None:
        """Apply the moves of new facts; *versions*: where they stand in their streams."""
        draft = World(
            counters=dict(self.counters),
            rows=dict(self.rows),
            moves=list(self.moves),
            versions=dict(self.versions),
            woken=set(self.woken),
            positions=self.positions,
        )
        draft._write(facts, self.versions if versions is None else versions)
        self.counters, self.rows, self.moves = draft.counters, draft.rows, draft.moves
        self.versions, self.woken = draft.versions, draft.woken

    def _write(self, facts: Facts, versions: Mapping[StreamId, int]) -> None:
        applied = {row.cause: row.move for row in self.moves}
        fresh = list(moving.unapplied(_caused(facts, versions), applied))
        deltas = moving.net(move for _, move in fresh)
        for at, delta in deltas.items():
            self.counters[at] = moving.apply(self.counters.get(at, NO_STOCK), delta)
        policies = dict(_policies(facts))
        for at, policy in policies.items():
            self.counters[at] = moving.with_policy(self.counters.get(at, NO_STOCK), policy)
        for cause, move in fresh:
            self._record(cause, move)
        first = next(iter(facts))
        self._settle(deltas.keys() | policies.keys(), first, versions.get(first, 0) + 1)
        for stream, events in facts.items():
            self.versions[stream] = versions.get(stream, 0) + len(events)

    def _settle(self, places: Iterable[StockPlace], stream: StreamId, version: int) -> None:
        """Fill queues and requeue what is lost, caused by the first fact of the commit."""
        numbers = count(1_000_000)
        for at in sorted(places):
            if self.counters[at].is_restless:
                for move in self._settled(at):
                    self._record(Cause(stream, version, next(numbers)), move)

    def _settled(self, at: StockPlace) -> tuple[StockMove, ...]:
        here = [row for (_, _, where), row in self.rows.items() if where == at]
        settled = reserving.rebalance(at, self.counters[at], here)
        for delta in moving.net(settled).values():
            self.counters[at] = moving.apply(self.counters[at], delta)
        self.woken.update(move.owner for move in settled if move.owner is not None)
        return settled

    def _record(self, cause: Cause, move: StockMove) -> None:
        self.moves.append(Row(cause=cause, move=move))
        if move.kind not in moving.OWNED_KINDS or move.owner is None or move.line is None:
            return
        key = (move.owner, move.line, move.place)
        row = self.rows.get(key)
        position = 0 if row else next(iter(self.positions))
        after = moving.apply_reservation(row, move, position=position)
        if after is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = after

    def at(self, where: StockPlace | None = None) -> Counters:
        """The counters of a place."""
        return self.counters.get(where or place(), NO_STOCK)

    def allocations(self, owner: str) -> tuple[Allocation, ...]:
        """What an owner holds and awaits, sorted by line and location."""
        own = [row.allocation for row in self.rows.values() if row.owner == owner]
        return tuple(sorted(own, key=lambda at: (at.line, at.item, at.location)))

    def ledger(self) -> list[Row]:
        """The ledger sorted by place, then as it was written."""
        return sorted(self.moves, key=lambda row: row.move.place)

    def sorted_counters(self) -> list[tuple[StockPlace, Counters]]:
        """The counter rows sorted by place."""
        return sorted(self.counters.items(), key=lambda row: row[0])

    def reservations(self) -> list[Reservation]:
        """The owners' rows sorted by place."""
        return sorted(self.rows.values(), key=lambda row: row.allocation.place)


def _caused(facts: Facts, versions: Mapping[StreamId, int]) -> Iterable[tuple[Cause, StockMove]]:
    for stream, events in facts.items():
        for version, event in enumerate(events, start=versions.get(stream, 0) + 1):
            for index, move in enumerate(moving.moves_of(event)):
                yield Cause(stream, version, index), move


def _policies(facts: Facts) -> Iterable[tuple[StockPlace, StockPolicy]]:
    for events in facts.values():
        for event in events:
            yield from moving.policies_of(event)


# --- laws ---------------------------------------------------------------------------------------


def law_of_the_ledger(world: World) -> None:
    """Counters are the sum of the ledger, and of the owners' rows (RULES I-2, I-13)."""
    found = auditing.audit(world.ledger(), world.sorted_counters(), world.reservations())
    assert [] == list(found)


def law_of_promises(world: World) -> None:
    """No place has promised more than it can keep (RULES I-2)."""
    for at, row in world.counters.items():
        if row.tracked and not row.allotment:
            assert row.reserved <= max(0, row.on_hand - row.unavailable), (at, row)
        if row.allotment:
            assert row.queued == 0, (at, row)


def law_of_the_queue(world: World) -> None:
    """Nobody waits beside free stock, unless it is too little for the first in turn (RULES I-5)."""
    for at, row in world.counters.items():
        here = [one for one in world.rows.values() if one.allocation.place == at and one.queued]
        if row.free > 0 and here:
            first = min(here, key=lambda one: one.position)
            assert not first.partial, (at, row, first)
            assert first.queued > row.free, (at, row, first)
        if not row.tracked:
            assert not here, (at, row)


LAWS = (law_of_the_ledger, law_of_promises, law_of_the_queue)
