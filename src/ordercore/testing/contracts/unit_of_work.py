"""
What `UnitOfWork.commit` promises, as tests: all or nothing, once per key, in the right order.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import pytest
from attrs import evolve

from ordercore.errors import InvalidValueError, OrderCoreError
from ordercore.ids import CommitId, DocumentNumber, Key, PartyId, Series, StreamId
from ordercore.inventory.model import OutOfStockError
from ordercore.inventory.moves import ReservationChangedError
from ordercore.order.evolve import replay
from ordercore.order.party import Party
from ordercore.ports.repositories import Store, UnknownPartyError
from ordercore.ports.unit_of_work import (
    AlreadyClaimedError,
    ChangeSet,
    KeyReusedError,
    UniqueClaim,
    VersionConflictError,
)
from ordercore.testing.contracts._case import StoreCase
from ordercore.testing.contracts._world import (
    NOON,
    PLACE,
    all_at_once,
    allocation,
    changes,
    dump,
    note,
    numbered_streams,
    open_order,
    placed,
    received,
    released,
    reserved,
    stock_change,
    stream_change,
    summary,
)

__all__ = ["UnitOfWorkContract"]

ONE: Final = StreamId("o-1")
TWO: Final = StreamId("o-2")
THREADS: Final = 8


def _everything(store: Store) -> ChangeSet:
    """A change set with something of each kind, which would be accepted."""
    open_order(store, TWO)
    first = stream_change(ONE, placed(ONE), reserved(ONE))
    full = changes(
        evolve(first, due_at=NOON, summary=summary(), counts=True),
        stock_change("receipt-1", received(2)),
        commit="c-1",
        key="k-1",
    )
    return evolve(
        full,
        claims=(UniqueClaim("coupon", "WELCOME"),),
        parties=(Party(id=PartyId("p-1"), name="Ann"),),
        wakes=(TWO,),
    )


def _refused(name: str, good: ChangeSet) -> ChangeSet:
    """The same change set with one thing in it that must be refused."""
    order, receipt = good.streams
    match name:
        case "a stale version":
            return evolve(good, streams=(order, evolve(receipt, expected_version=3)))
        case "another stream of that name":
            return evolve(good, streams=(order, evolve(receipt, stream=TWO)))
        case "too much stock":
            events = (*order.events, reserved(ONE, allocation(5, line="2")))
            return evolve(good, streams=(evolve(order, events=events), receipt))
        case "stock that nobody holds":
            events = (*order.events, released(ONE, allocation(1, line="9")))
            return evolve(good, streams=(evolve(order, events=events), receipt))
        case "a claim that is taken":
            return evolve(good, claims=(*good.claims, UniqueClaim("coupon", "TAKEN")))
        case "another version of a person":
            return evolve(good, parties=(*good.parties, Party(id=PartyId("p-0"), name="Eve")))
        case "one stream twice":
            return evolve(good, streams=(order, receipt, order))
        case _:
            return evolve(good, reason="half a character: \ud800")


class UnitOfWorkContract(StoreCase):
    """Atomic, idempotent, versioned; numbers without gaps; no wake is lost."""

    # --- what is written ------------------------------------------------------------------------

    def test_a_commit_answers_what_it_wrote(self, store: Store) -> None:
        """Ids, actor, times, events and versions stand in the answer."""
        wanted = changes(stream_change(ONE, note("a"), note("b")), commit="c-1", key="k-1")
        before = store.now()
        done = store.commit(evolve(wanted, reason="why"))
        assert (wanted.commit, wanted.key, wanted.by) == (done.commit, done.key, done.by)
        assert (wanted.fingerprint, "why") == (done.fingerprint, done.reason)
        assert {ONE: (note("a"), note("b"))} == done.events
        assert {ONE: 2} == done.versions
        assert () == done.woken
        assert NOON == done.occurred_at
        assert before <= done.recorded_at <= store.now()

    def test_the_clock_is_aware_and_runs(self, store: Store) -> None:
        """The store tells UTC, and never runs backwards."""
        first, second = store.now(), store.now()
        assert timedelta(0) == first.utcoffset()
        assert first <= second

    def test_a_commit_may_hold_many_streams(self, store: Store) -> None:
        """Each stream gets its own facts and version."""
        open_order(store, TWO)
        done = store.commit(
            changes(
                stream_change(ONE, note("a")),
                stream_change(TWO, note("b"), note("c"), after=1),
                commit="c-1",
            )
        )
        assert {ONE: 1, TWO: 3} == done.versions
        assert (note("a"),) == store.load(ONE).tail
        assert (note(), note("b"), note("c")) == store.load(TWO).tail

    def test_a_commit_may_hold_no_stream(self, store: Store) -> None:
        """A person's data alone can be written, once per key."""
        wanted = evolve(changes(commit="c-1", key="k-1"), parties=(Party(id=PartyId("p-1")),))
        done = store.commit(wanted)
        assert done == store.commit(evolve(wanted, commit=CommitId("c-2")))
        assert done == store.find_key(Key("k-1")) == store.find_commit(CommitId("c-1"))
        assert Party(id=PartyId("p-1")) == store.party(PartyId("p-1"), 1)

    def test_a_commit_may_hold_no_fact(self, store: Store) -> None:
        """A new deadline alone leaves the version as it is."""
        open_order(store, ONE)
        empty = evolve(stream_change(ONE, after=1), due_at=NOON)
        store.commit(changes(empty, commit="c-2"))
        store.commit(changes(stream_change(ONE, note("b"), after=1), commit="c-3"))
        assert (2, (note(), note("b"))) == (store.load(ONE).version, store.load(ONE).tail)

    def test_only_requests_are_counted(self, store: Store) -> None:
        """Reports raise the version, requests also the count of requests."""
        open_order(store, ONE)
        store.commit(
            changes(evolve(stream_change(ONE, note(), after=1), counts=True), commit="c-2")
        )
        store.commit(changes(stream_change(ONE, note(), after=2), commit="c-3"))
        stored = store.load(ONE)
        assert (3, 1) == (stored.version, stored.requests)

    def test_a_snapshot_and_the_facts_after_it_come_back(self, store: Store) -> None:
        """The snapshot is the state at the expected version; the tail goes on from there."""
        events = (placed(ONE), note("a"))
        store.commit(changes(stream_change(ONE, *events), commit="c-1"))
        state = replay(store.load(ONE).tail)
        change = evolve(stream_change(ONE, note("b"), after=2), snapshot=state)
        store.commit(changes(change, commit="c-2"))
        stored = store.load(ONE)
        assert (state, 2) == (stored.snapshot, stored.snapshot_version)
        assert (note("b"),) == stored.tail
        assert 4 == len(tuple(store.history(ONE))) + stored.snapshot_version
        assert state.version + 1 == replay(stored.tail, stored.snapshot).version

    # --- all or nothing -------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("name", "error"),
        [
            ("a stale version", VersionConflictError),
            ("another stream of that name", OrderCoreError),
            ("too much stock", OutOfStockError),
            ("stock that nobody holds", ReservationChangedError),
            ("a claim that is taken", AlreadyClaimedError),
            ("another version of a person", VersionConflictError),
            ("one stream twice", InvalidValueError),
            ("text that cannot be stored", InvalidValueError),
        ],
    )
    def test_a_refused_commit_leaves_everything_as_it_was(
        self, store: Store, name: str, error: type[OrderCoreError]
    ) -> None:
        """Whatever is refused, a dump of the store is the same, and nothing is claimed."""
        taken = evolve(
            changes(stream_change(StreamId("o-0"), note()), commit="c-0"),
            claims=(UniqueClaim("coupon", "TAKEN"),),
            parties=(Party(id=PartyId("p-0"), name="Adam"),),
        )
        store.commit(taken)
        good = _everything(store)
        before = dump(store)
        with pytest.raises(error):
            store.commit(_refused(name, good))
        assert before == dump(store)
        assert store.find_key(Key("k-1")) is store.find_commit(CommitId("c-1")) is None
        assert None is store.find_claim("coupon", "WELCOME")
        with pytest.raises(UnknownPartyError):
            store.party(PartyId("p-1"), 1)

    def test_after_a_refusal_the_same_commit_can_be_made_right(self, store: Store) -> None:
        """Refusals are not stored: the same key and id work when nothing is wrong any more."""
        good = _everything(store)
        with pytest.raises(OutOfStockError):
            store.commit(_refused("too much stock", good))
        done = store.commit(good)
        assert done.commit == good.commit
        assert "000001" in str(getattr(done.events[ONE][0], "number", ""))

    # --- keys -----------------------------------------------------------------------------------

    def test_the_same_key_gets_the_first_answer(self, store: Store) -> None:
        """Same key and fingerprint: nothing is written, whatever else has changed since."""
        good = _everything(store)
        done = store.commit(good)
        store.commit(changes(stream_change(ONE, note("later"), after=2), commit="c-2"))
        before = dump(store)
        again = evolve(good, commit=CommitId("c-3"))
        assert done == store.commit(again) == store.commit(good)
        assert before == dump(store)

    def test_the_same_id_without_a_key_gets_the_first_answer(self, store: Store) -> None:
        """A commit that raised but succeeded is found again by its id."""
        wanted = changes(stream_change(ONE, note()), commit="c-1")
        done = store.commit(wanted)
        assert done == store.commit(wanted)
        assert done == store.find_commit(CommitId("c-1"))
        assert 1 == store.load(ONE).version

    @pytest.mark.parametrize(
        ("commit", "key", "fingerprint"),
        [
            ("c-1", "k-1", "other"),
            ("c-2", "k-1", "other"),
            ("c-1", "k-2", "same"),
            ("c-1", None, "same"),
        ],
    )
    def test_a_key_or_id_of_another_command_is_refused(
        self, store: Store, commit: str, key: str | None, fingerprint: str
    ) -> None:
        """Same key or id, other body: refused before anything else is looked at."""
        wanted = changes(stream_change(ONE, note()), commit="c-1", key="k-1")
        store.commit(evolve(wanted, fingerprint="same"))
        before = dump(store)
        other = evolve(
            wanted,
            commit=CommitId(commit),
            key=None if key is None else Key(key),
            fingerprint=fingerprint,
        )
        with pytest.raises(KeyReusedError):
            store.commit(other)
        assert before == dump(store)

    def test_a_commit_is_found_by_its_key_and_id(self, store: Store) -> None:
        """What `find_key` and `find_commit` answer is what the commit answered."""
        done = store.commit(_everything(store))
        assert done == store.find_key(Key("k-1")) == store.find_commit(CommitId("c-1"))
        assert store.find_key(Key("k-2")) is store.find_commit(CommitId("c-2")) is None

    def test_one_key_in_many_threads_is_written_once(self, store: Store) -> None:
        """All get the answer of the one that was first."""
        wanted = changes(stream_change(ONE, note()), commit="c-0", key="k-1")
        done, refused = all_at_once(
            THREADS, lambda index: store.commit(evolve(wanted, commit=CommitId(f"c-{index}")))
        )
        assert [] == refused
        assert 1 == len({answer.commit for answer in done})
        assert 1 == store.load(ONE).version

    # --- versions -------------------------------------------------------------------------------

    @pytest.mark.parametrize(("existing", "expected"), [(0, 1), (1, 0), (2, 1), (2, 3)])
    def test_a_stale_version_is_refused(self, store: Store, existing: int, expected: int) -> None:
        """The error tells where the stream really stands."""
        if existing:
            open_order(store, ONE, *[note()] * existing)
        with pytest.raises(VersionConflictError) as caught:
            store.commit(changes(stream_change(ONE, note(), after=expected), commit="c-9"))
        facts = caught.value
        assert (ONE, expected, existing) == (facts.stream, facts.expected, facts.actual)

    def test_of_many_at_one_version_one_wins(self, store: Store) -> None:
        """Writers that saw the same version: exactly one commits, the others conflict."""
        open_order(store, ONE)
        done, refused = all_at_once(
            THREADS,
            lambda index: store.commit(
                changes(stream_change(ONE, note(str(index)), after=1), commit=f"c-{index}")
            ),
        )
        assert (1, THREADS - 1) == (len(done), len(refused))
        assert all(isinstance(error, VersionConflictError) for error in refused)
        assert 2 == store.load(ONE).version

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
