"""
What a commit does besides its facts, as tests: wakes, deadlines, numbers and unique claims.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import pytest
from attrs import evolve

from ordercore.ids import CommitId, DocumentNumber, Series, StreamId
from ordercore.ports.repositories import Store
from ordercore.ports.unit_of_work import AlreadyClaimedError, UniqueClaim
from ordercore.testing.contracts._case import StoreCase
from ordercore.testing.contracts._world import (
    NOON,
    PLACE,
    all_at_once,
    allocation,
    changes,
    note,
    numbered_streams,
    open_order,
    placed,
    received,
    reserved,
    stock_change,
    stream_change,
    summary,
)

__all__ = ["EffectsContract"]

ONE: Final = StreamId("o-1")
TWO: Final = StreamId("o-2")
THREADS: Final = 8


class EffectsContract(StoreCase):
    """No wake is lost, numbers have no gap, and what can be had once is had once."""

    # --- wakes ----------------------------------------------------------------------------------

    def test_a_wake_makes_others_due(self, store: Store) -> None:
        """A woken stream is due now and its wakes are counted; who does not exist is left out."""
        open_order(store, TWO)
        wanted = changes(stream_change(ONE, note()), commit="c-1")
        before = store.now()
        done = store.commit(evolve(wanted, wakes=(TWO, StreamId("nobody"))))
        stored = store.load(TWO)
        assert (TWO,) == done.woken
        assert 1 == stored.wakes
        assert stored.due_at is not None
        assert before <= stored.due_at <= store.now()

    @pytest.mark.parametrize(("seen", "is_due"), [(0, True), (1, False), (2, True)])
    def test_no_wake_is_lost_to_a_commit_in_flight(
        self, store: Store, seen: int, is_due: bool
    ) -> None:
        """A commit that saw an older count leaves the stream due now."""
        open_order(store, ONE)
        store.commit(evolve(changes(stream_change(TWO, note()), commit="c-2"), wakes=(ONE,)))
        later = store.now() + timedelta(days=1)
        change = evolve(stream_change(ONE, note(), after=1), seen_wakes=seen, due_at=later)
        store.commit(changes(change, commit="c-3"))
        assert _is_due(store, ONE) is is_due
        assert is_due or later == store.load(ONE).due_at

    def test_a_deadline_can_be_taken_away(self, store: Store) -> None:
        """Nothing owed: nothing due."""
        store.commit(changes(evolve(stream_change(ONE, note()), due_at=NOON), commit="c-1"))
        assert _is_due(store, ONE)
        store.commit(changes(stream_change(ONE, note(), after=1), commit="c-2"))
        assert None is store.load(ONE).due_at

    # --- numbers and claims ---------------------------------------------------------------------

    def number_of(self, series: Series, count: int) -> DocumentNumber:
        """The text of the *count*-th number of a series; override it for a form of your own."""
        return DocumentNumber(f"{series}-{count:06d}")

    def test_numbers_are_put_into_the_facts(self, store: Store) -> None:
        """Each fact gets the next number of its series, and the summary shows the order's."""
        change = evolve(stream_change(ONE, placed(ONE), placed(ONE, "INV")), summary=summary())
        done = store.commit(changes(change, commit="c-1"))
        numbers = [getattr(event, "number", None) for event in done.events[ONE]]
        expected = [self.number_of(Series("ORD"), 1), self.number_of(Series("INV"), 1)]
        assert expected == numbers
        assert done.events[ONE] == store.load(ONE).tail
        assert expected[0] == store.summaries()[0][1].number

    def test_numbers_have_no_gap(self, store: Store) -> None:
        """Many threads, some of them refused: the numbers are 1 to n all the same."""
        streams = list(numbered_streams("o", 3 * THREADS))
        open_order(store, streams[0])

        def place(index: int) -> None:
            for stream in streams[index::THREADS]:
                store.commit(changes(stream_change(stream, placed(stream)), commit=f"c {stream}"))

        _, refused = all_at_once(THREADS, place)
        assert 1 == len(refused)
        numbered = [store.find_commit(CommitId(f"c {stream}")) for stream in streams]
        numbers = sorted(
            str(getattr(done.events[stream][0], "number", ""))
            for stream, done in zip(streams, numbered, strict=True)
            if done is not None
        )
        series = Series("ORD")
        assert [self.number_of(series, 1 + index) for index in range(len(numbers))] == numbers

    def test_a_claim_is_had_once(self, store: Store) -> None:
        """The owner may claim it again, nobody else may."""
        claim = UniqueClaim("coupon", "WELCOME")
        store.commit(evolve(changes(stream_change(ONE, note()), commit="c-1"), claims=(claim,)))
        again = changes(stream_change(ONE, note(), after=1), commit="c-2")
        store.commit(evolve(again, claims=(claim,)))
        assert ONE == store.find_claim("coupon", "WELCOME")
        other = evolve(changes(stream_change(TWO, note()), commit="c-3"), claims=(claim,))
        with pytest.raises(AlreadyClaimedError):
            store.commit(other)
        store.commit(evolve(other, claims=(UniqueClaim("external", "WELCOME"),)))
        assert TWO == store.find_claim("external", "WELCOME")

    def test_of_many_claims_one_wins(self, store: Store) -> None:
        """One coupon, many orders at the same moment: exactly one has it (ABUSE 22)."""
        claim = UniqueClaim("coupon", "WELCOME")

        def place(index: int) -> None:
            wanted = changes(stream_change(StreamId(f"o-{index}"), note()), commit=f"c-{index}")
            store.commit(evolve(wanted, claims=(claim,)))

        done, refused = all_at_once(THREADS, place)
        assert (1, THREADS - 1) == (len(done), len(refused))
        assert all(isinstance(error, AlreadyClaimedError) for error in refused)
        assert 1 == len(store.streams())

    def test_commits_of_many_streams_do_not_wait_in_a_circle(self, store: Store) -> None:
        """Two streams and two places in opposite orders, in many threads: all of them commit."""
        other = evolve(PLACE, item=type(PLACE.item)("item-2"))
        store.commit(
            changes(stock_change("receipt", received(99), received(99, other)), commit="c-0")
        )

        def place(index: int) -> None:
            streams = (StreamId(f"a-{index}"), StreamId(f"b-{index}"))
            lines = (allocation(line="1"), allocation(line="2", place=other))
            flip = -1 if index % 2 else 1
            wanted = changes(
                *(stream_change(stream, reserved(stream, *lines[::flip])) for stream in streams),
                commit=f"c {index}",
            )
            store.commit(evolve(wanted, streams=wanted.streams[::flip]))

        done, refused = all_at_once(THREADS, place)
        assert (THREADS, []) == (len(done), refused)


def _is_due(store: Store, stream: StreamId) -> bool:
    due: datetime | None = store.load(stream).due_at
    return due is not None and due <= store.now()
