"""
The laws of snapshots: what is read back is the order that its facts make, whatever was cached.

A snapshot is written by the engine and never looked at by any test that replays the facts; so here
it is written as often as can be, and every commit is read back and folded from its stored text.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ordercore.adapters.sqlite import SqliteStore
from ordercore.codec.registry import event_codec
from ordercore.facts import Event, Report, Request
from ordercore.ids import OrderId, StreamId
from ordercore.order.decide import replay
from ordercore.order.model import Order
from ordercore.order.terms import Terms
from ordercore.payment.model import Tender
from ordercore.ports.repositories import Store
from ordercore.ports.unit_of_work import ChangeSet, StreamChange, StreamKind
from ordercore.pricing.model import DraftLine
from ordercore.service.engine import Receipt
from ordercore.service.turn import Turn
from tests.laws.order_world import CARD, Clock
from tests.laws.test_order import Step, World, facts_of, stories
from tests.laws.watched import WatchedShop, in_memory

Make = Callable[[Clock], Store]
TAILS: Final = (0, 1, 3, 9)
LIFE: list[Step] = [
    ("place", 7, 3),
    ("note", 0, 1),
    ("note", 0, 2),
    ("ship", 0, 9),
    ("refund", 0, 0),
    ("time", 1, 0),
]
"""A life with numbers, notes, labels, goods that leave and money that goes back."""


@define
class KeptShop(WatchedShop):
    """Folds every commit from its text, and compares what the store and the engine have."""

    folded: dict[StreamId, Order] = field(factory=dict[StreamId, Order])

    def shown(self, changes: ChangeSet, turn: Turn) -> None:
        committed = self.store.find_commit(changes.commit)
        assert committed is not None, "it is written"
        for change in changes.streams:
            if change.kind is StreamKind.ORDER:
                self._fold(change.stream, committed.events[change.stream])
                self._check_read(change)
        assert self.folded[turn.stream] == turn.order, "the engine goes on with what is stored"

    def _fold(self, stream: StreamId, events: tuple[Event, ...]) -> None:
        """As another process would read them, years later."""
        codec = event_codec()
        again = codec.decode(codec.encode(events))
        self.folded[stream] = replay(again, self.folded.get(stream))

    def _check_read(self, change: StreamChange) -> None:
        stored, order = self.store.load(change.stream), self.folded[change.stream]
        assert stored.version == order.version, "versions count facts"
        assert order == replay(stored.tail, stored.snapshot), "what is read is what was written"
        assert stored.snapshot_version + len(stored.tail) == stored.version, "no fact is skipped"
        if stored.snapshot is not None:
            assert stored.snapshot.version == stored.snapshot_version, "a snapshot knows its place"
        assert len(stored.tail) <= self.tail + len(change.events), "a snapshot is written in time"

    def do(self, order: OrderId, command: Request | Report) -> Receipt:
        receipt = super().do(order, command)
        assert self.folded[StreamId(order)] == receipt.order, "the answer is what is stored"
        return receipt

    def place(
        self,
        *lines: DraftLine,
        terms: Terms | None = None,
        tenders: tuple[Tender, ...] = (CARD,),
    ) -> Order:
        order = super().place(*lines, terms=terms, tenders=tenders)
        assert self.folded[order.stream] == order, "the answer is what is stored"
        return order


def law_of_snapshots(story: list[Step], make: Make, tail: int) -> None:
    """After every commit: snapshot and tail, the engine, the answer, and the facts agree."""
    shop = KeptShop(make=make, tail=tail)
    world = World(shop=shop)
    for _ in world.play(story):
        pass
    shop.rest(rounds=3)
    for name in shop.orders:
        order = shop.folded[StreamId(name)]
        assert order == shop.load(name) == replay(facts_of(shop, name)), "the whole history too"


@given(story=stories, tail=st.sampled_from(TAILS))
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_read_back_is_what_its_facts_make(story: list[Step], tail: int) -> None:
    """O-10, X-1: however short the tail, in memory."""
    law_of_snapshots(story, in_memory, tail)


@given(story=stories, tail=st.sampled_from(TAILS))
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
def test_a_file_gives_back_what_its_facts_make(story: list[Step], tail: int) -> None:
    """O-10, X-1: the same through the text of a snapshot."""
    with TemporaryDirectory() as folder:
        stores: list[SqliteStore] = []

        def in_a_file(clock: Clock) -> Store:
            stores.append(SqliteStore(Path(folder) / "orders.sqlite", clock=clock))
            return stores[-1]

        try:
            law_of_snapshots(story, in_a_file, tail)
        finally:
            for store in stores:
                store.close()
