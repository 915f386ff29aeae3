"""The order that another was made from: what it gets back, in the commit of the younger one."""

from __future__ import annotations

from datetime import datetime

from attrs import define, field

from ordercore.facts import Event
from ordercore.ids import StreamId
from ordercore.money import Money
from ordercore.order.evolve import replay
from ordercore.order.linked import passed_back
from ordercore.order.model import Order
from ordercore.ports.unit_of_work import StreamChange
from ordercore.service.effects import Load
from ordercore.service.reading import order_in
from ordercore.service.summary import summary_of

__all__ = ["Elder", "given_back"]


@define
class Elder:
    """An older order in hand: as it was read, and the facts that the next commit will write."""

    order: Order
    version: int
    wakes: int
    events: list[Event] = field(factory=list[Event])

    @property
    def stream(self) -> StreamId:
        """Its list of facts."""
        return self.order.stream

    def add(self, events: tuple[Event, ...]) -> None:
        """Fold new facts in."""
        self.order = replay(events, self.order)
        self.events.extend(events)

    def change(self, now: datetime) -> StreamChange:
        """What a commit writes of it; a worker looks at once what is due there now."""
        return StreamChange(
            stream=self.stream,
            expected_version=self.version,
            events=tuple(self.events),
            due_at=now,
            seen_wakes=self.wakes,
            summary=summary_of(self.order),
        )


async def given_back(
    elder: Elder | None, order: Order, amount: Money, now: datetime
) -> tuple[Elder | None, tuple[Event, ...]]:
    """The older order with what it gets back from *order*, and the facts of *order*."""
    if order.made_from is None:
        return elder, ()
    known = elder or await _read(StreamId(order.made_from.order))
    events, given = passed_back(order, known.order, amount, now)
    known.add(given)
    return known, events


async def _read(stream: StreamId) -> Elder:
    stored = await Load(stream)
    order = order_in(stored, stream)
    return Elder(order, order.version, stored.wakes)
