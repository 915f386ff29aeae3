"""
A store in memory whose every state can be kept, compared and gone back to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, cast

from attrs import evolve, frozen

from ordercore.adapters._memory_rows import Tables
from ordercore.adapters.memory import MemoryStore
from ordercore.facts import Event
from ordercore.ids import CommitId, PartyId, StreamId
from ordercore.order.decide import evolve as fold
from ordercore.order.decide import replay
from ordercore.order.events import NoteAdded
from ordercore.order.model import Order
from ordercore.ports.repositories import StoredStream
from ordercore.ports.unit_of_work import ChangeSet, Committed, StreamKind
from ordercore.service.asking import Ask, plainly
from ordercore.testing._sandbox_carrier import CarrierBooks
from ordercore.testing._sandbox_file import from_micros
from ordercore.testing._simulation_memory import comparable
from ordercore.testing.sandbox import MemoryBooks

_INSTANT: Final = re.compile(r"datetime\.datetime\([^()]*\)")
FAR: Final = timedelta(hours=30)
"""What is further ahead than this has no exact time in `SimulatedStore.likeness`."""

__all__ = [
    "Histories",
    "Saved",
    "SavedStore",
    "SimulatedStore",
    "ahead",
    "books_likeness",
    "labels_likeness",
]


@frozen
class SavedStore:
    """A state of a store; ``before`` is the one before its last commit."""

    tables: Tables
    before: Tables
    histories: dict[StreamId, int]
    likes: dict[StreamId, int]
    stock: int


@frozen
class Saved:
    """
    Everything of a world between two calls; equal states have one ``number``.

    States of one ``likeness`` differ only in notes and in times. No instant that a fact names
    counts, be it past or to come; how far ahead is what will happen does, up to `FAR`: when the
    store wakes an order, when the gateway knows, takes back, ends, tells or gets something, and
    when the carrier books. So does whether the gateway has forgotten a key.
    """

    store: SavedStore
    books: MemoryBooks
    labels: CarrierBooks
    offset: timedelta
    now: datetime
    ids: int
    number: int
    likeness: int


class Histories:
    """
    A number for every history of a stream, the same for equal ones, and the order it makes.

    Times and facts count, ids of commits do not: two lives that wrote the same are the same.
    """

    def __init__(self, ask: Ask = plainly) -> None:
        self._ask = ask
        self._numbers: dict[tuple[int, Hashable], int] = {}
        self._likes: dict[tuple[int, Hashable], int] = {}
        self._stocks: dict[Hashable, int] = {}
        self._last: dict[int, tuple[int, tuple[Event, ...]]] = {}
        self._orders: dict[int, Order | None] = {0: None}
        self.proven: set[Hashable] = set()
        """The histories that were replayed in full and compared already."""

    def after(self, history: int, events: tuple[Event, ...]) -> int:
        """The number of a history with *events* more; 0 is the empty one."""
        key = history, tuple(map(comparable, events))
        number = self._numbers.setdefault(key, len(self._numbers) + 1)
        self._last.setdefault(number, (history, events))
        return number

    def like(self, history: int, events: tuple[Event, ...]) -> int:
        """The same for histories that differ only in times and notes."""
        facts = tuple(_timeless(event) for event in events if not isinstance(event, NoteAdded))
        return self._likes.setdefault((history, facts), len(self._likes) + 1) if facts else history

    def stock(self, stock: Hashable) -> int:
        """The number of a state of the stock; 0 is none at all."""
        return self._stocks.setdefault(stock, len(self._stocks) + 1)

    def order(self, history: int) -> Order | None:
        """The order that a history makes, folded from the longest part that was folded before."""
        if history not in self._orders:
            before, events = self._last[history]
            order = self.order(before)
            replay(events, order)  # only to see that they may follow
            for event in events:
                order = self._ask(fold, order, event)
            self._orders[history] = order
        return self._orders[history]


def ahead(instant: datetime | None, now: datetime) -> timedelta | None:
    """How far ahead an instant is; the same for all that are past, and for all that are far."""
    if instant is None:
        return None
    return min(max(instant - now, timedelta(0)), FAR)


def books_likeness(books: MemoryBooks, now: datetime, lifetime: timedelta) -> Hashable:
    """A gateway's books without the times of what is past or far; keys have a *lifetime*."""
    rows = tuple(
        (
            row.key,
            row.asked,
            row.amount,
            row.reference,
            row.kind,
            ahead(row.known_at, now),
            ahead(row.fails_at, now),
            ahead(row.expires_at, now),
            row.at + lifetime <= now,
        )
        for row in books.rows
    )
    told = tuple(
        (ahead(one.due_at, now), one.about, one.key, one.named, one.dispute, one.status)
        for one in books.to_tell.values()
    )
    late = tuple((ahead(at, now), ask.key) for at, ask in books.late)
    return rows, told, late, tuple(books.disputes.items()), tuple(books.wrong), books.kept()


def labels_likeness(labels: CarrierBooks, now: datetime) -> Hashable:
    """A carrier's books without the times of what is past."""
    return tuple(
        (key, body, number, declined, ahead(from_micros(booked_at), now))
        for key, body, number, declined, booked_at in (
            (row[1], row[2], row[5], row[6], row[7]) for row in (labels[0] if labels else ())
        )
    )


def _timeless(event: Event) -> Hashable:
    """A fact without its times."""
    known = comparable(event)
    if known is event:
        return _INSTANT.sub("", repr(event))
    kind, _, *facts = cast("tuple[Hashable, ...]", known)
    return kind, *facts


