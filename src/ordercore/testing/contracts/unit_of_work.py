"""
What `UnitOfWork.commit` promises, as tests: all or nothing, once per key, in the right order.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest
from attrs import evolve

from ordercore.errors import InvalidValueError, OrderCoreError
from ordercore.ids import CommitId, Key, PartyId, Series, StreamId
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
from ordercore.testing.contracts._world import (
    NOON,
    all_at_once,
    allocation,
    changes,
    dump,
    note,
    open_order,
    placed,
    received,
    released,
    reserved,
    stock_change,
    stream_change,
    summary,
)
from ordercore.testing.contracts.effects import EffectsContract

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


class UnitOfWorkContract(EffectsContract):
    """Atomic, idempotent, versioned; and all that `EffectsContract` says."""

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

    def test_the_last_request_is_known(self, store: Store) -> None:
        """Reports raise the version only, requests also the version that was last asked for."""
        open_order(store, ONE)
        store.commit(
            changes(evolve(stream_change(ONE, note(), after=1), counts=True), commit="c-2")
        )
        store.commit(changes(stream_change(ONE, note(), after=2), commit="c-3"))
        stored = store.load(ONE)
        assert (3, 2) == (stored.version, stored.requested)

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
        number = getattr(done.events[ONE][0], "number", None)
        assert self.number_of(Series("ORD"), 1) == number

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
