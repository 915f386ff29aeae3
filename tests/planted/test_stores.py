"""Broken stores, each of which the shipped contract suite must notice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from itertools import count, product
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve

from ordercore.adapters import _sqlite_statements as sql
from ordercore.adapters._memory_rows import MemoryRows, only
from ordercore.adapters._write import StreamWrite, write
from ordercore.adapters.errors import StoreBrokenError
from ordercore.adapters.memory import MemoryStore
from ordercore.adapters.sqlite import SqliteStore
from ordercore.errors import OrderCoreError
from ordercore.ids import CommitId, Key, PartyId, Series, StreamId
from ordercore.inventory.model import Counters, MoveKind, Reservation, StockMove, StockPlace
from ordercore.inventory.model import StockPolicy as Policy
from ordercore.inventory.moves import Delta, apply, with_policy
from ordercore.order.party import Party
from ordercore.ports.repositories import LedgerRow, Store, StoredStream, Unpublished
from ordercore.ports.unit_of_work import ChangeSet, Committed, StreamKind, VersionConflictError
from ordercore.testing.contracts.store import StoreContract


class _Store(MemoryStore):
    """A memory store whose rows can be exchanged."""

    rows: type[MemoryRows] = MemoryRows

    def _rows(self) -> MemoryRows:
        return self.rows(self._tables)


# --- commits ------------------------------------------------------------------------------------


class HalfACommit(_Store):
    """What was written before the refusal stays."""

    seen_by = "test_a_refused_commit_leaves_everything_as_it_was"

    def commit(self, changes: ChangeSet) -> Committed:
        rows = self._rows()
        try:
            return write(rows, changes, self.now())
        finally:
            rows.apply()


class LateKey(_Store):
    """Versions are checked before the key, so a repeat conflicts."""

    seen_by = "test_the_same_key_gets_the_first_answer"

    def commit(self, changes: ChangeSet) -> Committed:
        for change in changes.streams:
            row = self._tables.streams.get(change.stream)
            actual = row.version if row is not None else 0
            if actual != change.expected_version:
                raise VersionConflictError(change.stream, change.expected_version, actual)
        return super().commit(changes)


class KeyWithoutBody(_Store):
    """The fingerprint of a repeat is not compared."""

    seen_by = "test_a_key_or_id_of_another_command_is_refused"

    def commit(self, changes: ChangeSet) -> Committed:
        found = self._tables.by_key.get(changes.key) if changes.key is not None else None
        return found or self._tables.by_commit.get(changes.commit) or super().commit(changes)


class ForgottenKey(_Store):
    """A repeat is written again."""

    seen_by = "test_the_same_key_gets_the_first_answer"

    class rows(MemoryRows):  # noqa: N801 - stands in the place of an attribute
        def is_known(self, commit: CommitId, key: Key | None) -> bool:  # noqa: ARG002
            return False


class LastWriterWins(_Store):
    """Versions are not checked at all."""

    seen_by = "test_of_many_at_one_version_one_wins"

    def commit(self, changes: ChangeSet) -> Committed:
        streams = self._tables.streams
        fresh = tuple(
            evolve(change, expected_version=streams[change.stream].version)
            if change.stream in streams
            else change
            for change in changes.streams
        )
        return super().commit(evolve(changes, streams=fresh))


class NoLock(_Store):
    """Two commits read the same, and both write."""

    seen_by = "test_the_last_unit_is_sold_once"

    def __init__(self) -> None:
        super().__init__()
        self._lock = nullcontext()

    class rows(MemoryRows):  # noqa: N801
        def apply(self) -> None:
            time.sleep(0.02)
            super().apply()


class NumberGap(_Store):
    """A number is spent even when its commit is refused."""

    seen_by = "test_after_a_refusal_the_same_commit_can_be_made_right"

    class rows(MemoryRows):  # noqa: N801
        def claim(self, scope: str, value: str, owner: StreamId) -> StreamId:
            self.tables.series[Series("ORD")] = self.tables.series.get(Series("ORD"), 0) + 1
            return super().claim(scope, value, owner)

        def move(self, delta: Delta) -> Counters:
            self.tables.series[Series("ORD")] = self.tables.series.get(Series("ORD"), 0) + 1
            return super().move(delta)


class EqualNumbers(_Store):
    """Everybody gets the first number."""

    seen_by = "test_numbers_have_no_gap"

    class rows(MemoryRows):  # noqa: N801
        def take_numbers(self, series: Series, count: int) -> int:  # noqa: ARG002
            return 1


class ClaimForAll(_Store):
    """A coupon works for everybody."""

    seen_by = "test_of_many_claims_one_wins"

    class rows(MemoryRows):  # noqa: N801
        def claim(self, scope: str, value: str, owner: StreamId) -> StreamId:
            super().claim(scope, value, owner)
            return owner


class LostWake(_Store):
    """A commit in flight forgets that the stream was woken meanwhile."""

    seen_by = "test_no_wake_is_lost_to_a_commit_in_flight"

    class rows(MemoryRows):  # noqa: N801
        def write_stream(self, write: StreamWrite, now: datetime) -> None:
            row = self.tables.streams.get(write.change.stream)
            seen = row.wakes if row is not None else 0
            super().write_stream(evolve(write, change=evolve(write.change, seen_wakes=seen)), now)


class NobodyWoken(_Store):
    """Wakes of a change set are left out."""

    seen_by = "test_a_wake_makes_others_due"

    class rows(MemoryRows):  # noqa: N801
        def finish(
            self, writes: tuple[StreamWrite, ...], wakes: Iterable[StreamId], now: datetime
        ) -> tuple[StreamId, ...]:
            super().finish(writes, (), now)
            return tuple(wakes)


class SnapshotOfTomorrow(_Store):
    """The snapshot is taken for the state after the commit."""

    seen_by = "test_a_snapshot_and_the_facts_after_it_come_back"

    class rows(MemoryRows):  # noqa: N801
        def write_stream(self, write: StreamWrite, now: datetime) -> None:
            super().write_stream(write, now)
            if write.change.snapshot is not None:
                self.tables.streams[write.change.stream].snapshot_version = write.version


class EverythingTwice(_Store):
    """The tail goes on from the beginning, snapshot or not."""

    seen_by = "test_a_snapshot_and_the_facts_after_it_come_back"

    def load(self, stream: StreamId) -> StoredStream:
        stored = super().load(stream)
        events = [event for done in self.history(stream) for event in done.events[stream]]
        return evolve(stored, tail=tuple(events))


class ReportsCount(_Store):
    """Every commit is taken for a request."""

    seen_by = "test_the_last_request_is_known"

    def commit(self, changes: ChangeSet) -> Committed:
        counted = tuple(evolve(change, counts=True) for change in changes.streams)
        return super().commit(evolve(changes, streams=counted))


# --- stock --------------------------------------------------------------------------------------


class Oversell(_Store):
    """The bound is not checked when it matters."""

    seen_by = "test_a_promise_keeps_its_bound"

    class rows(MemoryRows):  # noqa: N801
        def move(self, delta: Delta) -> Counters:
            before = self._counters.get(delta.place) or Counters()
            after = apply(with_policy(before, Policy(tracked=False)), delta)
            policy = Policy(
                safety_stock=before.safety_stock,
                backorder_limit=before.backorder_limit,
                tracked=before.tracked,
            )
            self._counters.put(delta.place, with_policy(after, policy))
            return with_policy(after, policy)


class OneLineAtATime(_Store):
    """Each line is written by itself: a short one leaves the others taken."""

    seen_by = "test_all_lines_or_none"

    class rows(MemoryRows):  # noqa: N801
        def move(self, delta: Delta) -> Counters:
            after = super().move(delta)
            self.tables.counters[delta.place] = after
            return after


class BoundBeforeNet(_Store):
    """What the same commit gives back does not count yet."""

    seen_by = "test_a_hold_of_the_last_unit_becomes_an_order"

    def commit(self, changes: ChangeSet) -> Committed:
        for move in (move for _, move in changes.moves if move.kind is MoveKind.RESERVE):
            self._rows().move(Delta(place=move.place, reserved=move.quantity, promises=True))
        return super().commit(changes)


class EverybodysHold(_Store):
    """Whoever asks gives back what others hold."""

    seen_by = "test_nobody_gives_back_what_another_holds"

    class rows(MemoryRows):  # noqa: N801
        def reservation(self, move: StockMove) -> Reservation | None:
            row = super().reservation(move)
            return row and evolve(row, reserved=row.reserved + 9)


class NobodyServed(_Store):
    """Units arrive, and the queue waits beside them."""

    seen_by = "test_a_receipt_fills_the_queue_in_turn"

    class rows(MemoryRows):  # noqa: N801
        def queue(self, place: StockPlace) -> Sequence[Reservation]:  # noqa: ARG002
            return ()


class LastComeFirstServed(_Store):
    """The youngest is served first."""

    seen_by = "test_a_receipt_fills_the_queue_in_turn"

    class rows(MemoryRows):  # noqa: N801
        def queue(self, place: StockPlace) -> Sequence[Reservation]:
            return super().queue(place)[::-1]


class OldestLoses(_Store):
    """A lost unit is taken from the oldest reservation."""

    seen_by = "test_a_lost_unit_sends_the_youngest_back_to_wait"

    class rows(MemoryRows):  # noqa: N801
        def holders(self, place: StockPlace) -> Sequence[Reservation]:
            return super().holders(place)[::-1]


class FillsUnlogged(_Store):
    """What the store moves itself does not stand in the ledger."""

    seen_by = "test_any_interleaving_keeps_the_books"

    class rows(MemoryRows):  # noqa: N801
        def add_to_ledger(self, rows: Sequence[LedgerRow]) -> None:
            super().add_to_ledger([row for row in rows if row.move.kind is not MoveKind.FILL])


class LedgerByTime(_Store):
    """The ledger is not sorted by place."""

    seen_by = "test_the_ledger_tells_every_move"

    def ledger(self) -> Iterator[LedgerRow]:
        return iter(self._tables.ledger)


# --- work that is due ---------------------------------------------------------------------------


class NoLease(_Store):
    """What was taken can be taken again at once."""

    seen_by = "test_no_two_workers_take_the_same"

    def take_due(self, *, limit: int, lease: timedelta) -> tuple[StreamId, ...]:
        return super().take_due(limit=limit, lease=-lease)


class DeepSleep(_Store):
    """A sleep does not look whether the stream was woken."""

    seen_by = "test_a_sleep_does_not_put_a_moved_stream_to_rest"

    def sleep(self, stream: StreamId, *, version: int, wakes: int, due_at: datetime | None) -> bool:
        row = self._tables.streams.get(stream)
        now = row.wakes if row is not None else wakes
        return super().sleep(stream, version=version, wakes=now, due_at=due_at)


class NoPatience(_Store):
    """Each failure is taken for the first."""

    seen_by = "test_failures_are_counted_outside_the_facts"

    def failed(self, stream: StreamId, *, error: str, back_off: tuple[timedelta, ...]) -> int:
        return super().failed(stream, error=error, back_off=back_off[:1])


class PageTwice(_Store):
    """The last of a page comes again."""

    seen_by = "test_streams_are_listed_a_page_at_a_time"

    def streams(
        self,
        *,
        kind: StreamKind = StreamKind.ORDER,
        after: StreamId | None = None,
        limit: int = 100,
    ) -> tuple[StreamId, ...]:
        found = super().streams(kind=kind, after=after, limit=limit)
        return (after, *found)[:limit] if after is not None and found else found


# --- outbox, history, people --------------------------------------------------------------------


class OutOfOrder(_Store):
    """All commits are given, the later ones of a stream beside the earlier."""

    seen_by = "test_the_oldest_of_each_stream_is_given"

    def unpublished(self, *, limit: int) -> tuple[tuple[StreamId, Committed], ...]:
        by_commit = self._tables.by_commit
        waiting = list(self._tables.outbox)[:limit]
        return tuple((stream, only(stream, by_commit[commit])) for stream, commit in waiting)


class TooMuchTold(_Store):
    """The facts of other streams are published too."""

    seen_by = "test_the_oldest_of_each_stream_is_given"

    def unpublished(self, *, limit: int) -> tuple[Unpublished, ...]:
        by_commit = self._tables.by_commit
        given = super().unpublished(limit=limit)
        known = [(stream, done) for stream, done in given if isinstance(done, Committed)]
        return tuple((stream, by_commit[done.commit]) for stream, done in known)


class AllPublished(_Store):
    """One commit is published, and its successors with it."""

    seen_by = "test_the_next_follows_when_it_is_published"

    def published(self, stream: StreamId, commit: CommitId) -> None:  # noqa: ARG002
        for key in [key for key in self._tables.outbox if key[0] == stream]:
            super().published(*key)


class MixedHistory(_Store):
    """The history of one stream tells the facts of all."""

    seen_by = "test_history_is_told_oldest_first"

    def history(self, stream: StreamId) -> Iterator[Committed]:
        row = self._tables.streams.get(stream)
        return iter(row.commits if row is not None else ())


class HalfErased(_Store):
    """Only the last version is removed."""

    seen_by = "test_erasing_removes_all_versions"

    def erase(self, party: PartyId) -> int:
        kept = self._tables.parties[party, 1]
        count = super().erase(party)
        self._tables.parties[party, 1] = kept
        return count


class Risen(_Store):
    """A late commit brings an erased person back."""

    seen_by = "test_an_erased_version_does_not_come_back"

    class rows(MemoryRows):  # noqa: N801
        def add_party(self, party: Party) -> bool:
            self.tables.parties[party.id, party.version] = party
            return True


# --- statements ---------------------------------------------------------------------------------

STATEMENTS: Final = {
    "the bound of a promise": ("MOVE", "NOT tracked OR", "1 OR", "test_a_promise_keeps_its_bound"),
    "the queue": ("RESTLESS", "queued > 0", "0", "test_a_receipt_fills_the_queue_in_turn"),
    "the shortage": (
        "RESTLESS",
        "reserved > 0 AND",
        "0 AND",
        "test_a_lost_unit_sends_the_youngest_back_to_wait",
    ),
    "the key": (
        "IS_KNOWN",
        "key = ?2",
        "key = ?2 AND 0",
        "test_the_same_key_gets_the_first_answer",
    ),
    "the wake": (
        "CHANGE_STREAM",
        "wakes <> ?",
        "? < 0",
        "test_no_wake_is_lost_to_a_commit_in_flight",
    ),
    "the position": (
        "ADD_RESERVATION",
        "coalesce(max(position), 0) + 1",
        "1000 - count(*)",
        "test_a_receipt_fills_the_queue_in_turn",
    ),
    "the series": ("TAKE_NUMBERS", "last + excluded.last", "1", "test_numbers_have_no_gap"),
}
"""What a statement of the SQLite store forgets: its name, the text, what stands there instead."""


BROKEN: Final = sorted(_Store.__subclasses__(), key=lambda kind: kind.__name__)


def cases_of(name: str) -> Iterator[dict[str, Any]]:
    """The arguments of one contract test: all its parametrised cases, or none."""
    marks = getattr(getattr(StoreContract, name), "pytestmark", [])
    tables: list[list[dict[str, Any]]] = []
    for mark in (mark for mark in marks if mark.name == "parametrize"):
        names, values = mark.args
        names = [names] if isinstance(names, str) else list(names)
        rows = [value if len(names) > 1 else (value,) for value in values]
        tables.append([dict(zip(names, row, strict=True)) for row in rows])
    for chosen in product(*tables):
        yield {key: value for part in chosen for key, value in part.items()}


def fails(make: Callable[[], Store], name: str) -> bool:
    """Whether one contract test fails, in any of its cases, against such a store."""
    test = getattr(StoreContract(), name)
    for case in cases_of(name):
        try:
            test(store=make(), **case)
        except StoreBrokenError:
            raise  # a statement that cannot run is no planted bug
        except (AssertionError, pytest.fail.Exception, OrderCoreError, LookupError):
            return True
    return False


@pytest.mark.parametrize("broken", BROKEN, ids=lambda kind: kind.__name__)
def test_a_broken_store_is_noticed(broken: type[_Store]) -> None:
    """The contract test that speaks of it fails; against a sound store it does not."""
    name: str = vars(broken)["seen_by"]
    assert fails(broken, name)
    assert not fails(MemoryStore, name)


@pytest.mark.parametrize("forgotten", STATEMENTS)
def test_a_broken_statement_is_noticed(
    forgotten: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each condition in the SQL of a commit is one that a contract test speaks of."""
    files = count()

    def make() -> SqliteStore:
        return SqliteStore(tmp_path / f"{next(files)}.db")

    attribute, text, instead, name = STATEMENTS[forgotten]
    assert not fails(make, name)
    sound: str = getattr(sql, attribute)
    assert text in sound
    sql.restless.cache_clear()
    monkeypatch.setattr(sql, attribute, sound.replace(text, instead))
    try:
        assert fails(make, name)
    finally:
        sql.restless.cache_clear()