class SimulatedStore(MemoryStore):
    """A store that forks: `save` what there is, `restore` it, and read what was a commit ago."""

    def __init__(self, clock: Callable[[], datetime], histories: Histories) -> None:
        super().__init__(clock)
        self._histories = histories
        self._before = Tables()
        self._ids: dict[StreamId, int] = {}
        self._likes: dict[StreamId, int] = {}
        self._stock = 0
        self._is_past = False
        self._is_shared = False
        """Whether the tables are those of a saved state: who changes them copies them first."""

    def save(self) -> SavedStore:
        """What there is, to go back to."""
        self._is_shared = True
        return SavedStore(
            self._tables, self._before, self._ids.copy(), self._likes.copy(), self._stock
        )

    def restore(self, saved: SavedStore) -> None:
        """Go back to it."""
        self._tables = saved.tables
        self._before = saved.before
        self._ids = saved.histories.copy()
        self._likes = saved.likes.copy()
        self._stock = saved.stock
        self._is_shared = True

    def _own(self) -> None:
        if self._is_shared:
            self._tables, self._is_shared = _copied(self._tables), False

    def history_of(self, stream: StreamId) -> int:
        """The number of a stream's history; 0 where there is none."""
        return self._ids.get(stream, 0)

    @property
    def commits(self) -> int:
        """How often something was written."""
        return len(self._tables.by_commit)

    def next_due(self) -> datetime | None:
        """When the worker will look at an order again."""
        rows = self._tables.streams.values()
        orders = (row.due_at for row in rows if row.kind is StreamKind.ORDER)
        return min((at for at in orders if at is not None), default=None)

    def fingerprint(self) -> Hashable:
        """Equal for stores that answer the same from here on, but for the ids of commits."""
        tables = self._tables
        rows = tuple(
            (stream, self._ids.get(stream), row.requested, row.wakes, row.due_at, row.attempts)
            for stream, row in tables.streams.items()
        )
        return rows, tuple(tables.by_key), self._stock

    def likeness(self) -> Hashable:
        """Equal for stores that differ only in notes, and in the times of what is past or far."""
        tables, now = self._tables, self.now()
        rows = tuple(
            (stream, self._likes.get(stream), row.wakes, ahead(row.due_at, now), row.attempts)
            for stream, row in tables.streams.items()
        )
        return rows, tuple(tables.by_key), self._stock

    @contextmanager
    def a_commit_ago(self) -> Generator[None]:
        """Inside, reads answer as before the last commit."""
        present, self._tables = self._tables, self._before
        self._is_past = True
        try:
            yield
        finally:
            self._tables, self._is_past = present, False

    def commit(self, changes: ChangeSet) -> Committed:
        before, was_shared = self._tables, self._is_shared
        self._tables, self._is_shared = _copied(before), False
        try:
            committed = super().commit(changes)
        except BaseException:
            self._tables, self._is_shared = before, was_shared
            raise
        if len(self._tables.by_commit) > len(before.by_commit):
            self._before = before
            self._note(committed)
        return committed

    def _note(self, committed: Committed) -> None:
        for stream, events in committed.events.items():
            self._ids[stream] = self._histories.after(self._ids.get(stream, 0), events)
            self._likes[stream] = self._histories.like(self._likes.get(stream, 0), events)
        stock = self._tables.counters.items(), self._tables.reservations.items()
        self._stock = self._histories.stock(tuple(map(tuple, stock)))

    def take_due(self, *, limit: int, lease: timedelta) -> tuple[StreamId, ...]:
        self._own()
        return super().take_due(limit=limit, lease=lease)

    def sleep(self, stream: StreamId, *, version: int, wakes: int, due_at: datetime | None) -> bool:
        self._own()
        return super().sleep(stream, version=version, wakes=wakes, due_at=due_at)

    def failed(self, stream: StreamId, *, error: str, back_off: tuple[timedelta, ...]) -> int:
        self._own()
        return super().failed(stream, error=error, back_off=back_off)

    def erase(self, party: PartyId) -> int:
        self._own()
        return super().erase(party)

    def published(self, stream: StreamId, commit: CommitId) -> None:
        self._own()
        super().published(stream, commit)

    def load(self, stream: StreamId) -> StoredStream:
        """The stream with its order as a snapshot: a simulation need not fold what it folded."""
        stored = super().load(stream)
        if self._is_past or stored.kind is not StreamKind.ORDER:
            return stored
        order = self._histories.order(self._ids[stream])
        return evolve(stored, snapshot=order, snapshot_version=stored.version, tail=())


def _copied(tables: Tables) -> Tables:
    """The same tables, which go their own way from here; rows that are values are shared."""
    return Tables(
        streams={
            stream: evolve(row, commits=row.commits.copy())
            for stream, row in tables.streams.items()
        },
        by_commit=tables.by_commit.copy(),
        by_key=tables.by_key.copy(),
        outbox=tables.outbox.copy(),
        claims=tables.claims.copy(),
        parties=tables.parties.copy(),
        series=tables.series.copy(),
        counters=tables.counters.copy(),
        positions=tables.positions.copy(),
        reservations=tables.reservations.copy(),
        by_owner={owner: keys.copy() for owner, keys in tables.by_owner.items()},
        by_place={place: keys.copy() for place, keys in tables.by_place.items()},
        ledger=tables.ledger.copy(),
    )
