"""
Wrong ways to cache an order, each of which the law of snapshots must notice.

No test that replays the facts can see them: the facts are right, and what is read is not.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from attrs import evolve

from ordercore.codec.registry import EventCodec
from ordercore.errors import BrokenContractError
from ordercore.facts import Event
from ordercore.ids import StreamId
from ordercore.order import events as ev
from ordercore.order.model import Order
from ordercore.ports.unit_of_work import ChangeSet, StreamChange
from ordercore.service.engine import Engine, Intention
from ordercore.service.turn import Turn
from tests.laws.test_snapshots import LIFE, law_of_snapshots
from tests.laws.watched import in_memory
from tests.planted.test_order import Plant, counts_its_calls, fold_as

LONG = 64
"""The tail of `Settings`: no life of the other laws ever gets so long."""


def snapshot_as(make: Callable[[Turn, Order], Order | None]) -> Plant:
    """The engine writes another snapshot than the order that it has read."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        right = Engine._change

        def change(self: Engine, turn: Turn, now: datetime, intention: Intention) -> StreamChange:
            found = right(self, turn, now, intention)
            if found.snapshot is None:
                return found
            return evolve(found, snapshot=make(turn, found.snapshot))

        patch.setattr(Engine, "_change", change)

    return plant


def other_tags(_turn: Turn, order: Order) -> Order:
    return evolve(order, tags=(*order.tags, "new"))


def no_notes(_turn: Turn, order: Order) -> Order:
    return evolve(order, notes=())


def old_number(_turn: Turn, order: Order) -> Order:
    return evolve(order, version=order.version - 1)


def after_the_events(turn: Turn, _order: Order) -> Order:
    return turn.current


def none_at_all(_turn: Turn, _order: Order) -> None:
    return None


def before_the_events(patch: pytest.MonkeyPatch) -> None:
    """The snapshot of one commit is kept for the next: its facts are missing in it."""
    last: dict[StreamId, Order] = {}

    def make(turn: Turn, order: Order) -> Order:
        known = last.get(turn.stream, order)
        last[turn.stream] = order
        return known

    snapshot_as(make)(patch)


def written_as(after: Callable[[Turn, Turn], Turn]) -> Plant:
    """The engine goes on with another order than it has written."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        right = Engine._write

        async def write(self: Engine, turn: Turn, changes: ChangeSet) -> Turn:
            return after(turn, await right(self, turn, changes))

        patch.setattr(Engine, "_write", write)

    return plant


def without_numbers(turn: Turn, after: Turn) -> Turn:
    """The numbers that the store has given are not in the order in hand."""
    return evolve(after, read=turn.order, order=turn.order)


def without_the_last(turn: Turn, after: Turn) -> Turn:
    return evolve(after, read=turn.read or after.read, order=turn.read or after.order)


def whole_seconds(patch: pytest.MonkeyPatch) -> None:
    """The stored text of a fact has less in it than the fact."""
    right = EventCodec.decode

    def decode(self: EventCodec, text: str, *, stream: str | None = None) -> tuple[Event, ...]:
        found = right(self, text, stream=stream)
        return tuple(evolve(event, at=event.at.replace(microsecond=0)) for event in found)

    patch.setattr(EventCodec, "decode", decode)


def falls(tail: int) -> bool:
    """Whether the law falls for a life; what the engine itself finds counts as seen."""
    try:
        law_of_snapshots(LIFE, in_memory, tail)
    except (AssertionError, BrokenContractError):
        return True
    return False


BUGS: list[tuple[str, Plant]] = [
    ("a snapshot has a tag of its own", snapshot_as(other_tags)),
    ("a snapshot has lost the notes", snapshot_as(no_notes)),
    ("a snapshot has an old number", snapshot_as(old_number)),
    ("a snapshot is taken after the facts", snapshot_as(after_the_events)),
    ("a snapshot is a commit too old", before_the_events),
    ("a snapshot is never written", snapshot_as(none_at_all)),
    ("the numbers are not in the order in hand", written_as(without_numbers)),
    ("the order in hand stays the old one", written_as(without_the_last)),
    ("a fold remembers", fold_as(ev.OrderConfirmed, counts_its_calls)),
    ("the text of a fact is not the whole fact", whole_seconds),
]


@pytest.mark.parametrize(
    "plant", [bug[1] for bug in BUGS], ids=[bug[0].replace(" ", "-") for bug in BUGS]
)
def test_a_planted_bug_is_caught(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in what is cached or gone on with breaks the law in a life that is fine without it."""
    assert not falls(0)
    plant(monkeypatch)
    assert falls(0)


def test_a_long_tail_hides_a_wrong_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Why the law has short tails: with the usual one, a short life never has a snapshot."""
    snapshot_as(other_tags)(monkeypatch)
    assert not falls(LONG)
    assert falls(1)
