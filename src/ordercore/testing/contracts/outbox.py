"""
What `Outbox` promises, as tests: every commit is published, in order for each stream.
"""

from __future__ import annotations

from typing import Final

from ordercore.ids import CommitId, StreamId
from ordercore.ports.repositories import Store
from ordercore.ports.unit_of_work import Committed
from ordercore.testing.contracts._case import StoreCase
from ordercore.testing.contracts._world import changes, note, stream_change

__all__ = ["OutboxContract"]

ONE: Final = StreamId("o-1")
TWO: Final = StreamId("o-2")


def _three(store: Store) -> None:
    """Commits c-1 of both streams, c-2 of the first, c-3 of the second."""
    store.commit(
        changes(stream_change(TWO, note("b1")), stream_change(ONE, note("a1")), commit="c-1")
    )
    store.commit(changes(stream_change(ONE, note("a2"), after=1), commit="c-2"))
    store.commit(changes(stream_change(TWO, note("b2"), after=1), commit="c-3"))


def _given(store: Store, limit: int = 100) -> list[tuple[StreamId, Committed]]:
    given = store.unpublished(limit=limit)
    return [(stream, done) for stream, done in given if isinstance(done, Committed)]


def _waiting(store: Store, limit: int = 100) -> list[tuple[StreamId, CommitId]]:
    return [(stream, done.commit) for stream, done in _given(store, limit)]


class OutboxContract(StoreCase):
    """At least once, and the next of a stream only after the one before it."""

    def test_the_oldest_of_each_stream_is_given(self, store: Store) -> None:
        """Never two of one stream, and each with the facts of that stream only."""
        _three(store)
        given = _given(store)
        assert {(ONE, CommitId("c-1")), (TWO, CommitId("c-1"))} == set(_waiting(store))
        assert {ONE: {ONE: (note("a1"),)}, TWO: {TWO: (note("b1"),)}} == {
            stream: done.events for stream, done in given
        }
        assert {ONE: {ONE: 1}, TWO: {TWO: 1}} == {stream: done.versions for stream, done in given}

    def test_the_next_follows_when_it_is_published(self, store: Store) -> None:
        """Each stream goes on by itself, until nothing waits."""
        _three(store)
        store.published(ONE, CommitId("c-1"))
        assert {(ONE, CommitId("c-2")), (TWO, CommitId("c-1"))} == set(_waiting(store))
        store.published(TWO, CommitId("c-1"))
        store.published(ONE, CommitId("c-2"))
        assert [(TWO, CommitId("c-3"))] == _waiting(store)
        store.published(TWO, CommitId("c-3"))
        assert [] == _waiting(store)

    def test_a_second_time_changes_nothing(self, store: Store) -> None:
        """Published twice, of another stream, or unknown: nothing else goes."""
        _three(store)
        for stream, commit in ((ONE, "c-1"), (ONE, "c-1"), (ONE, "c-3"), (TWO, "c-9")):
            store.published(stream, CommitId(commit))
        assert {(ONE, CommitId("c-2")), (TWO, CommitId("c-1"))} == set(_waiting(store))

    def test_a_page_begins_with_the_oldest(self, store: Store) -> None:
        """A limit takes the oldest commits first, in the order of the commits."""
        for index in range(5):
            stream = StreamId(f"o-{9 - index}")
            store.commit(changes(stream_change(stream, note()), commit=f"c-{index}"))
        assert ["c-0", "c-1", "c-2"] == [commit for _, commit in _waiting(store, 3)]
        assert [] == _waiting(store, 0)

    def test_a_commit_without_facts_is_not_published(self, store: Store) -> None:
        """There is nothing to tell."""
        store.commit(changes(stream_change(ONE), commit="c-1"))
        store.commit(changes(commit="c-2"))
        assert [] == _waiting(store)
