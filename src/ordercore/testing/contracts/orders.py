"""
What `OrderRepository` promises, as tests: reading back, paging, and work that is due.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Final

import pytest
from attrs import evolve

from ordercore.ids import CommitId, Key, OrderId, StreamId
from ordercore.ports.repositories import Store, UnknownOrderError
from ordercore.ports.unit_of_work import StreamKind, UniqueClaim
from ordercore.testing.contracts._case import StoreCase
from ordercore.testing.contracts._world import (
    NOON,
    all_at_once,
    changes,
    dump,
    note,
    numbered_streams,
    open_order,
    received,
    stock_change,
    stream_change,
    summary,
)

__all__ = ["OrderRepositoryContract"]

ONE: Final = StreamId("o-1")
DAY: Final = timedelta(days=1)
STRANGE: Final = [
    "Robert'); DROP TABLE orders;--",
    "100%_",
    "../../etc/passwd",
    '"quoted"',
    "Größe ✓",
    "a" * 200,
]


def _due(store: Store, *streams: StreamId) -> None:
    """Let these streams be due since noon, one microsecond after another."""
    for index, stream in enumerate(streams):
        due_at = NOON + timedelta(microseconds=index)
        change = evolve(stream_change(stream, note()), due_at=due_at)
        store.commit(changes(change, commit=f"due {stream}"))


class OrderRepositoryContract(StoreCase):
    """Streams come back as they were written; what is due is taken once."""

    # --- reading --------------------------------------------------------------------------------

    def test_what_is_not_there_is_not_found(self, store: Store) -> None:
        """No order, no commit, no claim."""
        with pytest.raises(UnknownOrderError):
            store.load(ONE)
        assert None is store.find_key(Key("k-1"))
        assert None is store.find_commit(CommitId("c-1"))
        assert None is store.find_claim("coupon", "WELCOME")
        assert () == store.streams()
        assert () == store.summaries()
        assert [] == list(store.history(ONE))

    def test_a_stream_comes_back_as_it_stands(self, store: Store) -> None:
        """Kind, version, deadline and facts."""
        change = evolve(stock_change("receipt-1", received(5)), due_at=NOON)
        done = store.commit(changes(change, commit="c-1"))
        stored = store.load(change.stream)
        assert (change.stream, StreamKind.INVENTORY, 1) == (
            stored.stream,
            stored.kind,
            stored.version,
        )
        assert ((received(5),), None, 0) == (stored.tail, stored.snapshot, stored.snapshot_version)
        assert (NOON, done.recorded_at, 0, "") == (
            stored.due_at,
            stored.recorded_at,
            stored.attempts,
            stored.last_error,
        )

    def test_history_is_told_oldest_first(self, store: Store) -> None:
        """Each commit of the stream, with its own facts only."""
        first = open_order(store, ONE)
        wanted = changes(
            stream_change(ONE, note("a"), after=1),
            stream_change(StreamId("o-2"), note("b")),
            commit="c-2",
            key="k-2",
        )
        second = store.commit(wanted)
        third = store.commit(changes(stream_change(ONE, note("c"), after=2), commit="c-3"))
        told = list(store.history(ONE))
        expected = [first, evolve(second, events={ONE: (note("a"),)}, versions={ONE: 2}), third]
        assert expected == told

    def test_a_long_history_is_told_whole(self, store: Store) -> None:
        """However many commits there are."""
        for version in range(600):
            change = stream_change(ONE, note(str(version)), after=version)
            store.commit(changes(change, commit=f"c-{version}"))
        events = chain.from_iterable(done.events[ONE] for done in store.history(ONE))
        assert [note(str(version)) for version in range(600)] == list(events)
        assert 600 == store.load(ONE).version

    @pytest.mark.parametrize("strange", STRANGE)
    def test_strange_ids_are_only_text(self, store: Store, strange: str) -> None:
        """Quotes, wildcards and paths mean nothing (ABUSE 73)."""
        stream, neighbour = StreamId(strange), StreamId("100x_")
        open_order(store, neighbour)
        wanted = changes(stream_change(stream, note(strange)), commit=strange, key=strange)
        claim = UniqueClaim(strange, strange)
        done = store.commit(evolve(wanted, claims=(claim,), reason=strange))
        assert (note(strange),) == store.load(stream).tail
        assert done == store.find_key(Key(strange)) == store.find_commit(CommitId(strange))
        assert stream == store.find_claim(strange, strange)
        assert sorted([stream, neighbour]) == list(store.streams())
        assert (note(),) == store.load(neighbour).tail

    # --- lists ----------------------------------------------------------------------------------

    def test_streams_are_listed_a_page_at_a_time(self, store: Store) -> None:
        """In ascending order, of one kind, without a gap between pages."""
        streams = tuple(numbered_streams("o", 7))
        for stream in reversed(streams):
            open_order(store, stream)
        store.commit(changes(stock_change("receipt-1", received(1)), commit="c-1"))
        assert streams == store.streams()
        assert streams == tuple(_pages(store, 3))
        assert ("receipt-1",) == store.streams(kind=StreamKind.INVENTORY)
        assert () == store.streams(kind=StreamKind.CREDIT)
        assert () == store.streams(limit=0)

    def test_summaries_are_listed_by_status(self, store: Store) -> None:
        """The last written summary counts; a stream without one is not listed."""
        open_order(store, StreamId("o-0"))
        for index, status in enumerate(["placed", "confirmed", "placed"], start=1):
            change = evolve(stream_change(StreamId(f"o-{index}"), note()), summary=summary(status))
            store.commit(changes(change, commit=f"c-{index}"))
        change = evolve(stream_change(ONE, note(), after=1), summary=summary("cancelled"))
        store.commit(changes(change, commit="c-9"))
        store.commit(changes(stream_change(ONE, note(), after=2), commit="c-10"))
        assert [("o-1", "cancelled"), ("o-2", "confirmed"), ("o-3", "placed")] == [
            (order, columns.status) for order, columns in store.summaries()
        ]
        assert ((OrderId("o-3"), summary("placed")),) == store.summaries(status="placed")
        assert () == store.summaries(status="completed")
        assert ["o-2"] == [order for order, _ in store.summaries(after=OrderId("o-1"), limit=1)]

    # --- what is due ----------------------------------------------------------------------------

    def test_what_is_due_is_taken_oldest_first(self, store: Store) -> None:
        """Up to the limit; what is due later or never stays."""
        streams = tuple(numbered_streams("o", 4))
        _due(store, *reversed(streams))
        open_order(store, StreamId("never"))
        change = evolve(stream_change(StreamId("later"), note()), due_at=store.now() + DAY)
        store.commit(changes(change, commit="later"))
        assert streams[:1:-1] == store.take_due(limit=2, lease=DAY)
        assert streams[1::-1] == store.take_due(limit=100, lease=DAY)
        assert () == store.take_due(limit=100, lease=DAY)

    def test_a_lease_ends(self, store: Store) -> None:
        """What was taken is due again when the lease is over: recovery after a crash."""
        _due(store, ONE)
        assert (ONE,) == store.take_due(limit=1, lease=timedelta(0))
        before = store.now()
        assert (ONE,) == store.take_due(limit=1, lease=DAY)
        due_at = store.load(ONE).due_at
        assert due_at is not None
        assert before + DAY <= due_at <= store.now() + DAY

    def test_no_two_workers_take_the_same(self, store: Store) -> None:
        """Many workers at the same moment: each due stream goes to exactly one."""
        streams = tuple(numbered_streams("o", 24))
        _due(store, *streams)
        taken, refused = all_at_once(6, lambda _: store.take_due(limit=5, lease=DAY))
        rest = store.take_due(limit=100, lease=DAY)
        assert [] == refused
        assert sorted(streams) == sorted([*chain.from_iterable(taken), *rest])

    def test_a_sleep_sets_the_next_deadline(self, store: Store) -> None:
        """Where version and wakes are still the same; failures are forgotten."""
        _due(store, ONE)
        store.failed(ONE, error="boom", back_off=(DAY,))
        assert store.sleep(ONE, version=1, wakes=0, due_at=NOON)
        stored = store.load(ONE)
        assert (NOON, 0, "") == (stored.due_at, stored.attempts, stored.last_error)
        assert store.sleep(ONE, version=1, wakes=0, due_at=None)
        assert None is store.load(ONE).due_at

    @pytest.mark.parametrize(("version", "wakes"), [(0, 1), (2, 1), (1, 0), (1, 2)])
    def test_a_sleep_does_not_put_a_moved_stream_to_rest(
        self, store: Store, version: int, wakes: int
    ) -> None:
        """Another version or another count of wakes: nothing changes."""
        _due(store, ONE)
        wake = changes(stream_change(StreamId("o-2"), note()), commit="wake")
        store.commit(evolve(wake, wakes=(ONE,)))
        before = dump(store)
        assert not store.sleep(ONE, version=version, wakes=wakes, due_at=None)
        assert before == dump(store)

    def test_a_sleep_of_nobody_changes_nothing(self, store: Store) -> None:
        """There is no such stream."""
        assert not store.sleep(StreamId("nobody"), version=0, wakes=0, due_at=None)

    def test_a_sleep_that_changes_nothing_says_so_all_the_same(self, store: Store) -> None:
        """The stream has not moved on: the answer is yes."""
        _due(store, ONE)
        assert store.sleep(ONE, version=1, wakes=0, due_at=NOON)

    def test_failures_are_counted_outside_the_facts(self, store: Store) -> None:
        """Each failure waits longer, the last wait for ever; version and facts stay."""
        _due(store, ONE)
        back_off = (timedelta(minutes=1), timedelta(hours=1))
        for attempt, wait in enumerate((*back_off, back_off[-1]), start=1):
            before = store.now()
            assert attempt == store.failed(ONE, error=f"boom {attempt}", back_off=back_off)
            stored = store.load(ONE)
            assert (attempt, f"boom {attempt}") == (stored.attempts, stored.last_error)
            assert stored.due_at is not None
            assert before + wait <= stored.due_at <= store.now() + wait
        assert (1, (note(),)) == (store.load(ONE).version, store.load(ONE).tail)

    def test_what_fails_is_found_by_name(self, store: Store) -> None:
        """A page at a time, with the number and the reason; what rests again is left out."""
        streams = tuple(numbered_streams("o", 4))
        _due(store, *streams)
        assert () == store.failing()
        for stream in streams[:3]:
            store.failed(stream, error="boom", back_off=(DAY,))
        store.failed(streams[1], error="worse", back_off=(DAY,))
        store.sleep(streams[0], version=1, wakes=0, due_at=None)
        known = store.load(streams[1])
        (one,) = store.failing(limit=1)
        assert (known.stream, 2, "worse", known.due_at) == (
            one.stream,
            one.attempts,
            one.last_error,
            one.due_at,
        )
        assert [streams[2]] == [found.stream for found in store.failing(after=streams[1])]
        assert () == store.failing(after=streams[2])

    def test_a_failure_of_nobody_is_not_found(self, store: Store) -> None:
        """There is no such stream."""
        with pytest.raises(UnknownOrderError):
            store.failed(StreamId("nobody"), error="boom", back_off=(DAY,))


def _pages(store: Store, limit: int) -> Iterator[StreamId]:
    page = store.streams(limit=limit)
    while page:
        yield from page
        page = store.streams(after=page[-1], limit=limit)
